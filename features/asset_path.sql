-- How the assets moved, in logarithms: the same share counts the same at every size.
WITH path AS (
  SELECT
    customer_id,
    max(ln(aum_amount::DOUBLE)) FILTER (WHERE lag = 1) AS log_1,
    max(ln(aum_amount::DOUBLE)) FILTER (WHERE lag = 2) AS log_2,
    max(ln(aum_amount::DOUBLE)) FILTER (WHERE lag = 3) AS log_3,
    max(ln(aum_amount::DOUBLE)) FILTER (WHERE lag = 4) AS log_4,
    max(ln(aum_amount::DOUBLE)) FILTER (WHERE lag = 5) AS log_5,
    max(ln(aum_amount::DOUBLE)) FILTER (WHERE lag = 6) AS log_6,
    avg(ln(aum_amount::DOUBLE)) AS log_mean,
    max(ln(aum_amount::DOUBLE)) AS log_peak
  FROM customers
  JOIN snapshots USING (snapshot_date)
  WHERE lag <= 12 AND aum_amount > 0
  GROUP BY customer_id
),
now AS (
  SELECT customer_id, ln(aum_amount::DOUBLE) AS log_0 FROM customers_now WHERE aum_amount > 0
)
SELECT
  customer_id,
  log_0 - log_1 AS aum_log_change_1,
  log_0 - log_3 AS aum_log_change_3,
  log_0 - log_6 AS aum_log_change_6,
  list_stddev_samp(
    [log_0 - log_1, log_1 - log_2, log_2 - log_3, log_3 - log_4, log_4 - log_5, log_5 - log_6]
  ) AS aum_volatility_6,
  log_0 - log_mean AS aum_to_mean_12,
  log_peak - log_0 AS aum_drawdown_12
FROM now
JOIN path USING (customer_id)
