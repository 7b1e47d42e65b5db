"""Comparison of a model of a change with the simple rule beside it, on customers that neither learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 200
AUC: Final = "auc"


@dataclass(frozen=True)
class RuleComparison:
    """Ranking of unseen customers by a model and by a simple rule.

    Args:
        auc: Of the model.
        rule_auc: Of the simple rule.
        low: Lower end of the 95 % interval of their difference, over customers.
        high: Upper end of it.
    """

    auc: float
    rule_auc: float
    low: float
    high: float

    @property
    def model_is_better(self) -> bool:
        """True where the whole interval is above 0; otherwise the simple rule is used."""
        return self.low > 0


def compared(
    model: NDArray[np.float64],
    rule: NDArray[np.float64],
    happened: NDArray[np.bool_],
    weights: NDArray[np.float64],
    customer_ids: NDArray[Any],
    seed: int,
) -> RuleComparison:
    """Compare two scores of the same rows (n,) by AUC, with a bootstrap over customers."""
    from vipreco.stats import Ranking, percentiles, resampled_counts  # noqa: PLC0415 - 0.5 s, to fit alone

    both = (Ranking.of(model, happened), Ranking.of(rule, happened))
    auc, rule_auc = (ranking.figures(weights)[AUC] for ranking in both)
    drawn = resampled_counts(customer_ids, seed, RESAMPLES)
    samples = [[ranking.figures(weights * counts)[AUC] for ranking in both] for counts in drawn]
    differences = np.array([ours - theirs for ours, theirs in samples])
    low, high = percentiles(differences)
    return RuleComparison(auc, rule_auc, low, high)
