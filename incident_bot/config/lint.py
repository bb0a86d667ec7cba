"""What goes wrong in the time ahead, as problems with file and line (R16). Finds nothing: `core.oncall.lint` does.

One problem for each kind and place, with the first occasion and how many more there are. Every problem is then
weighed as `oncall.yaml` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.config.channels import WITHOUT_ADDRESS
from incident_bot.config.durations import format_duration
from incident_bot.config.people import key_of
from incident_bot.config.revision import Lint, Weight
from incident_bot.config.tree import Path, Tree
from incident_bot.core.errors import Concern, Problem
from incident_bot.core.model import ContactRule, Person, Urgency
from incident_bot.core.oncall import Schedule
from incident_bot.core.oncall.lint import Finding, Kind, Look, lint

FORMAT: Final = "format"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """Everything that a look at the time ahead needs, and where it is written."""

    schedules: Mapping[str, tuple[Schedule, Tree]]
    people: Mapping[str, Person]
    people_tree: Tree | None
    defaults: tuple[ContactRule, ...]
    """The rules for high urgency of those who have none of their own."""
    calendars: Mapping[str, Mapping[date, str]]
    settings: Lint


def look_ahead(ahead: Ahead, *, now: datetime) -> Iterator[Problem]:
    """Give what is found from now on as warnings, one for each kind and place (R16); `weigh` says what they are."""
    kinds = frozenset(kind for kind in Kind if ahead.settings.weights[kind.value] is not Weight.OFF)
    if not kinds:
        return
    look = Look(
        schedules=[schedule for schedule, _ in ahead.schedules.values()],
        start=now,
        end=now + timedelta(days=ahead.settings.days),
        inactive=frozenset(person.id for person in ahead.people.values() if not person.active),
        unreachable=frozenset(_unreached(ahead)),
        zones={person.id: ZoneInfo(person.time_zone) for person in ahead.people.values()},
        nights_most=ahead.settings.nights_most,
        kinds=kinds,
    )
    by_place: dict[tuple[Kind, str, Path, str | None], list[Finding]] = {}
    for finding in lint(look):
        tree, path = _place(finding, ahead)
        key = finding.kind, tree.file, path, finding.person or finding.other
        by_place.setdefault(key, []).append(finding)
    for (_, _, path, _), found in by_place.items():
        tree, _ = _place(found[0], ahead)
        yield _problem(found, tree, path, ahead)


def weigh(problems: Iterable[Problem], settings: Lint) -> list[Problem]:
    """Give the problems as heavy as the configuration has them, without those that are off; formats stay."""
    found: list[Problem] = []
    for problem in problems:
        weight = settings.weights.get(problem.kind)
        if weight is None:
            found.append(problem)
        elif weight is not Weight.OFF:
            found.append(replace(problem, severity=weight.value))
    return found


def _unreached(ahead: Ahead) -> Iterator[str]:
    """Give the active people with an address who have no rule for high urgency that uses it."""
    for person in ahead.people.values():
        rules = person.rules.get(Urgency.HIGH) or ahead.defaults
        # Who has no contact at all is told apart, whether on call or not.
        if person.active and person.contacts and not any(_reaches(rule, person) for rule in rules):
            yield person.id


def _reaches(rule: ContactRule, person: Person) -> bool:
    return rule.by in WITHOUT_ADDRESS or rule.by in person.contacts


def _place(finding: Finding, ahead: Ahead) -> tuple[Tree, Path]:
    """Give the file and the place that somebody would change."""
    schedule, tree = ahead.schedules[finding.schedule]
    if finding.kind is Kind.UNREACHABLE and ahead.people_tree is not None:
        return ahead.people_tree, ("people", finding.person or "")
    if finding.kind is Kind.HOLIDAYS:
        return tree, ("holidays",)
    if finding.override is not None:
        return tree, ("overrides", finding.override)
    if finding.kind is Kind.LEAVE:
        return tree, ("absences", _absence(finding, schedule))
    if finding.layer is None:
        return tree, ("layers",)
    layer = next(number for number, one in enumerate(schedule.layers) if one.name == finding.layer)
    if finding.window is not None:
        return tree, ("layers", layer, "windows", finding.window)
    return tree, ("layers", layer, "people" if finding.kind is Kind.CONSECUTIVE else "turn")


def _absence(finding: Finding, schedule: Schedule) -> int:
    return next(
        number
        for number, absence in enumerate(schedule.absences)
        if absence.person == finding.person and absence.start < finding.end and finding.start < absence.end
    )


def _problem(found: list[Finding], tree: Tree, path: Path, ahead: Ahead) -> Problem:
    first = found[0]
    zone = ahead.schedules[first.schedule][0].zone
    text = _text(first, zone, ahead)
    if len(found) > 1:
        times = "time" if len(found) == 2 else "times"  # noqa: PLR2004 -- the first and one more
        text += f", and {len(found) - 1} more {times} in {ahead.settings.days} days"
    concern = Concern(
        schedule=first.schedule,
        person=first.person,
        layer=first.layer,
        start=first.start,
        end=first.end,
        count=len(found),
    )
    problem = tree.problem(path, text, severity="warning", kind=first.kind.value)
    return replace(problem, concern=concern)


def _text(finding: Finding, zone: ZoneInfo, ahead: Ahead) -> str:
    person, span = finding.person, f"from {_span(finding, zone)}"
    match finding.kind:
        case Kind.GAPS:
            return f"nobody is on call {span}"
        case Kind.OVERLAPS if finding.clock is not None:
            return (
                f"layers {finding.layer} and {finding.other} both speak {span}, as {finding.clock:%H:%M} comes twice;"
                " the higher priority answers"
            )
        case Kind.OVERLAPS:
            return f"{person} is on call for {finding.other} as well {span}"
        case Kind.CLOCK_CHANGES:
            return _clock_text(finding, zone)
        case Kind.CLOCK_WEEKS:
            length = format_duration(abs(finding.by))
            than = "longer" if finding.by > timedelta(0) else "shorter"
            return f"the clock changes: the turn {span} is {length} {than}"
        case Kind.UNREACHABLE:
            return _unreachable_text(finding, zone, ahead)
        case Kind.CONSECUTIVE:
            return f"{person} has two turns in a row, the second {span}"
        case Kind.NIGHTS:
            most = ahead.settings.nights_most
            return f"{person} is on call {finding.nights} nights in a row {span}; more than {most}"
        case Kind.HOLIDAYS:
            return f"{_holiday(finding, ahead)}: nobody is on call {span}"
        case Kind.LEAVE if finding.override is not None:
            return f"{person} is absent {span}, and this puts them on call"
        case Kind.LEAVE:
            return f"{person} is absent {span}, and nobody in layer {finding.layer} stands in"


def _clock_text(finding: Finding, zone: ZoneInfo) -> str:
    what = "a window begins or ends" if finding.window is not None else "a hand-off falls"
    when = "which comes twice" if finding.twice else "which is missing"
    at = finding.start.astimezone(zone)
    instant = f"{finding.start:%H:%M} UTC"
    return (
        f"{what} on {at:%Y-%m-%d} at {finding.clock:%H:%M}, {when} as the clock changes; it is at {instant}"
    )


def _unreachable_text(finding: Finding, zone: ZoneInfo, ahead: Ahead) -> str:
    person = ahead.people[finding.person or ""]
    rules = person.rules.get(Urgency.HIGH) or ahead.defaults
    ways = ", ".join(dict.fromkeys(rule.by for rule in rules))
    keys = " or ".join(dict.fromkeys(key_of(rule.by) for rule in rules))
    return (
        f"is on call for {finding.schedule} from {_span(finding, zone)}, yet pages of high urgency go by {ways} only;"
        f" write {keys} here, or another way under notify: high:"
    )


def _holiday(finding: Finding, ahead: Ahead) -> str:
    document, day = ahead.schedules[finding.schedule][1].value, finding.date
    calendar = document.get("holidays") if isinstance(document, dict) else None
    name = ahead.calendars.get(str(calendar), {}).get(day, "") if day else ""
    return f"{day} ({name})" if name else f"{day}"


def _span(finding: Finding, zone: ZoneInfo) -> str:
    """Give the stretch on the schedule's clock, with the zone's name as it is known."""
    start, end = finding.start.astimezone(zone), finding.end.astimezone(zone)
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} {zone.key}"
