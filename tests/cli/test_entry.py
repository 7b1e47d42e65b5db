"""Whatever happens inside a command, it ends with the promised exit code and a message that helps."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from vipreco import errors
from vipreco.cli import entry

HEAVY = "duckdb,polars,pandas,pyarrow,lightgbm,implicit,mlflow,matplotlib,sklearn,scipy,numpy,pydantic"


def vipreco(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as a shell would."""
    return subprocess.run(
        [sys.executable, "-m", "vipreco.cli", *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def ending(monkeypatch: pytest.MonkeyPatch, command: Callable[[], None], *arguments: str) -> int:
    """Run `main` with `command` as the only thing that it does."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    app.command("run")(command)
    monkeypatch.setattr("vipreco.cli.app.app", app)
    return entry.main(["run", *arguments])


def raising(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


def test_importing_the_command_line_and_its_help_load_nothing_heavy() -> None:
    code = (
        "import sys; from vipreco.cli import main; main(['--help']);"
        f"print('LOADED', sorted(set('{HEAVY}'.split(',')) & set(sys.modules)))"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.splitlines()[-1] == "LOADED []"


def test_without_arguments_the_help_is_shown_and_the_code_is_0() -> None:
    """B86."""
    finished = vipreco()
    assert finished.returncode == errors.EXIT_OK
    assert "Usage: vipreco" in finished.stdout


@pytest.mark.parametrize("arguments", [["--no-such-flag"], ["new", "--no-such-flag"], ["no-such-command"]])
def test_an_unknown_flag_or_command_is_wrong_use(arguments: list[str]) -> None:
    """B86."""
    finished = vipreco(*arguments)
    assert finished.returncode == errors.EXIT_USAGE
    assert "no-such" in finished.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("wrong"), 2),
        (errors.InputRejectedError("wrong"), 3),
        (errors.BusyError("wrong"), 5),
        (errors.IntegrityError("wrong"), 6),
        (errors.ResourcesError("wrong"), 7),
        (errors.DependencyDownError("wrong"), 8),
    ],
)
def test_each_error_of_ours_has_its_exit_code_and_its_message(
    error: errors.VipRecoError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error.where, error.remedy = "a.csv: row 3", "mend it"
    assert ending(monkeypatch, raising(error)) == code
    assert capsys.readouterr().err == "vipreco: a.csv: row 3: wrong\n  -> mend it\n"


def test_an_unexpected_exception_is_called_our_bug_and_shows_no_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(monkeypatch, raising(ValueError("customer 0042 has 7,000,000"))) == errors.EXIT_BUG
    shown = capsys.readouterr().err
    assert "this is a bug of ours: ValueError in command (test_entry.py:" in shown
    assert "0042" not in shown
    assert "Traceback" not in shown


def test_debug_shows_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(monkeypatch, raising(ValueError("inside")), "--debug") == errors.EXIT_BUG
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), 7),
        (OSError(28, "No space left on device", "list.csv"), 7),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(32, "Broken pipe"), 141),
    ],
)
def test_endings_that_are_nobodys_mistake_have_their_own_codes(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(monkeypatch, raising(error)) == code
    assert "bug" not in capsys.readouterr().err


def test_a_command_may_choose_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ending(monkeypatch, raising(typer.Exit(4))) == errors.EXIT_ROWS_QUARANTINED


def test_the_flags_of_any_command_are_taken_from_anywhere_but_after_a_double_dash() -> None:
    taken = entry._take_flags(["new", "--debug", "x", "--wide", "--", "--debug"])
    assert taken == (["new", "x", "--", "--debug"], {"--debug", "--wide"})
    assert entry._take_flags(["new", "--", "--debug"]) == (["new", "--", "--debug"], set())


def test_a_closed_pipe_ends_quietly() -> None:
    """B89; `test_offer_commands` has it with a list."""
    script = f'"{sys.executable}" -m vipreco.cli --help | head -c 1 >/dev/null; echo "${{PIPESTATUS[0]}}"'
    finished = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() in {"0", "141"}
    assert finished.stderr == ""


@pytest.mark.parametrize("environment", [{"LANG": "C", "LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}])
def test_chinese_output_survives_any_locale(environment: dict[str, str], tmp_path: Path) -> None:
    finished = vipreco("new", "银行", cwd=tmp_path, **environment)
    assert finished.returncode == errors.EXIT_OK, finished.stderr
    assert "银行" in finished.stdout


@pytest.mark.parametrize(
    ("redirected", "code"), [(">/dev/full", errors.EXIT_RESOURCES), (">&-", errors.EXIT_OK), ("<&- >&-", 0)]
)
def test_an_output_that_takes_nothing_is_no_bug(redirected: str, code: int, tmp_path: Path) -> None:
    """B89, F06: a full disk behind the output is 7; where it is closed, no file gets its number."""
    lines = (
        "import os, sys\nfrom vipreco.cli import entry\n"
        "def run(_):\n    print('said')\n    sys.exit(os.open('file', os.O_CREAT) < 3)\n"
        "entry._run = run\nsys.exit(entry.main([]))"
    )
    (tmp_path / "program.py").write_text(lines)
    script = f'"{sys.executable}" program.py {redirected}'
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_the_output_does_not_depend_on_the_time_zone(tmp_path: Path) -> None:
    outputs = {vipreco("--help", TZ=zone).stdout for zone in ("Pacific/Kiritimati", "UTC")}
    assert len(outputs) == 1


@pytest.mark.parametrize("kind", [errno.EROFS, errno.EACCES])
def test_a_disk_that_cannot_be_written_is_no_bug(
    kind: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = OSError(kind, os.strerror(kind), "data/tables/.lock")
    assert ending(monkeypatch, raising(error)) == errors.EXIT_RESOURCES
    assert (
        capsys.readouterr().err == f"vipreco: data/tables/.lock: {os.strerror(kind)}; nothing was changed\n"
    )


def test_a_database_that_cannot_grow_is_a_full_disk_not_a_server_that_is_down(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """F06: with free space it works again; there is no server to start."""
    down = errors.DependencyDownError("the tracking database cannot be used now", where="data/tracking.db")
    down.__cause__ = sqlite3.OperationalError("database or disk is full")
    assert ending(monkeypatch, raising(down)) == errors.EXIT_RESOURCES
    assert capsys.readouterr().err.startswith("vipreco: the disk is full: data/tracking.db: ")
