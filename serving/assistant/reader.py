"""Reads of the API for an assistant: two addresses, with the token of the person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx

from vipreco.errors import DependencyDownError, InputRejectedError, UsageError

CALL_LIST: Final = "/v1/call-list"
SHEET: Final = "/v1/customers/{}/sheet"
HEADERS: Final[Mapping[str, str]] = {"vipreco-channel": "assistant", "accept": "application/json"}
UNKNOWN, NO_ACCESS, BUSY = 404, frozenset({401, 403}), 429
Content = dict[str, Any]


@dataclass(frozen=True)
class ApiReader:
    """Asks the API; it knows two addresses, and no method but GET.

    Args:
        client: With the address of the service and the person's token.
        names: Whether the entry of the directory is given.
    """

    client: httpx.AsyncClient
    names: bool

    async def call_list(self, language: str) -> Content:
        """Return today's call list of the person's book."""
        return await self._read(CALL_LIST, language)

    async def sheet(self, customer_id: str, language: str) -> Content:
        """Return the sheet of a customer of the person's book; without the directory unless it is wanted."""
        found = await self._read(SHEET.format(quote(customer_id, safe="")), language)
        return found if self.names else {name: value for name, value in found.items() if name != "person"}

    async def why(self, customer_id: str, language: str) -> Content:
        """Return the offers of a customer with their reasons, and the reasons to call."""
        return _parts(await self.sheet(customer_id, language), ("suitability", "offers"))

    async def why_not(self, customer_id: str, product: str, language: str) -> Content:
        """Return the products that are not offered, with rule and steps; one alone where it is named."""
        found = _parts(await self.sheet(customer_id, language), ("not_offered",))
        rows: list[Content] = found["not_offered"]
        wanted = product.strip().casefold()
        if wanted:
            found["not_offered"] = [row for row in rows if row.get("product", "").casefold() == wanted]
        return found

    async def _read(self, path: str, language: str) -> Content:
        try:
            answer = await self.client.get(path, headers={**HEADERS, "accept-language": language})
        except httpx.HTTPError as error:
            raise DependencyDownError(
                "the service does not answer", where=str(self.client.base_url), remedy="start `vipreco serve`"
            ) from error
        if answer.status_code in NO_ACCESS:
            raise UsageError("the token is not valid, or not a relationship manager's", code="no-access")
        if answer.status_code == UNKNOWN:
            raise InputRejectedError("there is no such customer in your book", code="not-in-your-book")
        if answer.is_error:
            raise DependencyDownError(f"the service answered {answer.status_code}", where=path)
        content: Content = json.loads(answer.content)
        return content


def _parts(answer: Content, names: tuple[str, ...]) -> Content:
    """Return who the answer is about, and parts of the sheet."""
    sheet = answer["sheet"]
    head = {name: answer[name] for name in ("customer_id", "model_version", "policy_version", "stale")}
    return {**head, **{name: sheet.get(name, []) for name in names}}
