WITH past AS (
  SELECT
    customer_id,
    max(tier) FILTER (WHERE lag = 1) AS tier_1,
    max(aum_amount) FILTER (WHERE lag = 1) AS aum_1,
    max(aum_amount) FILTER (WHERE lag = 3) AS aum_3,
    max(aum_amount) AS aum_max,
    count(DISTINCT tier) AS tiers
  FROM customers
  JOIN snapshots USING (snapshot_date)
  WHERE lag <= 5
  GROUP BY customer_id
)
SELECT
  now.customer_id,
  now.tier AS tier,
  tier_1 AS tier_previous,
  (now.tier <> tier_1)::INTEGER AS tier_changed,
  tiers AS tiers_recent,
  now.risk_level AS risk_level,
  now.branch_id AS branch,
  date_diff('day', now.risk_assessed_date, as_of_date) / 30.4375 AS months_since_risk_assessed,
  date_diff('day', now.birth_date, as_of_date) / 365.25 AS age,
  date_diff('day', now.joined_date, as_of_date) / 30.4375 AS months_since_joined,
  now.aum_amount AS aum,
  sign(now.aum_amount::DOUBLE) * ln(1 + abs(now.aum_amount::DOUBLE)) AS aum_log,
  now.aum_amount - aum_1 AS aum_change_1,
  now.aum_amount - aum_3 AS aum_change_3,
  now.aum_amount / nullif(aum_max, 0) AS aum_to_peak
FROM customers_now AS now
CROSS JOIN clock
LEFT JOIN past USING (customer_id)
