"""What a real Alertmanager once sent, replayed: in the end we hold to be firing what it held to be firing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from incident_bot.core.effects import TimerKind
from incident_bot.core.model import Disposition, Status
from incident_bot.store import alerts
from tests.scenarios.corpus_world import (
    FakeAlertmanagers,
    Recorded,
    World,
    index,
    recorded,
    shuffled,
    truth,
    world,
)


@pytest.fixture
def fake() -> Iterator[FakeAlertmanagers]:
    with FakeAlertmanagers().running() as running:
        yield running


@pytest.fixture
def memory(tmp_path: Path, fake: FakeAlertmanagers) -> Iterator[World]:
    """One that forgets: for properties of the decisions, which no database changes."""
    with world(tmp_path, url="sqlite://", fake=fake) as made:
        yield made


@pytest.fixture
def here(tmp_path: Path, store_url: str, fake: FakeAlertmanagers) -> Iterator[World]:
    with world(tmp_path, url=store_url, fake=fake) as made:
        yield made


def differing(found: World) -> dict[str, tuple[list[str], list[str]]]:
    """By scenario: what we hold to be firing and it does not, and the other way round."""
    held = found.firing()
    return {
        name: (sorted(held[name] - expected), sorted(expected - held[name]))
        for name, expected in truth().items()
        if held[name] != expected
    }


def test_the_corpus_is_whole() -> None:
    assert len(index()) > 50
    assert len(recorded()) > 140
    assert {one.answered for one in recorded()} == {200, 400, 500, None}


def test_in_the_end_the_same_alerts_fire(here: World) -> None:
    here.replay(recorded())
    here.settle()
    assert not differing(here)
    assert_everything_has_its_place(here)


def test_what_the_recorder_refused_is_not_missed(memory: World) -> None:
    memory.replay(one for one in recorded() if one.answered == 200)
    memory.settle()
    assert not differing(memory)


def assert_everything_has_its_place(here: World) -> None:
    """P1, and every incident paged somebody once."""
    with here.application.context.store.read() as tx:
        episodes = alerts.list_episodes(tx, limit=10_000)
    astray = [one for one in episodes if one.incident_id is None and not one.reason]
    assert not astray
    assert not [one for one in episodes if one.disposition is Disposition.HELD]
    assert TimerKind.REFIRE.value not in here.waiting()
    pages = [message.key for message in here.recorder.messages if message.kind == "page"]
    assert pages
    assert len(pages) == len(set(pages))
    on_incidents = {one.incident_id for one in episodes if one.incident_id is not None}
    assert {int(key.split(":")[1]) for key in pages} == on_incidents


def test_an_alert_that_never_fired_here_pages_nobody(memory: World) -> None:
    resolved_only = [one for one in recorded() if b'"status":"firing"' not in one.body]
    memory.replay(resolved_only)
    memory.settle(minutes=1)
    with memory.application.context.store.read() as tx:
        episodes = alerts.list_episodes(tx, limit=10_000)
    assert episodes
    quiet = [one for one in episodes if one.status is Status.RESOLVED]
    assert all(one.incident_id is None and one.reason for one in quiet)


def test_each_delivery_three_times_is_each_once(
    tmp_path: Path, store_url: str, fake: FakeAlertmanagers
) -> None:
    with world(tmp_path / "once", url="sqlite://", fake=fake) as once:
        once.replay(recorded())
        before = once.rows()
        once.settle()
        after, pages = once.rows(), [message.key for message in once.recorder.messages]
    with world(tmp_path / "thrice", url=store_url, fake=fake) as thrice:
        thrice.replay(recorded(), times=3)
        assert thrice.rows() == before
        repeats = [answer for place, answer in enumerate(thrice.answers) if place % 3]
        assert all(answer.duplicate for answer in repeats)
        thrice.settle()
        assert thrice.rows() == after
        assert [message.key for message in thrice.recorder.messages] == pages


def test_the_last_word_of_each_group_again_changes_nothing(memory: World) -> None:
    memory.replay(recorded())
    memory.pass_seconds(20)
    before = memory.rows()
    last: dict[tuple[str, str], Recorded] = {(one.scenario, one.group): one for one in recorded()}
    memory.answers.clear()
    memory.replay(last.values())
    assert all(answer.duplicate for answer in memory.answers)
    assert memory.rows() == before


@pytest.mark.parametrize("seed", range(2))
def test_in_any_order_the_same_alerts_fire(memory: World, seed: int) -> None:
    memory.replay(shuffled(seed))
    memory.settle()
    assert not differing(memory)
    assert_everything_has_its_place(memory)


def test_the_whole_history_again_ends_the_same(memory: World) -> None:
    memory.replay(recorded())
    memory.settle(minutes=2)
    began = memory.clock.now()
    again = (
        Recorded(one.scenario, began + timedelta(milliseconds=10 * place), one.body, one.answered, one.group)
        for place, one in enumerate(recorded())
    )
    memory.replay(again)
    memory.settle()
    assert not differing(memory)
