"""Findings about the time ahead with file and line, as heavy as `oncall.yaml` has them (R16)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incident_bot.config.loader import AHEAD_AT_LOAD, LookAhead, load, load_texts
from incident_bot.config.revision import WEIGHTS, Handoff, Lint, Weight
from incident_bot.core.errors import BadConfiguration, Problem
from incident_bot.core.oncall.lint import Kind
from tests.config.sets import BASE, NOW, PEOPLE, SCHEDULE, SHORT, problems_of, revision_of, write

ONCALL = "rotations/oncall.yaml"
PRIMARY = SHORT["primary.yaml"]


def with_oncall(text: str, **changes: str) -> dict[str, str]:
    """The small set with this `oncall.yaml`, and with other texts by the last part of their path."""
    return {**BASE, ONCALL: text, **{SHORT[f"{name}.yaml"]: text for name, text in changes.items()}}


def lines(problems: tuple[Problem, ...]) -> list[str]:
    return [str(problem) for problem in problems]


def office(after: str = "") -> str:
    """Only office hours, so that there are gaps; layers start on line 4."""
    start = SCHEDULE.index("  - name: week")
    end = SCHEDULE.index("  - name: office")
    return SCHEDULE[:start] + SCHEDULE[end : SCHEDULE.index("overrides:")] + after


# each kind: where it is reported, and what it says

KINDS = {
    "gaps": (
        {"primary": office()},
        (
            "4: warning: layers: nobody is on call from 2026-02-03 17:00 to 2026-02-04 09:00 Europe/Berlin,"
            " and 284 more times in 400 days"
        ),
    ),
    "holidays": (
        {"primary": office()},
        (
            "3: warning: holidays: 2026-05-01 (Tag der Arbeit): nobody is on call"
            " from 2026-05-01 00:00 to 2026-05-02 00:00 Europe/Berlin"
        ),
    ),
    "consecutive": (
        {"primary": SCHEDULE.replace("[[alice], [bob]]", "[[alice], [bob], [alice]]")},
        (
            "8: warning: layers[0].people: alice has two turns in a row, the second"
            " from 2026-02-16 09:00 to 2026-02-23 09:00 Europe/Berlin, and 18 more times in 400 days"
        ),
    ),
    "nights": (
        {"primary": SCHEDULE.replace("[[alice], [bob]]", "[[bob]]")},
        (
            "4: warning: layers: bob is on call 400 nights in a row"
            " from 2026-02-03 23:00 to 2027-03-10 07:00 Europe/Berlin; more than 7"
        ),
    ),
    "unreachable": (
        {"people": PEOPLE.replace("bob: {email: bob@example.com}", 'bob: {phone: "+4915100000000"}')},
        (
            "8: warning: people.bob: is on call for primary from 2026-02-03 13:00 to 2026-02-03 17:00 Europe/Berlin,"
            " yet pages of high urgency go by slack, mail only; write slack: or email: here, or another way under"
            " notify: high:, and 143 more times in 400 days"
        ),
    ),
    "inactive": (
        {"primary": SCHEDULE.replace("[[alice], [bob]]", "[[alice], [bob, zed]]")},
        "8: warning: layers[0].people[1]: zed is not active in people.yaml, yet has turns here",
    ),
    "clock_changes": (
        {"primary": SCHEDULE.replace("2026-01-05T09:00", "2026-01-04T02:30", 1)},
        (
            "7: warning: layers[0].turn: a hand-off falls on 2026-03-29 at 02:30, which is missing as the clock"
            " changes; it is at 01:00 UTC, and 1 more time in 400 days"
        ),
    ),
    "overlaps": (
        {"primary": SCHEDULE.replace(
            "overrides:",
            "      - {days: sat, from: 20:00, to: 02:30}\n  - name: early\n    priority: 30\n"
            '    turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}\n    people: [[alice]]\n'
            "    windows: [{days: sun, from: 02:30, to: 06:00}]\noverrides:",
        )},
        (
            "15: warning: layers[1].windows[1]: layers office and early both speak from 2026-10-25 02:30 to"
            " 2026-10-25 02:30 Europe/Berlin, as 02:30 comes twice; the higher priority answers"
        ),
    ),
    "leave": (
        {"primary": SCHEDULE + 'absences:\n  - {who: bob, start: "2026-02-05T00:00", end: "2026-02-06T00:00"}\n'},
        (
            "18: warning: absences[0]: bob is absent from 2026-02-05 09:00 to 2026-02-05 17:00 Europe/Berlin,"
            " and nobody in layer office stands in"
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_a_warning_at_its_line(kind: str, tmp_path: Path) -> None:
    changes, line = KINDS[kind]
    told = lines(problems_of(tmp_path, with_oncall("", **changes)))
    file = SHORT["people.yaml"] if kind == "unreachable" else PRIMARY
    assert f"{file}:{line}" in told


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_can_be_an_error_a_note_or_off(kind: str, tmp_path: Path) -> None:
    changes, line = KINDS[kind]
    says = line.partition("warning: ")[2]
    with pytest.raises(BadConfiguration) as refused:
        revision_of(tmp_path, with_oncall(f"lint: {{{kind}: error}}", **changes))
    assert says in str(refused.value)
    noted = revision_of(tmp_path, with_oncall(f"lint: {{{kind}: note}}", **changes))
    assert any(f"note: {says}" in str(note) for note in noted.notes)
    assert not any(says in str(problem) for problem in noted.problems)
    silent = revision_of(tmp_path, with_oncall(f"lint: {{{kind}: off}}", **changes))
    assert not any(says in line for line in lines((*silent.problems, *silent.notes)))


def test_an_override_that_puts_on_who_is_absent_is_told_at_the_override(tmp_path: Path) -> None:
    absences = 'absences:\n  - {who: bob, start: "2026-03-01T12:00", end: "2026-03-05T00:00"}\n'
    told = lines(problems_of(tmp_path, with_oncall("", primary=SCHEDULE + absences)))
    assert (
        f"{PRIMARY}:16: warning: overrides[0]: bob is absent from 2026-03-01 12:00 to 2026-03-02 09:00 Europe/Berlin,"
        " and this puts them on call"
    ) in told


def test_two_schedules_with_the_same_person_are_told_in_the_later_one(tmp_path: Path) -> None:
    second = SCHEDULE.replace("primary", "second").replace("[[alice], [bob]]", "[[bob], [alice]]")
    texts = {**BASE, "rotations/schedules/second.yaml": second}
    told = lines(problems_of(tmp_path, texts))
    assert any(
        line.startswith(
            "rotations/schedules/second.yaml:4: warning: layers: bob is on call for primary as well"
        )
        for line in told
    )


def test_a_window_within_a_clock_change_is_told_at_the_window(tmp_path: Path) -> None:
    text = SCHEDULE.replace("{days: mon-fri, from: 09:00, to: 17:00", "{days: sun, from: 02:15, to: 17:00")
    told = lines(problems_of(tmp_path, with_oncall("", primary=text)))
    assert any(
        line.startswith(
            f"{PRIMARY}:14: warning: layers[1].windows[0]: a window begins or ends on 2026-03-29 at 02:15"
        )
        for line in told
    )


def test_longer_and_shorter_turns_are_notes(tmp_path: Path) -> None:
    revision = revision_of(tmp_path, BASE)
    assert revision.problems == ()
    (note,) = lines(revision.notes)
    assert note == (
        f"{PRIMARY}:7: note: layers[0].turn: the clock changes: the turn from 2026-03-23 09:00 to 2026-03-30 09:00"
        " Europe/Berlin is 1h shorter, and 1 more time in 400 days"
    )


def test_a_problem_says_whom_and_when_it_is_about(tmp_path: Path) -> None:
    changes, _ = KINDS["consecutive"]
    (problem,) = problems_of(tmp_path, with_oncall("lint: {nights: off}", **changes))
    concern = problem.concern
    assert concern is not None
    assert (problem.kind, concern.schedule, concern.person, concern.layer, concern.count) == (
        "consecutive", "primary", "alice", "week", 19,
    )  # fmt: skip
    assert (concern.start, concern.end) == (
        datetime(2026, 2, 16, 8, tzinfo=UTC),
        datetime(2026, 2, 23, 8, tzinfo=UTC),
    )


def test_who_has_no_contact_is_told_once(tmp_path: Path) -> None:
    people = PEOPLE.replace("{email: bob@example.com}", "{name: Bob}")
    told = [line for line in lines(problems_of(tmp_path, with_oncall("", people=people))) if "bob" in line]
    assert told == [
        "rotations/people.yaml:8: warning: people.bob: has no contact at all; write slack, email, phone or pagerduty"
    ]
    silent = revision_of(tmp_path, with_oncall("lint: {unreachable: off}", people=people))
    assert silent.problems == ()


def test_where_the_time_ahead_ends_can_be_chosen(tmp_path: Path) -> None:
    text = with_oncall("lint: {days: 3, holidays: off}", primary=office())
    (line,) = lines(problems_of(tmp_path, text))
    assert line.endswith("and 2 more times in 3 days")
    nights = with_oncall("lint: {nights_most: 6}")
    assert any("7 nights in a row" in line for line in lines(problems_of(tmp_path, nights)))


def test_off_altogether_nothing_is_looked_for(tmp_path: Path) -> None:
    off = "lint: {" + ", ".join(f"{kind}: off" for kind in WEIGHTS) + "}"
    revision = revision_of(tmp_path, with_oncall(off, primary=office()))
    assert (revision.problems, revision.notes) == ((), ())


def test_a_format_problem_is_an_error_whatever_the_weights(tmp_path: Path) -> None:
    off = "lint: {gaps: off}\nlnt: {}"
    with pytest.raises(BadConfiguration) as refused:
        revision_of(tmp_path, with_oncall(off))
    assert str(refused.value) == f'{ONCALL}:2: lnt: unknown key; did you mean "lint"?'


def test_the_weights_hold_for_a_set_that_is_refused(tmp_path: Path) -> None:
    people = PEOPLE.replace("{email: bob@example.com}", "{name: Bob}")
    texts = with_oncall("lint: {unreachable: off}", people=people, routing="routes: 1\n")
    told = lines(problems_of(tmp_path, texts))
    assert told
    assert not any("people.bob" in line for line in told)


# oncall.yaml


@pytest.mark.parametrize(
    "text, line, says",
    [
        ("lint: {gapps: off}", 1, 'lint.gapps: unknown key; did you mean "gaps"?'),
        ("lint:\n  gaps: warn", 2, 'did you mean "warning"?'),
        ("lint: {gaps: true}", 1, "is not one of error, warning, note, off"),
        ("lint: {days: 0}", 1, "lint.days"),
        ("lint: {days: 4000}", 1, "lint.days"),
        ("lint: {nights_most: many}", 1, "lint.nights_most: must be a whole number"),
        ("handoff: {notice: true}", 1, 'did you mean "notices"?'),
        ("handoff: {tap: 30}", 1, "30 has no unit"),
        ("handoff: {tap: false}", 1, "handoff.tap"),
        ("handoff: {tap: 3d}", 1, "is too early to ask; write 2d or less, or off"),
        ("handoff:\n  channel: #oncall", 2, "must stand in quotes"),
        ("- lint", 1, "must be a mapping"),
    ],
)
def test_what_oncall_yaml_cannot_say(text: str, line: int, says: str, tmp_path: Path) -> None:
    told = lines(problems_of(tmp_path, with_oncall(text)))
    assert any(one.startswith(f"{ONCALL}:{line}: ") and says in one for one in told), told


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", Handoff()),
        ("handoff: {}", Handoff(notices=True, brief=True, tap=timedelta(minutes=30), channel=None)),
        ("handoff: {tap: off}", Handoff(tap=timedelta(0))),
        ("handoff: {tap: 0}", Handoff(tap=timedelta(0))),
        ("handoff: {tap: 0m}", Handoff(tap=timedelta(0))),
        (
            'handoff: {notices: false, brief: false, tap: 1h, channel: "#oncall"}',
            Handoff(notices=False, brief=False, tap=timedelta(hours=1), channel="#oncall"),
        ),
    ],
)
def test_hand_offs(text: str, expected: Handoff, tmp_path: Path) -> None:
    assert revision_of(tmp_path, with_oncall(text)).handoff == expected


def test_without_the_file_the_defaults_count_and_with_it_the_revision_is_another(tmp_path: Path) -> None:
    plain = revision_of(tmp_path / "a", BASE)
    assert (plain.lint, plain.handoff) == (Lint(), Handoff())
    assert set(plain.lint.weights) == {*Kind, "inactive"}
    other = revision_of(tmp_path / "b", with_oncall("lint: {gaps: error}"))
    assert other.lint.weights["gaps"] is Weight.ERROR
    assert other.id != plain.id


# texts on record


def test_texts_on_record_load_without_a_look_ahead(tmp_path: Path) -> None:
    texts: Mapping[str, str] = with_oncall("lint: {gaps: error}", primary=office())
    revision = load_texts(texts, now=NOW)
    assert (revision.problems, revision.notes) == ((), ())
    assert revision.documents == texts
    assert revision.schedules.keys() == {"primary"}


def test_texts_on_record_without_a_required_one_are_refused() -> None:
    texts = {path: text for path, text in BASE.items() if "teams" not in path}
    with pytest.raises(BadConfiguration) as refused:
        load_texts(texts, now=NOW)
    assert "rotations/teams.yaml:1: is missing" in lines(refused.value.problems)


# how much it says, and when

HEAVY = """\
schedule: NAME
time_zone: Europe/Berlin
holidays: de
layers:
  - name: night
    priority: 10
    turn: {unit: days, every: 1, anchor: "2026-01-05T20:00"}
    people: [[alice], [bob], [alice, bob]]
  - name: day
    priority: 20
    turn: {unit: hours, every: 12, anchor: "2026-01-05T08:00"}
    people: [[bob], [alice]]
    windows: [{days: mon-fri, from: "08:00", to: "20:00", except_holidays: true}]
absences:
  - {who: alice, start: "2026-02-10T00:00", end: "2026-02-20T00:00"}
"""


def test_twenty_schedules_with_the_same_faults_give_few_lines(tmp_path: Path) -> None:
    write(tmp_path, many(20))
    assert len(load(tmp_path, now=NOW).problems) < 20 * 6


def many(number: int, oncall: str = "") -> dict[str, str]:
    texts = dict(BASE) | ({"rotations/oncall.yaml": oncall} if oncall else {})
    return texts | {f"rotations/schedules/s{n}.yaml": HEAVY.replace("NAME", f"s{n}") for n in range(number)}


@pytest.mark.parametrize("oncall, place", [("", "escalation"), ("lint: {nights: off}", "oncall")])
def test_a_start_leaves_many_schedules_to_the_check_and_says_so(
    oncall: str, place: str, tmp_path: Path
) -> None:
    write(tmp_path, many(AHEAD_AT_LOAD, oncall))
    (problem,) = load(tmp_path, now=NOW, ahead=LookAhead.FEW).problems
    assert str(problem) == (
        f"rotations/{place}.yaml:1: warning: {AHEAD_AT_LOAD + 1} schedules: their time ahead was not looked at; "
        "`incident-bot check` does"
    )


def test_a_start_looks_at_many_schedules_where_that_may_refuse_the_set(tmp_path: Path) -> None:
    write(tmp_path, many(AHEAD_AT_LOAD, "lint: {nights: error, nights_most: 1, days: 10}"))
    with pytest.raises(BadConfiguration, match="nights"):
        load(tmp_path, now=NOW, ahead=LookAhead.FEW)


def test_a_start_looks_at_few_schedules_and_a_question_at_none(tmp_path: Path) -> None:
    write(tmp_path, many(3))
    assert load(tmp_path, now=NOW, ahead=LookAhead.FEW).problems == load(tmp_path, now=NOW).problems != ()
    assert load(tmp_path, now=NOW, ahead=LookAhead.NEVER).problems == ()
