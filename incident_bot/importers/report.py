"""Side by side: who is on call according to the source, and according to the files written from it.

Only what the export itself says about the time ahead is compared. Sets of people are, not their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from incident_bot.core.oncall import Schedule, shifts
from incident_bot.importers.base import SCHEDULES, Imported, Rendered
from incident_bot.importers.writing import instant

DAYS: Final = 90
"""How far ahead is compared by default."""

_Piece = tuple[datetime, datetime, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A maximal stretch in which both sides name somebody else."""

    start: datetime
    end: datetime
    theirs: tuple[str, ...]
    """According to the source, by id."""
    ours: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One schedule, side by side."""

    schedule: str
    start: datetime
    end: datetime
    """The span that was compared; empty where the export says nothing about the time ahead."""
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    """Why nothing was compared, and what to do; empty where something was."""

    @property
    def percent(self) -> float | None:
        """How much of the span agrees, 100.0 only where all of it does; None where nothing was compared."""
        span = self.end - self.start
        if self.reason or span <= timedelta(0):
            return None
        apart = sum((each.end - each.start for each in self.differences), timedelta(0))
        exact = 100 * (1 - apart / span)
        return 100.0 if not self.differences else min(round(exact, 2), 99.99)


def compare(
    imported: Imported, schedules: Mapping[str, Schedule], *, now: datetime, days: int = DAYS
) -> tuple[Comparison, ...]:
    """Give each written schedule side by side with what the source says about it, from `now` on.

    `schedules` are the written files as `config.loader` reads them, by name. Never raises for a schedule that is
    not among them or that the export says nothing about: the comparison then carries the reason.
    """
    names = [path.removeprefix(SCHEDULES).removesuffix(".yaml") for path in imported.files]
    return tuple(
        _compared(name, imported.rendered.get(name), schedules.get(name), now=now, days=days)
        for name in names
    )


def as_text(comparisons: Sequence[Comparison]) -> str:
    """Write comparisons as a table for people."""
    lines: list[str] = []
    for each in comparisons:
        if each.percent is None:
            lines += [f"{each.schedule}: not compared: {each.reason}", ""]
            continue
        span = f"{_minute(each.start)} to {_minute(each.end)} UTC"
        lines.append(f"{each.schedule}: {each.percent:g} % the same from {span}")
        if each.differences:
            rows = [("from (UTC)", "to (UTC)", "source", "files")]
            rows += [
                (_minute(one.start), _minute(one.end), _people(one.theirs), _people(one.ours))
                for one in each.differences
            ]
            widths = [max(len(row[column]) for row in rows) for column in range(4)]
            lines += [
                "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
                for row in rows
            ]
        lines.append("")
    return "\n".join(lines)


def as_json(comparisons: Sequence[Comparison]) -> list[dict[str, object]]:
    """Give comparisons as values that JSON can hold."""
    return [
        {
            "schedule": each.schedule,
            "start": instant(each.start),
            "end": instant(each.end),
            "percent": each.percent,
            "reason": each.reason or None,
            "differences": [
                {
                    "start": instant(one.start),
                    "end": instant(one.end),
                    "source": list(one.theirs),
                    "files": list(one.ours),
                }
                for one in each.differences
            ],
        }
        for each in comparisons
    ]


def _compared(
    name: str, rendered: Rendered | None, schedule: Schedule | None, *, now: datetime, days: int
) -> Comparison:
    if rendered is None or rendered.end <= now:
        reason = "the export does not say who is on call from now on; docs/howto/import-schedules.md shows how to ask"
        return Comparison(schedule=name, start=now, end=now, reason=reason)
    start, end = max(rendered.start, now), min(rendered.end, now + timedelta(days=days))
    if schedule is None:
        reason = "the written file is not among the schedules that were loaded"
        return Comparison(schedule=name, start=now, end=now, reason=reason)
    if end <= start:
        reason = (
            f"the export says who is on call from {_minute(rendered.start)} UTC only, after the {days} days"
        )
        return Comparison(schedule=name, start=now, end=now, reason=reason)
    theirs = [(each.start, each.end, frozenset(each.people)) for each in rendered.stretches]
    ours = [(each.start, each.end, frozenset(each.people)) for each in shifts(schedule, (), start, end)]
    return Comparison(schedule=name, start=start, end=end, differences=_differences(theirs, ours, start, end))


def _differences(
    theirs: Sequence[_Piece], ours: Sequence[_Piece], start: datetime, end: datetime
) -> tuple[Difference, ...]:
    left, right = _steps(theirs, start, end), _steps(ours, start, end)
    edges = sorted({*left, *right, end})
    found: list[Difference] = []
    here: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()
    for begin, finish in pairwise(edges):
        here, there = right.get(begin, here), left.get(begin, there)
        if here == there:
            continue
        both = tuple(sorted(there)), tuple(sorted(here))
        if found and found[-1].end == begin and (found[-1].theirs, found[-1].ours) == both:
            begin = found.pop().start  # noqa: PLW2901 -- the stretch goes on
        found.append(Difference(start=begin, end=finish, theirs=both[0], ours=both[1]))
    return tuple(found)


def _steps(pieces: Sequence[_Piece], start: datetime, end: datetime) -> dict[datetime, frozenset[str]]:
    """Give every instant of the span at which the people change, with those who are on call from there."""
    changes: dict[datetime, list[tuple[int, frozenset[str]]]] = {start: []}
    for begin, finish, people in pieces:
        begin, finish = max(begin, start), min(finish, end)  # noqa: PLW2901 -- cut to the span
        if begin < finish:
            changes.setdefault(begin, []).append((1, people))
            changes.setdefault(finish, []).append((-1, people))
    counts: dict[str, int] = {}
    steps: dict[datetime, frozenset[str]] = {}
    for moment in sorted(changes):
        for step, people in changes[moment]:
            for person in people:
                counts[person] = counts.get(person, 0) + step
        steps[moment] = frozenset(person for person, count in counts.items() if count > 0)
    return steps


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def _people(people: Sequence[str]) -> str:
    return ", ".join(people) or "nobody"
