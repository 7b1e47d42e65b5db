"""One tree of errors: each says what is wrong, where, and what to do; each knows its exit code.

The exit codes are a contract with the shell scripts of a bank's night run. An exception outside this
tree ends with exit code 1, which is always a bug of ours.
"""

from __future__ import annotations

from collections.abc import Sequence

EXIT_OK = 0
EXIT_BUG = 1
EXIT_USAGE = 2
EXIT_INPUT_REJECTED = 3
EXIT_ROWS_QUARANTINED = 4
EXIT_BUSY = 5
EXIT_INTEGRITY = 6
EXIT_RESOURCES = 7
EXIT_DEPENDENCY_DOWN = 8
EXIT_ALARM = 9
EXIT_INTERRUPTED = 130

MAX_EXAMPLES = 10


class VipRecoError(Exception):
    """Base of all errors that a user can act on.

    Args:
        what: What is wrong, in one sentence, without any customer's data.
        where: File, row, column or setting, as an editor shows it.
        remedy: What the user can do about it.
        code: Stable name of the rule that was broken.
        examples: Places where it happens; at most ten are shown.
    """

    exit_code = EXIT_BUG

    def __init__(
        self, what: str, *, where: str = "", remedy: str = "", code: str = "", examples: Sequence[str] = ()
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy
        self.code = code
        self.examples = tuple(examples)

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        lines = [f"{head} ({self.code})" if self.code else head]
        lines += [f"  {example}" for example in self.examples[:MAX_EXAMPLES]]
        if len(self.examples) > MAX_EXAMPLES:
            lines.append(f"  and {len(self.examples) - MAX_EXAMPLES} more")
        if self.remedy:
            lines.append(f"  -> {self.remedy}")
        return "\n".join(lines)


class UsageError(VipRecoError):
    """A command, a setting or a configuration file is wrong; nothing was done."""

    exit_code = EXIT_USAGE


class InputRejectedError(VipRecoError):
    """An input as a whole cannot be taken; nothing was changed."""

    exit_code = EXIT_INPUT_REJECTED


class BusyError(VipRecoError):
    """Somebody else holds what this command needs, or the key is taken by another content."""

    exit_code = EXIT_BUSY


class IntegrityError(VipRecoError):
    """An artifact or a stored file is not what its manifest says."""

    exit_code = EXIT_INTEGRITY


class ResourcesError(VipRecoError):
    """Disk or memory is exhausted; nothing visible was changed."""

    exit_code = EXIT_RESOURCES


class DependencyDownError(VipRecoError):
    """A service that the command needs does not answer; local results are kept."""

    exit_code = EXIT_DEPENDENCY_DOWN
