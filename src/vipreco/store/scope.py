"""Scope of an actor: role, and the customers that they may see."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, false, or_, select, true

from vipreco.errors import UsageError
from vipreco.store.schema import books, covers


class Role(StrEnum):
    """Role of a person or program; the list is closed."""

    MANAGER = "manager"
    BRANCH_HEAD = "branch_head"
    MARKETING = "marketing"
    CHANNEL = "channel"
    SCIENTIST = "scientist"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMIN = "admin"


def check_whose(role: Role, manager_id: str | None, branch_id: str | None) -> None:
    """Make sure that a manager has a book, and a branch head a branch.

    Raises:
        UsageError: They have none.
    """
    if role is Role.MANAGER and not manager_id:
        raise UsageError("a manager needs the id of their book", where="manager_id", code="no-book")
    if role is Role.BRANCH_HEAD and not branch_id:
        raise UsageError("a branch head needs the id of their branch", where="branch_id", code="no-branch")


SEES_ALL = frozenset({Role.MARKETING, Role.CHANNEL})


class Scope(NamedTuple):
    """An actor with the customers that they may see.

    Args:
        actor: Id of the user or token, as the audit names it.
        role: A manager sees their own book and the books that they cover, a branch head the customers of
            their branch, marketing and channel see all customers, everybody else none.
        manager_id: Id of the book, for managers.
        day: Business date; decides which leave covers are valid.
        branch_id: Id of the branch, for branch heads.
    """

    actor: str
    role: Role
    manager_id: str | None = None
    day: date | None = None
    branch_id: str | None = None

    def sees(self) -> ColumnElement[bool]:
        """Return the condition on rows of `books` that every query about a customer contains."""
        if self.role in SEES_ALL:
            return true()
        if self.role is Role.BRANCH_HEAD and self.branch_id is not None:
            return books.c.branch_id == self.branch_id
        if self.role is not Role.MANAGER or self.manager_id is None:
            return false()
        own = books.c.manager_id == self.manager_id
        return own if self.day is None else or_(own, books.c.manager_id.in_(self._covered(self.day)))

    def audits(self) -> ColumnElement[bool]:
        """Return the condition for records of what was answered: an auditor sees those of all customers."""
        return true() if self.role is Role.AUDITOR else self.sees()

    def _covered(self, day: date) -> ColumnElement[str]:
        holds = and_(
            covers.c.deputy_id == self.manager_id, covers.c.from_date <= day, covers.c.until_date >= day
        )
        return select(covers.c.manager_id).where(holds).scalar_subquery()
