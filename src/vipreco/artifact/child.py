"""The child's side of `try_in_child`: reads a request from stdin, writes one verdict to stdout."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vipreco.artifact.golden import Scorer, check_golden
from vipreco.artifact.manifest import verify
from vipreco.artifact.trial import MEMORY_BYTES, ChildVerdict, verdict_bytes
from vipreco.errors import VipRecoError


def main() -> None:
    """Answer the one request of this process."""
    answer = _take_stdout()
    _limit_resources()
    request = json.loads(sys.stdin.buffer.read())
    verdict = judge(Path(request["folder"]), request["loader"], request["expected_hash"])
    os.write(answer, verdict_bytes(verdict))


def judge(folder: Path, loader: str, expected_hash: str | None) -> ChildVerdict:
    """Verify, load and score; every exception is a refusal, told without the exception's own text."""
    try:
        manifest = verify(folder, expected_hash)
        check_golden(folder, _load(folder, loader))
    except VipRecoError as error:
        return ChildVerdict(False, f"{error.where}: {error.what}", error.code)
    except Exception as error:  # whatever a damaged model raises, the answer is no
        return ChildVerdict(False, f"loading failed with {type(error).__name__}", "child-error")
    return ChildVerdict(True, artifact_hash=manifest.artifact_hash)


def _load(folder: Path, loader: str) -> Scorer:
    module, _, function = loader.partition(":")
    load: Callable[[Path], Any] = getattr(importlib.import_module(module), function)
    scorer: Scorer = load(folder)
    return scorer


def _take_stdout() -> int:
    """Keep stdout for the verdict alone; whatever libraries print goes to stderr."""
    answer = os.dup(1)
    os.dup2(2, 1)
    return answer


def _limit_resources() -> None:
    """Bound memory, and write no core dump: a damaged model may ask for anything."""
    try:
        import resource  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


if __name__ == "__main__":
    main()
