"""Holdings of all customers at the dates of a panel, by part: collaborative filtering learns from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative import UNKNOWN_SEGMENT, HoldingState, customer_ids, holding_state
from vipreco.recommender.panels import Arrays, Panel

FLAGS = ("held", "held_before")


@dataclass(frozen=True)
class HoldingFlags:
    """Holdings at each date of a panel, eight to a byte: a `Work`.

    Args:
        product_ids: The columns.
        segments: Tiers in the order of their codes.
    """

    product_ids: tuple[str, ...]
    segments: tuple[str, ...]

    def arrays(self, panel: Panel) -> Arrays:
        """Return ids, flags and segments of the customers of each date."""
        found: dict[str, NDArray[Any]] = {}
        for place, view in enumerate(panel.views()):
            state = holding_state(view, self.product_ids, self.segments)
            found[f"{place}.ids"] = customer_ids(view)
            found[f"{place}.segments"] = state.segments
            found |= {f"{place}.{name}": np.packbits(getattr(state, name), axis=1) for name in FLAGS}
        return found

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"product_ids": list(self.product_ids), "segments": list(self.segments)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the work of a `record`."""
        return cls(tuple(record["product_ids"]), tuple(record["segments"]))


@dataclass(frozen=True)
class HoldingStates:
    """The state of each date of a panel; one at a time is in memory as flags of a byte each."""

    work: HoldingFlags
    parts: Sequence[Arrays]

    def at(self, place: int) -> HoldingState:
        """Return the holdings of all customers at the date of a place, ordered by id."""
        columns = len(self.work.product_ids)
        order = np.argsort(np.concatenate([part[f"{place}.ids"] for part in self.parts]), kind="stable")
        held, before = (
            np.concatenate(
                [np.unpackbits(part[f"{place}.{name}"], axis=1, count=columns) for part in self.parts]
            )[order].astype(bool)
            for name in FLAGS
        )
        segments = np.concatenate([part[f"{place}.segments"] for part in self.parts])[order]
        return HoldingState(held, before, segments, self.work.product_ids)

    def ever(self, place: int) -> HoldingState:
        """Return the same with everything that was ever held as held, of unknown segments."""
        now = self.at(place)
        held, nothing = now.held | now.held_before, np.zeros_like(now.held)
        return HoldingState(held, nothing, np.full_like(now.segments, UNKNOWN_SEGMENT), now.product_ids)


def newest_holdings(panel: Panel, work: HoldingFlags) -> HoldingState:
    """Return the holdings of the customers of a panel at its newest date, ordered by id."""
    with replace(panel, as_of=panel.as_of[-1:]).found(work) as parts:
        return HoldingStates(work, parts).at(0)


@contextmanager
def holding_states(panel: Panel, work: HoldingFlags) -> Iterator[HoldingStates]:
    """Give the states of all customers of the history of a panel, whoever of them is learnt from."""
    with replace(panel, customers=None).found(work) as parts:
        yield HoldingStates(work, parts)
