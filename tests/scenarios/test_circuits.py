"""A provider is down: people are told by their next channel at once, and nothing that was to be sent is lost."""

from __future__ import annotations

from collections.abc import Callable

from incident_bot.flow import health
from incident_bot.notifiers.base import GiveUp, GiveUpReason, RetryLater
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]
DOWN = RetryLater("no answer: ConnectTimeout")
DENIED = GiveUp(GiveUpReason.AUTH, "the provider answered 401")
TWO_WAYS = "{high: [{by: slack}, {by: sms, after: 10m}], low: [{by: slack}]}"
ANNOUNCED = '[{channel: "#ops", on: [open, meta]}]'


def ways(story: Story, person: str) -> list[tuple[str, float]]:
    """By which channel somebody was really paged, and when."""
    return [
        (heard.via, story.minute(heard.at))
        for heard in story.taken("page")
        if heard.message.recipient == person
    ]


def notices(story: Story) -> list[tuple[str, str, str]]:
    return [(heard.via, heard.message.recipient, heard.message.text) for heard in story.taken("meta")]


def check(story: Story, name: str) -> tuple[bool, str]:
    checks = health.health(story.context, now=story.clock.now()).checks
    return next((one.ok, one.detail) for one in checks if one.name == name)


def until_down(story: Story, channel: str) -> None:
    """Let time pass until the channel is left alone, and not a second more: when it is tried again is drawn by lot."""
    for _ in range(60):
        if not check(story, f"channel {channel}")[0]:
            return
        story.advance(seconds=1)
    raise AssertionError(f"{channel} is not left alone")


def gauge(story: Story, channel: str) -> float:
    health.refresh_metrics(story.context, now=story.clock.now())
    line = f'incident_bot_channel_down{{channel="{channel}"}} '
    text = story.context.metrics.render().decode()
    return next(float(one.removeprefix(line)) for one in text.splitlines() if one.startswith(line))


@on_every_database
def test_a_page_that_meets_a_dead_provider_goes_out_by_the_next_channel_within_a_minute(tell: Tell) -> None:
    story = tell(notify=TWO_WAYS, announce=ANNOUNCED)
    story.slack.always = DOWN
    story.fires()
    story.advance(minutes=9)
    ((channel, minute),) = ways(story, "ana")
    assert channel == "sms"
    assert 0 < minute < 1
    diverted = story.entry("page_diverted")
    assert diverted.text == "slack is down, sms instead for Ana Example: no answer: ConnectTimeout"
    assert diverted.data["instead"] == "sms"


def test_while_it_is_down_new_pages_take_the_next_channel_at_once_and_one_row_at_a_time_tries_it(
    tell: Tell,
) -> None:
    story = tell(notify=TWO_WAYS)
    story.slack.always = DOWN
    story.fires(alertname="First")
    until_down(story, "slack")
    before = len(story.calls)
    for number in range(5):
        story.fires(alertname=f"More{number}")
    assert [(heard.via, heard.taken) for heard in story.calls[before:]] == [("sms", True)] * 5
    assert all(story.kinds(number).count("page_diverted") == 1 for number in range(2, 7))
    story.advance(minutes=3)
    tried = [heard for heard in story.calls[before:] if heard.via == "slack"]
    assert 1 <= len(tried) <= 6


@on_every_database
def test_when_it_works_again_what_waited_is_sent_and_people_are_told_once_each_time(tell: Tell) -> None:
    story = tell(notify=TWO_WAYS, announce=ANNOUNCED)
    story.slack.always = DOWN
    story.fires()
    story.advance(minutes=2)
    ((via, who, text),) = notices(story)
    assert (via, who) == ("sms", "theo")
    assert "slack is down since 2026-03-03 03:00 UTC (no answer: ConnectTimeout)." in text
    ok, detail = check(story, "channel slack")
    assert not ok
    assert "down since 2026-03-03 03:00 UTC (no answer: ConnectTimeout), tried again at 03:0" in detail
    assert (gauge(story, "slack"), gauge(story, "sms")) == (1, 0)
    story.slack.always = None
    story.advance(minutes=3)
    assert [channel for channel, _ in ways(story, "ana")] == ["sms", "slack"]
    assert "opened" in story.said_to("#ops")
    assert [who for _, who, said in notices(story) if "slack works again, after" in said] == ["#ops"]
    assert check(story, "channel slack")[0]
    assert gauge(story, "slack") == 0
    assert len(notices(story)) == 2


def test_somebody_whom_nothing_else_reaches_is_tried_all_the_same(story: Story) -> None:
    story.slack.always = DOWN
    story.fires(alertname="First")
    story.advance(seconds=45)
    assert not check(story, "channel slack")[0]
    story.slack.always = None
    story.fires(alertname="Other", severity="warning")
    assert story.paged() == [("ben", 0.75)]
    assert check(story, "channel slack")[0]


def test_with_everything_down_every_page_is_tried_until_it_is_given_up_and_the_next_step_follows(
    tell: Tell,
) -> None:
    story = tell(notify="{high: [{by: slack}, {by: sms, after: 2m}], low: [{by: slack}]}")
    for channel in story.channels.values():
        channel.always = DOWN
    story.fires()
    story.advance(minutes=40)
    people = list(
        dict.fromkeys(heard.message.recipient for heard in story.calls if heard.message.kind == "page")
    )
    assert people == ["ana", "ben", "cleo", "theo"]
    for channel in story.channels.values():
        channel.always = None
    story.advance(minutes=40)
    assert ways(story, "theo")


def test_refused_credentials_are_said_and_the_next_channel_is_used(tell: Tell) -> None:
    story = tell(notify=TWO_WAYS)
    story.slack.always = DENIED
    story.fires(alertname="First")
    assert ways(story, "ana") == [("sms", 0)]
    assert "auth: the provider answered 401" in check(story, "channel slack")[1]
    story.fires(alertname="Second")
    assert ways(story, "ana") == [("sms", 0), ("sms", 0)]
    assert len([heard for heard in story.calls if heard.via == "slack"]) == 1


def test_an_ack_takes_back_what_waits_for_the_provider(tell: Tell) -> None:
    story = tell(notify=TWO_WAYS)
    story.slack.always = DOWN
    story.fires()
    story.advance(minutes=1)
    story.says("ack")
    story.slack.always = None
    story.advance(hours=1)
    assert [channel for channel, _ in ways(story, "ana")] == ["sms"]


@on_every_database
def test_another_replica_and_a_restarted_one_know_what_one_learned(tell: Tell, story_url: str) -> None:
    story = tell(notify=TWO_WAYS)
    story.slack.always = DOWN
    story.fires()
    story.advance(minutes=1)
    if story_url != "sqlite://":  # What is in memory dies with its process.
        story.restart()
    assert not check(story, "channel slack")[0]
    story.fires(alertname="Second")
    assert story.calls[-1].via == "sms"


def test_a_message_waits_for_its_channel_for_up_to_an_hour(tell: Tell) -> None:
    story = tell(announce='[{channel: "#ops", on: [open]}]')
    story.slack.refuses["#ops"] = DOWN
    story.fires()
    story.advance(minutes=14)
    story.says("ack")
    story.advance(minutes=45)
    assert "message_failed" not in story.kinds()
    story.slack.refuses.clear()
    story.advance(minutes=1)
    assert "opened" in story.said_to("#ops")
