"""The one time door over the imported tables: `as_of` cuts time, `acquisitions` gives labels."""

from vipreco.history.asof import AsOf
from vipreco.history.calendar import add_months, window
from vipreco.history.history import History
from vipreco.history.labels import Labels
from vipreco.history.records import Records, small_history
from vipreco.history.relationship import RelationshipLabels
from vipreco.history.scramble import scrambled_future

__all__ = [
    "AsOf",
    "History",
    "Labels",
    "Records",
    "RelationshipLabels",
    "add_months",
    "scrambled_future",
    "small_history",
    "window",
]
