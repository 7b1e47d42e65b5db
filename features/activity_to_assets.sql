-- A line with {column} is repeated for each amount in the bank's activity table.
WITH newest AS (
  SELECT customer_id, max(month_date) AS month_date
  FROM activity CROSS JOIN clock
  WHERE month_date > as_of_date - INTERVAL 3 MONTH
  GROUP BY customer_id
)
SELECT
  now.customer_id
  , activity."{column}"::DOUBLE / nullif(now.aum_amount::DOUBLE, 0) AS "activity_{column}_to_aum"
FROM newest
JOIN activity USING (customer_id, month_date)
JOIN customers_now AS now USING (customer_id)
