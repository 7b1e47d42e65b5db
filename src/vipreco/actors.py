"""Names who runs a command: an account of the operating system, or the reader of a page who started it.

No variable that anybody can set decides it. A command that a page starts gets the reader's name with a code
that only this project's key makes, and that holds for these arguments alone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import pwd
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from vipreco.errors import UsageError
from vipreco.key_files import make_key, read_key
from vipreco.project import Project

CLAIM: Final = "VIPRECO_ACTOR"
KEY: Final = Path("data") / "keys" / "actors.key"
ACCOUNT, READER = "os:", "user:"
MAX_AGE: Final = timedelta(hours=12)
"""A reader's command asks for its actor whenever it writes a record, at its end too."""


def account_name() -> str:
    """Return the account of this process, or its number where the machine has no name for it.

    It is asked of the system: `LOGNAME` and `USER` hold whatever somebody put there.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in a container
        return f"uid-{os.getuid()}"


def current_actor() -> str:
    """Return `user:NAME` of the reader whom the service named for this command, else `os:ACCOUNT`.

    Raises:
        UsageError: The environment names a reader, and the service did not.
    """
    claim = os.environ.get(CLAIM)
    return _named_reader(claim, Project.find().root) if claim else ACCOUNT + account_name()


def current_person() -> str:
    """Return the name of the current actor as versions of models carry it: without its kind."""
    return current_actor().removeprefix(READER).removeprefix(ACCOUNT)


def name_reader(root: Path, actor: str, arguments: Sequence[str]) -> dict[str, str]:
    """Return the variables of a command that names a reader of a page as its actor.

    Args:
        root: Folder of the project.
        actor: The reader, such as `user:ada`.
        arguments: Words after `vipreco`; the name counts for no other command.
    """
    make_key(root / KEY)
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    return {CLAIM: json.dumps([actor, moment, _code(read_key(root / KEY), actor, moment, arguments)])}


def _named_reader(claim: str, root: Path) -> str:
    try:
        actor, moment, code = map(str, json.loads(claim))
        age = datetime.now(UTC) - datetime.fromisoformat(moment)
        right = _code(read_key(root / KEY), actor, moment, sys.argv[1:])
    except (ValueError, TypeError, UsageError) as error:
        raise _forged() from error
    if not hmac.compare_digest(code, right) or not -MAX_AGE < age < MAX_AGE:
        raise _forged()
    return actor


def _code(key: bytes, actor: str, moment: str, arguments: Sequence[str]) -> str:
    text = json.dumps([actor, moment, list(arguments)]).encode()
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def _forged() -> UsageError:
    return UsageError(
        "the environment names somebody as the actor whom the service did not name",
        where=CLAIM,
        remedy=f"unset {CLAIM}; if a page started this, run `vipreco upgrade` and start the service again",
        code="forged-actor",
    )
