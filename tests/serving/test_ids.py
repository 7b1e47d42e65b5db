"""Ids of requests and decisions: none twice, not over blocks, threads or forked processes."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from serving.http.ids import BLOCK, RandomIds


def test_no_id_is_given_twice_over_many_blocks_and_threads() -> None:
    ids, count = RandomIds(), 4 * BLOCK
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: ids.new(16), range(count)))
    assert len(set(found)) == count
    assert {len(one) for one in found} == {32}


def test_a_forked_process_gives_ids_of_its_own() -> None:
    ids = RandomIds()
    ids.new(8)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, ids.new(8).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100).decode() != ids.new(8)
