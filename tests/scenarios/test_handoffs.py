"""Hand-offs as people live them: who is told, with what brief, who is asked to tap, and what a downtime costs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_bot.flow import commands, roster
from incident_bot.flow.escalate import tick
from incident_bot.flow.oncall import handoffs, taps
from incident_bot.flow.oncall.run import run
from incident_bot.flow.roster import Wanted
from incident_bot.flow.worker import pump
from incident_bot.notifiers.base import Message
from incident_bot.store import handoffs as kept
from incident_bot.store import interventions, timers
from incident_bot.store.handoffs import Watch
from tests.fakes.alertmanager import AlertmanagerApi
from tests.plugins.story import Story, on_every_database
from tests.plugins.story_files import PEOPLE, TEAMS, documents

Tell = Callable[..., Story]
HOUR = timedelta(hours=1)
DAILY = """
  - {name: day, priority: 10, turn: {unit: days, every: 1, anchor: "2026-03-02T09:00"}, people: [[ana], [ben], [dan]]}
"""
"""ana until Tuesday 09:00 UTC, then ben, dan, ana."""
FILE = "rotations/oncall.yaml"
NIGHT = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)


def begin(tell: Tell, *, handoff: str = "", **changes: Any) -> Story:
    """A story with hand-offs each day at 09:00 UTC, looked after from 03:00 on."""
    story = tell(**{"layers": DAILY, **changes})
    if handoff:
        configure(story, handoff, **changes)
    watched(story)
    return story


def configure(story: Story, handoff: str, **changes: Any) -> None:
    files = documents(**{"layers": DAILY, **changes})
    answer = story.reload({**files, FILE: f"handoff: {handoff}\n"})
    assert answer.ok, answer.problems


def watched(story: Story) -> None:
    """The worker begins to look after hand-offs, as at its start and after every reload."""
    handoffs.schedule_all(story.context, now=story.clock.now())
    story.pump()


def counted(story: Story) -> Watch:
    """The shifts ahead are counted, as they are some minutes after the start; gives what is kept."""
    handoffs.look(story.context, "web", count=True, now=story.clock.now())
    with story.context.store.read() as tx:
        watch = kept.watch(tx, "web")
    assert watch is not None
    return watch


def say(story: Story, line: str, by: str = "ana") -> str:
    text = run(story.context, line, by, now=story.clock.now()).text
    story.pump()
    return text


def told(story: Story, kind: str = "handoff") -> list[tuple[str, float]]:
    """Who was told, and how many hours after the beginning."""
    found = [(one.message.recipient, round(story.minute(one.at) / 60, 2)) for one in story.taken(kind)]
    return sorted(found, key=lambda one: (one[1], one[0]))


def message(story: Story, recipient: str, kind: str = "handoff") -> Message:
    """The last message of a kind to somebody."""
    return next(one.message for one in reversed(story.taken(kind)) if one.message.recipient == recipient)


def audit(story: Story, action: str) -> list[Any]:
    with story.context.store.read() as tx:
        return [one for one in interventions.audit(tx) if one.action == action]


# The notices.


@on_every_database
def test_the_channel_and_both_people_are_told_once_at_the_hand_off(tell: Tell) -> None:
    story = begin(tell)
    story.advance(hours=5.9)
    assert told(story) == []
    story.advance(hours=0.2)
    assert told(story) == [("#web", 6), ("ana", 6), ("ben", 6)]
    assert message(story, "#web").text.splitlines()[0] == (
        "*Ben Example* is on call for *web*, until Wed 4 Mar 09:00 UTC. Before: Ana Example."
    )
    assert message(story, "ben").text == (
        "You are on call for web now, until Wed 4 Mar 04:00 EST.\n"
        "Before you: Ana Example.\n"
        "Nothing is open.\n"
        "Last shift: 0 pages, 0 alerts fired\n"
        "Cannot take it? Type: oncall cover me now 8h web\n"
        "http://127.0.0.1:8080/oncall"
    )
    assert message(story, "ben").subject == "You are on call for web"
    assert message(story, "ana").text == (
        "Your shift on web is over. On call now: Ben Example, until Wed 4 Mar 10:00 CET."
    )
    story.advance(hours=24)
    assert told(story)[3:] == [("#web", 30), ("ben", 30), ("dan", 30)]


@on_every_database
def test_several_replicas_and_restarts_tell_it_once(tell: Tell) -> None:
    story = begin(tell)
    if story.url != "sqlite://":
        other = story.replica()
        handoffs.schedule_all(other.context, now=story.clock.now())
        pump(other.context, now=story.clock.now)
        story.until(NIGHT + 6 * HOUR)
        pump(other.context, now=story.clock.now)
        handoffs.look(other.context, "web", now=story.clock.now())
    story.until(NIGHT + 6 * HOUR)
    story.restart() if story.url != "sqlite://" else watched(story)
    watched(story)
    handoffs.look(story.context, "web", now=story.clock.now())
    story.pump()
    assert told(story) == [("#web", 6), ("ana", 6), ("ben", 6)]


def test_after_a_downtime_only_the_hand_off_that_counts_is_told(tell: Tell) -> None:
    story = begin(tell, handoff="{tap: off}")
    story.sleep_through(hours=32)
    watched(story)
    assert told(story) == [("#web", 32), ("ana", 32), ("dan", 32)]
    assert "Before: Ana Example" in message(story, "#web").text
    assert message(story, "dan").text.startswith("You are on call for web now, until Thu 5 Mar 09:00 UTC.")


def test_a_cover_hands_over_when_it_begins_when_it_ends_and_when_it_is_cut_off(tell: Tell) -> None:
    story = begin(tell, handoff="{tap: off}")
    wanted = Wanted(cover=("cleo",), start=NIGHT + HOUR, end=NIGHT + 3 * HOUR)
    roster.make_override(story.context, "web", wanted, actor="ben", now=story.clock.now())
    story.advance(hours=2)
    assert told(story) == [("#web", 1), ("ana", 1), ("cleo", 1)]
    (number,) = re.findall(r"override (\d+)", say(story, "override list"))[:1] or ["1"]
    say(story, f"override end {number}", "ben")
    assert told(story)[3:] == [("#web", 2), ("ana", 2), ("cleo", 2)]
    story.advance(hours=3)
    assert len(told(story)) == 6


def test_another_configuration_hands_over_as_well_and_mere_order_does_not(tell: Tell) -> None:
    story = begin(tell, handoff="{tap: off}", layers=DAILY.replace("[ana], [ben], [dan]", "[ana, ben]"))
    configure(story, "{tap: off}", layers=DAILY.replace("[ana], [ben], [dan]", "[ben, ana]"))
    watched(story)
    assert told(story) == []
    configure(story, "{tap: off}", layers=DAILY.replace("[ana], [ben], [dan]", "[ben, cleo]"))
    watched(story)
    assert told(story) == [("#web", 0), ("ana", 0), ("cleo", 0)]
    assert "On call now: Ben Example and Cleo Example." in message(story, "cleo").text


def test_a_gap_is_told_too(tell: Tell) -> None:
    office = DAILY.replace(
        "people: [[ana], [ben], [dan]]", 'people: [[ana]], windows: [{from: "09:00", to: "17:00"}]'
    )
    story = begin(tell, handoff="{tap: off}", layers=office)
    story.advance(hours=15)
    assert told(story) == [("#web", 6), ("ana", 6), ("#web", 14), ("ana", 14)]
    assert message(story, "#web").text.startswith(
        "*Nobody is on call for web*, until Wed 4 Mar 09:00 UTC. Before: Ana Example."
    )


def test_notices_the_brief_and_the_channel_can_be_chosen(tell: Tell) -> None:
    story = begin(tell, handoff='{tap: off, brief: false, channel: "#hand-offs"}')
    story.advance(hours=7)
    assert told(story) == [("#hand-offs", 6), ("ana", 6), ("ben", 6)]
    assert "Last shift" not in message(story, "ben").text
    configure(story, "{tap: off, notices: false}")
    watched(story)
    story.advance(hours=48)
    assert len(told(story)) == 3


def test_the_brief_says_what_is_open_what_fired_and_what_ends(tell: Tell) -> None:
    story = begin(tell, handoff="{tap: off}")
    story.fires()
    story.says("ack")
    story.says("lead @ana")
    story.fires(alertname="DiskFull", instance="a")
    story.fires(alertname="DiskFull", instance="b")
    story.says("snooze 8h")
    story.until(NIGHT + 6 * HOUR)
    text = message(story, "ben").text
    assert (
        "Open: 2\n- INC-1 [P1] HighErrorRate – investigating, Ana Example leads\n- INC-2 [P1] DiskFull"
        in text
    )
    assert "3 alerts fired\n- DiskFull ×2\n- HighErrorRate ×1" in text
    assert "Last shift: 2 pages" in text
    assert "Ends in your shift:\n- Tue 3 Mar 06:00 EST: INC-2 is snoozed" in text
    assert (
        "You still lead INC-1 [P1] HighErrorRate: hand it over with lead @name" in message(story, "ana").text
    )
    assert (
        "<http://127.0.0.1:8080/incidents/INC-1|INC-1> HighErrorRate – investigating"
        in message(story, "#web").text
    )


def a_silence(ends: str, **more: Any) -> dict[str, Any]:
    matchers = [
        {"name": "alertname", "value": "DiskFull", "isRegex": False, "isEqual": True},
        {"name": "instance", "value": "db-.*", "isRegex": True, "isEqual": False},
        {"name": "env", "value": "test", "isRegex": False, "isEqual": False},
    ]
    return {
        "status": {"state": "active"},
        "matchers": matchers,
        "endsAt": ends,
        "comment": "new disks",
        **more,
    }


def test_the_brief_says_which_silences_end_in_the_shift(tell: Tell) -> None:
    story = begin(tell, handoff="{tap: off}")
    with AlertmanagerApi(story.alertmanager) as api:
        api.silences = [
            a_silence("2026-03-03T20:00:00.000Z"),
            a_silence("2026-03-03T20:00:00.000Z", status={"state": "expired"}),
            a_silence("2026-04-03T20:00:00.000Z", comment="after the shift"),
            a_silence("never"),
            "nonsense",
        ]
        source = f'  - {{name: alertmanager, kind: alertmanager, api_url: "{api.url}"}}'
        configure(story, "{tap: off}", sources=source)
        watched(story)
        story.until(NIGHT + 6 * HOUR)
        text = message(story, "ben").text
        wanted = 'silence {alertname="DiskFull", instance!~"db-.*", env!="test"}: new disks'
        assert f"Ends in your shift:\n- Tue 3 Mar 15:00 EST: {wanted}" in text
        assert "after the shift" not in text
        asked = [path for path in api.asked if "silences" in path]
        assert len(asked) == 1, "asked once, when there is something to tell"

        api.broken = True
        story.advance(hours=24)
        assert "silence" not in message(story, "ana").text


def test_a_private_incident_is_not_told_to_the_channel_nor_by_its_title(tell: Tell) -> None:
    story = begin(tell, handoff="{tap: off}")
    commands.declare(
        story.context, title="A secret", actor="ana", source="test", private=True, now=story.clock.now()
    )
    story.until(NIGHT + 6 * HOUR)
    assert "INC-1" not in message(story, "#web").text
    assert "secret" not in message(story, "ben").text
    assert "- INC-1 [P1] private" in message(story, "ben").text


def test_the_alerts_of_a_private_incident_are_told_to_no_channel(tell: Tell) -> None:
    story = begin(tell, handoff="{tap: off}")
    for name in ("Quokka", "Other"):
        story.fires(alertname=name)
    story.says("private INC-1")
    story.until(NIGHT + 6 * HOUR)
    for whom in ("#web", "ben"):
        assert "Other ×1" in message(story, whom).text
        assert "Quokka" not in message(story, whom).text


def test_the_low_urgency_channels_are_used_and_nobody_who_is_gone_is_told(tell: Tell) -> None:
    people = PEOPLE.replace(
        "slack: U0BEN}", 'slack: U0BEN, phone: "+4915100000002", notify: {low: [{by: sms}]}}'
    )
    story = begin(tell, handoff="{tap: off}", people=people)
    story.advance(hours=7)
    vias = {one.message.recipient: one.via for one in story.taken("handoff")}
    assert vias == {"#web": "slack", "ana": "slack", "ben": "sms"}


def test_a_schedule_that_is_gone_is_looked_at_no_more(tell: Tell) -> None:
    story = begin(tell)
    handoffs.schedule_all(story.context, now=story.clock.now())
    with story.context.store.write() as tx:
        timers.set_timers(tx, [handoffs.timer("gone", story.clock.now())], now=story.clock.now())
    story.pump()
    with story.context.store.read() as tx:
        assert not kept.lock(tx, "gone")
    handoffs.look(story.context, "gone", now=story.clock.now())


def test_a_replica_with_the_older_configuration_waits(tell: Tell) -> None:
    story = begin(tell, handoff="{tap: off}")
    story.clock.advance(timedelta(seconds=1))
    newer = story.replica()
    story.write(documents(layers=DAILY.replace("[ana], [ben], [dan]", "[cleo]")))
    newer.context.live.reload(now=story.clock.now())
    watched(story)
    assert told(story) == []
    handoffs.look(story.context, "nowhere", now=story.clock.now())
    handoffs.schedule_all(newer.context, now=story.clock.now())
    pump(newer.context, now=story.clock.now)
    assert [who for who, _ in told(story)] == ["#web", "ana", "cleo"]


def test_one_schedule_that_cannot_be_looked_at_does_not_stop_the_others(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = begin(tell, handoff="{tap: off}")

    def broken(*_args: Any, **_more: Any) -> None:
        raise RuntimeError("no")

    with monkeypatch.context() as patch:
        patch.setattr(handoffs, "_look", broken)
        handoffs.schedule_all(story.context, now=story.clock.now())
        assert tick(story.context, now=story.clock.now()) == 2
    story.advance(minutes=1)
    story.until(NIGHT + 6 * HOUR)
    assert told(story) == [("#web", 6), ("ana", 6), ("ben", 6)]


# The tap.


def asked(story: Story, who: str = "ben") -> str:
    """The token that somebody was sent last."""
    url = message(story, who, "tap").url
    assert url is not None
    return url.rpartition("/")[2]


@on_every_database
def test_who_comes_is_asked_and_by_a_tap_everybody_is_at_rest(tell: Tell) -> None:
    story = begin(tell)
    story.advance(hours=5.5)
    assert told(story, "tap") == [("ben", 5.5)]
    text = message(story, "ben", "tap").text
    assert text.splitlines()[:2] == [
        "Your shift on web starts at Tue 3 Mar 04:00 EST (America/New_York).",
        "Tap to say you are reachable:",
    ]
    token = asked(story)
    view = taps.shown(story.context, token, now=story.clock.now())
    assert (view.name, view.schedule, view.tapped_at, view.over) == ("Ben Example", "web", None, False)
    story.advance(minutes=11)
    tapped = taps.tap(story.context, token, now=story.clock.now())
    assert tapped.tapped_at == story.clock.now()
    story.advance(minutes=3)
    assert taps.tap(story.context, token, now=story.clock.now()).tapped_at == tapped.tapped_at
    story.advance(hours=1)
    assert told(story, "untapped") == []
    assert "web: Ben Example (ben) until Wed 4 Mar 10:00 CET, confirmed 09:41 – " in say(story, "web")
    assert [one.actor for one in audit(story, "tap.confirmed")] == ["ben"]
    with story.context.store.read() as tx:
        kept_text = repr(list(tx.connection.exec_driver_sql("SELECT * FROM tap_link")))
        queued = repr(list(tx.connection.exec_driver_sql("SELECT * FROM outbox")))
    assert token not in kept_text + queued


def test_without_a_tap_those_on_call_and_the_lead_are_told_what_to_do(tell: Tell) -> None:
    story = begin(tell, teams=TEAMS.replace("lead: ben", "lead: cleo"))
    story.advance(hours=6)
    assert told(story, "untapped") == [
        ("ana", 5.92),
        ("cleo", 5.92),
    ]
    assert message(story, "ana", "untapped").text == (
        "Ben Example has not said that they are reachable for web; the shift starts at Tue 3 Mar 10:00 CET.\n"
        "Asked at Tue 3 Mar 09:30 CET.\n"
        "You are on call until then. Call Ben Example, or stay: oncall override @me 2026-03-03 10:00 4h web\n"
        "http://127.0.0.1:8080/oncall"
    )
    assert "or put somebody else on: oncall override @name 2026-03-03 09:00 4h web" in (
        message(story, "cleo", "untapped").text
    )
    (missed,) = audit(story, "tap.missed")
    assert missed.data["told"] == ["ana", "cleo"]
    # Nobody is taken off call for it, and a late word still counts.
    assert "web: Ben Example" in say(story, "web")
    assert say(story, "here", "ben").startswith(
        "Thank you: you are reachable for web from Tue 3 Mar 04:00 EST"
    )
    assert "confirmed 10:00" in say(story, "web")
    assert told(story, "swap") == [("ana", 6), ("cleo", 6)]
    assert message(story, "ana", "swap").text.startswith("Ben Example is reachable for web after all\n")
    assert "said so already, at Tue 3 Mar 04:00 EST" in say(story, "here", "ben")


def test_what_the_message_says_to_type_works(tell: Tell) -> None:
    story = begin(tell)
    story.until(NIGHT + timedelta(hours=5, minutes=56))
    line = message(story, "ana", "untapped").text.partition("or stay: ")[2].splitlines()[0]
    assert "Ana Example covers web: Tue 3 Mar 10:00 – 14:00 CET" in say(story, line)
    assert (
        say(story, "here", "dan")
        == "Nobody asked you yet. Your next shift, web 2026-03-04, begins Wed 4 Mar 09:00 UTC."
    )


def test_a_person_is_asked_again_by_their_other_channels_until_they_answer(tell: Tell) -> None:
    high = "[{by: slack}, {by: sms, after: 10m}, {by: voice, after: 20m}, {by: webhook, after: 40m}]"
    notify = f"{{high: {high}, low: [{{by: slack}}]}}"
    people = PEOPLE.replace("slack: U0BEN}", 'slack: U0BEN, phone: "+4915100000002"}')
    story = begin(tell, notify=notify, people=people)
    story.until(NIGHT + timedelta(hours=5, minutes=45))
    assert [one.via for one in story.taken("tap")] == ["slack", "sms"]
    first, second = (str(one.message.url).rpartition("/")[2] for one in story.taken("tap"))
    assert first != second
    taps.tap(story.context, first, now=story.clock.now())
    assert taps.shown(story.context, second, now=story.clock.now()).tapped_at == story.clock.now()
    story.advance(hours=1)
    assert [one.via for one in story.taken("tap")] == ["slack", "sms"]


def test_a_link_is_over_an_hour_after_the_beginning(tell: Tell) -> None:
    story = begin(tell)
    story.until(NIGHT + 7 * HOUR)
    token = asked(story)
    assert taps.shown(story.context, token, now=story.clock.now()).over
    with pytest.raises(Exception, match="began more than an hour ago; `oncall web` shows who is on call"):
        taps.tap(story.context, token, now=story.clock.now())
    with pytest.raises(Exception, match="not one that I sent; type `oncall here` instead"):
        taps.shown(story.context, "nonsense", now=story.clock.now())


def test_who_goes_on_is_not_asked_nor_who_comes_at_once(tell: Tell) -> None:
    story = begin(tell, layers=DAILY.replace("[ana], [ben], [dan]", "[ana], [ana], [dan]"))
    story.until(NIGHT + 7 * HOUR)
    say(story, "override @cleo now 1h web")
    assert told(story, "tap") == []


def test_nobody_is_told_of_a_shift_that_somebody_else_took(tell: Tell) -> None:
    story = begin(tell)
    story.until(NIGHT + timedelta(hours=5, minutes=40))
    say(story, "cover web 2026-03-03 for @ben", "dan")
    story.until(NIGHT + 7 * HOUR)
    assert told(story, "untapped") == [
        ("ana", 5.92),
        ("ben", 5.92),
    ]
    assert "Dan Example has not said" in message(story, "ana", "untapped").text


def test_the_tap_can_be_switched_off_and_its_lead_chosen(tell: Tell) -> None:
    story = begin(tell, handoff="{tap: 2h}")
    story.until(NIGHT + 4 * HOUR)
    assert told(story, "tap") == [("ben", 4)]
    configure(story, "{tap: off}")
    watched(story)
    story.advance(hours=48)
    assert told(story, "tap") == [("ben", 4)]


# When the rules of the world's clocks change (R3).


@on_every_database
def test_hand_offs_that_moved_are_told_and_only_those(tell: Tell) -> None:
    story = begin(tell, handoff="{tap: off}")
    watch = counted(story)
    with story.context.store.write() as tx:
        late = [
            replace(one, start=one.start + HOUR, end=one.end + HOUR) if number > 2 else replace(one)
            for number, one in enumerate(watch.shifts)
        ]
        late[2] = replace(late[2], end=late[3].start)
        kept.save_watch(tx, replace(watch, clocks="2020a", shifts=tuple(late[:5]), counted_until=late[4].end))
    story.restart() if story.url != "sqlite://" else None
    watched(story)
    (one,) = story.taken("moved")
    assert one.message.recipient == "#web"
    assert one.message.text.splitlines()[0].startswith(
        "*Hand-offs of web moved*: the rules of the world's clocks changed (2020a to 20"
    )
    assert "• Ana Example: Thu 5 Mar 10:00 UTC" in one.message.text
    assert "→ Thu 5 Mar 09:00 UTC (2026-03-05 09:00 UTC)" in one.message.text
    (entry,) = audit(story, "handoffs.moved")
    assert [moved["people"] for moved in entry.data["moved"]] == [["Ana Example"], ["Ben Example"]]
    watched(story)
    assert len(story.taken("moved")) == 1


def test_where_nothing_moved_only_the_version_is_recorded(tell: Tell) -> None:
    story = begin(tell, handoff="{tap: off}")
    watch = counted(story)
    with story.context.store.write() as tx:
        kept.save_watch(tx, replace(watch, clocks="2020a"))
    story.advance(hours=1)
    watched(story)
    assert story.taken("moved") == []
    with story.context.store.read() as tx:
        found = kept.watch(tx, "web")
    assert found is not None
    assert found.clocks != "2020a"


def test_another_configuration_is_not_the_clocks_doing(tell: Tell) -> None:
    story = begin(tell, handoff="{tap: off}")
    watch = counted(story)
    with story.context.store.write() as tx:
        kept.save_watch(tx, replace(watch, clocks="2020a", digest="another", shifts=()))
    watched(story)
    assert story.taken("moved") == []


def test_the_shifts_ahead_are_kept_anew_every_day(tell: Tell) -> None:
    story = begin(tell, layers=DAILY.replace("[ana], [ben], [dan]", "[ana]"))
    story.advance(days=3)
    with story.context.store.read() as tx:
        watch = kept.watch(tx, "web")
    assert watch is not None
    assert story.clock.now() - watch.counted_at < timedelta(days=1)
    assert watch.counted_until - watch.counted_at == handoffs.AHEAD


def test_they_are_counted_anew_some_minutes_after_a_change_and_not_before(tell: Tell) -> None:
    story = begin(tell, handoff="{tap: off}")
    first = counted(story)
    handoffs.look(story.context, "web", now=story.clock.now())
    story.advance(minutes=20)
    say(story, "override @cleo fri 18:00 8h web")
    story.advance(minutes=11)
    with story.context.store.read() as tx:
        found = kept.watch(tx, "web")
    assert found is not None
    assert found.counted_at > first.counted_at
    assert ("cleo",) in [one.people for one in found.shifts]
    configure(story, "{tap: off, brief: false}")
    watched(story)
    story.advance(minutes=11)
    with story.context.store.read() as tx:
        newest = kept.watch(tx, "web")
    assert newest is not None
    assert newest.counted_at > found.counted_at
