-- A line with {column} is repeated for each number in the bank's activity table.
-- What happens once (a complaint, a large transfer) is seen for three months.
SELECT
  customer_id
  , max("{column}") AS "activity_{column}_highest_3"
FROM activity
CROSS JOIN clock
WHERE date_trunc('month', month_date) > date_trunc('month', as_of_date) - INTERVAL 3 MONTH
GROUP BY customer_id
