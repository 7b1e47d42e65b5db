"""Signed heads of the tables: copies of the newest signature in a folder that their owner cannot change.

The signature of a manifest proves who wrote it, not that it is the newest one: an old manifest with its old
files is signed as well. A head that was put away proves how far the tables had come.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from vipreco.durable import write_json
from vipreco.errors import IntegrityError, ResourcesError
from vipreco.signatures import Signature, Signatures, hash_of, is_signed
from vipreco.tables.batches import read_manifest

HEADS: Final = "tables-*.json"


def check_heads(tables: Path, heads: Path, signatures: Signatures) -> None:
    """Check that the tables go on from each signed head; where no key is trusted, do nothing.

    Args:
        tables: The tables folder.
        heads: Folder of the signed heads.
        signatures: Keys that the bank trusts.

    Raises:
        IntegrityError: The tables are older than a head, were rewritten, or a head was changed.
    """
    if not signatures.trusted:
        return
    newest = read_manifest(tables, signatures).signature
    chain = [] if newest is None else [*newest["previous"], hash_of(newest)]
    for path in sorted(heads.glob(HEADS)):
        head = _read(path)
        if signatures.is_revoked(str(head.get("key"))):
            continue  # proves nothing any more
        if not is_signed(head, signatures.trusted):
            raise _refused(path, "was changed, or is signed with a key that is not trusted", "bad-signature")
        place = len(head["previous"])
        if chain[place : place + 1] != [hash_of(head)]:
            raise _refused(
                path, "the tables are older than this signed head, or were rewritten", "tables-head"
            )


def save_head(tables: Path, heads: Path, signatures: Signatures) -> Path | None:
    """Save the newest signature of the tables as a head, and return the file; None where there is none.

    Raises:
        IntegrityError: As `check_heads`.
        ResourcesError: The folder cannot be written.
    """
    check_heads(tables, heads, signatures)
    newest = read_manifest(tables, signatures).signature
    if newest is None:
        return None
    target = heads / f"tables-{len(newest['previous']):08d}.json"
    try:
        heads.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            write_json(target, newest, mode=0o444)
    except OSError as error:
        raise ResourcesError(
            f"the signed head of the tables cannot be written: {error.strerror}",
            where=str(heads),
            remedy="free space on that disk, and allow the user of this command to write there",
            code="tables-head",
        ) from error
    return target


def _read(path: Path) -> Signature:
    try:
        content = json.loads(path.read_bytes())
        return {**content, "previous": list(content["previous"])}
    except (ValueError, KeyError, TypeError) as error:
        raise _refused(path, "is no signed head", "bad-signature") from error


def _refused(path: Path, what: str, code: str) -> IntegrityError:
    return IntegrityError(
        what,
        where=str(path),
        remedy="restore the newest backup of the tables folder; if they were restored on purpose, move newer "
        "heads away and sign them with `vipreco keys sign`",
        code=code,
    )
