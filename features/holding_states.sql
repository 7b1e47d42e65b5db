-- One row a customer and product ever held. Bit k of `states` says whether it was held at lag k:
-- lag 0 is the as-of date, lag 1 the snapshot before the newest, and so on, 24 lags at most.
WITH recent AS (
  SELECT lag, CASE WHEN lag = 0 THEN clock.as_of_date ELSE snapshots.snapshot_date END AS day
  FROM snapshots, clock
  WHERE lag < 24
),
days AS (
  SELECT opened_date AS day FROM holdings
  UNION
  SELECT closed_date FROM holdings WHERE closed_date IS NOT NULL
),
-- The lags on or after a day are 0 .. count - 1: the newest have the small numbers.
positions AS (
  SELECT days.day, count(recent.lag) AS lags
  FROM days LEFT JOIN recent ON recent.day >= days.day
  GROUP BY days.day
)
SELECT
  customer_id,
  product_id,
  bit_or((1::BIGINT << opened.lags) - (1::BIGINT << coalesce(closed.lags, 0))) AS states,
  min(opened_date) AS first_opened_date,
  max(opened_date) AS last_opened_date,
  CASE WHEN count(*) > count(closed_date) THEN NULL ELSE max(closed_date) END AS left_date,
  max(balance_amount) FILTER (WHERE closed_date IS NULL) AS balance_amount
FROM holdings
JOIN positions AS opened ON holdings.opened_date = opened.day
LEFT JOIN positions AS closed ON holdings.closed_date = closed.day
GROUP BY customer_id, product_id
