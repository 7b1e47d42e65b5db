"""Keeps lists and sheets in the decision log before they are shown, so that each can be decided again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from serving.http.app_state import AppState
from serving.workspace.result_cache import alone, decisions_of
from vipreco.lists import CallList, CustomerSheet, Day
from vipreco.policy import Policy
from vipreco.store import Scope

if TYPE_CHECKING:
    from vipreco.assurance import MadeList


class DecidedBy(Protocol):
    """Model, tables and rules behind the answers that are in force."""

    @property
    def policy(self) -> Policy:
        """Rules in force."""

    @property
    def source(self) -> object:
        """Release in force; results of another one hold no more."""

    @property
    def model_hash(self) -> str:
        """Hash of the artifact of the model."""

    @property
    def snapshot_id(self) -> str:
        """Fingerprint of the tables."""

    def decided_on(self, customer_ids: Iterable[str]) -> dict[str, Any]:
        """Return the basis and the state of the store that decisions about some customers rest on."""

    def absences(self, scope: Scope) -> dict[str, Any]:
        """Return the reader's absences, and the ends of leave covers by customer, as JSON values."""

    def stamp(self, customer_ids: Iterable[str]) -> Hashable:
        """Return a value that changes when anything known or allowed about these customers does."""


@dataclass(frozen=True)
class ListKeeper:
    """The decision log for one reader.

    Args:
        state: With the store.
        answers: Behind the lists.
        scope: The reader.
    """

    state: AppState
    answers: DecidedBy
    scope: Scope

    def call_list(
        self, day: Day, customer_ids: Sequence[str], planned: Hashable, listed: Callable[[], CallList]
    ) -> str:
        """Keep the plan of a day, once a plan, and return its decision id.

        Args:
            day: The plan.
            customer_ids: Everybody whom the reader sees.
            planned: Key of the plan.
            listed: Gives its calls.
        """
        key = ("list", planned, self.scope.manager_id, self.scope.actor)
        return self._once(key, lambda: self._keep_list(day, list(customer_ids), listed()))

    def sheet(self, day: Day, customer_id: str, sheet: CustomerSheet) -> str:
        """Keep a sheet, once until something changes, and return its decision id."""
        key = ("sheet", customer_id, self.answers.stamp([customer_id]), self.scope.actor)
        return self._once(key, lambda: self._keep_sheet(day, customer_id, sheet))

    def _once(self, key: Hashable, keep: Callable[[], str]) -> str:
        return decisions_of(self.state).of(self.answers.source, key, keep)

    def _keep_list(self, day: Day, customer_ids: list[str], listed: CallList) -> str:
        from vipreco.assurance import PAGE_LIST, made_of_day, rows_of_calls  # noqa: PLC0415 - when first shown

        with alone(self.state):
            made = made_of_day(day, rows_of_calls(listed))
        return self._keep(PAGE_LIST, day, customer_ids, made)

    def _keep_sheet(self, day: Day, customer_id: str, sheet: CustomerSheet) -> str:
        from vipreco.assurance import PAGE_SHEET, made_of_day, rows_of_sheet  # noqa: PLC0415 - when first shown

        with alone(self.state):
            made = made_of_day(day, rows_of_sheet(customer_id, sheet))
        return self._keep(PAGE_SHEET, day, [customer_id], made)

    def _keep(self, kind: str, day: Day, customer_ids: list[str], made: MadeList) -> str:
        """Write a list into the store before it is shown."""
        found = self.answers.decided_on(customer_ids)
        question = {"customers": customer_ids, "channel": day.channel, **self.answers.absences(self.scope)}
        record = made.record(
            kind=kind,
            question=question,
            artifact_hash=self.answers.model_hash,
            snapshot_id=self.answers.snapshot_id,
            policy_version=self.answers.policy.version,
            basis=found["basis"],
            day=day.date.isoformat(),
            overlay=found["overlay"],
        )
        decision = record.decision(self.state.now(), self.scope.actor)
        self.state.store.decisions.add([decision])
        return decision.decision_id
