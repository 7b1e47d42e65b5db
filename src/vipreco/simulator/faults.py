"""The kinds of fault that are planted into each kind of raw file."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from vipreco.simulator.fault_injection import EXTRA_FIELD, INVALID_BYTES, Fault, Outcome, missing, text

STRANGER = "X000000001"
CENTURY = timedelta(days=36_500)
LONG_AGO, FAR_OFF = date(1990, 1, 1), date(2099, 12, 31)


def full_width(values: pl.Series) -> pl.Series:
    """Return ids in full-width digits, which look alike and are not the same."""
    digits = [str(digit) for digit in range(10)]
    return values.str.replace_many(digits, [chr(0xFF10 + digit) for digit in range(10)])


def long_ago(values: pl.Series) -> pl.Series:
    """Return a date before the bank's time in place of all."""
    return pl.Series(values.name, [LONG_AGO]).new_from_index(0, len(values))


def far_off(values: pl.Series) -> pl.Series:
    """Return a date that is still to come in place of all."""
    return pl.Series(values.name, [FAR_OFF]).new_from_index(0, len(values))


CUSTOMER_FAULTS = (
    Fault("B27", "spreadsheet-damaged id", "客户号", text("6.22E+09")),
    Fault("B27", "id read as a number", "客户号", lambda ids: ids + ".0"),
    Fault("B28", "full-width digits in the id", "客户号", full_width),
    Fault("B28", "no-break space in the id", "客户号", lambda ids: ids + "\u00a0"),
    Fault("B29", "blank id", "客户号", text("")),
    Fault("B30", "identical copy", "客户号", copies=True, outcome=Outcome.DUPLICATE),
    Fault("B30", "contradicting copy", "月日均资产", text("1.23"), copies=True),
    Fault("B36", "impossible birth date", "出生日期", text("19901345")),
    Fault("B36", "birth date in the future", "出生日期", text("20990101")),
    Fault("B36", "placeholder birth date", "出生日期", text("19000101"), outcome=Outcome.STORED),
    Fault("B37", "thousands marks", "月日均资产", text("1,234.50")),
    Fault("B37", "currency and unit", "月日均资产", text("￥100万")),
    Fault("B37", "dash for an amount", "月日均资产", text("-")),
    Fault("B37", "amount beyond all bounds", "月日均资产", text("1e309")),
    Fault("B37", "not a number", "月日均资产", text("NaN")),
    Fault("B37", "negative assets", "月日均资产", text("-500.00")),
    Fault("B38", "date in another order", "开户日期", text("03/04/2025")),
    Fault("B38", "serial number of a spreadsheet", "开户日期", text("45123")),
    Fault("B38", "day that does not exist", "测评日期", text("20250229")),
    Fault("B34", "unknown risk level", "风险等级", text("C6"), outcome=Outcome.STORED),
    Fault("B35", "unknown opt-out", "拒绝画像", text("不详"), outcome=Outcome.STORED),
    Fault("B33", "unknown manager", "客户经理", text("Z99999"), outcome=Outcome.STORED),
    Fault("B51", "unknown tier", "客户层级", text("VIP?")),
    Fault("B11", "byte that is no GB18030", "开户机构", text(INVALID_BYTES)),
    Fault("B17", "NUL byte", "开户机构", text("00\x0001")),
    Fault("B15", "extra field", "职业", lambda values: values + EXTRA_FIELD),
)

HOLDING_FAULTS = (
    Fault("B29", "missing id", "CUST_NO", missing),
    Fault("B37", "amount that is no number", "AMT", lambda values: values * float("nan")),
    Fault("B37", "binary fraction", "AMT", lambda values: values * 0 + 0.1 + 0.2),
    Fault("B41", "unknown customer", "CUST_NO", text(STRANGER)),
    Fault("B41", "unknown product", "PROD_CD", text("Z999")),
    Fault("B42", "recorded before it was opened", "LOAD_DT", lambda days: days - CENTURY),
    Fault("B42", "closed before it was opened", "CLOSE_DT", long_ago),
    Fault("B42", "opened in the future", "OPEN_DT", far_off),
    Fault("B43", "identical copy", "CUST_NO", copies=True, outcome=Outcome.DUPLICATE),
    Fault("B43", "contradicting copy", "AMT", lambda values: (values + 77).round(2), copies=True),
)

ACTIVITY_FAULTS = (
    Fault("B29", "missing id", "CUST_NO", missing),
    Fault("B41", "unknown customer", "CUST_NO", text(STRANGER)),
    Fault("B38", "missing date", "STAT_DT", missing),
    Fault("B43", "identical copy", "CUST_NO", copies=True, outcome=Outcome.DUPLICATE),
    Fault("B43", "contradicting copy", "LOGINS", lambda values: values + 1.0, copies=True),
)

CONTACT_FAULTS = (
    Fault("B29", "blank contact number", "TOUCH_ID", text("")),
    Fault("B41", "unknown customer", "CUST_NO", text(STRANGER)),
    Fault("B41", "unknown product", "PROD_CD", text("Z999")),
    Fault("B38", "time that does not exist", "TOUCH_TIME", text("2025-13-40 25:61:00")),
    Fault("B49", "outcome recorded before the contact", "LOAD_DT", text("20010101")),
    Fault("B50", "identical copy", "TOUCH_ID", copies=True, outcome=Outcome.DUPLICATE),
    Fault(
        "B50",
        "contradicting copy",
        "CHNL",
        lambda codes: codes.replace_strict({"1": "2"}, default="1"),
        copies=True,
    ),
    Fault("B51", "unknown outcome", "RESULT", text("sold!")),
    Fault("B51", "unknown channel", "CHNL", text("fax")),
)
