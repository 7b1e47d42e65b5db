-- A line with {column} is repeated for each number in the bank's activity table.
WITH newest AS (SELECT max(month_date) AS month_date FROM activity),
now AS (
  SELECT activity.* FROM activity JOIN newest USING (month_date)
),
earlier AS (
  SELECT activity.* FROM activity JOIN newest
  ON date_trunc('month', activity.month_date) = date_trunc('month', newest.month_date) - INTERVAL 3 MONTH
)
SELECT
  now.customer_id
  , now."{column}" AS "activity_{column}"
  , now."{column}" - earlier."{column}" AS "activity_{column}_change_3"
FROM now
LEFT JOIN earlier USING (customer_id)
