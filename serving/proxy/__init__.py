"""The proxy before the service: its profile, with the names of a place filled in."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """The place of a proxy on its machine.

    Args:
        folder: For its temporary files.
        listen: Address and port on which it is reached.
        upstream: Address and port of the service.
        certificate: File of the certificate.
        key: File of its key.
        name: Name by which it is called.
        connections: Most connections from one address; tests open all from one.
    """

    folder: Path
    listen: str
    upstream: str
    certificate: Path
    key: Path
    name: str = "localhost"
    connections: int = 64


def profile(place: Place) -> str:
    """Return the configuration of nginx for a place."""
    text = (files("serving.proxy") / "nginx.conf").read_text(encoding="utf-8")
    head, _, body = text.partition("worker_processes")
    for word, value in {
        "FOLDER": str(place.folder),
        "LISTEN": place.listen,
        "UPSTREAM": place.upstream,
        "CERTIFICATE": str(place.certificate),
        "KEY": str(place.key),
        "NAME": place.name,
        "CONNECTIONS": str(place.connections),
    }.items():
        body = body.replace(f" {word}", f" {value}")
    return f"{head}worker_processes{body}"
