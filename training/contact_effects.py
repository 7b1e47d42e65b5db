"""Effects of contacts in the training flow: their table on the model card, and a remark about them."""

from __future__ import annotations

from typing import Final

from training.result import CONTACTS, CardTable
from vipreco.contact_effect import ContactEffects, EffectRow, effect_rows

COLUMNS: Final = (
    "what",
    "channel",
    "family or tier",
    "contacts",
    "acquisitions",
    "expected without",
    "effect",
    "95 % interval",
    "in force",
    "basis",
)
NOTE: Final = (
    "Effects of contacts are on the log-hazard of acquiring the product that the contact was about, reach "
    "of the channel included: contacted pairs against others of the same family, tier and expected chance. "
    "Where managers choose by what no table shows, they are too high; placebos whose interval does not hold "
    "0 say so."
)


def card_table(effects: ContactEffects) -> CardTable:
    """Return the effects by channel, family and tier, and the placebos."""
    rows = tuple(_cells(row) for row in effect_rows(effects))
    return CardTable("Effects of contacts", COLUMNS, rows, CONTACTS)


def remark(effects: ContactEffects) -> str:
    """Return the sentence about what was learnt from contacts."""
    rows = [row for row in effect_rows(effects) if row.what == "channel"]
    learnt = [f"{row.channel} ({row.acquisitions})" for row in rows if row.basis == "learnt"]
    assumed = [row.channel for row in rows if row.basis != "learnt"]
    if not learnt:
        return "Effects of contacts are assumed, as too few acquisitions follow contacts (`vipreco effects`)."
    rest = f"; assumed: {', '.join(assumed)}" if assumed else ""
    return f"Effects of contacts were learnt from acquisitions after them: {', '.join(learnt)}{rest}."


def _cells(row: EffectRow) -> tuple[str | float | None, ...]:
    ends = "" if row.low is None and row.high is None else f"[{_end(row.low)}, {_end(row.high)}]"
    return (
        row.what,
        row.channel,
        row.group,
        row.contacts,
        row.acquisitions,
        row.expected,
        row.effect,
        ends or None,
        row.in_force,
        row.basis if row.in_force is not None else "",
    )


def _end(value: float | None) -> str:
    return "open" if value is None else f"{value:.2f}"
