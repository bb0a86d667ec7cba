"""What readers get: plain values with the field names of the HTTP interface; doors turn them into JSON or HTML.

Never decides and never reads: `flow.queries` fills these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from incident_bot.core.model import JsonObject, Review
from incident_bot.flow.record_views import MeasuresView, MilestoneView, NearbyView


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """One episode."""

    id: int
    source: str
    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    status: str
    starts_at: datetime
    ends_at: datetime | None
    incident: str | None
    reason: str | None
    runbook: str | None
    flags: tuple[str, ...]
    severity: str | None
    service: str | None
    team: str | None
    title: str
    generator_url: str
    disposition: str
    refires: int
    opened_at: datetime
    updated_at: datetime
    why: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """One task, follow-up, change, theory or decision."""

    number: int
    kind: str
    text: str
    owner: str | None
    due: datetime | None
    undo: str | None
    done_at: datetime | None
    outcome: str | None = None
    """What became of a theory: confirmed or ruled_out."""
    why: str | None = None
    type: str | None = None
    done_when: str | None = None
    proven_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceView:
    """One silence that was asked for in an incident."""

    number: int
    source: str
    matchers: Mapping[str, str]
    state: str
    """asked, held, lifting or over."""
    on: bool
    """Whether it holds, or is about to."""
    ends_at: datetime
    asked_at: datetime
    asked_by: str
    reason: str | None
    outcome: str | None
    """What became of one that is over."""
    what: str
    """Its matchers, as Alertmanager writes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One step of an incident's runbook."""

    number: int
    """From 1 through the whole runbook."""
    section: str
    text: str
    done_at: datetime | None
    done_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """One link that helps: runbook, dashboard, source."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """Somebody to phone, as no channel reached them."""

    person: str
    name: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TallyView:
    """The alerts of one name and service on an incident, counted."""

    name: str
    service: str | None
    firing: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    """One incident; lists carry it without alerts, or with the first ones."""

    id: str
    number: int
    title: str
    severity: str
    phase: str
    escalation: str
    team: str
    service: str | None
    lead: str | None
    roles: Mapping[str, str]
    impact: str | None
    opened_at: datetime
    opened_by: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    taken_by: tuple[str, ...]
    """Who has their part of it while others are awaited (`acks: each`)."""
    awaited: tuple[str, ...]
    """Whose answer it still waits for, once one of several who are each to answer has it."""
    snoozed_until: datetime | None
    resolved_at: datetime | None
    next_update_at: datetime | None
    epoch: int
    escalation_state: str
    """running, paused, stopped or exhausted."""
    next_step: int | None
    next_step_at: datetime | None
    firing: int
    private: bool
    drill: bool
    forced: bool
    runbook: str | None
    room: str | None
    previous: str | None
    merged_into: str | None
    """Where its alerts are, when it was merged."""
    links: tuple[LinkView, ...]
    items: tuple[ItemView, ...]
    seq: int
    storm: str | None = None
    review: Review | None = None
    """The route whose storm it is."""
    lead_since: datetime | None = None
    offered_to: str | None = None
    """Who is asked to take the lead and has not answered."""
    flapping_since: datetime | None = None
    """Since when its alerts begin and end too often."""
    tally: tuple[TallyView, ...] = ()
    """Its alerts counted by name and service, what fires most first; lists carry it without."""
    update_overdue: bool = False
    """Whether the update that was promised has not come."""
    reminders_off: bool = False
    public: str | None = None
    """What the status page calls it; None where it does not stand there."""
    reminders_until: datetime | None = None
    """Until when the reminders of this incident are snoozed."""
    alerts: tuple[AlertView, ...] = ()
    steps: tuple[StepView, ...] = ()
    """The steps of its runbook; lists carry it without."""
    silences: tuple[SilenceView, ...] = ()
    call: tuple[CallView, ...] = ()
    """Whom to phone when nothing else reached them; lists leave it empty."""
    milestones: tuple[MilestoneView, ...] = ()
    """Its key times; lists carry it without."""
    measures: MeasuresView | None = None
    changes: tuple[NearbyView, ...] = ()
    """What changed shortly before; lists carry it without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """One call to a provider."""

    at: datetime
    result: str
    provider_id: str | None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    """What a provider said later of a page that it had taken: delivered, or why not."""

    at: datetime
    status: str
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """One logical page with its attempts."""

    id: int
    person: str
    name: str
    channel: str
    step: int | str
    """The step's number from 1, or `fallback`, `last_resort`, `direct`."""
    loop: int
    epoch: int
    due_at: datetime
    state: str
    sent_at: datetime | None
    reason: str
    attempts: tuple[AttemptView, ...]
    receipts: tuple[ReceiptView, ...] = ()
    """What its provider said later."""
    carried_by: int | None = None
    """The page in whose message it stood, where that is another one's (S7)."""
    beside: str | None = None
    """What else stood in the same message: `INC-3 and 12 more`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """One timeline entry."""

    seq: int
    kind: str
    text: str
    actor: str
    actor_name: str
    source: str
    happened_at: datetime
    recorded_at: datetime
    data: JsonObject
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCallView:
    """One person who is on call."""

    schedule: str
    person: str
    name: str
    why: str
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftView:
    """One maximal stretch with the same people."""

    start: datetime
    end: datetime
    people: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GapView:
    """One maximal stretch with nobody."""

    start: datetime
    end: datetime
    deliberate: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleView:
    """One schedule of the configuration in force."""

    name: str
    time_zone: str
    layers: tuple[str, ...]
    """The highest first."""
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideView:
    """One override that somebody made at run time, in the keys of the files."""

    id: int
    schedule: str
    cover: tuple[str, ...] | None
    replace: str | None
    by: str | None
    remove: str | None
    add: tuple[str, ...] | None
    start: datetime
    end: datetime
    reason: str
    nobody: bool
    state: str
    """planned, running, ended, or cancelled: taken back before it began."""
    ignored: bool
    """Whether it counts for nothing today, as it puts on somebody who is not active, or not there, any more."""
    created_by: str
    created_at: datetime
    ended_by: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyView:
    """What a command answered."""

    text: str
    ok: bool = True
    title: str | None = None
    facts: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    incident: str | None = None
    changed: bool = True
    """False where a command found everything as it wants it, so that there is nothing to take back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckView:
    """One check of the health page."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """How the bot is."""

    status: str
    """ok, degraded (works, somebody should look) or failing (deliveries cannot be stored)."""
    version: str
    revision: str
    checks: tuple[CheckView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedView:
    """One step of a simulation: who would be paged when, and why."""

    at: datetime
    minute: float
    kind: str
    person: str | None
    name: str | None
    channel: str | None
    reason: str
    step: int | str | None
    loop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedView:
    """The whole decision on one label set."""

    labels: Mapping[str, str]
    action: str
    incident_key: str | None
    title: str
    severity: str
    team: str
    service: str | None
    route: str
    tried: tuple[JsonObject, ...]
    runbook: str | None
    runbook_url: str | None
    runbook_reason: str
    muted: str | None
    muted_until: datetime | None
    pages: tuple[PlannedView, ...]
    exhausted: bool
    notes: tuple[str, ...] = field(default_factory=tuple)
    assumed: tuple[str, ...] = ()
    """What it takes for granted."""
