"""The examples for schedulers are texts: they are parsed, and name commands and exit codes that exist."""

from __future__ import annotations

import ast
import configparser
import re
import shlex
from pathlib import Path

import typer

from training.retrain_job import EXIT_HELD_BACK
from vipreco.cli.app import app

FOLDER = Path(__file__).parents[2] / "training" / "scheduling"


def options_of(command: str) -> set[str]:
    found = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    return {option for parameter in found.params for option in parameter.opts}


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((FOLDER / name).read_text("utf-8"))
    return parser


def test_the_crontab_has_one_line_with_five_fields_and_the_command() -> None:
    lines = (FOLDER / "crontab").read_text("utf-8").splitlines()
    (job,) = [line for line in lines if line and not line.startswith("#") and not re.match(r"\w+=", line)]
    fields = job.split(maxsplit=5)
    assert all(re.fullmatch(r"[\d*,/-]+", field) for field in fields[:5])
    assert "vipreco retrain" in fields[5]
    assert shlex.split(fields[5])
    assert fields[5].count("{") == fields[5].count("}")
    assert "%" not in fields[5]  # cron would end the command there


def test_the_systemd_units_start_the_command_and_know_its_exit_codes() -> None:
    service, timer = unit("vipreco-retrain.service"), unit("vipreco-retrain.timer")
    program, *arguments = shlex.split(service["Service"]["ExecStart"])
    assert (Path(program).name, arguments) == ("vipreco", ["retrain"])
    assert service["Service"]["SuccessExitStatus"] == str(EXIT_HELD_BACK)
    assert service["Service"]["Type"] == "oneshot"
    assert re.fullmatch(r"\*-\*-\d\d \d\d:\d\d:\d\d", timer["Timer"]["OnCalendar"])
    assert timer["Install"]["WantedBy"] == "timers.target"


def test_the_airflow_dag_is_python_and_calls_the_command_with_options_that_exist() -> None:
    text = (FOLDER / "airflow_dag.py.txt").read_text("utf-8")
    tree = ast.parse(text)
    assert "retrain --as-of" in text
    assert set(re.findall(r"--[a-z-]+", text.partition('"""\n')[2])) <= options_of("retrain")
    constants = {
        node.targets[0].id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    assert constants["NEEDS_A_PERSON"] == EXIT_HELD_BACK
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert {"DAG", "BashOperator"} <= called
