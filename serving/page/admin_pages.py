"""The pages of an administrator: accounts, tokens, books and covers, the state of the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from serving.http.app_state import clock, releases_of
from serving.http.operation import HttpRequest, Operation, people
from serving.http.problems import not_found
from serving.page.cover_pages import CoverPages
from serving.page.responses import note, note_change, redirect, say_of, show
from serving.workspace.jobs import Jobs
from vipreco.errors import VipRecoError
from vipreco.online import shown_manifest
from vipreco.store import AuditQuery, Role, User, version_of

ADMINS = people(Role.ADMIN)
BACKUP_JOB, PREPARE_JOB = "store-backup", "prepare"
BACKUPS = "backups"
COVERS = CoverPages("/covers", "nav.covers", ADMINS)
MAX_TOKEN_DAYS = 90


@dataclass
class AdminPages:
    """The handlers."""

    def operations(self) -> tuple[Operation, ...]:
        """Return what is at each address."""
        get, post = "GET", "POST"
        changes = {
            "/users": self.create_user,
            "/users/disable": self.disable_user,
            "/users/password": self.change_password,
            "/tokens": self.create_token,
            "/tokens/revoke": self.revoke_token,
            "/store/backup": self.back_up,
            "/store/prepare": self.prepare,
        }
        return (
            Operation(get, "/users", self.users, ADMINS),
            Operation(get, "/tokens", self.tokens, ADMINS),
            Operation(get, "/store", self.store, ADMINS),
            *(Operation(post, path, handler, ADMINS, form=True) for path, handler in changes.items()),
            *COVERS.operations(),
        )

    def users(self, request: HttpRequest, problem: str = "") -> Response:
        """Show all accounts, and the forms that change them."""
        store = request.state.store
        values = {
            "users": store.users.all(),
            "roles": [role for role in Role if role is not Role.CHANNEL],
            "managers": sorted(store.books.sizes()),
            "branches": store.books.branches(),
            "problem": problem,
        }
        return show(request, "users.html", values, 422 if problem else 200)

    def create_user(self, request: HttpRequest) -> Response:
        """Create an account."""
        form = request.form
        role = _role(form.get("role", ""))
        works = _filled(form, "branch") if role is Role.MANAGER else _own(form, "branch", role)
        user = User(form.get("user", "").strip(), role, _own(form, "book", role), branch_id=works)
        password = form.get("password", "")

        def work() -> str:
            request.state.store.users.create(user, password)
            return user.user_id

        return _changed(request, "user.create", work, "/users", self.users)

    def disable_user(self, request: HttpRequest) -> Response:
        """Disable an account and end its sessions; nobody can shut themselves out."""
        user = request.form.get("user", "")
        if f"user:{user}" == request.known.actor:
            return self.users(request, say_of(request)("users.not_yourself"))

        def work() -> str:
            request.state.store.users.disable(user)
            return user

        return _changed(request, "user.disable", work, "/users", self.users)

    def change_password(self, request: HttpRequest) -> Response:
        """Change a password and end the sessions of the account."""
        user, password = request.form.get("user", ""), request.form.get("password", "")

        def work() -> str:
            request.state.store.users.change_password(user, password)
            return user

        return _changed(request, "user.password", work, "/users", self.users)

    def tokens(self, request: HttpRequest, problem: str = "", made: str = "") -> Response:
        """Show all tokens without their secrets; one that was just made is shown once."""
        store = request.state.store
        values = {
            "tokens": store.tokens.all(),
            "now": clock(),
            "roles": list(Role),
            "managers": sorted(store.books.sizes()),
            "branches": store.books.branches(),
            "max_days": MAX_TOKEN_DAYS,
            "problem": problem,
            "made": made,
        }
        return show(request, "tokens.html", values, 422 if problem else 200)

    def create_token(self, request: HttpRequest) -> Response:
        """Create a token, and show it this once."""
        form, state = request.form, request.state
        role, days = _role(form.get("role", "")), _number(form.get("days", ""))
        try:
            with state.store.database.writing():
                made, text = state.store.tokens.create(
                    form.get("name", "").strip(),
                    role,
                    clock(),
                    days=days,
                    manager_id=_own(form, "book", role),
                    branch_id=_own(form, "branch", role),
                )
                note_change(request, "token.create", made.token_id)
        except VipRecoError as error:
            return self.tokens(request, error.what)
        return self.tokens(request, made=text)

    def revoke_token(self, request: HttpRequest) -> Response:
        """Revoke a token; it is refused within seconds."""
        token = request.form.get("token", "")

        def work() -> str:
            request.state.store.tokens.revoke(token, clock())
            return token

        return _changed(request, "token.revoke", work, "/tokens", self.tokens)

    def store(self, request: HttpRequest) -> Response:
        """Show the state of the store, the last backup, and the last night run."""
        state, jobs = request.state, Jobs(request.state.root)
        database = state.store.database
        note(request, "store.read", "store")
        values = {
            "name": database.name,
            "version": version_of(database),
            "size": database.path.stat().st_size if database.path else None,
            "counts": state.store.counts(),
            "backups": state.store.audit.find(AuditQuery(action="store.backup"), 1),
            "backup_job": jobs.last(BACKUP_JOB),
            "prepare_job": jobs.last(PREPARE_JOB),
            "has_file": database.path is not None,
            "releases": _releases(request),
            "refused": releases_of(state.root).refused(),
            "pending": len(state.store.pending.all()),
        }
        return show(request, "store.html", values)

    def back_up(self, request: HttpRequest) -> Response:
        """Copy the store by `vipreco store backup`."""
        folder = request.state.root / BACKUPS
        folder.mkdir(mode=0o700, exist_ok=True)
        target = folder / f"store-{datetime.now(UTC):%Y%m%d-%H%M%S}.db"
        Jobs(request.state.root).start(BACKUP_JOB, ["store", "backup", str(target)], request.known.actor)
        return redirect("/store")

    def prepare(self, request: HttpRequest) -> Response:
        """Run the night's work now by `vipreco prepare`."""
        Jobs(request.state.root).start(PREPARE_JOB, ["prepare"], request.known.actor)
        note(request, "release.prepare", "page")
        return redirect("/store")


def _changed(
    request: HttpRequest,
    action: str,
    work: Callable[[], str],
    address: str,
    show_again: Callable[[HttpRequest, str], Response],
) -> Response:
    """Make a change and write its audit record, in one transaction; tell on the page what is wrong."""
    try:
        with request.state.store.database.writing():
            note_change(request, action, work())
    except VipRecoError as error:
        return show_again(request, error.what)
    return redirect(address)


def _own(form: Mapping[str, str], field: str, role: Role) -> str | None:
    """Return the book of a manager, or the branch of a branch head; None for every other role."""
    owner = {"book": Role.MANAGER, "branch": Role.BRANCH_HEAD}[field]
    return _filled(form, field) if role is owner else None


def _filled(form: Mapping[str, str], field: str) -> str | None:
    return form.get(field, "").strip() or None


def _role(text: str) -> Role:
    if text not in {role.value for role in Role}:
        raise not_found()
    return Role(text)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _releases(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the releases on this machine, newest first, with whether each is in force."""
    releases = releases_of(request.state.root)
    pointer = releases.pointer()
    found = []
    for folder in releases.all():
        manifest = shown_manifest(folder)  # to check its files takes 0.1 s for 20,000 customers
        if not manifest:
            continue
        made = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        in_force = pointer is not None and folder.name == pointer.current
        found.append({"name": folder.name, "made": made, "in_force": in_force, **manifest})
    return sorted(found, key=lambda one: one["made"], reverse=True)
