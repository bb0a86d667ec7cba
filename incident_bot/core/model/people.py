"""People, teams, severities, services and targets: who can be told, and how urgently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class Urgency(StrEnum):
    """Which of a person's rules apply."""

    HIGH = "high"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRule:
    """Tell by this channel, this long after the step that pages."""

    by: str
    after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One entry of `people.yaml`."""

    id: str
    name: str
    time_zone: str = "UTC"
    contacts: Mapping[str, str] = field(default_factory=dict)
    """Channel (`slack`, `mail`, `sms`, `voice`, `pagerduty`, or one of `channels.yaml`) to address."""
    tokens: Mapping[str, str] = field(default_factory=dict)
    """Channel to the name of the environment variable with this person's own token, where they have one."""
    rules: Mapping[Urgency, tuple[ContactRule, ...]] = field(default_factory=dict)
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """One entry of `teams.yaml`."""

    id: str
    name: str
    schedule: str | None = None
    lead: str | None = None
    manager: str | None = None
    members: tuple[str, ...] = ()
    slack_channel: str | None = None
    services: tuple[str, ...] = ()
    digest: bool = True
    """Whether it is told each Monday what its alerts were worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """One rung of the ladder; rank 0 is the worst."""

    name: str
    rank: int
    aliases: tuple[str, ...] = ()
    urgency: Urgency = Urgency.HIGH
    respond_within: timedelta | None = None
    update_every: timedelta | None = None
    postmortem_within: timedelta | None = None
    room: str = "none"
    """`own`, `team` or `none`."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """All severities, the worst first."""

    rungs: tuple[Severity, ...]

    def named(self, word: str | None) -> Severity | None:
        """Give the severity that a word names, by name or alias, whatever its case; None where none does."""
        wanted = (word or "").strip().casefold()
        for rung in self.rungs:
            if wanted == rung.name.casefold() or wanted in (alias.casefold() for alias in rung.aliases):
                return rung
        return None

    def worst(self, names: tuple[str, ...]) -> Severity | None:
        """Give the worst of the severities named; unknown names do not count."""
        known = [rung for name in names if (rung := self.named(name)) is not None]
        return min(known, key=lambda rung: rung.rank, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One entry of `services:` in `routing.yaml`."""

    name: str
    team: str | None = None
    tier: int | None = None
    dashboards: tuple[str, ...] = ()
    sli: str | None = None
    """A PromQL expression: how well the service does, such as the share of good requests."""
    status_component: str | None = None
    sli_objective: float | None = None
    """What the expression is to be at least."""


class TargetKind(StrEnum):
    """What an escalation step may name."""

    ON_CALL = "on_call"
    LEAD = "lead"
    MANAGER = "manager"
    TEAM_MEMBERS = "team_members"
    PERSON = "person"
    SCHEDULE = "schedule"
    TEAM = "team"
    PAGERDUTY = "pagerduty"
    """A service of PagerDuty's, by the name of its routing key; PagerDuty decides who is behind it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a step pages: `on_call`, `lead`, `manager`, `team`, `person/x`, `schedule/x`, `team/x`, `pagerduty/x`."""

    kind: TargetKind
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read one target as `escalation.yaml` writes it; raises ValueError naming the forms that exist."""
        word, slash, name = text.strip().partition("/")
        bare = {"on_call": TargetKind.ON_CALL, "lead": TargetKind.LEAD, "manager": TargetKind.MANAGER,
                "team": TargetKind.TEAM_MEMBERS}  # fmt: skip
        named = {"person": TargetKind.PERSON, "schedule": TargetKind.SCHEDULE, "team": TargetKind.TEAM,
                 "pagerduty": TargetKind.PAGERDUTY}  # fmt: skip
        if not slash and word in bare:
            return cls(bare[word])
        if slash and name and word in named:
            return cls(named[word], name)
        message = (
            f"unknown target {text!r}; use on_call, lead, manager, team, person/NAME, schedule/NAME, team/NAME "
            "or pagerduty/KEY"
        )
        raise ValueError(message)

    def __str__(self) -> str:
        """Write it as it stands in `escalation.yaml`."""
        if self.kind is TargetKind.TEAM_MEMBERS:
            return "team"
        return f"{self.kind.value}/{self.name}" if self.name else self.kind.value


PAGERDUTY_PREFIX = f"{TargetKind.PAGERDUTY.value}/"


def paging_service(name: str) -> Person | None:
    """Give a paging service (`pagerduty/payments`) as somebody who can be paged; None for any other id.

    No id in `people.yaml` has a slash, so no person is ever mistaken for one.
    """
    if not name.startswith(PAGERDUTY_PREFIX):
        return None
    key = name.removeprefix(PAGERDUTY_PREFIX)
    return Person(id=name, name=f"PagerDuty ({key})", contacts={"pagerduty": key})
