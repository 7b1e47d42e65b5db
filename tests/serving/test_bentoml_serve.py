"""`bentoml serve` goes the way of `vipreco serve`: the same supervisor, workers and sidecars."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = """
import json, sys
from serving.processes import launch
from vipreco.errors import DependencyDownError

def run(project, settings, say, *, behind_proxy):
    if settings.port == 1:
        raise DependencyDownError("does not answer", where="db", code="down")
    say(json.dumps([str(project.root), settings.host, settings.port, settings.workers, behind_proxy]))

launch.run = run
from bentoml_cli.cli import cli
cli(sys.argv[1:])
"""


def serve(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "vipreco.toml").write_text('[project]\nname = "small"\n[serving]\nworkers = 5\nport = 4000\n')
    command = [sys.executable, "-c", COMMAND, "serve", *options, "serving.service:VipReco"]
    environment = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PATH": "", "BENTOML_DO_NOT_TRACK": "True"}
    return subprocess.run(
        command,
        cwd=folder,
        env={**environment, "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("options", "host", "port"),
    [((), "127.0.0.1", 4000), (("--port", "4321", "--host", "::1"), "::1", 4321)],
)
def test_bentoml_serve_runs_our_supervisor_with_its_address(
    tmp_path: Path, options: tuple[str, ...], host: str, port: int
) -> None:
    ended = serve(tmp_path, *options)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1]) == [str(tmp_path), host, port, 5, False]


def test_bentoml_serve_ends_with_our_exit_code_and_message(tmp_path: Path) -> None:
    ended = serve(tmp_path, "--port", "1")
    assert ended.returncode == 8
    assert "db: does not answer (down)" in ended.stderr
    assert "Traceback" not in ended.stderr
