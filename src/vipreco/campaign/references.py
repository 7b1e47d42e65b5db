"""Checks of the names in a campaign: products on offer, managers, branches, dates that are not over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import polars as pl

from vipreco.campaign.definition import Campaign
from vipreco.catalog import Catalog
from vipreco.errors import UsageError
from vipreco.history import View
from vipreco.policy import nearest


def check_references(campaign: Campaign, view: View, catalog: Catalog, where: str) -> None:
    """Check that everything a campaign refers to exists, before any work.

    Args:
        campaign: The campaign.
        view: What is known of the bank.
        catalog: Its products.
        where: The campaign file, for errors.

    Raises:
        UsageError: Products that are unknown or not on offer in its time, unknown managers, branches or
            families, or all of its days are over; every finding is listed.
    """
    if campaign.end_date < view.date:
        raise UsageError(
            f"the campaign ended on {campaign.end_date}, before {view.date}",
            where=where,
            remedy="choose later dates, or an earlier date with --as-of",
            code="dates",
        )
    findings = [
        *_products(campaign, catalog),
        *_others("families", campaign.levers.families, catalog.families),
        *_of_customers("managers", campaign.managers.each, view, "manager_id"),
        *_of_customers("branches", campaign.limits.branches, view, "branch_id"),
    ]
    if findings:
        raise UsageError(
            f"refers to {len(findings)} name(s) that cannot be used",
            where=where,
            remedy="correct these names; nothing was done",
            code="campaign-names",
            examples=findings,
        )


def products_of(campaign: Campaign, catalog: Catalog) -> tuple[str, ...]:
    """Return the products of a campaign in the order of the catalog: those named, or all on offer."""
    offered = catalog.offered_at(campaign.start_date)
    named = set(campaign.products)
    everything = zip(catalog.product_ids, offered, strict=True)
    return tuple(product for product, on in everything if (product in named if named else on))


def _products(campaign: Campaign, catalog: Catalog) -> Iterator[str]:
    known, sound = set(catalog.product_ids), dict(zip(catalog.product_ids, catalog.sound, strict=True))
    begin, end = (_offered(catalog, day) for day in (campaign.start_date, campaign.end_date))
    for product in campaign.products:
        if product not in known:
            yield f"products: {product} is unknown{nearest(product, known)}"
        elif not sound[product]:
            yield f"products: {product} has faulty records and cannot be offered"
        elif product not in begin:
            yield f"products: {product} is not on offer on {campaign.start_date}"
        elif product not in end:
            yield f"products: {product} expires before {campaign.end_date}"
    chosen = set(products_of(campaign, catalog)) | set(campaign.products)
    for place, names in (
        ("stock", campaign.stock),
        ("limits.products", campaign.limits.products),
        ("levers.products", campaign.levers.products),
    ):
        for product in sorted(set(names) - chosen):
            yield f"{place}: {product} is not a product of the campaign{nearest(product, chosen)}"


def _offered(catalog: Catalog, day: date) -> set[str]:
    return {product for product, on in zip(catalog.product_ids, catalog.offered_at(day), strict=True) if on}


def _others(place: str, names: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    there = set(known)
    for name in sorted(set(names) - there):
        yield f"{place}: {name} is unknown{nearest(name, there)}"


def _of_customers(place: str, names: Iterable[str], view: View, column: str) -> Iterator[str]:
    if names:
        rows = view.query(f"SELECT DISTINCT {column} AS name FROM customers_now WHERE {column} IS NOT NULL")
        yield from _others(place, names, pl.DataFrame(rows)["name"].to_list())
