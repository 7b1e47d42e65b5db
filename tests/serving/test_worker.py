"""Modules that a worker leaves out: memory and time at the start that no answer needs."""

from __future__ import annotations

import subprocess
import sys

ANSWERING = """
import sys
from serving.processes import worker
sys.meta_path.insert(0, worker._NotHere)
from serving.http.asgi_adapter import load_service
load_service("serving.service:VipReco").mounted()
import serving.api.application, serving.page.pages, serving.workspace.answers, vipreco.online.online_service
print(*sorted(set(sys.argv[1:]) & set(sys.modules)))
"""
# Each is there for something else: migrations, signatures, workbooks, the bank's log-in, import and training.
NEEDLESS = (
    *("pandas", "sklearn", "charset_normalizer", "alembic", "cryptography", "xlsxwriter", "reportlab"),
    *("authlib", "joserfc", "pyarrow.parquet", "mlflow", "implicit", "aiohttp", "circus", "opentelemetry"),
    *("scipy.optimize", "scipy.stats", "matplotlib", "vipreco.tables.batch_import", "vipreco.simulator"),
)


def loaded(*names: str) -> list[str]:
    command = [sys.executable, "-c", ANSWERING, *names]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def test_a_worker_loads_nothing_that_no_answer_needs() -> None:
    assert loaded(*NEEDLESS, "lightgbm", "bentoml") == ["bentoml", "lightgbm"]
