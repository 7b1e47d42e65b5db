"""Past decisions for an auditor: as they were answered, customers by pseudonym, and decided again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serving.http.app_state import AppState
from serving.http.problems import not_found
from serving.workspace.jobs import Job, Jobs
from vipreco.store import OF_A_LIST, OF_ONE, Decision, Event, Scope


@dataclass(frozen=True)
class DecisionWork:
    """The decision log for an auditor.

    Args:
        state: With the store and the keys of pseudonyms.
        scope: The auditor.
    """

    state: AppState
    scope: Scope

    def newest(self, limit: int, customer: str) -> Sequence[Decision]:
        """Return the newest decisions; with a customer, those about them."""
        self.state.spool.flush()
        found = self.state.store.decisions.newest(self.scope, limit, customer)
        self._note("decisions.read", self.state.keys.pseudonym_of(customer) if customer else "")
        return found

    def read(self, decision_id: str) -> Decision:
        """Return a decision.

        Raises:
            Problem: There is none.
        """
        found = self._find(decision_id)
        self._note("decision.read", self._about(found))
        return found

    def replay(self, decision_id: str) -> None:
        """Decide a decision again by `vipreco replay --decision`.

        Raises:
            Problem: There is none.
        """
        found = self._find(decision_id)
        arguments = ["replay", "--decision", found.decision_id, "--format", "json"]
        Jobs(self.state.root).start(_job(found.decision_id), arguments, self.scope.actor)
        self._note("decision.replay", self._about(found))

    def replayed(self, decision: Decision) -> tuple[Job | None, Any]:
        """Return the last replay of a decision, and what it gave: its customer by pseudonym."""
        job = Jobs(self.state.root).last(_job(decision.decision_id))
        again = job.content if job else None
        if again and again["receipt"]:
            again["receipt"]["question"]["customer_id"] = self.shown(decision)["pseudonym"]
        return job, again

    def shown(self, decision: Decision) -> dict[str, Any]:
        """Return a decision with its customers by pseudonym."""
        record = json.loads(decision.record)
        shown = {"id": decision.decision_id, "made_at": decision.made_at, "actor": decision.actor}
        listed = decision.customer_id == OF_A_LIST
        named = record["question"].get("customers") or [] if listed else [decision.customer_id]
        ids = {*named, *(_others(record) if listed else ())} - {""}
        hidden = {one: self.state.keys.pseudonym_of(one) for one in ids}
        told = _with_pseudonyms(record, hidden)
        if not listed:
            pseudonym = hidden[decision.customer_id]
            return {**shown, "pseudonym": pseudonym, "kind": "", "record": {**told, "customer_id": pseudonym}}
        whose = hidden[named[0]] if record["kind"] in OF_ONE and named else ""
        return {**shown, "pseudonym": whose, "kind": record["kind"], "record": told}

    def _find(self, decision_id: str) -> Decision:
        found = self.state.store.decisions.read(self.scope, decision_id)
        if found is None:
            raise not_found()
        return found

    def _about(self, found: Decision) -> str:
        """Return the object of an audit record: the customer by pseudonym, or the list by its id."""
        customer = found.customer_id
        return self.state.keys.pseudonym_of(customer) if customer else found.decision_id

    def _note(self, action: str, about: str) -> None:
        self.state.note_at_once(Event(self.scope.actor, action, about))


def _job(decision_id: str) -> str:
    return f"replay-{decision_id}"


def _others(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the customers whom the record of a list names beside those who were asked about."""
    yield from (str(row[0]) for row in record["rows"])
    yield from (str(one) for one, _ in record["question"].get("cover_ends", []))


def _with_pseudonyms(value: Any, hidden: Mapping[str, str]) -> Any:
    """Return a record with the pseudonyms of customers, wherever in it they stand."""
    if isinstance(value, dict):
        return {hidden.get(name, name): _with_pseudonyms(one, hidden) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_pseudonyms(one, hidden) for one in value]
    return hidden.get(value, value) if isinstance(value, str) else value
