"""Section `[assistant]` of `vipreco.toml`: what a person's assistant may read for them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from vipreco.settings.section import Section

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class AssistantSettings(Section):
    """Switch and address of `vipreco mcp`, and the data that it gives.

    Args:
        enabled: It runs; without it, it refuses to.
        address: Of the service.
        names: Also give names, salutations, phones and preferred hours of the directory.
        timeout_seconds: Seconds to wait for an answer.
    """

    enabled: bool = False
    address: str = "http://127.0.0.1:3000"
    names: bool = False
    timeout_seconds: Annotated[float, Field(gt=0, le=120)] = 20.0

    @field_validator("address")
    @classmethod
    def _is_safe(cls, address: str) -> str:
        parts = urlsplit(address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
            raise ValueError("the address must be https, or of this machine")
        if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("the address must not have a query, fragment or user")
        return address.rstrip("/")
