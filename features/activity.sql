-- A line with {column} is repeated for each number in the bank's activity table.
-- The newest month is the customer's own, three months old at most: the answer must not depend on others.
WITH recent AS (
  SELECT activity.*, max(month_date) OVER (PARTITION BY customer_id) AS newest_date
  FROM activity CROSS JOIN clock
  WHERE month_date > as_of_date - INTERVAL 7 MONTH
),
now AS (
  SELECT recent.* FROM recent CROSS JOIN clock
  WHERE month_date = newest_date AND month_date > as_of_date - INTERVAL 3 MONTH
),
earlier AS (
  SELECT * FROM recent
  WHERE date_trunc('month', month_date) = date_trunc('month', newest_date) - INTERVAL 3 MONTH
)
SELECT
  now.customer_id
  , now."{column}" AS "activity_{column}"
  , now."{column}" - earlier."{column}" AS "activity_{column}_change_3"
FROM now
LEFT JOIN earlier USING (customer_id)
