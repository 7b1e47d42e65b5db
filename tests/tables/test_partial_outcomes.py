"""Outcomes that a bank delivers in parts: nothing is made of those that are missing."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from vipreco.catalog import Catalog
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.policy import NEVER_DAYS, Policy, PolicyFacts, gather_facts
from vipreco.settings import PolicySettings, Settings
from vipreco.tables import import_

FEATURES = Path(__file__).parents[2] / "features"
SETTINGS = Settings.model_validate_json(json.dumps({"project": {"name": "test"}}))
DAY, NEXT = date(2025, 2, 28), date(2025, 3, 31)
HOUSE = Policy.read(PolicySettings(packs=("house",)))
PRODUCTS_IDS = ["card", "fund"]
HAS_ACQUIRED = {
    "customer_id": "B",
    "product_id": "fund",
    "opened_date": date(2025, 3, 10),
    "reacquired": False,
}
MAPPING = """
[[source]]
file = "customers*"
[[source.table]]
table = "customers"
columns = { customer_id = "id", snapshot_date = "day", consent_call = "call" }
[source.table.attributes]
policy_blocked = { column = "blocked", type = "flag" }
policy_complaint_open = { column = "complaint", type = "flag" }
[[source]]
file = "products*"
[[source.table]]
table = "products"
columns = { product_id = "id", name = "name", family = "family", channels = "channels", offered_from = "since" }
[[source]]
file = "holdings*"
[[source.table]]
table = "holdings"
columns = { customer_id = "customer", product_id = "product", opened_date = "opened" }
[[source]]
file = "contacts*"
[[source.table]]
table = "contacts"
columns = { contact_id = "id", customer_id = "customer", product_id = "product", channel = "channel", contacted_at = "at", outcome = "outcome", recorded_date = "known" }
"""  # noqa: E501  a row of a mapping
CUSTOMERS = "id,day,call,blocked,complaint\n" + "".join(
    f"{one},{day},yes,no,no\n" for day in ("2025-01-31", DAY, NEXT) for one in "ABC"
)
PRODUCTS = "id,name,family,channels,since\nfund,Fund,a,call,2020-01-01\ncard,Card,b,call,2020-01-01\n"
HOLDINGS = "customer,product,opened\nA,card,2024-01-05\nB,fund,2025-03-10\nC,card,2024-02-02\n"
HEAD = "id,customer,product,channel,at,outcome,known\n"
OUTCOMES = [
    "1,A,fund,call,2025-02-03 10:00:00,declined,2025-02-04\n",
    "2,B,fund,call,2025-02-04 10:00:00,accepted,2025-02-05\n",
    "3,C,fund,call,2025-02-05 10:00:00,declined,2025-02-06\n",
]


def loaded(folder: Path, *deliveries: list[str]) -> History:
    """Import a bank, then outcomes in the files in which they came."""
    folder.mkdir()
    files = {"customers.csv": CUSTOMERS, "products.csv": PRODUCTS, "holdings.csv": HOLDINGS}
    files |= {f"contacts{number}.csv": HEAD + "".join(rows) for number, rows in enumerate(deliveries)}
    (folder / "mapping.toml").write_text(MAPPING)
    for name, text in files.items():
        (folder / name).write_text(text)
    first, *later = [list(files)[:3], *([name] for name in list(files)[3:])]
    for names in (first, *later):
        report = import_(
            folder / "tables", folder / "mapping.toml", [folder / name for name in names], SETTINGS
        )
        assert report.exit_code == 0, report
    return History.open(folder / "tables")


def labels(history: History) -> tuple[Any, Any]:
    """Return who acquired what after the contacts, and who was seen."""
    found = history.acquisitions(DAY, NEXT)
    return found.acquired.to_pylist(), found.observed.to_pylist()


def features(history: History) -> dict[str, list[Any]]:
    """Return all features of A, B and C on the day."""
    computed = FeatureSet.read(FEATURES).compute(history.as_of(DAY), PRODUCTS_IDS)
    matrix = computed.matrix()
    return {name: matrix.values[:, place].tolist() for place, name in enumerate(matrix.names)}


def gathered(history: History) -> PolicyFacts:
    """Return the facts of the rules on the day."""
    view = history.as_of(DAY)
    return gather_facts(view, Catalog.from_view(view), HOUSE, "call")


def decline_days(history: History) -> list[float]:
    """Return the days since A, B and C declined the fund."""
    facts = gathered(history)
    fund = facts.products["product_id"].to_list().index("fund")
    return [float(days) for days in facts.pairs["pair_decline_days"][:, fund]]


def test_who_is_missing_in_a_file_of_outcomes_did_not_decline_and_the_labels_stay(tmp_path: Path) -> None:
    """B52: the outcomes of B and C are not delivered; they are unknown, and no label hangs on them."""
    partial, full = loaded(tmp_path / "part", OUTCOMES[:1]), loaded(tmp_path / "full", OUTCOMES)
    assert labels(partial) == labels(full) == ([HAS_ACQUIRED], ["A", "B", "C"])
    assert decline_days(partial) == [25.0, NEVER_DAYS, NEVER_DAYS]


def test_a_part_and_then_the_whole_file_are_the_whole_file(tmp_path: Path) -> None:
    """F31: rows that came before are counted as duplicates; features and labels are those of the whole."""
    twice, once = loaded(tmp_path / "twice", OUTCOMES[:1], OUTCOMES), loaded(tmp_path / "once", OUTCOMES)
    assert labels(twice) == labels(once)
    assert repr(features(twice)) == repr(features(once))
    assert decline_days(twice) == decline_days(once) == [25.0, NEVER_DAYS, 23.0]


def test_who_was_contacted_too_often_by_the_tables_is_not_offered_to(tmp_path: Path) -> None:
    """B55: four contacts within thirty days stop A in the channel of calls; three do not stop B."""
    rows = [f"{n},A,card,call,2025-02-{n:02d} 10:00:00,unreachable,2025-02-{n:02d}\n" for n in range(3, 7)]
    rows += [f"{n},B,card,sms,2025-02-{n:02d} 10:00:00,unreachable,2025-02-{n:02d}\n" for n in range(10, 13)]
    verdicts = HOUSE.judge(gathered(loaded(tmp_path / "often", rows)))
    codes = [{HOUSE.rules[rule - 1].reason_code for rule in row if rule} for row in verdicts.tolist()]
    assert "FREQ_CAP" in codes[0]
    assert "FREQ_CAP" not in codes[1]
