"""Books, contacts, consents, changes, decisions, keys of requests: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from threading import Thread
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.store.conftest import MEMBERS
from vipreco.errors import BusyError, InputRejectedError, UsageError
from vipreco.store import (
    Consent,
    Contact,
    Cover,
    Decision,
    KeyLookup,
    KeyState,
    Member,
    RecordedContact,
    Role,
    Scope,
    Store,
)
from vipreco.store.books import GrantedCover
from vipreco.store.masks import masked

DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 10)  # noqa: DTZ001  the business's local time
MINE = Scope("user:ann", Role.MANAGER, "M1", DAY)
THEIRS = Scope("user:bob", Role.MANAGER, "M2", DAY)
CHANNEL = Scope("token:1", Role.CHANNEL)


def ids(store: Store, scope: Scope) -> list[str]:
    return [member.customer_id for member in store.books.of(scope)]


def call(**changed: Any) -> Contact:
    return Contact(
        **{"customer_id": "0001", "channel": "call", "contacted_at": NOW, "outcome": "declined"} | changed
    )


# Books


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        (MINE, ["0001", "0002"]),
        (THEIRS, ["0003"]),
        (Scope("user:eve", Role.MANAGER, "M9", DAY), []),
        (Scope("user:eve", Role.MANAGER, None, DAY), []),
        (CHANNEL, ["0001", "0002", "0003", "0004"]),
        (Scope("user:kim", Role.MARKETING), ["0001", "0002", "0003", "0004"]),
        *(
            (Scope("user:eve", role), [])
            for role in (Role.SCIENTIST, Role.APPROVER, Role.AUDITOR, Role.ADMIN)
        ),
    ],
)
def test_a_book_is_seen_by_its_manager_and_by_who_serves_everybody(
    store: Store, scope: Scope, seen: list[str]
) -> None:
    assert ids(store, scope) == seen
    found = {customer: store.books.find(scope, customer) for customer in MEMBERS["customer_id"]}
    assert [customer for customer, member in found.items() if member] == seen
    everybody = store.books.of(CHANNEL)
    by_handle = [member.customer_id for member in everybody if store.books.by_handle(scope, member.handle)]
    assert by_handle == seen


def test_a_customer_is_found_with_their_book_and_an_opaque_handle(store: Store) -> None:
    found = store.books.find(MINE, "0001")
    assert found is not None
    assert found == Member("0001", "M1", "B1", found.handle)
    assert len(found.handle) == 16
    assert "0001" not in found.handle
    assert store.books.by_handle(MINE, found.handle) == found
    assert store.books.by_handle(MINE, "") is None


def test_new_books_take_the_place_of_those_before_and_keep_the_handles(store: Store) -> None:
    before = {member.customer_id: member.handle for member in store.books.of(CHANNEL)}
    moved = pl.DataFrame(
        {"customer_id": ["0001", "0005"], "manager_id": ["M2", "M1"], "branch_id": ["B2", "B1"]}
    )
    store.books.replace("snapshot-2", moved)
    after = {member.customer_id: member for member in store.books.of(CHANNEL)}
    assert sorted(after) == ["0001", "0005"]
    assert after["0001"].handle == before["0001"]
    assert after["0001"].manager_id == "M2"
    assert after["0005"].handle not in before.values()
    assert ids(store, MINE) == ["0005"]


def test_books_that_come_in_parts_are_those_of_all(store: Store) -> None:
    """Also where the snapshot is that of before: who is gone is gone."""
    before = {member.customer_id: member.handle for member in store.books.of(CHANNEL)}
    columns = ["customer_id", "manager_id", "branch_id"]
    parts = [
        pl.DataFrame([one], columns, orient="row")
        for one in (("0003", "M1", "B1"), ("0001", "M1", "B1"), ("0009", "M2", None))
    ]
    store.books.replace_by_parts("snapshot-1", lambda: [parts[0].clear(), *parts])
    after = {member.customer_id: member for member in store.books.of(CHANNEL)}
    assert list(after) == ["0001", "0003", "0009"]
    assert [after[one].handle == before.get(one) for one in after] == [True, True, False]
    assert ids(store, MINE) == ["0001", "0003"]


def test_a_cover_holds_from_its_first_day_to_its_last_and_for_its_deputy_alone(store: Store) -> None:
    leave = Cover("M2", "M1", DAY, DAY + timedelta(days=2))
    number = store.books.cover(leave, "user:boss")
    days = [DAY + timedelta(days=shift) for shift in range(-1, 4)]
    seen = [ids(store, Scope("user:ann", Role.MANAGER, "M1", day)) for day in days]
    assert seen == [["0001", "0002"], *[["0001", "0002", "0003"]] * 3, ["0001", "0002"]]
    assert ids(store, Scope("user:ann", Role.MANAGER, "M1")) == ["0001", "0002"]  # no day, no cover
    assert ids(store, THEIRS) == ["0003"]
    assert store.books.covered(MINE) == [leave]
    assert store.books.covered(THEIRS) == []
    assert store.books.covers() == [GrantedCover(number, leave, "user:boss")]
    store.books.end_cover(number)
    assert ids(store, MINE) == ["0001", "0002"]
    assert store.books.covers() == []


@pytest.mark.parametrize(
    ("cover", "code"),
    [
        (Cover("M2", "M1", DAY, DAY - timedelta(days=1)), "dates"),
        (Cover("M1", "M1", DAY, DAY), "deputy"),
        (Cover("M1", "", DAY, DAY), "deputy"),
    ],
)
def test_a_cover_that_makes_no_sense_is_refused(store: Store, cover: Cover, code: str) -> None:
    with pytest.raises(UsageError) as refused:
        store.books.cover(cover, "user:boss")
    assert refused.value.code == code
    assert store.books.covers() == []


def test_a_cover_that_is_not_there_cannot_end(store: Store) -> None:
    with pytest.raises(UsageError, match="no such cover"):
        store.books.end_cover(7)


# Contacts


def test_a_contact_is_kept_as_it_was_recorded(store: Store) -> None:
    store.campaigns.begin("os:ann", "K1", {}, "hash")
    given = call(product_id="P1", next_date=DAY, campaign_id="K1", note="likes funds", contact_id="c1")
    assert store.contacts.record(MINE, given, NOW) == RecordedContact("c1", 1)
    assert store.contacts.of(MINE, ["0001"]) == [given]
    assert store.contacts.of(THEIRS, ["0001"]) == []
    row = store.contacts.between(0, 9).row(0, named=True)
    assert row["recorded_date"] == DAY
    assert "note" not in row


def test_the_same_contact_again_changes_nothing_and_anothers_id_is_refused(store: Store) -> None:
    first = store.contacts.record(MINE, call(contact_id="c1"), NOW)
    again = store.contacts.record(MINE, call(contact_id="c1"), NOW + timedelta(days=1))
    assert first == RecordedContact("c1", 1)
    assert again == RecordedContact("c1", 1, again=True)
    deputy = Scope("user:bob", Role.MANAGER, "M1", DAY)
    for scope, customer in ((deputy, "0001"), (MINE, "0002")):
        with pytest.raises(BusyError) as refused:
            store.contacts.record(scope, call(contact_id="c1", customer_id=customer), NOW)
    assert refused.value.code == "other-content"
    assert store.contacts.between(0, 9)["recorded_date"].to_list() == [DAY]
    assert store.changes.newest() == 1


def test_an_outcome_without_an_id_gets_one_and_two_of_them_are_two(store: Store) -> None:
    first, second = (store.contacts.record(MINE, call(), NOW) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.contact_id != second.contact_id
    assert (first.sequence, second.sequence) == (1, 2)


def test_a_contact_with_another_books_customer_is_like_one_with_nobody(store: Store) -> None:
    assert store.contacts.record(THEIRS, call(), NOW) is None
    assert store.contacts.record(MINE, call(customer_id="9999"), NOW) is None
    assert store.changes.newest() == 0


@pytest.mark.parametrize(
    ("changed", "where", "code"),
    [
        ({"outcome": "bought"}, "outcome", "unknown-outcome"),
        ({"contacted_at": NOW + timedelta(seconds=61)}, "contacted_at", "in-the-future"),
        ({"next_date": DAY - timedelta(days=1)}, "next_date", "ends-before-start"),
        ({"channel": ""}, "channel", "missing"),
        ({"channel": "x" * 65}, "channel", "unstorable"),
        ({"product_id": "x" * 201}, "product_id", "unstorable"),
        ({"contact_id": "x" * 201}, "contact_id", "unstorable"),
        ({"campaign_id": "a\0b"}, "campaign_id", "unstorable"),
        ({"note": "a\0b"}, "note", "unstorable"),
        ({"note": "\ud800"}, "note", "unstorable"),
        ({"decision_id": "d9"}, "decision_id", "unknown-decision"),
        ({"decision_id": "d2"}, "decision_id", "unknown-decision"),
        ({"decision_id": "d1", "contacted_at": NOW - timedelta(hours=2)}, "contacted_at", "before-offer"),
    ],
)
def test_a_contact_that_cannot_be_is_refused_and_leaves_nothing(
    store: Store, changed: dict[str, Any], where: str, code: str
) -> None:
    made = NOW - timedelta(hours=1)
    store.decisions.add(
        [Decision("d1", "0001", made, "token:1", "{}"), Decision("d2", "0002", made, "token:1", "{}")]
    )
    with pytest.raises(InputRejectedError) as refused:
        store.contacts.record(MINE, call(**changed), NOW)
    assert (refused.value.where, refused.value.code) == (where, code)
    assert store.contacts.of(MINE, ["0001"]) == []
    assert store.changes.since(0) == (0, set())


def test_clocks_of_two_machines_may_differ_by_a_minute(store: Store) -> None:
    later = NOW + timedelta(seconds=60)
    store.decisions.add([Decision("d1", "0001", NOW + timedelta(seconds=59), "token:1", "{}")])
    assert store.contacts.record(MINE, call(contacted_at=later), NOW) is not None
    assert store.contacts.record(MINE, call(decision_id="d1"), NOW) is not None


def test_a_contact_near_midnight_was_not_recorded_before_it_happened(store: Store) -> None:
    late = datetime(2026, 3, 2, 23, 59, 30)  # noqa: DTZ001
    store.contacts.record(MINE, call(contacted_at=late + timedelta(seconds=45)), late)
    assert store.contacts.between(0, 9)["recorded_date"].to_list() == [date(2026, 3, 3)]


@pytest.mark.parametrize(
    ("note", "kept"),
    [
        ("call 13912345678 tomorrow", "call [number] tomorrow"),
        ("id 11010519491231002X.", "id [number]."),
        ("+86 (139) 1234-5678", "+[number]"),
        ("account 6222 0212 3456 7890 123", "account [number]"),
        ("１３９１２３４５６７８", "[number]"),
        ("write to wei.zhang@bank.example.com, soon", "write to [email], soon"),
        ("邮箱 zhang＠bank．cn", "邮箱 [email]"),
        ("电话一三九一二三四五六七八，明天", "电话[number]，明天"),
        ("壹叁玖 1234 五六七八", "[number]"),
        ("138—0013—8000", "[number]"),
        ("138、0013·8000", "[number]"),
        ("zhang(at)bank.example", "[email]"),
        ("zhang [AT] bank。example", "[email]"),
        ("wants 3,500,000.00 at 10:30", "wants 3,500,000.00 at 10:30"),
        ("三年期，五万", "三年期，五万"),
        ("wants 50,000 in 3 years at 2.5 %", "wants 50,000 in 3 years at 2.5 %"),
        ("x" * 600, "x" * 500),
    ],
)
def test_numbers_that_could_name_a_person_are_masked_in_notes(note: str, kept: str) -> None:
    assert masked(note) == kept


@given(st.text(alphabet="0123456789 -.()/abc张", max_size=80))
@settings(max_examples=200, deadline=None)
def test_no_eight_digits_in_a_row_survive_in_a_note(note: str) -> None:
    kept = masked(note)
    assert not any(part.isdigit() and len(part) >= 8 for part in kept.replace("[number]", " ").split())


def test_contacts_are_read_by_customer_and_moment_and_after_a_number(store: Store) -> None:
    moments = [NOW - timedelta(hours=shift) for shift in (1, 3, 2)]
    for number, moment in enumerate(moments):
        store.contacts.record(MINE, call(contacted_at=moment, contact_id=f"a{number}"), NOW)
    store.contacts.record(MINE, call(customer_id="0002", contact_id="b0"), NOW)
    store.contacts.record(THEIRS, call(customer_id="0003", contact_id="c0"), NOW)
    read = [contact.contact_id for contact in store.contacts.of(MINE, ["0002", "0001", "0003"])]
    assert read == ["a1", "a2", "a0", "b0"]
    assert [contact.contact_id for contact in store.contacts.of(MINE, ["0001", "0002"], after=2)] == [
        "a2",
        "b0",
    ]
    assert store.contacts.between(1, 4)["contact_id"].to_list() == ["a1", "a2", "b0"]
    assert store.contacts.between(5, 9).is_empty()


# Consents


def test_the_last_word_of_a_consent_counts(store: Store) -> None:
    said = [
        ("consent_call", False),
        ("profiling_opt_out", True),
        ("consent_call", True),
        ("consent_app", False),
    ]
    numbers = [store.consents.record(MINE, Consent("0001", kind, word), NOW) for kind, word in said]
    assert numbers == [1, 2, 3, 4]
    kept = [Consent("0001", "consent_app", False), Consent("0001", "consent_call", True)]
    assert store.consents.of(MINE, ["0001"]) == [*kept, Consent("0001", "profiling_opt_out", True)]
    assert store.consents.of(MINE, ["0001"], after=2) == kept
    assert store.consents.of(THEIRS, ["0001"]) == []
    assert store.consents.last(until=2).rows() == [
        ("0001", "consent_call", False, DAY),
        ("0001", "profiling_opt_out", True, DAY),
    ]
    assert store.consents.last(until=4).rows() == [
        ("0001", "consent_app", False, DAY),
        ("0001", "consent_call", True, DAY),
        ("0001", "profiling_opt_out", True, DAY),
    ]


def test_a_consent_of_another_book_or_of_no_kind_is_not_recorded(store: Store) -> None:
    assert store.consents.record(THEIRS, Consent("0001", "consent_call", False), NOW) is None
    with pytest.raises(InputRejectedError, match="this kind of consent does not exist"):
        store.consents.record(MINE, Consent("0001", "consent_fax", False), NOW)
    assert store.changes.newest() == 0


# Changes


def test_changes_tell_whom_something_changed_about_since_a_number(store: Store) -> None:
    assert store.changes.since(0) == (0, set())
    store.contacts.record(MINE, call(), NOW)
    store.consents.record(THEIRS, Consent("0003", "consent_sms", False), NOW)
    store.contacts.record(MINE, call(), NOW)
    assert store.changes.since(0) == (3, {"0001", "0003"})
    assert store.changes.since(1) == (3, {"0001", "0003"})
    assert store.changes.since(2) == (3, {"0001"})
    assert store.changes.since(3) == (3, set())


def test_the_tables_hold_the_changes_of_the_largest_number_among_their_snapshots(store: Store) -> None:
    store.changes.exported("s1", 4)
    store.changes.exported("s2", 9)
    store.changes.exported("s2", 7)
    store.changes.exported("s3", 12)
    assert store.changes.in_tables(["s0"]) == 0
    assert store.changes.in_tables(["s0", "s1"]) == 4
    assert store.changes.in_tables(["s0", "s1", "s2"]) == 9


def test_numbers_of_changes_are_seen_in_their_order(store: Store, again: Callable[[], Store]) -> None:
    """A reader of a number has seen all before it: a service asks for what came after the last one."""
    from vipreco.store.changes import note_change

    other, seen = again(), []
    with store.database.writing() as connection:
        assert note_change(connection, "0001") == 1
        second = Thread(
            target=lambda: seen.append(other.contacts.record(MINE, call(customer_id="0002"), NOW))
        )
        second.start()
        second.join(timeout=0.4)
        assert second.is_alive()  # waits for the first
        assert other.changes.since(0) == (0, set())
    second.join(timeout=10)
    assert [found.sequence for found in seen] == [2]
    assert store.changes.since(0) == (2, {"0001", "0002"})


# Decisions


def test_a_decision_is_read_again_by_who_sees_its_customer_and_stays_as_it_was(store: Store) -> None:
    made = Decision("d1", "0001", NOW, "token:1", '{"offers":[]}')
    store.decisions.add([made, Decision("d3", "0003", NOW, "token:1", "{}")])
    store.decisions.add([Decision("d1", "0001", NOW, "token:1", '{"offers":["other"]}')])
    store.decisions.add([])
    assert store.decisions.read(MINE, "d1") == made
    assert store.decisions.read(CHANNEL, "d1") == made
    assert store.decisions.read(THEIRS, "d1") is None
    assert store.decisions.read(MINE, "d9") is None


def test_a_batch_of_decisions_with_a_known_one_adds_the_others(store: Store) -> None:
    made = [Decision(f"d{number}", "0001", NOW, "token:1", "{}") for number in range(3)]
    store.decisions.add(made[:1])
    store.decisions.add(made)
    assert [store.decisions.read(MINE, one.decision_id) for one in made] == made


def test_the_first_of_two_decisions_of_one_name_in_a_batch_counts(store: Store) -> None:
    made = [Decision("d1", "0001", NOW, "token:1", record) for record in ("{}", '{"offers":[]}')]
    store.decisions.add(made)
    assert store.decisions.read(MINE, "d1") == made[0]


# Keys of requests


def test_a_request_is_done_once_and_answered_again_with_the_same_bytes(store: Store) -> None:
    keys = store.idempotency
    assert keys.begin("token:1", "k", "h1", NOW) == KeyLookup(KeyState.FRESH)
    assert keys.begin("token:1", "k", "h1", NOW) == KeyLookup(KeyState.RUNNING)
    assert keys.begin("token:1", "k", "h2", NOW) == KeyLookup(KeyState.OTHER)
    assert keys.begin("token:2", "k", "h2", NOW) == KeyLookup(KeyState.FRESH)
    keys.finish("token:1", "k", 201, b"\x00{answer}")
    assert keys.begin("token:1", "k", "h1", NOW) == KeyLookup(KeyState.REPLAY, 201, b"\x00{answer}")
    assert keys.begin("token:1", "k", "h2", NOW) == KeyLookup(KeyState.OTHER)
    assert keys.begin("token:2", "k", "h2", NOW) == KeyLookup(KeyState.RUNNING)


def test_a_request_that_failed_or_whose_program_died_may_be_sent_again(store: Store) -> None:
    keys = store.idempotency
    keys.begin("token:1", "k", "h1", NOW)
    keys.forget("token:1", "k")
    assert keys.begin("token:1", "k", "h2", NOW) == KeyLookup(KeyState.FRESH)
    assert keys.begin("token:1", "k", "h2", NOW + timedelta(seconds=60)) == KeyLookup(KeyState.RUNNING)
    assert keys.begin("token:1", "k", "h3", NOW + timedelta(seconds=61)) == KeyLookup(KeyState.FRESH)


def test_two_at_once_begin_a_request_once(store: Store, again: Callable[[], Store]) -> None:
    stores, found = [store, again()], []
    threads = [
        Thread(
            target=lambda one=one, key=key: found.append(
                (key, one.idempotency.begin("a", key, "h", NOW).state)
            )
        )
        for key in ("k1", "k2", "k3", "k4")
        for one in stores
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    begun = sorted(found, key=lambda each: (each[0], each[1].value))
    assert begun == [
        (key, word) for key in ("k1", "k2", "k3", "k4") for word in (KeyState.FRESH, KeyState.RUNNING)
    ]


def test_two_at_once_record_a_contact_once(store: Store, again: Callable[[], Store]) -> None:
    stores, found = [store, again()], []
    threads = [
        Thread(target=lambda one=one: found.append(one.contacts.record(MINE, call(contact_id="c1"), NOW)))
        for one in stores
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(each.again for each in found) == [False, True]
    assert len(store.contacts.of(MINE, ["0001"])) == 1


# All parts together


def test_what_is_written_inside_of_a_transaction_is_there_wholly_or_not_at_all(
    store: Store, again: Callable[[], Store]
) -> None:
    other = again()

    def two_of_which_one_cannot_be() -> None:
        with store.database.writing():
            store.contacts.record(MINE, call(contact_id="c1"), NOW)
            assert len(store.contacts.of(MINE, ["0001"])) == 1
            assert other.contacts.of(MINE, ["0001"]) == []
            store.contacts.record(MINE, call(contact_id="c2", outcome="bought"), NOW)

    with pytest.raises(InputRejectedError):
        two_of_which_one_cannot_be()
    assert store.contacts.of(MINE, ["0001"]) == []
    assert store.changes.newest() == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["0001", "0002", "0003", "0004", "9999"]), st.sampled_from(["M1", "M2", "M3"])
        ),
        max_size=8,
    )
)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_nobody_ever_reads_a_contact_of_a_book_that_is_not_theirs(
    store: Store, tried: list[tuple[str, str]]
) -> None:
    owners = dict(zip(MEMBERS["customer_id"], MEMBERS["manager_id"], strict=True))
    for customer, manager in tried:
        scope = Scope("x", Role.MANAGER, manager, DAY)
        found = store.contacts.record(scope, call(customer_id=customer), NOW)
        assert (found is not None) == (owners.get(customer) == manager)
    for manager in ("M1", "M2", "M3"):
        read = store.contacts.of(Scope("x", Role.MANAGER, manager, DAY), [*owners, "9999"])
        assert {owners[contact.customer_id] for contact in read} <= {manager}
