"""Secret keys of a project: one for pseudonyms, one for signed heads of the audit."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from vipreco.key_files import make_key, read_key
from vipreco.signatures import public_key_of

PSEUDONYM_KEY, SIGNING_KEY = "pseudonym.key", "audit-signing.key"


@dataclass(frozen=True)
class Keys:
    """Secret keys, read from files that only their owner can read.

    Args:
        pseudonym: Key of the pseudonyms.
        seed: Seed of the key that signs heads of the audit.
        trusted: Further public keys, as hex text, whose signatures of heads count: those of before.
    """

    pseudonym: bytes
    seed: bytes
    trusted: tuple[str, ...] = ()

    @classmethod
    def open(cls, folder: Path, trusted: tuple[str, ...] = ()) -> Self:
        """Read the keys of a project; make those that do not exist yet.

        Raises:
            UsageError: Others can read a key, or its length is wrong.
        """
        for name in (PSEUDONYM_KEY, SIGNING_KEY):
            if not (folder / name).exists():
                make_key(folder / name)
        return cls(read_key(folder / PSEUDONYM_KEY), read_key(folder / SIGNING_KEY), trusted)

    def pseudonym_of(self, customer_id: str) -> str:
        """Return the pseudonym of a customer in the audit."""
        digest = self._keyed.copy()  # half the time of starting with the key again
        digest.update(customer_id.encode())
        return digest.hexdigest()[:32]

    @cached_property
    def _keyed(self) -> hmac.HMAC:
        return hmac.new(self.pseudonym, digestmod="sha256")

    @property
    def public_keys(self) -> tuple[str, ...]:
        """Public keys, as hex text, that check signed heads of the audit; this project's first."""
        return (public_key_of(self.seed), *self.trusted)
