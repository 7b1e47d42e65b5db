-- A line with {column} is repeated for each amount in the bank's activity table.
WITH recent AS (
  SELECT activity.*, max(month_date) OVER (PARTITION BY customer_id) AS newest_date
  FROM activity CROSS JOIN clock
  WHERE month_date > as_of_date - INTERVAL 3 MONTH
)
SELECT
  recent.customer_id
  , recent."{column}"::DOUBLE / nullif(now.aum_amount::DOUBLE, 0) AS "activity_{column}_to_aum"
FROM recent
JOIN customers_now AS now USING (customer_id)
WHERE month_date = newest_date
