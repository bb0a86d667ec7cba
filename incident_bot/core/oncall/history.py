"""Who answers when the configuration has changed: each instant by the version in force then (R15).

The first version that has the schedule also answers for all time before it; in a later one without the schedule
nobody answers. What is applied later changes no earlier answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from incident_bot.core.oncall import answers
from incident_bot.core.oncall.answers import Answer, Gap, Shift
from incident_bot.core.oncall.pieces import Piece, Reason
from incident_bot.core.oncall.schedule import Override, Schedule
from incident_bot.core.oncall.words import nobody_text, together
from incident_bot.core.walltime import EARLIEST, HORIZON, LATEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What one schedule was from an activation on, until the next one."""

    schedule: Schedule | None
    """None where that configuration does not have it."""
    inactive: frozenset[str] = frozenset()
    """Whom no override can put on call then (R13)."""
    revision: str = ""
    start: datetime
    """The instant of the activation (R15)."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A piece, and the schedule that it is of; None where there was none then."""

    schedule: Schedule | None
    piece: Piece


def in_force(versions: Sequence[Version], instant: datetime) -> Version | None:
    """Give the version that answers at the instant; None where none has the schedule.

    `versions` are in the order of their activation; of two at one instant the later counts.
    """
    first = next((version for version in versions if version.schedule is not None), None)
    before = [version for version in versions if version.start <= instant]
    return before[-1] if before and first is not None and first.start <= instant else first


def who(versions: Sequence[Version], overrides: Sequence[Override], instant: datetime) -> tuple[Answer, ...]:
    """Give the people on call at the instant by the version in force then, each with the reason (R1, R15).

    `overrides` are those made at run time, the newest last. Nobody is an answer (R14).
    """
    version = in_force(versions, instant)
    if version is None or version.schedule is None:
        return ()
    return answers.who(
        version.schedule, overrides, instant, inactive=version.inactive, revision=version.revision
    )


def shifts(
    versions: Sequence[Version], overrides: Sequence[Override], start: datetime, end: datetime
) -> tuple[Shift, ...]:
    """Give the maximal stretches of `[start, end)` with one set of people, those with nobody left out.

    A stretch goes on over an activation that leaves its people as they were. They agree with `who` at every instant.
    """
    told = _told(versions, overrides, start, end)
    runs = [
        list(run) for _, run in groupby(told, key=lambda one: {placed.person for placed in one.piece.placed})
    ]
    return tuple(
        Shift(
            start=run[0].piece.start,
            end=run[-1].piece.end,
            people=tuple(person for person, _ in run[0].piece.placed),
            why=together(_name(versions), (placed.reason for one in run for placed in one.piece.placed)),
        )
        for run in runs
        if run[0].piece.placed
    )


def gaps(
    versions: Sequence[Version], overrides: Sequence[Override], start: datetime, end: datetime
) -> tuple[Gap, ...]:
    """Give the maximal stretches of `[start, end)` with nobody, deliberate ones apart from others (R9, R13, R14).

    Time in which there was no schedule is told apart as well, and not deliberate.
    """
    name = _name(versions)
    by_kind = groupby(
        _told(versions, overrides, start, end),
        key=lambda one: (bool(one.piece.placed), one.piece.nobody is not None, one.schedule is None),
    )
    runs = [(kind, list(run)) for kind, run in by_kind]
    return tuple(
        Gap(
            start=run[0].piece.start,
            end=run[-1].piece.end,
            deliberate=deliberate,
            why=f"{name}: there was no such schedule then"
            if absent
            else nobody_text(name, (one.piece.nobody for one in run)),
        )
        for (manned, deliberate, absent), run in runs
        if not manned
    )


def stretch(
    versions: Sequence[Version], overrides: Sequence[Override], instant: datetime, person: str
) -> tuple[datetime | None, datetime | None]:
    """Give since when and until when this person answers for the reason that holds at the instant.

    An activation that leaves the reason as it was does not end it. An end that does not come within 400 days is
    None. ValueError where the person is not on call at the instant.
    """
    since: datetime | None = None
    until: datetime | None = None
    # Most stretches are short, so look near first; the last round settles it.
    for reach in (timedelta(days=2), timedelta(days=16), timedelta(days=100), HORIZON):
        low, high = max(instant - reach, EARLIEST), min(instant + reach, LATEST)
        told = _told(versions, overrides, low, high)
        runs = [
            (reason, list(run)) for reason, run in groupby(told, key=lambda one: _reason(one.piece, person))
        ]
        run = next(
            (run for reason, run in runs if reason and run[0].piece.start <= instant < run[-1].piece.end),
            None,
        )
        if run is None:
            raise ValueError(f"{person} is not on call for {_name(versions)} at {instant.isoformat()}")
        since = run[0].piece.start if run[0].piece.start > low else None
        until = run[-1].piece.end if run[-1].piece.end < high else None
        if since and until:
            break
    return since, until


def _reason(piece: Piece, person: str) -> Reason | None:
    return next((placed.reason for placed in piece.placed if placed.person == person), None)


def _name(versions: Sequence[Version]) -> str:
    return next((version.schedule.name for version in versions if version.schedule is not None), "nobody")


def _told(
    versions: Sequence[Version], overrides: Sequence[Override], start: datetime, end: datetime
) -> Iterator[_Told]:
    """Give what the versions say in `[start, end)`, in order and without holes."""
    start, end = max(start, EARLIEST), min(end, LATEST)
    changes = _changes(versions)
    ends = [*(version.start for version in changes[1:]), LATEST]
    for version, until in zip(changes, ends, strict=False):
        opened, closed = max(start, version.start), min(end, until)
        if opened >= closed:
            continue
        if version.schedule is None:
            yield _Told(None, Piece(opened, closed, ()))
            continue
        found = answers.pieces(version.schedule, overrides, opened, closed, inactive=version.inactive)
        for piece in found:
            yield _Told(version.schedule, piece)


def _changes(versions: Sequence[Version]) -> list[Version]:
    """Give the versions that change something, the first from the beginning of time on."""
    kept: list[Version] = []
    for version in versions:
        if not kept:
            if version.schedule is not None:
                kept.append(replace(version, start=EARLIEST))
            continue
        # Only what came after the first can give way to another of its own instant.
        if kept[-1].start == version.start:
            kept.pop()
        if (kept[-1].schedule, kept[-1].inactive) != (version.schedule, version.inactive):
            kept.append(version)
    return kept
