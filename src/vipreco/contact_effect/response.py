"""Chance of an acquisition with a contact: who is not reached, who responds differently, and who is tired."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SMALLEST, SUREST = 1e-6, 50.0  # factor; hazard: a sure acquisition has an infinite one


@dataclass(frozen=True)
class PastContacts:
    """Contacts of n customers before the decision, about P products.

    Args:
        recent: Contacts in the last 90 days, shape (n,).
        declined: Refusals in contacts about each product, shape (n, P).
    """

    recent: Floats
    declined: Floats

    def take(self, rows: slice) -> PastContacts:
        """Return those of some customers."""
        return PastContacts(self.recent[rows], self.declined[rows])

    def masked(self, known: NDArray[np.bool_]) -> PastContacts:
        """Return the same, but none of the customers who are not in `known`, shape (n,)."""
        return PastContacts(np.where(known, self.recent, 0.0), np.where(known[:, None], self.declined, 0.0))

    def withstood(self, hazard: Floats) -> Floats:
        """Return the hazard that customers declined in past contacts, shape (n, 1).

        Args:
            hazard: Without a contact, of each product today: it stands for that on the day of the contact.
        """
        return np.asarray((self.declined * np.minimum(hazard, SUREST)).sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Response:
    """Shape of the response to contacts in one channel.

    A contact that reaches nobody changes nothing. Who is reached has a hazard that is multiplied by a factor
    which differs between customers: gamma with a mean and a squared coefficient of variation `spread`, as in
    frailty models of survival (Vaupel, Manton and Stallard 1979). So a likely acquisition gains less than the
    mean factor says, and a customer who declined what was likely is expected to respond less. Each contact in
    the last 90 days lowers the factor by `fatigue` on the log scale.

    Args:
        reach: Share of the contacts that reach the customer.
        spread: Squared coefficient of variation of the factor between customers who are reached.
        fatigue: Loss of the effect, on the log-hazard, by each recent contact.
    """

    reach: float = 1.0
    spread: float = 0.0
    fatigue: float = 0.0

    @property
    def is_plain(self) -> bool:
        """True if every contact multiplies the hazard of every customer by the same factor."""
        return self.reach == 1.0 and self.spread == 0.0 and self.fatigue == 0.0

    def of_reached(self, ratio: Floats) -> Floats:
        """Return the mean factor of customers who are reached, from that of all contacts."""
        return np.asarray(np.maximum((ratio - (1.0 - self.reach)) / self.reach, SMALLEST))

    def chance(self, hazard: Floats, ratio: Floats, recent: Floats, withstood: Floats) -> Floats:
        """Return the chance with a contact.

        Args:
            hazard: Without a contact, shape (n, P) or (m,).
            ratio: Factor by which a contact multiplies a small hazard, contacts that reach nobody included,
                of a customer who was not contacted lately.
            recent: Contacts in the last 90 days, in a shape that fits the hazard.
            withstood: Hazard declined in past contacts, in a shape that fits the hazard.
        """
        factor = self.of_reached(ratio) * np.exp(-self.fatigue * recent)
        moved = hazard * factor
        if self.spread:
            scale = self.spread / (1.0 + self.spread * factor * withstood)
            moved = np.log1p(scale * moved) / self.spread
        unmoved = np.expm1(-hazard)
        return np.asarray(-(self.reach * np.expm1(-moved) + (1.0 - self.reach) * unmoved))


PLAIN = Response()
