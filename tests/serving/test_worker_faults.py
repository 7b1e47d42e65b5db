"""Workers under their supervisor: swaps, faults, ends; all under load where that makes a difference."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.serving.running_service import Load, Running, is_open, started, until
from tests.serving.small_service import BROKEN, GO_ON, OPENING, SLOW, chance_of


def test_swaps_under_load_fail_no_answer_and_mix_none(service: Running) -> None:
    """F15; `make bench-serving` makes fifty of them in a minute."""
    with Load(service) as load:
        for number in range(5):
            service.publish(f"b{number}")
            time.sleep(0.4)
    assert load.failures == 0
    told = [answer.json() for answer in load.answers]
    assert {answer.status_code for answer in load.answers} == {200}
    assert len({answer["model_version"] for answer in told}) >= 3
    for answer in told:
        assert {offer["propensity"] for offer in answer["offers"]} == {chance_of(answer["model_version"])}


def test_all_workers_come_to_serve_the_same(service: Running) -> None:
    """F19."""
    service.publish("c1")
    until(lambda: service.versions() == {"c1"})


def test_what_cannot_be_opened_is_refused_and_what_opens_slowly_holds_up_nobody(service: Running) -> None:
    """F16: under load, nothing fails, and the old release answers until the new one is there."""
    service.publish("c2")
    until(lambda: service.versions() == {"c2"})
    with Load(service) as load:
        service.publish(BROKEN)
        until(lambda: service.log().count('"release-refused"') >= 2 and len(load.answers) > 0)
        while_broken = len(load.answers)
        service.publish(f"{SLOW}1")
        until(lambda: len(list(service.folder.glob(OPENING.format("*")))) == 2)
        while_slow = len(load.answers)
        until(lambda: len(load.answers) > while_slow + 20 and service.versions() == {"c2"})
        (service.folder / GO_ON).touch()
        until(lambda: load.answers[-1].json()["model_version"] == f"{SLOW}1")
    assert load.failures == 0
    assert {answer.status_code for answer in load.answers} == {200}
    assert {answer.json()["model_version"] for answer in load.answers[:while_broken]} == {"c2"}
    assert {answer.json()["model_version"] for answer in load.answers[while_broken:]} == {"c2", f"{SLOW}1"}
    refused = [line for line in service.log().splitlines() if '"release-refused"' in line]
    assert all('"code": "prepared-changed"' in line for line in refused)


def test_the_release_before_is_back_without_a_registry(service: Running) -> None:
    """F17."""
    service.publish("d1")
    until(lambda: service.versions() == {"d1"})
    service.publish("d2")
    until(lambda: service.versions() == {"d2"})
    service.releases.roll_back()
    until(lambda: service.versions() == {"d1"})


@pytest.mark.slow
def test_a_registry_that_accepts_and_never_answers_changes_nothing(tmp_path: Path) -> None:
    """F20: the process that asks the registry hangs; the workers never ask it."""
    with socket.create_server(("127.0.0.1", 0)) as hole:
        hole.settimeout(60)
        port = hole.getsockname()[1]
        running = started(tmp_path, "serving.processes.champion_watcher", tracking=f"http://127.0.0.1:{port}")
        try:
            asked, _ = hole.accept()
            until(lambda: running.offers().status_code == 200)
            with Load(running) as load:
                running.publish("e1")
                until(lambda: running.versions() == {"e1"})
                time.sleep(1)
            asked.close()
        finally:
            running.parent.terminate()
            running.parent.wait(60)
    assert load.failures == 0
    assert {answer.status_code for answer in load.answers} == {200}


def test_a_killed_worker_is_replaced(service: Running) -> None:
    """F23, without a proxy; `test_proxy` has it with one."""
    first = service.workers()[0]
    os.kill(first, signal.SIGKILL)
    until(lambda: len(service.workers()) == 2 and first not in service.workers())
    until(lambda: service.offers().status_code == 200)


def test_offers_go_on_while_the_store_is_gone_and_it_is_found_again(service: Running) -> None:
    """F22: asked all the time, for longer than a token is remembered; answers say that the store is away."""
    path = service.folder / "data" / "store.db"
    headers = {"Authorization": f"Bearer {service.token}"}
    with httpx.Client() as client:  # one connection, so one worker: each knows the tokens that it has seen
        first = service.offers(client)
        assert (first.status_code, first.json().get("store_available")) == (200, True), first.text
        path.rename(path.with_suffix(".aside"))
        answers, latest = [], time.monotonic() + 6
        while time.monotonic() < latest:
            answers.append(service.offers(client))
        assert {answer.status_code for answer in answers} == {200}
        assert answers[-1].json()["store_available"] is False
        decision = client.get(f"{service.url}/v1/decisions/none", headers=headers)
        assert decision.status_code == 503
        wrong = {"Authorization": f"Bearer {service.token[:-8]}00000000"}
        body = {"customer_id": "0001", "channel": "app"}
        refused = client.post(f"{service.url}/v1/offers", json=body, headers=wrong)
        assert refused.status_code in {401, 503}
        path.with_suffix(".aside").rename(path)
        until(lambda: service.offers(client).json()["store_available"])
    decision_id = answers[-1].json()["decision_id"]
    url = f"{service.url}/v1/decisions/{decision_id}"
    until(lambda: httpx.get(url, headers=headers).status_code == 200)


def test_a_worker_that_starts_while_the_store_is_gone_makes_no_new_one(service: Running) -> None:
    """SQLite would drop the last changes of the old one, which are in the file beside it."""
    path = service.folder / "data" / "store.db"
    path.rename(path.with_suffix(".aside"))
    first = service.workers()[0]
    os.kill(first, signal.SIGKILL)
    until(lambda: service.log().count('"code": 8}') >= 1)
    assert not path.exists()
    path.with_suffix(".aside").rename(path)
    until(lambda: len(service.workers()) == 2 and service.has_begun())
    assert service.offers().status_code == 200


def test_what_was_answered_is_in_the_store_soon_after(service: Running) -> None:
    told = service.offers().json()
    url = f"{service.url}/v1/decisions/{told['decision_id']}"
    headers = {"Authorization": f"Bearer {service.token}"}
    until(lambda: httpx.get(url, headers=headers).status_code == 200)
    assert httpx.get(url, headers=headers).json()["record"] == told


TRAINING = """
from tests.online.small_bank import fit, frames
from vipreco.history import History

fit()
"""


@pytest.mark.slow
def test_a_training_at_low_priority_costs_no_answer(service: Running) -> None:
    """F18; `make bench-serving` measures what it costs in time, with a training of a bank of thousands."""
    command = ["nice", "-n", "10", sys.executable, "-c", TRAINING]
    with httpx.Client() as client:
        training = subprocess.Popen(command, cwd=Path(__file__).parents[2])
        beside = []
        while training.poll() is None:
            beside.append(service.offers(client).status_code)
            time.sleep(0.005)
    assert training.returncode == 0
    assert len(beside) > 50
    assert set(beside) == {200}


def test_raw_bytes_that_are_no_request_close_the_connection(service: Running) -> None:
    """B78."""
    both = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
    for raw in (
        b"POST /v1/offers HTTP/1.1\r\nHost: localhost\r\n" + both + b"\r\n0\r\n\r\n",
        b"POST /v1/offers HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", service.port), timeout=5) as opened:
            opened.sendall(raw)
            answer = b""
            while part := opened.recv(65536):
                answer += part
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 401")), answer[:100]


def test_a_stop_finishes_what_is_being_answered(tmp_path: Path) -> None:
    """F24: a stop drains."""
    running = started(tmp_path)
    until(lambda: running.offers().status_code == 200)
    until(lambda: len(running.workers()) == 2)
    with Load(running) as load:
        time.sleep(0.5)
        running.parent.terminate()
        running.parent.wait(60)
    assert {answer.status_code for answer in load.answers} == {200}
    assert not is_open(running.port)


def test_no_worker_outlives_a_parent_that_was_killed(tmp_path: Path) -> None:
    """F24: a killed parent leaves nobody who keeps the port."""
    running = started(tmp_path)
    until(lambda: running.offers().status_code == 200)
    running.parent.kill()
    running.parent.wait(60)
    until(lambda: not is_open(running.port))


def test_an_address_that_others_reach_needs_the_word_that_there_is_a_proxy() -> None:
    from serving.processes.supervisor import listen
    from vipreco.errors import UsageError

    with pytest.raises(UsageError, match="open to others"):
        listen("0.0.0.0", 0, behind_proxy=False)
    listen("0.0.0.0", 0, behind_proxy=True).close()
