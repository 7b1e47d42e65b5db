WITH dated AS (
  SELECT contacts.*, date_diff('day', contacted_at::DATE, as_of_date) AS age_days
  FROM contacts CROSS JOIN clock
)
SELECT
  customer_id,
  product_id,
  count(*) FILTER (WHERE age_days < 180) AS offered_180_days,
  count(*) FILTER (WHERE outcome = 'declined') AS times_declined,
  min(age_days) AS days_since_offered
FROM dated
WHERE product_id IS NOT NULL
GROUP BY customer_id, product_id
