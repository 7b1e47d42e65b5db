"""The form of a campaign: it writes the campaign file, which stays the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

CHANNELS: Final = ("call", "branch", "app", "sms")
CHANNEL_KEYS: Final = ("capacity", "unit_cost_amount", "minutes", "reach_rate")
SHARES: Final = ("control_share", "exploration_share", "effect_rate")
DEFAULTS: Final[Mapping[str, str]] = {
    "control_share": "0.2",
    "exploration_share": "0.0",
    "effect_rate": "0.02",
    "use.call": "1",
    "call.capacity": "300",
    "call.unit_cost_amount": "1.0",
    "call.minutes": "10",
    "managers.minutes": "240",
    "max_age": "75",
}
"""What the form begins with."""


def campaign_text(form: Mapping[str, str], tiers: Sequence[str], products: Sequence[str]) -> str:
    """Return the campaign file that a form describes; whether it is right is checked by its reader.

    Args:
        form: The fields.
        tiers: Tiers that may be chosen.
        products: Products that may be chosen.
    """
    return "\n".join(_lines(form, tiers, products)) + "\n"


def _lines(form: Mapping[str, str], tiers: Sequence[str], products: Sequence[str]) -> Iterator[str]:
    yield f"key = {_text(form.get('key', ''))}"
    yield f"name = {_text(form.get('name', ''))}"
    yield f"start_date = {_bare(form, 'start_date')}"
    yield f"end_date = {_bare(form, 'end_date')}"
    chosen = [product for product in products if form.get(f"product.{product}")]
    if chosen:
        yield f"products = [{', '.join(map(_text, chosen))}]"
    yield f"audience = [{', '.join(map(_text, _audience(form, tiers)))}]"
    for name in SHARES:
        yield f"{name} = {_bare(form, name)}"
    if form.get("budget_amount"):
        yield f"budget_amount = {_bare(form, 'budget_amount')}"
    for channel in CHANNELS:
        if form.get(f"use.{channel}"):
            yield from ("", f"[channels.{channel}]")
            given = [key for key in CHANNEL_KEYS if form.get(f"{channel}.{key}")]
            yield from (f"{key} = {_bare(form, f'{channel}.{key}')}" for key in given)
    if form.get("managers.minutes"):
        yield from ("", "[managers]", f"minutes = {_bare(form, 'managers.minutes')}")


def _audience(form: Mapping[str, str], tiers: Sequence[str]) -> Iterator[str]:
    chosen = [tier for tier in tiers if form.get(f"tier.{tier}")]
    if chosen:
        names = ", ".join("'{}'".format(tier.replace("'", "''")) for tier in chosen)
        yield f"customer_tier IN ({names})"
    if form.get("max_age"):
        yield f"customer_age_years < {_bare(form, 'max_age')}"
    if form.get("condition"):
        yield form["condition"]


def _bare(form: Mapping[str, str], name: str) -> str:
    """Return a number or a date as it was written; what is neither stays text, which the reader refuses."""
    text = form.get(name, "").strip()
    return text if text and set(text) <= set("0123456789.-") else _text(text)


def _text(value: str) -> str:
    """Return a string of TOML; those of JSON are some."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
