"""Effects in force as rows for people, and as settings of a project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from vipreco.contact_effect.chances import Basis, ContactEffects
from vipreco.contact_effect.learnt_effects import (
    CHANNEL,
    FAMILY,
    FATIGUE,
    REACH,
    SPREAD,
    TIER,
    EffectRow,
)
from vipreco.settings import ContactEffectSettings

DIGITS = 3
SHAPE = (REACH, SPREAD, FATIGUE)


def effect_rows(effects: ContactEffects) -> tuple[EffectRow, ...]:
    """Return the effects in force with the evidence behind them, then the placebos.

    Channels that the settings name and nobody was contacted by come without evidence.
    """
    known = effects.model.evidence if effects.model else ()
    seen = {row.channel for row in known if row.what == CHANNEL}
    missing = [name for name in effects.settings.channels if name not in seen]
    return (*_in_force(effects, known), *(_assumed(effects, name) for name in missing))


def _in_force(effects: ContactEffects, known: tuple[EffectRow, ...]) -> Iterator[EffectRow]:
    """Give the rows of the model under the effects that decisions use now."""
    for row in known:
        if row.what == CHANNEL:
            value = effects.level(row.channel)
            yield replace(row, in_force=value, basis=_basis(effects, row.channel))
        elif row.what == FAMILY:
            value = float(effects.log_hazard(row.channel, (row.group,), None)[0])
            yield replace(row, in_force=value, basis=_basis(effects, row.channel))
        elif row.what in SHAPE and effects.settings.learnt_channels:
            yield replace(row, in_force=_shape_of(effects, row))
        elif row.what == TIER and effects.settings.learnt_channels:
            yield replace(row, in_force=effects.settings.tiers.get(row.group, 0.0))
        else:
            yield row


def _shape_of(effects: ContactEffects, row: EffectRow) -> float:
    """Return a figure of the response that the settings hold, with the sign that it has in the rows."""
    settings = effects.settings
    figures = {SPREAD: settings.spread, FATIGUE: -settings.fatigue}
    return settings.reach.get(row.channel, 1.0) if row.what == REACH else figures[row.what]


def _assumed(effects: ContactEffects, channel: str) -> EffectRow:
    return EffectRow(
        CHANNEL, channel, "", 0, 0, 0.0, None, None, None, effects.level(channel), _basis(effects, channel)
    )


def _basis(effects: ContactEffects, channel: str) -> str:
    return (Basis.LEARNT if effects.learnt(channel, ("",)).item(0) else Basis.ASSUMED).value


def learnt_settings(effects: ContactEffects) -> ContactEffectSettings | None:
    """Return what a model learnt as settings, which are then in force; None where it learnt nothing.

    Channels that were not learnt keep the figures of the settings.
    """
    model = effects.model
    if model is None or not model.channels:
        return None
    families = {channel: _rounded(own) for channel, own in model.families.items()}
    return ContactEffectSettings(
        channels={**effects.settings.channels, **_rounded(model.channels)},
        other_channels=effects.settings.other_channels,
        families={**effects.settings.families, **families},
        tiers=_rounded(model.tiers),
        learnt_channels=tuple(sorted(model.channels)),
        reach=_rounded(model.reach),
        spread=round(model.spread, DIGITS),
        fatigue=round(model.fatigue, DIGITS),
    )


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {str(name): round(float(value), DIGITS) for name, value in values.items()}
