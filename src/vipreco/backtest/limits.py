"""Limit of the customers who are judged, apart from what judges them: recipes are read in a moment."""

from typing import Final

MAX_CUSTOMERS: Final = 300_000
"""At a date, by default; what it takes is in docs/sizing.md."""
