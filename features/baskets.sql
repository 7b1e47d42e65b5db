-- The whole state of a customer as one category: the ids of the products held, in order.
WITH states AS (
  SELECT
    customer_id,
    string_agg(product_id, ' ' ORDER BY product_id) FILTER (WHERE states & 1 = 1) AS basket,
    string_agg(product_id, ' ' ORDER BY product_id) FILTER (WHERE states >> 1 & 1 = 1) AS basket_previous,
    count(DISTINCT family) FILTER (WHERE states & 1 = 1) AS families,
    bit_xor(hash(product_id)) FILTER (WHERE states & 1 = 1) AS lag_0,
    bit_xor(hash(product_id)) FILTER (WHERE states >> 1 & 1 = 1) AS lag_1,
    bit_xor(hash(product_id)) FILTER (WHERE states >> 2 & 1 = 1) AS lag_2,
    bit_xor(hash(product_id)) FILTER (WHERE states >> 3 & 1 = 1) AS lag_3,
    bit_xor(hash(product_id)) FILTER (WHERE states >> 4 & 1 = 1) AS lag_4
  FROM holding_states
  LEFT JOIN products USING (product_id)
  GROUP BY customer_id
)
SELECT
  customer_id,
  basket,
  basket_previous,
  families,
  (lag_0 IS DISTINCT FROM lag_1)::INTEGER + (lag_1 IS DISTINCT FROM lag_2)::INTEGER
    + (lag_2 IS DISTINCT FROM lag_3)::INTEGER + (lag_3 IS DISTINCT FROM lag_4)::INTEGER AS basket_changes
FROM states
