"""The chart of a sheet: assets by month with the asset flow that `vipreco kpi` defines."""

from __future__ import annotations

import polars as pl

from serving.page.asset_chart import asset_chart
from serving.page.languages import wording
from tests.page.page_bank import LADDER, customer_ids, figures, trained
from vipreco.explanations import Explainer
from vipreco.kpi import FLOWS, customer_flows, customer_list, figure_named
from vipreco.lists import customer_day, customer_sheet
from vipreco.settings import CallListSettings


def test_the_asset_flow_of_a_customer_is_marked_and_stands_in_the_table():
    recommender, view = trained()
    day = customer_day(Explainer(recommender), view, customer_ids()[5], LADDER.vip, CallListSettings())
    say = wording("en", "CNY")
    sheet = customer_sheet(day, "model", say)
    month = sheet.months[2][0]
    flows = {month: {"flow_bought": 30_000.0, "flow_moved_out": 5_000.0}}
    chart, plain = (asset_chart(sheet, one, say) for one in (flows, {}))
    assert chart is not None
    assert [mark.name for mark in chart.marks] == ["▲▼"]
    assert chart.signs == (("▲", "Bought"), ("▼", "Moved out"))
    assert dict(chart.rows)[month][1:] == ("CNY 30,000", "CNY 5,000")
    assert dict(chart.rows)[sheet.months[0][0]][1:] == ("", "")
    assert plain is not None
    assert plain.more == ()


def test_the_flow_of_a_customer_is_that_of_the_figures_of_the_branch():
    rows = figures()
    told = [key for key in FLOWS if key not in rows.missing and rows.of_figure(key).height]
    for key in told:
        day = rows.dates_of(figure_named(key))[0]
        listed = customer_list(rows, figure_named(key), day)
        amount = next(name for name in listed.columns if name.endswith("_amount"))
        for customer, value in listed.group_by("customer_id").agg(pl.col(amount).sum()).head(3).rows():
            assert customer_flows(rows, customer)[day][key] == value
    assert customer_flows(rows, "nobody") == {}
