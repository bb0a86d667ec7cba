"""Stage 4: decides whether an alert that was routed to people waits, until when, and why. It drops nothing.

A muted alert is held visibly and asked about again. What it holds to:

1. An inhibit rule mutes as Alertmanager's does: a source fires, the target's `equal` labels are the same
   (missing ones are empty), and alerts that match both sides do not inhibit each other, never itself.
2. A `delay` counts from when we first heard of the alert, so that a wrong clock at the source cannot mute it.
3. Where the answer would be *for ever* (unknown hours, a window that never opens), nothing is muted.
4. Maintenance is asked separately: in it incidents open, and only their escalation is paused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from incident_bot.core.matchers import InhibitRule, Matcher, matches_all
from incident_bot.core.model import Labels
from incident_bot.core.walltime import Window, covers, next_opening


class Muting(StrEnum):
    """What makes an alert wait."""

    INHIBITED = "inhibited"
    DELAY = "delay"
    HOURS = "hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A planned time, `[start, end)`, in which whatever matches pages nobody."""

    id: str
    matchers: tuple[Matcher, ...]
    start: datetime
    end: datetime
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """One entry of `hours:`, read."""

    zone: ZoneInfo
    windows: tuple[Window, ...]
    holidays: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Muted:
    """Why an alert waits, in one sentence, and until when; None means until its inhibitor ends."""

    reason: str
    until: datetime | None
    kind: Muting


class Waits(Protocol):
    """What is asked of a routed alert; `routing.Routed` has it."""

    @property
    def delay(self) -> timedelta | None:
        """How long it must fire before it opens."""

    @property
    def hours(self) -> str | None:
        """Outside which hours it waits."""

    @property
    def place(self) -> str:
        """Where its route is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibitors:
    """The inhibit rules with the sources that fire now, sorted once so that asking is cheap."""

    rules: tuple[tuple[InhibitRule, Mapping[tuple[str, ...], tuple[Labels, ...]]], ...] = ()
    """Each rule with its firing sources by the values of its `equal` labels."""

    @classmethod
    def of(cls, rules: Iterable[InhibitRule], firing: Iterable[Labels]) -> Inhibitors:
        """Sort the label sets that fire now under the rules whose source they are."""
        firing = tuple(firing)
        found = []
        for rule in rules:
            sources: dict[tuple[str, ...], tuple[Labels, ...]] = {}
            for labels in firing:
                if matches_all(rule.source, labels):
                    values = _values(rule, labels)
                    sources[values] = (*sources.get(values, ()), labels)
            found.append((rule, sources))
        return cls(rules=tuple(found))

    def source_for(self, labels: Labels) -> tuple[InhibitRule, Labels] | None:
        """Give the first rule and firing source that inhibit this label set; None where none does."""
        for rule, sources in self.rules:
            if not sources or not matches_all(rule.target, labels):
                continue
            both_sides = matches_all(rule.source, labels)
            for source in sources.get(_values(rule, labels), ()):
                if not (both_sides and matches_all(rule.target, source)):
                    return rule, source
        return None


def muted_by(
    labels: Labels,
    routed: Waits,
    *,
    hours: Mapping[str, Hours],
    inhibitors: Inhibitors,
    firing_since: datetime,
    now: datetime,
) -> Muted | None:
    """Say what makes this alert wait: an inhibitor, its route's delay or its hours; None if nothing does.

    `firing_since` is when we first heard of the episode (`opened_at`).
    """
    inhibited = inhibitors.source_for(labels)
    if inhibited is not None:
        rule, source = inhibited
        reason = f"inhibited at {_clock(now, now)} by {_named(source, rule)}, which fires too ({rule.place})"
        return Muted(reason=reason, until=None, kind=Muting.INHIBITED)
    if routed.delay is not None and now < firing_since + routed.delay:
        until = firing_since + routed.delay
        reason = (
            f"waits until {_clock(until, now)}: its route opens it only when it still fires "
            f"{_minutes(routed.delay)} after it was first heard of ({routed.place})"
        )
        return Muted(reason=reason, until=until, kind=Muting.DELAY)
    if routed.hours is None:
        return None
    return _outside(routed.hours, hours.get(routed.hours), routed.place, now=now)


def in_maintenance(labels: Labels, maintenance: Iterable[Maintenance], now: datetime) -> Maintenance | None:
    """Give the maintenance that covers this label set now, the last to end; None where none does."""
    covering = [
        one for one in maintenance if one.start <= now < one.end and matches_all(one.matchers, labels)
    ]
    return max(covering, key=lambda one: (one.end, one.id), default=None)


def maintenance_reason(maintenance: Maintenance, *, now: datetime) -> str:
    """Say in one sentence why nobody is paged, and until when."""
    until = _clock(maintenance.end, now)
    return f"in maintenance until {until}: {maintenance.reason} (by {maintenance.by}); nobody is paged before"


def _outside(name: str, hours: Hours | None, place: str, *, now: datetime) -> Muted | None:
    if hours is None or covers(hours.windows, hours.holidays, hours.zone, now):
        return None
    opening = next_opening(hours.windows, hours.holidays, hours.zone, now)
    if opening is None:
        return None
    reason = f"waits until {_clock(opening, now)}: its route holds it to the hours {name} ({place})"
    return Muted(reason=reason, until=opening, kind=Muting.HOURS)


def _values(rule: InhibitRule, labels: Labels) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in rule.equal)


def _named(source: Labels, rule: InhibitRule) -> str:
    shared = ", ".join(f"{name}={source[name]}" for name in rule.equal if source.get(name))
    name = source.get("alertname", "") or "an alert"
    return f"{name} ({shared})" if shared else name


def _clock(instant: datetime, now: datetime) -> str:
    """Write the time in UTC, with the date where it is another day's."""
    instant = instant.astimezone(UTC)
    same_day = instant.date() == now.astimezone(UTC).date()
    return f"{instant:%H:%M} UTC" if same_day else f"{instant:%Y-%m-%d %H:%M} UTC"


def _minutes(delay: timedelta) -> str:
    seconds = int(delay.total_seconds())
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"
