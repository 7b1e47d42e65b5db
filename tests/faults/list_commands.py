"""Commands that write lists, figures, reports and new projects, and that decide about models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.faults.command import OUT, Command
from tests.faults.store_commands import in_process

MODELS = frozenset({"champion", "store"})


def promoted(bank: Path) -> None:
    in_process(bank, "models", "promote", "2")


def prepared(bank: Path) -> None:
    in_process(bank, "prepare")


def _writes(*arguments: str, codes: frozenset[int] = frozenset({0}), repeatable: bool = True) -> Command:
    return Command(arguments, codes, repeatable=repeatable, parts=OUT)


LIST_COMMANDS: Mapping[str, Command] = {
    "sheet": _writes("sheet", "--customer", "{customer}", "--out", "out/sheet.pdf"),
    "book": _writes("book", "--manager", "M00000", "--out", "out/book.xlsx"),
    "relationships": _writes("relationships", "--list", "keep", "--all", "--out", "out/keep.xlsx"),
    "kpi": _writes("kpi", "--out", "out/kpi.xlsx"),
    "analyse": _writes("analyse", "funnel", "--out", "out/funnel.csv"),
    "levers": _writes("levers", "--out", "out/levers.xlsx"),
    "effects": _writes("effects", "--out", "out/effects.csv"),
    "validate": _writes("validate", "--out", "out/findings.csv", codes=frozenset({0, 4})),
    "monitor": _writes("monitor", "--report", "out/monitoring.html", codes=frozenset({0, 4, 9})),
    "report": _writes("report", "champion", "--out", "out/report.html"),
    "policy-price": _writes("policy", "price", "--out", "out/price.xlsx"),
    "simulate": _writes(
        "simulate", "--customers", "60", "--months", "3", "--out", "out/practice", repeatable=False
    ),
    "promote": Command(("models", "promote", "2"), repeatable=False, parts=MODELS),
    "rollback": Command(("models", "rollback"), before=promoted, repeatable=False, parts=MODELS),
    "retire": Command(("models", "retire", "2"), repeatable=False, parts=MODELS),
    "shadow": Command(("shadow", "score"), before=prepared),
    "campaign-recheck": _writes("campaign", "recheck", "past", "--out", "out/removed.xlsx"),
    "campaign-report": _writes("campaign", "report", "past", "--out", "out/past.html"),
    "new": _writes("new", "out/new", repeatable=False),
}
