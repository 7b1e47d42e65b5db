"""The bank's own codes, and what they mean in the vocabulary of the tables."""

from __future__ import annotations

from vipreco.simulator.parameters import CHANNELS, TIERS
from vipreco.simulator.population import OCCUPATIONS

TIER_CODES = ("普通", "银", "金", "白金", "钻石", "私人银行")
RISK_CODES = ("保守型", "稳健型", "平衡型", "成长型", "进取型")
CONSENT_CODES = ("否", "是")
OPT_OUT_CODES = ("0", "1")
CAPACITY_CODES = ("完全", "限制", "无")
OCCUPATION_CODES = ("职员", "公务", "个体", "企业主", "退休", "学生", "其他")
CHANNEL_CODES = ("1", "2", "3")
RESULT_CODES = ("A", "D", "P", "U", "X", "9")
FAMILY_CODES = {
    "account": "账户",
    "deposit": "存款",
    "payment": "支付",
    "payroll": "代发",
    "card": "信用卡",
    "wealth": "理财",
    "fund": "基金",
    "custody": "托管",
    "insurance": "保险",
    "loan": "贷款",
    "precious metal": "贵金属",
    "foreign exchange": "外汇",
    "pension": "养老",
    "private placement": "私募",
}
PLACEMENT_CODES = {"public": "公募", "private": "私募"}
PRODUCT_CHANNEL_CODES = {"public": "网点|电话|短信|应用", "private": "网点|电话"}

TIER_MEANING = dict(zip(TIER_CODES, TIERS, strict=True))
RISK_MEANING = {code: f"C{level}" for level, code in enumerate(RISK_CODES, start=1)}
OCCUPATION_MEANING = dict(zip(OCCUPATION_CODES, OCCUPATIONS, strict=True))
CHANNEL_MEANING = dict(zip(CHANNEL_CODES, CHANNELS, strict=True))
RESULT_MEANING = dict(
    zip(
        RESULT_CODES,
        ("accepted", "declined", "postponed", "unreachable", "do_not_contact", "unknown"),
        strict=True,
    )
)
FAMILY_MEANING = {code: family for family, code in FAMILY_CODES.items()}
PLACEMENT_MEANING = {code: placement for placement, code in PLACEMENT_CODES.items()}
PRODUCT_CHANNEL_MEANING = {
    PRODUCT_CHANNEL_CODES["private"]: "branch|call",
    PRODUCT_CHANNEL_CODES["public"]: "branch|call|sms|app",
}
CAPACITY_MEANING = dict(zip(CAPACITY_CODES, ("full", "limited", "none"), strict=True))
