"""Records of the store come into the tables once, with their dates, and nothing else does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.mapping_text import source
from vipreco.errors import UsageError
from vipreco.history import History
from vipreco.history.records import appended
from vipreco.online.store_overlay import _contact_rows
from vipreco.settings import Settings
from vipreco.store import Consent, Contact, Role, Scope, Store, import_from_store, product_ids
from vipreco.tables import ImportReport, Tables, import_

SETTINGS = Settings.model_validate_json('{"project": {"name": "t"}}')
EVERYBODY = Scope("os:tester", Role.MARKETING)
JANUARY, FEBRUARY = date(2026, 1, 31), date(2026, 2, 28)
CUSTOMERS = """
[[source]]
file = "customers*.csv"
[[source.table]]
table = "customers"
allow_protected = ["gender"]
[source.table.columns]
customer_id = "id"
snapshot_date = "date"
tier = "tier"
aum_amount = "aum"
manager_id = "manager"
consent_call = "call"
consent_sms = "sms"
consent_app = "app"
profiling_opt_out = "out"
[source.table.attributes]
income = { column = "income", type = "number" }
gender = { column = "gender", type = "category" }
child = { column = "child", type = "flag" }
since = { column = "since", type = "date" }
"""
MAPPING = (
    CUSTOMERS
    + source("products.csv", "products", "name", "family", product_id="id")
    + source("holdings.csv", "holdings", customer_id="id", product_id="product", opened_date="opened")
)
HEADER = "id,date,tier,aum,manager,call,sms,app,out,income,gender,child,since\n"
FILES = {
    "customers1.csv": HEADER
    + '0001,2026-01-31,"TOP, VIP",1234.50,M1,1,1,1,0,1.5e-7,f,1,2020-02-29\n'
    + "0002,2026-01-31,,0.10,M1,1,0,1,1,,,,\n"
    + "0003,2026-01-31,LOW,,M2,0,0,0,0,3,m,0,\n",
    "products.csv": "id,name,family\nP1,Fund,fund\n",
    "holdings.csv": "id,product,opened\n0002,P1,2026-01-05\n",
}
SECOND = {
    "customers2.csv": HEADER
    + "0001,2026-02-28,TOP,1,M1,1,1,1,0,1,f,1,\n0003,2026-02-28,LOW,1,M2,0,0,0,0,,,,\n"
}


class Bank:
    """Tables and a store beside each other."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.store, self.tables = folder, store, folder / "tables"

    def load(self, files: dict[str, str]) -> ImportReport:
        (self.folder / "mapping.toml").write_text(MAPPING)
        for name, text in files.items():
            (self.folder / name).write_text(text)
        paths = [self.folder / name for name in files]
        return import_(self.tables, self.folder / "mapping.toml", paths, SETTINGS, accept_drop=True)

    def flow(self, *corrected: Path) -> ImportReport:
        return import_from_store(self.tables, self.store, SETTINGS, corrected)

    def say(self, customer: str, kind: str, word: bool, day: date) -> None:
        moment = datetime(day.year, day.month, day.day, 9)  # noqa: DTZ001
        assert self.store.consents.record(EVERYBODY, Consent(customer, kind, word), moment) is not None

    def talk(self, contact_id: str, day: date = JANUARY, customer: str = "0001", **more: Any) -> Contact:
        moment = datetime(day.year, day.month, day.day, 9, 30)  # noqa: DTZ001
        given = {"channel": "call", "outcome": "declined", **more}
        contact = Contact(customer, contacted_at=moment, contact_id=contact_id, **given)
        self.store.contacts.record(EVERYBODY, contact, moment + timedelta(days=2))
        return contact

    def stored(self, table: str) -> pl.DataFrame:
        """All rows of a table, read without the program, in the order in which they came."""
        files = Tables.open(self.tables).files(table)
        return pl.concat([pl.read_parquet(file) for file in files], how="diagonal")

    def known(self, day: date) -> dict[str, dict[str, Any]]:
        """The rows of customers as the time door shows them on a day."""
        rows = History.open(self.tables).as_of(day).query("SELECT * FROM customers_now").to_pylist()
        return {row["customer_id"]: row for row in rows}


@pytest.fixture
def bank(tmp_path: Path, empty_store: Path) -> Iterator[Bank]:
    path = tmp_path / "store.db"
    path.write_bytes(empty_store.read_bytes())
    path.chmod(0o600)
    with Store.open(f"sqlite:///{path}") as store:
        members = {"customer_id": ["0001", "0002", "0003"], "manager_id": ["M1", "M1", "M2"]}
        store.books.replace("s", pl.DataFrame(members).with_columns(branch_id=pl.lit(None, pl.String)))
        made = Bank(tmp_path, store)
        made.load(FILES)
        yield made


def test_contacts_come_in_with_their_ids_and_dates_and_without_notes(bank: Bank) -> None:
    holdings = bank.stored("holdings")
    bank.store.campaigns.begin("os:ann", "K", {}, "hash")
    bank.talk("c1", outcome="accepted", product_id="P1", note="secret", next_date=FEBRUARY, campaign_id="K")
    bank.talk("c2", customer="0003")
    report = bank.flow()
    assert [(file.read, file.accepted, file.quarantined, file.duplicates) for file in report.files] == [
        (2, 2, 0, 0)
    ]
    assert report.tables == {"contacts": 2}
    first = bank.stored("contacts").row(0, named=True)
    assert first == {
        "contact_id": "c1",
        "customer_id": "0001",
        "product_id": "P1",
        "channel": "call",
        "contacted_at": datetime(2026, 1, 31, 9, 30),  # noqa: DTZ001
        "outcome": "accepted",
        "next_date": FEBRUARY,
        "campaign_id": "K",
        "recorded_date": date(2026, 2, 2),
        "batch_sequence": 2,
    }
    assert bank.stored("holdings").equals(holdings)  # an accepted offer is no holding
    assert b"secret" not in b"".join(path.read_bytes() for path in bank.tables.rglob("*") if path.is_file())


def test_a_second_run_adds_nothing_and_a_third_what_is_new(bank: Bank) -> None:
    bank.talk("c1")
    bank.say("0001", "consent_call", False, FEBRUARY)
    first = bank.flow()
    again = bank.flow()
    assert (again.already_ingested, again.snapshot_id, again.files) == (True, first.snapshot_id, ())
    assert len(Tables.open(bank.tables).manifest.batches) == 2
    bank.talk("c2")
    assert [(file.name, file.accepted) for file in bank.flow().files] == [("store-contacts-3.csv", 1)]
    assert bank.stored("contacts")["contact_id"].to_list() == ["c1", "c2"]


def test_the_service_knows_from_which_change_on_the_tables_lack_something(bank: Bank) -> None:
    bank.talk("c1")
    bank.say("0002", "consent_call", False, FEBRUARY)
    before = Tables.open(bank.tables).snapshot_ids
    report = bank.flow()
    ids = Tables.open(bank.tables).snapshot_ids
    assert ids == [*before, report.snapshot_id]
    assert bank.store.changes.in_tables(ids) == 2
    assert bank.store.changes.in_tables(before) == 0  # the tables as they were lack both
    bank.talk("c2")
    assert bank.store.changes.in_tables(ids) == 2
    bank.load(SECOND)
    assert bank.store.changes.in_tables(Tables.open(bank.tables).snapshot_ids) == 2


@pytest.mark.parametrize("point", ["store-imported", "import-before-commit"])
def test_after_a_kill_a_rerun_completes_and_nothing_is_there_twice(bank: Bank, point: str) -> None:
    bank.talk("c1")
    bank.say("0001", "consent_call", False, FEBRUARY)
    program = (
        "import sys; from pathlib import Path; from tests.store.test_into_tables import Bank; "
        "from vipreco.store import Store; folder = Path(sys.argv[1]); "
        "Bank(folder, Store.open(f'sqlite:///{folder}/store.db')).flow()"
    )
    environment = {**os.environ, "VIPRECO_FAILPOINT": f"{point}:kill"}
    command = [sys.executable, "-c", program, str(bank.folder)]
    assert subprocess.run(command, check=False, env=environment).returncode == -signal.SIGKILL
    assert bank.store.changes.in_tables(Tables.open(bank.tables).snapshot_ids) == 0
    if point == "store-imported":
        bank.talk("c2")  # something new meanwhile: it is another file, with the first contact in it again
    report = bank.flow()
    expected = ["c1", "c2"] if point == "store-imported" else ["c1"]
    assert bank.stored("contacts")["contact_id"].to_list() == expected
    assert bank.stored("customers").filter(customer_id="0001").height == 2
    assert bank.store.changes.in_tables([report.snapshot_id]) == bank.store.changes.newest()


def test_a_row_that_the_tables_refuse_is_kept_with_its_reason_and_comes_in_once_corrected(bank: Bank) -> None:
    bank.talk("c1")
    bank.talk("c2", product_id="P9")
    report = bank.flow()
    assert report.exit_code == 4
    assert report.files[0].reasons == {"product_id: unknown-product": 1}
    (path,) = report.quarantine
    assert path.stat().st_mode & 0o777 == 0o600
    corrected = bank.folder / path.name
    corrected.write_text(path.read_text().replace("P9", "P1"))
    assert bank.flow(corrected).exit_code == 0
    assert bank.stored("contacts").select("contact_id", "product_id").rows() == [("c1", None), ("c2", "P1")]


def test_a_file_that_is_none_of_the_stores_is_refused(bank: Bank) -> None:
    bank.talk("c1")
    other = bank.folder / "other.quarantine.csv"
    other.write_text("x\n1\n")
    with pytest.raises(UsageError, match="no entry of the mapping fits"):
        bank.flow(other)


def test_without_tables_there_is_nothing_to_add_to(bank: Bank, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing is imported yet"):
        import_from_store(tmp_path / "none", bank.store, SETTINGS)
    assert product_ids(tmp_path / "none") == []
    assert product_ids(bank.tables) == ["P1"]


# Consents


def test_a_consent_changes_its_own_cell_of_the_newest_row_from_the_day_it_was_recorded(bank: Bank) -> None:
    before = bank.known(FEBRUARY)
    bank.say("0001", "consent_call", False, date(2026, 2, 10))
    bank.say("0001", "profiling_opt_out", True, date(2026, 2, 12))
    bank.flow()
    assert {row["customer_id"]: row for row in bank.known(date(2026, 2, 9)).values()} == before
    after = bank.known(date(2026, 2, 12))
    changed = {"consent_call": False, "profiling_opt_out": True}
    changed |= {"recorded_date": date(2026, 2, 12), "batch_sequence": 2}
    assert after == {**before, "0001": {**before["0001"], **changed}}


def test_a_consent_of_the_day_on_which_the_snapshot_was_recorded_counts(bank: Bank) -> None:
    bank.say("0001", "consent_call", False, JANUARY)
    bank.say("0003", "consent_call", True, JANUARY)
    assert bank.flow().exit_code == 0
    assert {customer: row["consent_call"] for customer, row in bank.known(JANUARY).items()} == {
        "0001": False,
        "0002": True,
        "0003": True,
    }


def test_taken_back_given_and_taken_back_on_one_day_is_taken_back(bank: Bank) -> None:
    for word in (False, True, False):
        bank.say("0001", "consent_call", word, JANUARY)
        bank.flow()
        assert bank.known(JANUARY)["0001"]["consent_call"] is word


def test_a_refusal_stays_in_force_over_a_later_snapshot_and_what_was_consented_to_does_not(
    bank: Bank,
) -> None:
    bank.say("0001", "consent_call", False, date(2026, 2, 10))
    bank.say("0003", "consent_call", True, date(2026, 2, 10))
    bank.flow()
    bank.load(SECOND)
    assert bank.known(FEBRUARY)["0001"]["consent_call"] is True  # the bank's file has not learnt of it
    report = bank.flow()
    assert [(file.name, file.accepted) for file in report.files] == [("store-consents-2.csv", 1)]
    known = bank.known(FEBRUARY)
    assert known["0001"]["consent_call"] is False
    assert known["0003"]["consent_call"] is False
    assert bank.flow().already_ingested
    bank.say("0001", "consent_call", True, date(2026, 3, 1))
    bank.flow()
    assert bank.known(date(2026, 3, 1))["0001"]["consent_call"] is True


def test_who_has_left_may_still_take_a_consent_back(bank: Bank) -> None:
    bank.load(SECOND)
    bank.say("0002", "consent_app", False, date(2026, 3, 1))
    assert bank.flow().exit_code == 0
    row = bank.stored("customers").row(-1, named=True)
    assert (row["customer_id"], row["snapshot_date"], row["consent_app"]) == ("0002", JANUARY, False)
    assert set(bank.known(date(2026, 3, 1))) == {"0001", "0003"}  # it does not bring the customer back


WORDS = st.lists(
    st.tuples(
        st.sampled_from(["0001", "0002", "0003"]),
        st.sampled_from(["consent_call", "consent_sms", "consent_app", "profiling_opt_out"]),
        st.booleans(),
    ),
    max_size=6,
)


@given(st.lists(WORDS, max_size=2))
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_said_the_tables_say_the_last_word(
    tmp_path_factory: pytest.TempPathFactory, empty_store: Path, runs: list[list[tuple[str, str, bool]]]
) -> None:
    folder = tmp_path_factory.mktemp("words")
    (folder / "store.db").write_bytes(empty_store.read_bytes())
    (folder / "store.db").chmod(0o600)
    with Store.open(f"sqlite:///{folder}/store.db") as store:
        bank = Bank(folder, store)
        bank.load(FILES)
        ids = pl.DataFrame({"customer_id": ["0001", "0002", "0003"]})
        none = pl.lit(None, pl.String)
        store.books.replace("s", ids.with_columns(manager_id=none, branch_id=none))
        expected = bank.known(FEBRUARY)
        for words in runs:
            for customer, kind, word in words:
                bank.say(customer, kind, word, FEBRUARY)
                expected[customer][kind] = word
            bank.flow()
        clocks = {"recorded_date", "batch_sequence"}
        strip = [
            {c: {k: v for k, v in row.items() if k not in clocks} for c, row in known.items()}
            for known in (bank.known(FEBRUARY), expected)
        ]
        assert strip[0] == strip[1]


@pytest.mark.parametrize("refusal", ["do_not_contact", "complaint"])
def test_a_refusal_with_an_unknown_product_comes_in_as_a_refusal(bank: Bank, refusal: str) -> None:
    """The refusal was quarantined with its product, counted as imported, and the customer called again."""
    bank.talk("c1", outcome=refusal, product_id="NOPE", next_date=FEBRUARY)
    report = bank.flow()
    assert [(one.read, one.accepted, one.quarantined) for one in report.files] == [(1, 1, 0)]
    (row,) = bank.stored("contacts").to_dicts()
    assert (row["contact_id"], row["outcome"], row["product_id"]) == ("c1", refusal, None)
    assert bank.store.pending.all() == []


def test_what_the_import_refuses_stays_in_force_until_the_tables_hold_it(bank: Bank) -> None:
    bank.talk("c1", product_id="NOPE")
    bank.talk("c2")
    report = bank.flow()
    assert [(one.read, one.quarantined) for one in report.files] == [(2, 1)]
    assert [(one.sequence, one.customer_id) for one in bank.store.pending.all()] == [(1, "0001")]
    after = bank.store.changes.in_tables(Tables.open(bank.tables).snapshot_ids)
    assert after == 2
    known = bank.store.contacts.of(EVERYBODY, ["0001"], after)
    assert [contact.contact_id for contact in known] == ["c1"]
    assert [one.outcome for one in bank.store.contacts.outcomes(after)] == ["declined"]
    (quarantine,) = report.quarantine
    quarantine.write_text(quarantine.read_text().replace("NOPE", "P1"))
    bank.flow(quarantine)
    assert bank.store.pending.all() == []
    assert bank.store.contacts.of(EVERYBODY, ["0001"], after) == []


def test_a_consent_of_a_customer_whom_the_tables_do_not_know_stays_in_force(bank: Bank) -> None:
    members = {"customer_id": ["0001", "0009"], "manager_id": ["M1", "M1"], "branch_id": [None, None]}
    bank.store.books.replace("s", pl.DataFrame(members, {name: pl.String() for name in members}))
    bank.say("0009", "consent_call", word=False, day=JANUARY)
    bank.flow()
    assert [(one.sequence, one.customer_id) for one in bank.store.pending.all()] == [(1, "0009")]
    assert bank.store.consents.of(EVERYBODY, ["0009"], after=1) == [Consent("0009", "consent_call", False)]


def test_a_correction_takes_the_place_of_the_version_in_the_tables(bank: Bank) -> None:
    bank.talk("c1", outcome="accepted", product_id="P1")
    bank.flow()
    bank.talk("c1", outcome="declined", product_id="P1")
    bank.flow()
    view = History.open(bank.tables).as_of(FEBRUARY)
    rows = view.query("SELECT contact_id, outcome FROM contacts").to_pylist()
    assert rows == [{"contact_id": "c1", "outcome": "declined"}]
    assert bank.store.pending.all() == []


def test_a_correction_in_the_store_overlays_the_version_that_the_tables_hold(bank: Bank) -> None:
    bank.talk("c1", outcome="accepted", product_id="P1")
    bank.talk("c2", outcome="declined")
    bank.flow()
    bank.talk("c1", outcome="do_not_contact")
    bank.talk("c1", outcome="accepted", product_id="P1")  # a refusal stays one
    after = bank.store.changes.in_tables(Tables.open(bank.tables).snapshot_ids)
    overlay = _contact_rows(bank.store.contacts.of(EVERYBODY, ["0001"], after))
    frames = {name: bank.stored(name).to_arrow() for name in ("customers", "observations", "contacts")}
    frames["contacts"] = appended(frames["contacts"], overlay)
    view = History.from_frames(frames, calendar=[JANUARY]).as_of(FEBRUARY)
    rows = view.query("SELECT contact_id, outcome FROM contacts ORDER BY contact_id").to_pylist()
    assert [tuple(row.values()) for row in rows] == [("c1", "do_not_contact"), ("c2", "declined")]
