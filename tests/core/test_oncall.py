"""Who is on call: the reference cases of the rules, one line each (R1 to R14)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from incident_bot.core.oncall import (
    Answer,
    Cover,
    Empty,
    Gap,
    Layer,
    Rotation,
    Schedule,
    Shift,
    Slot,
    Turn,
    Unit,
    gaps,
    ignored,
    shifts,
    stretch,
    who,
)
from incident_bot.core.walltime import EARLIEST, LATEST, Window

SECOND = timedelta(seconds=1)
WEEK_ANCHOR = "2026-01-05T09:00"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def ring(text: str) -> tuple[Slot, ...]:
    """Read `alice bob - carol+dan`: four slots, the third empty."""
    return tuple(Slot(people=() if slot == "-" else tuple(slot.split("+"))) for slot in text.split())


def layer(
    people: str,
    *,
    zone: str = "America/New_York",
    anchor: str = WEEK_ANCHOR,
    unit: Unit = Unit.WEEKS,
    priority: int = 10,
    empty: Empty = Empty.FALLTHROUGH,
    windows: tuple[Window, ...] = (),
) -> Layer:
    return Layer(
        name=f"l{priority}",
        priority=priority,
        zone=ZoneInfo(zone),
        says=Rotation(
            turn=Turn(unit=unit, anchor=datetime.fromisoformat(anchor)), slots=ring(people), empty=empty
        ),
        windows=windows,
    )


def schedule(*layers: Layer, covers: tuple[Cover, ...] = ()) -> Schedule:
    return Schedule(name="p", zone=ZoneInfo("America/New_York"), layers=layers, overrides=covers)


def cover(people: str, start: str, end: str, reason: str = "") -> Cover:
    return Cover(
        people=tuple(people.split()), start=utc(start), end=utc(end), reason=reason, nobody=not people
    )


def names(of: Schedule, instant: datetime, *covers: Cover, inactive: frozenset[str] = frozenset()) -> str:
    return " ".join(answer.person for answer in who(of, covers, instant, inactive=inactive))


def sun(people: str, zone: str, start: str, end: str, priority: int) -> Layer:
    """Give one part of the follow-the-sun schedule of case 25."""
    anchor, window = "2026-01-01T00:00", Window.daily(start, end)
    return layer(people, zone=zone, anchor=anchor, unit=Unit.DAYS, priority=priority, windows=(window,))


W = schedule(layer("alice bob carol"))
BERLIN_GAP = schedule(layer("dave erin", zone="Europe/Berlin", anchor="2026-03-27T02:30", unit=Unit.DAYS))
BERLIN_FOLD = schedule(layer("dave erin", zone="Europe/Berlin", anchor="2026-10-23T02:30", unit=Unit.DAYS))
CAIRO = schedule(layer("mia noa", zone="Africa/Cairo", anchor="2026-04-22T00:00", unit=Unit.DAYS))
LEAP = schedule(layer("a b c", zone="UTC", anchor="2028-02-27T00:00", unit=Unit.DAYS))
NIGHTS = schedule(layer("rita", windows=(Window.daily("22:00", "06:00", "mon-fri"),)))
OFFICE = schedule(
    layer("alice bob carol"), layer("wes", priority=20, windows=(Window.daily("09:00", "17:00", "mon-fri"),))
)
HOLED = layer("alice - carol", priority=10)
BLOCKED = layer("alice - carol", priority=10, empty=Empty.BLOCK)
VIC = layer("vic", priority=5)
SUN = schedule(
    sun("syd", "Australia/Sydney", "11:00", "19:00", 30),
    sun("nyc", "America/New_York", "11:00", "19:00", 20),
    sun("lon", "Europe/London", "08:00", "16:00", 10),
)
# A skipped civil day: both boundaries of the turn fall on one instant, and its holder is passed over (R5).
APIA = schedule(layer("a b c", zone="Pacific/Apia", anchor="2011-12-29T00:00", unit=Unit.DAYS))
DOUBLES = schedule(layer("a+b b+a"), layer("c+c", priority=5))


@pytest.mark.parametrize(
    "case, of, instant, expected",
    [
        ("1 before the anchor", W, "2026-01-05T13:59:59Z", ""),
        ("1 at the anchor", W, "2026-01-05T14:00:00Z", "alice"),
        ("1 before the boundary", W, "2026-01-12T13:59:59Z", "alice"),
        ("1 at the boundary", W, "2026-01-12T14:00:00Z", "bob"),
        ("2 spring, before", W, "2026-03-09T12:59:59Z", "carol"),
        ("2 spring, at", W, "2026-03-09T13:00:00Z", "alice"),
        ("3 autumn, before", W, "2026-11-02T13:59:59Z", "alice"),
        ("3 autumn, at", W, "2026-11-02T14:00:00Z", "bob"),
        ("4 missing hand-off, before", BERLIN_GAP, "2026-03-29T00:59:59Z", "erin"),
        ("4 missing hand-off, at", BERLIN_GAP, "2026-03-29T01:00:00Z", "dave"),
        ("4 the day after, before", BERLIN_GAP, "2026-03-30T00:29:59Z", "dave"),
        ("4 the day after, at", BERLIN_GAP, "2026-03-30T00:30:00Z", "erin"),
        ("5 hand-off twice, before", BERLIN_FOLD, "2026-10-25T00:29:59Z", "erin"),
        ("5 hand-off twice, first", BERLIN_FOLD, "2026-10-25T00:30:00Z", "dave"),
        ("5 hand-off twice, clock back before it", BERLIN_FOLD, "2026-10-25T01:00:00Z", "dave"),
        ("5 hand-off twice, second", BERLIN_FOLD, "2026-10-25T01:30:00Z", "dave"),
        ("5 the day after", BERLIN_FOLD, "2026-10-26T01:30:00Z", "erin"),
        ("10 missing midnight, before", CAIRO, "2026-04-23T21:59:59Z", "noa"),
        ("10 missing midnight, at", CAIRO, "2026-04-23T22:00:00Z", "mia"),
        ("10 the day after", CAIRO, "2026-04-24T21:00:00Z", "noa"),
        ("12 leap day, before", LEAP, "2028-02-28T12:00:00Z", "b"),
        ("12 leap day, first second", LEAP, "2028-02-29T00:00:00Z", "c"),
        ("12 leap day, last second", LEAP, "2028-02-29T23:59:59Z", "c"),
        ("12 leap day, after", LEAP, "2028-03-01T00:00:00Z", "a"),
        ("14 Saturday 05:59", NIGHTS, "2026-02-14T10:59:00Z", "rita"),
        ("14 Saturday 06:00", NIGHTS, "2026-02-14T11:00:00Z", ""),
        ("14 Sunday 23:00", NIGHTS, "2026-02-16T04:00:00Z", ""),
        ("14 Monday 05:00", NIGHTS, "2026-02-16T10:00:00Z", ""),
        ("14 Monday 21:59:59", NIGHTS, "2026-02-17T02:59:59Z", ""),
        ("14 Monday 22:00", NIGHTS, "2026-02-17T03:00:00Z", "rita"),
        ("18 office", OFFICE, "2026-01-13T15:00:00Z", "wes"),
        ("18 office, last second", OFFICE, "2026-01-13T21:59:59Z", "wes"),
        ("18 after the office", OFFICE, "2026-01-13T22:00:00Z", "bob"),
        ("18 Saturday", OFFICE, "2026-01-17T15:00:00Z", "bob"),
        ("19 fallthrough", schedule(HOLED, VIC), "2026-01-13T15:00:00Z", "vic"),
        ("19 block", schedule(BLOCKED, VIC), "2026-01-13T15:00:00Z", ""),
        ("19 nothing below", schedule(HOLED), "2026-01-13T15:00:00Z", ""),
        ("19 block, the turn after", schedule(BLOCKED, VIC), "2026-01-19T14:00:00Z", "carol"),
        ("25 February, London", SUN, "2026-02-10T08:00:00Z", "lon"),
        ("25 February, New York", SUN, "2026-02-10T16:00:00Z", "nyc"),
        ("25 February, Sydney", SUN, "2026-02-11T00:00:00Z", "syd"),
        ("25 March, overlap", SUN, "2026-03-10T15:30:00Z", "nyc"),
        ("25 March, gap", SUN, "2026-03-10T23:30:00Z", ""),
        ("25 April, Sydney", SUN, "2026-04-01T07:30:00Z", "syd"),
        ("25 April, gap", SUN, "2026-04-07T00:30:00Z", ""),
        ("25 April, Sydney again", SUN, "2026-04-07T08:30:00Z", "syd"),
        ("R5 before the skipped day", APIA, "2011-12-30T09:59:59Z", "a"),
        ("R5 after the skipped day", APIA, "2011-12-30T10:00:00Z", "c"),
        ("R13 order within a slot", DOUBLES, "2026-01-05T15:00:00Z", "a b"),
        ("R13 order of the next slot", DOUBLES, "2026-01-12T15:00:00Z", "b a"),
        ("R13 nobody twice", schedule(layer("c+c+d+c")), "2026-01-12T15:00:00Z", "c d"),
        ("R14 no layer at all", schedule(), "2026-01-12T15:00:00Z", ""),
        ("before all years", W, "1900-01-01T00:00:00Z", ""),
        ("after all years", W, "9999-12-31T23:59:59Z", ""),
    ],
)
def test_reference_cases(case: str, of: Schedule, instant: str, expected: str) -> None:
    assert names(of, utc(instant)) == expected


C1 = cover("dan", "2026-01-12T05:00Z", "2026-01-14T05:00Z", "swap")
C2 = cover("eve", "2026-01-13T05:00Z", "2026-01-15T05:00Z")
PAIR = cover("dan dan eve", "2026-01-12T05:00Z", "2026-01-14T05:00Z")
WES = cover("wes", "2026-01-12T00:00Z", "2026-01-13T05:00Z")
CLOSED = cover("", "2026-01-13T00:00Z", "2026-01-16T00:00Z", "closed")
NOBODY = cover("", "2026-01-12T05:00Z", "2026-01-14T05:00Z", "moving house")


@pytest.mark.parametrize(
    "case, covers, instant, expected",
    [
        ("20 the older alone", [C1, C2], "2026-01-12T17:00Z", "dan"),
        ("20 the newer of two", [C1, C2], "2026-01-13T17:00Z", "eve"),
        ("20 the newer alone", [C1, C2], "2026-01-14T17:00Z", "eve"),
        ("20 after both", [C1, C2], "2026-01-15T05:00:00Z", "bob"),
        ("20 the newer deleted", [C1], "2026-01-13T17:00Z", "dan"),
        ("20 the newer deleted, after", [C1], "2026-01-14T17:00Z", "bob"),
        ("the list says which is newer", [C2, C1], "2026-01-13T17:00Z", "dan"),
        ("starts at its start", [C1], "2026-01-12T05:00Z", "dan"),
        ("not before", [C1], "2026-01-12T04:59:59Z", "alice"),
        ("several people, none twice", [PAIR], "2026-01-13T17:00Z", "dan eve"),
        ("nobody, on purpose", [C1, NOBODY], "2026-01-13T17:00Z", ""),
        ("somebody over nobody", [NOBODY, C1], "2026-01-13T17:00Z", "dan"),
    ],
)
def test_covers(case: str, covers: list[Cover], instant: str, expected: str) -> None:
    assert names(W, utc(instant), *covers) == expected


def test_covers_of_the_file_are_older_than_those_made_at_run_time() -> None:
    assert names(schedule(*W.layers, covers=(C2,)), utc("2026-01-13T17:00Z"), C1) == "dan"
    assert names(schedule(*W.layers, covers=(C2,)), utc("2026-01-14T17:00Z"), C1) == "eve"


def test_a_cover_that_names_an_inactive_person_is_ignored_whole_and_reported() -> None:
    inactive = frozenset({"eve"})
    assert names(W, utc("2026-01-13T17:00Z"), C1, C2, inactive=inactive) == "dan"
    assert names(W, utc("2026-01-13T17:00Z"), PAIR, inactive=inactive) == "bob"
    assert ignored(schedule(covers=(PAIR,)), (C1, C2, NOBODY), inactive) == (PAIR, C2)


@pytest.mark.parametrize(
    "case, of, covers, revision, expected",
    [
        ("layer and turn", W, [], "", "p: layer l10, turn 1"),
        ("configuration", W, [], "1a2b", "p: layer l10, turn 1 (revision 1a2b)"),
        ("the layer that answers", schedule(HOLED, VIC), [], "", "p: layer l5, turn 1"),
        ("cover with its reason", W, [C1], "", "cover by dan (swap)"),
        ("cover without one", W, [C2], "", "cover by eve"),
        ("cover and configuration", W, [C1], "1a2b", "cover by dan (swap) (revision 1a2b)"),
    ],
)
def test_why(case: str, of: Schedule, covers: list[Cover], revision: str, expected: str) -> None:
    (answer,) = who(of, covers, utc("2026-01-13T17:00Z"), revision=revision)
    assert answer.why == expected


def test_why_names_the_override() -> None:
    named = Cover(people=("dan", "eve"), start=C1.start, end=C1.end, reason="swap", id="17")
    text = "cover by dan, eve (swap), override 17"
    assert who(W, [named], C1.start) == (Answer(person="dan", why=text), Answer(person="eve", why=text))


def brief(shift: Shift) -> str:
    return f"{shift.start:%d.%H} {shift.end:%d.%H} {'+'.join(shift.people)}: {shift.why}"


@pytest.mark.parametrize(
    "case, of, covers, expected",
    [
        ("cut at both ends", W, [],
         ["10.00 12.14 alice: p: layer l10, turn 0", "12.14 16.00 bob: p: layer l10, turn 1"]),
        ("one set of people whatever the reason", schedule(layer("wes", unit=Unit.DAYS)), [C2, WES],
         ["10.00 13.05 wes: p: layer l10, turns 4 to 6; cover by wes", "13.05 15.05 eve: cover by eve",
          "15.05 16.00 wes: p: layer l10, turns 9 to 10"]),
        ("office hours over the week", OFFICE, [CLOSED],
         ["10.00 12.14 alice: p: layer l10, turn 0", "12.14 12.22 wes: p: layer l20, turn 1",
          "12.22 13.00 bob: p: layer l10, turn 1"]),
        ("nobody left out", schedule(HOLED), [C1],
         ["10.00 12.05 alice: p: layer l10, turn 0", "12.05 14.05 dan: cover by dan (swap)"]),
        ("one set of people whatever their order", schedule(layer("a+b b+a")), [],
         ["10.00 16.00 a+b: p: layer l10, turns 0 to 1"]),
    ],
)  # fmt: skip
def test_shifts(case: str, of: Schedule, covers: list[Cover], expected: list[str]) -> None:
    found = shifts(of, covers, utc("2026-01-10T00:00Z"), utc("2026-01-16T00:00Z"))
    assert [brief(shift) for shift in found] == expected


@pytest.mark.parametrize(
    "case, start, hours",
    [
        ("2 spring", "2026-03-02T14:00Z", 167),
        ("3 autumn", "2026-10-26T13:00Z", 169),
        ("ordinary", "2026-01-05T14:00Z", 168),
    ],
)
def test_turns_are_as_long_as_the_week(case: str, start: str, hours: int) -> None:
    (shift,) = shifts(W, (), utc(start), utc(start) + timedelta(hours=hours))
    (_, after) = shifts(W, (), utc(start), utc(start) + timedelta(hours=hours, seconds=1))
    assert (shift.start, shift.end) == (utc(start), utc(start) + timedelta(hours=hours))
    assert after.people != shift.people


@pytest.mark.parametrize("opens, closes, hours", [("09:00", "17:00", 8), ("22:00", "09:00", 11)])
def test_a_window_that_opens_or_closes_at_a_hand_off_gives_no_empty_shift(
    opens: str, closes: str, hours: int
) -> None:
    of = schedule(layer("a b", unit=Unit.DAYS, windows=(Window.daily(opens, closes),)))
    found = shifts(of, (), utc("2026-01-06T14:00Z"), utc("2026-01-10T14:00Z"))
    assert [shift.people for shift in found] == [("b",), ("a",), ("b",), ("a",)]
    assert all(shift.end - shift.start == timedelta(hours=hours) for shift in found)


def test_a_turn_that_the_clock_skips_leaves_no_empty_shift() -> None:
    found = shifts(APIA, (), utc("2011-12-29T10:00Z"), utc("2012-01-01T10:00Z"))
    assert [shift.people for shift in found] == [("a",), ("c",), ("a",)]
    assert [shift.start.hour for shift in found] == [10, 10, 10]


@pytest.mark.parametrize(
    "start, end", [("2026-01-10", "2026-01-10"), ("2026-01-10", "2026-01-09"), ("1960-01-01", "1969-01-01")]
)
def test_an_empty_span_has_neither_shifts_nor_gaps(start: str, end: str) -> None:
    assert shifts(W, (), utc(f"{start}T00:00Z"), utc(f"{end}T00:00Z")) == ()
    assert gaps(W, (), utc(f"{start}T00:00Z"), utc(f"{end}T00:00Z")) == ()


@pytest.mark.parametrize(
    "day, expected",
    [
        ("2026-02-10", []),
        ("2026-03-10", ["10T23 11T00"]),
        ("2026-04-01", ["01T23 02T00"]),
        ("2026-04-07", ["07T23 08T01"]),
    ],
)
def test_gaps_of_case_25(day: str, expected: list[str]) -> None:
    start = utc(f"{day}T12:00Z")
    found = gaps(SUN, (), start, start + timedelta(days=1))
    assert [f"{gap.start:%dT%H} {gap.end:%dT%H}" for gap in found] == expected


def test_gaps_tell_the_deliberate_from_the_others() -> None:
    start, end = utc("2026-01-05T00:00Z"), utc("2026-01-26T14:00Z")
    closed = cover("", "2026-01-19T14:00Z", "2026-01-20T00:00Z", "closed")
    assert gaps(schedule(BLOCKED), [closed], start, end) == (
        Gap(start=start, end=utc("2026-01-05T14:00Z"), deliberate=False, why="p: no layer answers"),
        Gap(
            start=utc("2026-01-12T14:00Z"),
            end=utc("2026-01-20T00:00Z"),
            deliberate=True,
            why="p: layer l10, turn 1; cover by nobody (closed)",
        ),
    )


CENTURY = schedule(
    Layer(
        name="cto",
        priority=1,
        zone=ZoneInfo("UTC"),
        says=Rotation(
            turn=Turn(unit=Unit.WEEKS, every=5000, anchor=datetime.fromisoformat("2026-01-01T00:00")),
            slots=ring("cto"),
        ),
    )
)


@pytest.mark.parametrize(
    "case, of, covers, instant, person, since, until",
    [
        ("a turn", W, [], "2026-01-13T17:00Z", "bob", "2026-01-12T14:00Z", "2026-01-19T14:00Z"),
        ("at its first instant", W, [], "2026-01-12T14:00Z", "bob", "2026-01-12T14:00Z", "2026-01-19T14:00Z"),
        ("cut by a cover", W, [C1], "2026-01-15T17:00Z", "bob", "2026-01-14T05:00Z", "2026-01-19T14:00Z"),
        ("a cover", W, [C1], "2026-01-13T17:00Z", "dan", "2026-01-12T05:00Z", "2026-01-14T05:00Z"),
        ("under a newer", W, [C1, C2], "2026-01-12T17:00Z", "dan", "2026-01-12T05:00Z", "2026-01-13T05:00Z"),
        ("a window", OFFICE, [], "2026-01-13T17:00Z", "wes", "2026-01-13T14:00Z", "2026-01-13T22:00Z"),
        ("a turn after one's own", schedule(layer("wes")), [], "2026-01-13T17:00Z", "wes",
         "2026-01-12T14:00Z", "2026-01-19T14:00Z"),
        ("no end within 400 days", CENTURY, [], "2026-01-13T17:00Z", "cto", "2026-01-01T00:00Z", None),
        ("no start within 400 days", CENTURY, [], "2121-10-13T17:00Z", "cto", None, "2121-10-30T00:00Z"),
        ("neither", CENTURY, [], "2100-01-13T17:00Z", "cto", None, None),
    ],
)  # fmt: skip
def test_stretch(
    case: str,
    of: Schedule,
    covers: list[Cover],
    instant: str,
    person: str,
    since: str | None,
    until: str | None,
) -> None:
    found = stretch(of, covers, utc(instant), person)
    assert found == (since and utc(since), until and utc(until))


@pytest.mark.parametrize("instant", ["2026-01-13T17:00Z", "1969-01-13T17:00Z"])
def test_there_is_no_stretch_of_somebody_who_is_not_on_call(instant: str) -> None:
    with pytest.raises(ValueError, match="alice is not on call for p at"):
        stretch(W, (), utc(instant), "alice")


def test_schedules_speak_until_the_last_year() -> None:
    late = schedule(layer("a", anchor="2999-12-01T00:00"))
    assert names(late, LATEST - SECOND) == "a"
    assert names(late, LATEST) == ""
    assert [shift.end for shift in shifts(late, (), LATEST - SECOND, LATEST + SECOND)] == [LATEST]
    assert gaps(late, (), EARLIEST - SECOND, EARLIEST + SECOND)[0].start == EARLIEST
