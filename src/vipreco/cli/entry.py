"""Entry point: runs the command that the arguments name, and turns any ending into an exit code."""

from __future__ import annotations

import atexit
import errno
import gc
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from vipreco.cli.table_width import all_columns
from vipreco.cli.watched_command import watched
from vipreco.durable import FREE_SPACE, is_disk_full
from vipreco.errors import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_RESOURCES,
    DependencyDownError,
    VipRecoError,
)
from vipreco.memory import is_out_of_memory

DEBUG_FLAG, WIDE_FLAG = "--debug", "--wide"
OWNER_ALONE = 0o077  # files and folders below data/ hold customers: nobody else reads them
# Night runs of banks may still use the former names.
RENAMED_OPTIONS = {"--most": "--limit", "--dirt": "--faults"}
READING = frozenset({"calllist", "sheet", "offers", "explain"})  # commands of people who wait
RARELY = (100_000, 50, 50)
"""Thresholds of the garbage collector for them: it walks all that was imported again and again, .2 of 3 s."""
LONG = frozenset(
    {
        "analyse", "backtest", "bench", "calllist", "campaign", "demo", "effects", "fairness", "import",
        "kpi", "leakcheck", "monitor", "offers", "parity", "policy", "prepare", "relationships", "retrain",
        "shadow", "simulate", "train", "tune", "validate",
    }
)  # fmt: skip
"""Commands over all customers, whose memory grows with the bank."""
EXIT_CLOSED_PIPE = 141  # what a shell reports for a program that a closed pipe ended
UNWRITABLE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
INTERRUPTED_QUERY = "Query interrupted"  # DuckDB turns Ctrl-C during a query into a RuntimeError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (default: those of the process) ask for, and return its exit code.

    0 done, 2 wrong use or setting, 3 input rejected, 4 rows quarantined, 5 busy, 6 integrity, 7 disk or
    memory, 8 a service is down, 130 interrupted, 141 the reader of the output went away. 1 is a bug of ours.
    """
    _open_missing_streams()
    _speak_utf8()
    os.umask(OWNER_ALONE)
    if arguments is not None:
        return _ended(list(arguments))
    given = sys.argv[1:]
    return watched(lambda: _ended_alone(given)) if LONG.intersection(given[:1]) else _ended_alone(given)


def _ended_alone(arguments: list[str]) -> int:
    """Run the command of a process that runs nothing else, and return its exit code."""
    is_awaited = bool(READING.intersection(arguments[:1]))
    if is_awaited:
        gc.set_threshold(*RARELY)
        _hide_pandas_from_pyarrow()
    code = _ended(arguments)
    if is_awaited:
        _leave(code)
    return code


def _leave(code: int) -> NoReturn:
    """End the process when its handlers of exit have run; to take its modules apart costs .3 of 3 s."""
    atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(_flush(code))


def _ended(arguments: list[str]) -> int:
    given, flags = _take_flags(arguments)
    with all_columns(WIDE_FLAG in flags):
        code = _ending_of(lambda: _run(given), DEBUG_FLAG in flags)
    return _flush(code)


def _run(arguments: list[str]) -> None:
    from vipreco.cli.app import app

    app(arguments or ["--help"], prog_name="vipreco")


def _hide_pandas_from_pyarrow() -> None:
    """Let pyarrow look for pandas while it is hidden: it looks once, at a conversion; loading takes 0.7 s."""
    import numpy as np
    import pyarrow as pa

    from vipreco.hidden_modules import hidden

    with hidden("pandas"):
        pa.chunked_array([pa.array(np.zeros(1))]).to_numpy()


def _ending_of(run: Callable[[], None], debug: bool) -> int:
    """Run and translate whatever comes out into an exit code, with a message on stderr where one helps."""
    try:
        run()
    except SystemExit as ending:
        return _code_of_exit(ending)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return EXIT_CLOSED_PIPE
    except BaseException as error:  # a panic of Polars is no `Exception`
        if str(error) == INTERRUPTED_QUERY:
            return EXIT_INTERRUPTED
        if debug:
            traceback.print_exc()
        message, code = _described(error)
        print(message, file=sys.stderr)  # noqa: T201
        return code
    return EXIT_OK


def _code_of_exit(ending: SystemExit) -> int:
    if isinstance(ending.__context__, BrokenPipeError):
        return EXIT_CLOSED_PIPE
    return ending.code if isinstance(ending.code, int) else EXIT_OK


def _described(error: BaseException) -> tuple[str, int]:
    """Return the message and exit code of `error`; texts of foreign exceptions may hold data and stay out."""
    if isinstance(error, DependencyDownError) and is_disk_full(error):
        # A database that cannot grow does not answer either: nobody should be sent to start it again.
        return f"vipreco: the disk is full: {error.where}: {error.what}\n  -> {FREE_SPACE}", EXIT_RESOURCES
    if isinstance(error, VipRecoError):
        return f"vipreco: {error}", error.exit_code
    if is_out_of_memory(error):
        return "vipreco: not enough memory; nothing visible was changed", EXIT_RESOURCES
    if is_disk_full(error):
        return f"vipreco: the disk is full; nothing visible was changed\n  -> {FREE_SPACE}", EXIT_RESOURCES
    if isinstance(error, OSError) and error.errno in UNWRITABLE:
        return f"vipreco: {error.filename}: {error.strerror}; nothing was changed", EXIT_RESOURCES
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"vipreco: this is a bug of ours: {type(error).__name__} in {place.name} "
        f"({os.path.basename(place.filename)}:{place.lineno})\n"  # noqa: PTH119
        f"  -> run the same command with {DEBUG_FLAG} and report what it shows"
    ), EXIT_BUG


def _take_flags(arguments: Sequence[str]) -> tuple[list[str], set[str]]:
    """Return the arguments without the flags of any command, which may stand anywhere before `--`, and those.

    Former names of options become their present ones.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    flags = {word for word in arguments[:end] if word in {DEBUG_FLAG, WIDE_FLAG}}
    kept = [_renamed(word) for word in arguments[:end] if word not in flags]
    return [*kept, *arguments[end:]], flags


def _renamed(word: str) -> str:
    name, equals, value = word.partition("=")
    return RENAMED_OPTIONS.get(name, name) + equals + value


def _open_missing_streams() -> None:
    """Give a process that was started with closed streams (`>&-`) empty ones.

    Without them the next file that is opened, such as the store, would get the number of the output, and what
    is printed would go into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115


def _speak_utf8() -> None:
    """Write UTF-8 whatever the locale says; file names that are no UTF-8 come out as the bytes they are."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def _flush(code: int) -> int:
    """Flush the output; when its reader is gone, keep the interpreter from complaining about it at exit."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return EXIT_CLOSED_PIPE
        message, code = _described(error)
        print(message, file=sys.stderr)  # noqa: T201
    return code
