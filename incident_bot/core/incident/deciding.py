"""Stage 4, people's side: command + state → events. Gives each verb to the function that decides it."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias, assert_never

from incident_bot.core.errors import Refused
from incident_bot.core.incident import (
    beliefs,
    correcting,
    declining,
    ending,
    handover,
    holding,
    judging,
    merging,
    notes,
    paging,
    privacy,
    promises,
    publishing,
    reviewing,
    sharing,
    silencing,
    splitting,
    ticking,
    undoing,
    work,
)
from incident_bot.core.incident.commands import (
    AcceptLead,
    Acknowledge,
    AddItem,
    AddNote,
    AssignLead,
    AssignRole,
    AttachRunbook,
    Cancel,
    Cannot,
    Command,
    DeclineLead,
    EditNote,
    Escalate,
    FinishItem,
    Merge,
    MergeHere,
    OfferLead,
    PageSomebody,
    PostUpdate,
    Reopen,
    Resolve,
    RetractNote,
    SetImpact,
    SetPhase,
    SetPrivate,
    SetReminders,
    SetSeverity,
    SetTitle,
    SettleTheory,
    Snooze,
    SplitOff,
    TakeBack,
    TickStep,
    Unacknowledge,
    Unmerge,
    UnmergeHere,
)
from incident_bot.core.incident.marks import GiveVerdict, JudgeRunbook, Opinion, SetMilestone
from incident_bot.core.incident.publicity import PublicCommand, Publish, Unpublish
from incident_bot.core.incident.reviews import MovePostmortem, ProveFollowUp, SavePostmortem, SetPostmortem
from incident_bot.core.incident.rules import Case, Decision, Rules
from incident_bot.core.incident.silences import LiftSilence, SilenceAlerts
from incident_bot.core.model import Incident, Paging

_StateCommand: TypeAlias = (
    SetSeverity
    | SetPhase
    | SetTitle
    | SetImpact
    | SetPrivate
    | Opinion
    | PostUpdate
    | AssignLead
    | AssignRole
)
_LeadCommand: TypeAlias = OfferLead | AcceptLead | DeclineLead
_SilenceCommand: TypeAlias = SilenceAlerts | LiftSilence
_ListCommand: TypeAlias = (
    AddNote
    | EditNote
    | RetractNote
    | AddItem
    | FinishItem
    | SettleTheory
    | SetReminders
    | AttachRunbook
    | TickStep
    | TakeBack
)


def decide(
    command: Command,
    incident: Incident,
    *,
    actor: str,
    source: str,
    rules: Rules,
    now: datetime,
) -> Decision:
    """Decide what a person asks; what cannot be done raises Refused, with what to type instead."""
    case = Case(incident=incident, actor=actor, source=source, rules=rules, now=now)
    if isinstance(command, Merge | MergeHere | Unmerge | UnmergeHere):
        return _joining(command, case)
    if incident.paging is Paging.MERGED:
        raise Refused(merging.merged_words(incident))
    match command:
        case Acknowledge() | Unacknowledge() | Snooze() | Escalate() | Cannot() | PageSomebody():
            return _paging(command, case)
        case SplitOff():
            return splitting.split_off(command, case)
        case SavePostmortem() | MovePostmortem() | SetPostmortem() | ProveFollowUp():
            return reviewing.decide_review(command, case)
        case Resolve() | Reopen() | Cancel():
            return _ending(command, case)
        case _:
            return _work(command, case)


def _joining(command: Merge | MergeHere | Unmerge | UnmergeHere, case: Case) -> Decision:
    match command:
        case Merge():
            return merging.merge(command, case)
        case MergeHere():
            return merging.merge_here(command, case)
        case Unmerge():
            return merging.unmerge(command, case)
        case UnmergeHere():
            return merging.unmerge_here(command, case)
        case _:
            assert_never(command)


def _paging(
    command: Acknowledge | Unacknowledge | Snooze | Escalate | Cannot | PageSomebody, case: Case
) -> Decision:
    match command:
        case Acknowledge():
            return holding.acknowledge(command, case)
        case Unacknowledge():
            return sharing.give_back(case) or paging.unacknowledge(case)
        case Snooze():
            return paging.snooze(command, case)
        case Escalate():
            return paging.escalate(case)
        case Cannot():
            return declining.cannot(command, case)
        case PageSomebody():
            return paging.page_somebody(command, case)
        case _:
            assert_never(command)


def _ending(command: Resolve | Reopen | Cancel, case: Case) -> Decision:
    match command:
        case Resolve():
            return ending.resolve(command, case)
        case Reopen():
            return ending.reopen(command, case)
        case Cancel():
            return ending.cancel(command, case)
        case _:
            assert_never(command)


def _work(
    command: _StateCommand | _LeadCommand | _SilenceCommand | PublicCommand | _ListCommand, case: Case
) -> Decision:
    match command:
        case SetSeverity():
            return work.set_severity(command, case)
        case SetPhase():
            return work.set_phase(command, case)
        case SetTitle():
            return work.set_title(command, case)
        case SetImpact():
            return work.set_impact(command, case)
        case SetPrivate():
            return privacy.set_private(command, case)
        case SetMilestone() | GiveVerdict() | JudgeRunbook():
            return _opinion(command, case)
        case PostUpdate():
            return work.post_update(command, case)
        case AssignLead():
            return work.assign_lead(command, case)
        case AssignRole():
            return work.assign_role(command, case)
        case OfferLead() | AcceptLead() | DeclineLead():
            return handover.decide_handover(command, case)
        case SilenceAlerts() | LiftSilence() | Publish() | Unpublish():
            return _outward(command, case)
        case _:
            return _lists(command, case)


def _opinion(command: Opinion, case: Case) -> Decision:
    if isinstance(command, SetMilestone):
        return correcting.set_milestone(command, case)
    return judging.judge(command, case)


def _outward(command: _SilenceCommand | PublicCommand, case: Case) -> Decision:
    if isinstance(command, SilenceAlerts | LiftSilence):
        return silencing.decide_silence(command, case)
    return publishing.decide_public(command, case)


def _lists(command: _ListCommand, case: Case) -> Decision:
    match command:
        case AddNote():
            return work.add_note(command, case)
        case EditNote():
            return notes.edit_note(command, case)
        case RetractNote():
            return notes.retract_note(command, case)
        case AddItem():
            return work.add_item(command, case)
        case FinishItem():
            return work.finish_item(command, case)
        case SettleTheory():
            return beliefs.settle(command, case)
        case SetReminders():
            return promises.set_reminders(command, case)
        case AttachRunbook():
            return work.attach_runbook(command, case)
        case TickStep():
            return ticking.tick(command, case)
        case TakeBack():
            return undoing.take_back(command, case)
        case _:
            assert_never(command)
