"""Several processes on one database: they share the work and never do any of it twice (P4, P11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event, Thread

import pytest

from incident_bot.bootstrap import Application
from incident_bot.flow import escalate
from incident_bot.flow.ingest import apply_in
from incident_bot.flow.intake import read_body
from incident_bot.flow.worker import pump
from tests.fakes.alertmanager import Alertmanager
from tests.plugins.story import Story

Tell = Callable[..., Story]

shared = pytest.mark.parametrize("story_url", ["sqlite", "postgresql"], indirect=True)
on_postgresql = pytest.mark.parametrize("story_url", ["postgresql"], indirect=True)


def together(story: Story, *replicas: Application) -> None:
    """Let every replica do what is due, at the same moment."""
    gate = Barrier(len(replicas))

    def work(replica: Application) -> None:
        gate.wait(timeout=30)
        pump(replica.context, now=story.clock.now)

    with ThreadPoolExecutor(len(replicas)) as pool:
        for done in [pool.submit(work, replica) for replica in replicas]:
            done.result(timeout=60)


@shared
def test_two_replicas_never_page_twice(story: Story) -> None:
    other = story.replica()
    quiet = Alertmanager()
    for number in range(4):
        labels = {"alertname": f"Alert{number}", "severity": "critical"}
        body = quiet.fire(labels, {}, since=story.clock.now())
        futures = [one.intake.submit("alertmanager", body) for one in (story.application, other)]
        answers = [future.result(timeout=30) for future in futures]
        assert [answer.status for answer in answers] == [200, 200]
        assert sorted(answer.duplicate for answer in answers) == [False, True]
    for minutes in (0, 15, 15):
        story.clock.advance(timedelta(minutes=minutes))
        together(story, story.application, other)
    # What one of them skipped because the other held it is due at the next look.
    together(story, story.application, other)

    assert len(story.incidents()) == 4
    keys = Counter(heard.message.key for heard in story.calls)
    assert set(keys.values()) == {1}
    assert Counter(person for person, _ in story.paged()) == {"ana": 4, "ben": 4, "cleo": 4}


@shared
def test_an_ack_at_one_replica_stops_the_other(story: Story) -> None:
    other = story.replica()
    story.fires()
    story.clock.advance(timedelta(minutes=15))
    story.says("ack")
    together(story, story.application, other)
    story.clock.advance(timedelta(hours=3))
    together(story, story.application, other)
    assert [person for person, _ in story.paged()] in (["ana"], ["ana", "ben"])
    assert story.incident().escalation == "acknowledged"


@shared
def test_two_people_ack_at_the_same_moment_and_both_are_noted(story: Story) -> None:
    story.fires()
    gate = Barrier(2)

    def ack(person: str) -> str:
        gate.wait(timeout=30)
        return story.says("ack", by=person)

    with ThreadPoolExecutor(2) as pool:
        replies = [future.result(timeout=60) for future in [pool.submit(ack, who) for who in ("ana", "ben")]]
    assert sum(reply.startswith("You have INC-1") for reply in replies) == 1
    assert [kind for kind in story.kinds() if "ack" in kind] == ["acknowledged", "also_acknowledged"]


@shared
def test_the_same_click_twice_at_the_same_moment_is_one(story: Story) -> None:
    gate = Barrier(2)

    def declare() -> str:
        gate.wait(timeout=30)
        return story.says("new P1 Checkout rejects cards", key="click-1")

    with ThreadPoolExecutor(2) as pool:
        replies = {future.result(timeout=60) for future in [pool.submit(declare) for _ in range(2)]}
    (incident,) = story.incidents()
    assert replies == {f"{incident.id} is open: Checkout rejects cards"}


@on_postgresql
def test_an_end_that_is_being_stored_is_not_overwritten_by_a_delay_that_is_over(tell: Tell) -> None:
    story = tell(routes="[{match: ['severity=\"warning\"'], delay: 15m}]")
    story.fires(severity="warning")
    story.sleep_through(minutes=15)
    labels = story.alert().labels
    body = story.alertmanager.resolve(labels, at=story.clock.now())
    now = story.clock.now()
    other, started = story.replica(), Event()

    def look_again() -> None:
        started.set()
        escalate.tick(other.context, now=now)

    looking = Thread(target=look_again)
    with story.context.store.write() as tx:
        tx.lock_intake()
        apply_in(story.context, tx, [read_body(story.context, "alertmanager", body, now=now)], now=now)
        looking.start()
        started.wait(timeout=10)
        looking.join(timeout=0.3)
    looking.join(timeout=30)
    story.advance(minutes=5)
    assert (story.alert().status, story.alert().disposition) == ("resolved", "record")
    assert story.incidents() == []
