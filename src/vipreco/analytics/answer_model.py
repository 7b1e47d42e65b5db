"""Model of answers: what accepted, postponed and declined offers say beyond the chances that were told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.analytics.outcomes import ANSWERS, REFUSED, with_outcomes
from vipreco.columns import CUSTOMER_ID, FAMILY, OUTCOME, PRODUCT_ID
from vipreco.errors import UsageError
from vipreco.folds import customer_folds
from vipreco.stats import NORMAL_95, Estimate, clustered_mean, expit, logit

Floats = NDArray[np.float64]
LEVEL_TERM, SLOPE_TERM, POSITION_TERM = "level", "slope", "position"
GROUPS: Final = ("channel", FAMILY)
LEVEL_DEVIATION, SLOPE_DEVIATION, GROUP_DEVIATION = 1.0, 0.25, 0.5
"""Prior standard deviations around "the chance means what it says", as odds on the log scale."""
MIN_LEARNT: Final = 100
MIN_ACCEPTED: Final = 10
FOLDS: Final = 5
RESAMPLES: Final = 1000
NEWTON_STEPS: Final = 50
SMALLEST: Final = 1e-6


@dataclass(frozen=True)
class LearntAnswers:
    """Odds of a yes beside the chance that was told with the offer.

    Args:
        terms: Rows term, group, odds_factor, low, high, answers, accepted. `level`: all answers, which
            are those of customers who were reached; `slope`: for ten times the odds that were told;
            `position`: for each doubling of the place in the list.
        answers: Answers that were learnt from.
        weighted: Of these, those with a logged probability of being shown, by which they are weighted.
        saved: Log loss an answer that the terms save on unseen customers; its interval.
        given_loss: Log loss an answer of the chances as they were told.
    """

    terms: pl.DataFrame
    answers: int
    weighted: int
    saved: Estimate
    given_loss: float

    @property
    def says_more(self) -> bool:
        """True where the answers surely say more than the chances, about customers they are not of."""
        return self.saved.low > 0

    def sentence(self) -> str:
        """Return what the terms are worth."""
        verdict = (
            "answers say more than the chances that were told"
            if self.says_more
            else "answers say no more than the chances that were told"
        )
        saved = f"{self.saved.value:.4f} [{self.saved.low:.4f}, {self.saved.high:.4f}]"
        return (
            f"{verdict}: on unseen customers the log loss of {self.given_loss:.4f} falls by {saved}; "
            f"{self.answers:,} answers, {self.weighted:,} with a logged probability"
        )


@dataclass(frozen=True)
class _Answers:
    """Answers as arrays.

    Args:
        customer_ids: Whose, shape (n,).
        given: Log-odds of the chance with the contact, shape (n,).
        accepted: Shape (n,).
        weights: One over the probability of being shown, in units of their mean; 1 where it is not known.
        known: Whether it is, shape (n,).
        terms: Values of each term, shape (n, k).
        names: Term and group of each, shape (k,).
        deviations: Of the prior of each, shape (k,).
    """

    customer_ids: NDArray[np.str_]
    given: Floats
    accepted: Floats
    weights: Floats
    known: NDArray[np.bool_]
    terms: Floats
    names: tuple[tuple[str, str], ...]
    deviations: Floats

    @classmethod
    def of(cls, rows: pl.DataFrame) -> _Answers:
        given = logit(np.clip(rows["chance"].to_numpy(), SMALLEST, 1 - SMALLEST))
        shown = rows["shown_probability"].fill_null(0.0).to_numpy()
        known = shown > 0
        weights = np.ones(len(shown))
        weights[known] = 1 / shown[known]
        weights[known] /= weights[known].mean() if known.any() else 1.0
        columns: list[tuple[str, str, float, Floats]] = [
            (LEVEL_TERM, "", LEVEL_DEVIATION, np.ones(len(given))),
            (SLOPE_TERM, "", SLOPE_DEVIATION, (given - given.mean()) / np.log(10)),
            (POSITION_TERM, "", GROUP_DEVIATION, np.log2(rows["position"].to_numpy().astype(np.float64))),
        ]
        for name in GROUPS:
            groups = sorted(set(rows[name].drop_nulls().to_list()))
            for group in groups if len(groups) > 1 else []:  # of one alone, the level says it
                member = (rows[name] == group).fill_null(False).to_numpy().astype(np.float64)
                columns.append((name, group, GROUP_DEVIATION, member))
        used = [column for column in columns if column[3].any()]
        return cls(
            np.asarray(rows[CUSTOMER_ID].to_list(), np.str_),
            given,
            (rows[OUTCOME] == "accepted").to_numpy().astype(np.float64),
            weights,
            known,
            np.column_stack([column[3] for column in used]),
            tuple((column[0], column[1]) for column in used),
            np.array([column[2] for column in used]),
        )

    def take(self, rows: NDArray[np.bool_]) -> _Answers:
        return replace(
            self,
            customer_ids=self.customer_ids[rows],
            given=self.given[rows],
            accepted=self.accepted[rows],
            weights=self.weights[rows],
            known=self.known[rows],
            terms=self.terms[rows],
        )

    def chances(self, factors: Floats) -> Floats:
        return np.asarray(expit(self.given + self.terms @ factors))

    def losses(self, chances: Floats) -> Floats:
        right = np.clip(np.where(self.accepted == 1, chances, 1 - chances), SMALLEST, 1.0)
        return np.asarray(-np.log(right))


def learn_answers(
    offers: pl.DataFrame, contacts: pl.DataFrame, families: pl.DataFrame, seed: int
) -> LearntAnswers:
    """Return what the answers to logged offers say beyond their chances, shrunk towards nothing.

    A logistic regression on the chances that were told, by position, channel and product family, with normal
    priors around "the chance means what it says". An answer with a logged probability of being shown weighs
    one over it (Horvitz and Thompson 1952); the intervals are sandwiches over customers. Answers are those of
    customers whom somebody chose to contact.

    Args:
        offers: Rows of `campaign.logged_offers`.
        contacts: Rows of `campaign.outcome_contacts`.
        families: Rows product_id, family.
        seed: Of folds and resamples of customers.

    Raises:
        UsageError: There are too few answers.
    """
    rows = with_outcomes(offers, contacts).join(families, on=PRODUCT_ID, how="left", maintain_order="left")
    answered = rows.filter(pl.col(OUTCOME).is_in([*ANSWERS, *REFUSED]), pl.col("chance").is_not_null())
    accepted = answered.filter(pl.col(OUTCOME) == "accepted").height
    if answered.height < MIN_LEARNT or accepted < MIN_ACCEPTED:
        raise UsageError(
            f"{answered.height} answers with {accepted} acceptances are too few to learn from",
            where="outcomes of logged offers",
            remedy=f"wait for {MIN_LEARNT} answers with {MIN_ACCEPTED} acceptances that name their campaign "
            "or decision; until then: vipreco analyse outcomes",
            code="few-answers",
        )
    known = _Answers.of(answered)
    factors = _fitted(known)
    return LearntAnswers(
        _terms(known, factors, _deviations(known, factors)),
        len(known.accepted),
        int(known.known.sum()),
        _saved(known, seed),
        float(np.average(known.losses(expit(known.given)), weights=known.weights)),
    )


def _fitted(known: _Answers) -> Floats:
    """Return the factors with the highest posterior density, by Newton's method."""
    factors = np.zeros(len(known.names))
    precision = 1 / known.deviations**2
    for _ in range(NEWTON_STEPS):
        slope = known.terms.T @ (known.weights * (known.accepted - known.chances(factors)))
        step = np.linalg.solve(_curvature(known, factors), slope - precision * factors)
        factors = factors + step
        if np.abs(step).max() < SMALLEST:
            break
    return factors


def _curvature(known: _Answers, factors: Floats) -> Floats:
    chances = known.chances(factors)
    spread = known.weights * chances * (1 - chances)
    return np.asarray((known.terms * spread[:, None]).T @ known.terms + np.diag(1 / known.deviations**2))


def _deviations(known: _Answers, factors: Floats) -> Floats:
    """Return the standard error of each factor; answers of one customer may go together."""
    slopes = known.terms * (known.weights * (known.accepted - known.chances(factors)))[:, None]
    _, places = np.unique(known.customer_ids, return_inverse=True)
    sums = np.zeros((int(places.max()) + 1, slopes.shape[1]))
    np.add.at(sums, places, slopes)
    bread = np.linalg.inv(_curvature(known, factors))
    prior = np.diag(1 / known.deviations**2)
    return np.asarray(np.sqrt(np.diag(bread @ (sums.T @ sums + prior) @ bread)))


def _terms(known: _Answers, factors: Floats, deviations: Floats) -> pl.DataFrame:
    ends = np.exp(factors - NORMAL_95 * deviations), np.exp(factors + NORMAL_95 * deviations)
    counted = known.terms != 0
    return pl.DataFrame(
        {
            "term": [term for term, _ in known.names],
            "group": [group for _, group in known.names],
            "odds_factor": np.exp(factors),
            "low": ends[0],
            "high": ends[1],
            "answers": counted.sum(axis=0),
            "accepted": (counted * known.accepted[:, None]).sum(axis=0).astype(np.int64),
        }
    )


def _saved(known: _Answers, seed: int) -> Estimate:
    """Return the log loss an answer that the terms save on customers who are not learnt from."""
    folds = customer_folds(known.customer_ids, FOLDS, seed)
    saved = np.zeros(len(known.accepted))
    for fold in range(FOLDS):
        unseen = known.take(folds == fold)
        factors = _fitted(known.take(folds != fold))
        saved[folds == fold] = unseen.losses(expit(unseen.given)) - unseen.losses(unseen.chances(factors))
    weighted = saved * known.weights / known.weights.mean()
    return clustered_mean(weighted, known.customer_ids, seed, RESAMPLES)
