-- The whole state of a customer as one category: the ids of the products held, in order.
-- States repeat (some ten thousand in a million customers), so each is spelled once, from one customer's holdings.
WITH states AS (
  SELECT
    customer_id,
    bit_xor(hash(product_id)) FILTER (WHERE states & 1 = 1) AS lag_0,
    bit_xor(hash(product_id)) FILTER (WHERE states >> 1 & 1 = 1) AS lag_1,
    bit_xor(hash(product_id)) FILTER (WHERE states >> 2 & 1 = 1) AS lag_2,
    bit_xor(hash(product_id)) FILTER (WHERE states >> 3 & 1 = 1) AS lag_3,
    bit_xor(hash(product_id)) FILTER (WHERE states >> 4 & 1 = 1) AS lag_4
  FROM holding_states
  GROUP BY customer_id
),
examples AS (
  SELECT 0 AS lag, lag_0 AS state, min(customer_id) AS customer_id FROM states GROUP BY lag_0
  UNION ALL
  SELECT 1 AS lag, lag_1 AS state, min(customer_id) AS customer_id FROM states GROUP BY lag_1
),
spelled AS (
  SELECT
    lag,
    state,
    string_agg(product_id, ' ' ORDER BY product_id) AS basket,
    count(DISTINCT family) AS families
  FROM examples
  JOIN holding_states USING (customer_id)
  LEFT JOIN products USING (product_id)
  WHERE (states >> lag) & 1 = 1
  GROUP BY lag, state
)
SELECT
  states.customer_id,
  now.basket,
  previous.basket AS basket_previous,
  now.families,
  (lag_0 IS DISTINCT FROM lag_1)::INTEGER + (lag_1 IS DISTINCT FROM lag_2)::INTEGER
    + (lag_2 IS DISTINCT FROM lag_3)::INTEGER + (lag_3 IS DISTINCT FROM lag_4)::INTEGER AS basket_changes
FROM states
LEFT JOIN spelled AS now ON now.lag = 0 AND now.state = lag_0
LEFT JOIN spelled AS previous ON previous.lag = 1 AND previous.state = lag_1
