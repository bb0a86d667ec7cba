"""Stage 3b: which labels silence the alerts of an incident and as little else as possible, and whom that hides.

What it holds to:

1. One equality matcher a label, never an expression: the labels by which its route groups it, those that its route
   asks for, and the alert's name, as an alert of another name is something that nobody has looked at.
2. A label of these that the alert lacks has to be missing: its matcher has an empty value.
3. Where none of name and grouping labels says anything, all labels of the alert do: it is silenced alone.
4. Nothing is silenced by empty values alone: that would be everything.
5. Labels that the source is told to ignore, as a replica's, are never looked at.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from incident_bot.core.model import Episode, Labels, SilenceMatchers, incident_name

SETS_MOST: Final = 10
"""No command makes more silences than this."""
NAMED_MOST: Final = 5
ALERT_NAME: Final = "alertname"
ALL_LABELS: Final = "..."
"""Among grouping labels: every label, as in Alertmanager."""
Wanted: TypeAlias = tuple[str, SilenceMatchers]
"""The source of the alerts, and the matchers."""
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """The blast radius: how many alerts that fire now a silence hides, and whose they are."""

    mine: int = 0
    """Of the incident itself."""
    firing: int = 0
    """How many of the incident's fire at all."""
    others: Mapping[int, int] = field(default_factory=dict)
    """Of other incidents, by their number."""
    loose: int = 0
    """Of no incident."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.mine + sum(self.others.values()) + self.loose


def matchers_of(
    labels: Labels,
    group_by: Collection[str],
    routed_by: Collection[str],
    ignored: Collection[str] = (),
) -> SilenceMatchers:
    """Give the matchers that silence the alert and those that are grouped with it; none where nothing names it."""
    own = {name: value for name, value in labels.items() if value and name not in ignored}
    if ALL_LABELS in group_by:
        return tuple(sorted(own.items()))
    grouped = {ALERT_NAME, *group_by} - set(ignored)
    if not grouped & set(own):
        return tuple(sorted(own.items()))
    named = (grouped | set(routed_by)) - set(ignored)
    # A name that only newer sources know is left out where the alert lacks it: an older one would refuse the whole.
    return tuple(sorted((name, own.get(name, "")) for name in named if name in own or _PLAIN.fullmatch(name)))


def covers(matchers: SilenceMatchers, labels: Labels) -> bool:
    """Say whether a silence with these matchers hides an alert with these labels."""
    return all(labels.get(name, "") == value for name, value in matchers)


def hidden(wanted: Iterable[Wanted], firing: Iterable[Episode], incident: int) -> Hidden:
    """Count what falls silent of the alerts that fire, each once."""
    asked = tuple(wanted)
    mine = fires = loose = 0
    others: Counter[int] = Counter()
    for episode in firing:
        own = episode.incident_id == incident
        fires += own
        if not any(source == episode.source and covers(one, episode.labels) for source, one in asked):
            continue
        if own:
            mine += 1
        elif episode.incident_id is None:
            loose += 1
        else:
            others[episode.incident_id] += 1
    return Hidden(mine=mine, firing=fires, others=dict(sorted(others.items())), loose=loose)


def told(found: Hidden) -> str:
    """Say it in one or two sentences, the other incidents by name."""
    if not found.total:
        return "It hides nothing that fires now, and what fires later with these labels."
    parts = [f"It hides {_alerts(found.total)} that {'fires' if found.total == 1 else 'fire'} now"]
    if found.others:
        names = [f"{number} of {incident_name(name)}" for name, number in found.others.items()]
        more = len(names) - NAMED_MOST
        shown = ", ".join(names[:NAMED_MOST]) + (f" and of {more} more" if more > 0 else "")
        parts.append(f", {sum(found.others.values())} of them of other incidents: {shown}")
    if found.loose:
        parts.append(f", {found.loose} of them of no incident")
    left = found.firing - found.mine
    rest = f" {_alerts(left)} of this incident {'goes' if left == 1 else 'go'} on unsilenced." if left else ""
    return f"{''.join(parts)}.{rest}"


def _alerts(number: int) -> str:
    return "1 alert" if number == 1 else f"{number} alerts"
