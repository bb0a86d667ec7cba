"""Stage 3: decides what becomes of an alert: which route takes it, whose it is, how bad, in which incident.

It never mutes (that is `muting`) and opens nothing. What it holds to:

1. Every alert gets an answer: the default takes what no route does.
2. The first route that matches decides. Where it says `continue`, later matches are looked at too, and of
   all of them the first with the strongest action decides alone (incident before notify before record).
3. Severity, service and team come from the labels first, then from the route, then from the service's team,
   then from the default. A word that names nothing does not count.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Final

from incident_bot.core.matchers import InhibitRule, Matcher, matches_all
from incident_bot.core.model import FlappingRule, Labels, Ladder, Service, Severity, StormRule, Team

GROUP_BY: Final = ("alertname", "cluster", "service")
"""The labels that make an incident where nothing else is said."""
ALL_LABELS: Final = "..."
"""In `group_by`: every label, as in Alertmanager."""
KEY_MOST: Final = 400
TITLE_MOST: Final = 150
SERVICE_MOST: Final = 100
"""What a label says beyond it is no name of a service; the alert keeps the whole."""

_JOINER: Final = "\u200d"
"""Holds emoji together: the one unprintable mark that a title keeps."""
_UNSTORABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


class Action(StrEnum):
    """What becomes of an alert; the first is the strongest."""

    INCIDENT = "incident"
    NOTIFY = "notify"
    RECORD = "record"


_STRONGEST_FIRST: Final = tuple(Action)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One entry of `routes:`; what it leaves out, the alert's service or the default says."""

    match: tuple[Matcher, ...] = ()
    """All of them must pass; none means every alert."""
    team: str | None = None
    action: Action | None = None
    group_by: tuple[str, ...] | None = None
    delay: timedelta | None = None
    hours: str | None = None
    severity: str | None = None
    service: str | None = None
    continue_: bool = False
    flapping: FlappingRule | None = field(default_factory=FlappingRule)
    """When its alerts flap (I11); None: never."""
    storm: StormRule | None = field(default_factory=StormRule)
    """How many incidents it may open at once (I12); None: as many as come."""
    storm_exempt: tuple[tuple[Matcher, ...], ...] = ()
    """What opens an incident of its own in a storm, too: alerts for which all matchers of one entry pass."""
    place: str
    """Where it is written: `routing.yaml:12`."""

    @property
    def name(self) -> str:
        """What it is called: its matchers, so that moving it changes nothing."""
        return ", ".join(matcher.text for matcher in self.match) or "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """What holds where labels and routes say nothing."""

    team: str
    action: Action = Action.INCIDENT
    severity: str | None = None
    group_by: tuple[str, ...] = GROUP_BY
    flapping: FlappingRule | None = field(default_factory=FlappingRule)
    storm: StormRule | None = field(default_factory=StormRule)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelNames:
    """Which labels say the severity, service and team."""

    severity: str = "severity"
    service: str = "service"
    team: str = "team"


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """`routing.yaml`, read."""

    routes: tuple[Route, ...] = ()
    default: Default
    label_names: LabelNames = field(default_factory=LabelNames)
    services: Mapping[str, Service] = field(default_factory=dict)
    inhibit: tuple[InhibitRule, ...] = ()
    storm_exempt: tuple[tuple[Matcher, ...], ...] = ()
    """The same as a route's, for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One matcher that was asked, and the label's value that it saw (P14)."""

    place: str
    matcher: str
    """As it is written; `{}` for a route without matchers."""
    matched: bool
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """What becomes of an alert, and how that was found."""

    action: Action
    team: str
    severity: Severity
    service: str | None
    group_by: tuple[str, ...]
    delay: timedelta | None
    hours: str | None
    place: str
    """The route that decided: `routing.yaml:12`, or `default`."""
    tried: tuple[Tried, ...]
    origins: Mapping[str, str] = field(default_factory=dict)
    """Where `severity`, `team` and `service` were found, in words (P14)."""
    name: str = "default"
    """The matchers of the route that decided, or `default`."""
    flapping: FlappingRule | None = field(default_factory=FlappingRule)
    storm: StormRule | None = None
    """How many incidents it may open at once; None for an alert that is exempt, too."""


def route(labels: Labels, routing: Routing, ladder: Ladder, teams: Mapping[str, Team]) -> Routed:
    """Say what becomes of an alert; every alert gets an answer, as long as the ladder has a rung."""
    tried: list[Tried] = []
    decided = _decide(labels, routing, tried)
    names, default = routing.label_names, routing.default
    at_route = f"the route {decided.place}" if decided else ""
    service, service_from = _first(
        (_line(labels.get(names.service, ""))[:SERVICE_MOST], f"the label {names.service}"),
        (decided.service if decided else None, at_route),
    )
    label = labels.get(names.team)
    team, team_from = _first(
        (label if label in teams else None, f"the label {names.team}"),
        (decided.team if decided else None, at_route),
        (_team_of(service, routing, teams), f"the service {service}"),
        (default.team, "the default"),
    )
    severity, severity_from = _severity(
        (
            (labels.get(names.severity), f"the label {names.severity}={labels.get(names.severity)}"),
            (decided.severity if decided else None, at_route),
            (default.severity, "the default"),
        ),
        ladder,
    )
    return Routed(
        action=_action(decided, default),
        team=team or default.team,
        severity=severity,
        service=service,
        group_by=default.group_by if decided is None or decided.group_by is None else decided.group_by,
        delay=decided.delay if decided else None,
        hours=decided.hours if decided else None,
        place=decided.place if decided else "default",
        tried=tuple(tried),
        origins={"severity": severity_from, "team": team_from, "service": service_from},
        name=decided.name if decided else "default",
        flapping=decided.flapping if decided else default.flapping,
        storm=_storm(labels, decided, routing),
    )


def incident_key(source: str, routed: Routed, labels: Labels) -> str:
    """Give the key of the incident that the alert belongs to: readable, unambiguous, at most `KEY_MOST` long.

    It names source, team and the values of the grouping labels, so that moving a route leaves it alone.
    """
    names = labels if ALL_LABELS in routed.group_by else routed.group_by
    pairs = ",".join(f"{_word(name)}={_quoted(labels.get(name, ''))}" for name in sorted(set(names)))
    key = f"{_word(source)}/{_word(routed.team)}/{{{pairs}}}"
    return _bounded(key)


def _bounded(key: str) -> str:
    if len(key) <= KEY_MOST:
        return key
    tail = "~" + blake2b(key.encode(), digest_size=16).hexdigest()
    return key[: KEY_MOST - len(tail)] + tail


def storm_key(routed: Routed) -> str:
    """Give the key of the storm incident of a team's route, and of its bucket (I12).

    Named by team as well: a route of several teams has one for each, so that no team's storm hides another's alerts.
    """
    return _bounded(f"storm/{_word(routed.team)}/{_quoted(routed.name)}")


def title(labels: Labels, annotations: Labels) -> str:
    """Give one line that says what fires: the summary, else the alert's name, instance and service."""
    summary = _line(annotations.get("summary", ""))
    if not summary:
        name, instance, service = (_line(labels.get(key, "")) for key in ("alertname", "instance", "service"))
        summary = (name or "Unnamed alert") + (f" on {instance}" if instance else "")
        summary += f" ({service})" if service else ""
    return summary if len(summary) <= TITLE_MOST else summary[: TITLE_MOST - 1].rstrip() + "…"


def _decide(labels: Labels, routing: Routing, tried: list[Tried]) -> Route | None:
    """Give the route that decides, and write down every matcher asked on the way."""
    best: Route | None = None
    strength = len(_STRONGEST_FIRST)
    for candidate in routing.routes:
        if not _matches(candidate, labels, tried):
            continue
        rank = _STRONGEST_FIRST.index(_action(candidate, routing.default))
        if rank < strength:
            best, strength = candidate, rank
        if not candidate.continue_:
            break
    return best


def _matches(candidate: Route, labels: Labels, tried: list[Tried]) -> bool:
    if not candidate.match:
        tried.append(Tried(place=candidate.place, matcher="{}", matched=True, value=""))
    for matcher in candidate.match:
        value = labels.get(matcher.name, "")
        matched = matcher.accepts(value)
        tried.append(Tried(place=candidate.place, matcher=matcher.text, matched=matched, value=value))
        if not matched:
            return False
    return True


def _action(decided: Route | None, default: Default) -> Action:
    return default.action if decided is None or decided.action is None else decided.action


def _storm(labels: Labels, decided: Route | None, routing: Routing) -> StormRule | None:
    exempt = (*routing.storm_exempt, *(decided.storm_exempt if decided else ()))
    if any(matches_all(entry, labels) for entry in exempt):
        return None
    return decided.storm if decided else routing.default.storm


def _severity(words: Iterable[tuple[str | None, str]], ladder: Ladder) -> tuple[Severity, str]:
    for word, origin in words:
        rung = ladder.named(word) if word else None
        if rung is not None:
            return rung, origin
    return ladder.rungs[len(ladder.rungs) // 2], "nothing that is known; the middle of the ladder"


def _first(*words: tuple[str | None, str]) -> tuple[str | None, str]:
    """Give the first word that there is, and where it was found."""
    return next(((word, origin) for word, origin in words if word), (None, "nothing says one"))


def _team_of(service: str | None, routing: Routing, teams: Mapping[str, Team]) -> str | None:
    if service is None:
        return None
    entry = routing.services.get(service)
    if entry is not None and entry.team is not None:
        return entry.team
    return next((team.id for team in teams.values() if service in team.services), None)


def _word(text: str) -> str:
    """Leave names as they are; quote what could be mistaken for the punctuation of a key."""
    bare = text.isascii() and text.replace("_", "a").replace("-", "a").replace(".", "a").isalnum()
    return text if bare else _quoted(text)


def _quoted(text: str) -> str:
    """Quote it; what a database cannot store (controls, lone surrogates) is written as an escape."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    if not escaped.isprintable():
        escaped = "".join(
            f"\\u{ord(mark):04x}" if unicodedata.category(mark) in _UNSTORABLE else mark for mark in escaped
        )
    return f'"{escaped}"'


def _line(text: str) -> str:
    """Make one line of it: runs of space become one, controls and marks that reorder text go."""
    if not text.isprintable():
        seen = (" " if mark.isspace() else mark for mark in text)
        text = "".join(mark for mark in seen if mark.isprintable() or mark == _JOINER)
    return " ".join(text.split())
