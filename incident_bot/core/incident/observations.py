"""What alerts, time and transports bring to an incident: one value per kind. Nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from incident_bot.core.effects import Page, PageKind, TimerKind
from incident_bot.core.incident.silences import SilenceTold
from incident_bot.core.model import FlappingRule, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedAlert:
    """One episode, as its incident sees it."""

    episode_id: int
    title: str
    severity: str
    """The name of a rung of the ladder."""
    fingerprint: str
    flapping: FlappingRule | None = None
    """The rule by which its alert flaps now (I11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsAttached:
    """New firing episodes for this incident (rows "more firing episodes", "firing within …")."""

    alerts: tuple[AttachedAlert, ...]
    policy: JsonObject | None = None
    """The policy frozen for the worst of them; used only if that is above the incident's peak."""
    adopted: int = 0
    """How many incidents of their own they would have opened, had the storm not adopted them (I12)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsRefired:
    """Episodes of this incident fired anew: counted, no page by itself (I5, I6)."""

    alerts: tuple[AttachedAlert, ...]
    policy: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsRepeated:
    """Episodes of this incident still fire and nothing new is said; only a severity above the peak counts."""

    alerts: tuple[AttachedAlert, ...]
    policy: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsResolved:
    """Episodes of this incident ended (row "all episodes resolved")."""

    alerts: tuple[AttachedAlert, ...]
    still_firing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOver:
    """The hold after the last resolve has passed."""

    still_firing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SnoozeOver:
    """The snooze has passed."""

    still_firing: int
    had_alerts: bool = True
    """False for an incident that people declared and no alert joined: it always wakes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AckDue:
    """The acknowledgement is to be confirmed, or was not (row "ack timeout")."""

    asking: tuple[Page, ...] = ()
    """How whoever has it is asked, resolved; their kind, epoch, loop and step are set by the decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOver:
    """The time of the current step is over: some of those who are each to answer may have it (`acks: each`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlappingOver:
    """No alert of it that flaps has changed for long enough (I11)."""

    still_firing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Maintenance or a silence covers it (rows "maintenance window", "silence seen by reconciler")."""

    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What paused it has ended."""

    reason: str
    still_firing: int
    had_alerts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSent:
    """A provider took a page."""

    person: str
    via: str
    kind: PageKind
    epoch: int
    loop: int
    step: int
    attempt: int = 1
    provider_id: str | None = None
    beside: tuple[int, int] | None = None
    """Another incident that stood in the same message, and how many more did (S7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWaits:
    """A page waits because its channel takes no more now: the person's next channel does not (S6)."""

    person: str
    via: str
    then: str
    """The next channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFailed:
    """A page was given up (S5)."""

    person: str
    via: str
    kind: PageKind
    epoch: int
    loop: int
    step: int
    reason: str
    attempt: int = 1
    step_dead: bool = False
    """No page of this step can arrive any more: the next step does not wait (S5, P7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDiverted:
    """A page waits for a way out that is down, and the same person's next one is used now (S5)."""

    person: str
    via: str
    kind: PageKind
    epoch: int
    loop: int
    step: int
    reason: str
    instead: str
    """The next channel."""
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferDue:
    """An offer of the lead is to be asked about once more, or is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOver:
    """The time is over in which it is watched whether what was resolved by hand really ended."""

    still_firing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFailed:
    """A message to a channel was given up."""

    channel: str
    moment: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerParked:
    """A timer of the incident failed too often and is set aside."""

    timer: TimerKind
    reason: str


Observation: TypeAlias = (
    AlertsAttached
    | AlertsRefired
    | AlertsRepeated
    | AlertsResolved
    | HoldOver
    | SnoozeOver
    | AckDue
    | StepOver
    | FlappingOver
    | Paused
    | Resumed
    | PageSent
    | PageWaits
    | PageFailed
    | PageDiverted
    | MessageFailed
    | OfferDue
    | WatchOver
    | TimerParked
    | SilenceTold
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Everything an incident begins with (row "first firing episode for an incident key", or `new`)."""

    key: str
    title: str
    severity: str
    team: str
    service: str | None = None
    runbook: str | None = None
    policy: JsonObject = field(default_factory=dict)
    """`core.escalation.Policy.to_json()`, frozen now."""
    revision: str = ""
    opened_by: str
    """A person's id, or the source that delivered the alert."""
    source: str
    """The door: `alertmanager`, `api`, `console`, `cli`."""
    alerts: tuple[AttachedAlert, ...] = ()
    previous: int | None = None
    declared: bool = False
    """A person declared it."""
    impact: str | None = None
    drill: bool = False
    private: bool = False
    paused_reason: str | None = None
    """Why nobody is paged yet: a maintenance window."""
    paused_until: datetime | None = None
    storm: str | None = None
    """The route whose storm it is (I12)."""
    reason: str | None = None
    """Why it is there, where its alerts do not say it."""
