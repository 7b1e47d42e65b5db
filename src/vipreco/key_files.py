"""Files with secrets: readable by their owner alone, and keys that are made where there is none."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from vipreco.durable import flush_directory, write_bytes
from vipreco.errors import UsageError

KEY_BYTES: Final = 32
OTHERS: Final = 0o077


def check_private(path: Path, what: str) -> None:
    """Check that a file with a secret exists and that only its owner can read it.

    Raises:
        UsageError: It does not exist, or others can read it.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise UsageError(f"{what} does not exist", where=str(path), code="no-secret-file") from error
    if os.name == "posix" and mode & OTHERS:
        raise UsageError(
            f"{what} can be read by others",
            where=str(path),
            remedy="run `chmod 600` on it, and replace the secret: others may know it",
            code="key-readable",
        )


def read_key(path: Path) -> bytes:
    """Return the key in a file.

    Raises:
        UsageError: There is none, others can read it, or its length is wrong.
    """
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


def make_key(path: Path) -> bool:
    """Write a random key and return True; False where a file of that name is there, which stays.

    If two processes write one at the same time, both use the first.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    write_bytes(fresh, secrets.token_bytes(KEY_BYTES), mode=0o600)
    try:
        os.link(fresh, path)
        flush_directory(path.parent)
    except FileExistsError:
        return False
    finally:
        fresh.unlink()
    return True
