"""Secret keys of a project: one for pseudonyms, one for signatures."""

from __future__ import annotations

import hmac
import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from vipreco.durable import flush_directory, write_bytes
from vipreco.errors import UsageError
from vipreco.store.connection import check_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PSEUDONYM_KEY, SIGNING_KEY = "pseudonym.key", "audit-signing.key"
KEY_BYTES = 32


@dataclass(frozen=True)
class Keys:
    """Secret keys, read from files that only their owner can read.

    Args:
        pseudonym: Key of the pseudonyms.
        seed: Seed of the signing key.
    """

    pseudonym: bytes
    seed: bytes

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the keys of a project; make those that do not exist yet.

        Raises:
            UsageError: Others can read a key, or its length is wrong.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(_read(folder / PSEUDONYM_KEY), _read(folder / SIGNING_KEY))

    def pseudonym_of(self, customer_id: str) -> str:
        """Return the pseudonym of a customer in the audit."""
        digest = self._keyed.copy()  # half the time of starting with the key again
        digest.update(customer_id.encode())
        return digest.hexdigest()[:32]

    @cached_property
    def _keyed(self) -> hmac.HMAC:
        return hmac.new(self.pseudonym, digestmod="sha256")

    @cached_property
    def signing(self) -> Ed25519PrivateKey:
        """Key of the signatures."""
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - a worker never signs

        return ed25519.Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def public(self) -> bytes:
        """Public key that checks a signature."""
        return self.signing.public_key().public_bytes_raw()


def _read(path: Path) -> bytes:
    if not path.exists():
        _make(path, secrets.token_bytes(KEY_BYTES))
    check_private(path, "a secret key")
    content = path.read_bytes()
    if len(content) != KEY_BYTES:
        raise UsageError(
            "this file does not hold a key",
            where=str(path),
            remedy="restore it from the backup",
            code="bad-key",
        )
    return content


def _make(path: Path, content: bytes) -> None:
    """Write a key; if another process writes one at the same time, both use the first."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    write_bytes(fresh, content, mode=0o600)
    try:
        os.link(fresh, path)
        flush_directory(path.parent)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
