-- How far the assets are from the line of the customer's own tier, and from that of the next higher one.
WITH steps AS (
  SELECT own.tier, own.tier_rank, own.from_amount, min(higher.from_amount) AS next_amount
  FROM tier_lines AS own
  LEFT JOIN tier_lines AS higher ON higher.tier_rank > own.tier_rank
  GROUP BY own.tier, own.tier_rank, own.from_amount
)
SELECT
  customer_id,
  tier_rank,
  aum_amount::DOUBLE - from_amount AS own_line_amount,
  ln(nullif(greatest(aum_amount::DOUBLE, 0), 0)) - ln(nullif(from_amount, 0)) AS own_line_log,
  next_amount - aum_amount::DOUBLE AS next_line_amount,
  ln(nullif(next_amount, 0)) - ln(nullif(greatest(aum_amount::DOUBLE, 0), 0)) AS next_line_log
FROM customers_now
JOIN steps USING (tier)
