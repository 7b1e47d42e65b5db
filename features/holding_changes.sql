-- Gains, losses and stays between neighbouring lags: bit k is the step from lag k + 1 to lag k.
-- What was held at the oldest snapshot was not gained there: nobody knows since when it is held.
WITH steps AS (
  SELECT (1::BIGINT << greatest(least(count(*), 24) - 1, 0)) - 1 AS known FROM snapshots
)
SELECT
  holding_states.*,
  states & ~(states >> 1) & known AS gains,
  ~states & (states >> 1) & known AS losses,
  states & (states >> 1) & known AS stays
FROM holding_states, steps
