"""Names of requests and decisions: nobody has used them, in this process or in one that came out of it."""

from __future__ import annotations

import os

from serving.names import Names


def test_names_are_counted_on_and_differ_from_process_to_process() -> None:
    names = Names(16)
    first, second = names.fresh(), names.fresh()
    assert len(first) == 16
    assert int(second[8:], 16) == int(first[8:], 16) + 1
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writes, names.fresh().encode())
        os._exit(0)
    os.waitpid(child, 0)
    elsewhere = os.read(reads, 64).decode()
    os.close(reads)
    os.close(writes)
    assert elsewhere[:8] != first[:8]
    assert names.fresh()[:8] == first[:8]
