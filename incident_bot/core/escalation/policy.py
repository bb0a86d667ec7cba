"""The escalation matrix and the policy frozen from it when an incident opens. Resolves no target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from incident_bot.core.effects import PAGE_PATIENCE
from incident_bot.core.errors import Unreadable
from incident_bot.core.incident.facts import (
    flag,
    listed,
    maybe_instant,
    maybe_text,
    number,
    text,
    whole,
    written,
)
from incident_bot.core.model import Acks, ContactRule, Json, JsonObject, Severity, Target, Urgency

DEFAULT_GAP: Final = timedelta(minutes=15)
"""How long a single step waits before it repeats, when its severity names no time to respond."""

DEFAULT_RECHECK: Final = timedelta(minutes=30)
"""How often an exhausted escalation is looked at again (row "end of steps")."""

DEFAULT_RULES: Final[Mapping[Urgency, tuple[ContactRule, ...]]] = MappingProxyType(
    {
        Urgency.HIGH: (ContactRule(by="slack"), ContactRule(by="mail")),
        Urgency.LOW: (ContactRule(by="slack"),),
    }
)
"""The personal rules of people who wrote none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Whom to page, and how long after the start of the epoch."""

    after: timedelta
    targets: tuple[Target, ...]
    id: str | None = None
    """What it is called: an open incident follows the edits of steps that have a name."""
    round_robin: bool = False
    """Page one person of those behind the targets, in turn, instead of all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One severity's escalation as it was when the incident opened: later edits do not bend it."""

    severity: str
    urgency: Urgency
    steps: tuple[Step, ...]
    repeat: int = 0
    """How many rounds follow the first."""
    gap: timedelta = DEFAULT_GAP
    """How long the last step waits for an answer before the next round, or before the last resort."""
    fallback: tuple[Target, ...] = ()
    last_resort: tuple[Target, ...] = ()
    exhausted_repeat: timedelta = DEFAULT_RECHECK
    acks: Acks = Acks.ANY
    """Whether one acknowledgement is enough, or each who is paged by a step gives theirs."""
    row: tuple[Step, ...] | None = None
    """The row of the matrix when an edit of it was last looked at; None while it never was."""
    row_at: datetime | None = None
    """Since when that row was in force."""

    def turn_of(self, step: int) -> str:
        """Name a step whose people take turns, within its team: by its id where it has one, else by its place."""
        return f"{self.severity}/{self.steps[step].id or f'#{step + 1}'}"

    @property
    def turns(self) -> tuple[str, ...]:
        """The names of all its steps whose people take turns."""
        return tuple(self.turn_of(at) for at, step in enumerate(self.steps) if step.round_robin)

    def wait_after(self, step: int) -> timedelta:
        """Say how long a step has for an answer before the next step or the end of the round (P7)."""
        if step + 1 >= len(self.steps):
            return self.gap
        return max(self.steps[step + 1].after - self.steps[step].after, timedelta(0))

    def patience(self, step: int) -> timedelta:
        """Say how long the pages of a step are tried: until later steps are due, five minutes at most (S5)."""
        own = self.steps[step].after
        later = (one.after - own for one in self.steps[step + 1 :] if one.after > own)
        return min(next(later, self.gap), PAGE_PATIENCE)

    def to_json(self) -> JsonObject:
        """Write the whole policy: `from_json` gives an equal one back."""
        data: dict[str, Json] = {
            "severity": self.severity,
            "urgency": self.urgency.value,
            "steps": [_step_json(step) for step in self.steps],
            "repeat": self.repeat,
            "gap": self.gap.total_seconds(),
            "fallback": _names(self.fallback),
            "last_resort": _names(self.last_resort),
            "exhausted_repeat": self.exhausted_repeat.total_seconds(),
        }
        if self.acks is not Acks.ANY:
            data["acks"] = self.acks.value
        if self.row is not None:
            data["row"] = [_step_json(step) for step in self.row]
            data["row_at"] = written(self.row_at)
        return data

    @classmethod
    def from_json(cls, data: JsonObject) -> Policy:
        """Read what `to_json` wrote; anything else raises Unreadable naming the first wrong field."""
        return cls(
            severity=text(data, "severity"),
            urgency=_urgency(text(data, "urgency")),
            steps=tuple(_step(entry) for entry in listed(data, "steps")),
            repeat=whole(data, "repeat"),
            gap=timedelta(seconds=number(data, "gap")),
            fallback=_targets(data, "fallback"),
            last_resort=_targets(data, "last_resort"),
            exhausted_repeat=timedelta(seconds=number(data, "exhausted_repeat")),
            acks=_acks(maybe_text(data, "acks")),
            row=None if data.get("row") is None else tuple(_step(entry) for entry in listed(data, "row")),
            row_at=maybe_instant(data, "row_at"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """`escalation.yaml`, read: per severity whom, after how long."""

    rows: Mapping[str, tuple[Step, ...]]
    team_rows: Mapping[str, Mapping[str, tuple[Step, ...]]] = field(default_factory=dict)
    """Team to severity to row: these replace the severity's own row whole."""
    acks: Mapping[str, Acks] = field(default_factory=dict)
    """Severity to whose acknowledgement stops the paging; any, where it says nothing."""
    team_acks: Mapping[str, Mapping[str, Acks]] = field(default_factory=dict)
    """Team to severity to the same: what stands here counts before the severity's own word."""
    repeat: Mapping[str, int] = field(default_factory=dict)
    fallback: tuple[Target, ...] = ()
    last_resort: tuple[Target, ...] = ()
    exhausted_repeat: timedelta = DEFAULT_RECHECK
    rules: Mapping[Urgency, tuple[ContactRule, ...]] = field(default_factory=lambda: DEFAULT_RULES)


def row_of(matrix: Matrix, severity: str, team: str) -> tuple[Step, ...]:
    """Give the steps of a severity for a team: the team's own row, else the common one; empty without a row."""
    return matrix.team_rows.get(team, {}).get(severity, matrix.rows.get(severity, ()))


def freeze(matrix: Matrix, severity: Severity, team: str) -> Policy:
    """Take the policy for a severity and team out of the matrix; a severity without a row has no steps."""
    steps = row_of(matrix, severity.name, team)
    return Policy(
        severity=severity.name,
        urgency=severity.urgency,
        steps=steps,
        repeat=matrix.repeat.get(severity.name, 0),
        gap=_gap(steps, severity),
        fallback=matrix.fallback,
        last_resort=matrix.last_resort,
        exhausted_repeat=matrix.exhausted_repeat,
        acks=matrix.team_acks.get(team, {}).get(severity.name, matrix.acks.get(severity.name, Acks.ANY)),
    )


def _gap(steps: tuple[Step, ...], severity: Severity) -> timedelta:
    # The last step waits as long as the one before it did; two steps at one time would wait for nothing.
    pair = steps[-2:]
    waited = pair[-1].after - pair[0].after if pair else timedelta(0)
    return waited if waited > timedelta(0) else severity.respond_within or DEFAULT_GAP


def _names(targets: tuple[Target, ...]) -> list[Json]:
    return [str(target) for target in targets]


def _urgency(word: str) -> Urgency:
    try:
        return Urgency(word)
    except ValueError as error:
        raise Unreadable("$.urgency", f"high or low wanted, found {word!r}") from error


def _acks(word: str | None) -> Acks:
    # Policies from before there was a choice say nothing.
    try:
        return Acks.ANY if word is None else Acks(word)
    except ValueError as error:
        raise Unreadable("$.acks", f"any or each wanted, found {word!r}") from error


def _step(entry: Json) -> Step:
    if not isinstance(entry, Mapping):
        raise Unreadable("$.steps", f"objects wanted, found {entry!r}")
    return Step(
        after=timedelta(seconds=number(entry, "after")),
        targets=_targets(entry, "targets"),
        id=maybe_text(entry, "id"),
        round_robin=flag(entry, "round_robin"),
    )


def _step_json(step: Step) -> JsonObject:
    data: dict[str, Json] = {"after": step.after.total_seconds(), "targets": _names(step.targets)}
    # What most steps lack is left out: a policy is stored with every incident.
    if step.id is not None:
        data["id"] = step.id
    if step.round_robin:
        data["round_robin"] = True
    return data


def _targets(data: JsonObject, key: str) -> tuple[Target, ...]:
    try:
        return tuple(Target.parse(str(name)) for name in listed(data, key))
    except ValueError as error:
        raise Unreadable(f"$.{key}", str(error)) from error
