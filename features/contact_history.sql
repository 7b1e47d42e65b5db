WITH dated AS (
  SELECT contacts.*, date_diff('day', contacted_at::DATE, as_of_date) AS age_days
  FROM contacts CROSS JOIN clock
)
SELECT
  customer_id,
  count(*) FILTER (WHERE age_days < 30) AS contacts_30_days,
  count(*) FILTER (WHERE age_days < 90) AS contacts_90_days,
  count(*) FILTER (WHERE age_days < 180) AS contacts_180_days,
  count(*) FILTER (WHERE outcome = 'accepted') AS contacts_accepted,
  count(*) FILTER (WHERE outcome = 'declined') AS contacts_declined,
  count(*) FILTER (WHERE outcome = 'postponed') AS contacts_postponed,
  count(*) FILTER (WHERE outcome = 'unreachable') AS contacts_unreachable,
  min(age_days) AS days_since_contact,
  max_by(outcome, (contacted_at, contact_id)) AS last_outcome,
  max_by(channel, (contacted_at, contact_id)) AS last_channel
FROM dated
GROUP BY customer_id
