"""Models for scientist and approver: versions, numbers beside baselines, promotion, kill switches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from serving.http.operation import HttpRequest, Operation, people
from serving.page.calibration_chart import calibration_chart
from serving.page.responses import PURPOSE, redirect, say_of, show
from serving.workspace.book_service import FindAnswers
from serving.workspace.jobs import Job
from serving.workspace.model_work import ModelWork
from serving.workspace.switches import KillSwitches
from vipreco.errors import VipRecoError
from vipreco.lists import Wording
from vipreco.store import Role

READERS = people(Role.SCIENTIST, Role.APPROVER)
APPROVERS = people(Role.APPROVER)


@dataclass
class ModelPages:
    """The handlers."""

    answers: FindAnswers

    def operations(self) -> tuple[Operation, ...]:
        """Return what is at each address."""
        get, post, one = "GET", "POST", "/models/{version}"
        return (
            Operation(get, "/models", self.versions, READERS),
            Operation(post, "/models/refresh", self.refresh, READERS, form=True),
            Operation(post, "/models/monitor", self.monitor, READERS, form=True),
            Operation(get, "/models/compare", self.compare, READERS),
            Operation(post, "/models/rollback", self.roll_back, APPROVERS, form=True),
            Operation(get, one, self.version, READERS),
            Operation(post, f"{one}/promote", self.promote, APPROVERS, form=True),
            Operation(get, "/switches", self.switches, READERS),
            Operation(post, "/switches/off", self.switch_off, READERS, form=True),
            Operation(post, "/switches/on", self.switch_on, READERS, form=True),
        )

    def versions(self, request: HttpRequest) -> Response:
        """Show all registered versions; the list is read anew after each decision about them."""
        work = _work(request)
        listed, findings = work.versions(), work.findings
        values = {
            "job": listed,
            "decided": work.decided,
            "versions": listed.content or [] if listed else [],
            "may_decide": request.known.role in APPROVERS.roles,
            "off": {one.name: one for one in request.state.store.switches.all()},
            "drift_job": findings,
            "drift": _content(findings),
        }
        return show(request, "models.html", values)

    def refresh(self, request: HttpRequest) -> Response:
        """Read the registry again."""
        _work(request).refresh()
        return redirect("/models")

    def monitor(self, request: HttpRequest) -> Response:
        """Judge the newest snapshot by `vipreco monitor`."""
        _work(request).monitor()
        return redirect("/models")

    def version(self, request: HttpRequest) -> Response:
        """Show the verdict about a version, its calibration, and its main numbers beside simple rules."""
        work, version = _work(request), request.http.path_params["version"]
        job = work.version(version)
        told, say = _content(job) or {}, say_of(request)
        values = {
            "version": version,
            "job": job,
            "rows": told.get("numbers", []),
            "metric": metric_words,
            "lines": _lines(told, say),
            "calibration": calibration_chart(told.get("calibration", [])),
            "mlflow": told.get("mlflow", ""),
            "listed": told,
            "decided": work.decided,
            "may_decide": request.known.role in APPROVERS.roles,
        }
        return show(request, "model.html", values)

    def compare(self, request: HttpRequest) -> Response:
        """Show the numbers of two versions side by side."""
        query = request.http.query_params
        one, other = query.get("one", ""), query.get("other", "")
        jobs = _work(request).compared(one, other)
        told, say = [_content(job) or {} for job in jobs], say_of(request)
        rows = [{row["metric"]: row for row in one.get("numbers", [])} for one in told]
        values = {
            "one": one,
            "other": other,
            "job": next((job for job in jobs if job is None or not job.succeeded), jobs[0]),
            "metrics": list(dict.fromkeys([*rows[0], *rows[1]])),
            "rows": rows,
            "lines": [_lines(one, say) for one in told],
            "metric": metric_words,
            "calibrations": [calibration_chart(one.get("calibration", [])) for one in told],
        }
        return show(request, "models_compare.html", values)

    def promote(self, request: HttpRequest) -> Response:
        """Approve a version by `vipreco models promote`, which judges its gates and who trained it."""
        version = request.http.path_params["version"]
        _work(request).promote(version)
        return redirect(f"/models/{version}")

    def roll_back(self, request: HttpRequest) -> Response:
        """Put the previous champion in force again by `vipreco models rollback`."""
        _work(request).roll_back()
        return redirect("/models")

    def switches(self, request: HttpRequest, problem: str = "") -> Response:
        """Show what is switched off, and the form that switches off."""
        state = request.state
        release = state.release
        known = self.answers(state).product_names if release else {}
        values = {
            "switches": state.store.switches.all(),
            "names": {one: known.get(one, one) for one in sorted(state.product_ids or ())},
            "model": "" if release is None else release.model_version,
            "problem": problem,
        }
        return show(request, "switches.html", values, 422 if problem else 200)

    def switch_off(self, request: HttpRequest) -> Response:
        """Switch a product or the model off, with its audit record."""
        kind, name, reason = (request.form.get(part, "").strip() for part in ("kind", "name", "reason"))
        try:
            _switches(request).off(kind, name, reason)
        except VipRecoError as error:
            unknown = error.code == "unknown-switch"
            return self.switches(request, say_of(request)("switches.unknown") if unknown else error.what)
        return redirect("/switches")

    def switch_on(self, request: HttpRequest) -> Response:
        """Switch a product or a model on again, with its audit record."""
        try:
            _switches(request).on(request.form.get("kind", ""), request.form.get("name", ""))
        except VipRecoError as error:
            return self.switches(request, error.what)
        return redirect("/switches")


def _work(request: HttpRequest) -> ModelWork:
    return ModelWork(request.state, request.known.actor)


def _switches(request: HttpRequest) -> KillSwitches:
    return KillSwitches(request.state, request.scope, PURPOSE)


def _content(job: Job | None) -> Any:
    return None if job is None else job.content


def _lines(told: Mapping[str, Any], say: Wording) -> list[str]:
    """Return the verdict and the approvals in words."""
    if not told:
        return []
    if "passes" not in told:  # read before the verdict was told in parts
        return [*told.get("verdict", []), *told.get("approvals", [])]
    verdict = say("models.passes") if told["passes"] else say("models.fails")
    broken = list(_broken(told["broken"], say))
    cases = [] if told["cases"] is None else [say("models.cases", count=f"{told['cases']:,.0f}")]
    approved = [
        say(
            "models.approval",
            action=say.of("model_action", one["action"]),
            actor=one["actor"],
            at=str(one["at"])[:16].replace("T", " "),
            result=say.of("audit_result", one["result"]),
        )
        for one in told["approved"]
    ]
    return [verdict, *broken, *cases, *approved]


def _broken(gates: Iterable[Mapping[str, Any] | str], say: Wording) -> Iterator[str]:
    """Yield each gate that does not hold with both numbers, then what that means, and what would help."""
    means: dict[str, str] = {}
    for gate in gates:
        if isinstance(gate, str):  # read before its numbers were told
            yield say("models.broken", gate=metric_words(gate, say))
            continue
        yield say("models.broken", gate=_bound(gate, say))
        name = gate["metric"] if say.has(f"gate_means.{gate['metric']}") else "other"
        means[say(f"gate_means.{name}")] = say(f"gate_helps.{name}")
    if means:
        yield say("models.means", what=say.listed(means))
        yield say("models.helps", what=say.listed(dict.fromkeys(means.values())))


def _bound(gate: Mapping[str, Any], say: Wording) -> str:
    """Return a gate with the number found and the number asked for."""
    name = metric_words(gate["metric"], say)
    if len(gate["numbers"]) < 3:
        return say("gate.unknown", gate=name) if gate["bound"] == "unknown" else str(gate["sentence"])
    value, other, asked = ("–" if one is None else f"{one:.4g}" for one in gate["numbers"])
    kind = gate["bound"] if gate["bound"] == "margin" or other == value else f"{gate['bound']}_end"
    return say(f"gate.{kind}", gate=name, value=value, other=other, asked=asked)


def metric_words(name: str, say: Wording) -> str:
    """Return a metric in words, with its interval where it has one: `slope [0.9, 1.1]`."""
    bare, bracket, interval = name.partition(" [")
    return say.of("metric", bare) + bracket + interval
