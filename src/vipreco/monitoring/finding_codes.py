"""The codes of monitoring, by the order of evidence; each has a section in docs/monitoring.md."""

from __future__ import annotations

from typing import Final

PAGE: Final = "docs/monitoring.md"

CALIBRATION_LEVEL, CALIBRATION_GROUP = "calibration-level", "calibration-group"
CALIBRATION_SUM, RANKING_FELL, NO_LABELS = "calibration-sum", "ranking-fell", "labels-missing"
OUTCOMES_MOVED, SCORES_MOVED, INPUT_MOVED = "outcomes-moved", "scores-moved", "input-moved"
FEED_BROKEN, FEED_MISSING, FEED_CONSTANT = "feed-broken", "feed-missing", "feed-constant"
CUSTOMERS_GONE, OFFERS_MOVED, RULES_MOVED = "customers-gone", "offers-moved", "rules-moved"
TABLES_STALE, MODEL_OLD, EFFECTS_ASSUMED = "tables-stale", "model-old", "effects-assumed"
SERVICE_REFUSED = "service-refused"

CODES: Final = (
    CALIBRATION_LEVEL,
    CALIBRATION_GROUP,
    CALIBRATION_SUM,
    RANKING_FELL,
    OUTCOMES_MOVED,
    SCORES_MOVED,
    INPUT_MOVED,
    FEED_BROKEN,
    FEED_MISSING,
    FEED_CONSTANT,
    CUSTOMERS_GONE,
    OFFERS_MOVED,
    RULES_MOVED,
    SERVICE_REFUSED,
    TABLES_STALE,
    MODEL_OLD,
    EFFECTS_ASSUMED,
    NO_LABELS,
)
"""Strongest evidence first: labels, outcomes, scores, input; then offers and the state of the system."""
FEEDS: Final = frozenset({FEED_BROKEN, FEED_MISSING, FEED_CONSTANT})
WITHOUT_LABELS: Final = FEEDS | {SCORES_MOVED, INPUT_MOVED, OFFERS_MOVED, RULES_MOVED, NO_LABELS}
"""Estimates without labels: they say nothing of whether the chances are still right."""
ASSUMPTION: Final = "assumes no concept drift"
