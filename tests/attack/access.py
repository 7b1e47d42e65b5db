"""Attacks on who may do what: every role on every route, other sites, sessions, forged tokens."""

from __future__ import annotations

import re
from datetime import timedelta

from serving import api
from serving.auth.cookies import COOKIE, DEVICE
from serving.http.app_state import clock
from serving.http.operation import Operation
from serving.page.pages import make_pages
from tests.attack.attacks import Tries, attack
from tests.attack.target import FOREIGN, MANAGER, NOBODY, OWN, Session, Target, begun
from tests.serving.small_bank import PASSWORD
from vipreco.store import Role, User

PAGES = tuple(make_pages(None, None).operations)  # type: ignore[arg-type]
PRODUCT = "card"
SEES_ALL = frozenset({Role.MARKETING, Role.CHANNEL})
BODIES = {
    "/v1/offers": lambda customer: {"customer_id": customer, "channel": "app"},
    "/v1/offers:batch": lambda customer: {"customer_ids": [customer], "channel": "app"},
    "/v1/outcomes": lambda customer: {"customer_id": customer, "channel": "call", "outcome": "unreachable"},
    "/v1/feedback": lambda customer: {"customer_id": customer, "product_id": PRODUCT, "cause": "known"},
    "/v1/covers": lambda _: {**ELSEWHERE, "from_date": "2020-03-02", "until_date": "2020-03-13"},
    "/v1/hand-overs": lambda _: {"from_manager_id": "M-else", "to_manager_id": "M-other"},
    "/v1/switches/off": lambda _: {"kind": "product", "name": "nothing", "reason": "recalled"},
    "/v1/switches/on": lambda _: {"kind": "product", "name": "nothing"},
    "/v1/decisions:search": lambda customer: {"customer_id": customer},
}
BODIES |= {
    "/v1/users": lambda _: {"user": "intruder", "role": "admin", "password": PASSWORD},
    "/v1/users/{user}/password": lambda _: {"password": PASSWORD},
    "/v1/tokens": lambda _: {"name": "mine", "role": "approver"},
    "/v1/tokens/{token_id}/revoke": lambda _: {},
}
BODIES |= {
    "/v1/campaigns": lambda _: {"file": "none"},
    "/v1/campaigns/{key}/file": lambda _: {"file": "none"},
    "/v1/campaigns:compare": lambda _: {"one": "none", "other": "none"},
}
ELSEWHERE = {"manager_id": "M-else", "deputy_id": "M-other"}  # nobody's book: nothing is changed
CHANGES = {"/v1/covers": 404, "/v1/hand-overs": 404, "/v1/covers/{cover_id}/end": 404}
CHANGES |= {"/v1/decisions:search": 200}
CHANGES |= {"/v1/campaigns": 422, "/v1/campaigns:compare": 404}  # no file of one, and there is none
CHANGES |= {"/v1/switches/off": 409, "/v1/switches/on": 409}  # there is no such product
CHANGES |= {
    "/v1/users": 403,  # a program gives no power over accounts or models
    "/v1/users/{user}/password": 403,
    "/v1/users/{user}/disable": 404,
    "/v1/tokens": 403,
    "/v1/tokens/{token_id}/revoke": 404,
}
STARTS = re.compile(r"/v1/(models.*|rules/price|store/.+|.+/replay)")  # commands beside the service
FORMS = {
    "/search": {"text": "0"},
    "/language": {"language": "en", "back": "/"},
    "/customers/{handle}/outcome": {"outcome": "unreachable", "product_id": "", "note": ""},
    "/customers/{handle}/feedback": {"product_id": PRODUCT, "reason_id": "", "cause": "known"},
}
# Other parts of addresses than the customer; nothing of these names is there, but the figure.
PARTS = {
    "version": "1",
    "decision_id": "0" * 32,
    "key": "none",
    "figure": "vip_customers",
    "kind": "csv",
    "cover_id": "0",
    "other": "2",
    "before": "p1",
    "after": "p2",
    "user": "nobody",
    "token_id": "00000000",
    "name": "call.csv",
    "channel": "call",
}
POSTS = [one for one in PAGES if one.method == "POST" and one.path not in {"/login", "/logout"}]


def _expected(operation: Operation, role: Role | None, customer: str) -> set[int]:
    """Return the right answers of a route for programs."""
    if operation.access.public:
        return {200}
    if role is None or role not in operation.access.roles or not operation.access.token:
        return {401} if role is None else {403}
    if any(part in operation.path for part in ("{key}", "/figures", "{before}", "/manager-hours")):
        return {404, 503}  # no campaign was run, and the release that is attacked has no figures
    if operation.path in CHANGES:
        return {CHANGES[operation.path] if operation.method == "POST" else 200}
    somebody = "{" in operation.path or operation.path in BODIES
    if operation.path == "/v1/offers:batch" or not somebody:
        return {200}
    seen = {OWN, FOREIGN} if role in {*SEES_ALL, Role.AUDITOR} else {OWN}
    if role is Role.BRANCH_HEAD:  # there are no customers in the branch of this reader
        seen = set()
    return {200, 201} if customer in seen else {404}


@attack("access matrix of programs", short=True)
def programs(target: Target, tries: Tries) -> None:
    """Ask for everything with every role, for the own customer, another's, and nobody's."""
    for operation in api.OPERATIONS:
        for role in (None, *Role):
            for customer in (OWN, FOREIGN, NOBODY):
                parts = {**PARTS, "month": "2025-12", "decision_id": f"d{customer}"}
                path = operation.path.format(customer_id=customer, **parts)
                if role in operation.access.roles and STARTS.fullmatch(operation.path):
                    continue  # tests/serving/test_access.py tries them without running anything
                if "decisions" in path and customer == NOBODY and role is not Role.MANAGER:
                    continue  # waits for a decision on its way; the manager's cell stands for them
                body = BODIES.get(operation.path)
                given = {"json": body(customer)} if body and operation.method in {"POST", "PUT"} else {}
                status = target.ask(operation.method, path, role, **given).status_code
                right = _expected(operation, role, customer)
                tries.expect(status in right, f"{operation.method} {path} by {role}: {status}, not {right}")


def _would_change(operation: Operation, role: Role | None) -> bool:
    """Return whether a post of another page than a manager's would change the service that is attacked."""
    admitted = role in operation.access.roles
    return admitted and operation.method == "POST" and operation.path not in FORMS


def _page_answers(operation: Operation, role: Role | None, customer: str) -> set[int]:
    """Return the right answers of a page."""
    if role is None:
        return {303}
    if role not in operation.access.roles:
        return {403}
    if operation.path.startswith("/branch") and "covers" not in operation.path:
        # the release that is attacked has no figures, the branch of this reader no customers
        return {404 if "{handle}" in operation.path else 503}
    if operation.path.endswith("s/compare"):
        return {200, 404}  # of models and campaigns two must be named, and none is
    if any(f"{{{part}}}" in operation.path for part in PARTS):
        return {200, 303, 404}
    return {404} if customer != OWN else {200, 303}


@attack("access matrix of people", short=True)
def people(target: Target, tries: Tries) -> None:
    """Open every page with every role, and with tokens, which open none."""
    handles = {customer: target.handle(customer) for customer in (OWN, FOREIGN, NOBODY)}
    for operation in PAGES:
        if operation.access.public or operation.path == "/logout":
            continue
        for role in (None, *target.sessions):
            if _would_change(operation, role):
                continue
            for customer in (OWN, FOREIGN, NOBODY) if "{handle}" in operation.path else (OWN,):
                path = operation.path.format(handle=handles[customer], **PARTS)
                session = None if role is None else target.sessions[role]
                form = FORMS.get(operation.path, {})
                given = target.post(path, session, form) if operation.method == "POST" else None
                status = (given or target.ask("GET", path, session)).status_code
                right = _page_answers(operation, role, customer)
                tries.expect(status in right, f"{operation.method} {operation.path} by {role}: {status}")
    for role in Role:
        answer = target.ask("GET", f"/customers/{handles[OWN]}", role)
        tries.expect(answer.status_code != 200, f"a token of {role} opened a page")


@attack("requests of other sites", short=True)
def other_sites(target: Target, tries: Tries) -> None:
    """Post in the name of who is logged in, from elsewhere or without the secret of the page."""
    own, other = target.sessions[Role.MANAGER], target.sessions[Role.AUDITOR]
    foreign = (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    )
    for operation in POSTS:
        path = operation.path.format(handle=target.handle(OWN), **PARTS)
        form = FORMS.get(operation.path, {})
        for headers in foreign:
            status = target.post(path, own, form, headers=headers).status_code
            tries.expect(status == 403, f"{path} with {headers}: {status}")
        if operation.access.public:
            continue
        for csrf in ("", own.csrf[:-1], own.csrf + "x", other.csrf):
            status = target.post(path, Session(own.secret, csrf), form).status_code
            tries.expect(status == 403, f"{path} with another secret: {status}")
        answer = target.ask("POST", path, own, json=form)
        tries.expect(answer.status_code in {403, 415}, f"{path} as JSON: {answer.status_code}")
        answer = target.ask("POST", path, own, data=form, headers={"Content-Type": "text/plain"})
        tries.expect(answer.status_code in {403, 415}, f"{path} as text: {answer.status_code}")
    status = target.ask("POST", "/v1/outcomes", own, json=BODIES["/v1/outcomes"](OWN)).status_code
    tries.expect(status == 403, f"an outcome by cookie alone: {status}")


@attack("sessions", short=True)
def sessions(target: Target, tries: Tries) -> None:
    """Use sessions that are forged, over, of closed accounts, or chosen by the attacker."""
    user = User("visitor", Role.MANAGER, MANAGER)
    with target.store() as store:
        store.users.create(user, PASSWORD)
        alive, old, closing = begun(store, user), begun(store, user), begun(store, user)
        over = store.sessions.begin(user, clock() - timedelta(hours=11))
        idle = store.sessions.begin(user, clock() - timedelta(minutes=61), timedelta(minutes=60))

    def opens(secret: str) -> bool:
        return target.ask("GET", "/", Session(secret, "")).status_code == 200

    tries.expect(opens(alive.secret), "a right session does not open")
    moment = int(alive.secret.partition(".")[2])
    body = alive.secret.partition(".")[0]
    forged = [f"{body}.{moment + 9_999}", f"{body}.", body, f"{body}x.{moment}", alive.secret.upper()]
    for secret in [*forged, over, idle, "", "' OR 1=1 --", "../../x", "a" * 4_000]:
        tries.expect(not opens(secret), f"a forged or ended session opens: {secret[:12]}")
    target.post("/logout", old, {})
    tries.expect(not opens(old.secret), "a session lives on after the log-out")
    chosen = "attackers-choice"
    answer = target.log_in("visitor", PASSWORD, "10.1.0.1", f"{COOKIE}={alive.secret}")
    tries.expect(answer.status_code == 303, "the log-in failed")
    tries.expect(not opens(alive.secret), "the session before lives on after a new log-in")
    answer = target.log_in("visitor", PASSWORD, "10.1.0.1", f"{COOKIE}={chosen}")
    given = answer.cookies.get(COOKIE)
    tries.expect(
        given not in {None, chosen} and not opens(chosen), "a session of the attacker's choice counts"
    )
    lines = answer.headers.get_list("set-cookie")
    for line in lines:
        tries.expect(
            "HttpOnly" in line and "SameSite=lax" in line, f"a cookie without protection: {line[:20]}"
        )
    tries.expect(any(line.startswith(DEVICE) for line in lines), "no cookie of the device")
    with target.store() as store:
        store.users.disable("visitor")
    tries.expect(not opens(closing.secret), "the session of a closed account opens")


@attack("forged tokens", short=True)
def tokens(target: Target, tries: Tries) -> None:
    """Change a token in every place, and send others under its name."""
    token = target.tokens[Role.ADMIN]

    def status(header: str) -> int:
        return target.ask("GET", "/metrics", headers={"Authorization": header}).status_code

    tries.expect(status(f"Bearer {token}") == 200, "a right token does not open")
    for place in range(0, len(token), 3):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        tries.expect(status(f"Bearer {changed}") == 401, f"a token changed at {place} opens")
    others = ["", "Bearer", f"Basic {token}", f"Bearer {token[:-1]}", f"Bearer {token} {token}"]
    for header in [*others, f"Bearer {token}x", "Bearer " + "x" * 5_000, "Bearer vpr_live_00000000_x"]:
        tries.expect(status(header) == 401, f"{header[:12]!r} opens")
    twice = [("Authorization", f"Bearer {target.tokens[Role.CHANNEL]}"), ("Authorization", f"Bearer {token}")]
    answer = target.client.get(f"{target.url}/metrics", headers=[("Host", "localhost"), *twice])
    tries.expect(answer.status_code == 400, f"two tokens: {answer.status_code}")
    answer = target.ask("GET", f"/metrics?token={token}&access_token={token}")
    tries.expect(answer.status_code == 401, "a token in the address opens")
    tries.expect(token not in target.log(), "a token is in the log")
    tries.expect(not re.search(r"vpr_\w+_[0-9a-f]{8}_\w+", target.log()), "a token is in the log")
