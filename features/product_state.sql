SELECT
  customer_id,
  product_id,
  states & 1 AS held_lag_0,
  states >> 1 & 1 AS held_lag_1,
  states >> 2 & 1 AS held_lag_2,
  states >> 3 & 1 AS held_lag_3,
  states >> 4 & 1 AS held_lag_4,
  CASE WHEN gains <> 0 THEN bit_count((gains & -gains) - 1) END AS snapshots_since_gained,
  CASE WHEN losses <> 0 THEN bit_count((losses & -losses) - 1) END AS snapshots_since_dropped,
  bit_count(gains) AS times_gained,
  bit_count(losses) AS times_dropped,
  bit_count(stays) AS times_kept,
  bit_count(states) AS snapshots_held,
  bit_count(states) / greatest(bit_count(coalesce(seen, 0)), 1) AS held_rate,
  1 - (states & 1) AS held_before,
  gains >> 11 & 1 AS gained_year_ago,
  date_diff('day', first_opened_date, as_of_date) / 30.4375 AS months_since_first_opened,
  date_diff('day', left_date, as_of_date) / 30.4375 AS months_since_left,
  balance_amount AS balance
FROM holding_changes
CROSS JOIN clock
LEFT JOIN presence USING (customer_id)
