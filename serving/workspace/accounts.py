"""Accounts of people and tokens of programs, as an administrator changes them.

A token travels in files and variables and is stolen more easily than a session: a program is held to less.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from serving.http.app_state import AppState, clock
from serving.http.operation import Caller
from serving.http.problems import Problem
from vipreco.errors import UsageError
from vipreco.store import Event, MadeByToken, Role, Token, User

POWERS: Final = frozenset({Role.ADMIN, Role.APPROVER})
"""Roles over accounts and over models in force: people alone give them, and change who has them."""
Made = TypeVar("Made")


@dataclass(frozen=True)
class NewToken:
    """A token that is asked for.

    Args:
        name: Purpose.
        role: Role.
        days: Days until it ends; one that a program makes ends with that program's own at the latest.
        manager_id: The book of a manager's token.
        branch_id: The branch of a branch head's token.
    """

    name: str
    role: Role
    days: int
    manager_id: str | None = None
    branch_id: str | None = None


@dataclass(frozen=True)
class Accounts:
    """Accounts and tokens for whoever may change them.

    Args:
        state: With the store.
        caller: Who changes them.
        purpose: Of the changes, in the audit.
    """

    state: AppState
    caller: Caller
    purpose: str = ""

    def create_user(self, user: User, password: str | None) -> None:
        """Create an account; without a password it is for the bank's own log-in.

        Raises:
            Problem: A program asks for a role that people alone give.
            UsageError: As `Users.create`.
        """
        self._check_power(user.role)
        users = self.state.store.users
        self._changed("user.create", user.user_id, lambda: users.create(user, password))

    def disable_user(self, user_id: str) -> None:
        """Disable an account and end its sessions; nobody can shut themselves out.

        Raises:
            Problem: A program disables whoever has a role that people alone give.
            UsageError: It is the caller's own account, the last administrator's, or there is none.
        """
        if f"user:{user_id}" == self.caller.actor:
            raise UsageError("this is your own account", where="user", code="own-account")
        self._check_power(self._role_of(user_id))
        users = self.state.store.users
        self._changed("user.disable", user_id, lambda: users.disable(user_id))

    def change_password(self, user_id: str, password: str) -> None:
        """Change a password and end the sessions of the account.

        Raises:
            Problem: A program asks: it could act in the name of a person.
            UsageError: As `Users.change_password`.
        """
        if self._is_program:
            raise needs_a_person()
        users = self.state.store.users
        self._changed("user.password", user_id, lambda: users.change_password(user_id, password))

    def create_token(self, wanted: NewToken) -> tuple[Token, str]:
        """Create a token, and return it with its text, which nobody can show again.

        Raises:
            Problem: A program asks for a role that people alone give.
            UsageError: As `Tokens.create`, or the program's own token ends within a day.
        """
        self._check_power(wanted.role)
        tokens, now = self.state.store.tokens, clock()
        with self.state.store.database.writing():
            made, text = tokens.create(
                wanted.name,
                wanted.role,
                now,
                days=self._days(wanted.days),
                manager_id=wanted.manager_id,
                branch_id=wanted.branch_id,
            )
            self._note("token.create", made.token_id)
        return made, text

    def revoke_token(self, token_id: str, *, and_made: bool = False) -> MadeByToken:
        """Revoke a token, which is refused within seconds; also what was made with it, if it was stolen.

        Returns:
            Tokens and accounts that were made with it and that are of no use any more.

        Raises:
            UsageError: No such token.
        """
        store, now = self.state.store, clock()

        def work() -> MadeByToken:
            store.tokens.revoke(token_id, now)
            if not and_made:
                return MadeByToken()
            return store.undo_token(token_id, self.caller.actor, now, self.purpose)

        return self._changed("token.revoke", token_id, work)

    @property
    def _is_program(self) -> bool:
        return self.caller.session is None

    def _check_power(self, role: Role | None) -> None:
        if self._is_program and role in POWERS:
            raise needs_a_person()

    def _role_of(self, user_id: str) -> Role | None:
        return next((one.role for one in self.state.store.users.all() if one.user_id == user_id), None)

    def _days(self, wanted: int) -> int:
        """Return the days that a token gets: one that a program makes ends with its own at the latest."""
        own = (one for one in self.state.store.tokens.all() if f"token:{one.token_id}" == self.caller.actor)
        maker = next(own, None)
        return wanted if maker is None else min(wanted, (maker.expires_at - clock()).days)

    def _changed(self, action: str, about: str, work: Callable[[], Made]) -> Made:
        """Make a change and write its audit record, in one transaction."""
        with self.state.store.database.writing():
            made = work()
            self._note(action, about)
        return made

    def _note(self, action: str, about: str) -> None:
        self.state.note_at_once(Event(self.caller.actor, action, about, purpose=self.purpose))


def needs_a_person() -> Problem:
    """Return the problem of a program that asks for what people alone may do."""
    return Problem(403, "needs-a-person", detail="programs may not do this: a person who is logged in may")
