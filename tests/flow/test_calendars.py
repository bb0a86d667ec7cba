"""Calendars agree with the solver, come back as layers unchanged, and keep reaching ahead while the bot runs."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar

from incident_bot.config.loader import load_texts
from incident_bot.core.errors import NotFound
from incident_bot.core.oncall import Rotation, Shift, shifts, who
from incident_bot.flow import calendars, roster
from incident_bot.flow.calendars import FeedKind
from incident_bot.flow.roster import Wanted
from incident_bot.flow.worker import Worker
from incident_bot.render.calendars import Entry, calendar
from tests.plugins.story import START, Story, on_every_database
from tests.plugins.story_files import documents

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)

WEEKS = """
  - {name: week, priority: 10, turn: {unit: weeks, anchor: "2026-01-05T09:00"}, people: [[ana], [ben], [cleo]]}
  - name: office
    priority: 20
    time_zone: Europe/Berlin
    turn: {unit: days, every: 1, anchor: "2026-01-05T02:30"}
    people: [[dan], [fay, theo], []]
    windows: [{days: mon-fri, from: "02:00", to: "10:00"}, {start: "sat 22:00", end: "sun 03:30"}]
  - name: besides
    priority: 30
    mode: add
    turn: {unit: hours, every: 12, anchor: "2026-01-05T08:00"}
    people: [{who: [theo], until: "2026-07-01T00:00"}, []]
overrides:
  - {cover: [cleo], start: "2026-03-29T00:30:00Z", end: "2026-03-29T01:30:00Z"}
  - {replace: ana, by: fay, start: "2026-10-25T00:00", end: "2026-10-26T00:00"}
absences:
  - {who: ben, start: "2026-05-01T00:00", end: "2026-05-20T12:00"}
"""
MONTHS = """
  - name: month
    priority: 1
    turn: {unit: months, every: 1, anchor: "2025-12-31T10:00"}
    people: [[ana], [ben]]
  - name: real
    priority: 2
    turn: {unit: elapsed_hours, every: 37, anchor: "2026-01-05T09:00"}
    empty: block
    people: [[cleo], [], [dan, ana]]
    windows: [{from: "21:00", to: "05:00"}]
"""
YEARS = {
    "weeks in New York": (WEEKS, "America/New_York"),
    "weeks in Cairo": (WEEKS, "Africa/Cairo"),
    "months on Lord Howe": (MONTHS, "Australia/Lord_Howe"),
}


def read_back(text: str) -> list[tuple[datetime, datetime, tuple[str, ...]]]:
    """What a calendar program reads."""
    found = []
    events: list[Any] = list(Calendar.from_ical(text).walk("VEVENT"))
    for event in events:
        listed = event["X-INCIDENT-BOT-PERSON"]
        people = tuple(str(one) for one in (listed if isinstance(listed, list) else [listed]))
        found.append((event["DTSTART"].dt, event["DTEND"].dt, people))
    return found


def instants(found: Iterable[Shift], start: datetime, end: datetime) -> Iterator[datetime]:
    """Every change and the seconds around it, and minutes drawn by lot."""
    chance = random.Random(7)  # noqa: S311 - which minutes are looked at needs no secret
    for one in found:
        for moment in (one.start, one.end):
            yield from (moment - SECOND, moment, moment + SECOND)
    minutes = int((end - start) / timedelta(minutes=1))
    yield from (start + timedelta(minutes=chance.randrange(minutes)) for _ in range(250))


@pytest.mark.parametrize("case", YEARS)
def test_the_export_agrees_with_the_solver_over_a_year(case: str) -> None:
    layers, zone = YEARS[case]
    files = documents(layers=layers)
    path = "rotations/schedules/web.yaml"
    revision = load_texts({**files, path: files[path].replace("Europe/Berlin", zone, 1)}, now=START)
    schedule = revision.schedules["web"]
    start = datetime(2026, 1, 1, tzinfo=START.tzinfo)
    end = start + 365 * DAY
    inactive = frozenset({"gus"})
    solved = shifts(schedule, (), start, end, inactive=inactive)
    events = read_back(
        calendar([Entry("web", one) for one in solved], name="x", people=revision.people, stamp=start)
    )
    assert len(events) > 100
    asked = sorted({at for at in instants(solved, start, end) if start <= at < end})
    running = iter([*events, (end, end, ())])
    begun, finished, people = next(running)
    for at in asked:
        while finished <= at:
            begun, finished, people = next(running)
        expected = {answer.person for answer in who(schedule, (), at, inactive=inactive)}
        assert (set(people) if begun <= at else set()) == expected, at


@on_every_database
def test_a_feed_is_what_the_roster_says(story: Story) -> None:
    story.advance(days=3)
    now = story.clock.now()
    wanted = Wanted(cover=("ben", "cleo"), start=now + DAY, end=now + 2 * DAY, reason="swap")
    roster.make_override(story.context, "web", wanted, actor="ana", now=now)
    feed = calendars.feed(story.context, FeedKind.SCHEDULE, "web", now=now)
    midnight = now.replace(hour=0, minute=0, second=0)
    found = roster.shifts(story.context, "web", start=midnight - 30 * DAY, end=midnight + 181 * DAY)
    assert read_back(feed.text) == [(one.start, one.end, one.people) for one in found]
    assert ("ben", "cleo") in {people for _, _, people in read_back(feed.text)}
    team = calendars.feed(story.context, FeedKind.TEAM, "web", now=now)
    assert read_back(team.text) == read_back(feed.text)
    mine = calendars.feed(story.context, FeedKind.PERSON, "ben", now=now)
    assert [people for _, _, people in read_back(mine.text)] == [("ben", "cleo")]


def test_past_days_are_by_what_was_in_force_then(story: Story) -> None:
    story.advance(days=10)
    story.configure(
        layers=documents()["rotations/schedules/web.yaml"].partition("layers:")[2].replace("[ana]", "[ben]")
    )
    now = story.clock.now()
    found = read_back(calendars.feed(story.context, FeedKind.SCHEDULE, "web", now=now).text)
    assert [people for _, _, people in found] == [("ana",), ("ben",)]
    assert found[0][1] == now


def test_who_is_on_no_schedule_has_an_empty_calendar(story: Story) -> None:
    assert read_back(calendars.feed(story.context, FeedKind.PERSON, "theo", now=START).text) == []
    for kind in FeedKind:
        with pytest.raises(NotFound):
            calendars.feed(story.context, kind, "nobody", now=START)


@pytest.mark.parametrize("layers", [WEEKS, MONTHS], ids=["weeks", "months"])
def test_a_feed_comes_back_as_a_layer_with_the_same_shifts(story: Story, layers: str) -> None:
    assert story.reload(documents(layers=layers)).ok
    now = story.clock.now()
    feed = calendars.feed(story.context, FeedKind.SCHEDULE, "web", now=now)
    fed = """
schedule: web
time_zone: Asia/Kathmandu
layers:
  - {name: copy, priority: 1, calendar: {file: calendars/web.ics}}
"""
    files = {**documents(layers=layers), "rotations/schedules/web.yaml": fed}
    start, end = now, now + 179 * DAY
    before = shifts(story.context.live.current.revision.schedules["web"], (), start, end)
    answer = story.reload({**files, "rotations/calendars/web.ics": feed.text})
    assert answer.ok
    after = shifts(story.context.live.current.revision.schedules["web"], (), start, end)
    assert [(one.start, one.end, set(one.people)) for one in after] == [
        (one.start, one.end, set(one.people)) for one in before
    ]


def test_what_a_calendar_booked_is_still_known_when_it_is_gone(story: Story) -> None:
    files = {
        **documents(layers=FED),
        "rotations/calendars/team.ics": SERIES.replace("SUMMARY:ana", "SUMMARY:ben"),
    }
    assert story.reload(files).ok
    began = story.clock.now()
    story.clock.advance(10 * DAY)
    assert story.reload(
        documents(layers=FED.replace("team.ics", "new.ics")) | {"rotations/calendars/new.ics": SERIES}
    ).ok
    found = roster.shifts(story.context, "web", start=began, end=story.clock.now() + 5 * DAY)
    assert [(one.start, one.people) for one in found] == [(began, ("ben",)), (story.clock.now(), ("ana",))]


SERIES = """BEGIN:VCALENDAR
BEGIN:VEVENT
UID:1
DTSTART:20260105T090000Z
DURATION:P7D
RRULE:FREQ=WEEKLY
SUMMARY:ana
END:VEVENT
END:VCALENDAR
"""
FED = "\n  - {name: team, priority: 10, calendar: {file: calendars/team.ics}}\n"


def last_booking(story: Story) -> datetime:
    says = story.context.live.current.revision.schedules["web"].layers[0].says
    assert not isinstance(says, Rotation)
    return says[-1].end


def test_a_running_bot_counts_calendars_out_anew_each_week(story: Story) -> None:
    assert story.reload({**documents(layers=FED), "rotations/calendars/team.ics": SERIES}).ok
    live, first = story.context.live, story.context.live.current
    reach = last_booking(story)
    worker = Worker(story.context, story.clock.now)
    story.clock.advance(6 * DAY)
    worker._tick(due=False)
    assert live.current is first
    story.clock.advance(8 * DAY)
    worker._tick(due=False)
    assert last_booking(story) - reach == 14 * DAY
    assert (live.current.revision.id, live.current.activated_at) == (first.revision.id, first.activated_at)
    assert not live.count_anew(now=story.clock.now())


def test_a_reload_counts_calendars_out_anew(story: Story) -> None:
    files = {**documents(layers=FED), "rotations/calendars/team.ics": SERIES}
    assert story.reload(files).ok
    first, reach = story.context.live.current, last_booking(story)
    story.clock.advance(3 * 7 * DAY)
    answer = story.reload(files)
    assert (answer.ok, answer.changed) == (True, False)
    assert last_booking(story) - reach == 21 * DAY
    assert story.context.live.current.activated_at == first.activated_at


def test_what_is_refused_by_then_stays_as_it_was(story: Story) -> None:
    hourly = SERIES.replace("P7D", "PT2H").replace("WEEKLY", "HOURLY;INTERVAL=2").replace("2026", "2018")
    assert story.reload({**documents(layers=FED), "rotations/calendars/team.ics": hourly}).ok
    first = story.context.live.current
    story.clock.advance(3 * 365 * DAY)
    assert not story.context.live.count_anew(now=story.clock.now())
    assert story.context.live.current is first


def test_a_link_is_on_the_record(story: Story) -> None:
    made = calendars.link(story.context, FeedKind.PERSON, "ana", by="ben", now=START)
    token = made.url.partition("token=")[2]
    assert calendars.opened_by(story.context, FeedKind.PERSON, "ana", token, now=START) is not None
    assert calendars.opened_by(story.context, FeedKind.PERSON, "ben", token, now=START) is None
    assert calendars.opened_by(story.context, FeedKind.TEAM, "ana", token, now=START) is None
    calendars.revoke(story.context, made.link.id, by="ben", now=START)
    assert calendars.opened_by(story.context, FeedKind.PERSON, "ana", token, now=START) is None
    with pytest.raises(NotFound):
        calendars.revoke(story.context, made.link.id, by="ben", now=START)
    with pytest.raises(NotFound):
        calendars.revoke(story.context, 2**70, by="ben", now=START)
