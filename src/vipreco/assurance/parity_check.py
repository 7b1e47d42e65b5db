"""Comparison of the offers file, the service and the call list for the same customers."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import polars as pl
import pyarrow as pa

from vipreco.columns import (
    CHANCE_WITH_CONTACT,
    CUSTOMER_ID,
    EXPECTED_GAIN,
    PRODUCT_ID,
    PROPENSITY,
    RANK,
    VALUE_AMOUNT,
)
from vipreco.errors import DependencyDownError, IntegrityError, UsageError
from vipreco.explanations import Explainer
from vipreco.history import View
from vipreco.lists import CHANNEL, plan_day
from vipreco.online import OnlineService
from vipreco.recommender import Recommender, Step, silent

Offer: TypeAlias = tuple[str, float, float, float, float]
"""Product, chance, value, chance with a contact, expected gain."""
Offers: TypeAlias = dict[str, list[Offer]]
Asking: TypeAlias = Callable[[str, str, int], list[Offer]]
"""Asks for customer, channel, and most offers."""
TIMEOUT_SECONDS = 10.0
NOON = time(12)


@dataclass(frozen=True)
class ParityResult:
    """One comparison with the offers file.

    Args:
        what: What was compared.
        channel: In which channel.
        customers: How many.
        offers: How many offers the file has for them.
        different: Customers whose offers differ in product, place, chances, value or gain.
    """

    what: str
    channel: str
    customers: int
    offers: int
    different: tuple[str, ...]


@dataclass(frozen=True)
class ParityQuestion:
    """Customers, channels and list length of a comparison.

    Args:
        customers: Ids, ascending.
        channels: Channels of the offers.
        limit: Most offers of a customer.
    """

    customers: Sequence[str]
    channels: Sequence[str]
    limit: int


def parity(
    recommender: Recommender,
    view: View,
    service: OnlineService,
    question: ParityQuestion,
    url: tuple[str, str] | None = None,
    step: Step = silent,
) -> Iterator[ParityResult]:
    """Compare what customers are offered by three ways; the offers file is what the others are held against.

    Args:
        recommender: What writes the offers file.
        view: What is known, as of the date for which the service was prepared.
        service: What the service answers from.
        question: Of whom, where, and how many offers.
        url: Address of a running service and a token of its channel role, to be asked as well.
        step: Told the name of each stage as it begins.

    Raises:
        DependencyDownError: The running service does not answer.
    """
    chosen = view.of(pa.array(question.customers, pa.string()))
    moment, many = datetime.combine(view.date, NOON), len(question.customers)
    for channel in question.channels:
        step(f"offers file: {channel}")
        file = _of_frame(
            pl.concat(part.offers(question.limit) for part in recommender.decide(chosen, channel))
        )
        step(f"service: {channel}")
        yield _compared(
            "service", channel, many, file, _asked(_in_process(service, moment), channel, question)
        )
        if url is not None:
            step(f"endpoint: {channel}")
            with_token = _over_http(*url, service.model_version)
            yield _compared("endpoint", channel, many, file, _asked(with_token, channel, question))
        if channel == CHANNEL:
            step("call list")
            settings = service.day_settings.settings.model_copy(update={"offers": question.limit})
            listed = plan_day(Explainer(recommender), chosen, service.day_settings.vip, settings)
            yield _compared("call list", channel, many, file, _of_frame(listed.decided_offers()))
            served = service.book(question.customers, None, moment)
            first = {customer: offers[: served.settings.offers] for customer, offers in file.items()}
            yield _compared("page", channel, many, first, _of_frame(served.decided_offers()))


def require_parity(found: Sequence[ParityResult]) -> None:
    """Do nothing where all agree.

    Raises:
        IntegrityError: Some customers are offered something else.
    """
    wrong = [one for one in found if one.different]
    if wrong:
        raise IntegrityError(
            "customers are offered something other than in the offers file",
            where=", ".join(f"{one.what} in {one.channel}" for one in wrong),
            remedy="run `vipreco prepare`; if they still differ, report it",
            code="parity",
            examples=[f"customer {customer}" for one in wrong for customer in one.different],
        )


def _compared(what: str, channel: str, customers: int, file: Offers, other: Offers) -> ParityResult:
    different = tuple(one for one in sorted({*file, *other}) if file.get(one, []) != other.get(one, []))
    return ParityResult(what, channel, customers, sum(map(len, file.values())), different)


def _of_frame(offers: pl.DataFrame) -> Offers:
    found: Offers = {}
    columns = [CUSTOMER_ID, PRODUCT_ID, PROPENSITY, VALUE_AMOUNT, CHANCE_WITH_CONTACT, EXPECTED_GAIN]
    for customer, product, *numbers in offers.sort(CUSTOMER_ID, RANK).select(columns).iter_rows():
        chance, value, with_contact, gain = numbers
        found.setdefault(customer, []).append((product, chance, value, with_contact, gain))
    return found


def _asked(ask: Asking, channel: str, question: ParityQuestion) -> Offers:
    answers = {customer: ask(customer, channel, question.limit) for customer in question.customers}
    return {customer: offers for customer, offers in answers.items() if offers}


def _in_process(service: OnlineService, moment: datetime) -> Asking:
    def ask(customer: str, channel: str, limit: int) -> list[Offer]:
        lines = service.offers(customer, channel, limit, moment).lines
        return [
            (
                line.product_id,
                line.propensity or 0.0,
                line.value or 0.0,
                line.chance_with_contact or 0.0,
                line.expected_gain or 0.0,
            )
            for line in lines
        ]

    return ask


def _over_http(url: str, token: str, model_version: str) -> Asking:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(
            "is not a web address", where="--url", remedy="such as http://127.0.0.1:3000", code="url"
        )
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(customer: str, channel: str, limit: int) -> list[Offer]:
        body = json.dumps({"customer_id": customer, "channel": channel, "limit": limit})
        answer = _posted(connection, f"{parts.path.rstrip('/')}/v1/offers", body, headers)
        if answer["model_version"] != model_version:
            raise DependencyDownError("answers from another model", where=url, code="other-model")
        names = ("product_id", "propensity", "value", "chance_with_contact", "expected_gain")
        found: list[Offer] = [tuple(one[name] for name in names) for one in answer["offers"]]
        return found

    return ask


def _posted(
    connection: http.client.HTTPConnection, path: str, body: str, headers: dict[str, str]
) -> dict[str, Any]:
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        content = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise DependencyDownError("does not answer", where=connection.host, code="service-down") from error
    if response.status != http.client.OK:
        raise DependencyDownError(
            f"answers with status {response.status}",
            where=connection.host,
            remedy="check address and token",
            code="service-status",
        )
    return dict(json.loads(content))
