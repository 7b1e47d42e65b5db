"""The table of cases and the tests say the same."""

from __future__ import annotations

from tests.architecture.cases import OPEN, TABLE, rows, written


def test_the_table_names_the_tests_of_each_case() -> None:
    assert TABLE.read_text("utf-8") == written(), "run: python -m tests.architecture.cases"


def test_every_bad_input_fault_and_load_is_in_the_table() -> None:
    ids = [f"B{number:02d}" for number in range(1, 111)]
    ids += [f"F{number:02d}" for number in range(1, 39)] + [f"L{number}" for number in range(1, 11)]
    ids += [f"B{number}" for number in range(111, 121)]
    assert list(rows()) == ids


def test_no_case_is_open() -> None:
    assert [case for case, tests in rows().items() if tests == OPEN] == []
