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
        said = f"openings_{language}"  # a release of an earlier version has none
        openings = self._frame[said][row] if said in self._frame.columns else [""] * len(codes)
        spoken = zip(codes, texts, openings, strict=True)
        reasons = [Reason(code, text, opening=opening) for code, text, opening in spoken]
        return reasons, Reason("caution", caution) if caution else None
