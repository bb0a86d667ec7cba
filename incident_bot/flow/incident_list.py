"""The list of incidents: what an address asks for, and the page that answers it, in both directions. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.config.durations import parse_duration
from incident_bot.core.model import Episode, Incident, Paging, Phase
from incident_bot.core.walltime import parse_instant
from incident_bot.flow.context import Context
from incident_bot.flow.further import links_of
from incident_bot.flow.queries import alert_view, incident_view
from incident_bot.flow.sight import seen
from incident_bot.flow.views import IncidentView
from incident_bot.store import alerts as episodes_store
from incident_bot.store import rooms
from incident_bot.store.incidents.listing import Wanted, listed
from incident_bot.store.transaction import Tx

STATES: Final = ("all", "open", *(one.value for one in Paging))
PHASES: Final = tuple(one.value for one in Phase)
FILTERS: Final = (
    "state", "phase", "severity", "team", "service", "alert", "person", "q", "from", "to", "slower", "drill", "private",
)  # fmt: skip
"""Every parameter by which a list is narrowed, as it stands in an address."""
WORDS_MOST: Final = 200
_YES: Final = frozenset({"yes", "true", "1", "only"})
_NO: Final = frozenset({"no", "false", "0"})
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What an address asks for: the conditions, as they were written, and what of them could not be read."""

    wanted: Wanted
    given: Mapping[str, str]
    """The filters in force, by their parameter."""
    problems: tuple[str, ...] = ()

    def without(self, name: str) -> dict[str, str]:
        """Give the filters in force but one."""
        return {key: value for key, value in self.given.items() if key != name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One page of a list, the newest first, and where its neighbours begin."""

    incidents: tuple[IncidentView, ...]
    newer: int | None = None
    """Ask `after` this number for the page before."""
    older: int | None = None
    """Ask `before` this number for the page behind."""


def read(parameters: Mapping[str, str], zone: ZoneInfo | None = None) -> Query:
    """Read a list's parameters. What cannot be read narrows nothing and is told.

    A bare date as `to` counts whole; `from` and `to` are else instants, or clock times of the reader's zone.
    """
    given = {name: parameters[name].strip()[:WORDS_MOST] for name in FILTERS if parameters.get(name)}
    given = {name: value for name, value in given.items() if value}
    problems: list[str] = []
    state = given.get("state", "all").casefold()
    if state not in STATES:
        problems.append(f"There is no state {state[:40]!r}; it is one of {', '.join(STATES)}.")
        state = "all"
    phase = given.get("phase", "").casefold()
    if phase and phase not in PHASES:
        problems.append(f"There is no phase {phase[:40]!r}; it is one of {', '.join(PHASES)}.")
        del given["phase"]
        phase = ""
    times = {name: _time(given, name, zone or ZoneInfo("UTC"), problems) for name in ("from", "to")}
    flags = {name: _flag(given, name, problems) for name in ("drill", "private")}
    wanted = Wanted(
        state="open" if state == "open" else "all" if state == "all" else Paging(state),
        phase=Phase(phase) if phase else None,
        severity=given.get("severity"),
        team=given.get("team"),
        service=given.get("service"),
        alert=given.get("alert"),
        person=given.get("person"),
        words=given.get("q"),
        since=times["from"],
        until=times["to"],
        slower=_length(given, problems),
        **flags,
    )
    if state == "all":
        given.pop("state", None)
    return Query(wanted=wanted, given=given, problems=tuple(problems))


def page(
    context: Context,
    query: Query,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = 50,
    alerts: int = 0,
) -> Listed:
    """Give one page: as full for those who see less, as what is missing is not to be counted.

    Each incident comes with its first alerts, `alerts` at most.
    """
    upwards = after is not None
    found: list[Incident] = []
    with context.store.read() as tx:
        while len(found) <= limit:
            ask = limit + 1 - len(found)
            batch = listed(tx, query.wanted, before=before, after=after, limit=ask)
            found += seen(tx, context.seer, batch)
            if len(batch) < ask:
                break
            before, after = (None, batch[-1].id) if upwards else (batch[-1].id, None)
        if upwards and not found:
            # Nothing is newer: the first page is what was meant.
            return page(context, query, limit=limit, alerts=alerts)
        more = len(found) > limit
        found = found[:limit][::-1] if upwards else found[:limit]
        newer = more if upwards else bool(found) and _any(context, tx, query.wanted, after=found[0].id)
        older = bool(found) if upwards else more
        numbers = [one.id for one in found]
        counts = episodes_store.count_firing(tx, numbers)
        places = rooms.names(tx, numbers)
        fired = episodes_store.first_of_each(tx, numbers, most=alerts) if alerts else {}
    return Listed(
        incidents=tuple(
            _view(context, one, counts.get(one.id, 0), fired.get(one.id, []), places.get(one.id))
            for one in found
        ),
        newer=found[0].id if found and newer else None,
        older=found[-1].id if found and older else None,
    )


def _view(
    context: Context, incident: Incident, firing: int, fired: list[Episode], room: str | None
) -> IncidentView:
    return replace(
        incident_view(context, incident, firing=firing),
        room=room,
        alerts=tuple(alert_view(one) for one in fired),
        links=links_of(context, incident, fired),
    )


def _any(context: Context, tx: Tx, wanted: Wanted, *, after: int) -> bool:
    """Say whether there is anything newer that the reader may see."""
    while batch := listed(tx, wanted, after=after, limit=20):
        if seen(tx, context.seer, batch):
            return True
        after = batch[-1].id
    return False


def _time(given: dict[str, str], name: str, zone: ZoneInfo, problems: list[str]) -> datetime | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        day = date.fromisoformat(text) if len(text) == len("2026-11-21") else None
        if day is None:
            return parse_instant(text, zone)
        after = day + _DAY if name == "to" else day
        return parse_instant(f"{after.isoformat()}T00:00", zone)
    except (ValueError, OverflowError):
        problems.append(
            f"I cannot read {name}={text[:40]!r}; write a day such as 2026-11-21, or 2026-11-21T03:00:00Z."
        )
        del given[name]
        return None


def _length(given: dict[str, str], problems: list[str]) -> timedelta | None:
    text = given.get("slower")
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        problems.append(f"I cannot read slower={text[:40]!r}: {error}.")
        del given["slower"]
        return None


def _flag(given: dict[str, str], name: str, problems: list[str]) -> bool | None:
    text = given.get(name)
    if text is None:
        return None
    if text.casefold() in _YES | _NO:
        return text.casefold() in _YES
    problems.append(f"{name} is yes or no, not {text[:40]!r}.")
    del given[name]
    return None
