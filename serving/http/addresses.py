"""Addresses of callers, and whether they come by TLS."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import Request

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
FORWARDED = "x-forwarded-for"
IPV6_PREFIX = 64  # one customer of an internet provider has all addresses of such a network
UNKNOWN = "unknown"


def client_address(http: Request, trusted_proxies: Collection[str]) -> str:
    """Return the address that a request comes from; of IPv6 its network.

    `X-Forwarded-For` is believed of trusted proxies alone, and of it the last entry, which the proxy wrote.

    Args:
        http: The request.
        trusted_proxies: Addresses of proxies.
    """
    peer = UNKNOWN if http.client is None else http.client.host
    if peer in trusted_proxies:
        peer = http.headers.get(FORWARDED, "").rpartition(",")[2].strip() or peer
    try:
        address = ip_address(peer)
    except ValueError:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


def is_behind_tls(http: Request) -> bool:
    """Return whether cookies are sent over TLS only: always, except on this machine without a proxy."""
    host = http.headers.get("host", "").rpartition(":")[0] or http.headers.get("host", "")
    return http.scope["scheme"] == "https" or host not in LOOPBACK
