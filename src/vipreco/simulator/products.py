"""The simulated catalogue: 36 products in families, and the arrays that the hazards need from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Need(IntEnum):
    """Latent needs of a customer; a value is the need's position in a vector of needs."""

    PAY = 0
    SAVE = 1
    GROW = 2
    PROTECT = 3
    BORROW = 4
    RETIRE = 5
    WORLD = 6


N_NEEDS = len(Need)


@dataclass(frozen=True)
class Product:
    """One product: what the bank publishes about it, and how customers come to it.

    Args:
        product_id: The bank's code.
        name: English name.
        local_name: The bank's own name.
        family: Family, in English.
        share: Target share of all acquisitions of a month (normalised over the catalogue).
        owned: Target share of customers holding it in the steady state.
        value: Value of one acquisition in yuan.
        risk: Risk class 1 to 5, 0 where none applies.
        minimum: Smallest amount in yuan.
        term: Months until maturity, 0 where there is none; at maturity it is paid out or goes on for a term.
        wealth: Slope of the log-hazard on log10 of assets over 20,000 yuan.
        needs: Weights of latent needs in the log-hazard.
        age: Youngest and oldest age at which it is acquired.
        prerequisites: Products that must be held.
        group: At most one product of a group is acquired in a month; empty where none.
        exclusions: Products that rule this one out while they are held.
        replaces: Products that are closed when this one is acquired.
        placement: `public`, or `private` for offers to qualified investors only.
    """

    product_id: str
    name: str
    local_name: str
    family: str
    share: float
    owned: float
    value: float
    risk: int = 0
    minimum: float = 0.0
    term: int = 0
    wealth: float = 0.0
    needs: tuple[tuple[Need, float], ...] = ()
    age: tuple[int, int] = (18, 100)
    prerequisites: tuple[str, ...] = ()
    group: str = ""
    exclusions: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    placement: str = "public"


PAY, SAVE, GROW, PROTECT, BORROW, RETIRE, WORLD = Need

PRODUCTS: tuple[Product, ...] = (
    Product("D001", "Settlement account", "结算账户", "account", 0.105, 0.8, 120, needs=((PAY, 0.5),)),
    Product("D002", "Seven-day notice deposit", "七天通知存款", "deposit", 0.0062, 0.03, 150,
            minimum=50_000, wealth=0.5, needs=((SAVE, 0.6),)),
    Product("D003", "Time deposit 3 months", "三个月定期", "deposit", 0.0124, 0.02, 90,
            minimum=1_000, term=3, wealth=0.3, needs=((SAVE, 0.8),)),
    Product("D012", "Time deposit 12 months", "一年定期", "deposit", 0.0155, 0.1, 260,
            minimum=1_000, term=12, wealth=0.3, needs=((SAVE, 0.9),)),
    Product("D036", "Time deposit 36 months", "三年定期", "deposit", 0.00434, 0.05, 520,
            minimum=1_000, term=36, wealth=0.3, needs=((SAVE, 0.8), (RETIRE, 0.4))),
    Product("D200", "Large certificate of deposit", "大额存单", "deposit", 0.00248, 0.012, 900,
            minimum=200_000, term=24, wealth=0.9, needs=((SAVE, 0.8),)),
    Product("P001", "Bill direct debit", "自动缴费", "payment", 0.295, 0.33, 60,
            needs=((PAY, 0.9),), prerequisites=("D001",)),
    Product("P002", "Payroll account", "代发工资", "payroll", 0.14, 0.3, 300,
            needs=((PAY, 0.6),), age=(18, 62), prerequisites=("D001",), group="income", exclusions=("P003",)),
    Product("P003", "Pension payout account", "养老金代发", "payroll", 0.055, 0.13, 260,
            needs=((RETIRE, 0.6),), age=(55, 100), prerequisites=("D001",), group="income",
            replaces=("P002",)),
    Product("P004", "Electronic account", "电子账户", "payment", 0.14, 0.35, 40,
            needs=((PAY, 0.7), (WORLD, 0.2))),
    Product("P005", "Salary savings plan", "零存整取", "deposit", 0.045, 0.12, 110,
            needs=((SAVE, 0.6), (PAY, 0.3)), prerequisites=("D001",)),
    Product("C001", "Credit card classic", "信用卡普卡", "card", 0.122, 0.24, 180,
            needs=((PAY, 0.4), (BORROW, 0.5)), age=(18, 70), group="credit card",
            exclusions=("C002", "C003")),
    Product("C002", "Credit card gold", "信用卡金卡", "card", 0.00279, 0.02, 420,
            wealth=0.8, needs=((WORLD, 0.5), (BORROW, 0.3)), age=(22, 70), group="credit card",
            exclusions=("C003",), replaces=("C001",)),
    Product("C003", "Credit card platinum", "信用卡白金卡", "card", 0.000744, 0.006, 1_100,
            wealth=1.5, needs=((WORLD, 0.8),), age=(25, 75), group="credit card",
            replaces=("C001", "C002")),
    Product("W101", "Cash management R1", "现金管理理财", "wealth", 0.01612, 0.08, 130,
            risk=1, minimum=1_000, wealth=0.8, needs=((SAVE, 0.5), (GROW, 0.4))),
    Product("W202", "Fixed income 6 months R2", "固收理财半年", "wealth", 0.00868, 0.02, 380,
            risk=2, minimum=10_000, term=6, wealth=1.2, needs=((GROW, 0.6), (SAVE, 0.4))),
    Product("W203", "Fixed income 12 months R2", "固收理财一年", "wealth", 0.00496, 0.02, 620,
            risk=2, minimum=10_000, term=12, wealth=1.2, needs=((GROW, 0.6), (SAVE, 0.4))),
    Product("W301", "Balanced wealth 12 months R3", "混合理财", "wealth", 0.00217, 0.012, 950,
            risk=3, minimum=10_000, term=12, wealth=1.4, needs=((GROW, 0.9),)),
    Product("W401", "Equity wealth R4", "权益理财", "wealth", 0.000744, 0.004, 1_600,
            risk=4, minimum=50_000, wealth=1.6, needs=((GROW, 1.1),)),
    Product("W501", "Structured note R5", "结构化理财", "wealth", 0.000248, 0.0008, 2_600,
            risk=5, minimum=200_000, term=18, wealth=1.6, needs=((GROW, 1.2),)),
    Product("F101", "Money market fund R1", "货币基金", "fund", 0.00558, 0.05, 60,
            risk=1, wealth=0.4, needs=((GROW, 0.4), (PAY, 0.3))),
    Product("F201", "Bond fund R2", "债券基金", "fund", 0.00217, 0.02, 320,
            risk=2, minimum=1_000, wealth=0.8, needs=((GROW, 0.7),)),
    Product("F301", "Balanced fund R3", "混合基金", "fund", 0.00186, 0.02, 520,
            risk=3, minimum=1_000, wealth=1, needs=((GROW, 0.9),)),
    Product("F401", "Index equity fund R4", "指数基金", "fund", 0.001364, 0.015, 640,
            risk=4, minimum=1_000, wealth=1, needs=((GROW, 1.0),)),
    Product("F402", "Fund savings plan R4", "基金定投", "fund", 0.000868, 0.004, 580,
            risk=4, minimum=100, wealth=0.4, needs=((GROW, 0.8), (RETIRE, 0.3)), prerequisites=("F101",)),
    Product("U001", "Securities custody", "第三方存管", "custody", 0.00372, 0.05, 240,
            wealth=0.6, needs=((GROW, 0.9),), prerequisites=("D001",)),
    Product("I001", "Accident insurance", "意外险", "insurance", 0.00248, 0.04, 160,
            needs=((PROTECT, 0.9),), age=(18, 70)),
    Product("I002", "Critical illness insurance", "重疾险", "insurance", 0.000992, 0.025, 1_900,
            wealth=0.3, needs=((PROTECT, 1.1),), age=(22, 60)),
    Product("I003", "Life annuity", "年金险", "insurance", 0.000806, 0.02, 3_200,
            minimum=10_000, wealth=1.1, needs=((RETIRE, 0.9), (PROTECT, 0.4)), age=(30, 70)),
    Product("L001", "Consumer loan", "消费贷", "loan", 0.001364, 0.025, 1_400,
            needs=((BORROW, 1.1),), age=(22, 60)),
    Product("L002", "Mortgage", "住房按揭", "loan", 0.000496, 0.06, 9_000,
            wealth=0.2, needs=((BORROW, 1.2),), age=(22, 60)),
    Product("L003", "Business owner loan", "经营贷", "loan", 0.00031, 0.008, 5_200,
            wealth=0.6, needs=((BORROW, 1.0), (WORLD, 0.3)), age=(24, 62)),
    Product("M001", "Gold savings R3", "积存金", "precious metal", 0.001116, 0.015, 260,
            risk=3, minimum=700, wealth=0.5, needs=((GROW, 0.5), (WORLD, 0.5))),
    Product("X001", "Foreign currency account", "外币账户", "foreign exchange", 0.001364, 0.03, 210,
            wealth=0.6, needs=((WORLD, 1.0),)),
    Product("R001", "Private pension account", "个人养老金", "pension", 0.00093, 0.03, 700,
            needs=((RETIRE, 1.0),), age=(20, 60)),
    Product("S001", "Private placement fund R5", "私募基金", "private placement", 0.000124, 0.00015, 22_000,
            risk=5, minimum=1_000_000, wealth=1.5, needs=((GROW, 1.0),), placement="private"),
)  # fmt: skip

INTERACTIONS: tuple[tuple[str, str, float], ...] = (
    # holding the first changes the log-hazard of the second
    ("P002", "P001", 0.6), ("P002", "C001", 0.5), ("P002", "P005", 0.5), ("P002", "L001", 0.4),
    ("P003", "D012", 0.4), ("P003", "P001", 0.4), ("P004", "F101", 0.6), ("P004", "C001", 0.3),
    ("C001", "L001", 0.4), ("C001", "X001", 0.3), ("C003", "X001", 0.5),
    ("D003", "D012", -0.4), ("D012", "D003", -0.4), ("D012", "D036", -0.4), ("D200", "D012", -0.5),
    ("D012", "W202", 0.3), ("W101", "W202", 0.6), ("W202", "W203", 0.4), ("W203", "W301", 0.5),
    ("W301", "W401", 0.7), ("W401", "W501", 0.6), ("W101", "F101", -0.8), ("F101", "W101", -0.5),
    ("F101", "F201", 0.5), ("F201", "F301", 0.5), ("F301", "F401", 0.6), ("F401", "F402", 0.5),
    ("U001", "F401", 0.4), ("U001", "W401", 0.4), ("U001", "M001", 0.4), ("W501", "S001", 0.9),
    ("W401", "S001", 0.6), ("I001", "I002", 0.5), ("I002", "I003", 0.3), ("L002", "I001", 0.6),
    ("L002", "I002", 0.5), ("L002", "L001", -0.5), ("R001", "I003", 0.4), ("F402", "R001", 0.4),
    ("P005", "D012", 0.4), ("L003", "U001", 0.2), ("M001", "X001", 0.3),
)  # fmt: skip
"""Complements (positive) and substitutes (negative) between holdings and acquisitions."""

SEASONS: dict[str, tuple[float, ...]] = {
    # twelve multipliers of the hazard, January first
    "deposit": (1.5, 1.3, 1.1, 0.9, 0.9, 1.1, 0.9, 0.9, 1.0, 0.8, 0.8, 0.9),
    "payroll": (0.8, 1.1, 1.4, 1.0, 0.9, 0.9, 1.3, 1.1, 1.0, 0.9, 0.8, 0.8),
    "card": (1.0, 0.8, 0.9, 0.9, 1.0, 1.2, 0.9, 0.9, 1.0, 1.1, 1.4, 1.1),
    "wealth": (1.3, 1.2, 1.0, 0.9, 0.9, 1.2, 0.9, 0.9, 1.0, 0.9, 0.9, 1.1),
    "fund": (1.1, 1.1, 1.2, 1.0, 0.9, 0.9, 1.1, 0.9, 0.9, 0.9, 1.0, 1.0),
    "insurance": (1.6, 1.2, 1.0, 0.9, 0.8, 0.9, 0.8, 0.8, 0.9, 0.9, 1.0, 1.2),
    "loan": (0.7, 0.8, 1.2, 1.1, 1.1, 1.1, 0.9, 0.9, 1.2, 1.1, 1.0, 0.9),
    "pension": (0.6, 0.6, 0.7, 0.7, 0.7, 0.8, 0.8, 0.9, 1.0, 1.2, 1.6, 2.4),
    "foreign exchange": (1.2, 1.0, 0.9, 1.0, 1.0, 1.3, 1.3, 1.1, 1.0, 0.9, 0.6, 0.7),
}
"""Season of a family's hazard; a family that is not here has none."""


@dataclass(frozen=True)
class Catalogue:
    """The products as arrays, in the order of `products`."""

    products: tuple[Product, ...] = PRODUCTS
    interactions: tuple[tuple[str, str, float], ...] = INTERACTIONS

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Codes of the products."""
        return tuple(product.product_id for product in self.products)

    def position(self, product_id: str) -> int:
        """Return the column of a product."""
        return self.ids.index(product_id)

    @cached_property
    def needs(self) -> Floats:
        """Weights of needs, shape (needs, products)."""
        weights = np.zeros((N_NEEDS, len(self.products)))
        for column, product in enumerate(self.products):
            for need, weight in product.needs:
                weights[need, column] = weight
        return weights

    @cached_property
    def interaction(self) -> Floats:
        """Change of a column's log-hazard when the row's product is held, shape (products, products)."""
        effect = np.zeros((len(self.products), len(self.products)))
        for held, acquired, change in self.interactions:
            effect[self.position(held), self.position(acquired)] = change
        return effect

    @cached_property
    def season(self) -> Floats:
        """Multiplier of the hazard by month of the year, shape (12, products)."""
        flat = (1.0,) * 12
        return np.array([SEASONS.get(product.family, flat) for product in self.products]).T

    def numbers(self, name: str) -> Floats:
        """Return one numeric field of all products."""
        return np.array([getattr(product, name) for product in self.products], dtype=np.float64)

    @cached_property
    def share(self) -> Floats:
        """Target share of acquisitions, sums to one."""
        shares = self.numbers("share")
        normalised: Floats = shares / shares.sum()
        return normalised

    @cached_property
    def terms(self) -> NDArray[np.int16]:
        """Months until maturity, 0 where there is none."""
        return self.numbers("term").astype(np.int16)

    @cached_property
    def ages(self) -> Floats:
        """Youngest and oldest age, shape (2, products)."""
        return np.array([product.age for product in self.products], dtype=np.float64).T

    def links(self, name: str) -> tuple[tuple[int, int], ...]:
        """Return columns (product, other) of a link: `prerequisites`, `exclusions` or `replaces`."""
        return tuple(
            (column, self.position(other))
            for column, product in enumerate(self.products)
            for other in getattr(product, name)
        )

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Columns of products of which at most one is acquired in a month."""
        names = sorted({product.group for product in self.products if product.group})
        return tuple(
            tuple(c for c, product in enumerate(self.products) if product.group == name) for name in names
        )

    @cached_property
    def is_loan(self) -> NDArray[np.bool_]:
        """Products whose amount is not part of the customer's assets."""
        return np.array([product.family == "loan" for product in self.products])
