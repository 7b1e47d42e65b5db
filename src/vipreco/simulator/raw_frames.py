"""The records of a month in the bank's own columns and codes, as data frames."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.simulator.acquisitions import Ended
from vipreco.simulator.bank import Bank, Block
from vipreco.simulator.calendar import NEVER, as_dates
from vipreco.simulator.codes import (
    CAPACITY_CODES,
    CHANNEL_CODES,
    CONSENT_CODES,
    FAMILY_CODES,
    OCCUPATION_CODES,
    OPT_OUT_CODES,
    PLACEMENT_CODES,
    PRODUCT_CHANNEL_CODES,
    RESULT_CODES,
    RISK_CODES,
    TIER_CODES,
)
from vipreco.simulator.contacts import Contacts
from vipreco.simulator.drift import launch_days
from vipreco.simulator.identity import contact_numbers, numbered
from vipreco.simulator.initial_holdings import PastHolding
from vipreco.simulator.month import MonthResult
from vipreco.simulator.outcomes import Outcome
from vipreco.simulator.parameters import FIRST_VIP_TIER
from vipreco.simulator.products import Catalogue
from vipreco.simulator.randomness import Purpose
from vipreco.simulator.record_flags import record_flags

Days = NDArray[np.int32]

Codes = NDArray[np.int8]

ALWAYS = date(2000, 1, 1)
"""First day of products that were there before the simulation."""


def customers_frame(bank: Bank, block: Block, month: int) -> pl.DataFrame:
    """Return the snapshot of a month's last day: one row a customer of the bank."""
    rows = np.flatnonzero(block.in_snapshot(month))
    who, state = block.population, block.state
    income = np.where(who.income_known[rows], who.income[rows], np.nan)
    vip = state.tier[rows] >= FIRST_VIP_TIER
    never = state.assessed_day[rows] == NEVER
    record = record_flags(bank, block, month, rows)
    return pl.DataFrame(
        {
            "客户号": block.ids[rows],
            "数据日期": _dates(np.full(len(rows), bank.calendar.last_day(month), np.int32)),
            "客户层级": coded(TIER_CODES, state.tier[rows]),
            "月日均资产": state.average[rows],
            "风险等级": coded(RISK_CODES, np.where(never, -1, who.appetite[rows] - 1)),
            "测评日期": _dates(state.assessed_day[rows]),
            "出生日期": _dates(np.where(who.birth_known, who.birth_day, NEVER)[rows]),
            "开户日期": _dates(who.joined_day[rows]),
            "客户经理": numbered("M", block.manager[rows], 5).zip_with(
                pl.Series(vip), numbered("D", block.branch[rows] + 1, 4)
            ),
            "开户机构": numbered("", block.branch[rows] + 1, 4),
            "电话授权": coded(CONSENT_CODES, state.consent[rows, 0]),
            "短信授权": coded(CONSENT_CODES, state.consent[rows, 1]),
            "应用授权": coded(CONSENT_CODES, state.consent[rows, 2]),
            "拒绝画像": coded(OPT_OUT_CODES, who.opted_out[rows]),
            "职业": coded(OCCUPATION_CODES, who.occupation[rows]),
            "年收入": pl.Series(income).fill_nan(None),
            "有子女": coded(CONSENT_CODES, who.has_child[rows]),
            "合格投资者": coded(CONSENT_CODES, record.qualified),
            "民事行为能力": coded(CAPACITY_CODES, record.capacity),
            "可用资金": record.free_liquidity,
            "特别程序日期": _dates(record.procedure_day),
            "未结投诉": coded(CONSENT_CODES, record.complaint_open),
            "禁止营销": coded(CONSENT_CODES, record.blocked),
        }
    )


def activity_frame(bank: Bank, block: Block, month: int, result: MonthResult) -> pl.DataFrame:
    """Return a month's behaviour; months that did not reach the records are absent."""
    rows = np.flatnonzero(block.in_snapshot(month) & result.activity_recorded)
    last = np.full(len(rows), bank.calendar.last_day(month), np.int32)
    columns = {name.upper(): values[rows] for name, values in result.activity.items()}
    return pl.DataFrame({"CUST_NO": block.ids[rows], "STAT_DT": _dates(last), **columns})


def contacts_frame(bank: Bank, block: Block, month: int, result: MonthResult) -> pl.DataFrame:
    """Return a month's contacts with what came of them."""
    contacts, records = result.contacts, bank.parameters.records
    random = bank.random(Purpose.LOADING, month, block.number)
    count = len(contacts.customer)
    hour = random.integers(9, 18, count)
    minute = random.integers(0, 60, count)
    day = bank.calendar.first_day(month) + contacts.day
    later = np.where(result.outcome == Outcome.POSTPONED, day + random.integers(7, 45, count), NEVER)
    late = (random.random(count) < records.contact_late) * random.integers(1, records.late_days, count)
    moment = day.astype("datetime64[D]").astype("datetime64[ms]") + (hour * 3600 + minute * 60) * 1000
    return pl.DataFrame(
        {
            "TOUCH_ID": contact_numbers(bank.calendar.label(month), block.number, count),
            "CUST_NO": block.ids[contacts.customer],
            "PROD_CD": coded(bank.catalogue.ids, contacts.product),
            "CHNL": coded(CHANNEL_CODES, contacts.channel),
            "TOUCH_TIME": pl.Series(moment),
            "RESULT": coded(RESULT_CODES, result.outcome),
            "NEXT_DT": _dates(later.astype(np.int32)),
            "CAMP_ID": _campaigns(bank, month, contacts),
            "LOAD_DT": _dates((day + late).astype(np.int32)),
        }
    )


def _campaigns(bank: Bank, month: int, contacts: Contacts) -> pl.Series:
    """Return the campaign of each contact; the bank's own contacts of a month are one."""
    own = f"K{bank.calendar.label(month)}"
    return pl.Series([key or own for key in contacts.campaign], dtype=pl.String)


def truth_of_contacts(bank: Bank, block: Block, month: int, result: MonthResult) -> pl.DataFrame:
    """Return what only the simulator knows of a month's contacts."""
    contacts = result.contacts
    count = len(contacts.customer)
    return pl.DataFrame(
        {
            "contact_id": contact_numbers(bank.calendar.label(month), block.number, count),
            "propensity": contacts.propensity,
            "random_propensity": contacts.random,
            "answered": contacts.answered,
            "effect": contacts.effect,
            "probability": result.contact_probability,
            "gain": result.contact_gain,
            "acquired": result.acquired[contacts.customer, contacts.product],
        }
    )


def ended_frame(bank: Bank, block: Block, ended: Ended | PastHolding) -> pl.DataFrame:
    """Return holdings that ended, one row an interval."""
    return _holdings_frame(
        block, bank.catalogue, ended.customer, ended.product, ended.opened_day, ended.closed_day, ended.amount
    )


def open_frame(bank: Bank, block: Block) -> pl.DataFrame:
    """Return the holdings that are open at the end of the simulation."""
    state = block.state
    customer, product = np.nonzero(state.held)
    opened = state.opened_day[customer, product]
    closed = np.full(len(opened), NEVER, np.int32)
    return _holdings_frame(
        block, bank.catalogue, customer, product, opened, closed, state.amount[customer, product]
    )


def _holdings_frame(  # noqa: PLR0917 - the columns of a holding
    block: Block,
    catalogue: Catalogue,
    customer: NDArray[np.int64],
    product: NDArray[np.int64],
    opened: Days,
    closed: Days,
    amount: NDArray[np.float32],
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "CUST_NO": block.ids[customer],
            "PROD_CD": coded(catalogue.ids, product),
            "OPEN_DT": _dates(opened),
            "CLOSE_DT": _dates(closed),
            "AMT": pl.Series(np.round(amount.astype(np.float64), 2)),
        }
    )


def holding_versions(intervals: pl.DataFrame, bank: Bank, random: np.random.Generator) -> pl.DataFrame:
    """Return each interval as the bank learnt it: a record of the opening, and one of the closing.

    A part is recorded late; what was not recorded by the last snapshot is absent.
    """
    last = bank.calendar.snapshot_date(bank.calendar.months - 1)
    opening, closing = _delays(bank, intervals.height, random), _delays(bank, intervals.height, random)
    opened = (pl.col("OPEN_DT") + pl.duration(days="opening")).dt.date().alias("LOAD_DT")
    closed = (pl.col("CLOSE_DT") + pl.duration(days="closing")).dt.date()
    known = intervals.with_columns(opening=opening, closing=closing).with_columns(opened)
    known = known.with_columns(pl.max_horizontal(closed, "LOAD_DT").alias("closing")).filter(
        pl.col("LOAD_DT") <= last
    )
    ends = pl.col("CLOSE_DT").is_not_null() & (pl.col("closing") <= last)
    at_once = ends & (pl.col("closing") == pl.col("LOAD_DT"))
    openings = known.filter(~at_once).with_columns(pl.lit(None, pl.Date).alias("CLOSE_DT"))
    closings = known.filter(ends).with_columns(pl.col("closing").alias("LOAD_DT"))
    return pl.concat([openings, closings]).drop("opening", "closing")


def _delays(bank: Bank, rows: int, random: np.random.Generator) -> pl.Series:
    """Days between a fact and its record: mostly none."""
    records = bank.parameters.records
    late = random.random(rows) < records.holding_late
    return pl.Series(late * random.integers(1, records.late_days, rows))


def products_frame(bank: Bank) -> pl.DataFrame:
    """Return the catalogue, one row a product; what is launched later is in it, with its first day."""
    products = bank.catalogue.products
    launched = launch_days(bank.catalogue, bank.parameters.drift)
    return pl.DataFrame(
        {
            "产品代码": [product.product_id for product in products],
            "产品名称": [product.local_name for product in products],
            "产品大类": [FAMILY_CODES[product.family] for product in products],
            "风险等级": [f"R{max(product.risk, 1)}" for product in products],
            "发行方评级": [f"R{max(product.risk, 1)}" for product in products],
            "单笔价值": [f"{product.value:.2f}" for product in products],
            "起购金额": [f"{product.minimum:.2f}" for product in products],
            "发售日期": [f"{launched.get(product.product_id, ALWAYS):%Y%m%d}" for product in products],
            "渠道": [PRODUCT_CHANNEL_CODES[product.placement] for product in products],
            "募集方式": [PLACEMENT_CODES[product.placement] for product in products],
            "前置产品": ["|".join(product.prerequisites) for product in products],
            "互斥产品": ["|".join(product.exclusions) for product in products],
        }
    )


def coded(texts: tuple[str, ...], codes: NDArray[np.generic]) -> pl.Series:
    """Return the text of each code; a negative code becomes missing."""
    table = pl.Series([*texts, None], dtype=pl.String)
    numbers = codes.astype(np.int64)
    place = np.where(numbers < 0, len(texts), numbers).astype(np.uint32)
    return table.gather(pl.Series(place))


def _dates(days: Days) -> pl.Series:
    return pl.Series(as_dates(days))
