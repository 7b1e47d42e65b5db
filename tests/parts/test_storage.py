"""Storage on this machine, behind fsspec, on S3 and HDFS: whole folders or none, and checked files."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.jobs import SQUARES
from tests.parts import webhdfs
from tests.parts.small_tables import OCTOBER, rows, two_batches, write_batches
from vipreco.engines import LocalEngine
from vipreco.errors import DependencyDownError, IntegrityError, UsageError
from vipreco.history import History
from vipreco.parts import Limits, Storage, lay_out

BUCKET = "bank"
SEAL = "seal.json"
LIMITS = Limits(threads=1)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Address of a bucket on a server of this machine."""
    server = pytest.importorskip("moto.server", reason="pip install 'moto[s3]'")
    boto3 = pytest.importorskip("boto3")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    port = running.get_host_and_port()[1]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        endpoint = f"http://127.0.0.1:{port}"
        boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=BUCKET)
        yield f"s3://{BUCKET}/{{}}?endpoint_override=127.0.0.1:{port}&scheme=http&region=us-east-1"
    running.stop()


@pytest.fixture(scope="module")
def hdfs() -> Iterator[str]:
    """Address of HDFS as its REST interface gives it, on a stub of this machine."""
    with webhdfs.serving() as port:
        yield f"webhdfs://127.0.0.1:{port}/bank/{{}}"


@pytest.fixture(params=["local", "fsspec", "s3", "hdfs"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An address below which nothing is."""
    name = hashlib.sha256(request.node.name.encode()).hexdigest()[:8]
    if request.param == "local":
        return str(tmp_path / "storage")
    return (
        f"memory://{name}"
        if request.param == "fsspec"
        else request.getfixturevalue(request.param).format(name)
    )


def test_files_are_written_read_and_removed(address: str):
    storage = Storage(address)
    assert storage.read("a/b.txt") is None
    assert not storage.has("a/b.txt")
    assert storage.children("a") == []
    storage.write("a/b.txt", b"one")
    storage.write("a/b.txt", b"two")
    storage.write("a/c/d.txt", b"")
    assert storage.read("a/b.txt") == b"two"
    assert storage.has("a/b.txt")
    assert storage.children("a") == ["b.txt", "c"]
    assert Storage(address).read("a/c/d.txt") == b""
    storage.remove("a/c")
    assert storage.children("a") == ["b.txt"]
    storage.remove()
    assert storage.read("a/b.txt") is None


def test_a_folder_appears_whole_or_not_at_all(address: str, tmp_path: Path):
    storage = Storage(address)

    def fill(text: str, fails: bool = False) -> None:
        with storage.filling("out/p0000", SEAL) as folder:
            (folder / "deep").mkdir()
            (folder / "deep" / "file.txt").write_text(text)
            assert not storage.has(f"out/p0000/{SEAL}") or text == "late"
            if fails:
                raise RuntimeError("died")
            (folder / SEAL).write_text("{}")

    with pytest.raises(RuntimeError):
        fill("half", fails=True)
    assert storage.children("out") == []
    fill("whole")
    assert (storage.fetch_folder("out/p0000", tmp_path / "copy") / "deep" / "file.txt").read_text() == "whole"
    known = {"out/p0000/deep/file.txt": hashlib.sha256(b"whole").hexdigest()}
    assert [path.read_text() for path in storage.fetch(known, tmp_path / "files")] == ["whole"]
    with pytest.raises(IntegrityError, match=r"deep/file\.txt"):
        storage.fetch(dict.fromkeys(known, "0" * 64), tmp_path / "others")


def test_a_bank_in_parts_is_the_bank_wherever_it_lies(address: str, tmp_path: Path):
    write_batches(tmp_path / "tables", two_batches())
    parts = lay_out(tmp_path / "tables", address, 3, LIMITS)
    assert lay_out(tmp_path / "tables", address, 3, LIMITS) == parts
    histories = [parts.history(part, tmp_path / str(part), LIMITS) for part in range(3)]
    found = [rows(history, OCTOBER) for history in histories]
    whole = rows(History.open(tmp_path / "tables", threads=1), OCTOBER)
    for name in ("customers", "holdings", "activity", "contacts"):
        assert sorted((row for one in found for row in one[name]), key=repr) == whole[name]


def test_tasks_write_there_and_are_not_done_twice(address: str, tmp_path: Path):
    (tmp_path / "marks").mkdir()
    spec = {"numbers": 8, "parts": 3, "marks": str(tmp_path / "marks")}
    results = LocalEngine(address).run(SQUARES, spec, 3)
    if results.lock:
        results.lock.close()
    assert LocalEngine(address).run(SQUARES, spec, 3).receipts == results.receipts
    assert [path.read_text().count("\n") for path in sorted((tmp_path / "marks").iterdir())] == [1, 1, 1]
    texts = [(results.fetch(part, tmp_path / "out") / "squares.txt").read_text() for part in range(3)]
    assert texts == ["0\n9\n36\n", "1\n16\n49\n", "4\n25\n"]
    results.discard()
    assert Storage(address).children("runs") in (
        [],
        [name for name in Storage(address).children("runs") if name.endswith(".lock")],
    )


def test_a_storage_that_does_not_answer_is_a_service_that_is_down(s3: str):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    gone = re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{port}", s3.format("x"))
    with pytest.raises(DependencyDownError, match="the storage does not answer"):
        Storage(gone).read("a")


def test_an_address_that_nothing_reads_is_named():
    with pytest.raises(UsageError, match="nothing here reads such an address"):
        Storage("nowhere://a/b")
