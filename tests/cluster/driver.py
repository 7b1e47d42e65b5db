"""A driver that runs a job of a file on Spark: `python -m tests.cluster.driver SPEC STORAGE`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.engines.jobs import SQUARES

if __name__ == "__main__":
    from cluster.spark import SparkEngine
    from tests.cluster.sessions import two_executors

    work = json.loads(Path(sys.argv[1]).read_text())
    session = two_executors()
    SparkEngine(sys.argv[2]).run(SQUARES, work, work["parts"])
    session.stop()
