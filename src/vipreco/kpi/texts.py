"""Words around the figures, in English and Chinese."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from vipreco.kpi.definitions import Figure, Shows
from vipreco.kpi.rows import FigureRows
from vipreco.lists import Texts, Wording, read_texts

BLOCKS = "▁▂▃▄▅▆▇█"


@cache
def kpi_texts() -> Texts:
    """Return the words around the figures, to be given to `Wording`."""
    return read_texts((files("vipreco.kpi") / "texts.toml").read_text(encoding="utf-8"))


def number_text(value: float | None, shows: Shows, say: Wording) -> str:
    """Return the number of a figure as a reader has it.

    >>> say = Wording("en", kpi_texts(), "CNY")
    >>> [number_text(1234.5, shows, say) for shows in ("customers", "amount", "mean", "expected")]
    ['1,234', 'CNY 1,234', '1234.50', '1234.5']
    >>> number_text(0.125, "rate", say), number_text(None, "rate", say)
    ('12.5%', '')
    """
    if value is None:
        return ""
    if shows == Shows.AMOUNT:
        return say.amount(value)
    forms = {Shows.RATE: f"{value:.1%}", Shows.MEAN: f"{value:.2f}", Shows.EXPECTED: f"{value:,.1f}"}
    return forms.get(Shows(shows), f"{value:,.0f}")


def part_text(rows: FigureRows, figure: Figure, part: str | None, say: Wording) -> str:
    """Return the part of a row in words: a product by its name, a reason by what its rule is about."""
    if part is None:
        return ""
    if figure.columns.part == "product_id":
        return rows.product_names.get(part, part)
    if figure.columns.part == "reason_code":
        return rows.rule_names.get(part, {}).get(say.language, part)
    return say.of("list_word", part)


def limits_text(low: float | None, high: float | None, shows: Shows, say: Wording) -> str:
    """Return an interval; empty where there is none."""
    if low is None or high is None:
        return ""
    return say("kpi.interval", low=number_text(low, shows, say), high=number_text(high, shows, say))


def trend_text(values: list[float | None]) -> str:
    """Return values, oldest first, as a line of blocks; an unknown one is a gap.

    >>> trend_text([1.0, 2.0, None, 3.0]), trend_text([5.0, 5.0])
    ('▁▄ █', '▄▄')
    """
    known = [value for value in values if value is not None]
    low, span = (min(known), max(known) - min(known)) if known else (0.0, 0.0)
    top = len(BLOCKS) - 1
    return "".join(
        " " if value is None else BLOCKS[int((value - low) / span * top) if span else top // 2]
        for value in values
    )
