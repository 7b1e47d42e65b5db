"""Past decisions for an auditor: as they were answered, customers by pseudonym, and decided again."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
        of, record = self.state.keys.pseudonym_of, json.loads(decision.record)
        shown = {"id": decision.decision_id, "made_at": decision.made_at, "actor": decision.actor}
        if decision.customer_id == OF_A_LIST:
            rows = [[of(row[0]), *row[1:]] for row in record["rows"]]
            named = record["question"].get("customers")
            question = record["question"] | ({} if named is None else {"customers": [*map(of, named)]})
            told = {**record, "question": question, "rows": rows}
            whose = question["customers"][0] if record["kind"] in OF_ONE and named else ""
            return {**shown, "pseudonym": whose, "kind": record["kind"], "record": told}
        pseudonym = of(decision.customer_id)
        return {**shown, "pseudonym": pseudonym, "kind": "", "record": {**record, "customer_id": pseudonym}}

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
