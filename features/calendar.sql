-- Seasonality: the month in which an acquisition would fall.
SELECT customer_id, month(as_of_date + INTERVAL 1 MONTH) AS window_month
FROM population
CROSS JOIN clock
