SELECT
  customer_id,
  count(*) FILTER (WHERE states & 1 = 1) AS products_lag_0,
  count(*) FILTER (WHERE states >> 1 & 1 = 1) AS products_lag_1,
  count(*) FILTER (WHERE states >> 2 & 1 = 1) AS products_lag_2,
  count(*) FILTER (WHERE states >> 3 & 1 = 1) AS products_lag_3,
  count(*) FILTER (WHERE states >> 4 & 1 = 1) AS products_lag_4,
  count(*) FILTER (WHERE gains & 1 = 1) AS gained_last,
  count(*) FILTER (WHERE losses & 1 = 1) AS dropped_last,
  sum(bit_count(gains)) AS gained_total,
  sum(bit_count(losses)) AS dropped_total,
  count(*) AS products_ever,
  count(*) FILTER (WHERE states & 1 = 0) AS products_left,
  min(CASE WHEN gains <> 0 THEN bit_count((gains & -gains) - 1) END) AS snapshots_since_any_gained,
  min(CASE WHEN losses <> 0 THEN bit_count((losses & -losses) - 1) END) AS snapshots_since_any_dropped,
  sum(balance_amount) AS balance_total
FROM holding_changes
GROUP BY customer_id
