-- A line with {column} is repeated for each date of its own that the bank has.
SELECT
  customer_id
  , date_diff('day', "{column}", as_of_date) / 30.4375 AS "{column}_months_since"
FROM customers_now
CROSS JOIN clock
