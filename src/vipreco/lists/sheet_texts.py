"""The parts of a customer's sheet in words: profile, suitability, talk track."""

from __future__ import annotations

from collections.abc import Iterator

from vipreco.documents import Holds, shown, spoken_date
from vipreco.lists.presentation import CustomerSheet, Objection, Profile, TalkTrack
from vipreco.lists.texts import Wording
from vipreco.propensity import ATTRITION_KINDS


def sheet_basis_text(sheet: CustomerSheet, say: Wording) -> str:
    """Return the line that names data, model and channel behind a sheet."""
    return say("sheet.basis", day=sheet.date, model=sheet.model, channel=say.of("channel", sheet.channel))


def profile_texts(sheet: CustomerSheet, say: Wording) -> dict[str, str]:
    """Return the customer's facts in words, by name."""
    known, missing = sheet.profile, sheet.profile.next_tier_amount
    next_tier = say("fact.highest")
    if missing is not None:
        next_tier = say("fact.next_tier_value", amount=say.amount(missing))
    texts = {
        "tier": known.tier,
        "assets": say.amount(known.assets),
        "next_tier": next_tier,
        "attrition": attrition_text(known, say),
        "tier_upgrade": shown(known.tier_upgrade, Holds.RATE),
        "age": shown(known.age, Holds.COUNT),
        "joined": spoken_date(known.joined, say.language) if known.joined else "",
        "manager": known.manager_id,
        "branch": known.branch_id,
        "reasons": "\n".join(sheet.reasons),
    }
    return {name: text or say("fact.unknown") for name, text in texts.items()}


def attrition_text(known: Profile, say: Wording) -> str:
    """Return the probability of attrition, with those of its kinds where they are known."""
    total = shown(known.attrition, Holds.RATE)
    if known.attrition_kinds is None:
        return total
    rates = [shown(chance, Holds.RATE) for chance in known.attrition_kinds]
    return say("fact.attrition_kinds", total=total, **dict(zip(ATTRITION_KINDS, rates, strict=True)))


def suitability_texts(sheet: CustomerSheet, say: Wording) -> dict[str, str]:
    """Return suitability and consent in words, by name."""
    answers = sheet.suitability
    return {
        "call": answers.call,
        "profiling": say("fact.profiling_yes" if answers.personalised else "fact.profiling_no"),
        "assessment": answers.assessment,
        "caution": sheet.caution,
    }


def talk_texts(talk: TalkTrack, say: Wording) -> list[tuple[str, str]]:
    """Return the parts of a talk track with what is said in each."""
    return [
        (say("talk.opening"), talk.opening),
        (say("talk.question"), talk.question),
        (say("talk.offer"), talk.offer),
        *(pair for one in talk.objections for pair in _objection_texts(one, say)),
        (say("talk.next_step"), talk.next_step),
    ]


def _objection_texts(objection: Objection, say: Wording) -> Iterator[tuple[str, str]]:
    yield say("talk.objection"), objection.said
    yield say("talk.answer"), objection.answer
