"""The protocol of all sources, and what they share: column order, arrays, checks."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import ClassVar, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative.state import Arrays, HoldingState, Scores
from vipreco.errors import IntegrityError

PRODUCT_IDS = "product_ids"


class Source(Protocol):
    """A scorer over holdings. Only the order of a customer's scores has a meaning."""

    name: ClassVar[str]

    def fit(self, state: HoldingState) -> Self:
        """A fitted copy; only `state` is looked at, so fit on the as-of holdings."""

    def score(self, state: HoldingState) -> Scores:
        """Scores (n, P), finite everywhere, held products included: masking is the policy's."""

    def arrays(self) -> Arrays:
        """Everything that scoring needs, for `.npy` files."""

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """The fitted source again, bit for bit.

        Raises:
            IntegrityError: An array is missing, has another shape or type, or holds a NaN or infinity.
        """


@runtime_checkable
class Contributing(Protocol):
    """A source whose score is a sum over held products, so that it can say "because you hold"."""

    def contributions(self, state: HoldingState, columns: NDArray[np.intp]) -> Scores:
        """Return what each held product adds to the score of product `columns[i]` of customer i: (n, P)."""


class ItemSideSource(ABC):
    """Base of the sources: they keep arrays about products only, never about a customer.

    Products are ordered by id inside, and customers carry no order at all, so a fit is bit-identical
    when the columns or the rows of its input are shuffled. A product that the fit has not seen scores
    0, just as one that nobody held.
    """

    name: ClassVar[str]
    axes: ClassVar[dict[str, str]]  # of each array: P for products, another letter for any length
    _arrays: Arrays

    def fit(self, state: HoldingState) -> Self:
        """A copy fitted on these holdings."""
        ordered = state.in_columns(tuple(sorted(state.product_ids)))
        names = np.array(ordered.product_ids, dtype=np.str_)
        learnt = {name: np.array(array, order="C") for name, array in self._fit(ordered).items()}
        fitted = self._with({PRODUCT_IDS: names, **learnt})
        fitted._prepare()
        return fitted

    def score(self, state: HoldingState) -> Scores:
        """Scores (n, P) in the columns of `state`."""
        scores = self._score(state.in_columns(self.product_ids))
        return to_columns(scores, self.product_ids, state.product_ids)

    def arrays(self) -> Arrays:
        """Everything that scoring needs, by name."""
        return dict(sorted(self._arrays.items()))

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """The fitted source again.

        Raises:
            IntegrityError: An array is missing or unknown, has a wrong shape or type, or is not finite.
        """
        if set(arrays) != {PRODUCT_IDS, *cls.axes}:
            raise damaged(cls.name, "its arrays are not those that were saved")
        source = cls()._with(arrays)
        source._check()
        source._prepare()
        return source

    @property
    def product_ids(self) -> tuple[str, ...]:
        """The products of the fit, sorted."""
        return tuple(str(product) for product in self._arrays[PRODUCT_IDS])

    @abstractmethod
    def _fit(self, state: HoldingState) -> Arrays: ...

    @abstractmethod
    def _score(self, state: HoldingState) -> Scores: ...

    def _prepare(self) -> None:  # noqa: B027 - most sources have nothing to prepare
        """Compute from the arrays what scoring looks up."""

    def _with(self, arrays: Arrays) -> Self:
        fitted = copy.copy(self)
        fitted._arrays = dict(arrays)
        return fitted

    def _check(self) -> None:
        ids = self._arrays[PRODUCT_IDS]
        if ids.dtype.kind != "U" or ids.ndim != 1 or list(ids) != sorted({str(one) for one in ids}):
            raise damaged(self.name, "its product ids are not a sorted list of different names")
        for name, axes in self.axes.items():
            check_array(self.name, name, self._arrays[name], {"P": len(ids)}, axes)


def check_array(
    source: str, name: str, array: NDArray[np.generic], lengths: dict[str, int], axes: str
) -> None:
    """Check that an array is finite float32 in row order and has the axes that it was declared with.

    Raises:
        IntegrityError: It is not.
    """
    if array.dtype != np.float32 or not array.flags.c_contiguous or not np.isfinite(array).all():
        raise damaged(source, f"array {name} is not finite float32 in row order")
    expected = tuple(lengths.get(axis, length) for axis, length in zip(axes, array.shape, strict=False))
    if array.ndim != len(axes) or array.shape != expected:
        raise damaged(source, f"array {name} does not fit the {lengths['P']} products")


def damaged(source: str, what: str) -> IntegrityError:
    """The error for arrays that are not a fitted source."""
    return IntegrityError(
        f"collaborative filtering {source} cannot be loaded: {what}",
        remedy="use an artifact that was written by `vipreco train` and not changed since",
        code="source-arrays",
    )


def to_columns(scores: Scores, known: tuple[str, ...], wanted: tuple[str, ...]) -> Scores:
    """Scores in the columns that were asked for; 0 for a product that is not known."""
    if wanted == known:
        return scores
    position = {product: column for column, product in enumerate(known)}
    filled = np.zeros((len(scores), len(wanted)), dtype=np.float32)
    there = [column for column, product in enumerate(wanted) if product in position]
    filled[:, there] = scores[:, [position[wanted[column]] for column in there]]
    return filled
