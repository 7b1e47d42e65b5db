"""Section `[serving]` of `vipreco.toml`: the running service."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from vipreco.settings.section import Section

WHOLE_CUSTOMERS: Final = 1_000_000
"""Customers up to whom a release keeps all products: some 8 GB with 36 products (docs/sizing.md)."""
AUTO_OFFERS: Final = 5


class OidcSettings(Section):
    """The bank's own log-in (OpenID Connect), under `[serving.oidc]`.

    Args:
        issuer: Its address, exactly as in its tokens; `https`, or this machine.
        client_id: Id of this client at the issuer.
        client_secret_file: File with the client secret, from the project's folder, readable by its owner
            alone; omit it for a client without a secret.
        name: Text of the log-in button.
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
            raise ValueError("the issuer must be an https address")
        if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("the address of the issuer must not have a query, fragment or user")
        return issuer


class ServingSettings(Section):
    """Address, business date, data age and retention of the service.

    Args:
        host: Address to listen on.
        port: Port to listen on.
        hosts: Host names of the service besides those of this machine, such as the proxy's.
        workers: Worker processes.
        business_date: `clock`: today is the clock's date. `snapshot`: today is the date of the newest
            snapshot, for a demo bank whose data end in the past.
        fresh_days: Days after the snapshot until answers are marked as stale.
        stale_days: Days for which stale answers are still given.
        poll_seconds: Interval at which new releases, switches and revoked tokens are noticed.
        keep_decisions_days: Days that answered decisions are kept; those of a recorded contact stay.
        keep_keys_days: Days that idempotency keys are kept, with their answers.
        max_model_age_days: Days from the last date that a model learnt from to the newest snapshot;
            commands refuse an older model. Without it they only warn.
        audit_heads: Folder, from the project's folder, for signed heads of the audit, written by `vipreco
            prepare`; the owner of the store must not be able to change it. Without it nothing is signed.
        trusted_proxies: Addresses of proxies whose `X-Forwarded-For` gives the address of a caller.
        requests_per_second: Requests that one token may send each second, over all workers.
        requests_per_day: Quota of one token, which comes back evenly over 24 hours; without it there is none.
        requests_per_second_of_people: Requests that one person may send each second, over all workers.
        session_idle_minutes: Minutes without a request after which a person has to log in again.
        store_away_minutes: Minutes for which valid tokens go on while the store does not answer.
        local_accounts: Whether people may log in with a password kept here, without a second factor; if not,
            all log in with the bank's own account, and its log-in asks for one.
        oidc: The bank's own log-in, beside local accounts.
        stored_offers: Offers of a customer and channel that a release keeps ready, all of it compressed; a
            request for more is decided when it comes. `all`: every product of every customer. `auto`: all up
            to a million customers, the first five beyond.
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
    max_model_age_days: Annotated[int, Field(ge=1, le=3_650)] | None = None
    audit_heads: Annotated[str, Field(min_length=1)] | None = None
    trusted_proxies: tuple[str, ...] = ()
    requests_per_second: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    requests_per_day: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    requests_per_second_of_people: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    session_idle_minutes: Annotated[int, Field(ge=1, le=600)] = 60
    store_away_minutes: Annotated[int, Field(ge=0, le=1_440)] = 60
    local_accounts: bool = True
    oidc: OidcSettings | None = None
    stored_offers: Literal["auto", "all"] | Annotated[int, Field(ge=1, le=50)] = "auto"

    def offers_stored_for(self, customers: int) -> int | None:
        """Return how many offers of a customer a release keeps; None: all products."""
        if isinstance(self.stored_offers, int):
            return self.stored_offers
        return AUTO_OFFERS if self.stored_offers == "auto" and customers > WHOLE_CUSTOMERS else None

    @model_validator(mode="after")
    def _has_log_in(self) -> ServingSettings:
        if not self.local_accounts and self.oidc is None:
            raise ValueError("without local accounts nobody can log in: set [serving.oidc]")
        return self
