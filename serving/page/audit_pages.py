"""The pages of an auditor: search the audit, check its chain, open a decision and decide it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from serving.http.audit_queries import FIELDS, audit_query
from serving.http.operation import HttpRequest, Operation, people
from serving.http.problems import Problem, not_found
from serving.page.responses import note, redirect, say_of, show
from serving.workspace.audit_chain import verify_chain
from serving.workspace.book_service import FindAnswers
from serving.workspace.jobs import Jobs
from vipreco.store import OF_A_LIST, OF_ONE, Decision, Role

READERS = people(Role.AUDITOR)
PAGE_SIZE = 50
RESULTS = ("ok", "denied", "unknown", "failed")


@dataclass
class AuditPages:
    """The handlers."""

    answers: FindAnswers

    def operations(self) -> tuple[Operation, ...]:
        """Return what is at each address."""
        decision = "/decisions/{decision_id}"
        return (
            Operation("GET", "/audit", self.search, READERS),
            Operation("POST", "/audit", self.look_up, READERS, form=True),
            Operation("POST", "/audit/verify", self.verify, READERS, form=True),
            Operation("GET", "/decisions", self.decisions, READERS),
            Operation("POST", "/decisions", self.decisions, READERS, form=True),
            Operation("GET", decision, self.decision, READERS),
            Operation("POST", f"{decision}/replay", self.replay, READERS, form=True),
        )

    def search(self, request: HttpRequest) -> Response:
        """Show the audit records that the address asks for, newest first."""
        return self._found(request, {})

    def look_up(self, request: HttpRequest) -> Response:
        """Lead to the records that the form asks for: a customer stands in the address by pseudonym."""
        given = {name: request.form.get(name, "").strip() for name in FIELDS}
        customer = request.form.get("customer", "").strip()
        if customer:
            given["object"] = request.state.keys.pseudonym_of(customer)
        query = urlencode({name: value for name, value in given.items() if value})
        return redirect(f"/audit?{query}" if query else "/audit")

    def _found(self, request: HttpRequest, more: dict[str, Any]) -> Response:
        state = request.state
        given = {name: request.http.query_params.get(name, "").strip() for name in FIELDS}
        query, wrong = audit_query(given)
        rows = [] if wrong else state.store.audit.find(query, PAGE_SIZE + 1)
        searched = (f"{name}={value}" for name, value in given.items() if value and name != "before")
        note(request, "audit.read", " ".join(searched))
        last = rows[PAGE_SIZE - 1]["sequence"] if len(rows) > PAGE_SIZE else None
        kept = {name: value for name, value in given.items() if value and name != "before"}
        values = {
            "given": given,
            "wrong": wrong,
            "rows": rows[:PAGE_SIZE],
            "actions": state.store.audit.actions(),
            "results": RESULTS,
            "older": "" if last is None else f"/audit?{urlencode({**kept, 'before': last})}",
            "newest": f"/audit?{urlencode(kept)}" if given["before"] else "",
            "head": state.store.audit.head(),
            "verified": None,
            "broken": "",
            **more,
        }
        return show(request, "audit.html", values)

    def verify(self, request: HttpRequest) -> Response:
        """Check every record against the chain, and the chain against signed heads where there are any."""
        found = verify_chain(request.state, request.known.actor)
        if found.broken:
            return self._found(request, {"broken": found.broken})
        return self._found(request, {"verified": found, "against_heads": found.against_heads})

    def decisions(self, request: HttpRequest) -> Response:
        """Show the newest decisions; with a customer in the form, those about them."""
        customer = request.form.get("customer", "").strip()
        pseudonym = request.state.keys.pseudonym_of(customer) if customer else ""
        request.state.spool.flush()
        found = request.state.store.decisions.newest(request.scope, PAGE_SIZE, customer)
        note(request, "decisions.read", pseudonym)
        values = {"customer": customer, "decisions": [self._brief(request, one) for one in found]}
        return show(request, "decisions.html", values)

    def _brief(self, request: HttpRequest, decision: Decision) -> dict[str, Any]:
        """Return a decision as the pages show it: customers by pseudonym."""
        of, record = request.state.keys.pseudonym_of, json.loads(decision.record)
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

    def decision(self, request: HttpRequest) -> Response:
        """Show a decision as it was answered, and what deciding it again gave."""
        found = self._decision(request)
        job = Jobs(request.state.root).last(_job(found))
        note(request, "decision.read", _about(request, found))
        brief = self._brief(request, found)
        again = job.content if job else None
        if again and again["receipt"]:
            again["receipt"]["question"]["customer_id"] = brief["pseudonym"]
        values = {"decision": brief, "job": job, "again": again, **self._words(request)}
        return show(request, "decision.html", values)

    def _words(self, request: HttpRequest) -> dict[str, Mapping[str, str]]:
        """Return products and causes by code in words; none where nothing is served: codes are shown then."""
        language = say_of(request).language
        try:
            answers = self.answers(request.state)
        except Problem:
            return {"names": {}, "causes": {}}
        causes = {rule.reason_code: rule.named(language) for rule in answers.policy.rules}
        return {"names": answers.product_names, "causes": causes}

    def replay(self, request: HttpRequest) -> Response:
        """Decide a decision again by `vipreco replay --decision`."""
        found = self._decision(request)
        arguments = ["replay", "--decision", found.decision_id, "--format", "json"]
        Jobs(request.state.root).start(_job(found), arguments, request.known.actor)
        note(request, "decision.replay", _about(request, found))
        return redirect(f"/decisions/{found.decision_id}")

    def _decision(self, request: HttpRequest) -> Decision:
        state = request.state
        found = state.store.decisions.read(request.scope, request.http.path_params["decision_id"])
        if found is None:
            raise not_found()
        return found


def _about(request: HttpRequest, found: Decision) -> str:
    """Return the object of a read of a decision: the customer by pseudonym, or the list by its id."""
    customer = found.customer_id
    return request.state.keys.pseudonym_of(customer) if customer else found.decision_id


def _job(found: Decision) -> str:
    return f"replay-{found.decision_id}"
