-- One row a customer ever observed. Bit k of `seen` says whether the snapshot of lag k has the customer.
SELECT
  customer_id,
  bit_or(CASE WHEN lag < 24 THEN 1::BIGINT << lag ELSE 0 END) AS seen,
  max(lag) AS first_lag
FROM observations
JOIN snapshots USING (snapshot_date)
GROUP BY customer_id
