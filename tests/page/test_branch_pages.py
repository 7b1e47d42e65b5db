"""Pages of a branch head: the figures of the branch, who is behind each, and covers of its managers."""

from __future__ import annotations

import io
import re

import polars as pl
import pytest
from openpyxl import load_workbook

from tests.page.page_bank import (
    BOOK,
    BRANCH,
    DAY,
    MANAGER,
    OF_BRANCH,
    OTHER_BRANCH,
    OTHER_MANAGER,
    PageBank,
    customer_ids,
    figures,
)
from tests.page.test_page_access import Browser
from vipreco.kpi import FIGURES, customer_list, kpi_texts, measures
from vipreco.store import Cover, Role, User
from vipreco.store.campaigns import MEMBER_COLUMNS

IDS = customer_ids()
OTHERS = frozenset(IDS[OF_BRANCH:])
TOP_OF_CONTENT = 'tabindex="-1">'
LATIN = re.compile(r"[A-Za-z]{3,}")
SAME_IN_CHINESE = frozenset(["VIP", "CNY", "CSV", "Excel", "GOLD", "TOP", "snapshot"])
OF_DATA = frozenset(
    ["Card", "Spring", "img", "src", "onerror", "document", "title", "manager", "other"]
)  # ids and accounts


def ask(bank: PageBank, path: str) -> str:
    answer = Browser(bank, Role.BRANCH_HEAD).ask("GET", path)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def audit(bank: PageBank) -> list[tuple[str, str]]:
    return [(row["action"], row["object"]) for row in bank.state.store.audit.read(3)]


def test_the_morning_page_has_the_figures_of_the_branch_alone(bank: PageBank) -> None:
    page = ask(bank, "/branch")
    own = measures(figures().of(branch=BRANCH), ["vip_customers"])
    assert f">{own['number'][0]:,.0f}</a>" in page
    assert f"{own['total_amount'][0]:,.0f}" in page
    assert not [customer for customer in IDS[1:] if f">{customer}<" in page]
    assert audit(bank)[0] == ("kpi.read", f"branch:{BRANCH}")


@pytest.mark.parametrize("key", sorted(FIGURES))
def test_each_figure_opens_its_customers_and_no_others(bank: PageBank, key: str) -> None:
    page = ask(bank, f"/branch/{key}")
    rows = figures().of(branch=BRANCH)
    listed = [] if key in rows.missing else customer_list(rows, FIGURES[key])["customer_id"].to_list()
    shown = re.findall(r"<bdi>(\d+)</bdi>", page)
    assert [customer for customer in shown if customer in OTHERS] == []
    assert shown == [customer for customer in listed[:50] if customer.isdigit()]
    assert audit(bank)[0] == ("kpi.customers", f"{key} branch:{BRANCH}")


def test_a_customer_of_the_branch_is_read_and_nothing_can_be_recorded(bank: PageBank) -> None:
    listed = ask(bank, "/branch/vip_customers")
    handle = re.findall(r'href="/branch/customers/([\w-]+)"', listed)[0]
    page = ask(bank, f"/branch/customers/{handle}")
    assert "For reading: outcomes are recorded" in page
    assert 'id="record"' not in page
    assert "<form" not in page.partition(TOP_OF_CONTENT)[2]
    action, about = audit(bank)[0]
    assert action == "sheet.read"
    assert about not in IDS


def test_why_offers_were_refused_is_counted_by_product_and_cause_in_the_branch_alone(bank: PageBank) -> None:
    from vipreco.store import Feedback, Scope

    marks = [
        (IDS[1], "elsewhere", MANAGER),
        (IDS[2], "elsewhere", MANAGER),
        (IDS[OF_BRANCH + 1], "price", "M2"),
    ]
    for customer, cause, manager in marks:
        scope = Scope(f"user:{manager}", Role.MANAGER, manager, DAY)
        assert bank.state.store.feedback.record(scope, Feedback(customer, "card", "", cause), DAY)
    page = ask(bank, "/branch").partition("Why offers were refused")[2]
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", page.partition("</section>")[0])
    assert cells[-3:] == ["<bdi>Card</bdi>", "the customer has it at another bank", "2"]
    assert "price" not in page


def test_the_covers_say_whose_hour_a_campaign_needs_most(bank: PageBank) -> None:
    assert "hour is worth most" not in ask(bank, "/branch-covers")
    limits = [
        {"limit": "channel", "group": "call", "used": 9, "max": 9, "price": 5.0},
        {"limit": "manager", "group": "M2", "used": 30, "max": 30, "price": 12.5},
        {"limit": "manager", "group": MANAGER, "used": 60, "max": 60, "price": 80.0},
        {"limit": "manager", "group": "M9", "used": 60, "max": 60, "price": 90.0},
    ]
    campaign = {"name": "Spring", "start_date": "2026-01-01"}
    record = {"campaign_id": "spring", "campaign": campaign, "limits": limits}
    store = bank.state.store
    store.campaigns.begin("user:ann", "spring", {}, "0")
    store.campaigns.finish("spring", record, pl.DataFrame(schema=dict.fromkeys(MEMBER_COLUMNS, pl.String)))
    page = ask(bank, "/branch-covers").partition("hour is worth most")[2].partition("</section>")[0]
    assert re.findall(r'<th scope="row">(\w+)</th>', page) == [MANAGER, "M2"]
    assert re.findall(r'">(CNY \d+)</td>', page.replace("\u00a0", " ")) == ["CNY 80", "CNY 12"]


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_the_list_is_exported_with_all_its_customers(bank: PageBank, kind: str) -> None:
    answer = Browser(bank, Role.BRANCH_HEAD).ask("GET", f"/branch/vip_customers/customers.{kind}")
    if kind == "xlsx":
        rows = load_workbook(io.BytesIO(answer.content)).active.max_row - 1
    else:
        rows = pl.read_csv(io.BytesIO(answer.content), infer_schema=False).height
    assert rows == customer_list(figures().of(branch=BRANCH), FIGURES["vip_customers"]).height
    assert audit(bank)[0] == ("kpi.export", f"vip_customers branch:{BRANCH}")


def test_managers_stand_on_the_page_when_they_are_asked_for(bank: PageBank) -> None:
    assert "ranking" not in ask(bank, "/branch/not_reached_3_months")
    page = ask(bank, "/branch/not_reached_3_months?managers=1")
    assert "For help, not for ranking" in page
    table = page.partition("For help, not for ranking")[2]
    assert table.index(">M1<") < table.index(">M2<")


def test_coverage_by_manager_follows_a_hand_over_at_once(bank: PageBank) -> None:
    """A branch head who hands a book over was shown the figures of the manager who had given it away."""
    hand_overs, book = bank.state.store.hand_overs, IDS[:BOOK]
    key = "not_reached_3_months"

    def managers() -> set[str]:
        return set(re.findall(r">(M\d)<", ask(bank, f"/branch/{key}?managers=1").partition("</h2>")[2]))

    before = managers()
    hand_overs.make(MANAGER, OTHER_MANAGER, "user:head", DAY, customer_ids=book)
    after = managers()
    hand_overs.make(OTHER_MANAGER, MANAGER, "user:head", DAY, customer_ids=book)
    assert (before, after) == ({MANAGER, OTHER_MANAGER}, {OTHER_MANAGER})
    assert managers() == before


def test_an_earlier_month_can_be_chosen_and_an_unknown_one_is_not_found(bank: PageBank) -> None:
    months = figures().months
    assert f'?month={months[1]:%Y-%m}" aria-current="true"' in ask(
        bank, f"/branch/vip_customers?month={months[1]:%Y-%m}"
    )
    browser = Browser(bank, Role.BRANCH_HEAD)
    for query in ("month=1999-01", "month=x"):
        assert browser.ask("GET", f"/branch/vip_customers?{query}").status_code == 404
    assert browser.ask("GET", "/branch/vip_lost").status_code == 404
    assert browser.ask("GET", "/branch/vip_customers/customers.exe").status_code == 404


def test_the_pages_are_complete_in_chinese(bank: PageBank) -> None:
    for path in ("/branch", "/branch/contacts_due?managers=1", "/branch-covers"):
        page = Browser(bank, Role.BRANCH_HEAD).ask("GET", path, **{"Accept-Language": "zh"}).text
        told = re.sub(r"<[^>]+>", " ", page.partition(TOP_OF_CONTENT)[2])
        lacks = (text["zh"] for name, text in kpi_texts().items() if name.startswith("figure_missing."))
        named = set(LATIN.findall(" ".join(lacks)))  # columns and settings have no other name
        assert set(LATIN.findall(told)) <= named | SAME_IN_CHINESE | OF_DATA


def test_covers_are_granted_among_the_managers_of_the_branch(bank: PageBank) -> None:
    browser = Browser(bank, Role.BRANCH_HEAD)
    dates = {"from_date": "2020-03-01", "until_date": "2020-03-02"}
    granted = browser.ask("POST", "/branch-covers", {"manager": MANAGER, "deputy": "M2", **dates})
    assert granted.status_code == 303
    cover = next(one for one in bank.state.store.books.covers() if one.cover.from_date.year == 2020)
    assert audit(bank)[0] == ("cover.grant", f"{MANAGER}>M2")
    foreign = browser.ask("POST", "/branch-covers", {"manager": MANAGER, "deputy": "M9", **dates})
    assert foreign.status_code == 404
    assert browser.ask("POST", "/branch-covers/end", {"cover": str(cover.cover_id)}).status_code == 303
    assert cover.cover_id not in [one.cover_id for one in bank.state.store.books.covers()]


def test_customers_are_handed_over_within_the_branch_and_back(bank: PageBank) -> None:
    browser, store = Browser(bank, Role.BRANCH_HEAD), bank.state.store
    one, foreign = IDS[3], IDS[OF_BRANCH]
    mine = Browser(bank, Role.MANAGER)
    form = {"manager": MANAGER, "to": "M2", "customers": f" {one} "}
    assert browser.ask("POST", "/branch-covers/hand-over", form).status_code == 303
    assert audit(bank)[0] == ("book.hand_over", f"{MANAGER}>M2: 1")
    assert mine.ask("GET", f"/customers/{bank.handle(one)}").status_code == 404
    assert one not in mine.ask("GET", "/book").text
    assert "M2" in browser.ask("GET", f"/branch/customers/{bank.handle(one)}").text
    (kept,) = store.hand_overs.all()
    assert (kept.from_manager_id, kept.to_manager_id, kept.customers) == (MANAGER, "M2", 1)
    for wrong, status in (
        ({"manager": MANAGER, "to": "M9"}, 404),
        ({"manager": "M9", "to": MANAGER}, 404),
        ({"manager": MANAGER, "to": MANAGER}, 422),
        ({"manager": "M2", "to": MANAGER, "customers": f"{one} {foreign}"}, 422),
    ):
        assert browser.ask("POST", "/branch-covers/hand-over", wrong).status_code == status, wrong
    back = {"manager": "M2", "to": MANAGER, "customers": one}
    assert browser.ask("POST", "/branch-covers/hand-over", back).status_code == 303
    assert mine.ask("GET", f"/customers/{bank.handle(one)}").status_code == 200
    assert store.hand_overs.all() == []


def test_a_cover_of_another_branch_can_neither_be_made_nor_ended(bank: PageBank) -> None:
    from vipreco.store import Cover

    store = bank.state.store
    number = store.books.cover(Cover("M2", MANAGER, DAY, DAY), "user:admin")
    store.users.create(User("far-1", Role.BRANCH_HEAD, branch_id="B9"), "correct horse battery")
    far = Browser(bank, Role.BRANCH_HEAD)
    secret = store.sessions.begin(User("far-1", Role.BRANCH_HEAD, branch_id="B9"), _clock())
    session = store.sessions.read(secret, _clock())
    assert session is not None
    far.cookies, far.csrf = {next(iter(far.cookies)): secret}, session.csrf
    assert far.ask("POST", "/branch-covers/end", {"cover": str(number)}).status_code == 404
    form = {"manager": MANAGER, "deputy": "M2", "from_date": "2020-03-01", "until_date": "2020-03-02"}
    assert far.ask("POST", "/branch-covers", form).status_code == 404
    page = far.ask("GET", "/branch/vip_customers").text
    assert not re.findall(r"<bdi>(\d+)</bdi>", page)
    assert OTHER_BRANCH != "B9"
    store.books.end_cover(number)


def _clock() -> object:
    from serving.http.app_state import clock

    return clock()


def test_who_was_erased_is_in_no_list_and_no_number_of_the_branch(bank: PageBank) -> None:
    """F34: the release has the customer until the next nightly build."""
    state = bank.state
    listed = customer_list(figures().of(branch=BRANCH), FIGURES["vip_customers"])["customer_id"].to_list()
    state.store.subjects.erase(listed[-1], state.keys.pseudonym_of(listed[-1]), DAY)
    state.refresh()
    answer = Browser(bank, Role.BRANCH_HEAD).ask("GET", "/branch/vip_customers/customers.csv")
    left = pl.read_csv(io.BytesIO(answer.content), infer_schema=False)["customer_id"].to_list()
    assert left == listed[:-1] or left == [f"'{one}" if one.startswith("=") else one for one in listed[:-1]]
    assert f">{len(listed) - 1:,}</a>" in ask(bank, "/branch")


def test_a_cover_of_another_branch_is_refused_and_stands_in_the_audit(bank: PageBank) -> None:
    head, books = Browser(bank, Role.BRANCH_HEAD), bank.state.store.books
    days = {"from_date": str(DAY), "until_date": str(DAY)}
    assert head.ask("POST", "/branch-covers", {"manager": "M9", "deputy": MANAGER, **days}).status_code == 404
    assert audit(bank)[0] == ("cover.grant", "of another branch")
    number = books.cover(Cover("M8", "M9", DAY, DAY), "user:other")
    assert head.ask("POST", "/branch-covers/end", {"cover": str(number)}).status_code == 404
    assert audit(bank)[0] == ("cover.end", "of another branch")
    assert {row["result"] for row in bank.state.store.audit.read(2)} == {"denied"}
    assert [one.cover_id for one in books.covers() if one.cover.manager_id == "M8"] == [number]
