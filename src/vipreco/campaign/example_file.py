"""Example of a campaign file with this bank's own products and tiers, and a comment on each line."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from vipreco.catalog import Catalog
from vipreco.history import View

MAX_PRODUCTS = 6
TEXT = """\
# A campaign: products, audience, channels, and how much there is of each. Every line may be changed;
# `vipreco campaign plan FILE` shows what it would bring, and writes nothing.

key = "first-campaign"            # folder, store and outcomes know the campaign by it, for good
name = "A first campaign"
start_date = {start}
end_date = {end}
# products = [{products}]   # without this line: everything on offer
# Conditions over the columns of `vipreco policy columns`; all must be true.
audience = ["customer_tier IN ({tiers})", "customer_age_years < 75"]
control_share = 0.2               # get no offer in any campaign: the others are compared with them
exploration_share = 0.0           # get a random allowed offer, so that other rules can be compared later
effect_rate = 0.01                # the difference to be shown; the plan gives the chance to show it
# budget_amount = 5000.0
formats = ["csv", "xlsx", "parquet"]

[channels.call]
capacity = 60                     # customers
unit_cost_amount = 1.0
minutes = 10                      # of the relationship manager

[channels.app]
capacity = 500
unit_cost_amount = 0.1
reach_rate = 0.4                  # share of an assumed effect that is realised; learnt ones hold it

[managers]
minutes = 240                     # of each, for the whole campaign
# each = {{ M00000 = 60 }}

# [stock]                         # places of a product
# {first} = 20

# [limits.products.{first}]
# min = 5
# max = 50

# [levers.products]               # weights of this campaign alone
# {first} = 1.2
"""


def example(view: View, vip: Sequence[str]) -> str:
    """Return the text of a campaign file for the month after a view's date.

    Args:
        view: What the bank knows; of the products on offer, those with the highest value are named.
        vip: VIP tiers; those that some customer has are the audience, or all tiers where none has.
    """
    start, end = _month_after(view.date)
    products = _products(view, start)
    return TEXT.format(
        start=start,
        end=end,
        products=", ".join(f'"{product}"' for product in products),
        tiers=", ".join(f"'{tier}'" for tier in _tiers(view, vip)),
        first=products[0] if products else "PRODUCT",
    )


def _month_after(day: date) -> tuple[date, date]:
    start = day + timedelta(days=1)
    return start, start.replace(day=calendar.monthrange(start.year, start.month)[1])


def _products(view: View, start: date) -> list[str]:
    catalog = Catalog.from_view(view)
    offered = catalog.offered_at(start)
    order = np.lexsort((np.arange(len(catalog)), -np.nan_to_num(catalog.unit_values)))
    return [catalog.product_ids[place] for place in order if offered[place]][:MAX_PRODUCTS]


def _tiers(view: View, vip: Sequence[str]) -> list[str]:
    rows = view.query("SELECT DISTINCT tier FROM customers_now WHERE tier IS NOT NULL ORDER BY tier")
    known = [str(tier) for tier in rows["tier"].to_pylist()]
    return [tier for tier in known if tier in vip] or known
