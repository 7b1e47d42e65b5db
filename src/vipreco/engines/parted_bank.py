"""A bank in parts with the engine that works on them, and inputs that each part gets of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vipreco.durable import canonical_json
from vipreco.engines.engine import Engine, Progress, no_progress
from vipreco.engines.task import Spec
from vipreco.parts import CustomerParts, Storage, part_name

INPUTS: Final = "inputs"


@dataclass(frozen=True)
class PartedBank:
    """The customers of a bank in parts.

    Args:
        engine: Runs a job for each part.
        tables: The parts.
        progress: Is told how many parts are done.
    """

    engine: Engine
    tables: CustomerParts
    progress: Progress = no_progress

    @contextmanager
    def outputs(self, job: str, spec: Spec) -> Iterator[list[Path]]:
        """Run a job for each part, and give the folders of what came out; `tables` goes into the spec."""
        whole = {"tables": self.tables.record(), **spec}
        with self.engine.outputs(job, whole, self.tables.number, self.progress) as folders:
            yield folders

    @contextmanager
    def inputs(self, contents: Sequence[bytes]) -> Iterator[dict[str, Any]]:
        """Put a file for each part where its task finds it; gives JSON values for `part_input`."""
        storage, hashes = Storage(self.engine.storage), [hashlib.sha256(one).hexdigest() for one in contents]
        folder = f"{INPUTS}/{hashlib.sha256(canonical_json(hashes)).hexdigest()[:16]}"
        for part, content in enumerate(contents):
            storage.write(f"{folder}/{part_name(part)}", content)
        yield {"storage": self.engine.storage, "folder": folder, "hashes": hashes}
        storage.remove(folder)

    @contextmanager
    def shared(self, folder: Path) -> Iterator[dict[str, Any]]:
        """Put the files of a folder where all tasks find them; gives JSON values for `shared_folder`."""
        storage = Storage(self.engine.storage)
        contents = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        target = f"{INPUTS}/{hashlib.sha256(canonical_json(hashes)).hexdigest()[:16]}"
        for name, content in contents.items():
            storage.write(f"{target}/{name}", content)
        yield {"storage": self.engine.storage, "folder": target, "hashes": hashes}
        storage.remove(target)


def shared_folder(shared: Mapping[str, Any], scratch: Path) -> Path:
    """Return the folder whose files `PartedBank.shared` put there for all tasks.

    Raises:
        IntegrityError: A file is missing or not what was written.
    """
    hashes = {f"{shared['folder']}/{name}": known for name, known in shared["hashes"].items()}
    found = Storage(shared["storage"]).fetch(hashes, scratch)
    return found[0].parents[str(next(iter(shared["hashes"]))).count("/")]


def part_input(inputs: Mapping[str, Any], part: int, scratch: Path) -> Path:
    """Return the file that `PartedBank.inputs` put there for a part.

    Raises:
        IntegrityError: It is missing or not what was written.
    """
    name = f"{inputs['folder']}/{part_name(part)}"
    (found,) = Storage(inputs["storage"]).fetch({name: inputs["hashes"][part]}, scratch)
    return found
