"""`vipreco explain --check`: every cited fact read once more, every reason tested by its absence."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.assurance.forbidden_words import promises, said_texts
from vipreco.assurance.reason_quality import (
    reason_quality,
    stated_frame,
    text_quality,
    unlock_quality,
)
from vipreco.assurance.unlock_check import check_unlocks
from vipreco.errors import IntegrityError
from vipreco.explanations import (
    RawTables,
    Reason,
    ReasonCatalog,
    check_facts,
    cited_frame,
    reason_plan_of,
    reasons_of_offers,
)
from vipreco.recommender import DecisionContext, Recommender
from vipreco.tables import Tables

Floats = NDArray[np.float64]
OFFERS_AT_ONCE, REASONS_AT_ONCE = 1_000, 4_000  # these bound the memory


@dataclass(frozen=True)
class CheckedReason:
    """A reason or caution of one listed offer."""

    place: int
    product_id: str
    reason: Reason
    caution: bool


@dataclass(frozen=True)
class ReasonCheck:
    """Result of a check of reasons.

    Args:
        customers: Customers whose offers were looked at.
        offers: Their offers.
        bare: Personalised offers without a reason that can be cited.
        facts: Cited facts, each once, with `equal`: the stored rows say the same.
        reasons: Rows id, lowered: whether the score falls once the evidence is taken away.
        cautions: Number of cautions.
        quality: Measures of what is said, each with its target.
        texts: Texts that may be read to a customer.
        promises: Those of them that promise profit or safety.
    """

    customers: int
    offers: int
    bare: int
    facts: pl.DataFrame
    reasons: pl.DataFrame
    cautions: int
    quality: pl.DataFrame
    texts: int
    promises: list[str]

    @property
    def wrong(self) -> int:
        """Cited facts that the stored rows do not confirm."""
        return self.facts.height - int(self.facts["equal"].sum())

    def table(self) -> pl.DataFrame:
        """Return one row a kind of fact and a reason: checked (name), cited, confirmed."""
        parts = [
            (self.facts.select(name=pl.col("kind"), held="equal"), "fact", "equal to the stored rows"),
            (self.reasons.select(name=pl.col("reason"), held="lowered"), "reason", "score falls without it"),
        ]
        return pl.concat(
            part.group_by("name")
            .agg(checked=pl.len(), confirmed=pl.col("held").sum())
            .sort("name")
            .select(
                pl.lit(what).alias("what"), "name", "checked", "confirmed", pl.lit(how).alias("confirmed_by")
            )
            for part, what, how in parts
        )

    @property
    def summary(self) -> str:
        """Findings as sentences, one a line."""
        facts, right = self.facts.height, self.facts.height - self.wrong
        told, lowered = self.reasons.height, int(self.reasons["lowered"].sum())
        return (
            f"{self.customers:,} customers, {self.offers:,} offers, {self.bare:,} of them without a reason "
            f"that can be cited; {self.cautions:,} cautions\n"
            f"{facts:,} cited facts, {right:,} equal to the stored rows\n"
            f"{told:,} reasons, {lowered:,} whose evidence, taken away, lowers the score\n"
            f"{self.texts:,} texts, {len(self.promises):,} that promise profit or safety"
            + "".join(f"\n  {text}" for text in self.promises)
        )

    def require_true_facts(self) -> None:
        """Make sure that every cited fact is what is stored.

        Raises:
            IntegrityError: It is not; the kinds of the wrong facts are named.
        """
        if not self.wrong:
            return
        kinds = self.facts.filter(~pl.col("equal")).group_by("kind").agg(wrong=pl.len()).sort("kind")
        raise IntegrityError(
            f"{self.wrong:,} of {self.facts.height:,} cited facts differ from the stored rows",
            where="explain --check",
            remedy="show nobody these reasons; report the kinds of facts that are wrong",
            code="fact-wrong",
            examples=[f"{kind}: {wrong:,} wrong" for kind, wrong in kinds.iter_rows()],
        )


def check_reasons(recommender: Recommender, known: DecisionContext, tables: Tables, top: int) -> ReasonCheck:
    """Tell the reasons of the customers' offers, and check each of them.

    Args:
        recommender: The fitted recommender.
        known: What is known of the customers.
        tables: The stored tables that the decision context was read from.
        top: Most offers of a customer.
    """
    lines, offers, bare, neutral = _lines(recommender, known, top)
    ids = known.computed.customer_ids
    cited = cited_frame(
        [str(ids[line.place]) for line in lines for _ in line.reason.facts],
        [fact for line in lines for fact in line.reason.facts],
    )
    raw = RawTables.read(tables, known.view.date, cited["customer_id"].unique().to_list())
    told = [line for line in lines if not line.caution]
    lowered = lowers(recommender, known, told)
    texts = said_texts(recommender.policy, known.catalog.names)
    promised = promises(texts)
    return ReasonCheck(
        customers=len(ids),
        offers=offers,
        bare=bare,
        facts=check_facts(cited, raw, ReasonCatalog.shipped()),
        reasons=pl.DataFrame(
            {"reason": [line.reason.id for line in told], "lowered": lowered},
            schema={"reason": pl.String, "lowered": pl.Boolean},
        ),
        cautions=len(lines) - len(told),
        quality=pl.concat(
            [
                reason_quality(_stated(known, told), offers - neutral, known.view),
                unlock_quality(check_unlocks(recommender.policy, known.facts)),
                text_quality(len(texts), len(promised)),
            ]
        ),
        texts=len(texts),
        promises=promised,
    )


def _lines(
    recommender: Recommender, known: DecisionContext, top: int
) -> tuple[list[CheckedReason], int, int, int]:
    """Return reasons and cautions, and the number of offers, of those without a reason, of neutral ones."""
    lines: list[CheckedReason] = []
    offers = bare = neutral = start = 0
    for decisions in recommender.decisions(known):
        rows, columns = decisions.listed(top)
        for first in range(0, len(rows), OFFERS_AT_ONCE):
            part = slice(first, first + OFFERS_AT_ONCE)
            told = reasons_of_offers(recommender, known, decisions, rows[part], columns[part])
            for row, column, reasons, caution in zip(
                rows[part].tolist(), columns[part].tolist(), told.reasons, told.cautions, strict=True
            ):
                product = decisions.product_ids[column]
                lines += [CheckedReason(start + row, product, item, False) for item in reasons if item.facts]
                lines += [CheckedReason(start + row, product, caution, True)] if caution else []
                bare += not any(item.facts for item in reasons) and bool(decisions.personalised[row])
                neutral += not decisions.personalised[row]
        offers += len(rows)
        start += len(decisions.customer_ids)
    return lines, offers, bare, neutral


def _stated(known: DecisionContext, told: list[CheckedReason]) -> pl.DataFrame:
    catalog, ids = known.catalog, known.computed.customer_ids
    families = dict(zip(catalog.product_ids, catalog.families, strict=True))
    by_offer: dict[tuple[int, str], list[Reason]] = {}
    for line in told:
        by_offer.setdefault((line.place, line.product_id), []).append(line.reason)
    offers = [
        (str(ids[place]), product, families[product], reasons)
        for (place, product), reasons in by_offer.items()
    ]
    return stated_frame(offers, ReasonCatalog.shipped())


def lowers(recommender: Recommender, known: DecisionContext, lines: list[CheckedReason]) -> list[bool]:
    """Return whether each offer's score falls once the evidence of its reason is taken away.

    The columns of the evidence are set to what the dictionary says of a customer of whom nothing is known. A
    reason that rests on other holders is tested on the collaborative filter, without the holding.
    """
    found = np.zeros(len(lines), bool)
    by_source = np.array([line.reason.co_held for line in lines], bool)
    for tested, scores in ((~by_source, _model_scores), (by_source, _source_scores)):
        places = np.flatnonzero(tested)
        for start in range(0, len(places), REASONS_AT_ONCE):
            part = places[start : start + REASONS_AT_ONCE]
            whole, without = scores(recommender, known, [lines[place] for place in part.tolist()])
            found[part] = without < whole
    return [bool(value) for value in found]


def _model_scores(
    recommender: Recommender, known: DecisionContext, lines: list[CheckedReason]
) -> tuple[Floats, Floats]:
    """Return raw scores with and without the evidence of each reason."""
    plan = reason_plan_of(recommender, known)
    places, rows = np.unique([line.place for line in lines], return_inverse=True)
    matrix = known.computed.take(places).matrix()
    values = recommender.columns_of(matrix)[rows]
    number = {group: place for place, group in enumerate(plan.evidence)}
    gone = plan.membership[:, [number[line.reason.theme, line.reason.subject] for line in lines]].T
    products = np.array([recommender.product_ids.index(line.product_id) for line in lines])
    blank = np.broadcast_to(recommender.blank_of(known.computed), values.shape)
    return _raw(recommender, values, products), _raw(recommender, np.where(gone, blank, values), products)


def _raw(recommender: Recommender, values: NDArray[np.float32], products: NDArray[np.intp]) -> Floats:
    shares = recommender.model.shares(values)[np.arange(len(values)), products]
    return np.asarray(shares * recommender.model.any.score(values) if recommender.model.any else shares)


def _source_scores(
    recommender: Recommender, known: DecisionContext, lines: list[CheckedReason]
) -> tuple[Floats, Floats]:
    """Return the collaborative filter's scores with and without the holding of each reason."""
    ids = known.catalog.product_ids
    state = known.state.take(np.array([line.place for line in lines], np.intp))
    row, columns = np.arange(len(lines)), np.array([ids.index(line.product_id) for line in lines])
    held = state.held.copy()
    held[row, [ids.index(line.reason.subject) for line in lines]] = False
    whole, without = recommender.source.score(state), recommender.source.score(replace(state, held=held))
    return whole[row, columns].astype(np.float64), without[row, columns].astype(np.float64)
