"""Signatures (Ed25519) of manifests: which key stands behind an artifact, a release or the tables.

A hash shows that files are what their manifest says, but whoever can write the files can write the manifest
as well. A signature shows that a program with a key of the bank wrote it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from vipreco.durable import write_json
from vipreco.errors import IntegrityError, UsageError
from vipreco.key_files import read_key

SIGNATURE_FILE: Final = "signature.json"
ARTIFACT, RELEASE, TABLES = "artifact", "release", "tables"
KEY_DIGITS: Final = 16
"""Of a public key, by which messages name it."""
SIGN_AGAIN: Final = (
    "if you know that it is yours, sign it with `vipreco keys sign`; otherwise restore it from a backup"
)

Signature: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Signatures:
    """Signs with the key of this machine, and checks against the public keys that the bank trusts.

    Where no key is trusted, nothing is checked; where this machine has no key, nothing is signed.

    Args:
        key_file: File of the key of this machine; it need not exist.
        trusted: Public keys, as hex text, whose signatures count.
        revoked: Public keys, or their first digits, whose signatures are refused.
        required: Refuse what has no signature.
    """

    key_file: Path | None = None
    trusted: Collection[str] = ()
    revoked: Collection[str] = ()
    required: bool = False

    @property
    def can_sign(self) -> bool:
        """Return True on a machine with a key."""
        return self.key_file is not None and self.key_file.exists()

    def sign(self, kind: str, digest: str, previous: Sequence[str] = ()) -> Signature | None:
        """Return the signature of a hash; None on a machine without a key.

        Args:
            kind: `artifact`, `release` or `tables`: a signature of one is none of another.
            digest: SHA-256 that stands for the whole content.
            previous: Hashes of all signatures before, oldest first, where they form a chain.

        Raises:
            UsageError: The key was revoked, or is not among those that are trusted.
        """
        public = self.own_key()
        if public is None or self.key_file is None:
            return None
        seed = read_key(self.key_file)
        content = {"kind": kind, "hash": digest, "key": public, "previous": list(previous)}
        return signed({**content, "at": datetime.now(UTC).isoformat(timespec="seconds")}, seed)

    def check(self, kind: str, digest: str, signature: Signature | None, where: Path) -> str | None:
        """Return the public key that signed a hash; None where it is not signed, or nothing is checked.

        Raises:
            IntegrityError: The signature is missing though it is required, is wrong, or is of a key that was
                revoked or is not trusted.
        """
        if not self.trusted:
            return None
        if signature is None:
            if self.required:
                raise _refused(where, "is not signed", "unsigned")
            return None
        key = str(signature.get("key"))
        if self.is_revoked(key):
            raise _refused(where, f"is signed with key {key[:KEY_DIGITS]}, which was revoked", "revoked-key")
        if key not in self.trusted:
            raise _refused(
                where, f"is signed with key {key[:KEY_DIGITS]}, which is not trusted here", "other-key"
            )
        same = (signature.get("kind"), signature.get("hash")) == (kind, digest)
        if not same or not is_signed(signature, [key]):
            raise _refused(where, "has a signature of other content", "bad-signature")
        return key

    def sign_folder(self, kind: str, digest: str, folder: Path) -> None:
        """Put a signature beside the manifest of a folder; without a key of this machine do nothing."""
        signature = self.sign(kind, digest)
        if signature is not None:
            write_json(folder / SIGNATURE_FILE, signature)

    def check_folder(self, kind: str, digest: str, folder: Path) -> str | None:
        """As `check`, with the signature that lies beside the manifest of a folder."""
        return self.check(kind, digest, read_signature(folder), folder) if self.trusted else None

    def is_revoked(self, public: str) -> bool:
        """Return whether a public key was revoked."""
        return any(public.startswith(one) for one in self.revoked)

    def own_key(self) -> str | None:
        """Return the public key of this machine, which its signatures name; None on one without a key.

        Raises:
            UsageError: The key was revoked, or is not among those that are trusted: nobody would accept it.
        """
        if self.key_file is None or not self.key_file.exists():
            return None
        public = public_key_of(read_key(self.key_file))
        if self.is_revoked(public):
            raise UsageError(
                f"the key of this machine, {public[:KEY_DIGITS]}, was revoked",
                where=str(self.key_file),
                remedy="make another with `vipreco keys create --replace`",
                code="revoked-key",
            )
        if self.trusted and public not in self.trusted:
            raise UsageError(
                f"the key of this machine, {public[:KEY_DIGITS]}, is not trusted",
                where=str(self.key_file),
                remedy=f'add "{public}" to `trusted` under [signatures] in vipreco.toml',
                code="other-key",
            )
        return public


NO_SIGNATURES: Final = Signatures()
"""Signs and checks nothing."""


def signed(content: Mapping[str, Any], seed: bytes) -> Signature:
    """Return content with its signature by a key."""
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - a worker never signs

    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    return {**content, "signature": key.sign(_bytes_of(content)).hex()}


def is_signed(content: Mapping[str, Any], public_keys: Collection[str]) -> bool:
    """Return whether one of some public keys, as hex text, signed this content."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - takes its time
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

    rest = {name: value for name, value in content.items() if name != "signature"}
    for public in public_keys:
        with suppress(InvalidSignature, ValueError, TypeError):
            key = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
            key.verify(bytes.fromhex(content.get("signature", "")), _bytes_of(rest))
            return True
    return False


def public_key_of(seed: bytes) -> str:
    """Return the public key of a seed, as hex text."""
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - takes its time

    return ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw().hex()


def read_signature(folder: Path) -> Signature | None:
    """Return the signature beside the manifest of a folder; None where there is none.

    Raises:
        IntegrityError: It cannot be read.
    """
    path = folder / SIGNATURE_FILE
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise _refused(path, "is no signature", "bad-signature") from error
    if not isinstance(content, dict):
        raise _refused(path, "is no signature", "bad-signature")
    return content


def hash_of(signature: Signature) -> str:
    """Return the hash by which the next signature of a chain names this one."""
    return hashlib.sha256(_bytes_of(signature)).hexdigest()


def _bytes_of(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _refused(where: Path, what: str, code: str) -> IntegrityError:
    return IntegrityError(what, where=str(where), remedy=SIGN_AGAIN, code=code)
