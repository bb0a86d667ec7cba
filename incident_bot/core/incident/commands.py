"""What people ask of an incident: one value per verb that changes it. Nothing is decided here.

Targets, channels and policies are resolved by the flow before it asks; a command carries only results.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from incident_bot.core.effects import Page
from incident_bot.core.incident.marks import Opinion
from incident_bot.core.incident.observations import AttachedAlert
from incident_bot.core.incident.publicity import PublicCommand
from incident_bot.core.incident.reviews import ReviewCommand
from incident_bot.core.incident.silences import LiftSilence, SilenceAlerts
from incident_bot.core.model import Incident, ItemKind, JsonObject, Kind, Outcome, Phase, Severity
from incident_bot.core.model.review import FollowUpType


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """`ack`: I have it; stops the escalation (row "ack by P"), or joins whoever has it already."""

    pending: int | None = None
    """How many pages still wait, if the flow has counted: said in the answer, decides nothing."""
    until: datetime | None = None
    """A promise: when to ask again, instead of after the rules' time."""
    waiting_for: str | None = None
    """A promise: what it waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unacknowledge:
    """`unack`: nobody has it any more; paging begins again at step 0 (row "un-ack")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    """`snooze 30m`: no pages until then (row "snooze until T")."""

    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """`escalate`: page the next step now (row "escalate now")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cannot:
    """`cannot [reason]`: I was paged and cannot take it; the next step is paged now where nobody else is awaited."""

    reason: str | None = None
    paged: bool = False
    """Whether any page of this epoch is for whoever says so."""
    others: tuple[str, ...] = ()
    """Who else the newest step paged and still may answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSomebody:
    """`page <team/person>`: page exactly these, whatever the escalation does (row "responder added").

    The pages come resolved; their kind, epoch, loop and step are set by the decision.
    """

    people: tuple[Page, ...]
    wanted: str = ""
    """Whom the person asked for, as typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSeverity:
    """`sev P2 [reason]`: above the peak it may page again, lower never does."""

    severity: Severity
    reason: str | None = None
    policy: JsonObject | None = None
    """The policy frozen for the new severity; None keeps the one it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPhase:
    """`status <phase>`: where the work stands."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTitle:
    """`title <text>`."""

    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPrivate:
    """Show it to those who work on it alone, or to everybody."""

    private: bool
    sure: bool = False
    """Whether they were asked: what everybody may read cannot be taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetImpact:
    """`impact <text>`."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostUpdate:
    """`update <text>`: tells the channels, and keeps the incident from resolving by itself."""

    text: str
    next_update_at: datetime | None = None
    """The promise; None makes none and clears the last."""
    public: bool = False
    """Whether it goes on the status page as well, where the incident stands there."""
    kept_back: str | None = None
    """Why it does not, for whoever might expect it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignLead:
    """`lead @u`: this person leads; the incident no longer resolves by itself."""

    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferLead:
    """`handoff @u`: the lead offers it; who it was leads until this person accepts."""

    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptLead:
    """`accept`: said by whoever was offered the lead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineLead:
    """`decline`: said by whoever was offered the lead, or by whoever offered it, who takes it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignRole:
    """`role <role> @u`; the role of lead, commander or ic is `AssignLead`."""

    role: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNote:
    """`note [HH:MM] <text>`, or a message of a chat: an entry at the time it happened."""

    text: str
    happened_at: datetime | None = None
    heard: str | None = None
    """The message of a chat that it is, as channel and time stamp."""
    pinned_by: str | None = None
    """Who put somebody else's message on the timeline."""
    files: tuple[str, ...] = ()
    """The names of the files that came with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditNote:
    """The message behind a note was edited: the note stays as it is, and this says how it reads now."""

    note: int
    """The number of the note's entry."""
    text: str
    was: str
    heard: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetractNote:
    """A note is taken back: its message was deleted, or nobody has it pinned any more."""

    note: int
    """The number of the note's entry."""
    reason: str
    author: str | None = None
    heard: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddItem:
    """`task`, `followup`, `did`, `theory` or `decide`: numbered, in one row of numbers."""

    kind: ItemKind
    text: str
    owner: str | None = None
    due: datetime | None = None
    undo: str | None = None
    type: FollowUpType | None = None
    done_when: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishItem:
    """`done n`."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleTheory:
    """`confirmed n` or `ruledout n [why]`: what became of a theory."""

    number: int
    outcome: Outcome
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetReminders:
    """`remind off`, `remind on`, `remind snooze 30m`: whether people are reminded of what this incident owes."""

    off: bool = False
    until: datetime | None = None
    """Snoozed until then; None with `off` unset means that they are on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve:
    """`resolve [reason]`: it wants a reason while alerts fire (row "resolve by hand …") or changes stand."""

    reason: str | None = None
    firing: int = 0
    """How many of its alerts fire now."""
    named: tuple[str, ...] = ()
    """Some of them by name, for whoever is asked why it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen:
    """`reopen`: the same incident, paging from step 0."""

    reason: str | None = None
    open_now: str | None = None
    """Another incident of the same key that is open: there is one at most (P5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """`cancel <reason>`: it never was one; cannot be undone."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachRunbook:
    """`runbook <path>`: this is what to follow."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TickStep:
    """`tick n` or `untick n`: a step of the runbook is done, or is not after all."""

    number: int
    text: str
    """The step as the runbook has it now."""
    of: int
    """How many steps the runbook has."""
    done: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack:
    """`undo` of what there was nothing before: a note, an item, the first lead, role or impact, or a snooze."""

    of: int
    """The number of the event."""
    kind: Kind
    what: str
    """What it was, for people."""
    text: str | None = None
    number: int | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """`dup INC-n [reason]`: this is a part of another incident (row "merge S into T"); said of S.

    The notices come resolved, for those paged for this one and not for the other; their kind, epoch, loop and step
    are set by the decision.
    """

    into: Incident
    final: int | None = None
    """Where the other one went, if it was merged itself: at the end of the chain."""
    reason: str | None = None
    alerts: tuple[AttachedAlert, ...] = ()
    """All its episodes, which move."""
    notices: tuple[Page, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeHere:
    """The other side of `Merge`: said of T, in the same transaction."""

    of: Incident
    """S, as it was before."""
    reason: str | None = None
    alerts: tuple[AttachedAlert, ...] = ()
    firing: int = 0
    """How many of these fire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmerge:
    """`unmerge`: the alerts that came from this one go on in a new incident (row "unmerge"); said of S."""

    into: int
    """The new one."""
    out_of: int
    """The one that had its alerts."""
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmergeHere:
    """The other side of `Unmerge`: said of the one that had the alerts, in the same transaction."""

    of: Incident
    into: int
    alerts: tuple[AttachedAlert, ...] = ()
    had_alerts: bool = True
    """Whether any alert, firing or over, stays with it."""
    still_firing: int = 0
    """How many that fire stay with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitOff:
    """`split <alert>`: these alerts go on in an incident of their own; said of the storm's (I12)."""

    into: int
    """The new one."""
    alerts: tuple[AttachedAlert, ...]
    still_firing: int
    """How many that fire stay."""
    reason: str | None = None


Command: TypeAlias = (
    Acknowledge
    | Unacknowledge
    | Snooze
    | Escalate
    | Cannot
    | PageSomebody
    | SetSeverity
    | SetPhase
    | SetTitle
    | SetPrivate
    | SetImpact
    | PostUpdate
    | AssignLead
    | AssignRole
    | OfferLead
    | AcceptLead
    | DeclineLead
    | AddNote
    | EditNote
    | RetractNote
    | AddItem
    | FinishItem
    | SettleTheory
    | SetReminders
    | PublicCommand
    | Opinion
    | Resolve
    | Reopen
    | Cancel
    | AttachRunbook
    | TickStep
    | TakeBack
    | ReviewCommand
    | Merge
    | MergeHere
    | Unmerge
    | UnmergeHere
    | SplitOff
    | SilenceAlerts
    | LiftSilence
)
