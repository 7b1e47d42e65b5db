from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vipreco.artifact import verify, write_manifest
from vipreco.artifact.manifest import MANIFEST_FILE
from vipreco.durable import canonical_json
from vipreco.errors import IntegrityError

Change = Callable[[Path], object]


def edit_manifest(change: Callable[[dict[str, Any]], Any]) -> Change:
    """A forger who knows the format: changes the manifest and puts its hash right again."""

    def apply(folder: Path) -> None:
        from vipreco.artifact.manifest import _hash_of

        path = folder / MANIFEST_FILE
        content = json.loads(path.read_bytes())
        change(content)
        content["artifact_hash"] = _hash_of(content)
        path.write_bytes(canonical_json(content))

    return apply


def flip_byte(name: str, position: int) -> Change:
    def apply(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[position] ^= 1
        (folder / name).write_bytes(bytes(content))

    return apply


def link(name: str, target: str) -> Change:
    return lambda folder: (folder / name).symlink_to(target)


def add(name: str) -> Change:
    return lambda folder: (folder / name).write_bytes(b"x")


def replace_by_link(folder: Path) -> None:
    (folder / "booster.txt").rename(folder.parent / "elsewhere.txt")
    (folder / "booster.txt").symlink_to("../elsewhere.txt")


def name_outside(content: dict[str, Any]) -> None:
    content["files"]["../elsewhere.txt"] = content["files"]["booster.txt"]


def append(name: str) -> Change:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + b"\n")


def raw_manifest(content: bytes) -> Change:
    return lambda folder: (folder / MANIFEST_FILE).write_bytes(content)


TWICE = b'{\n "format": 1,\n "format": 1\n}\n'
CASES: list[tuple[str, Change, str, str]] = [
    ("B97 changed byte", flip_byte("booster.txt", 100), "changed-file", "booster.txt"),
    (
        "B97 grown",
        append("booster.txt"),
        "changed-file",
        "booster.txt",
    ),
    ("B97 emptied", lambda f: (f / "booster.txt").write_text(""), "changed-file", "booster.txt"),
    ("B97 missing", lambda f: (f / "booster.txt").unlink(), "missing-file", "booster.txt"),
    ("B97 missing below", lambda f: (f / "golden/values.npy").unlink(), "missing-file", "golden/values.npy"),
    ("B97 extra", add("notes.txt"), "extra-file", "notes.txt"),
    ("B97 extra hidden below", add("features/.hidden.sql"), "extra-file", "features/.hidden.sql"),
    ("B97 manifest missing", lambda f: (f / MANIFEST_FILE).unlink(), "missing-file", MANIFEST_FILE),
    ("B97 manifest edited", flip_byte(MANIFEST_FILE, -20), "changed-file", MANIFEST_FILE),
    ("B97 manifest cut", raw_manifest(b'{"format": 1'), "manifest", MANIFEST_FILE),
    ("B97 manifest empty", raw_manifest(b""), "manifest", MANIFEST_FILE),
    ("B97 manifest not text", raw_manifest(b"\xff\xfe\x00"), "manifest", MANIFEST_FILE),
    ("B97 manifest a list", raw_manifest(b"[]\n"), "manifest", MANIFEST_FILE),
    ("B97 manifest nested deep", raw_manifest(b"[" * 100_000), "manifest", MANIFEST_FILE),
    ("B97 manifest NaN", raw_manifest(b'{\n "format": NaN\n}\n'), "manifest", MANIFEST_FILE),
    (
        "B97 manifest twice a key",
        raw_manifest(TWICE),
        "manifest",
        MANIFEST_FILE,
    ),
    ("B97 manifest unknown entry", edit_manifest(lambda c: c.update(loader="x")), "manifest", MANIFEST_FILE),
    ("B97 size as text", edit_manifest(lambda c: c["files"]["booster.txt"].update(size="1")), "manifest", ""),
    ("B99 pickle", add("model.pkl"), "forbidden-file", "model.pkl"),
    ("B99 upper case", add("model.PKL"), "forbidden-file", "model.PKL"),
    ("B99 joblib", add("features/model.joblib"), "forbidden-file", "model.joblib"),
    ("B99 cloudpickle", add("model.cloudpickle"), "forbidden-file", "model.cloudpickle"),
    ("B99 compressed", add("booster.txt.gz"), "forbidden-file", "booster.txt.gz"),
    ("B99 hidden by a second suffix", add("model.pkl.txt"), "forbidden-file", "model.pkl.txt"),
    ("B99 python", add("loader.py"), "forbidden-file", "loader.py"),
    ("B99 MLmodel", add("MLmodel"), "forbidden-file", "MLmodel"),
    ("B105 newer", edit_manifest(lambda c: c["libraries"].update(numpy="99.0.1")), "newer-library", ""),
    ("B105 unknown", edit_manifest(lambda c: c["libraries"].update(nosuch="1.0")), "newer-library", ""),
    ("B105 no release", edit_manifest(lambda c: c["libraries"].update(numpy="x")), "manifest", MANIFEST_FILE),
    ("B108 link out", link("extra.txt", "/etc/hostname"), "not-plain-file", "extra.txt"),
    ("B108 link inside", link("extra.txt", "booster.txt"), "not-plain-file", "extra.txt"),
    ("B108 link to a directory", link("more", "features"), "not-plain-file", "more"),
    ("B108 file replaced by a link", replace_by_link, "not-plain-file", "booster.txt"),
    ("B108 pipe", lambda f: os.mkfifo(f / "pipe"), "not-plain-file", "pipe"),
    ("B108 dots", edit_manifest(name_outside), "outside-file", MANIFEST_FILE),
    ("format newer", edit_manifest(lambda c: c.update(format=2)), "unknown-format", MANIFEST_FILE),
    ("format text", edit_manifest(lambda c: c.update(format="1")), "unknown-format", MANIFEST_FILE),
]


@pytest.mark.parametrize(("change", "code", "named"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_an_artifact_that_is_not_what_it_says_is_refused_by_name(
    artifact: Path, change: Change, code: str, named: str
) -> None:
    change(artifact)
    with pytest.raises(IntegrityError) as caught:
        verify(artifact)
    assert caught.value.code == code
    assert named in caught.value.where
    assert caught.value.exit_code == 6


def test_an_untouched_artifact_verifies_and_tells_its_facts(artifact: Path) -> None:
    manifest = verify(artifact)
    assert manifest.facts["snapshot_id"] == "00112233"
    assert sorted(manifest.files) == [
        "booster.txt",
        "factors/products.npy",
        "features/holdings.sql",
        "golden/scores.npy",
        "golden/values.npy",
    ]
    assert manifest.files["features/holdings.sql"].size == len("SELECT 1")
    assert verify(artifact, manifest.artifact_hash) == manifest


def test_the_hash_of_the_registry_refuses_a_forged_manifest(artifact: Path) -> None:
    registered = verify(artifact).artifact_hash
    (artifact / "booster.txt").write_text("another model")
    (artifact / MANIFEST_FILE).unlink()
    write_manifest(artifact, {"snapshot_id": "00112233"})
    verify(artifact)
    with pytest.raises(IntegrityError) as caught:
        verify(artifact, registered)
    assert caught.value.code == "other-artifact"


def test_two_refits_have_the_same_hash_and_another_fact_gives_another(
    write_artifact: Callable[..., Path],
) -> None:
    first, second = write_artifact("first"), write_artifact("second")
    assert (first / MANIFEST_FILE).read_bytes() == (second / MANIFEST_FILE).read_bytes()
    (second / MANIFEST_FILE).unlink()
    other = write_manifest(second, {"snapshot_id": "another"})
    assert other["artifact_hash"] != verify(first).artifact_hash


@pytest.mark.parametrize("kind", ["absent", "file"])
def test_a_path_without_an_artifact_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(IntegrityError) as caught:
        verify(tmp_path / kind)
    assert caught.value.code == "no-artifact"


def test_all_160_mutations_of_a_model_file_are_refused_before_parsing(artifact: Path) -> None:
    """B96: cuts, byte flips, swapped neighbours and removed lines at seeded places."""
    good = (artifact / "booster.txt").read_bytes()
    generator = np.random.default_rng(160)
    for number, place in enumerate(generator.integers(1, len(good) - 1, size=160)):
        (artifact / "booster.txt").write_bytes(mutate(good, number % 4, int(place)))
        with pytest.raises(IntegrityError):
            verify(artifact)


def mutate(good: bytes, kind: int, place: int) -> bytes:
    if kind == 0:
        return good[:place]
    if kind == 1:
        return good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :]
    if kind == 2:
        return good[:place] + b"9" + good[place:]
    return good[:place] + good[place + 1 :]
