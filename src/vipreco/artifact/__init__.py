"""An artifact: the directory of a fitted recommender, data and never code, verified before it is parsed.

Writing: inside `saving(folder)` write the files (arrays with `write_arrays`), then `write_manifest`.
Reading: `verify(folder)` first, always; then `read_arrays` and the other readers. An artifact from
elsewhere goes through `try_in_child` before a long-lived process loads it.
"""

from vipreco.artifact.arrays import read_array, read_arrays, write_array, write_arrays
from vipreco.artifact.golden import GOLDEN_ROWS, check_golden, read_golden, write_golden
from vipreco.artifact.manifest import (
    FORMAT_VERSION,
    MANIFEST_FILE,
    FileEntry,
    Manifest,
    check_age,
    verify,
    write_manifest,
)
from vipreco.artifact.trial import ChildVerdict, try_in_child
from vipreco.artifact.writing import saving

__all__ = [
    "FORMAT_VERSION",
    "GOLDEN_ROWS",
    "MANIFEST_FILE",
    "ChildVerdict",
    "FileEntry",
    "Manifest",
    "check_age",
    "check_golden",
    "read_array",
    "read_arrays",
    "read_golden",
    "saving",
    "try_in_child",
    "verify",
    "write_array",
    "write_arrays",
    "write_golden",
    "write_manifest",
]
