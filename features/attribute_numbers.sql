-- A line with {column} is repeated for each number and flag of its own that the bank has.
WITH previous AS (
  SELECT customers.* FROM customers JOIN snapshots USING (snapshot_date) WHERE lag = 1
)
SELECT
  now.customer_id
  , now."{column}"::DOUBLE AS "{column}"
  , now."{column}"::DOUBLE - previous."{column}"::DOUBLE AS "{column}_change"
FROM customers_now AS now
LEFT JOIN previous USING (customer_id)
