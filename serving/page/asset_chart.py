"""The assets of a customer by month: axis, line of the next tier, asset flow marked, the same as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Final

from serving.page.charts import LineChart, Series, axis_text, line_chart
from vipreco.kpi import FIGURES, FLOWS
from vipreco.lists import CustomerSheet, Wording

SIGNS: Final = {
    "flow_bought": "▲",
    "flow_matured_stayed": "◆",
    "flow_matured_left": "◇",
    "flow_moved_out": "▼",
}
Flows = Mapping[date, Mapping[str, float]]


def asset_chart(sheet: CustomerSheet, flows: Flows, say: Wording) -> LineChart | None:
    """Return the chart; None for fewer than two months.

    Args:
        sheet: Of the customer.
        flows: Of `vipreco.kpi.customer_flows`.
        say: The words.
    """
    missing = sheet.profile.next_tier_amount
    line = None if missing is None else (sheet.profile.assets or 0.0) + missing
    chart = line_chart(
        [Series(say("fact.assets"), sheet.months)],
        say.amount,
        axis=lambda value: axis_text(value, say.language),
        reference=None if line is None else (line, say("sheet_page.next_line", amount=say.amount(line))),
        marks=[
            (day, "".join(SIGNS[figure] for figure in FLOWS if figure in told)) for day, told in flows.items()
        ],
    )
    told = [figure for figure in FLOWS if any(figure in one for one in flows.values())]
    if chart is None or not told:
        return chart
    names = [FIGURES[figure].name(say.language) for figure in told]
    rows = tuple(
        (day, (*texts, *(say.amount(flows.get(day, {}).get(figure)) for figure in told)))
        for day, texts in chart.rows
    )
    signs = tuple((SIGNS[figure], name) for figure, name in zip(told, names, strict=True))
    return replace(chart, rows=rows, more=tuple(names), signs=signs)
