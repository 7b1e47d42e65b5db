"""The mapping file of the simulated bank: how its columns and codes become the five tables."""

from __future__ import annotations

import json

from vipreco.simulator import codes
from vipreco.simulator.activity import ACTIVITY_COLUMNS
from vipreco.simulator.products import Catalogue

MANIFESTS = "manifests/{name}.toml"
DAY = 'date_format = "%Y%m%d"'


def mapping_text(catalogue: Catalogue) -> str:
    """Return the mapping file as TOML text."""
    return "\n".join([_HEAD, _customers(), _products(catalogue), _HOLDINGS, _activity(), _contacts(), ""])


_HEAD = """\
# How the simulated bank's own files become the tables. Written by `vipreco simulate`.
"""

_HOLDINGS = f"""
[[source]]
file = "holdings.parquet"
manifest = "{MANIFESTS}"

[[source.table]]
table = "holdings"
[source.table.columns]
customer_id = "CUST_NO"
product_id = "PROD_CD"
opened_date = "OPEN_DT"
closed_date = "CLOSE_DT"
balance_amount = "AMT"
recorded_date = "LOAD_DT"
"""


def _customers() -> str:
    flag, capacity = 'true = ["是"], false = ["否"]', _inline(codes.CAPACITY_MEANING)
    return f"""
[[source]]
file = "customers_*.csv"
encoding = "gb18030"
manifest = "{MANIFESTS}"

[[source.table]]
table = "customers"
[source.table.columns]
customer_id = "客户号"
snapshot_date = {{ column = "数据日期", {DAY} }}
tier = {{ column = "客户层级", codes = {_inline(codes.TIER_MEANING)} }}
aum_amount = "月日均资产"
risk_level = {{ column = "风险等级", codes = {_inline(codes.RISK_MEANING)}, other = "unknown" }}
risk_assessed_date = {{ column = "测评日期", {DAY} }}
birth_date = {{ column = "出生日期", {DAY} }}
joined_date = {{ column = "开户日期", {DAY} }}
manager_id = "客户经理"
branch_id = "开户机构"
consent_call = {{ column = "电话授权", {flag} }}
consent_sms = {{ column = "短信授权", {flag} }}
consent_app = {{ column = "应用授权", {flag} }}
profiling_opt_out = {{ column = "拒绝画像", true = ["1"], false = ["0"] }}
[source.table.attributes]
occupation = {{ column = "职业", type = "category", codes = {_inline(codes.OCCUPATION_MEANING)} }}
income = {{ column = "年收入", type = "number" }}
has_child = {{ column = "有子女", type = "flag", {flag} }}
# What begins with `policy_` is asked for by the rules of the policy alone; no model sees it.
policy_qualified_investor = {{ column = "合格投资者", type = "flag", {flag} }}
policy_legal_capacity = {{ column = "民事行为能力", type = "category", codes = {capacity} }}
policy_free_liquidity_amount = {{ column = "可用资金", type = "number" }}
policy_special_procedure_date = {{ column = "特别程序日期", type = "date", {DAY} }}
policy_complaint_open = {{ column = "未结投诉", type = "flag", {flag} }}
policy_blocked = {{ column = "禁止营销", type = "flag", {flag} }}
"""


def _products(catalogue: Catalogue) -> str:
    names = {product.local_name: product.name for product in catalogue.products}
    parts = 'separator = "|"'
    return f"""
[[source]]
file = "products.csv"
encoding = "gb18030"
manifest = "{MANIFESTS}"

[[source.table]]
table = "products"
[source.table.columns]
product_id = "产品代码"
name = {{ column = "产品名称", codes = {_inline(names)} }}
family = {{ column = "产品大类", codes = {_inline(codes.FAMILY_MEANING)} }}
risk_level = "风险等级"
issuer_risk_level = "发行方评级"
unit_value_amount = "单笔价值"
min_amount = "起购金额"
offered_from = {{ column = "发售日期", {DAY} }}
channels = {{ column = "渠道", {parts}, codes = {_inline(codes.PRODUCT_CHANNEL_MEANING)} }}
placement = {{ column = "募集方式", codes = {_inline(codes.PLACEMENT_MEANING)} }}
prerequisites = {{ column = "前置产品", {parts} }}
exclusions = {{ column = "互斥产品", {parts} }}
"""


def _activity() -> str:
    attributes = "\n".join(
        f'{name} = {{ column = "{name.upper()}", type = "number" }}' for name in ACTIVITY_COLUMNS
    )
    return f"""
[[source]]
file = "activity_*.parquet"
manifest = "{MANIFESTS}"

[[source.table]]
table = "activity"
[source.table.columns]
customer_id = "CUST_NO"
month_date = "STAT_DT"
[source.table.attributes]
{attributes}
"""


def _contacts() -> str:
    return f"""
[[source]]
file = "contacts.csv"
manifest = "{MANIFESTS}"

[[source.table]]
table = "contacts"
[source.table.columns]
contact_id = "TOUCH_ID"
customer_id = "CUST_NO"
product_id = "PROD_CD"
channel = {{ column = "CHNL", codes = {_inline(codes.CHANNEL_MEANING)} }}
contacted_at = {{ column = "TOUCH_TIME", date_format = "%Y-%m-%d %H:%M:%S" }}
outcome = {{ column = "RESULT", codes = {_inline(codes.RESULT_MEANING)} }}
next_date = {{ column = "NEXT_DT", {DAY} }}
campaign_id = "CAMP_ID"
recorded_date = {{ column = "LOAD_DT", {DAY} }}
"""


def _inline(meanings: dict[str, str]) -> str:
    """Return an inline TOML table; JSON strings are TOML strings."""
    pairs = (
        f"{json.dumps(code, ensure_ascii=False)} = {json.dumps(text)}" for code, text in meanings.items()
    )
    return "{ " + ", ".join(pairs) + " }"
