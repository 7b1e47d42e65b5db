"""The reasons that the nightly build wrote, of VIP customers alone."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import polars as pl

from vipreco.columns import CUSTOMER_ID, PRODUCT_ID
from vipreco.explanations import Reason
from vipreco.policy import Language

Pair: TypeAlias = tuple[str, str]
OfferExplanation: TypeAlias = tuple[list[Reason], Reason | None]


class NightlyReasons:
    """The reasons that the nightly build wrote, by customer and product; the file is mapped, not read."""

    def __init__(self, path: Path) -> None:
        frame = pl.read_ipc(path)
        pairs = zip(frame[CUSTOMER_ID].to_list(), frame[PRODUCT_ID].to_list(), strict=True)
        self._frame, self._rows = frame, {pair: row for row, pair in enumerate(pairs)}

    def explanation(self, pair: Pair, language: Language) -> OfferExplanation | None:
        """Return reasons and caution of an offer; None where the build wrote none."""
        row = self._rows.get(pair)
        if row is None:
            return None
        columns = ("codes", f"reasons_{language}", f"caution_{language}")
        codes, texts, caution = (self._frame[name][row] for name in columns)
        reasons = [Reason(code, text) for code, text in zip(codes, texts, strict=True)]
        return reasons, Reason("caution", caution) if caution else None
