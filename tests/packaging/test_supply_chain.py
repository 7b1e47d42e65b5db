"""What a bank installs is what was tested, and its container holds nothing more than it needs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.packaging.test_makefile import _normal, pins

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"([A-Za-z0-9_.-]+)==([\w.]+) --hash=sha256:[0-9a-f]{64}")
OURS = {"serving": {"serving", "postgresql"}, "training": {"training", "serving", "postgresql"}}


def hashed(rim: str) -> dict[str, str]:
    lines = (ROOT / rim / "hashes.txt").read_text().splitlines()
    found = [LINE.fullmatch(line) for line in lines if not line.startswith("#")]
    assert all(found)
    return {_normal(match[1]): match[2] for match in found if match}


@pytest.mark.parametrize("rim", sorted(OURS))
def test_each_pinned_package_has_a_hash_and_no_registry_is_named(rim: str) -> None:
    """`make hashes` brings the files up to date after `make constraints`."""
    found, settings = hashed(rim), tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*settings["dependencies"]]
    for extra in OURS[rim]:
        needed += settings["optional-dependencies"][extra]
    assert {_normal(re.split(r">=", one)[0]) for one in needed} <= found.keys()
    assert {name: version for name, version in found.items() if pins().get(name) != version} == {}
    text = (ROOT / rim / "hashes.txt").read_text()
    assert re.findall(r"https?:|--index|--find|@|\.(?:org|com|io|net)\b", text) == []


def test_the_service_installs_nothing_of_the_training() -> None:
    assert not {name for name in hashed("serving") if name.startswith(("mlflow", "databricks"))}
    assert "mlflow" in hashed("training")


def test_hashes_are_written_from_the_report_of_pip(tmp_path: Path) -> None:
    package = {
        "metadata": {"name": "b", "version": "1"},
        "download_info": {"archive_info": {"hashes": {"sha256": "ab" * 32}}},
    }
    first = {**package, "metadata": {"name": "A", "version": "2"}}
    ours = {"metadata": {"name": "vipreco", "version": "0"}, "download_info": {"dir_info": {}}}
    report = {"environment": {"python_full_version": "3.11.9"}, "install": [package, ours, first]}
    (tmp_path / "report.json").write_text(json.dumps(report))
    target = tmp_path / "hashes.txt"
    command = [sys.executable, ROOT / ".ci" / "hashes.py", tmp_path / "report.json", target, "x"]
    subprocess.run(command, check=True)
    lines = target.read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        f"A==2 --hash=sha256:{'ab' * 32}",
        f"b==1 --hash=sha256:{'ab' * 32}",
    ]


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Containerfile with their arguments, joined over lines."""
    text = (ROOT / "serving" / "Containerfile").read_text()
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    pairs = (line.split(maxsplit=1) for line in lines.splitlines() if line.strip())
    return [(name, " ".join(rest.split())) for name, rest in pairs]


def test_the_container_is_built_by_digest_and_hashes_and_runs_as_nobody_in_particular() -> None:
    found = instructions()
    assert {name for name, _ in found} <= {
        "ARG", "FROM", "RUN", "COPY", "WORKDIR", "USER", "ENV", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "CMD"
    }  # fmt: skip
    assert found[0] == ("ARG", "BASE")  # without a default: who builds names the digest
    assert {rest.split()[0] for name, rest in found if name == "FROM"} == {"${BASE}"}
    users = [rest for name, rest in found if name == "USER"]
    assert users == ["10001:10001"]
    last = [name for name, _ in found]
    assert last.index("USER") < last.index("CMD")
    assert "RUN" not in last[last.index("USER") :]
    installs = " ".join(rest for name, rest in found if name == "RUN" and "pip install" in rest)
    assert "--require-hashes" in installs
    assert "--no-index --no-deps /build/*.whl" in installs
    everything = " ".join(rest for _, rest in found)
    assert "mlflow" not in everything.replace("MLFLOW_DISABLE_TELEMETRY", "")
    assert not re.search(r"(?i)secret|password|token|api_key", everything)
    copied = {rest.split()[0] for name, rest in found if name == "COPY" and not rest.startswith("--from")}
    assert copied == {"serving/hashes.txt", "dist/*.whl", "vipreco.toml", "features", "training", "serving"}
