"""Findings of `validate` about whole tables and settings; each code has a section in the documentation.

Cases B117 and B118.
"""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.mapping_text import source
from vipreco.history import History
from vipreco.project import Settings
from vipreco.tables import decide, import_, mass_reopenings, validate
from vipreco.tables.findings import Finding

ROOT = Path(__file__).parents[2]
MAPPING = (
    source(
        *("customers*", "customers", "tier"),
        customer_id="id",
        snapshot_date="day",
        aum_amount="aum",
        risk_level="risk",
        consent_call="call",
    )
    + source(
        *("holdings*", "holdings"),
        customer_id="id",
        product_id="product",
        opened_date="opened",
        closed_date="closed",
    )
    + source("products*", "products", "name", "family", "placement", product_id="product")
)
SETTINGS = Settings.model_validate_json(
    json.dumps(
        {
            "project": {"name": "test"},
            "tiers": {
                "vip": ["TOP"],
                "ladder": [{"tier": "LOW", "from_amount": 0}, {"tier": "TOP", "from_amount": 9}],
            },
            "arbitration": {"levers": {"products": {"gone": 2.0}}},
        }
    )
)
DAYS = (date(2025, 9, 30), date(2025, 10, 31), date(2025, 11, 30))
PRODUCTS = "product,name,family,placement\nP1,One,a,public\nP9,Nine,a,secret\n"


def bank(folder: Path, *, unit: int = 1, tier: str = "TOP", call: str = "yes", risk: str = "C3") -> Path:
    """Import three snapshots of 30 customers, of which 28 held P1, and return the tables' folder."""
    customers = "id,day,tier,aum,risk,call\n"
    for day in DAYS:
        last = day == DAYS[-1]
        for number in range(30):
            amount = (1000 + number + day.month) / (unit if last else 1)
            customers += f"C{number:03d},{day},{tier if last else 'TOP'},{amount:.2f},{risk},{call}\n"
    opened = "".join(f"C{number:03d},P1,2025-01-{1 + number % 28:02d},2025-10-15\n" for number in range(28))
    again = "".join(f"C{number:03d},P9,2025-10-{14 + number % 3},\n" for number in range(28))
    files = {"customers.csv": customers, "holdings.csv": "id,product,opened,closed\n" + opened + again}
    for name, text in {**files, "products.csv": PRODUCTS, "mapping.toml": MAPPING}.items():
        (folder / name).write_text(text)
    paths = [folder / name for name in ("customers.csv", "holdings.csv", "products.csv")]
    import_(folder / "tables", folder / "mapping.toml", paths, SETTINGS)
    return folder / "tables"


def found(tables: Path) -> dict[str, Finding]:
    return {finding.code: finding for finding in validate(tables, SETTINGS)}


def test_another_unit_of_assets_is_found(tmp_path: Path) -> None:
    finding = found(bank(tmp_path, unit=10_000))["median-jump"]
    assert finding.what.startswith("the median of aum_amount fell by 99.99 %")
    assert finding.examples == ("2025-10-31 to 2025-11-30",)
    assert finding.page == "docs/findings.md#median-jump"


def test_a_bank_as_usual_has_no_jump(tmp_path: Path) -> None:
    codes = set(found(bank(tmp_path)))
    assert not codes & {"median-jump", "codes-jump", "missing-jump", "flag-jump", "snapshot-unchanged"}


def test_renamed_codes_and_settings_that_do_not_know_them_are_found(tmp_path: Path) -> None:
    findings = found(bank(tmp_path, tier="GOLD", risk="3"))
    assert findings["codes-jump"].what == "the codes of tier changed for 100 % of the rows"
    assert findings["tier-unknown"].examples == ("GOLD",)
    assert findings["risk-level-unknown"].rows == 30
    assert findings["vip-tier-absent"].examples == ("TOP",)
    assert findings["placement-unknown"].examples == ("secret",)
    assert findings["lever-unknown"].examples == ("gone",)


def test_values_that_are_not_understood_are_counted_until_the_mapping_explains_them(tmp_path: Path) -> None:
    finding = found(bank(tmp_path, call="opt-in"))["values-not-understood"]
    assert finding.what == "consent_call: 90 values are not understood and count as the safe one"
    assert finding.examples == ("customers.csv",)


def test_a_mass_reopening_is_no_label_until_it_is_decided(tmp_path: Path) -> None:
    tables = bank(tmp_path)
    findings = [one for one in validate(tables) if one.code == "mass-reopening"]
    assert [one.examples for one in findings] == [(f"P1 to P9 on 2025-10-{day}",) for day in (14, 15, 16)]
    assert mass_reopenings(tables) == ["P9@2025-10-14", "P9@2025-10-15", "P9@2025-10-16"]
    window = (date(2025, 9, 30), date(2025, 10, 31))
    counted = History.open(tables).acquisitions(*window).acquired.num_rows
    before = History.open(tables).snapshot_id
    decide(tables, "P9@2025-10-15")
    decided = History.open(tables)
    assert decided.acquisitions(*window).acquired.num_rows == counted + 9
    assert decided.snapshot_id != before
    assert History.open(tables, snapshot_id=before).acquisitions(*window).acquired.num_rows == counted
    assert mass_reopenings(tables) == ["P9@2025-10-14", "P9@2025-10-16"]


def test_single_switches_are_acquisitions(tmp_path: Path) -> None:
    """Nine of thirty customers: below the number that makes a mass."""
    rows = "id,product,opened,closed\n" + "".join(
        f"C{number:03d},P1,2025-01-01,{'2025-10-15' if number < 9 else ''}\n" for number in range(28)
    )
    rows += "".join(f"C{number:03d},P9,2025-10-15,\n" for number in range(9))
    bank(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "holdings.csv").write_text(rows)
    paths = [tmp_path / name for name in ("customers.csv", "holdings.csv", "products.csv")]
    import_(other / "tables", tmp_path / "mapping.toml", paths, SETTINGS)
    labels = History.open(other / "tables").acquisitions(date(2025, 9, 30), date(2025, 10, 31))
    assert labels.acquired.num_rows == 9


def test_a_missing_snapshot_a_thin_one_and_a_future_one_are_found(tmp_path: Path) -> None:
    future = date.today() + timedelta(days=400)  # noqa: DTZ011
    days = [date(2025, 6, 30), date(2025, 7, 31), date(2025, 8, 31), *DAYS[1:], future]
    customers = "id,day,tier,aum,risk,call\n" + "".join(
        f"C{number:03d},{day},TOP,{number}.00,C3,yes\n"
        for day in days
        for number in range(40 if day != future else 2)
    )
    (tmp_path / "mapping.toml").write_text(MAPPING)
    (tmp_path / "customers.csv").write_text(customers)
    (tmp_path / "tables").mkdir()
    import_(
        tmp_path / "tables",
        tmp_path / "mapping.toml",
        [tmp_path / "customers.csv"],
        SETTINGS,
        accept_dates=True,
    )
    findings = [one for one in validate(tmp_path / "tables") if one.code.startswith("snapshot")]
    assert findings[0].code == "snapshot-in-future"
    missing = [one.examples[0] for one in findings if one.code == "snapshot-missing"]
    assert missing[0] == "2025-08-31 to 2025-10-31"
    assert [one.rows for one in findings if one.code == "snapshot-thin"] == [2]


def test_every_code_has_a_section_in_the_documentation() -> None:
    sources = [path.read_text() for path in (ROOT / "src/vipreco/tables").glob("*f*ndings.py")]
    sources.append((ROOT / "src/vipreco/tables/validation.py").read_text())
    codes = {
        code
        for text in sources
        for code in re.findall(
            r'(?:_Rule|Finding)\(\s*"([a-z-]+)"|^\s*"([a-z]+(?:-[a-z]+)+)", "are ', text, re.M
        )
        for code in code
        if code
    } | {"missing-jump", "flag-jump"}
    documented = set(re.findall(r"^### ([a-z-]+)$", (ROOT / "docs/findings.md").read_text(), re.M))
    assert codes == documented


@pytest.mark.parametrize("customers", [1, 2])
def test_a_bank_of_very_few_customers_has_no_finding_by_chance(customers: int, tmp_path: Path) -> None:
    rows = "".join(
        f"C{n},{day},TOP,{5 if day == DAYS[0] else 500}.00,C3,yes\n" for n in range(customers) for day in DAYS
    )
    (tmp_path / "mapping.toml").write_text(MAPPING)
    (tmp_path / "customers.csv").write_text("id,day,tier,aum,risk,call\n" + rows)
    import_(tmp_path / "tables", tmp_path / "mapping.toml", [tmp_path / "customers.csv"], SETTINGS)
    assert {one.severity for one in validate(tmp_path / "tables", SETTINGS)} <= {"note", "warning"}
    assert "median-jump" not in found(tmp_path / "tables")
