-- A line with {column} is repeated for each category of its own that the bank has.
WITH previous AS (
  SELECT customers.* FROM customers JOIN snapshots USING (snapshot_date) WHERE lag = 1
)
SELECT
  now.customer_id
  , now."{column}" AS "{column}"
  , (now."{column}" <> previous."{column}")::INTEGER AS "{column}_changed"
FROM customers_now AS now
LEFT JOIN previous USING (customer_id)
