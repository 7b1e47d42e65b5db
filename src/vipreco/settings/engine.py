"""Section `[engine]`: what the big commands may take of the machine."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vipreco.settings.section import Section

GIBIBYTE = 1 << 30


class EngineSettings(Section):
    """Section `[engine]`.

    Args:
        memory_gb: Memory that vipreco may take on this machine, in GiB; without it, that of the machine or
            container. A query spills to disk beyond a quarter of it.
    """

    memory_gb: Annotated[float, Field(ge=0.5)] | None = None

    @property
    def memory(self) -> int | None:
        """Memory that vipreco may take, in bytes; None: that of the machine."""
        return None if self.memory_gb is None else int(self.memory_gb * GIBIBYTE)
