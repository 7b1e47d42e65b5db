"""The pages of an administrator: accounts, tokens, books and covers, the state of the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from starlette.responses import Response

from serving.http.app_state import clock
from serving.http.operation import HttpRequest, Operation, people
from serving.http.problems import not_found
from serving.page.cover_pages import CoverPages
from serving.page.responses import PURPOSE, redirect, say_of, show
from serving.workspace.accounts import Accounts, NewToken
from serving.workspace.store_work import StoreWork
from vipreco.errors import VipRecoError
from vipreco.store import Role, User

ADMINS = people(Role.ADMIN)
COVERS = CoverPages("/covers", "nav.covers", ADMINS)
MAX_TOKEN_DAYS = 90
SAID = {"own-account": "users.not_yourself", "last-admin": "users.last_admin"}


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
        work = partial(_accounts(request).create_user, user, password)
        return _changed(request, work, "/users", self.users)

    def disable_user(self, request: HttpRequest) -> Response:
        """Disable an account and end its sessions."""
        work = partial(_accounts(request).disable_user, request.form.get("user", ""))
        return _changed(request, work, "/users", self.users)

    def change_password(self, request: HttpRequest) -> Response:
        """Change a password and end the sessions of the account."""
        user, password = request.form.get("user", ""), request.form.get("password", "")
        work = partial(_accounts(request).change_password, user, password)
        return _changed(request, work, "/users", self.users)

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
        form = request.form
        role, days = _role(form.get("role", "")), _number(form.get("days", ""))
        name, book, branch = (
            form.get("name", "").strip(),
            _own(form, "book", role),
            _own(form, "branch", role),
        )
        try:
            _, text = _accounts(request).create_token(NewToken(name, role, days, book, branch))
        except VipRecoError as error:
            return self.tokens(request, error.what)
        return self.tokens(request, made=text)

    def revoke_token(self, request: HttpRequest) -> Response:
        """Revoke a token; of a stolen one also what was made with it."""
        and_made = request.form.get("and_made") == "1"
        work = partial(_accounts(request).revoke_token, request.form.get("token", ""), and_made=and_made)
        return _changed(request, work, "/tokens", self.tokens)

    def store(self, request: HttpRequest) -> Response:
        """Show the state of the store, the last backup, and the last night run."""
        work = _store(request)
        values = {"found": work.read(), "backup_job": work.backup, "prepare_job": work.night}
        return show(request, "store.html", values)

    def back_up(self, request: HttpRequest) -> Response:
        """Copy the store by `vipreco store backup`."""
        _store(request).back_up()
        return redirect("/store")

    def prepare(self, request: HttpRequest) -> Response:
        """Run the night's work now by `vipreco prepare`."""
        _store(request).prepare()
        return redirect("/store")


def _accounts(request: HttpRequest) -> Accounts:
    return Accounts(request.state, request.known, PURPOSE)


def _store(request: HttpRequest) -> StoreWork:
    return StoreWork(request.state, request.known.actor)


def _changed(
    request: HttpRequest,
    work: Callable[[], object],
    address: str,
    show_again: Callable[[HttpRequest, str], Response],
) -> Response:
    """Make a change; tell on the page what is wrong."""
    try:
        work()
    except VipRecoError as error:
        return show_again(request, say_of(request)(SAID[error.code]) if error.code in SAID else error.what)
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
