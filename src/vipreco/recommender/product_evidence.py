"""Evidence behind the chances of a product."""

from __future__ import annotations

from typing import NamedTuple


class ProductEvidence(NamedTuple):
    """Evidence behind the chances of a product.

    Args:
        usual: Chance of all customers.
        acquisitions: Acquisitions that its chances rest on.
        thin_evidence: These are few.
    """

    usual: float
    acquisitions: int
    thin_evidence: bool

    def times_usual(self, propensity: float, personalised: bool) -> float | None:
        """Return a customer's chance as a multiple of the usual one; None where no profile was used."""
        return propensity / self.usual if personalised and self.usual else None
