"""Metrics for Prometheus over all processes of the service; labels are our own routes and codes alone."""

from __future__ import annotations

import os
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
REGISTRY = CollectorRegistry()

SECONDS = Histogram(
    "vipreco_request_seconds", "Time of a request.", ["route"], buckets=BUCKETS, registry=REGISTRY
)
REQUESTS = Counter("vipreco_requests", "Answered requests.", ["route", "status"], registry=REGISTRY)
SWAPS = Counter("vipreco_releases_opened", "Releases that a worker began to serve.", registry=REGISTRY)
REFUSED = Counter(
    "vipreco_releases_refused",
    "Releases that could not be opened.",
    registry=REGISTRY,
)
REFUSALS = Counter("vipreco_refusals", "Refused accesses.", ["code"], registry=REGISTRY)
STORE_DOWN = Gauge(
    "vipreco_store_down",
    "1 while a worker cannot read the store.",
    registry=REGISTRY,
    multiprocess_mode="livemax",
)
SNAPSHOT_AGE = Gauge(
    "vipreco_snapshot_age_days",
    "Age of the snapshot that is served.",
    registry=REGISTRY,
    multiprocess_mode="livemax",
)


@lru_cache(maxsize=256)
def _seconds(route: str) -> Histogram:
    return SECONDS.labels(route)


@lru_cache(maxsize=2048)
def _requests(route: str, status: int) -> Counter:
    return REQUESTS.labels(route, str(status))


def observe(route: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    _requests(route, status).inc()
    _seconds(route).observe(seconds)


def forget(process: int) -> None:
    """Remove the gauges of a process that ended; its counters stay."""
    if os.environ.get(FOLDER):
        mark_process_dead(process)  # type: ignore[no-untyped-call]


def exposition() -> bytes:
    """Return all metrics, of all processes where there are several."""
    if os.environ.get(FOLDER):
        gathered = CollectorRegistry()
        MultiProcessCollector(gathered)  # type: ignore[no-untyped-call]
        return generate_latest(gathered)
    return generate_latest(REGISTRY)
