"""The pages of an auditor: search the audit, check its chain, open a decision and decide it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from serving.http.audit_queries import FIELDS, audit_query
from serving.http.operation import HttpRequest, Operation, people
from serving.http.problems import Problem
from serving.page.responses import note, redirect, say_of, show
from serving.workspace.audit_chain import verify_chain
from serving.workspace.book_service import FindAnswers
from serving.workspace.decision_work import DecisionWork
from vipreco.store import Role

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
        work, customer = _work(request), request.form.get("customer", "").strip()
        found = work.newest(PAGE_SIZE, customer)
        values = {"customer": customer, "decisions": [*map(work.shown, found)]}
        return show(request, "decisions.html", values)

    def decision(self, request: HttpRequest) -> Response:
        """Show a decision as it was answered, and what deciding it again gave."""
        work = _work(request)
        found = work.read(request.http.path_params["decision_id"])
        job, again = work.replayed(found)
        values = {"decision": work.shown(found), "job": job, "again": again, **self._words(request)}
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
        decision_id = request.http.path_params["decision_id"]
        _work(request).replay(decision_id)
        return redirect(f"/decisions/{decision_id}")


def _work(request: HttpRequest) -> DecisionWork:
    return DecisionWork(request.state, request.scope)
