"""Chances in words: with the offer and without, against the usual, and the evidence behind them."""

from __future__ import annotations

from vipreco.documents import Holds, shown
from vipreco.lists.presentation import OfferLine
from vipreco.lists.texts import Wording

MIN_TIMES = 1.5  # a chance that is nearer to the usual one is not told as a multiple of it
WHOLE_TIMES = 3.0  # from here on a multiple is told without a decimal
WHOLE_RATE = 0.1  # from here on a chance is told without a decimal


def chance_text(offer: OfferLine, say: Wording) -> str:
    """Return the chance of an offer as a sentence for the manager; empty where it is unknown.

    Both chances where the effect of a contact is known, and the multiple of the usual chance where it is
    clearly above it. An estimate that rests on little says so instead: a multiple of it would sound sure.
    What was agreed on opens the call because of the agreement, whatever its chance.
    """
    if offer.agreed_on is not None:
        return say("chance.agreed", date=offer.agreed_on)
    if offer.chance is None:
        return ""
    chances = {"chance": rate_text(offer.chance), "with_contact": rate_text(offer.chance_with_contact)}
    parts = [say("chance.alone" if offer.chance_with_contact is None else "chance.both", **chances)]
    if offer.thin_evidence:
        parts.append(say("chance.low_confidence"))
    elif offer.times_usual is not None and offer.times_usual >= MIN_TIMES:
        parts.append(say("chance.times", times=times_text(offer.times_usual)))
    return say.joined(parts)


def evidence_text(offer: OfferLine, say: Wording) -> str:
    """Return what the chance of an offer rests on: acquisitions, and the basis of the contact's effect."""
    if offer.agreed_on is not None:
        return ""
    parts = [] if offer.acquisitions is None else [say.counted("chance.acquisition", offer.acquisitions)]
    if offer.chance_with_contact is not None and offer.effect_basis:
        parts.append(say(f"chance.{offer.effect_basis}"))
    return say.joined(parts)


def rate_text(rate: float | None) -> str:
    """Return a chance as one says it.

    >>> rate_text(0.0612), rate_text(0.237), rate_text(0.0001), rate_text(None)
    ('6.1%', '24%', '<0.1%', '')
    """
    if rate is not None and rate >= WHOLE_RATE:
        return f"{rate:.0%}"
    return shown(rate, Holds.RATE)


def times_text(times: float) -> str:
    """Return a multiple as one says it.

    >>> times_text(1.84), times_text(5.2)
    ('1.8', '5')
    """
    return f"{times:.1f}" if times < WHOLE_TIMES else f"{times:.0f}"
