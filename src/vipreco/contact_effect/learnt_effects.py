"""Effects of contacts as a fit leaves them behind, with the evidence behind each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

CHANNEL, FAMILY, TIER = "channel", "family", "tier"
REACH, SPREAD, FATIGUE = "reach", "spread", "fatigue"
OTHER_PRODUCT, LATER = "placebo: another product", "placebo: a horizon later"


@dataclass(frozen=True)
class EffectRow:
    """Evidence about one group of contacts.

    Args:
        what: `channel`, `family` (of a channel), `tier`; `reach` (of a channel), `spread`, `fatigue`, whose
            figures of `Response` stand in `in_force`; or one of the placebos, which show no effect.
        channel: Of the contacts; empty for tiers.
        group: Family or tier; empty for channels and placebos.
        contacts: Number of contacts.
        acquisitions: Acquisitions within the horizon after them.
        expected: Acquisitions that would have come without them.
        effect: That the contacts show by themselves, on the log-hazard; None where there is none to show.
        low: Lower end of its 95 % interval; None: unbounded.
        high: Upper end.
        in_force: Effect that decisions use: drawn to that of its channel, and this to the prior.
        basis: `assumed` or `learnt`.
    """

    what: str
    channel: str
    group: str
    contacts: int
    acquisitions: int
    expected: float
    effect: float | None
    low: float | None
    high: float | None
    in_force: float | None
    basis: str


@dataclass(frozen=True)
class LearntEffects:
    """Effects on the log-hazard that were learnt; what is added up for a contact.

    Args:
        channels: By channel; a channel with too few acquisitions after contacts is missing.
        families: Added for a family, by channel.
        tiers: Added for a tier.
        contacted: Share of the hazard that is under a contact anyway, by channel, family and tier; contacts
            that add little count little.
        evidence: Rows for people.
        reach: Share of the contacts that reach the customer, by channel; 1 where it is not here.
        spread: Of `Response`; artifacts of before have none.
        fatigue: Of `Response`; artifacts of before have none.
    """

    channels: Mapping[str, float]
    families: Mapping[str, Mapping[str, float]]
    tiers: Mapping[str, float]
    contacted: Mapping[str, Mapping[str, Mapping[str, float]]]
    evidence: tuple[EffectRow, ...] = ()
    reach: Mapping[str, float] = field(default_factory=dict)
    spread: float = 0.0
    fatigue: float = 0.0

    def facts(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "channels": dict(self.channels),
            "families": {channel: dict(own) for channel, own in self.families.items()},
            "tiers": dict(self.tiers),
            "contacted": {
                channel: {family: dict(own) for family, own in families.items()}
                for channel, families in self.contacted.items()
            },
            "evidence": [asdict(row) for row in self.evidence],
            REACH: dict(self.reach),
            SPREAD: self.spread,
            FATIGUE: self.fatigue,
        }

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> LearntEffects:
        """Read what `facts` wrote."""
        evidence = tuple(EffectRow(**row) for row in facts["evidence"])
        return cls(
            facts["channels"],
            facts["families"],
            facts["tiers"],
            facts["contacted"],
            evidence,
            facts.get(REACH, {}),
            facts.get(SPREAD, 0.0),
            facts.get(FATIGUE, 0.0),
        )
