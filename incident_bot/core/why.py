"""Stage 7b: reads the record and says why: which routes were tried, what held an alert, why somebody was not paged.

Decides nothing anew: what the record does not hold is not made up. Every reason has a code for programs (P14).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from incident_bot.core.model import Disposition, Episode, Event, Flag, Json, JsonObject, Kind, Status
from incident_bot.core.timeline import describe


class Code(StrEnum):
    """Why a page did not go out."""

    RECORDED = "recorded"
    """The route says `record`."""
    CHANNEL_ONLY = "channel_only"
    """The route says `notify`: the team's channel was told."""
    HELD = "held"
    """A delay, hours or an inhibition: it waits."""
    REFIRE_HELD = "refire_held"
    """It may be a late copy of what just ended (I6)."""
    ENDED_BEFORE = "ended_before"
    """It ended before it was let through."""
    ENDED_UNSEEN = "ended_unseen"
    """It ended before it was seen firing (I7)."""
    SILENCED = "silenced"
    MAINTENANCE = "maintenance"
    PAUSED = "paused"
    NOBODY = "nobody"
    """A step had nobody behind it."""
    NO_CHANNEL = "no_channel"
    NOT_DELIVERED = "not_delivered"
    TAKEN_BACK = "taken_back"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"
    MERGED = "merged"
    EXHAUSTED = "exhausted"
    FLAPPING = "flapping"
    """It begins and ends too often: what fires again pages nobody (I11)."""
    WAITING = "waiting"
    """Not due yet."""
    INACTIVE = "inactive"
    NOT_ON_CALL = "not_on_call"
    NOT_REACHED = "not_reached"
    """The person's step never fell due."""
    OTHER_TIME = "other_time"
    """Paged for it, but not in the time that was asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason why somebody, or everybody, was not paged."""

    code: Code
    text: str
    at: datetime | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTried:
    """One route that was asked about an alert."""

    number: int
    """From 1, in the order of the file."""
    place: str
    matched: bool
    matchers: tuple[str, ...]
    """Those that were asked, as they are written; none for a route that takes every alert."""
    failed: str | None
    """The first matcher that did not pass."""
    value: str | None
    """What the failed matcher saw; the empty text where the label is not there."""


_STOPS: Final[Mapping[Kind, Code]] = {
    Kind.ACKNOWLEDGED: Code.ACKNOWLEDGED,
    Kind.SNOOZED: Code.SNOOZED,
    Kind.RESOLVED: Code.RESOLVED,
    Kind.CANCELLED: Code.CANCELLED,
    Kind.MERGED: Code.MERGED,
}
"""What ends paging, of one epoch or for good."""
_TOLD: Final[Mapping[Kind, Code]] = {
    **_STOPS,
    Kind.PART_ACKNOWLEDGED: Code.ACKNOWLEDGED,
    Kind.PAUSED: Code.PAUSED,
    Kind.NOBODY: Code.NOBODY,
    Kind.EXHAUSTED: Code.EXHAUSTED,
    Kind.FLAPPING: Code.FLAPPING,
    Kind.PAGE_FAILED: Code.NOT_DELIVERED,
    Kind.PAGES_CANCELLED: Code.TAKEN_BACK,
}


def routes_tried(why: JsonObject | None) -> tuple[RouteTried, ...]:
    """Give the routes that were asked, in order, from what the episode's record says of each matcher."""
    found: list[list[JsonObject]] = []
    for one in _objects((why or {}).get("tried")):
        last = found[-1][-1] if found else None
        # A route stops at its first matcher that does not pass: what follows is another one, even on the same line.
        if last is None or last.get("place") != one.get("place") or not last.get("matched"):
            found.append([])
        found[-1].append(one)
    return tuple(_route(number, asked) for number, asked in enumerate(found, 1))


def _route(number: int, asked: Sequence[JsonObject]) -> RouteTried:
    last = asked[-1]
    matched = last.get("matched") is True
    return RouteTried(
        number=number,
        place=str(last.get("place")),
        matched=matched,
        matchers=tuple(str(one.get("matcher")) for one in asked if one.get("matcher") != "{}"),
        failed=None if matched else str(last.get("matcher")),
        value=None if matched else str(last.get("value") or ""),
    )


def verdict(episode: Episode) -> tuple[str, str]:
    """Say what the alert turned out to be, with the rule that says so (I5 to I9)."""
    if episode.closed_at is not None and episode.closed_at == episode.opened_at and not episode.incident_id:
        return "I7", "it had ended when it was first heard of"
    if Flag.HELD_REFIRE in episode.flags:
        return "I6", "it fires with the start of what just ended: held, then reopened unless a resolve comes"
    again = {0: "", 1: ", fired again once since"}.get(
        episode.refires, f", fired again {episode.refires} times since"
    )
    marks = [
        words
        for flag, words in (
            (Flag.UNCONFIRMED, "; a later body leaves it out, the source is asked (I8)"),
            (Flag.PARTIAL, "; it came in a truncated body (I9)"),
        )
        if flag in episode.flags
    ]
    return "I5", f"a new episode{again}{''.join(marks)}"


def unplaced(episode: Episode) -> Reason | None:
    """Say why an alert has no incident; None where it has one."""
    if episode.incident_id is not None:
        return None
    at, said = episode.opened_at, episode.reason or ""
    if Flag.HELD_REFIRE in episode.flags:
        return Reason(code=Code.REFIRE_HELD, at=at, text=verdict(episode)[1])
    if episode.disposition is Disposition.HELD:
        return Reason(code=Code.HELD, at=at, text=said)
    if episode.disposition is Disposition.NOTIFY:
        return Reason(code=Code.CHANNEL_ONLY, at=at, text=said)
    if verdict(episode)[0] == "I7":
        return Reason(code=Code.ENDED_UNSEEN, at=at, text=said or verdict(episode)[1])
    if said.startswith("ended"):
        return Reason(code=Code.ENDED_BEFORE, at=episode.closed_at, text=said)
    return Reason(code=Code.RECORDED, at=at, text=said or "recorded only")


def silenced(episode: Episode, by: str | None = None) -> Reason | None:
    """Say that the source holds an alert that fires silenced, by what if known, or inhibits it; None for neither."""
    if episode.status is not Status.FIRING:
        return None
    for flag, word in ((Flag.SILENCED, "silenced"), (Flag.INHIBITED, "inhibited")):
        if flag in episode.flags:
            known = f" {by}" if by and flag is Flag.SILENCED else ""
            return Reason(code=Code.SILENCED, text=f"{word} at its source {episode.source}{known}")
    return None


def reasons(events: Iterable[Event], names: Mapping[str, str]) -> tuple[Reason, ...]:
    """Give every reason on a timeline why somebody was not paged, or no longer, in order."""
    found: list[Reason] = []
    for event in events:
        if event.kind in (Kind.STEP, Kind.NOBODY):
            found += _unreachable(event, names)
        code = _TOLD.get(event.kind)
        if code is None or (event.kind is Kind.NOBODY and _words(event.data.get("unreachable"))):
            continue
        if code is Code.PAUSED:
            code = _held_back(str(event.data.get("reason")))
        person = event.data.get("person")
        found.append(
            Reason(
                code=code,
                at=event.happened_at,
                text=describe(event, names),
                person=person if isinstance(person, str) and code is Code.NOT_DELIVERED else None,
            )
        )
    return tuple(found)


def stopped(events: Iterable[Event], names: Mapping[str, str], after: datetime) -> Reason | None:
    """Give what ended paging first, from an instant on; None where nothing did."""
    for event in events:
        if event.kind in _STOPS and event.happened_at >= after:
            return Reason(code=_STOPS[event.kind], at=event.happened_at, text=describe(event, names))
    return None


def entry_of(events: Iterable[Event], fingerprint: str, number: int) -> Event | None:
    """Give the event by which an alert came onto an incident, the newest of several; None where none tells."""
    found: Event | None = None
    for event in events:
        if event.kind in (Kind.OPENED, Kind.ALERT_ATTACHED, Kind.REOPENED, Kind.MERGED_HERE) and any(
            one.get("fingerprint") == fingerprint and one.get("episode_id") in (0, number)
            for one in _objects(event.data.get("alerts"))
        ):
            found = event
    return found


def paged_people(event: Event) -> tuple[tuple[str, str], ...]:
    """Give the people whom an event of the escalation pages, each with the reason."""
    return tuple((str(one["person"]), str(one.get("why", ""))) for one in _objects(event.data.get("people"))
                 if one.get("person"))  # fmt: skip


def unreachable(event: Event) -> tuple[str, ...]:
    """Give the people behind a step whom no channel reaches."""
    return tuple(_words(event.data.get("unreachable")))


def _unreachable(event: Event, names: Mapping[str, str]) -> list[Reason]:
    step = event.data.get("step")
    at_step = f" at step {step + 1}" if isinstance(step, int) else ""
    return [
        Reason(
            code=Code.NO_CHANNEL,
            at=event.happened_at,
            person=person,
            text=f"No channel reaches {names.get(person, person)}{at_step}",
        )
        for person in unreachable(event)
    ]


def _held_back(reason: str) -> Code:
    if reason.startswith("maintenance"):
        return Code.MAINTENANCE
    return Code.SILENCED if "silenced" in reason else Code.PAUSED


def _objects(value: Json) -> list[JsonObject]:
    listed = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return [one for one in listed if isinstance(one, Mapping)]


def _words(value: Json) -> list[str]:
    listed = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return [one for one in listed if isinstance(one, str)]
