"""Uplift in the training flow: the trial on finished campaigns with a control group, and its report.

The word uplift is used of a model alone that met the rule; of anything else it would promise too much.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from training.result import CONTACTS, CardTable, TrainingJob, Value
from vipreco.propensity import Machine
from vipreco.recommender import Recommender
from vipreco.stats import Estimate, JudgedOrder
from vipreco.uplift_trial import TrialSettings, UpliftTrial, finished_campaigns, gather, run_trial

NAMES: Final = {
    "chosen": "chosen anew for each group",
    "s": "S-learner",
    "t": "T-learner",
    "x": "X-learner",
    "response": "who buys, treated or not",
    "propensity": "propensity of the campaigns",
}
PREFIX: Final = "contact-effect"


@dataclass(frozen=True)
class Attempt:
    """Result of the attempt to learn the effect of a contact from campaigns.

    Args:
        recommender: With a model of uplift, where finished campaigns show that it beats propensity.
        trial: None where there was nothing to learn from, or nobody asked.
        remarks: One sentence about it; none where nobody asked.
    """

    recommender: Recommender
    trial: UpliftTrial | None = None
    remarks: tuple[str, ...] = ()


def try_uplift(job: TrainingJob, recommender: Recommender) -> Attempt:
    """Learn what a contact adds, where the recipe asks for it.

    Raises:
        IntegrityError: The folder of a campaign is damaged.
    """
    settings = job.recipe.uplift
    if settings is None:
        return Attempt(recommender)
    job.say("What contacts add")
    found, sentence = _trial(job, settings, recommender)
    if found is not None and found.model is not None:
        recommender = recommender.with_uplift(found.model)
    return Attempt(recommender, found, (sentence,))


def _trial(
    job: TrainingJob, settings: TrialSettings, recommender: Recommender
) -> tuple[UpliftTrial | None, str]:
    project = job.project
    history = job.history()
    campaigns = finished_campaigns(project.root / project.settings.campaign.folder, history)
    if not campaigns:
        return None, "No finished campaign has a control group: what a contact adds is not learnt."
    material = gather(campaigns, history, recommender, settings.leave_out)
    if min(material.cases) < settings.min_cases:
        treated, control = material.cases
        return None, (
            f"{len(campaigns)} finished campaign(s) with {treated} acquisitions of the treated and {control} "
            f"of the control group, less than {settings.min_cases}: what a contact adds is not learnt."
        )
    found = run_trial(material, settings, Machine(project.seed, project.threads))
    return found, _sentence(found)


def _sentence(found: UpliftTrial) -> str:
    if found.model is not None:
        return (
            f"Uplift beats propensity on unseen customers ({found.orders['chosen'].qini_above}): it is kept."
        )
    return f"What a contact adds is not used: {found.refusals[0]}."


def metrics(found: UpliftTrial | None) -> dict[str, float]:
    """Return the figures of a trial by name, those that gates may ask for among them."""
    if found is None:
        return {}
    chosen = found.orders["chosen"]
    told: dict[str, Estimate] = {
        "effect": found.effect,
        "qini": chosen.qini,
        "auuc": chosen.auuc,
        "qini-above-propensity": chosen.qini_above,
        "before": found.earlier,
    }
    if found.newest is not None:
        told["newest-qini-above-propensity"] = found.newest.qini_above
    parts = {
        f"{PREFIX}/{name}{end}": value
        for name, one in told.items()
        for end, value in (("", one.value), ("/low", one.low), ("/high", one.high))
    }
    parts[f"{PREFIX}/placebo-qini/highest"] = max(found.placebos)
    others = {f"{PREFIX}/{name}/qini": one.qini.value for name, one in found.orders.items()}
    counts = {"treated": found.cases[0], "control": found.cases[1]}
    cases = {f"{PREFIX}/{arm}-acquisitions": float(count) for arm, count in counts.items()}
    return {**parts, **others, **cases, f"{PREFIX}/used": float(found.model is not None)}


def parameters(job: TrainingJob, found: UpliftTrial | None) -> dict[str, Value]:
    """Return what the trial learnt from; nothing without one."""
    if found is None or job.recipe.uplift is None:
        return {}
    kind = found.model.kind if found.model else "none"
    return {
        f"{PREFIX}.campaigns": ", ".join(found.keys)[:400],
        f"{PREFIX}.customers": found.customers,
        f"{PREFIX}.folds": job.recipe.uplift.folds,
        f"{PREFIX}.learner": kind,
    }


def card_tables(found: UpliftTrial | None) -> tuple[CardTable, ...]:
    """Return the tables of the model card: orders on unseen customers, and checks of the design."""
    if found is None:
        return ()
    orders = tuple((NAMES[name], *_figures(one)) for name, one in found.orders.items())
    columns = ("order", "Qini", "95 % interval", "AUUC", "Qini above propensity", "95 % interval")
    return (
        CardTable(f"{_heading(found)}: orders of unseen customers", columns, orders, CONTACTS),
        CardTable(f"{_heading(found)}: the design", ("check", "found"), tuple(_checks(found)), CONTACTS),
    )


def limits(found: UpliftTrial | None) -> list[str]:
    """Return the sentences of the model card about where not to trust it."""
    if found is None:
        return []
    if found.model is None:
        return [f"What a contact adds is not used: {'; '.join(found.refusals)}."]
    return [
        f"Uplift was learnt from {len(found.keys)} campaign(s) and their audiences; elsewhere it is a guess.",
        "Qini is the area between an order's curve and that of a random order, per treated customer.",
    ]


def _heading(found: UpliftTrial) -> str:
    return "Uplift" if found.model is not None else "What a contact adds"


def _figures(one: JudgedOrder) -> Iterator[Value | None]:
    yield from (one.qini.value, _ends(one.qini), one.auuc.value)
    yield one.qini_above.value if one.qini_above.known else None
    yield _ends(one.qini_above)


def _checks(found: UpliftTrial) -> Iterator[tuple[Value | None, ...]]:
    yield "campaigns", len(found.keys)
    yield "customers", found.customers
    yield "acquisitions, treated and control", f"{found.cases[0]} and {found.cases[1]}"
    yield "added by an offer, on average", str(found.effect)
    arms = found.arms
    yield (
        "treated, and expected by the design",
        f"{arms.treated} and {arms.expected:.0f} (p {arms.p_value:.3f})",
    )
    yield "chance of being treated", f"{arms.lowest:.3f} to {arms.highest:.3f}"
    yield "difference before the campaigns", str(found.earlier)
    drawn = found.placebos
    yield f"Qini with treatments drawn anew, {len(drawn)} times", f"{min(drawn):.4f} to {max(drawn):.4f}"
    if found.newest is not None:
        yield "newest campaign by the earlier ones: Qini above propensity", str(found.newest.qini_above)


def _ends(one: Estimate) -> str | None:
    return f"[{one.low:.4f}, {one.high:.4f}]" if one.known else None
