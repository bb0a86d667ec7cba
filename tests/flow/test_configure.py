"""One revision is in force at a time: reloaded whole or not at all, by hand, by a signal, or because files changed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from incident_bot import serving
from incident_bot.core.errors import BadConfiguration
from incident_bot.flow.configure import Live, prepare
from incident_bot.store import Store, interventions
from incident_bot.store.transaction import Tx, Unavailable
from incident_bot.telemetry import Metrics
from tests.fakes.waiting import eventually
from tests.plugins.story import START, Story, on_every_database
from tests.plugins.story_files import LAYERS, documents

DAN_ON_CALL = LAYERS.replace("[[ana]]", "[[dan]]")


class AwayStore(Store):
    """A database that is away as often as it is told."""

    away = 0

    @contextmanager
    def write(self) -> Iterator[Tx]:
        if self.away:
            self.away -= 1
            raise Unavailable
        with super().write() as tx:
            yield tx


def away_store(story: Story) -> AwayStore:
    store = AwayStore.open(story.url)
    assert isinstance(store, AwayStore)
    return store


def revisions(story: Story) -> list[str]:
    with story.context.store.read() as tx:
        return [one.id for one in interventions.revisions(tx)]


@on_every_database
def test_each_activation_is_recorded_once_with_its_instant(story: Story) -> None:
    first = story.context.live.current
    assert revisions(story) == [first.revision.id]
    story.advance(minutes=5)
    answer = story.reload(documents(layers=DAN_ON_CALL))
    assert (answer.ok, answer.changed) == (True, True)
    assert answer.revision == story.context.live.current.revision.id != first.revision.id
    assert story.context.live.current.activated_at == story.clock.now()
    again = story.reload(documents(layers=DAN_ON_CALL))
    assert (again.ok, again.changed) == (True, False)
    story.reload(documents())
    assert revisions(story) == [first.revision.id, answer.revision, first.revision.id]
    with story.context.store.read() as tx:
        assert getattr(interventions.revision_at(tx, story.start), "id", None) == first.revision.id


def test_a_restart_records_nothing_new(story: Story) -> None:
    before = revisions(story)
    story.restart()
    assert revisions(story) == before


def test_a_refused_set_names_every_problem_and_is_counted(story: Story) -> None:
    files = documents()
    files["rotations/people.yaml"] += "  ana2: {tiem_zone: UTC}\n"
    files["rotations/schedules/web.yaml"] = "schedule: web\n"
    answer = story.reload(files)
    assert not answer.ok
    assert any("people.yaml" in problem for problem in answer.problems)
    assert any("schedules/web.yaml" in problem for problem in answer.problems)
    assert {str(problem) for problem in story.context.live.problems} == set(answer.problems)
    assert revisions(story) == [answer.revision]


def test_warnings_are_told_and_let_it_pass(story: Story) -> None:
    answer = story.reload(documents(last_resort="[]"))
    assert answer.ok
    assert any("last_resort is missing" in problem for problem in answer.problems)


def test_a_bad_set_at_the_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="there is no such directory"):
        prepare(tmp_path, now=START)


def test_a_set_that_cannot_be_recorded_is_not_applied(story: Story) -> None:
    store = away_store(story)
    live = Live(story.context.live.current, directory=story.directory, store=store, metrics=Metrics("0"))
    before = live.current
    story.write(documents(layers=DAN_ON_CALL))
    store.away = 1
    with pytest.raises(Unavailable):
        live.reload(now=story.clock.now())
    assert live.current is before
    assert live.reload(now=story.clock.now()).changed
    store.close()


@pytest.fixture
def watched(story: Story) -> Iterator[tuple[Story, AwayStore, Live]]:
    """A story whose files are watched by a thread."""
    store = away_store(story)
    live = Live(story.context.live.current, directory=story.directory, store=store, metrics=Metrics("0"))
    stop = threading.Event()
    thread = threading.Thread(target=lambda: live.watch(stop, story.clock.now), daemon=True)
    thread.start()
    yield story, store, live
    stop.set()
    thread.join(timeout=10)
    assert not thread.is_alive(), "it ends when it is told"
    store.close()


def touch_until(story: Story, live: Live, layers: str, *, person: str) -> None:
    """Write until it is seen: nobody can say when the watching of a directory has begun."""
    path = story.directory / "rotations/schedules/web.yaml"
    text = documents(layers=layers)["rotations/schedules/web.yaml"]
    rounds = iter(range(10_000))

    def seen() -> bool:
        if next(rounds) % 100 == 0:
            replacement = path.with_suffix(".tmp")
            replacement.write_text(text)
            replacement.rename(path)
        return person in str(live.current.revision.documents)

    eventually(seen, "the watcher to reload")


def test_a_file_that_an_editor_replaces_is_applied(watched: tuple[Story, AwayStore, Live]) -> None:
    story, _, live = watched
    touch_until(story, live, DAN_ON_CALL.replace("name: week", "name: replaced"), person="replaced")
    assert not live.problems


def test_a_bad_file_is_shown_and_the_watch_goes_on(watched: tuple[Story, AwayStore, Live]) -> None:
    story, _, live = watched
    touch_until(story, live, DAN_ON_CALL.replace("name: week", "name: good"), person="good")
    (story.directory / "rotations/routing.yaml").write_text("nonsense: true\n")
    eventually(lambda: live.problems, "the problems to be shown")
    (story.directory / "rotations/routing.yaml").write_text(documents()["rotations/routing.yaml"])
    eventually(lambda: not live.problems, "the problems to be gone")


def test_a_database_that_is_away_does_not_end_the_watch(watched: tuple[Story, AwayStore, Live]) -> None:
    story, store, live = watched
    store.away = 2
    touch_until(story, live, DAN_ON_CALL.replace("name: week", "name: later"), person="later")
    assert store.away == 0


def test_sighup_reloads(story: Story) -> None:
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread alone")
    before = story.context.live.current
    story.write(documents(layers=DAN_ON_CALL))
    with serving._reloading(story.application):
        os.kill(os.getpid(), signal.SIGHUP)
        eventually(lambda: story.context.live.current is not before, "the reload")
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


def test_reloads_at_the_same_moment_leave_one_in_force(story: Story) -> None:
    story.write(documents(layers=DAN_ON_CALL))
    live = story.context.live
    threads = [threading.Thread(target=lambda: live.reload(now=story.clock.now())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(revisions(story)) == 2
    assert revisions(story)[-1] == live.current.revision.id
