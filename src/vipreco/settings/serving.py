"""What `vipreco.toml` may say about the running service, under `[serving]`."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from vipreco.settings.section import Section


class OidcSettings(Section):
    """The bank's own log-in (OpenID Connect), under `[serving.oidc]`.

    Args:
        issuer: Its address, exactly as its tokens name it; `https`, or this machine.
        client_id: Our name there.
        client_secret_file: File with our secret there, from the project's folder; only its owner may read it.
            A client without a secret has none.
        name: What the button says.
    """

    issuer: str
    client_id: Annotated[str, Field(min_length=1)]
    client_secret_file: str | None = None
    name: str = ""

    @field_validator("issuer")
    @classmethod
    def _is_safe(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if parts.scheme != "https" and not (parts.scheme == "http" and local):
            raise ValueError("an issuer is an https address")
        if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("an issuer is an address without query, fragment and user")
        return issuer


class ServingSettings(Section):
    """Where the service listens, what day it is there, and how old its knowledge may be.

    Args:
        host: Address to listen on.
        port: Port to listen on.
        hosts: Names by which the service is called besides those of this machine: that of the proxy.
        workers: Processes that answer.
        business_date: Whether today is the clock's date, or the date of the newest snapshot: the latter for a
            bank to practise on, whose data end in the past.
        fresh_days: Days after the snapshot until its answers are marked as stale.
        stale_days: Days that stale answers are still given; then none.
        poll_seconds: How often a new model, a switch and a revoked token are looked for.
        keep_decisions_days: Days that answered decisions are kept; one that a contact refers to stays.
        keep_keys_days: Days that keys of requests are kept, with their answers.
        audit_heads: Folder, from the project's folder, that `vipreco prepare` signs the end of the audit
            into; who owns the store must not be able to change what is there. Without it: nothing is signed.
        oidc: The bank's own log-in, beside accounts with a password of their own.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 3000
    hosts: tuple[str, ...] = ()
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    business_date: Literal["clock", "snapshot"] = "clock"
    fresh_days: Annotated[int, Field(ge=1, le=400)] = 40
    stale_days: Annotated[int, Field(ge=0, le=30)] = 3
    poll_seconds: Annotated[float, Field(gt=0, le=5)] = 1.0
    keep_decisions_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    keep_keys_days: Annotated[int, Field(ge=1, le=36_500)] = 7
    audit_heads: Annotated[str, Field(min_length=1)] | None = None
    oidc: OidcSettings | None = None
