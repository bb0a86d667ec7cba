"""What the On-call pages show agrees with who is paged, on every clock, over reloads and over what people change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from incident_bot.core.errors import NotFound
from incident_bot.core.oncall import Advance, Layer, Rotation, Slot, Turn, Unit
from incident_bot.core.walltime import Window
from incident_bot.flow import oncall_board, oncall_page, oncall_words, roster
from incident_bot.flow.oncall_page import Seen
from incident_bot.flow.roster import Wanted
from tests.plugins.story import START, Story, on_every_database
from tests.plugins.story_files import TEAMS, documents

Tell = Callable[..., Story]
HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")
RICH = """
  - name: office
    priority: 30
    time_zone: America/New_York
    turn: {unit: days, every: 1, anchor: "2026-01-05T09:00"}
    people: [[ana], [ben, cleo]]
    windows: [{days: mon-fri, from: "09:00", to: "17:00"}]
  - name: night
    priority: 20
    turn: {unit: hours, every: 6, anchor: "2026-01-05T00:00"}
    people: [[dan], [], [cleo]]
    windows: [{days: mon-sun, from: "20:00", to: "06:00"}]
  - name: week
    priority: 10
    turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}
    people: [[ana], []]
"""


def look(
    story: Story, first: date, days: int = 7, zone: str = "Europe/Berlin", schedule: str = "web"
) -> Seen:
    return oncall_page.seen(
        story.context, schedule, first=first, days=days, zone=ZoneInfo(zone), now=story.clock.now()
    )


def at(seen: Seen, instant: datetime) -> tuple[str, ...]:
    """Whom the parts of the days name at the instant."""
    (part,) = [one for day in seen.days for one in day.parts if one.start <= instant < one.end]
    return part.turn.people


@pytest.mark.parametrize(
    "first", [date(2026, 3, 2), date(2026, 3, 23), date(2026, 10, 19), date(2026, 12, 28)]
)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC", "Australia/Lord_Howe"])
def test_every_cell_names_who_would_be_paged(tell: Tell, first: date, zone: str) -> None:
    story = tell(layers=RICH)
    roster.make_override(
        story.context, "web",
        Wanted(cover=("fay",), start=START + 30 * HOUR, end=START + 40 * HOUR), actor="ben", now=START,
    )  # fmt: skip
    seen = look(story, first, zone=zone)
    assert [day.start for day in seen.days[1:]] == [day.end for day in seen.days[:-1]]
    instant = seen.start + HOUR / 2
    while instant < seen.end:
        paged = {one.person for one in roster.on_call(story.context, schedule="web", at=instant)}
        assert set(at(seen, instant)) == paged, instant
        instant += HOUR


def test_the_days_on_which_clocks_change_are_as_long_as_they_are(story: Story) -> None:
    def hours(first: date, zone: str = "Europe/Berlin") -> list[float]:
        return [(day.end - day.start) / HOUR for day in look(story, first, zone=zone).days]

    assert hours(date(2026, 3, 23)) == [24, 24, 24, 24, 24, 24, 23]
    assert hours(date(2026, 10, 19)) == [24, 24, 24, 24, 24, 24, 25]
    assert hours(date(2026, 10, 19), "UTC") == [24] * 7
    assert [day.shift for day in look(story, date(2026, 3, 23)).days][-2:] == [timedelta(0), -HOUR]


def test_a_shift_is_shown_as_long_as_it_truly_is(tell: Tell) -> None:
    story = tell(layers=RICH)
    seen = look(story, date(2026, 3, 10), days=1)
    assert seen.turns[0].start < seen.start
    assert seen.turns[-1].end > seen.end
    assert all(turn.opened and turn.closed for turn in seen.turns)
    assert [one.start for one in seen.turns[1:]] == [one.end for one in seen.turns[:-1]]
    assert seen.gaps == tuple(turn for turn in seen.turns if not turn.people)
    assert seen.gaps


def test_one_without_an_end_in_sight_says_so(story: Story) -> None:
    (turn,) = look(story, date(2026, 3, 2)).turns
    assert (turn.people, turn.opened, turn.closed) == (("ana",), False, False)


def test_each_layer_shows_what_it_alone_would_say(tell: Tell) -> None:
    story = tell(layers=RICH)
    office, night, week = look(story, date(2026, 3, 2)).layers
    assert [office.name, night.name, week.name] == ["office", "night", "week"]
    assert office.windows == ("Mon–Fri 09:00 to 17:00",)
    assert {turn.people for turn in office.shifts} == {("ana",), ("ben", "cleo")}
    assert [place.people for place in night.ring] == [("dan",), (), ("cleo",)]
    assert {turn.people for turn in night.shifts} == {("dan",), ("cleo",)}
    assert week.turns == "1 week each, changes Mon 09:00"
    assert (office.time_zone, week.time_zone, office.adds) == ("America/New_York", "UTC", False)


@on_every_database
def test_past_days_show_what_was_in_force_then(tell: Tell) -> None:
    story = tell()
    story.advance(days=2)
    story.configure(layers=RICH.replace("[ana]", "[dan]"))
    changed = story.clock.now()
    story.advance(days=1)
    seen = look(story, date(2026, 3, 2))
    assert at(seen, START) == ("ana",)
    assert at(seen, changed + 20 * HOUR) != ("ana",)
    assert seen.changes == (changed,)
    assert look(story, date(2026, 3, 9)).changes == ()


def test_a_schedule_that_is_gone_shows_its_past(tell: Tell) -> None:
    story = tell()
    story.advance(days=2)
    kept = documents(teams=TEAMS.replace("schedule: data, ", ""))
    del kept["rotations/schedules/data.yaml"]
    assert story.reload(kept).ok
    seen = look(story, date(2026, 3, 2), schedule="data")
    assert not seen.in_force
    assert at(seen, START) == ("dan",)
    assert at(seen, story.clock.now() + HOUR) == ()


def test_overrides_of_files_and_of_people_stand_together(tell: Tell) -> None:
    written = (
        'overrides:\n  - {cover: [dan], start: "2026-03-04T09:00", end: "2026-03-04T12:00", reason: swap}\n'
        '  - {add: [cleo], start: "2026-03-01T09:00", end: "2026-03-02T12:00"}\n'
        '  - {remove: ana, start: "2026-05-01T09:00", end: "2026-05-02T12:00"}\n'
    )
    story = tell(layers=RICH + written)
    for wanted in (
        Wanted(replace="ana", by="dan", start=START + 48 * HOUR, end=START + 50 * HOUR, reason="dentist"),
        Wanted(remove="ana", start=START + 60 * HOUR, end=START + 61 * HOUR),
        Wanted(cover=(), nobody=True, reason="closed", start=START + 70 * HOUR, end=START + 71 * HOUR),
    ):
        roster.make_override(story.context, "web", wanted, actor="ben", now=START)
    roster.end_override(story.context, 2, actor="ben", now=START)
    told = [
        (one.id, one.people, one.instead_of, one.added, one.state, one.by)
        for one in look(story, date(2026, 3, 2)).overrides
    ]
    assert told == [
        (None, ("cleo",), None, True, "ended", None),
        (None, ("dan",), None, False, "planned", None),
        (1, ("dan",), "ana", False, "planned", "ben"),
        (2, (), "ana", False, "cancelled", "ben"),
        (3, (), None, False, "planned", "ben"),
    ]


def test_absences_stand_with_their_reason(tell: Tell) -> None:
    away = 'absences:\n  - {who: ana, start: "2026-03-04T09:00", end: "2026-03-05T12:00", reason: leave}\n'
    story = tell(layers=RICH + away)
    (one,) = look(story, date(2026, 3, 2)).absences
    assert (one.person, one.reason) == ("ana", "leave")
    assert look(story, date(2026, 3, 9)).absences == ()


def test_an_unknown_schedule_is_refused_with_the_nearest(story: Story) -> None:
    with pytest.raises(NotFound, match="There is no schedule 'wbe'; did you mean \"web\""):
        look(story, date(2026, 3, 2), schedule="wbe")


def test_the_board_says_who_answers_and_what_comes_next(tell: Tell) -> None:
    story = tell(layers=RICH)
    now = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
    board = oncall_board.board(story.context, "ana", now=now)
    data, web = board.schedules
    assert ([one.person for one in data.answering], data.until, data.gaps) == (["dan"], None, ())
    assert [one.person for one in web.answering] == ["ana"]
    assert web.until == datetime(2026, 3, 10, 21, 0, tzinfo=UTC)
    assert web.after == ()
    assert web.gaps[0].start == web.until
    assert all(one.schedule == "web" and "ana" in one.shift.people for one in board.mine)
    assert [one.shift.start for one in board.mine] == sorted(one.shift.start for one in board.mine)
    assert oncall_board.board(story.context, "nobody", now=now).mine == ()


def test_the_board_of_a_gap_names_who_ends_it(tell: Tell) -> None:
    story = tell(layers=RICH)
    board = oncall_board.board(story.context, "", now=datetime(2026, 3, 10, 21, 30, tzinfo=UTC))
    web = board.schedules[1]
    assert web.answering == ()
    assert web.until is not None
    who = {one.person for one in roster.on_call(story.context, schedule="web", at=web.until)}
    assert set(web.after) == who


def test_a_schedule_without_anybody_has_no_next(tell: Tell) -> None:
    story = tell()
    now = story.clock.now()
    roster.make_override(
        story.context, "web",
        Wanted(cover=(), nobody=True, reason="closed", end=now + timedelta(days=60)), actor="ben", now=now,
    )  # fmt: skip
    web = oncall_board.board(story.context, "", now=now).schedules[1]
    assert (web.answering, web.until, web.after) == ((), None, ())
    assert [one.deliberate for one in web.gaps] == [True]


@pytest.mark.parametrize(
    "window, said",
    [
        (Window.daily("09:00", "17:00", "mon-fri"), "Mon–Fri 09:00 to 17:00"),
        (Window.daily("20:00", "06:00"), "every day 20:00 to 06:00 the next day"),
        (Window.daily("00:00", "24:00", "sat,sun"), "Sat, Sun 00:00 to 24:00"),
        (Window.daily("08:00", "12:00", "fri-mon"), "Fri–Mon 08:00 to 12:00"),
        (Window.daily("08:00", "12:00", "mon,wed,fri"), "Mon, Wed, Fri 08:00 to 12:00"),
        (Window.daily("08:00", "12:00", "tue", except_holidays=True), "Tue 08:00 to 12:00, not on holidays"),
        (Window.daily("08:00", "12:00", only_holidays=True), "every day 08:00 to 12:00, on holidays only"),
        (Window.weekly("fri 18:00", "mon 09:00"), "Fri 18:00 to Mon 09:00"),
        (Window.weekly("fri 18:00", "sun 24:00"), "Fri 18:00 to Sun 24:00"),
    ],
)
def test_windows_in_words(window: Window, said: str) -> None:
    assert oncall_words.window(window) == said


@pytest.mark.parametrize(
    "unit, every, said",
    [
        (Unit.WEEKS, 1, "1 week each, changes Mon 09:30"),
        (Unit.WEEKS, 2, "2 weeks each, changes Mon 09:30"),
        (Unit.DAYS, 1, "1 day each, changes at 09:30"),
        (Unit.MONTHS, 1, "1 month each, changes on day 5 at 09:30"),
        (Unit.HOURS, 8, "8 hours each, counted from 09:30"),
        (Unit.ELAPSED_HOURS, 36, "36 elapsed hours each, counted from 2026-01-05 09:30"),
    ],
)
def test_turns_in_words(unit: Unit, every: int, said: str) -> None:
    turn = Turn(unit=unit, every=every, anchor=datetime(2026, 1, 5, 9, 30))  # noqa: DTZ001 - local on purpose
    rotation = Rotation(turn=turn, slots=(Slot(people=("ana",)),))
    assert oncall_words.turns(Layer(name="x", priority=1, zone=BERLIN, says=rotation)) == said


def test_turns_in_a_row_and_active_days_are_said() -> None:
    turn = Turn(unit=Unit.DAYS, every=1, anchor=datetime(2026, 1, 5))  # noqa: DTZ001 - as above
    rotation = Rotation(
        turn=turn, slots=(Slot(people=("ana",)),), turns_per_slot=2, advance=Advance.ACTIVE_DAYS
    )
    layer = Layer(
        name="x", priority=1, zone=BERLIN, says=rotation, windows=(Window.daily("09:00", "10:00", "mon-fri"),)
    )
    said = "1 day each, changes at 00:00, 2 turns in a row, counting only the days on which a window opens"
    assert oncall_words.turns(layer) == said
    assert oncall_words.turns(Layer(name="x", priority=1, zone=BERLIN, says=())) == "booked in a calendar"
