"""Passwords of local accounts: strength when they are set, and hashes."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from vipreco.errors import UsageError

MIN_PASSWORD, MAX_PASSWORD_BYTES = 10, 256
MIN_SCORE = 3  # of 4: safe against 10^8 guesses, far more than the limits of the log-in let through
ESTIMATED = 72  # zxcvbn looks at no more characters
BANK_WORDS = ("vipreco", "vip", "bank", "password")
HASHER = PasswordHasher()
NO_PASSWORD = "-"  # noqa: S105  stands for an account without one


def hash_password(password: str, user_id: str = "") -> str:
    """Return the hash of a new password.

    Raises:
        UsageError: It is too short, too long, or easy to guess.
    """
    if len(password) < MIN_PASSWORD:
        raise _refused(f"a password has at least {MIN_PASSWORD} characters", "short-password")
    if len(password.encode("utf-8", "surrogatepass")) > MAX_PASSWORD_BYTES:
        raise _refused(f"a password has at most {MAX_PASSWORD_BYTES} bytes", "long-password")
    if _score(password, user_id) < MIN_SCORE:
        raise UsageError(
            "this password is easy to guess",
            where="password",
            remedy="use several words that do not belong together, or let a password manager make one",
            code="weak-password",
        )
    return HASHER.hash(password)


def matches(hashed: str, password: str) -> bool:
    """Return whether a password is the one of a hash."""
    try:
        return HASHER.verify(hashed, password)
    except (Argon2Error, InvalidHashError):
        return False


def _score(password: str, user_id: str) -> int:
    """Return the strength from 0 to 4; common passwords, names, dates and repeats count little."""
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its word lists take memory that no worker needs

    found = zxcvbn(password[:ESTIMATED].strip() or password[:1], user_inputs=[*BANK_WORDS, user_id])
    return int(found["score"])


def _refused(what: str, code: str) -> UsageError:
    return UsageError(what, where="password", code=code)
