"""The form of a campaign: the file that it writes is the one that its reader takes."""

from __future__ import annotations

import json
import re
from datetime import date

import polars as pl
import pytest

from serving.page.campaign_charts import limit_words, plan_charts, waterfall
from serving.page.campaign_form import DEFAULTS, campaign_text
from serving.page.languages import wording
from serving.workspace.jobs import Jobs
from tests.page.page_bank import PageBank, trained
from tests.page.test_page_access import Browser
from vipreco.campaign import CampaignFolder, parse_campaign
from vipreco.campaign.folder import write_manifest
from vipreco.errors import UsageError
from vipreco.store import Role

TIERS, PRODUCTS = ("GOLD", "TOP"), ("fund", "card")
MEMBERS = {name: ["1"] for name in ("customer_id", "arm", "product_id", "channel", "manager_id")}
DATES = {"key": "spring", "start_date": "2026-03-01", "end_date": "2026-03-31"}


def test_what_the_form_begins_with_is_a_campaign_when_it_has_a_key_and_dates() -> None:
    text = campaign_text({**DEFAULTS, **DATES, "tier.GOLD": "1"}, TIERS, PRODUCTS)
    found = parse_campaign(text.encode(), "form")
    assert (found.key, found.start_date, found.end_date) == ("spring", date(2026, 3, 1), date(2026, 3, 31))
    assert found.audience == ("customer_tier IN ('GOLD')", "customer_age_years < 75")
    assert found.channel("call").capacity == 300
    assert found.products == ()
    assert found.managers.minutes == 240


def test_all_fields_stand_in_the_file() -> None:
    form = {
        **DATES,
        "name": 'Fund "spring" 春',
        "product.card": "1",
        "condition": "customer_holdings >= 2",
        "use.app": "1",
        "app.unit_cost_amount": "0.1",
        "budget_amount": "500",
        "control_share": "0.3",
        "exploration_share": "0.1",
        "effect_rate": "0.05",
    }
    found = parse_campaign(campaign_text(form, TIERS, PRODUCTS).encode(), "form")
    assert found.name == 'Fund "spring" 春'
    assert found.products == ("card",)
    assert found.audience == ("customer_holdings >= 2",)
    assert (found.budget_amount, found.control_share, found.exploration_share) == (500.0, 0.3, 0.1)
    assert found.channel("app").unit_cost_amount == 0.1


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "Spring!"},
        {"start_date": "soon"},
        {"end_date": "2026-02-01"},
        {"control_share": '0.1"\n[channels.sms]\ncapacity = 5'},
    ],
)
def test_what_is_wrong_stays_text_and_is_refused(wrong: dict[str, str]) -> None:
    text = campaign_text({**DEFAULTS, **DATES, **wrong}, TIERS, PRODUCTS)
    with pytest.raises(UsageError):
        parse_campaign(text.encode(), "form")


def test_no_code_of_a_rule_is_shown_in_the_waterfall() -> None:
    recommender, _ = trained()
    rule = recommender.policy.rules[0]
    steps = [
        {"rule": "in the newest snapshot", "left": 9, "fell": 0},
        {"rule": f"no product allowed: {rule.reason_code} ({rule.id})", "left": 4, "fell": 5},
        {"rule": "customer_age_years < 75 (unknown of 1,024)", "left": 3, "fell": 1},
    ]
    for language in ("en", "zh"):
        say = wording(language, "CNY")
        told = waterfall({"waterfall": steps}, recommender.policy, say)
        assert [step["left"] for step in told] == [9, 4, 3]
        assert rule.reason_code not in told[1]["rule"]
        assert rule.named(language) in told[1]["rule"]
        chart = plan_charts(told, None, say)["waterfall"]
        assert chart is not None
        assert [bar.text for bar in chart.bars] == ["9", "4", "3"]
    assert told[2]["label"] == "年龄小于 75"
    assert told[2]["rule"] == "年龄小于 75（1,024 位未知）"
    assert limit_words("channel call", wording("zh")) == "电话"


def test_a_form_with_a_box_for_each_of_many_products_is_taken(bank: PageBank) -> None:
    """Fifty fields were the most of all forms."""
    boxes = {f"product.P{number:03}": "1" for number in range(500)}
    marketer = Browser(bank, Role.MARKETING)
    answer = marketer.ask("POST", "/campaigns", {**DEFAULTS, **DATES, "key": "many", **boxes})
    assert answer.headers["location"] == "/campaigns/many"
    for path, fields in (("/campaigns", 2_500), ("/campaigns/many/work", 60)):
        assert marketer.ask("POST", path, {f"x{number}": "" for number in range(fields)}).status_code == 400


@pytest.mark.parametrize("damage", ["changed", "removed"])
def test_a_list_that_was_changed_on_the_disk_is_not_sent(bank: PageBank, damage: str) -> None:
    key, campaigns = f"list-{damage}", CampaignFolder(bank.state.root / "data" / "campaigns")
    (bank.state.root / "vipreco.toml").write_text('[project]\nname = "page"\n')
    path = campaigns.path_of(key) / "lists" / "call" / "M1.csv"
    path.parent.mkdir(parents=True)
    path.write_text("customer_id\n1\n")
    store = bank.state.store
    store.campaigns.begin("user:ann", key, {}, "hash")
    store.campaigns.finish(key, write_manifest(campaigns.path_of(key), {}), pl.DataFrame(MEMBERS))
    marketer, address = Browser(bank, Role.MARKETING), f"/campaigns/{key}/list?name=call/M1.csv"
    answer = marketer.ask("GET", address)
    assert (answer.text, answer.headers["content-type"]) == ("customer_id\n1\n", "text/csv; charset=utf-8")
    assert answer.headers["content-disposition"] == f'attachment; filename="{key}-call-M1.csv"'
    if damage == "changed":
        path.write_text("customer_id\n2\n")
    else:
        path.unlink()
    answer = marketer.ask("GET", address)
    assert answer.status_code == 503
    assert "customer_id" not in answer.text
    exported = [row for row in store.audit.read(20) if row["object"] == f"{key}/call/M1.csv"]
    assert [row["action"] for row in exported] == ["campaign.export"]


def test_a_campaign_is_opened_whatever_its_key_is(bank: PageBank) -> None:
    """The keys `new` and `compare` led to the form and to the comparison."""
    marketer = Browser(bank, Role.MARKETING)
    for key in ("new", "compare", "files", "plans"):
        text = campaign_text({**DEFAULTS, **DATES, "key": key}, (), ())
        answer = marketer.ask("POST", "/campaigns", {**DEFAULTS, **DATES, "key": key})
        assert answer.headers["location"] == f"/campaigns/{key}"
        assert text.splitlines()[0].replace('"', "&#34;") in marketer.ask("GET", f"/campaigns/{key}").text


def test_two_plans_stand_side_by_side(bank: PageBank) -> None:
    marketer = Browser(bank, Role.MARKETING)
    arms = {"offered": 30, "explored": 0, "control": 8, "unallocated": 2}
    plan = {"customers": 1_040, "arms": arms, "value_amount": 100.5, "gap_rate": 0.001, "power": None}
    plan["campaign"] = {"key": "one", "control_share": 0.2}
    for key in ("one", "two", "unplanned"):
        marketer.ask("POST", "/campaigns", {**DEFAULTS, **DATES, "key": key})
    for key, power in (("one", None), ("two", {"power_rate": 0.25, "needed": 900})):
        content = json.dumps({**plan, "power": power}).encode()
        Jobs(bank.state.root).keep(f"campaign-plan-{key}", ["campaign", "plan"], content)
    page = marketer.ask("GET", "/campaigns/plans/compare?one=one&other=two").text
    cells = re.findall(r'<td class="number" data-label="(?:one|two)">([^<]*)</td>', page)
    assert cells[:2] == ["1,040", "1,040"]
    assert "Both files have the same settings." in page
    assert re.findall(r'data-label="Difference">([^<]*)</td>', page) == ["="] * 7 + [""] * 2
    assert cells[-6:] == ["0.10 %", "0.10 %", "–", "25.0%", "–", "900"]
    near = json.dumps({**plan, "power": {"power_rate": 0.2502, "needed": 900}}).encode()
    Jobs(bank.state.root).keep("campaign-plan-one", ["campaign", "plan"], near)
    page = marketer.ask("GET", "/campaigns/plans/compare?one=one&other=two").text
    assert re.findall(r'data-label="Difference">([^<]*)</td>', page) == ["="] * 9  # not "-0.0%"
    for other, status in (("unplanned", 409), ("nobody", 404), ("../two", 404)):
        asked = marketer.ask("GET", f"/campaigns/plans/compare?one=one&other={other}")
        assert asked.status_code == status
