"""Arrays of files that are mapped, not read, without a file that stays open for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def mapped_array(path: Path) -> NDArray[Any]:
    """Map an array that `np.save` wrote.

    A mapping of numpy keeps its file open: a release with 64 open parts would hold 1,700 files, and a process
    may have 1,024. One of Arrow does not.
    """
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, by_column, kind = read(file)
        start = file.tell()
    if 0 in shape:
        return np.empty(shape, kind)
    content = np.frombuffer(pa.memory_map(str(path)).read_buffer(), kind, offset=start)
    return content.reshape(shape, order="F" if by_column else "C")
