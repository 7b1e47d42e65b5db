"""Reasons and cautions of the offers of a campaign."""

from __future__ import annotations

from typing import Final

import polars as pl

from vipreco.explanations import Explainer
from vipreco.history import View
from vipreco.policy import Language

EXPLAINED: Final = dict.fromkeys(("customer_id", "product_id", "channel", "reason", "caution"), pl.String())
SEPARATOR: Final = "; "


def explained(explainer: Explainer, view: View, offers: pl.DataFrame, language: Language) -> pl.DataFrame:
    """Return rows `EXPLAINED` of offers.

    Args:
        explainer: Gives the reasons.
        view: What is known of their customers.
        offers: Rows customer_id, product_id, channel.
        language: Of the reasons.
    """
    parts = [pl.DataFrame(schema=EXPLAINED)]
    for (channel,), part in offers.group_by("channel", maintain_order=True):
        pairs = list(part.select("customer_id", "product_id").iter_rows())
        given = explainer.offer_reasons(view, pairs, str(channel), language)
        reasons = [SEPARATOR.join(reason.text for reason in own) or None for own in given.reasons]
        cautions = [caution.text if caution else None for caution in given.cautions]
        found = part.select("customer_id", "product_id", "channel").with_columns(
            pl.Series("reason", reasons, pl.String), pl.Series("caution", cautions, pl.String)
        )
        parts.append(found)
    return pl.concat(parts)
