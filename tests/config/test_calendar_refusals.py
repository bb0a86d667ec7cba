"""Calendars that are refused, with the line; and whatever stands in one, the answer is bookings and problems."""

import time
from collections.abc import Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from incident_bot.config.calendars.rules import check_rule
from incident_bot.core.errors import Problem
from tests.config.calendar_texts import NOW, event, read, whole

NINE = "DTSTART;TZID=Europe/Berlin:20260302T090000"
FIVE = "DTEND;TZID=Europe/Berlin:20260302T170000"
ALICE = "SUMMARY:alice"
RULE = "RRULE:FREQ=DAILY;COUNT=3"
ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:Own\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\n"
    "TZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
)

BROKEN: Mapping[str, tuple[str, int, str]] = {
    "nothing": ("", 1, "BEGIN:VCALENDAR is missing"),
    "a page of the web": ("<html>\n<body>", 1, "is not NAME:VALUE"),
    "a line of no property": (whole("what is this\r\n"), 4, "is not NAME:VALUE"),
    "a continuation of nothing": ("\r\n  x\r\n", 2, "is the continuation of no line"),
    "cut off": (whole(event(NINE, FIVE, ALICE)).partition("END:VEVENT")[0], 8, "is the file whole?"),
    "outside": ("VERSION:2.0\r\n" + whole(), 1, "stands outside BEGIN:VCALENDAR"),
    "an event alone": (event(NINE), 1, "stands outside BEGIN:VCALENDAR"),
    "ends that cross": (
        whole("BEGIN:VEVENT\r\nEND:VTODO\r\n"),
        5,
        "END:VTODO ends nothing; the VEVENT of line 4",
    ),
    "an end too many": (whole() + "END:VCALENDAR\r\n", 5, "nothing is open"),
    "an event within an event": (
        whole("BEGIN:VEVENT\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VEVENT\r\n"),
        5,
        "an END:VEVENT missing?",
    ),
    "nested without end": ("BEGIN:VCALENDAR\r\n" + "BEGIN:X\r\n" * 40, 11, "nested too deep"),
    "another calendar": (whole("CALSCALE:CHINESE\r\n"), 4, "only GREGORIAN can"),
    "taken back": (whole("METHOD:CANCEL\r\n"), 4, "METHOD:CANCEL"),
    "no start": (whole(event(FIVE, ALICE)), 4, "VEVENT: DTSTART is missing"),
    "a start that is no time": (whole(event("DTSTART:soon", ALICE)), 6, "DTSTART: "),
    "an end that is no time": (whole(event(NINE, "DTEND:2026-03-02", ALICE)), 7, "DTEND: "),
    "a start in another age": (
        whole(event("DTSTART:16010101T000000Z", ALICE)),
        6,
        "the year 1601 is out of range",
    ),
    "two starts": (whole(event(NINE, NINE, ALICE)), 7, "DTSTART stands twice in one event"),
    "two ends": (whole(event(NINE, FIVE, "DURATION:PT1H")), 8, "it ends by one of them"),
    "an unknown zone": (
        whole(event("DTSTART;TZID=Mars/Phobos:20260302T090000", ALICE)),
        6,
        'unknown time zone "Mars/Phobos"',
    ),
    "a zone nearly right": (
        whole(event("DTSTART;TZID=Europe/Berlinn:20260302T090000")),
        6,
        'did you mean "Europe/Berlin"?',
    ),
    "a zone without a name": (whole(ZONE.replace("TZID:Own\r\n", "")), 4, "VTIMEZONE: TZID is missing"),
    "a zone by the second": (
        whole(ZONE.replace("END:STAN", "RRULE:FREQ=SECONDLY\r\nEND:STAN")),
        10,
        "only yearly rules",
    ),
    "a zone by the hour": (
        whole(ZONE.replace("END:STAN", "RRULE:FREQ=YEARLY;BYHOUR=1\r\nEND:STAN")),
        10,
        "nothing finer",
    ),
    "a zone without rules": (whole("BEGIN:VTIMEZONE\r\nTZID:Empty\r\nEND:VTIMEZONE\r\n"), 4, "VTIMEZONE: "),
    "every second": (
        whole(event(NINE, FIVE, "RRULE:FREQ=SECONDLY")),
        8,
        "RRULE: FREQ=SECONDLY repeats too often",
    ),
    "every minute": (
        whole(event(NINE, FIVE, "RRULE:FREQ=MINUTELY;INTERVAL=600")),
        8,
        "FREQ=MINUTELY repeats too often",
    ),
    "every second in disguise": (
        whole(
            event(
                NINE,
                FIVE,
                f"RRULE:FREQ=DAILY;BYHOUR={','.join(map(str, range(24)))};BYMINUTE={','.join(map(str, range(60)))}",
            )
        ),
        8,
        "repeats more than 50000 times",
    ),
    "every hour for fifty years": (
        whole(event("DTSTART:19760302T090000Z", "RRULE:FREQ=HOURLY")),
        7,
        "repeats more than 50000 times",
    ),
    "never": (
        whole(event(NINE, FIVE, "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")),
        8,
        "falls on no day at all",
    ),
    "never, by its interval": (
        whole(event(NINE, FIVE, "RRULE:FREQ=DAILY;INTERVAL=7;BYDAY=TU")),
        8,
        "falls on no day at all",
    ),
    "by the hour on Mondays": (
        whole(event(NINE, FIVE, "RRULE:FREQ=HOURLY;BYDAY=MO")),
        8,
        "use DAILY with BYHOUR",
    ),
    "no frequency": (whole(event(NINE, FIVE, "RRULE:COUNT=3")), 8, 'FREQ="" is none of'),
    "a word of another standard": (
        whole(event(NINE, FIVE, "RRULE:FREQ=DAILY;SKIP=OMIT")),
        8,
        "SKIP cannot be counted here",
    ),
    "no rule": (whole(event(NINE, FIVE, "RRULE:every day")), 8, '"every day" is not NAME=VALUE'),
    "two ends of a rule": (
        whole(event(NINE, FIVE, "RRULE:FREQ=DAILY;COUNT=2;UNTIL=20270101T000000Z")),
        8,
        "it ends by one of them",
    ),
    "a part twice": (whole(event(NINE, FIVE, "RRULE:FREQ=DAILY;FREQ=WEEKLY")), 8, "FREQ stands twice"),
    "no interval": (
        whole(event(NINE, FIVE, "RRULE:FREQ=DAILY;INTERVAL=0")),
        8,
        "INTERVAL=0 is not a whole number from 1",
    ),
    "two rules": (whole(event(NINE, FIVE, RULE, RULE)), 9, "RRULE stands twice"),
    "an excluding rule": (
        whole(event(NINE, FIVE, RULE, "EXRULE:FREQ=WEEKLY")),
        9,
        "name the dates with EXDATE",
    ),
    "more dates than anybody keeps": (
        whole(event(NINE, FIVE, "RDATE;VALUE=DATE:20260303" + ",20260304" * 5000)),
        8,
        "RDATE: one event names more than 5000 dates",
    ),
    "a weekday that is none": (whole(event(NINE, FIVE, "RRULE:FREQ=WEEKLY;BYDAY=XX")), 8, "RRULE: "),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_an_error_at_its_line(case: str) -> None:
    text, line, message = BROKEN[case]
    found, problems = read(text)
    assert not found
    [problem] = problems
    assert problem.severity == "error"
    assert str(problem).startswith(f"rotations/calendars/team.ics:{line}: ")
    assert message in problem.message


def test_after_twenty_errors_nobody_reads_on() -> None:
    begun = time.perf_counter()
    never = "RRULE:FREQ=WEEKLY;BYMONTH=2;BYWEEKNO=40"
    _, problems = read(whole(*(event(NINE, FIVE, never, uid=str(n)) for n in range(2000))))
    assert len(problems) == 21
    assert "not looked at any more" in problems[-1].message
    assert time.perf_counter() - begun < 30


def test_what_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("incident_bot.config.calendars.bookings.SECONDS_MOST", 0.5)
    rare = "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO"
    begun = time.perf_counter()
    found, problems = read(whole(*(event(NINE, FIVE, rare, ALICE, uid=str(n)) for n in range(5000))))
    assert not found
    assert [one.message for one in problems] == [
        "takes longer than 0.5 s to count out; end its series, or begin them later"
    ]
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=DAILY;UNTIL=20200101T000000Z",
        "FREQ=WEEKLY;WKST=SU;INTERVAL=2;BYDAY=SA,SU;",
        "freq=weekly;byday=mo",
    ],
)
def test_rules_that_people_write_are_taken(rule: str) -> None:
    assert check_rule(rule, NOW.date().replace(year=2024), NOW).startswith("FREQ=")


WHOLE = whole(
    ZONE,
    event(
        NINE,
        FIVE,
        "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU",
        "EXDATE;TZID=Europe/Berlin:20260316T090000",
        ALICE,
    ),
    event(
        "RECURRENCE-ID;TZID=Europe/Berlin:20260317T090000",
        "DTSTART;TZID=Own:20260317T100000",
        "DURATION:PT8H",
        "SEQUENCE:2",
        'ATTENDEE;CN="B";PARTSTAT=ACCEPTED:mailto:bob.builder@example.com',
    ),
    event(
        "DTSTART;VALUE=DATE:20260401",
        "DTEND;VALUE=DATE:20260403",
        "RDATE;VALUE=DATE:20260410",
        "SUMMARY:bob",
        uid="2",
    ),
)
PIECES = st.sampled_from(
    [
        "\r\n",
        "\n ",
        ":",
        ";",
        "=",
        ",",
        '"',
        "\\",
        "0",
        "99999999",
        "-1",
        "Z",
        "T",
        "P1000000D",
        "BEGIN:VEVENT",
        "DTSTART",
        "TZID=",
        "VALUE=DATE",
        "VALUE=PERIOD",
        "FREQ=HOURLY",
        "BYDAY=MO",
        "RANGE=THISANDFUTURE",
        "RDATE:",
        "EXDATE:",
        "UID:",
        "DTSTART:99991231T235959Z",
        "SEQUENCE:x",
        "\x00",
        "\ud800",
        "ü",
        "\u2028",
    ]
)


def check(problems: list[Problem], text: str) -> None:
    for problem in problems:
        assert problem.message.strip()
        assert problem.message.isprintable()
        assert 1 <= problem.line <= text.count("\n") + 1


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_piece_of_a_calendar_replaced(data: st.DataObject) -> None:
    text = WHOLE
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + data.draw(st.one_of(PIECES, st.text(max_size=4))) + text[end:]
    _, problems = read(text)
    check(problems, text)


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=60))
@example(text="BEGIN:VCALENDAR\nEND:VCALENDAR")
@example(text="BEGIN:\n")
def test_any_text(text: str) -> None:
    found, problems = read(text)
    assert not found
    check(problems, text)


LINES = [line for line in WHOLE.split("\r\n") if line]


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_lines_of_a_calendar_in_any_order(data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(LINES), max_size=12))
    text = whole("BEGIN:VEVENT\r\n", *(f"{line}\r\n" for line in chosen), "END:VEVENT\r\n")
    _, problems = read(text)
    check(problems, text)
