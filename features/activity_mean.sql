-- A line with {column} is repeated for each number in the bank's activity table.
-- One month is mostly chance; what a customer is like shows in the mean of many, what is new in that of a few.
WITH recent AS (
  SELECT activity.*, date_diff('month', month_date, as_of_date) AS months_ago
  FROM activity CROSS JOIN clock
)
SELECT
  customer_id
  , avg("{column}") AS "activity_{column}_mean_12"
  , avg("{column}") FILTER (WHERE months_ago < 3) AS "activity_{column}_mean_3"
FROM recent
WHERE months_ago < 12
GROUP BY customer_id
