"""Opening a release: the model of the one before is taken over; who is left behind is gone at once."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.online.small_bank import Served
from vipreco.errors import IntegrityError
from vipreco.recommender import open_model


@pytest.fixture
def no_search() -> Iterator[None]:
    """Let nothing be given back but what nobody has any more, as in a worker, which hardly ever searches."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_publications_with_the_same_model_have_it_open_once(served: Served) -> None:
    one, two = served.opened(), served.opened()
    assert one.model is two.model
    assert one.recommender.model is two.recommender.model
    assert one.recommender.policy is two.recommender.policy
    assert one.explainer.cache is not two.explainer.cache


@pytest.mark.usefixtures("no_search")
def test_a_publication_that_nobody_has_is_gone_at_once(served: Served) -> None:
    one = served.opened()
    left, told = weakref.ref(one), weakref.ref(one.explainer)
    del one
    assert left() is None
    assert told() is None


def test_a_model_that_is_open_is_not_given_out_for_another(artifact: Path, served: Served) -> None:
    assert open_model(artifact, served.answering.model_hash) is served.answering.model
    with pytest.raises(IntegrityError):
        open_model(artifact, "0" * 64)


def test_a_model_that_was_changed_is_refused_though_it_is_open(serve: Callable[..., Served]) -> None:
    ours = serve()
    next((ours.answering.release.folder / "artifact" / "boosters").iterdir()).write_text("another")
    with pytest.raises(IntegrityError):
        ours.opened()
