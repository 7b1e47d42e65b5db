SELECT
  customer_id,
  bit_count(seen) AS snapshots_seen,
  first_lag AS snapshots_since_first_seen,
  least(first_lag + 1, 24) - bit_count(seen) AS snapshots_missed,
  seen >> 1 & 1 AS seen_previous
FROM presence
