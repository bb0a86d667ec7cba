"""A schedule whose layers are fed from calendars: what belongs to the set, and what is said of mistakes."""

from pathlib import Path

import pytest

from incident_bot.config.files import CALENDAR_BYTES_MOST
from incident_bot.config.loader import load, load_texts
from incident_bot.core.errors import BadConfiguration
from incident_bot.core.oncall import Booking, Rotation, who
from tests.config.calendar_texts import event, whole
from tests.config.sets import BASE, NOW, problems_of, revision_of, write

OFFICE = """\
    turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}
    people: [[bob]]
    windows:
"""
PATH = "rotations/schedules/primary.yaml"
FED = BASE[PATH].replace(
    OFFICE, "    calendar: {file: calendars/team.ics, people: {the boss: alice}}\n    windows:\n"
)
EVENT = event("DTSTART:20260204T090000", "DTEND:20260204T120000", "SUMMARY:The Boss")
TEXTS = {**BASE, PATH: FED, "rotations/calendars/team.ics": whole(EVENT)}


def test_a_layer_is_fed_from_a_calendar_of_the_set(tmp_path: Path) -> None:
    revision = revision_of(tmp_path, TEXTS)
    schedule = revision.schedules["primary"]
    week, office = schedule.layers
    assert isinstance(week.says, Rotation)
    [booking] = office.says if not isinstance(office.says, Rotation) else ()
    assert booking == Booking(
        people=("alice",),
        start=NOW.replace(day=4, hour=8),
        end=NOW.replace(day=4, hour=11),
        title="The Boss",
    )
    [answer] = who(schedule, (), NOW.replace(day=4, hour=9))
    assert (answer.person, answer.why) == ("alice", "primary: layer office, booked as The Boss")
    assert not [one for one in revision.problems if one.file.endswith(".ics")]


def test_the_calendar_belongs_to_the_digest(tmp_path: Path) -> None:
    first = revision_of(tmp_path, TEXTS)
    moved = {**TEXTS, "rotations/calendars/team.ics": whole(EVENT.replace("T120000", "T130000"))}
    second = revision_of(tmp_path, moved)
    assert first.id != second.id
    assert "rotations/calendars/team.ics" in first.documents
    again = load_texts(first.documents, now=NOW)
    assert (again.id, again.schedules) == (first.id, first.schedules)


@pytest.mark.parametrize(
    "old, new, line, message",
    [
        (
            "calendars/team.ics",
            "calendars/tema.ics",
            11,
            'there is no file rotations/calendars/tema.ics; did you mean "calendars/team.ics"?',
        ),
        ("calendars/team.ics", "../people.yaml", 11, "there is no file rotations/../people.yaml"),
        ("calendars/team.ics", "people.yaml", 11, "there is no file rotations/people.yaml"),
        ("the boss: alice", "the boss: alicia", 11, 'unknown person "alicia"; did you mean "alice"?'),
        ("file:", "fiel:", 11, 'unknown key; did you mean "file"?'),
        ("    windows:", "    people: [[bob]]\n    windows:", 12, "goes with turns, not with calendar"),
        ("    windows:", "    empty: block\n    windows:", 12, "goes with turns, not with calendar"),
        ("    calendar:", "    callendar:", 11, 'unknown key; did you mean "calendar"?'),
        (
            FED[FED.index("    calendar:") : FED.index("    windows:")],
            "",
            9,
            "layers[1]: turn is missing; or write calendar",
        ),
        (
            "the boss: alice",
            "the boss: zed",
            11,
            "zed is not active in people.yaml, yet is booked in this calendar",
        ),
    ],
)
def test_mistakes_in_a_layer(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    assert FED.count(old) == 1 or old == "    windows:"
    problems = problems_of(tmp_path, {**TEXTS, PATH: FED.replace(old, new)})
    assert any(one.file == PATH and one.line == line and message in one.message for one in problems), problems


def test_a_broken_calendar_refuses_the_set_with_its_line(tmp_path: Path) -> None:
    texts = {**TEXTS, "rotations/calendars/team.ics": whole(EVENT.replace("DTSTART:2026", "DTSTART:"))}
    with pytest.raises(BadConfiguration, match=r"rotations/calendars/team\.ics:6: DTSTART"):
        load(write(tmp_path, texts), now=NOW)


def test_an_event_of_nobody_is_a_warning_of_the_set(tmp_path: Path) -> None:
    lunch = event("DTSTART:20260204T090000", "DTEND:20260204T120000", "SUMMARY:Lunch")
    problems = problems_of(tmp_path, {**TEXTS, "rotations/calendars/team.ics": whole(lunch)})
    assert any(
        str(one).startswith('rotations/calendars/team.ics:4: warning: "Lunch" names nobody')
        for one in problems
    )


def test_a_calendar_that_no_layer_names_is_a_warning(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, {**BASE, "rotations/calendars/old.ics": whole()})
    assert any("rotations/calendars/old.ics:1: warning: is named by no layer" in str(one) for one in problems)


def test_a_calendar_may_be_larger_than_other_files_and_no_larger(tmp_path: Path) -> None:
    line = "X-NOTE:" + "x" * 60 + "\r\n"
    fits = whole(EVENT, line * (CALENDAR_BYTES_MOST // 70))
    assert len(fits) > 1024 * 1024
    revision_of(tmp_path, {**TEXTS, "rotations/calendars/team.ics": fits})
    problems = problems_of(tmp_path, {**TEXTS, "rotations/calendars/team.ics": fits + line * 4000})
    assert any("is larger than 2048 KiB" in one.message for one in problems)


def test_what_is_not_text_is_refused_as_elsewhere(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, {**TEXTS, "rotations/calendars/team.ics": b"BEGIN:VCALENDAR\r\n\xff"})
    assert any(
        str(one) == "rotations/calendars/team.ics:2: is not UTF-8 text; save the file as UTF-8"
        for one in problems
    )
