"""Runs a command in a child process, so that an end that no program can catch has an exit code and advice.

Arrow, Polars and LightGBM abort the process where they get no memory. Whoever runs a night's work is told
what to do about it, instead of finding a dead process.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable

from vipreco.errors import EXIT_RESOURCES
from vipreco.parent_death_signal import end_with

CRASHES = frozenset({signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGSEGV})
PASSED_ON = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM})
AWAITED = PASSED_ON | {signal.SIGCHLD}
NO_THREAD_MEMORY = 127  # glibc exits so where a thread gets no memory of its own; no command of ours does
FROM_KERNEL = 0x80  # SI_KERNEL: a key of the terminal, whose whole group got the signal
CRASHED = (
    "vipreco: the process was ended by {by}, most likely for want of memory; nothing visible was "
    "changed\n  -> close other programs, give it more memory, or set `memory_gb` under [engine] in "
    "vipreco.toml to what there is; then run the command again"
)
KILLED = (
    "vipreco: the process was killed; if nobody did that, the machine ran out of memory. Nothing visible was "
    "changed: run the command again"
)


def watched(run: Callable[[], int]) -> int:
    """Run a command in a child of this process, and return its exit code.

    This process costs a few MiB and a millisecond. It passes signals on, ends with a child that a signal
    ended, and takes the child with it when it is killed itself.
    """
    if not hasattr(signal, "sigwaitinfo"):  # macOS
        return run()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    parent, child = os.getpid(), os.fork()
    if child == 0:
        end_with(parent, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump of the memory would hold customers
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return run()
    ending = _ended(child)
    if ending == NO_THREAD_MEMORY:
        return _crashed("the system library")
    if ending >= 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return ending
    return _told(signal.Signals(-ending))


def _ended(child: int) -> int:
    """Wait for the end of a child, passing signals on; return its exit code, or minus its signal."""
    while True:
        found = signal.sigwaitinfo(AWAITED)
        if found.si_signo != signal.SIGCHLD:
            if found.si_code != FROM_KERNEL:
                os.kill(child, found.si_signo)
            continue
        number, status = os.waitpid(child, os.WNOHANG)
        if number:
            return os.waitstatus_to_exitcode(status)


def _crashed(by: str) -> int:
    print(CRASHED.format(by=by), file=sys.stderr)  # noqa: T201
    return EXIT_RESOURCES


def _told(number: signal.Signals) -> int:
    """Say what ended the child, and end as it did unless that has an exit code."""
    if number in CRASHES:
        return _crashed(number.name)
    if number == signal.SIGKILL:
        print(KILLED, file=sys.stderr)  # noqa: T201
    sys.stderr.flush()
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    return 128 + number
