"""Section `[engine]`: over which processes or machines the big commands are spread."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vipreco.settings.section import Section

GIBIBYTE = 1 << 30
Auto = Literal["auto"]


class EngineSettings(Section):
    """Section `[engine]`.

    Args:
        kind: `local`: processes of this machine; `spark`: executors of a Spark cluster.
        parts: Parts of customers; `auto`: as many as the memory asks for.
        workers: Tasks at once on this machine; `auto`: one a core, as far as the memory goes.
        threads_a_task: Threads of each task where there are several parts.
        memory_gb: Memory that vipreco may take on this machine, in GiB; without it, that of the machine or
            container. A query spills to disk beyond a quarter of what its task may take.
        storage: Where the parts and the output of tasks are: a folder from the project's root, or an address
            that all executors reach, such as `s3://bucket/path` or `hdfs://name/path`.
    """

    kind: Literal["local", "spark"] = "local"
    parts: Auto | Annotated[int, Field(ge=1, le=100_000)] = "auto"
    workers: Auto | Annotated[int, Field(ge=1, le=1_024)] = "auto"
    threads_a_task: Annotated[int, Field(ge=1, le=256)] = 1
    memory_gb: Annotated[float, Field(ge=0.5)] | None = None
    storage: str = "data/parts"

    @property
    def memory(self) -> int | None:
        """Memory that vipreco may take, in bytes; None: that of the machine."""
        return None if self.memory_gb is None else int(self.memory_gb * GIBIBYTE)
