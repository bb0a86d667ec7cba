"""Copies, gaps and lies of the wire: rules I1 to I10, told against the whole product."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from incident_bot.flow.ingest import apply
from incident_bot.flow.intake import read_body
from tests.fakes.alertmanager import AlertmanagerApi, Firing, body_of
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def with_api(tell: Tell) -> Iterator[Callable[[], tuple[Story, AlertmanagerApi]]]:
    """A story whose Alertmanager answers on a real port."""
    with ExitStack() as stack:

        def begin() -> tuple[Story, AlertmanagerApi]:
            story = tell()
            api = stack.enter_context(AlertmanagerApi(story.alertmanager))
            source = f'  - {{name: alertmanager, kind: alertmanager, api_url: "{api.url}"}}'
            story.configure(sources=source)
            story.reconciles()
            return story, api

        yield begin


def one_alert(story: Story, *, ends_in: int | None = None, **labels: str) -> Firing:
    now = story.clock.now()
    named = {"alertname": "HighErrorRate", "severity": "critical", **labels}
    return Firing(named, {}, now, None if ends_in is None else now + ends_in * MINUTE)


def in_one_batch(story: Story, bodies: Sequence[bytes]) -> None:
    now = story.clock.now()
    apply(
        story.context, [read_body(story.context, "alertmanager", body, now=now) for body in bodies], now=now
    )
    story.pump()


def test_a_repeat_changes_nothing_at_all(story: Story) -> None:
    story.fires()
    before, alerts = story.timeline(), story.alerts()
    story.advance(minutes=5)
    answers = [story.repeat() for _ in range(3)]
    assert [(answer.status, answer.duplicate, answer.delivery) for answer in answers] == [(200, True, 1)] * 3
    assert (story.timeline(), story.alerts()) == (before, alerts)


def test_the_peer_of_a_pair_says_the_same_from_another_address(story: Story) -> None:
    alert = one_alert(story)
    story.told(alert)
    answer = story.deliver(
        body_of("HighErrorRate", [alert]).replace(b"http://alertmanager.example.com", b"http://peer:9093")
    )
    assert answer.duplicate
    assert story.paged() == [("ana", 0)]


def test_labels_that_differ_between_replicas_make_one_alert(tell: Tell) -> None:
    story = tell(sources="  - {name: alertmanager, kind: alertmanager, ignore_labels: [replica]}")
    story.fires(replica="a")
    story.advance(minutes=1)
    story.fires(replica="b")
    assert len(story.alerts()) == 1
    assert story.paged() == [("ana", 0)]


def test_a_later_start_without_an_end_is_counted_and_pages_nobody(story: Story) -> None:
    story.fires()
    story.says("ack")
    story.advance(minutes=5)
    story.fires(since=story.clock.now())
    assert [(one.status, one.refires) for one in story.alerts()] == [("firing", 1)]
    assert story.alert().starts_at == story.start
    assert "alert_refired" in story.kinds()
    assert story.paged() == [("ana", 0)]


def test_an_earlier_start_is_kept(story: Story) -> None:
    story.fires()
    story.fires(since=story.start - 10 * MINUTE)
    assert story.alert().starts_at == story.start - 10 * MINUTE
    assert len(story.alerts()) == 1


@on_every_database
def test_a_late_copy_of_what_just_ended_is_held_a_minute_and_then_reopened(story: Story) -> None:
    story.fires()
    story.says("ack")
    copy = replace(story.alertmanager.find(alertname="HighErrorRate"))
    story.advance(minutes=10)
    story.resolves()
    story.advance(minutes=1)
    story.told(copy)
    assert story.alert().flags == ("held_refire",)
    story.advance(seconds=59)
    assert story.alert().status == "resolved"
    story.advance(seconds=1)
    assert (story.alert().status, story.alert().refires, story.alert().flags) == ("firing", 1, ())
    assert story.incident().escalation == "triggered"
    assert story.incident().epoch == 2
    assert [person for person, _ in story.paged()] == ["ana", "ana"]
    assert len(story.alerts()) == 1


def test_a_resolve_in_that_minute_shows_that_it_was_a_late_copy(story: Story) -> None:
    story.fires()
    copy = replace(story.alertmanager.find(alertname="HighErrorRate"))
    story.advance(minutes=5)
    story.resolves()
    ended = story._last[1]
    story.advance(seconds=30)
    story.told(copy)
    story.advance(seconds=20)
    story.deliver(ended)
    story.advance(hours=1)
    assert (story.alert().status, story.alert().flags) == ("resolved", ())
    assert story.incident().escalation == "resolved"
    assert story.paged() == [("ana", 0)]


def test_a_late_copy_is_let_go_where_the_source_says_that_it_is_over(
    with_api: Callable[[], tuple[Story, AlertmanagerApi]],
) -> None:
    story, _ = with_api()
    story.fires()
    story.says("ack")
    copy = replace(story.alertmanager.find(alertname="HighErrorRate"))
    story.advance(minutes=10)
    story.resolves()
    story.advance(minutes=1)
    story.told(copy)
    story.advance(minutes=5)
    assert (story.alert().status, story.alert().flags) == ("resolved", ())
    assert story.incident().escalation == "resolved"


def test_a_refire_is_reopened_at_once_where_the_source_says_that_it_fires(
    with_api: Callable[[], tuple[Story, AlertmanagerApi]],
) -> None:
    story, _ = with_api()
    story.fires()
    began = story.clock.now()
    story.says("ack")
    story.advance(minutes=10)
    story.resolves()
    story.advance(minutes=3)
    story.fires(since=began)
    story.advance(seconds=15)
    assert story.alert().status == "firing"
    assert story.incident().escalation == "triggered"


def test_a_resolve_of_what_never_fired_here_is_recorded_and_pages_nobody(story: Story) -> None:
    story.told(one_alert(story, ends_in=0))
    story.advance(hours=1)
    assert story.incidents() == []
    assert story.paged() == []
    alert = story.alert()
    assert (alert.status, alert.disposition, alert.reason) == (
        "resolved",
        "record",
        "ended before it was seen firing",
    )


def test_a_firing_that_comes_after_its_own_resolve_is_not_lost(story: Story) -> None:
    alert = one_alert(story)
    story.told(replace(alert, ends_at=story.clock.now() + MINUTE))
    story.advance(seconds=10)
    story.told(alert)
    story.advance(minutes=2)
    assert [person for person, _ in story.paged()] == ["ana"]


def test_absence_is_no_end_but_is_marked(story: Story) -> None:
    first, second = one_alert(story, instance="a"), one_alert(story, instance="b")
    story.told(first, second)
    story.advance(minutes=5)
    story.told(first)
    assert story.alert(instance="b").status == "firing"
    assert story.alert(instance="b").flags == ("unconfirmed",)
    story.advance(hours=1)
    assert story.incident().firing == 2
    story.told(first, second)
    assert story.alert(instance="b").flags == ()


def test_absence_within_one_batch_is_marked_too(story: Story) -> None:
    first, second = one_alert(story, instance="a"), one_alert(story, instance="b")
    in_one_batch(story, [body_of("HighErrorRate", [first, second]), body_of("HighErrorRate", [first])])
    assert story.alert(instance="b").flags == ("unconfirmed",)


def test_a_truncated_body_is_flagged_and_says_nothing_about_the_rest(story: Story) -> None:
    first, second = one_alert(story, instance="a"), one_alert(story, instance="b")
    story.told(first, second)
    story.advance(minutes=5)
    story.told(first, truncated=1)
    assert story.alert(instance="a").flags == ("partial",)
    assert story.alert(instance="b").flags == ()


def test_a_truncated_body_has_the_rest_fetched(
    with_api: Callable[[], tuple[Story, AlertmanagerApi]],
) -> None:
    story, _ = with_api()
    began = story.clock.now() - 5 * MINUTE
    labels = {"alertname": "HighErrorRate", "severity": "critical"}
    for instance in ("a", "b", "c"):
        story.alertmanager.fire({**labels, "instance": instance}, {}, since=began)
    story.told(story.alertmanager.find(instance="a"), truncated=2)
    assert story.incident().firing == 1
    story.advance(seconds=11)
    assert story.incident().firing == 3
    assert story.paged() == [("ana", 0)]


@on_every_database
def test_what_a_lost_webhook_never_told_is_found_and_paged(
    with_api: Callable[[], tuple[Story, AlertmanagerApi]],
) -> None:
    story, _ = with_api()
    labels = {"alertname": "HighErrorRate", "severity": "critical"}
    story.alertmanager.fire(labels, {"summary": "lost"}, since=story.clock.now())
    story.advance(minutes=3)
    assert [person for person, _ in story.paged()] == ["ana"]
    assert story.paged()[0][1] <= 2.2
    assert story.incident().title == "lost"
    # The webhook that comes at last finds everything in its place.
    story.told(story.alertmanager.find(alertname="HighErrorRate"))
    assert len(story.alerts()) == 1
    assert len(story.paged()) == 1


@on_every_database
def test_what_ended_without_a_webhook_is_closed(
    with_api: Callable[[], tuple[Story, AlertmanagerApi]],
) -> None:
    story, _ = with_api()
    story.fires()
    story.says("ack")
    story.advance(minutes=5)
    story.alertmanager.resolve(story.alert().labels, at=story.clock.now())
    story.advance(minutes=4)
    assert story.alert().status == "resolved"
    assert story.incident().escalation == "resolved"


def test_what_waits_for_its_delay_and_ended_without_a_webhook_waits_no_more(
    with_api: Callable[[], tuple[Story, AlertmanagerApi]],
) -> None:
    story, api = with_api()
    source = f'  - {{name: alertmanager, kind: alertmanager, api_url: "{api.url}"}}'
    story.configure(sources=source, routes="[{match: ['severity=\"warning\"'], delay: 15m}]")
    story.fires(severity="warning")
    story.advance(minutes=5)
    story.alertmanager.resolve(story.alert().labels, at=story.clock.now())
    story.advance(hours=1)
    alert = story.alert()
    assert (alert.status, alert.disposition) == ("resolved", "record")
    assert str(alert.reason).startswith("ended before it was let through")
    assert story.incidents() == []


def test_a_list_that_cannot_be_had_changes_nothing(
    with_api: Callable[[], tuple[Story, AlertmanagerApi]],
) -> None:
    story, api = with_api()
    story.fires()
    story.says("ack")
    api.broken = True
    story.alertmanager.held.clear()
    story.advance(minutes=30)
    assert story.alert().status == "firing"
    assert story.incident().escalation == "acknowledged"
    text = story.context.metrics.render().decode()
    assert 'incident_bot_reconcile_total{result="unreachable",source="alertmanager"}' in text


def test_what_the_source_silences_is_marked(with_api: Callable[[], tuple[Story, AlertmanagerApi]]) -> None:
    story, _ = with_api()
    story.fires()
    story.alertmanager.find(alertname="HighErrorRate").silenced_by = ("silence-1",)
    story.advance(minutes=2)
    assert story.alert().flags == ("silenced",)
    story.alertmanager.find(alertname="HighErrorRate").silenced_by = ()
    story.advance(minutes=2)
    assert story.alert().flags == ()


def test_a_source_without_an_api_is_not_asked_for_ever(story: Story) -> None:
    first, second = one_alert(story, instance="a"), one_alert(story, instance="b")
    story.told(first, second)
    story.says("ack")
    story.told(first)
    story.advance(minutes=10)
    assert story.next_due() is None


def test_what_fired_and_ended_in_one_batch_still_opened_an_incident(story: Story) -> None:
    alert = one_alert(story)
    ended = replace(alert, ends_at=story.clock.now() + MINUTE)
    in_one_batch(story, [body_of("HighErrorRate", [alert]), body_of("HighErrorRate", [ended])])
    assert story.paged() == [("ana", 0)]
    assert (story.alert().status, story.alert().incident) == ("resolved", "INC-1")
    resolved = story.entry("alert_resolved").data["alerts"]
    assert isinstance(resolved, list)
    assert len(resolved) == 1
    story.advance(minutes=2)
    assert story.incident().escalation == "resolved"


def test_one_bad_alert_does_not_take_the_good_ones_with_it(story: Story) -> None:
    body = body_of("HighErrorRate", [one_alert(story, instance="a"), one_alert(story, instance="b")])
    answer = story.deliver(body.replace(b'"instance": "b"', b'"instance": 7'))
    assert (answer.status, answer.alerts, answer.rejected) == (200, 1, 1)
    assert story.paged() == [("ana", 0)]


def test_nothing_readable_is_refused_with_the_path_of_the_first_wrong_field(story: Story) -> None:
    answer = story.deliver(b'{"version": "4", "receiver": "bot", "groupKey": 7}')
    assert (answer.status, answer.path) == (400, "$.groupKey")
    assert story.alerts() == []
