"""What follows a verb: durations, clock times in the person's zone, people, dates, promises, `undo:`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from incident_bot.core.errors import Refused
from incident_bot.core.model import Person
from incident_bot.flow.commands import arguments

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 3, 13, 0, tzinfo=UTC)
"""14:00 in Berlin."""
PEOPLE: Mapping[str, Person] = {
    "ana": Person(id="ana", name="Ana Example", contacts={"email": "ana@example.com", "slack": "U0ANA"}),
    "devops-lead": Person(id="devops-lead", name="Lee Example"),
}


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    "rest, due",
    [
        ("30m", utc(3, 13, 30)),
        ("1h30m", utc(3, 14, 30)),
        ("90s", NOW + timedelta(seconds=90)),
        ("until 14:30", utc(3, 13, 30)),
        ("until 30m", utc(3, 13, 30)),
        ("14:30", utc(3, 13, 30)),
        ("until 9:15", utc(4, 8, 15)),
        ("until 14:00", utc(4, 13, 0)),
        ("7d", utc(10, 13)),
    ],
)
def test_until_when(rest: str, due: datetime) -> None:
    assert arguments.until(rest, BERLIN, now=NOW) == due


@pytest.mark.parametrize(
    "rest, answer",
    [
        ("", "`snooze 30m` or `snooze until 14:30`"),
        ("until", "`snooze 30m` or `snooze until 14:30`"),
        ("soon", "'soon' is not a duration; type for example `snooze 30m`"),
        ("30", "'30' is not a duration"),
        ("0m", "does nothing"),
        ("-5m", "is not a duration"),
        ("8d", "longer than 7 days"),
        ("999999999w", "is not a duration"),
        ("25:00", "is not a duration"),
        ("x" * 500, "is not a duration"),
    ],
)
def test_until_when_refused(rest: str, answer: str) -> None:
    with pytest.raises(Refused) as refusal:
        arguments.until(rest, BERLIN, now=NOW)
    assert answer in str(refusal.value)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    "now, due",
    [
        # 02:30 does not exist on the 29th of March, and it exists twice on the 25th of October: the first counts.
        (datetime(2026, 3, 28, 23, 0, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_until_a_clock_time_in_the_night_of_the_change(now: datetime, due: datetime) -> None:
    assert arguments.until("until 2:30", BERLIN, now=now) == due


@pytest.mark.parametrize(
    "rest, text, at",
    [
        ("13:05 traffic doubled", "traffic doubled", utc(3, 12, 5)),
        ("14:00 just now", "just now", utc(3, 13)),
        ("15:00 it was yesterday", "it was yesterday", utc(2, 14)),
        ("traffic doubled", "traffic doubled", None),
        ("14:05", "14:05", None),
        ("27:99 is no time", "27:99 is no time", None),
    ],
)
def test_when_it_happened(rest: str, text: str, at: datetime | None) -> None:
    assert arguments.past_clock(rest, BERLIN, now=NOW) == (text, at)


@pytest.mark.parametrize("word", ["ana", "@ana", "@ANA", "Ana Example", "ana@example.com", "me", "@me"])
def test_who(word: str) -> None:
    assert arguments.person(word, PEOPLE, actor="ana") == "ana"


@pytest.mark.parametrize(
    "word, answer",
    [("@anna", "Did you mean @ana?"), ("@", "I know nobody"), ("zoe", "Known: ana, devops-lead")],
)
def test_who_is_unknown(word: str, answer: str) -> None:
    with pytest.raises(Refused) as refusal:
        arguments.person(word, PEOPLE, actor="ana")
    assert answer in str(refusal.value)


def test_me_is_refused_where_the_actor_is_nobody_of_ours() -> None:
    with pytest.raises(Refused, match="I know nobody called 'me'"):
        arguments.person("me", PEOPLE, actor="operator")


@pytest.mark.parametrize(
    "rest, text, owner",
    [
        ("check the lag @devops-lead", "check the lag", "devops-lead"),
        ("@ana check the lag", "check the lag", "ana"),
        ("check @ana the lag", "check the lag", "ana"),
        ("mail ana@example.com", "mail ana@example.com", None),
        ("check the lag", "check the lag", None),
    ],
)
def test_for_whom(rest: str, text: str, owner: str | None) -> None:
    assert arguments.trailing_person(rest, PEOPLE, actor="ana") == (text, owner)


@pytest.mark.parametrize(
    "rest, text, due",
    [
        ("alert on the pool 2026-03-31", "alert on the pool", utc(31, 16)),
        ("alert on the pool 14d", "alert on the pool", utc(17, 13)),
        ("alert on the pool 2w", "alert on the pool", utc(17, 13)),
        ("alert on the pool", "alert on the pool", None),
        ("14d", "14d", None),
    ],
)
def test_by_when(rest: str, text: str, due: datetime | None) -> None:
    # The evening of the last day of March is 18:00 in Berlin's summer time.
    assert arguments.due(rest, BERLIN, now=NOW) == (text, due)


@pytest.mark.parametrize("last", ["2026-02-30", "2026-13-01", "0000-00-00", "9999999d", "99999w"])
def test_by_a_day_that_does_not_exist(last: str) -> None:
    with pytest.raises(Refused, match="date"):
        arguments.due(f"alert on the pool {last}", BERLIN, now=NOW)


@pytest.mark.parametrize(
    "rest, text, promised",
    [
        ("rolled back next 30m", "rolled back", utc(3, 13, 30)),
        ("rolled back, next update in 1h30m", "rolled back,", utc(3, 14, 30)),
        ("rolled back. Next: 45m", "rolled back.", utc(3, 13, 45)),
        ("rolled back", "rolled back", utc(3, 13, 15)),
        ("we look at the next shard", "we look at the next shard", utc(3, 13, 15)),
    ],
)
def test_the_promise_of_an_update(rest: str, text: str, promised: datetime) -> None:
    assert arguments.promise(rest, default=timedelta(minutes=15), now=NOW) == (text, promised)


def test_a_promise_is_no_longer_than_anybody_waits() -> None:
    said, promised = arguments.promise("waiting next 30d", default=None, now=NOW)
    assert (said, promised) == ("waiting", NOW + timedelta(days=30))
    with pytest.raises(Refused, match="more than 30 days ahead"):
        arguments.promise("waiting next 999d", default=None, now=NOW)


def test_no_promise_where_the_severity_has_no_interval() -> None:
    assert arguments.promise("rolled back", default=None, now=NOW) == ("rolled back", None)
    with pytest.raises(Refused, match="not a duration"):
        arguments.promise("rolled back next 99999999999d", default=None, now=NOW)


@pytest.mark.parametrize(
    "rest, text, undo",
    [
        ("scaled to 12 undo: scale to 6", "scaled to 12", "scale to 6"),
        ("scaled to 12 UNDO:scale to 6", "scaled to 12", "scale to 6"),
        ("scaled to 12 undo: ", "scaled to 12", None),
        ("scaled to 12", "scaled to 12", None),
    ],
)
def test_how_to_undo(rest: str, text: str, undo: str | None) -> None:
    assert arguments.undo(rest) == (text, undo)
