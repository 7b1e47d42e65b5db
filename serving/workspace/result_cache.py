"""Results that hold until something changes: a day is planned once and shown often."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from serving.http.app_state import AppState

# Processor time that each kept result saves, for a book of 262 customers: a planned day 0.23 s, a list with
# reasons and this week 0.2 s; the day of a customer who was called today is decided anew in 0.1 s.
MAX_DAYS, MAX_LISTS, MAX_SHEETS, MAX_DECISIONS = 16, 32, 64, 1_000
Made = TypeVar("Made")


class ResultCache:
    """Keeps the newest results of one kind in this process; another release forgets those before.

    Args:
        most: Maximum number of results.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._owner: object = None
        self._found: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, owner: object, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return the result of a key, made where it is not kept.

        Args:
            owner: Source of the results; those of another one are dropped.
            key: Everything that the result depends on.
            make: Makes it.
        """
        with self._lock:
            if self._owner is not owner:
                self._owner = owner
                self._found.clear()
            if key in self._found:
                self._found.move_to_end(key)
                found: Made = self._found[key]
                return found
        made = make()
        with self._lock:
            if self._owner is owner:
                self._found[key] = made
            while len(self._found) > self.most:
                self._found.popitem(last=False)
        return made


def days_of(state: AppState) -> ResultCache:
    """Return the planned days of this process."""
    return _of(state, "days", MAX_DAYS)


def lists_of(state: AppState) -> ResultCache:
    """Return the call lists of this process as they were shown."""
    return _of(state, "lists", MAX_LISTS)


def sheets_of(state: AppState) -> ResultCache:
    """Return the days of single customers of this process."""
    return _of(state, "sheets", MAX_SHEETS)


def decisions_of(state: AppState) -> ResultCache:
    """Return the ids of the lists and sheets of this process that are kept in the decision log."""
    return _of(state, "decisions", MAX_DECISIONS)


def alone(state: AppState) -> threading.Lock:
    """Return the lock around queries of a kept day: its connection is for one thread at a time."""
    found: threading.Lock = state.pages.setdefault("alone", threading.Lock())
    return found


def _of(state: AppState, name: str, most: int) -> ResultCache:
    found: ResultCache = state.pages.setdefault(name, ResultCache(most))
    return found
