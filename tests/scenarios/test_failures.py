"""What breaks on the way: providers, processes, our own mistakes. No page is lost, none is sent twice without need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from incident_bot.core.effects import TimerKind
from incident_bot.flow import health, lateness, takeover
from incident_bot.flow.deliver import LEASE
from incident_bot.notifiers.base import GiveUp, GiveUpReason, Message, RetryLater
from incident_bot.store import alerts, timers
from incident_bot.store.alerts import DeliveryState
from incident_bot.store.incidents.listing import Wanted, listed
from incident_bot.store.paged import pages_between
from tests.fakes.notifier import Killed
from tests.plugins.story import START, Story, on_every_database

Tell = Callable[..., Story]
WRONG_NUMBER = GiveUp(GiveUpReason.ADDRESS, "no such member")
BUSY = RetryLater("the provider answered 503")
THREE_WAYS = "{high: [{by: slack}, {by: sms, after: 2m}, {by: voice, after: 5m}], low: [{by: slack}]}"


def tries(story: Story, person: str) -> list[float]:
    """The minutes at which a provider was called for somebody, whatever came of it."""
    return [story.minute(heard.at) for heard in story.calls if heard.message.recipient == person]


def test_a_provider_that_is_busy_is_tried_again_with_growing_pauses_and_the_same_key(story: Story) -> None:
    story.slack.fails.extend([BUSY] * 4)
    story.fires()
    story.advance(minutes=5)
    assert len(tries(story, "ana")) == 5
    pauses = [later - earlier for earlier, later in pairwise(tries(story, "ana"))]
    for pause, ceiling in zip(pauses, (2, 4, 8, 16), strict=True):
        assert ceiling / 2 <= round(pause * 60, 1) <= ceiling
    assert len({heard.message.key for heard in story.calls}) == 1
    (page,) = story.pages()
    assert (page.state, [attempt.result for attempt in page.attempts]) == ("sent", ["again"] * 4 + ["sent"])
    assert page.attempts[0].error == "the provider answered 503"
    assert story.entry("page_sent").data["attempt"] == 5


def test_retry_after_is_honoured(story: Story) -> None:
    story.slack.fails.append(RetryLater("slow down", after=timedelta(minutes=3)))
    story.fires()
    story.advance(minutes=10)
    assert tries(story, "ana") == [0, 3]


def test_what_is_given_up_is_told_and_the_next_step_does_not_wait(story: Story) -> None:
    story.slack.refuses["ana"] = WRONG_NUMBER
    story.fires()
    assert story.paged() == [("ben", 0)]
    assert "Could not page Ana Example by slack: address: no such member" in story.entry("page_failed").text
    story.advance(minutes=15)
    assert story.paged() == [("ben", 0), ("cleo", 15)]


@on_every_database
def test_a_provider_that_never_recovers_is_given_up_after_five_minutes_and_the_next_step_does_not_wait(
    story: Story,
) -> None:
    story.slack.refuses["ana"] = BUSY
    story.fires()
    story.advance(minutes=14)
    assert story.paged() == [("ben", 5)]
    assert tries(story, "ana")[-1] == 5
    assert story.entry("page_failed").text.count("attempts: the provider answered 503") == 1


def test_a_page_is_given_up_when_the_next_step_is_due(tell: Tell) -> None:
    story = tell(
        matrix={"P1": "[{page: [on_call]}, {after: 90s, page: [lead]}, {after: 30m, page: [manager]}]"}
    )
    story.slack.refuses["ana"] = BUSY
    story.fires()
    story.advance(minutes=29)
    assert tries(story, "ana")[-1] == 1.5
    assert story.paged() == [("ben", 1.5)]
    assert story.pages()[0].state == "failed"


def test_whoever_asks_to_wait_for_too_long_is_given_up_at_once(story: Story) -> None:
    story.slack.refuses["ana"] = RetryLater("slow down", after=timedelta(minutes=5, seconds=1))
    story.fires()
    assert tries(story, "ana") == [0]
    assert "given up after 1 attempt: slow down" in story.entry("page_failed").text
    assert [(page.person, story.minute(page.due_at)) for page in story.pages()] == [("ana", 0), ("ben", 0)]
    story.advance(minutes=6)
    assert story.paged()[0][0] == "ben", "by the same channel as soon as its provider takes more"


def test_a_page_that_is_late_is_still_tried_three_times(story: Story) -> None:
    story.slack.fails.extend([BUSY, BUSY])
    body = story.alertmanager.fire({"alertname": "X", "severity": "critical"}, {}, since=story.clock.now())
    story.application.intake.submit("alertmanager", body).result(timeout=30)
    story.sleep_through(minutes=10)
    story.pump()
    story.advance(seconds=10)
    assert [person for person, _ in story.paged()] == ["ana"]
    assert len(tries(story, "ana")) == 3


def test_each_dead_channel_calls_the_next_one_and_the_dead_step_the_next_step(tell: Tell) -> None:
    story = tell(notify=THREE_WAYS)
    for channel in story.channels.values():
        channel.refuses["ana"] = WRONG_NUMBER
    story.fires()
    assert [
        (heard.via, story.minute(heard.at)) for heard in story.calls if heard.message.recipient == "ana"
    ] == [
        ("slack", 0),
        ("sms", 0),
        ("voice", 0),
    ]
    assert story.paged() == [("ben", 0)]


def test_with_every_way_of_everybody_dead_the_fallback_and_the_last_resort_are_tried_at_once(
    tell: Tell,
) -> None:
    # The second round begins as soon as the first is dead, and the last resort as soon as the second one is.
    story = tell(matrix={"P1": "[{page: [manager]}, {after: 15m, page: [schedule/web]}]"}, repeat="{P1: 1}")
    for channel in story.channels.values():
        channel.always = WRONG_NUMBER
    story.fires()
    called = [heard.message.recipient for heard in story.calls if heard.message.person]
    assert called == ["cleo", "ana", "cleo", "ana", "theo"]
    assert story.incident().escalation_state == "exhausted"
    story.advance(minutes=60)
    assert tries(story, "theo") == [0, 30, 60]


def test_the_last_resort_is_tried_for_five_minutes_and_planned_again(tell: Tell) -> None:
    story = tell(matrix={"P1": "[{page: [on_call]}]"})
    story.slack.refuses.update(ana=WRONG_NUMBER, theo=BUSY)
    story.fires()
    story.advance(minutes=29)
    assert tries(story, "theo")[-1] == 5
    story.slack.refuses.clear()
    story.advance(minutes=2)
    assert story.paged() == [("theo", 30)]


def test_the_next_channel_of_the_person_does_not_wait_when_one_is_dead(tell: Tell) -> None:
    story = tell(notify=THREE_WAYS)
    story.slack.refuses["ana"] = WRONG_NUMBER
    story.fires()
    story.advance(minutes=14)
    assert [(heard.via, story.minute(heard.at)) for heard in story.taken("page")] == [
        ("sms", 0),
        ("voice", 5),
    ]


def test_when_all_channels_of_all_people_are_dead_every_step_is_tried_and_the_last_resort_again(
    tell: Tell,
) -> None:
    story = tell(repeat="{P1: 1}")
    for channel in story.channels.values():
        channel.always = WRONG_NUMBER
    story.fires()
    story.advance(minutes=10)
    assert [person for person in ("ana", "ben", "cleo", "theo") if tries(story, person)] == [
        "ana", "ben", "cleo", "theo",
    ]  # fmt: skip
    assert story.incident().escalation_state == "exhausted"
    assert [heard.message.kind for heard in story.calls].count("page") == 7
    for channel in story.channels.values():
        channel.always = None
    story.advance(minutes=30)
    assert [person for person, _ in story.paged()] == ["theo"]


def test_a_mistake_in_a_notifier_costs_a_retry_and_nothing_else(story: Story) -> None:
    story.slack.fails.append(KeyError("a bug"))
    story.fires()
    story.advance(seconds=5)
    assert [person for person, _ in story.paged()] == ["ana"]
    assert story.pages()[0].attempts[0].error == "KeyError while sending"


def test_one_dead_channel_does_not_hold_up_another(tell: Tell) -> None:
    story = tell(notify="{high: [{by: sms}, {by: slack}], low: [{by: slack}]}")
    story.channels["sms"].always = BUSY
    story.fires()
    assert [(heard.via, heard.message.recipient) for heard in story.taken()] == [("slack", "ana")]


@on_every_database
def test_a_killed_senders_page_is_taken_over_after_its_lease_with_the_same_key(
    tell: Tell, story_url: str
) -> None:
    story = tell()
    story.slack.fails.append(Killed())
    with pytest.raises(Killed):
        story.fires()
    if story_url != "sqlite://":  # What is in memory dies with its process.
        story.killed()
    story.advance(seconds=LEASE.total_seconds() - 1)
    assert story.paged() == []
    story.advance(seconds=1)
    assert story.paged() == [("ana", round(LEASE.total_seconds() / 60, 4))]
    assert len({heard.message.key for heard in story.calls}) == 1
    (page,) = story.pages()
    assert [attempt.result for attempt in page.attempts] == ["unknown", "sent"]


def test_on_sqlite_the_next_process_sends_at_once_what_a_killed_one_held(story: Story) -> None:
    story.slack.fails.append(Killed())
    with pytest.raises(Killed):
        story.fires()
    story.killed(alone=True)
    story.pump()
    assert story.paged() == [("ana", 0)]
    (page,) = story.pages()
    assert [attempt.result for attempt in page.attempts] == ["unknown", "sent"]
    assert len({heard.message.key for heard in story.calls}) == 1


@on_every_database
def test_attempts_that_died_with_their_process_do_not_use_up_a_page_s_tries(tell: Tell) -> None:
    """A page that is late because processes die meets a provider that hesitates: it is still tried three times."""
    story = tell()
    story.slack.fails.extend([Killed(), Killed(), Killed(), BUSY, BUSY])
    with pytest.raises(Killed):
        story.fires()
    for _ in range(2):
        story.sleep_through(minutes=3)
        with pytest.raises(Killed):
            story.pump()
    story.sleep_through(minutes=3)
    story.pump()
    story.advance(seconds=30)
    assert next(who for who, _ in story.paged()) == "ana"
    page = next(one for one in story.pages() if one.person == "ana")
    assert [attempt.result for attempt in page.attempts] == ["unknown"] * 3 + ["again"] * 2 + ["sent"]


def test_only_the_process_that_is_alone_takes_back_what_others_hold(story: Story) -> None:
    story.slack.fails.append(Killed())
    with pytest.raises(Killed):
        story.fires()
    takeover.take_back(story.context, now=story.clock.now())
    story.pump()
    assert story.paged() == []


def test_an_ack_goes_before_what_is_taken_back(story: Story) -> None:
    story.slack.fails.append(Killed())
    with pytest.raises(Killed):
        story.fires()
    story.says("ack", by="ben")
    story.killed(alone=True)
    story.advance(hours=1)
    assert story.paged() == []


@on_every_database
def test_a_process_that_stops_leaves_nothing_to_a_lease(story: Story) -> None:
    story.slack.fails.append(Killed())
    with pytest.raises(Killed):
        story.fires()
    other = story.context.owner
    takeover.give_back(replace(story.context, owner="somebody else"), now=story.clock.now())
    story.pump()
    assert story.paged() == []
    assert other == story.context.owner
    takeover.give_back(story.context, now=story.clock.now())
    story.pump()
    assert story.paged() == [("ana", 0)]
    assert [attempt.result for attempt in story.pages()[0].attempts] == ["unknown", "sent"]


def test_a_killed_sender_who_had_sent_is_the_one_case_of_a_second_message(story: Story) -> None:
    def die(_message: Message) -> None:
        raise Killed

    story.slack.during = die
    with pytest.raises(Killed):
        story.fires()
    story.killed()
    story.advance(minutes=1)
    assert [heard.message.key for heard in story.calls] == ["page:1:1:0:0:ana:slack"] * 2
    assert len(story.pages()) == 1


def test_an_ack_takes_back_what_a_killed_sender_left(story: Story) -> None:
    story.slack.fails.append(Killed())
    with pytest.raises(Killed):
        story.fires()
    story.killed()
    story.says("ack", by="ben")
    story.advance(hours=1)
    assert story.paged() == []
    assert story.pages()[0].state == "cancelled"


@on_every_database
def test_an_ack_while_the_call_is_under_way_is_told_on_the_timeline(story: Story) -> None:
    def ack(_message: Message) -> None:
        story.says("ack", by="ben")

    story.slack.during = ack
    story.fires()
    story.advance(hours=1)
    assert story.paged() == [("ana", 0)]
    sent, told = (one for one in story.timeline() if one.kind == "page_sent")
    assert [one.data["sent_after_ack"] for one in (sent, told)] == [True, False]
    assert "on its way already when paging stopped" in sent.text
    assert "on its way" not in told.text
    assert story.incident().escalation == "acknowledged"
    (note,) = story.taken("note")
    assert note.message.recipient == "ana"
    assert note.message.subject.startswith("Taken: ")
    assert "No need to get up for INC-1: ben has it." in note.message.text
    with story.context.store.read() as tx:
        # What says so is no second page of that night.
        assert [one.person for one in pages_between(tx, START, story.clock.now())] == ["ana"]
        assert len(listed(tx, Wanted(person="ana"), limit=5)) == 1


def test_an_ack_between_plan_and_claim_keeps_the_page_from_ever_being_sent(story: Story) -> None:
    story.slack.fails.append(RetryLater("slow down", after=timedelta(minutes=1)))
    story.fires()
    story.advance(seconds=59)
    story.says("ack", by="ben")
    story.advance(hours=1)
    assert story.paged() == []
    assert story.pages()[0].state == "cancelled"


def test_a_failure_after_the_ack_wakes_nobody(story: Story) -> None:
    def ack(_message: Message) -> None:
        story.says("ack", by="ben")

    story.slack.during = ack
    story.slack.fails.append(WRONG_NUMBER)
    story.fires()
    story.advance(hours=1)
    assert story.paged() == []
    assert story.incident().escalation == "acknowledged"


@on_every_database
def test_after_a_downtime_over_several_due_times_only_the_current_step_runs(story: Story) -> None:
    story.fires()
    story.sleep_through(minutes=100)
    story.pump()
    assert story.paged() == [("ana", 0), ("ben", 100)]
    story.advance(minutes=14)
    assert len(story.paged()) == 2
    story.advance(minutes=1)
    assert story.paged()[2:] == [("cleo", 115)]


def test_a_restart_changes_nothing(story: Story) -> None:
    story.fires()
    for _ in range(5):
        story.advance(minutes=6)
        story.restart()
    assert story.paged() == [("ana", 0), ("ben", 15), ("cleo", 30)]


def test_the_clock_never_runs_backwards(story: Story) -> None:
    with pytest.raises(ValueError, match="never runs backwards"):
        story.clock.set(story.start - timedelta(hours=2))


@on_every_database
def test_a_delivery_whose_effects_cannot_be_computed_is_stored_and_decided_later(story: Story) -> None:
    story.slack.broken_directory = RuntimeError("a mistake of ours")
    answer = story.fires()
    assert (answer.status, answer.alerts) == (200, 1)
    assert story.alerts() == []
    with story.context.store.read() as tx:
        assert alerts.count_deliveries(tx)[DeliveryState.DEFERRED] == 1
    found = {check.name: check for check in health.health(story.context, now=story.clock.now()).checks}
    assert not found["deferred"].ok
    story.advance(seconds=45)
    (said,) = story.taken("meta")
    assert "could not be decided" in said.message.text
    assert story.alerts() == []
    story.slack.broken_directory = None
    story.advance(minutes=1)
    assert [person for person, _ in story.paged()] == ["ana"]
    with story.context.store.read() as tx:
        assert alerts.count_deliveries(tx)[DeliveryState.DEFERRED] == 0
    assert story.repeat().duplicate


def test_a_delivery_that_can_never_be_decided_is_set_aside_for_somebody_to_look_at(story: Story) -> None:
    story.slack.broken_directory = RuntimeError("a mistake of ours")
    story.fires()
    story.advance(hours=2)
    with story.context.store.read() as tx:
        (parked,) = timers.parked(tx)
    assert parked.error == "RuntimeError: a mistake of ours"
    found = health.health(story.context, now=story.clock.now())
    assert found.status == "degraded"


def test_a_bad_delivery_does_not_take_its_neighbours_with_it(story: Story) -> None:
    story.fires(alertname="Good")
    story.slack.broken_directory = RuntimeError("a mistake of ours")
    story.fires(alertname="Bad")
    story.slack.broken_directory = None
    story.fires(alertname="AlsoGood")
    assert [one.title for one in story.incidents()] == ["Good", "AlsoGood"]
    story.advance(minutes=1)
    assert [one.title for one in story.incidents()] == ["Good", "AlsoGood", "Bad"]


def test_a_timer_that_fails_does_not_stop_the_others(story: Story) -> None:
    story.fires(alertname="First", team="data")
    story.says("snooze 10m", by="dan")
    story.fires(alertname="Second")
    story.advance(minutes=9)
    story.slack.broken_directory = RuntimeError("a mistake of ours")
    story.advance(minutes=2)
    story.slack.broken_directory = None
    story.advance(minutes=5)
    # Dan's snooze ended at minute 10 into a mistake; it was tried again until it went well.
    assert ("dan", 0) in story.paged()
    assert [person for person, _ in story.paged()].count("dan") == 2
    assert ("ben", 15) in story.paged()


def test_a_template_that_fails_costs_no_page(story: Story) -> None:
    broken = '{% if name == "INC-1" %}{{ 1 // 0 }}{% endif %}all is well'
    files = {name: (story.directory / name).read_text() for name in story._files}
    assert story.reload({**files, "templates/page/text.j2": broken}).ok
    story.fires()
    assert story.paged() == [("ana", 0)]
    assert "ack INC-1" in story.taken("page")[0].message.text


@on_every_database
def test_a_timer_that_is_set_aside_is_told_of_and_others_go_on(tell: Tell) -> None:
    story = tell(announce='[{channel: "#ops", on: [meta]}]')
    story.fires()
    story.advance(minutes=14)
    story.slack.broken_directory = RuntimeError("a mistake of ours")
    story.advance(minutes=10)
    with story.context.store.read() as tx:
        assert [timer.kind for timer in timers.parked(tx)] == [TimerKind.STEP]
    assert (
        "set aside; somebody has to look: RuntimeError: a mistake of ours" in story.entry("timer_parked").text
    )
    (notice,) = story.taken("meta")
    assert notice.message.recipient == "#ops"
    assert "of INC-1 failed 8 times and is set aside: RuntimeError" in notice.message.text
    story.slack.broken_directory = None
    story.fires(alertname="Other")
    assert ("ana", 24) in story.paged()


def test_a_message_whose_sending_always_crashes_is_set_aside_when_its_time_is_over(story: Story) -> None:
    story.slack.refuses["ana"] = KeyError("a bug")
    story.fires()
    story.advance(minutes=6)
    assert story.paged() == [("ben", 5)]
    assert "KeyError while sending" in story.entry("page_failed").text
    assert health.health(story.context, now=story.clock.now()).status == "degraded"


def test_a_page_that_kills_its_sender_again_and_again_is_set_aside_when_its_time_is_over(
    story: Story,
) -> None:
    story.slack.refuses["ana"] = Killed()
    with pytest.raises(Killed):
        story.fires()
    kills = 1
    while not story.paged():
        story.clock.advance(LEASE)
        try:
            story.pump()
        except Killed:
            kills += 1
    assert story.paged()[0][0] == "ben"
    assert (kills - 1) * LEASE <= timedelta(minutes=5) + 2 * LEASE
    (failed, *_) = story.pages()
    assert failed.state == "failed"
    assert "the last ones without an end" in story.entry("page_failed").text


@on_every_database
def test_what_is_late_is_told_of_once_an_hour(tell: Tell) -> None:
    story = tell(announce='[{channel: "#ops", on: [meta]}]')
    story.fires()
    story.sleep_through(minutes=15, seconds=60)
    lateness.watch(story.context, now=story.clock.now())
    assert story.taken("meta") == []
    story.sleep_through(seconds=30)
    for _ in range(3):
        lateness.watch(story.context, now=story.clock.now())
    story.pump()
    (notice,) = story.taken("meta")
    assert "The oldest timer is 1 min late" in notice.message.text
    lateness.watch(story.context, now=story.clock.now())
    story.pump()
    assert len(story.taken("meta")) == 1
