"""The whole book of a manager: all customers in any order, this week, and the calendar of promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from serving.http.operation import HttpRequest, Operation, people
from serving.page.responses import file_answer, note, show
from serving.page.sort_order import Sort
from serving.page.workbooks import book_workbook
from serving.workspace.book_service import BookService
from vipreco.lists import BookLine, promises
from vipreco.store import Role

MANAGERS = people(Role.MANAGER)
COLUMNS: dict[str, Callable[[BookLine], Any]] = {
    "assets": lambda line: line.assets,
    "tier": lambda line: (line.tier, line.assets or 0.0),
    "attrition": lambda line: line.attrition,
    "tier_upgrade": lambda line: line.tier_upgrade,
    "deadline": lambda line: line.deadline,
    "maturing": lambda line: line.maturing_amount,
    "value": lambda line: line.expected_value,
    "reached": lambda line: line.reached_date,
}
STATES = ("all", "callable", "blocked", "duty")
WEEKS = 5


@dataclass
class BookPages:
    """The handlers.

    Args:
        service_for: Finds the service of a reader.
    """

    service_for: Callable[[HttpRequest], BookService]

    def operations(self) -> tuple[Operation, ...]:
        """Return what is at each address."""
        return (
            Operation("GET", "/book", self.book, MANAGERS),
            Operation("GET", "/book.xlsx", self.book_file, MANAGERS),
            Operation("GET", "/week", self.week, MANAGERS),
        )

    def book(self, request: HttpRequest) -> Response:
        """Show all customers of the book in the order that the reader chose."""
        service = self.service_for(request)
        query = request.http.query_params
        lines = service.book_lines()
        note(request, "book.read")
        state = query.get("state", "all")
        state = state if state in STATES else "all"
        sort = Sort.of("/book", query, COLUMNS, "assets")
        values = {
            **service.page_values,
            "sort": sort,
            "lines": sort.applied([line for line in lines if _is_in(line, state)], COLUMNS[sort.key]),
            "total": len(lines),
            "states": {one: sum(_is_in(line, one) for line in lines) for one in STATES},
            "state": state,
        }
        return show(request, "book.html", values)

    def book_file(self, request: HttpRequest) -> Response:
        """Send the book as a spreadsheet."""
        service = self.service_for(request)
        content = book_workbook(service)
        note(request, "book.export")
        return file_answer(content, "book.xlsx")

    def week(self, request: HttpRequest) -> Response:
        """Show the calls that are planned for this week, and the promises as a calendar."""
        service = self.service_for(request)
        day = service.call_list()
        promised = promises(service.book_lines())
        note(request, "week.read")
        first = day.date - timedelta(days=day.date.weekday())
        last = first + timedelta(days=7 * WEEKS)
        by_day: dict[date, list[BookLine]] = {}
        for line in promised:
            if line.promise_date is not None and first <= line.promise_date < last:
                by_day.setdefault(line.promise_date, []).append(line)
        weeks = [[first + timedelta(days=7 * week + one) for one in range(7)] for week in range(WEEKS)]
        values = {
            **service.page_values,
            "day": day,
            "weeks": weeks,
            "by_day": by_day,
            "overdue": [line for line in promised if line.promise_date and line.promise_date < first],
            "later": [line for line in promised if line.promise_date and line.promise_date >= last],
            "promised": len(promised),
        }
        return show(request, "week.html", values)


def _is_in(line: BookLine, state: str) -> bool:
    """Return whether a customer belongs to a part of the book."""
    if state == "duty":
        return bool(line.duty)
    return state == "all" or bool(line.blocked) == (state == "blocked")
