"""A fit does not depend on how many threads the machine lends."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

PROGRAM = """
import hashlib, sys
import numpy as np
from vipreco.collaborative import SOURCES, HoldingState
random = np.random.default_rng(0)
held = random.random((5000, 24)) < random.random((5000, 1)) * np.linspace(0.7, 0.02, 24)
nobody, segments = np.zeros_like(held), np.zeros(5000, dtype=np.int32)
state = HoldingState(held, nobody, segments, tuple(f"p{column}" for column in range(24)))
digest = hashlib.sha256()
for source in SOURCES.values():
    fitted = source().fit(state)
    for array in fitted.arrays().values():
        digest.update(array.tobytes())
    digest.update(fitted.score(state).tobytes())
sys.stdout.write(digest.hexdigest())
"""


def test_one_thread_and_two_threads_give_the_same_bytes() -> None:
    digests = {run_with(threads) for threads in ("1", "2")}
    assert len(digests) == 1
    assert len(digests.pop()) == hashlib.sha256().digest_size * 2


def run_with(threads: str) -> str:
    limits = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], threads)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **limits},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
