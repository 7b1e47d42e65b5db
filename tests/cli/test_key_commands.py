"""Keys of a project from the command line: create, trust, sign, change, revoke (B98)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vipreco.cli.entry import main
from vipreco.durable import canonical_json
from vipreco.online import Releases
from vipreco.project import Project
from vipreco.signatures import SIGNATURE_FILE

Say = Callable[[str], str]
LISTED = ["calllist", "--manager", "M00000"]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run a command; return its exit code and all that it wrote."""

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(list(arguments))
        found = capsys.readouterr()
        return code, found.out + found.err.replace("\n", " ")

    return run


def created(told: Callable[..., tuple[int, str]], *options: str) -> str:
    """Create a key; return its public half."""
    code, text = told("keys", "create", *options)
    assert code == 0
    return text.partition("trusted = [")[2].partition("]")[0].split('"')[-2]


def configure(bank: Path, section: str) -> None:
    """Write the section on signatures, in place of the one before."""
    path = bank / "vipreco.toml"
    text = path.read_text().partition("\n[signatures]")[0]
    path.write_text(f'{text}\n[signatures]\n{section}\n[serving]\nbusiness_date = "snapshot"\n')


def states(told: Callable[..., tuple[int, str]]) -> tuple[int, dict[str, set[str]]]:
    """Return the exit code of `keys check`, and the states by kind."""
    code, text = told("keys", "check", "--format", "json")
    found: dict[str, set[str]] = {}
    for row in json.loads(text):
        found.setdefault(row["kind"], set()).add(row["state"].rpartition("(")[2].rstrip(")"))
    return code, found


def test_a_bank_creates_trusts_signs_changes_and_revokes_keys(
    bank: Path, told: Callable[..., tuple[int, str]]
) -> None:
    assert states(told) == (0, {key: {"not checked: no key is trusted"} for key in ("tables", "artifact")})
    code, text = told("validate")
    assert (code, "no key is trusted" in text) == (0, True)
    first = created(told)
    assert (bank / "data" / "keys" / "signing.key").stat().st_mode & 0o777 == 0o600
    assert told("keys", "create")[0] == 2
    configure(bank, f'trusted = ["{first}"]\nrequired = true')
    assert states(told) == (6, {key: {"unsigned"} for key in ("tables", "artifact")})
    for command in (LISTED, ["prepare"], ["validate"], ["train", "--recipe", "tiny"]):
        code, text = told(*command)
        assert (code, "unsigned" in text) == (6, True), command
    assert "2 signed" in told("keys", "sign")[1]
    assert told("prepare")[0] == 0
    assert states(told) == (0, {key: {"signed"} for key in ("tables", "artifact", "release")})

    second = created(told, "--replace")
    assert told("prepare")[0] == 2  # the machine does not sign with a key that nobody accepts
    configure(bank, f'trusted = ["{first}", "{second}"]\nrequired = true')
    code, text = told("validate")
    assert (code, "signatures" in text) == (0, False)  # both are active, and there is nothing to tell
    configure(bank, f'trusted = ["{second}"]\nrevoked = ["{first[:16]}"]\nrequired = true')
    assert states(told) == (6, {key: {"revoked-key"} for key in ("tables", "artifact", "release")})
    assert told(*LISTED)[0] == 6
    assert "3 signed" in told("keys", "sign")[1]
    assert states(told)[0] == 0
    assert told("validate")[0] == 0
    code, text = told("keys", "list", "--format", "json")
    uses = {row["public_key"]: row["use"] for row in json.loads(text)}
    assert (code, uses[second], uses[first[:16]]) == (0, "signs here, trusted", "revoked")
    code, text = told("audit", "show", "--format", "json")
    actions = [row["action"] for row in json.loads(text)]
    assert actions.count("keys.create") == 2
    assert actions.count("keys.sign") == 2


def forge_release(folder: Path) -> None:
    """Change an answer and put hash, manifest and name right."""
    from vipreco.durable import sha256_of
    from vipreco.online.release import _name_of

    content = bytearray((folder / "value.npy").read_bytes())
    content[-1] ^= 1
    (folder / "value.npy").write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"]["value.npy"] = sha256_of(folder / "value.npy")
    (folder / "manifest.json").write_bytes(canonical_json(manifest))
    target = folder.with_name(_name_of(manifest))
    folder.rename(target)
    pointer = folder.parents[1] / "current.json"
    pointer.write_text(json.dumps({"current": target.name}))


def test_a_forged_release_a_model_of_another_machine_and_a_stripped_signature_are_refused(
    bank: Path, told: Callable[..., tuple[int, str]]
) -> None:
    public = created(told)
    configure(bank, f'trusted = ["{public}"]\nrequired = true')
    assert told("keys", "sign")[0] == 0
    assert told("prepare")[0] == 0
    project = Project.find(bank)
    forge_release(Releases(bank / "data" / "serving").current())
    from vipreco.online import read_manifest

    read_manifest(Releases(bank / "data" / "serving").current())
    assert states(told)[1]["release"] == {"bad-signature"}
    code, text = told("parity", "--sample", "5")
    assert (code, "(bad-signature)" in text) == (6, True)
    (artifact,) = (path.parent for path in project.artifacts.glob(f"*/{SIGNATURE_FILE}"))
    (artifact / SIGNATURE_FILE).unlink()
    for command in (["prepare"], [*LISTED, "--model", str(artifact)], ["models", "promote", "1"]):
        code, text = told(*command)
        assert (code, "unsigned" in text) == (6, True), command


def test_every_command_opens_tables_with_the_keys_of_the_project() -> None:
    """A reader that forgets them would take forged tables."""
    import ast

    from tests.architecture.source import modules

    forgotten = []
    for module in modules():
        if not module.name.startswith(("vipreco.cli", "training", "serving")):
            continue
        for node in ast.walk(module.tree):
            opens = isinstance(node, ast.Call) and ast.unparse(node.func) in {"Tables.open", "History.open"}
            if opens and "signatures" not in ast.unparse(node):
                forgotten.append(f"{module.place}:{node.lineno}")
    assert forgotten == []
