"""One configuration revision: every document as core values, applied whole or not at all. Reads nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from incident_bot.core.effects import Moment
from incident_bot.core.enrich import Runbook
from incident_bot.core.errors import Problem
from incident_bot.core.escalation import Matrix, QuietHours
from incident_bot.core.incident import Rules
from incident_bot.core.model import Ladder, Person, Service, Team
from incident_bot.core.muting import Hours
from incident_bot.core.oncall import Schedule
from incident_bot.core.oncall.lint import NIGHTS_MOST, Kind
from incident_bot.core.rooms import ChatRules, RoomRules
from incident_bot.core.routing import Routing
from incident_bot.core.status import StatusPage
from incident_bot.core.walltime import HORIZON

ID_LENGTH: Final = 12

TOLD: Final = frozenset({Moment.OPENED, Moment.UPDATE, Moment.RESOLVED, Moment.REOPENED, Moment.FLAPPING})
"""What an announcement rule without `on` tells: the course of an incident."""


BEAT_GRACE: Final = timedelta(minutes=2)
"""What a heartbeat may be late on top of two whole periods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The alert that must keep coming from a source; `flow.heartbeats` watches it."""

    alert: str
    """Its `alertname`."""
    every: timedelta

    @property
    def patience(self) -> timedelta:
        """How long it may stay away before somebody is paged: two periods and a grace."""
        return 2 * self.every + BEAT_GRACE

    @property
    def spared(self) -> timedelta:
        """How soon after a beat that was written down another need not be; never so long that patience suffers."""
        return min(self.every / 4, BEAT_GRACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """One entry of `sources:`: an intake at `/webhooks/NAME`."""

    name: str
    kind: str
    api_url: str | None = None
    """Where the reconciler asks; None leaves it out."""
    ignore_labels: frozenset[str] = frozenset()
    token_env: str | None = None
    """The environment variable with this source's own token; None means INCIDENT_BOT_INGEST_TOKEN."""
    heartbeat: Heartbeat | None = None
    prometheus_url: str | None = None
    """The Prometheus whose rules send this source's alerts; None leaves graphs and what it knows of changes out."""
    prometheus_token_env: str | None = None
    """The environment variable with a bearer token or `user:password` for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushChannel:
    """One entry of `channels:`: a way out by HTTP with a name of its own; its body and headers are templates."""

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    """None is the body of the channel `webhook`."""
    token_env: str | None = None
    """The environment variable whose value is `token` in the templates."""
    secret_env: str | None = None
    """The environment variable with the secret that signs."""
    file: str = ""
    line: int = 1
    """Where its body is written."""

    @property
    def ack_link(self) -> bool:
        """Say whether it asks for a link that acknowledges."""
        return any("ack_url" in text for text in (self.body or "", *self.headers.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceRule:
    """One entry of `announce:`: which moments of which incidents a channel is told."""

    channel: str
    severities: frozenset[str] = frozenset()
    """Names of the ladder; none means every severity."""
    on: tuple[Moment, ...] = tuple(sorted(TOLD))
    public: bool = False

    def wants(self, moment: Moment, severity: str) -> bool:
        """Say whether the channel is told of this moment of an incident of this severity."""
        return moment in self.on and (not self.severities or severity in self.severities)


class Weight(StrEnum):
    """What a finding about the time ahead does (R16)."""

    ERROR = "error"
    """It refuses the whole set."""
    WARNING = "warning"
    """It is shown wherever problems are, and lets the set pass."""
    NOTE = "note"
    """`check` shows it, nothing else does."""
    OFF = "off"
    """It is not looked for."""


INACTIVE: Final = "inactive"
"""The kind of a slot that has somebody in it who is not active."""

WEIGHTS: Final[Mapping[str, Weight]] = {
    **dict.fromkeys((*(kind.value for kind in Kind), INACTIVE), Weight.WARNING),
    # Every rotation in a zone with summer time has two of them a year, and they are right.
    Kind.CLOCK_WEEKS.value: Weight.NOTE,
}
"""What each kind of finding does unless `oncall.yaml` says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lint:
    """`lint:` of `oncall.yaml`: what is looked for in the time ahead, how far, and what it does."""

    weights: Mapping[str, Weight] = field(default_factory=lambda: dict(WEIGHTS))
    """By kind, every kind of `core.oncall.lint` and `inactive`."""
    nights_most: int = NIGHTS_MOST
    """More nights in a row than this are a finding."""
    days: int = HORIZON.days


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """`handoff:` of `oncall.yaml`: what happens around the beginning of a shift."""

    notices: bool = True
    """Whether those who come and those who go are told."""
    brief: bool = True
    """Whether whoever comes gets a summary of what is open."""
    tap: timedelta = timedelta(minutes=30)
    """How long before a shift its people are asked whether pages reach them; zero is never."""
    channel: str | None = None
    """Where a hand-off is told; None is the channel of the schedule's team."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A checked set; equal texts give an equal id."""

    id: str
    """The first characters of the digest."""
    digest: str
    ladder: Ladder
    people: Mapping[str, Person]
    teams: Mapping[str, Team]
    schedules: Mapping[str, Schedule]
    """By name; the covers of the file stand in `Schedule.covers`."""
    calendars: Mapping[str, Mapping[date, str]]
    matrix: Matrix
    routing: Routing
    sources: tuple[SourceConfig, ...]
    announce: tuple[AnnounceRule, ...]
    hours: Mapping[str, Hours]
    services: Mapping[str, Service]
    """Those of `routing.yaml` and those that teams list, each with its team."""
    runbooks: tuple[Runbook, ...]
    templates: Mapping[str, str]
    """Path below `templates/` to raw text."""
    rules: Rules
    documents: Mapping[str, str]
    """Path below the configuration directory to raw text, for the record."""
    quiet_hours: Mapping[str, QuietHours] = field(default_factory=dict)
    """By person, of those who have any; without those of everybody else for whom `off` is written."""
    channels: Mapping[str, PushChannel] = field(default_factory=dict)
    """By name: those of `channels.yaml`."""
    pagerduty_schedules: Mapping[str, str] = field(default_factory=dict)
    """The name in `pagerduty/NAME` to the schedule's id there."""
    change_events: bool = False
    """Whether PagerDuty's services are told of each configuration that is applied."""
    lint: Lint = field(default_factory=Lint)
    handoff: Handoff = field(default_factory=Handoff)
    rooms: RoomRules = field(default_factory=RoomRules)
    chat: ChatRules = field(default_factory=ChatRules)
    status: StatusPage | None = None
    """None where no status page is set up."""
    problems: tuple[Problem, ...] = field(default=())
    """What is odd but did not refuse the set."""
    notes: tuple[Problem, ...] = field(default=())
    """What is worth knowing about the time ahead, and nothing to put right (R16)."""


def digest_of(documents: Mapping[str, str]) -> str:
    """Give the SHA-256 over the sorted paths and texts; moving a character between two files changes it."""
    whole = hashlib.sha256()
    for path, text in sorted(documents.items()):
        for part in (path.encode(), text.encode()):
            whole.update(len(part).to_bytes(8, "big"))
            whole.update(part)
    return whole.hexdigest()
