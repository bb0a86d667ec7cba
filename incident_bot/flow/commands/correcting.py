"""The verb `milestone`: reads which key time and when, and lists them all where nothing follows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.core.errors import Refused
from incident_bot.core.incident import SetMilestone
from incident_bot.core.model import Episode, Incident, Mark
from incident_bot.core.postmortem import clock, duration
from incident_bot.core.walltime import parse_instant
from incident_bot.flow import keytimes, queries
from incident_bot.flow.context import Context
from incident_bot.flow.record_views import MeasuresView, MilestoneView
from incident_bot.flow.views import ReplyView
from incident_bot.store import alerts
from incident_bot.store.transaction import Tx

EXAMPLE: Final = "milestone mitigated 03:45 the rollback was through"
_WORDS: Final[Mapping[str, Mark]] = MappingProxyType(
    {
        "impact": Mark.IMPACT_STARTED,
        "ack": Mark.ACKNOWLEDGED,
        "lead": Mark.LED,
        "update": Mark.FIRST_UPDATE,
        **{mark.value: mark for mark in Mark},
    }
)
_TWO: Final = re.compile(r"^(impact|first)[ _-]+(start(?:ed)?|update)\b", re.IGNORECASE)
_BACK: Final = frozenset({"reset", "auto", "record"})
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_DAY: Final = timedelta(days=1)
_HEARD_BEFORE: Final = timedelta(hours=12)
_FULL: Final = "with its zone it is `milestone {} {:%Y-%m-%dT%H:%MZ}`"


def milestone(tx: Tx, incident: Incident, rest: str, zone: ZoneInfo, *, now: datetime) -> SetMilestone:
    """Read `mitigated 03:45 [reason]`, `impact 2026-11-20 22:05` or `resolved reset`; raises Refused."""
    mark, after = _mark(rest)
    times = dict(zip(Mark, keytimes.found(tx, incident, _episodes(tx, incident)), strict=True))
    present = times[mark]
    first, _, reason = after.partition(" ")
    at = None
    if not first:
        raise Refused(f"When was that? Type for example `{EXAMPLE}`, or `milestone {mark.value} reset`.")
    if first.casefold() not in _BACK:
        at, reason = _instant(after, zone, near=present.at or incident.opened_at, now=now)
        # What is to come, and the end of what is open, have a refusal of their own.
        if at <= now and not (mark.is_end and incident.paging.is_open):
            _in_order(mark, at, {one: found.at for one, found in times.items()}, zone)
    return SetMilestone(
        mark=mark,
        at=at,
        reason=reason.strip() or None,
        before=present.at,
        corrected=present.corrected or present.measured,
    )


def milestones(context: Context, number: int, *, now: datetime) -> ReplyView:  # noqa: ARG001 -- every reader is given it
    """Answer `milestone`: every key time, where it comes from, and the durations between them."""
    one = queries.incident(context, number)
    lines = [_line(view) for view in one.milestones]
    if one.measures is not None:
        lines += _lengths(one.measures)
    title = f"Key times of {one.id}; `{EXAMPLE}` corrects one"
    return ReplyView(text="\n".join([f"{title}:", *lines]), title=title, lines=tuple(lines), incident=one.id)


def _lengths(found: MeasuresView) -> list[str]:
    if found.excluded:
        return [f"In no figure: {found.excluded}"]
    lengths = {
        "detect": found.time_to_detect,
        "acknowledge": found.time_to_acknowledge,
        "mitigate": found.time_to_mitigate,
        "resolve": found.time_to_resolve,
    }
    return [
        f"Time to {name}: {duration(timedelta(seconds=seconds))}"
        for name, seconds in lengths.items()
        if seconds is not None
    ]


def _line(view: MilestoneView) -> str:
    if view.at is None:
        return f"{view.name}: not recorded"
    by = f", corrected by {view.author_name}" if view.corrected else ", measured" if view.measured else ""
    why = f": {view.reason}" if view.reason else ""
    return f"{view.name}: {clock(view.at)} {view.source}{by}{why}"


def _episodes(tx: Tx, incident: Incident) -> list[Episode]:
    return alerts.episodes_of_incident(tx, incident.id)


def _mark(rest: str) -> tuple[Mark, str]:
    two = _TWO.match(rest.strip())
    words = f"{two[1]}{rest.strip()[two.end() :]}" if two else rest.strip()
    first, _, after = words.partition(" ")
    word = first.casefold().replace("-", "_")
    mark = Mark.FIRST_UPDATE if word == "first" else _WORDS.get(word)
    if mark is None:
        names = ", ".join(one.value for one in Mark)
        raise Refused(f"{first[:40]!r} is no key time; use one of {names}: `{EXAMPLE}`.")
    return mark, after.strip()


def _in_order(mark: Mark, at: datetime, times: Mapping[Mark, datetime | None], zone: ZoneInfo) -> None:
    """Refuse what would turn the order round: the usual cause is a clock time of another zone, a day off."""
    if mark is Mark.IMPACT_STARTED:
        ends = [(ended, one) for one in (Mark.MITIGATED, Mark.RESOLVED) if (ended := times[one])]
        late = [(ended, one) for ended, one in ends if at > ended]
        if late:
            ended, one = min(late)
            was = f"{clock(at)} is after “{one.label.casefold()}”, {clock(ended)}"
            raise Refused(
                f"{was}. A time without a zone is read in yours, {zone}; {_FULL.format(mark.value, at)}."
            )
        return
    known = [one for one in (times[Mark.IMPACT_STARTED], times[Mark.DETECTED]) if one]
    began = min(known, default=None)
    # People may have heard of it before its first alert, but not on another day.
    earlier = _HEARD_BEFORE if mark is Mark.DETECTED else timedelta(0)
    if began is not None and at < began - earlier:
        was = f"{clock(at)} is before it began, {clock(began)}"
        hint = f"{_FULL.format(mark.value, began)}; if it began earlier, correct that first: `milestone impact …`"
        raise Refused(f"{was}. A time without a zone is read in yours, {zone}; {hint}.")


def _instant(text: str, zone: ZoneInfo, *, near: datetime, now: datetime) -> tuple[datetime, str]:
    """Read a clock time on the day nearest to what it corrects, or a date and a time; gives what follows as well."""
    first, _, rest = text.partition(" ")
    at = _CLOCK.fullmatch(first)
    if at:
        local = near.astimezone(zone).replace(hour=int(at[1]), minute=int(at[2]), second=0, microsecond=0)
        days = ((local + count * _DAY).astimezone(UTC) for count in (-1, 0, 1))
        return min((day for day in days if day <= now), key=lambda day: abs(day - near)), rest
    second, _, more = rest.partition(" ")
    if _DATE.fullmatch(first) and _CLOCK.fullmatch(second):
        first, rest = f"{first}T{second.zfill(5)}", more
    try:
        return parse_instant(first, zone), rest
    except ValueError as error:
        raise Refused(f"{first[:40]!r} is no time; write 03:45 or 2026-11-21T03:45Z: `{EXAMPLE}`.") from error
