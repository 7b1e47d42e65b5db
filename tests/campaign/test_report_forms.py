"""A report in each form and language, and the texts that must not be in any of them."""

from __future__ import annotations

import io
import json
import re
import string
import tomllib
from html.parser import HTMLParser
from importlib.resources import files
from itertools import product

import numpy as np
import openpyxl
import polars as pl
import pytest

from tests.campaign.report_frames import DAY, assignment, history, large, run_of
from vipreco.campaign import Report, document, make_report, read_policy
from vipreco.campaign.report.charts import Scale, interval
from vipreco.campaign.report.finished_run import FinishedRun
from vipreco.campaign.report.other_policy import judge
from vipreco.campaign.report.report_text import _headline, wording
from vipreco.cli.document_output import document_text
from vipreco.documents import Language
from vipreco.errors import InputRejectedError, UsageError
from vipreco.stats import Estimate, customers_needed

LANGUAGES: tuple[Language, ...] = ("en", "zh")
CATALOGUE = tomllib.loads((files("vipreco.campaign.report") / "texts.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def reports() -> dict[Language, Report]:
    run, bank = large()
    offers = run.assignments.select("customer_id", product_id=pl.lit("F1"), channel=pl.lit("app"))
    return {
        language: make_report(run, bank, DAY, seed=1, language=language, policy=offers)
        for language in LANGUAGES
    }


def sheet_texts(content: bytes) -> dict[str, list[object]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return {
        sheet.title: [cell.value for row in sheet.iter_rows() for cell in row if cell.value is not None]
        for sheet in book
    }


def everything(report: Report) -> str:
    """All text of all forms."""
    cells = [str(value) for texts in sheet_texts(report.content("xlsx")).values() for value in texts]
    forms = [report.content("html").decode(), report.content("json").decode()]
    return "\n".join([document_text(document(report.words), 140), *forms, *cells])


@pytest.mark.parametrize(
    ("estimate", "sentence", "tone"),
    [
        (Estimate(342.4, 209.6, 474.1), "342 more acquisitions than without the campaign [210, 474]", "good"),
        (Estimate(-30.0, -50.0, -10.2), "30 fewer acquisitions than without the campaign [10, 50]", "bad"),
        (
            Estimate(12.0, -8.0, 32.0),
            "No difference to the control group can be shown: +12 acquisitions [-8, +32]",
            "open",
        ),
        (
            Estimate(0.0, lacks="acquisitions"),
            "Not enough data to say what the campaign changed: too few acquisitions",
            "open",
        ),
    ],
)
def test_the_headline(estimate: Estimate, sentence: str, tone: str) -> None:
    assert _headline(estimate, wording("en")) == (sentence, tone)


def test_the_headline_in_chinese() -> None:
    assert _headline(Estimate(342.4, 209.6, 474.1), wording("zh")) == (
        "比不做活动多 342 笔购买 [210, 474]",
        "good",
    )


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_fill_in_the_same() -> None:
    for texts in CATALOGUE.values():
        for words in texts.values():
            assert set(words) == {"en", "zh"}
            names = [
                {name for _, name, _, _ in string.Formatter().parse(words[one]) if name} for one in words
            ]
            assert names[0] == names[1]


def test_all_forms_say_the_same(reports: dict[Language, Report]) -> None:
    for report in reports.values():
        told, numbers = report.words, json.loads(report.content("json"))
        page, cells = report.content("html").decode(), sheet_texts(report.content("xlsx"))
        text = document_text(document(told), 150)
        assert told.headline in page
        assert told.headline in text
        assert told.headline in next(iter(cells.values()))
        extra = numbers["primary"]["extra"]
        assert round(extra["value"]) in [
            round(one) for one in cells[next(iter(cells))] if isinstance(one, float)
        ]
        assert f"+{extra['value']:,.0f} [+{extra['low']:,.0f}, +{extra['high']:,.0f}]" in page
        assert numbers["groups"][0]["treated"] in cells[told.say("sheet.groups")]


def test_no_form_tells_about_single_customers(reports: dict[Language, Report]) -> None:
    run, _ = large()
    for report in reports.values():
        content = everything(report)
        assert not re.search(r"\b0{5}\d{5}\b", content)
        assert not any(one in content for one in run.assignments["customer_id"].sample(300, seed=1))


def test_the_word_uplift_is_in_no_form(reports: dict[Language, Report]) -> None:
    for report in reports.values():
        assert "uplift" not in everything(report).lower()
    assert "uplift" not in str(CATALOGUE).lower()


@pytest.mark.parametrize(("kind", "language"), list(product(("html", "xlsx", "json"), LANGUAGES)))
def test_the_same_inputs_give_the_same_bytes(
    reports: dict[Language, Report], kind: str, language: Language
) -> None:
    run, bank = large()
    offers = run.assignments.select("customer_id", product_id=pl.lit("F1"), channel=pl.lit("app"))
    again = make_report(run, bank, DAY, seed=1, language=language, policy=offers)
    assert again.content(kind) == reports[language].content(kind)


class Page(HTMLParser):
    """Tags, where they point to, and what is left open."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in {"src", "href", "action"}]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in {"meta", "img", "line", "circle", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()


def test_the_page_needs_nothing_else(reports: dict[Language, Report]) -> None:
    page = Page()
    content = reports["en"].content("html").decode()
    page.feed(content)
    assert page.open == []
    assert not {"script", "link", "iframe", "object", "form"} & set(page.tags)
    assert len(page.sources) == 2
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.sources)
    assert "http://" not in re.sub(r"base64,[\w+/=]+", "", content)
    assert "Wealth &lt;in&gt; January" in content
    assert "Wealth <in> January" not in content


def test_the_spreadsheet_has_charts_and_no_live_cell(reports: dict[Language, Report]) -> None:
    book = openpyxl.load_workbook(io.BytesIO(reports["zh"].content("xlsx")))
    assert book.sheetnames == ["汇总", "分组", "漏斗", "预测与实际", "排序"]
    assert [len(sheet._charts) for sheet in book] == [0, 1, 1, 1, 1]
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)


def test_an_interval_is_drawn_where_it_lies() -> None:
    scale = Scale.of([-0.05, 0.15])
    drawn = interval(scale, 0.05, -0.05, 0.15)
    assert scale.place(0) == 60.0
    assert 'x1="10.0"' in drawn
    assert 'x2="210.0"' in drawn
    assert 'cx="110.0"' in drawn
    assert Scale.of([]).place(0) == 110.0


def test_small_counts_and_their_rates_are_not_told() -> None:
    """Three of 40 control customers acquired: the rate would tell."""
    rows = [assignment(number, "offered", True) for number in range(200)]
    rows += [assignment(1000 + number, "control", True) for number in range(40)]
    ids = [row["customer_id"] for row in rows]
    bought = [(ids[number], "F1") for number in [*range(30), 200, 201, 202]]
    report = make_report(run_of(rows), history(ids, bought), DAY, seed=1)
    assert "7.5%" not in everything(report)
    assert "– of 40" in report.words.because
    assert report.words.tone == "open"


def test_a_campaign_that_tells_nothing_has_a_report(reports: dict[Language, Report]) -> None:
    rows = [assignment(1, "offered", True), assignment(2, "control", True)]
    ids = [row["customer_id"] for row in rows]
    report = make_report(run_of(rows), history(ids, []), DAY, seed=1, language="zh")
    assert report.words.headline.startswith("数据不足")
    assert report.words.because == "< 5 位获得推荐的客户与 < 5 位对照组客户相比。"
    for kind in ("html", "xlsx", "json"):
        assert report.content(kind)
    assert json.loads(report.content("json"))["primary"]["lift"]["lacks"] == "customers"


def test_notes_tell_no_small_count() -> None:
    rows = [assignment(number, "offered", number % 3 > 0) for number in range(9)]
    ids = [row["customer_id"] for row in rows]
    told = make_report(run_of(rows), history(ids, [], gone=frozenset(ids[:1])), DAY, seed=1).words
    assert "< 5 of 9 eligible customers were no longer customers at the end and are left out." in told.notes
    assert any(note.startswith("< 5 offers went to customers") for note in told.notes)


def test_a_report_without_an_answer_says_how_many_customers_it_takes() -> None:
    """Rate 10 %, effect 5 points, control a fifth: by the same formula as `power.prop.test`, unequal arms."""
    rows = [assignment(number, "offered" if number % 5 else "control", True) for number in range(100)]
    ids = [row["customer_id"] for row in rows]
    report = make_report(run_of(rows, effect_rate=0.05), history(ids, []), DAY, seed=1)
    assert report.measures.needed == customers_needed(0.1, 0.05, 0.2)
    assert (
        f"of 5.00% with a power of 80 %, about {report.measures.needed:,} customers" in report.words.notes[0]
    )
    assert "here there are 100." in report.words.notes[0]


def test_another_policy_is_estimated_from_random_offers() -> None:
    """The truth: F1 by app brings the promise and the effect, whoever gets it, where F1 was wanted."""
    run, bank = large(effect=0.2)
    offers = run.assignments.select("customer_id", "product_id", "channel").drop_nulls()
    report = make_report(run, bank, DAY, seed=1, policy=offers)
    found = report.measures.other
    assert found is not None
    assert found.decisions == report.outcomes.customers.filter("observed", pl.col("arm") != "control").height
    assert found.doubly_robust.known
    assert found.logged == pytest.approx(0.22, abs=0.03)
    assert any(label.startswith("acquisitions per customer in this") for label, _ in report.words.other)


def test_the_campaigns_own_offers_are_worth_what_it_brought() -> None:
    """With the policy that was run, every decision counts about the same."""
    run, bank = large()
    own = run.assignments.filter(pl.col("arm") == "offered").select("customer_id", "product_id", "channel")
    outcomes = make_report(run, bank, DAY, seed=1).outcomes.customers
    found = judge(run.assignments, outcomes, run.manifest, own, 1)
    mine = outcomes.filter("observed", pl.col("arm").is_in(["offered", "unallocated"]))
    assert found.snips.value == pytest.approx(mine["acquired_campaign"].mean(), abs=0.01)
    assert found.effective > 0.85 * found.decisions


def test_a_campaign_without_random_offers_tells_nothing_about_other_policies() -> None:
    run, bank = large()
    plain = FinishedRun(
        run.assignments, run.manifest | {"campaign": run.manifest["campaign"] | {"exploration_share": 0}}
    )
    with pytest.raises(UsageError) as refused:
        make_report(plain, bank, DAY, seed=1, policy=run.assignments)
    assert refused.value.code == "no-exploration"


def test_policies_are_read_strictly(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("policies")
    good = folder / "good.csv"
    good.write_text("customer_id,product_id,channel\n007,F1,app\n008,,\n")
    assert read_policy(good).rows() == [("007", "F1", "app")]
    for name, content, code in (
        ("twice.csv", "customer_id,product_id,channel\n1,F1,app\n1,F2,app\n", "twice"),
        ("lacks.csv", "customer_id,product_id\n1,F1\n", "columns"),
        ("broken.parquet", "nothing", "unreadable"),
    ):
        (folder / name).write_text(content)
        with pytest.raises(InputRejectedError) as refused:
            read_policy(folder / name)
        assert refused.value.code == code
    with pytest.raises(UsageError):
        read_policy(folder / "policy.txt")


def test_numbers_of_json_are_finite(reports: dict[Language, Report]) -> None:
    def walk(value: object) -> None:
        if isinstance(value, dict):
            for one in value.values():
                walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)
        elif isinstance(value, float):
            assert np.isfinite(value)

    walk(json.loads(reports["en"].content("json")))
