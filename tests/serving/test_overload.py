"""A worker that is late again and again refuses at once and lets nobody wait; one pause is no overload."""

from __future__ import annotations

from serving.http.load_shedding import LATE_SECONDS, TICKS, LoadShedding
from tests.serving.small_bank import Bank
from vipreco.store import Role


def told(lag: LoadShedding, *seconds: float) -> bool:
    for late in seconds:
        lag.note(late)
    return lag.overloaded


def test_being_late_again_and_again_is_overload_and_being_in_time_once_ends_it() -> None:
    lag, late, in_time = LoadShedding(), LATE_SECONDS * 1.01, LATE_SECONDS
    assert not told(lag, *[late] * (TICKS - 1))
    assert told(lag, late)
    assert not told(lag, in_time)
    assert not told(lag, *[late] * (TICKS - 1))
    assert told(lag, late)


def test_one_long_pause_is_no_overload() -> None:
    assert not told(LoadShedding(), 0.0, 3.0, 0.0)


def test_an_overloaded_worker_refuses_with_a_time_to_come_back_and_says_that_it_lives(
    bank: Bank,
) -> None:
    bank.app.lag.overloaded = True
    answer = bank.offers()
    assert answer.status_code == 503
    assert answer.headers["retry-after"].isdigit()
    assert answer.json()["type"].endswith("overloaded")
    assert bank.ask("GET", "/livez").status_code == 200
    assert bank.ask("GET", "/readyz").status_code == 200
    assert bank.ask("GET", "/metrics", Role.ADMIN).status_code == 200
    bank.app.lag.overloaded = False
    assert bank.offers().status_code == 200
