"""Incidents and the events that make them: what people work on, and everything that happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from incident_bot.core.model.items import Item
from incident_bot.core.model.json import JsonObject
from incident_bot.core.model.noise import Flapping
from incident_bot.core.model.reminders import Reminders
from incident_bot.core.model.review import Review
from incident_bot.core.model.silences import Silence
from incident_bot.core.model.status import Public


class Paging(StrEnum):
    """The escalation state of an incident: is somebody still to be found?"""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    MERGED = "merged"

    @property
    def is_open(self) -> bool:
        """Say whether the incident still takes new alerts."""
        return self not in (Paging.RESOLVED, Paging.MERGED)


class Phase(StrEnum):
    """The phase of the work, as people say it."""

    TRIAGE = "triage"
    INVESTIGATING = "investigating"
    MITIGATING = "mitigating"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Acks(StrEnum):
    """Whose acknowledgement stops the paging: that of any who was paged, or that of each of them."""

    ANY = "any"
    EACH = "each"


class Running(StrEnum):
    """What the escalation does."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an incident's escalation has come; one per incident (semantics, section 3)."""

    epoch: int = 1
    """The fencing number: a timer or page of another epoch is inert."""
    loop: int = 0
    step: int = 0
    """The step that is due next; `len(steps)` means that the round is over."""
    next_at: datetime | None = None
    """When the next step is due; None when nothing is planned."""
    state: Running = Running.RUNNING
    started_at: datetime
    """When this epoch began."""
    fell_back: bool = False
    """Whether the fallback was paged in this epoch already."""
    reached: bool = False
    """Whether any step of this epoch had somebody to page."""
    forced: bool = False
    """Somebody said `escalate`: the step due waits for nothing, and after the last step comes the first again."""
    called: tuple[str, ...] = ()
    """Whom the steps of this epoch paged, in order; kept only where each of them is to answer (`acks: each`)."""
    taken: tuple[str, ...] = ()
    """Who of them has answered, the first one first."""

    @property
    def awaited(self) -> tuple[str, ...]:
        """Who was paged and has not answered, where each is to answer."""
        return tuple(person for person in self.called if person not in self.taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A step of the runbook that somebody did; it is that step as long as number and text are the same."""

    number: int
    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadOffer:
    """The lead as it was offered to somebody, who has not answered yet."""

    to: str
    by: str
    at: datetime
    reminded: bool = False


def incident_name(number: int) -> str:
    """Give the name people say: `INC-42`."""
    return f"INC-{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """The state of one incident: the fold of its events. `id` is 0 until the store has given one."""

    id: int = 0
    key: str
    """The incident key: at most one open incident carries it (P5)."""
    title: str
    severity: str
    peak: str
    """The worst severity it ever had."""
    phase: Phase = Phase.TRIAGE
    paging: Paging = Paging.TRIGGERED
    team: str
    service: str | None = None
    lead: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    impact: str | None = None
    runbook: str | None = None
    items: tuple[Item, ...] = ()
    progress: Progress
    policy: JsonObject = field(default_factory=dict)
    """The escalation policy as frozen at opening: `core.escalation.Policy.to_json()`."""
    opened_at: datetime
    opened_by: str
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    responders: tuple[str, ...] = ()
    """Who has acknowledged since paging last began, the first one first."""
    waiting_for: str | None = None
    """What the acknowledgement waits for, as its giver promised."""
    asked_at: datetime | None = None
    """Since when "still on it?" is unanswered."""
    snoozed_until: datetime | None = None
    resolved_at: datetime | None = None
    updated_by_people: bool = False
    """Whether a person posted an update: then it does not resolve by itself."""
    next_update_at: datetime | None = None
    """The promise: when the next update comes."""
    forced: bool = False
    """Resolved by hand while alerts still fired: repeats do not reopen it."""
    drill: bool = False
    private: bool = False
    previous: int | None = None
    """An earlier incident of the same key."""
    merged_into: int | None = None
    """Where it went, when its paging state is `merged`; after `unmerge` the new incident that has its alerts."""
    revision: str = ""
    """The configuration revision it was opened under."""
    seq: int = 0
    """The number of its last event."""
    last_hash: str = ""
    """The hash of its last event: the head of the chain."""
    storm: str | None = None
    """The route whose storm it is: then it adopts what would open incidents of its own (I12)."""
    lead_since: datetime | None = None
    """Since when the lead has it."""
    offer: LeadOffer | None = None
    """To whom the lead is offered; until they accept, the lead stays who it is."""
    ticks: tuple[Tick, ...] = ()
    """The steps of its runbook that were done."""
    resolver: str | None = None
    """Who ended it by hand while alerts fired, as long as nobody told them that these fire on."""
    flapping: Flapping | None = None
    """That its alerts begin and end too often (I11)."""
    reminders: Reminders = field(default_factory=Reminders)
    """What its people were reminded of, and whether they want to be."""
    silences: tuple[Silence, ...] = ()
    """Every silence that was asked for in it, those that are over, too."""
    public: Public | None = None
    """What it says on the status page; None where it does not stand there."""
    review: Review | None = None
    """Its post-mortem; None where none is wanted."""

    @property
    def name(self) -> str:
        """The name people say: `INC-42`."""
        return incident_name(self.id)

    @property
    def epoch(self) -> int:
        """The current fencing number."""
        return self.progress.epoch


class Kind(StrEnum):
    """Every kind of event; `core.timeline` has one wording for each."""

    OPENED = "opened"
    DECLARED = "declared"
    ALERT_ATTACHED = "alert_attached"
    ALERT_RESOLVED = "alert_resolved"
    ALERT_REFIRED = "alert_refired"
    STEP = "step"
    NOBODY = "nobody"
    FELL_BACK = "fell_back"
    EXHAUSTED = "exhausted"
    PAUSED = "paused"
    RESUMED = "resumed"
    PAGE_PLANNED = "page_planned"
    PAGE_SENT = "page_sent"
    PAGE_FAILED = "page_failed"
    PAGE_DIVERTED = "page_diverted"
    """A way out is down: the same person's next channel is used at once."""
    PAGES_CANCELLED = "pages_cancelled"
    MESSAGE_FAILED = "message_failed"
    TIMER_PARKED = "timer_parked"
    """Something that was due failed too often and is set aside: somebody has to look."""
    ACKNOWLEDGED = "acknowledged"
    ALSO_ACKNOWLEDGED = "also_acknowledged"
    PART_ACKNOWLEDGED = "part_acknowledged"
    """One of several who are each to answer has it; paging goes on for the others (`acks: each`)."""
    PART_GIVEN_BACK = "part_given_back"
    """One of several who had it has it no longer; the others still do."""
    CANNOT = "cannot"
    """Somebody who was paged said that they cannot take it."""
    UNACKNOWLEDGED = "unacknowledged"
    STILL_ON_IT = "still_on_it"
    """Whoever has it was asked whether they still do."""
    CONFIRMED = "confirmed"
    """Somebody who has it said so again."""
    ACK_EXPIRED = "ack_expired"
    """Nobody who had it answered."""
    SNOOZED = "snoozed"
    WOKEN = "woken"
    ESCALATED = "escalated"
    STEPS_EDITED = "steps_edited"
    """The configuration changed the steps it was opened with: which of them hold from now on."""
    REPAGED = "repaged"
    """Paging began again by itself, because the severity rose above the peak or the rule `repage` asks for it."""
    PAGED = "paged"
    """A person asked for somebody in particular."""
    SEVERITY_CHANGED = "severity_changed"
    PHASE_CHANGED = "phase_changed"
    TITLE_CHANGED = "title_changed"
    IMPACT_CHANGED = "impact_changed"
    UPDATE_POSTED = "update_posted"
    LEAD_ASSIGNED = "lead_assigned"
    HANDOFF_OFFERED = "handoff_offered"
    """The lead is offered to somebody, who has to accept."""
    HANDOFF_REMINDED = "handoff_reminded"
    HANDOFF_DECLINED = "handoff_declined"
    """Said no to, or taken back."""
    HANDOFF_EXPIRED = "handoff_expired"
    """Nobody answered: the lead stays who it was."""
    ROLE_ASSIGNED = "role_assigned"
    NOTE = "note"
    NOTE_EDITED = "note_edited"
    """The message behind a note reads otherwise now; the note's own entry stays as it was."""
    NOTE_RETRACTED = "note_retracted"
    TAKEN_BACK = "taken_back"
    """Whoever had just said something took it back; what they said stays on the record."""
    ITEM_ADDED = "item_added"
    ITEM_DONE = "item_done"
    THEORY_CONFIRMED = "theory_confirmed"
    THEORY_RULED_OUT = "theory_ruled_out"
    RUNBOOK_FOUND = "runbook_found"
    STEP_TICKED = "step_ticked"
    """A step of the runbook was done."""
    STEP_UNTICKED = "step_unticked"
    RESOLVE_OFFERED = "resolve_offered"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    FIRES_ON = "fires_on"
    """It was resolved by hand, and its alerts went on: reopening is offered."""
    CANCELLED = "cancelled"
    POSTMORTEM_SAVED = "postmortem_saved"
    POSTMORTEM_SET = "postmortem_set"
    POSTMORTEM_MOVED = "postmortem_moved"
    FOLLOWUP_PROVEN = "followup_proven"
    FOLLOWUP_REOPENED = "followup_reopened"
    MERGED = "merged"
    """It is a part of another incident, which has its alerts from now on."""
    MERGED_HERE = "merged_here"
    """Another incident became a part of this one."""
    UNMERGED = "unmerged"
    """Its alerts were taken out again and go on in a new incident."""
    UNMERGED_HERE = "unmerged_here"
    """What had come from another incident was taken out of this one."""
    SPLIT_OFF = "split_off"
    """A person took alerts out of a storm; they go on in an incident of their own."""
    FLAPPING = "flapping"
    """Its alerts begin and end too often (I11)."""
    FLAPPING_OVER = "flapping_over"
    PROMISE_DUE = "promise_due"
    """Whoever is to keep it was reminded of a promised update that is due soon."""
    PROMISE_MISSED = "promise_missed"
    """A promised update has not come; it may say who was told."""
    NAGGED = "nagged"
    """Somebody was reminded of what is still missing: a lead, a first update, a task or follow-up of theirs."""
    REMINDERS_SET = "reminders_set"
    """A person snoozed the reminders, or switched them off or on."""
    SILENCE_ASKED = "silence_asked"
    """A person asked to have its alerts silenced at their source."""
    SILENCED = "silenced"
    """The source holds the silence."""
    SILENCE_FAILED = "silence_failed"
    """The source did not do what was asked of it; it may be asked again."""
    UNSILENCE_ASKED = "unsilence_asked"
    SILENCE_LIFTED = "silence_lifted"
    SILENCE_GONE = "silence_gone"
    """Somebody lifted it at the source."""
    SILENCE_ENDED = "silence_ended"
    SILENCE_ENDING = "silence_ending"
    """Somebody was told that a silence ends soon."""
    MADE_PRIVATE = "made_private"
    """From now on only those who work on it see it."""
    MADE_PUBLIC = "made_public"
    PUBLIC_DRAFTED = "public_drafted"
    """A message for the public was written, and waits for a word."""
    PUBLISHED = "published"
    """A person put a message on the status page."""
    UNPUBLISHED = "unpublished"
    """A person took the incident off the status page."""
    MILESTONE_SET = "milestone_set"
    """A person corrected a key time, or gave it back to the record; or Prometheus knew when the impact began."""
    VERDICT_GIVEN = "verdict_given"
    RUNBOOK_JUDGED = "runbook_judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to an incident: one entry of its timeline, never changed afterwards (P14)."""

    kind: Kind
    actor: str
    """A person's id, or the part of the bot or source that acted (`alertmanager`, `escalation`, `delivery`)."""
    source: str
    """Where it came from: `alertmanager`, `api`, `console`, `cli`, `worker`."""
    happened_at: datetime
    data: JsonObject = field(default_factory=dict)
    recorded_at: datetime | None = None
    seq: int = 0
    hash: str = ""
