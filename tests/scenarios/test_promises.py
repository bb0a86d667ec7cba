"""The promise keeper, from `update … next 30m` to the draft, on every database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from incident_bot.core.errors import Refused
from incident_bot.flow import export
from incident_bot.flow.worker import pump
from tests.plugins.story import START, Story, on_every_database

pytestmark = on_every_database
Tell = Callable[..., Story]
KEPT = {"promises": "{remind_before: 5m, nag: false}"}
NAGS = {"promises": "{}"}
CHANNEL = '[{channel: "#incidents", on: [missed]}]'


def reminded(story: Story) -> list[tuple[str, str, float]]:
    """What people were reminded of: whom, by what subject, at which minute."""
    return [
        (heard.message.recipient, heard.message.subject.partition(":")[0], story.minute(heard.at))
        for heard in story.taken("reminder")
    ]


def taken(tell: Tell, **changes: object) -> Story:
    story = tell(**{**KEPT, **changes})
    story.fires()
    story.says("ack")
    return story


def test_a_promise_is_brought_to_mind_and_a_miss_climbs(tell: Tell) -> None:
    story = taken(tell, announce=CHANNEL)
    story.says("role comms @dan")
    story.says("lead @cleo")
    story.says("update pool exhausted, adding nodes next 30m", by="cleo")
    story.advance(minutes=29)
    assert reminded(story) == [("cleo", "Update due soon", 25)]
    (before,) = story.taken("reminder")
    assert "INC-1 P1: an update is promised for 03:30 UTC, in 5 minutes." in before.message.text
    assert "Promised by Cleo Example at 03:00 UTC." in before.message.text
    assert "Type: update INC-1 what we know now next 30m" in before.message.text
    assert not story.incident().update_overdue

    story.advance(minutes=60)
    assert reminded(story)[1:] == [
        ("dan", "Update missed", 30),
        ("cleo", "Update missed", 35),
        ("ben", "Update missed", 40),
    ]
    last = story.taken("reminder")[-1].message.text
    assert "the update promised for 22:30 EST (Tue 03:30 UTC) has not come." in last
    assert "told before you: Dan Example, Cleo Example" in last
    assert story.said_to("#incidents") == ["missed"]
    assert story.incident().update_overdue
    assert "overdue for 59 min" in story.says("info")
    assert "update overdue" in story.says("list")
    assert story.entry("promise_missed").text == (
        "The update promised for 03:30 UTC by Cleo Example has not come; Ben Example was told"
    )

    story.says("update two nodes are in next 1h", by="cleo")
    assert not story.incident().update_overdue
    story.says("resolve all good")
    story.advance(hours=4)
    assert len(reminded(story)) == 4
    draft = export.draft(story.context, 1, now=story.clock.now())
    rows = {block.name: [row.cells for row in block.rows] for block in draft.sections[12].blocks}
    assert rows["promises-kept"] == [("1 of 2 promised updates came in time; 1 late, by 59 min at most.",)]


def test_a_restart_and_a_second_replica_change_nothing(tell: Tell, story_url: str) -> None:
    story = taken(tell)
    story.says("update looking next 30m")
    story.advance(minutes=24)
    if story_url != "sqlite://":
        story.restart()
    if story_url.startswith("postgresql"):
        other = story.replica()
        story.clock.set(START + timedelta(minutes=25))
        pump(other.context, now=story.clock.now)
    story.advance(minutes=60)
    assert reminded(story) == [
        ("ana", "Update due soon", 25),
        ("ana", "Update missed", 30),
        ("ben", "Update missed", 35),
    ]


def test_what_was_missed_while_nothing_ran_is_told_once_and_climbs_from_then(tell: Tell) -> None:
    story = taken(tell)
    story.says("update looking next 30m")
    story.sleep_through(hours=2)
    story.advance(hours=1)
    assert reminded(story) == [("ana", "Update missed", 120), ("ben", "Update missed", 125)]


def test_another_update_moves_the_timer(tell: Tell) -> None:
    story = taken(tell)
    story.says("update looking next 30m")
    story.advance(minutes=20)
    story.says("update still looking next 30m")
    story.advance(minutes=24)
    assert reminded(story) == []
    story.advance(minutes=2)
    assert reminded(story) == [("ana", "Update due soon", 45)]


@pytest.mark.parametrize("ends", ["snooze 2h", "resolve fixed", "cancel a test", "remind off"])
def test_what_ends_it(ends: str, tell: Tell) -> None:
    story = taken(tell)
    story.says("update looking next 30m")
    story.says(ends)
    story.advance(minutes=90)
    assert reminded(story) == []


def test_a_promise_outlives_a_new_round_of_paging(tell: Tell) -> None:
    story = taken(tell)
    story.says("update looking next 30m")
    story.says("unack")
    story.advance(minutes=26)
    assert reminded(story) == [("ana", "Update due soon", 25)]


def test_reminders_are_snoozed_and_switched_on_again(tell: Tell) -> None:
    story = taken(tell)
    story.says("update looking next 30m")
    assert story.says("remind snooze 40m").startswith("The reminders of INC-1 are snoozed until 03:40 UTC.")
    assert "Reminders: snoozed until" in story.says("info")
    assert story.entry("reminders_set").text == "Ana Example snoozed the reminders until 03:40 UTC"
    story.advance(minutes=41)
    assert reminded(story) == [("ana", "Update missed", 40)]
    assert "switched off" in story.says("remind off")
    assert "Reminders: off" in story.says("info")
    story.advance(minutes=30)
    story.says("remind on")
    story.advance(minutes=1)
    assert reminded(story)[1:] == [("ben", "Update missed", 71)]
    with pytest.raises(Refused, match="remind snooze 30m"):
        story.says("remind")
    with pytest.raises(Refused, match="remind snooze 30m"):
        story.says("remind snooze")
    with pytest.raises(Refused, match="is not a duration; type for example `remind snooze 30m`"):
        story.says("remind never")


def test_nobody_leads_and_nobody_has_told_anything(tell: Tell) -> None:
    story = taken(tell, **NAGS)
    story.advance(minutes=16)
    assert reminded(story) == [("ana", "Nobody leads", 10), ("ana", "No update yet", 15)]
    lead, update = (heard.message.text for heard in story.taken("reminder"))
    assert "Type: lead INC-1 @ana" in lead
    assert "no update was posted yet" in update
    assert story.entry("nagged").text == "Ana Example was reminded: no update was posted yet"
    story.says("lead @ben")
    story.says("update on it next 2h", by="ben")
    story.advance(minutes=90)
    assert len(reminded(story)) == 2


def test_quiet_hours_hold_back_what_is_not_urgent(tell: Tell) -> None:
    story = tell(**KEPT, rules='quiet_hours: {from: "22:00", to: "07:00"}')
    story.fires(severity="warning")
    story.says("ack")
    story.says("update looking next 30m")
    story.advance(minutes=31)
    assert story.entry("promise_missed").text.endswith("has not come")
    assert reminded(story) == []
    story.advance(hours=3)
    assert reminded(story) == [("ana", "Update missed", 180)]


def test_a_follow_up_is_brought_to_mind_on_the_morning_of_its_day(tell: Tell) -> None:
    story = taken(tell)
    story.says("followup alert on pool saturation @ana 2026-03-05")
    story.says("resolve fixed")
    story.says("postmortem waive a test of ours", by="ben")
    story.advance(days=3)
    # 09:00 in Berlin on the fifth.
    assert reminded(story) == [("ana", "Follow-up due", 2 * 24 * 60 + 5 * 60)]
    (message,) = story.taken("reminder")
    assert "your follow-up 1 is due Thu 5 Mar 18:00 CET: alert on pool saturation" in message.message.text
    assert "Done? Type: done INC-1 1" in message.message.text


def test_a_storm_of_what_nobody_has_sets_no_timer(tell: Tell) -> None:
    story = tell(**NAGS)
    for number in range(3):
        story.fires(alertname=f"Alert{number}")
    with story.context.store.read() as tx:
        kinds = {row[0] for row in tx.connection.exec_driver_sql("SELECT kind FROM timer")}
    assert kinds == {"step"}
