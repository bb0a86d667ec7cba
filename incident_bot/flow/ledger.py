"""Collects the decisions of one transaction and writes them in bulk: incidents, events, pages, timers, messages.

The one place where a decision becomes rows. An escalation that is due runs here, in the same transaction as the
decision that made it due, so that a page is planned the moment its incident opens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias, assert_never

from incident_bot.core.effects import (
    Announce,
    AskSilence,
    CancelPages,
    LiftSilences,
    Moment,
    Nudge,
    Page,
    SetTimer,
    StopTimers,
    TimerKind,
)
from incident_bot.core.escalation import Policy, advance, freeze
from incident_bot.core.incident import Decision, StepOver, evolve, observe
from incident_bot.core.model import Event, Incident, JsonObject, Kind, Paging, Running, Severity
from incident_bot.flow import followups, promises
from incident_bot.flow.configure import Current
from incident_bot.flow.context import Context
from incident_bot.flow.directory import Directories
from incident_bot.flow.graphs.asking import owed as graphs_owed
from incident_bot.flow.history import Roster
from incident_bot.flow.nudges import nudged
from incident_bot.flow.postmortems.planning import plan
from incident_bot.flow.slack import announcements, withdrawn
from incident_bot.flow.slack import pages as slack_pages
from incident_bot.flow.steps import Turns, edited, told_of_steps
from incident_bot.store import graphs, incidents, outbox, rooms, silences, timers
from incident_bot.store.outbox import NewMessage, RowState
from incident_bot.store.timers import Timer
from incident_bot.store.transaction import Tx

_Awaited: TypeAlias = tuple[int, datetime | None]


@dataclass(slots=True)
class _Draft:
    incident: Incident
    events: list[Event] = field(default_factory=list)
    cancels: list[CancelPages] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    announcements: list[Announce] = field(default_factory=list)
    nudges: list[Nudge] = field(default_factory=list)
    silences: list[AskSilence | LiftSilences] = field(default_factory=list)
    timers: dict[TimerKind, datetime | None] = field(default_factory=dict)


class Ledger:
    """The unit of work of one transaction; `flush` once, at its end."""

    def __init__(self, context: Context, tx: Tx, *, now: datetime) -> None:
        """Take the transaction and its instant; the configuration in force is read once."""
        self.context = context
        self.tx = tx
        self.now = now
        self.current: Current = context.live.current
        self.directories = Directories(
            self.current.revision,
            roster=Roster(context.records, self.current, tx),
            notifiers=context.notifiers,
            default_channel=context.default_channel,
        )
        self._drafts: dict[int | str, _Draft] = {}
        self._policies: dict[tuple[str, str], JsonObject] = {}
        self._read: dict[int, Policy] = {}
        self._messages: list[NewMessage] = []
        self._awaited: dict[int, _Awaited | None] = {}
        """Which step each incident's timer waits for, as far as it was read here."""
        self._before: dict[int, Incident] = {}
        """Each incident as it was read here: while it owes the same, its timer for reminders is right."""

    def policy(self, severity: Severity, team: str) -> JsonObject:
        """Give the policy for a severity and team as the matrix in force has it, frozen for an incident."""
        known = self._policies.get((severity.name, team))
        if known is None:
            policy = freeze(self.current.revision.matrix, severity, team)
            known = self._policies[severity.name, team] = policy.to_json()
            self._read[id(known)] = policy
        return known

    def incident(self, incident: Incident) -> Incident:
        """Give the newest state of an incident in this transaction; to be asked with the state that was read."""
        draft = self._drafts.get(incident.id or incident.key)
        if draft is not None:
            return draft.incident
        self._awaited[incident.id] = _awaited(incident)
        self._before[incident.id] = incident
        return incident

    def take(self, decision: Decision) -> Incident:
        """Note a decision; later decisions of the transaction build on its state."""
        key: int | str = decision.incident.id or decision.incident.key
        draft = self._drafts.get(key)
        if draft is None:
            draft = self._drafts[key] = _Draft(decision.incident)
        draft.incident = decision.incident
        draft.events.extend(decision.events)
        for effect in decision.effects:
            match effect:
                case CancelPages():
                    draft.cancels.append(effect)
                case Page():
                    draft.pages.append(effect)
                case Announce():
                    draft.announcements.append(effect)
                case Nudge():
                    draft.nudges.append(effect)
                case AskSilence() | LiftSilences():
                    draft.silences.append(effect)
                case SetTimer():
                    draft.timers[effect.kind] = effect.due_at
                case StopTimers():
                    draft.timers.update(dict.fromkeys(effect.kinds))
                case _:
                    assert_never(effect)
        return draft.incident

    def tell(self, message: NewMessage) -> None:
        """Note a message to a channel that belongs to no decision."""
        self._messages.append(message)

    def flush(self) -> list[Incident]:
        """Write everything; the incidents come back with their ids, in the order in which they were first noted."""
        drafts = list(self._drafts.values())
        # Most deliveries decide nothing new.
        return self._written(drafts) if drafts or self._messages else []

    def _written(self, drafts: list[_Draft]) -> list[Incident]:
        for draft in drafts:
            self._step_over(draft)
            self._cancel(draft)
        self._advance_all(drafts)
        self._remind(drafts)
        saved = incidents.save(self.tx, [(draft.incident, draft.events) for draft in drafts], now=self.now)
        pages: list[tuple[int, int, Page]] = []
        set_timers: list[Timer] = []
        stopped: list[str] = []
        for draft, incident in zip(drafts, saved, strict=True):
            if not draft.incident.id and not incident.drill:
                self.context.metrics.incidents_opened.labels(severity=incident.severity).inc()
            rank = self._rank(incident)
            pages.extend((incident.id, rank, page) for page in draft.pages)
            for kind, due_at in draft.timers.items():
                if due_at is not None:
                    set_timers.append(incident_timer(incident, kind, due_at))
                elif draft.incident.id:
                    stopped.append(timer_key(kind, incident.id))
            if draft.incident.id:
                self._messages.extend(
                    followups.owed(self.context, self.tx, incident, draft.events, now=self.now)
                )
                self._messages.extend(
                    slack_pages.owed(self.context, self.tx, incident, draft.events, now=self.now)
                )
            self._silence(incident, draft.silences)
            looks = graphs_owed(self.current, incident, draft.events, new=not draft.incident.id)
            graphs.ask(self.tx, looks, now=self.now)
            plan(self.tx, incident, draft.events, now=self.now)
            self._messages.extend(told_of_steps(self.context, incident, draft.events, now=self.now))
            self._messages.extend(self._told(incident, draft, rank))
        if pages:
            outbox.add_pages_many(self.tx, pages, now=self.now)
        timers.forget(self.tx, stopped)
        if set_timers:
            timers.set_timers(self.tx, set_timers, now=self.now)
        if self._messages:
            outbox.add_messages(self.tx, self._messages, now=self.now)
        self._touch_rooms(saved)
        self._drafts.clear()
        self._messages.clear()
        return saved

    def _silence(self, incident: Incident, effects: Iterable[AskSilence | LiftSilences]) -> None:
        for effect in effects:
            if isinstance(effect, AskSilence):
                silences.ask(self.tx, incident.id, [effect], now=self.now)
            else:
                silences.lift(self.tx, incident.id, effect.numbers, reason=effect.reason, now=self.now)

    def _touch_rooms(self, saved: Iterable[Incident]) -> None:
        if self.context.slack is not None:
            rooms.touch(self.tx, {incident.id: self._rank(incident) for incident in saved}, now=self.now)

    def _cancel(self, draft: _Draft) -> None:
        if not draft.incident.id:
            return
        for cancel in draft.cancels:
            rows = outbox.cancel_pages(
                self.tx, draft.incident.id, person=cancel.person, reason=cancel.reason, now=self.now
            )
            taken_back = [row for row in rows if row.state is RowState.CANCELLED]
            if taken_back:
                people = sorted({row.person for row in taken_back if row.person})
                draft.events.append(
                    self._event(
                        Kind.PAGES_CANCELLED,
                        {"count": len(taken_back), "reason": cancel.reason, "people": people},
                    )
                )

    def _step_over(self, draft: _Draft) -> None:
        """Leave it to those who have their part of it, where the time of the others is over (`acks: each`)."""
        if draft.incident.progress.taken:
            rules = self.current.revision.rules
            self.take(observe(StepOver(), draft.incident, rules=rules, now=self.now, source="worker"))

    def _advance_all(self, drafts: Iterable[_Draft]) -> None:
        waiting = [draft for draft in drafts if _awaited(draft.incident) is not None]
        due = [(draft, self._policy_due(draft)) for draft in waiting if self._is_due(draft.incident)]
        turns = Turns(self.tx, [(draft.incident.team, policy) for draft, policy in due], now=self.now)
        for draft, policy in due:
            self._advance(draft, policy, turns)
        turns.keep()
        for draft in waiting:
            progress = draft.incident.progress
            if progress.next_at is None:
                continue
            if TimerKind.STEP in draft.timers or _awaited(draft.incident) != self._awaited.get(
                draft.incident.id
            ):
                draft.timers[TimerKind.STEP] = progress.next_at

    def _remind(self, drafts: Iterable[_Draft]) -> None:
        for draft in drafts:
            incident = draft.incident
            before = self._before.get(incident.id)
            if before is not None and promises.owes_the_same(before, incident):
                continue
            due = promises.next_at(self.current, incident, now=self.now)
            # A timer that is left behind says nothing when it fires: the steps of a storm need not look for one.
            if due is not None or incident.paging is not Paging.TRIGGERED:
                draft.timers[TimerKind.PROMISE] = due

    def _is_due(self, incident: Incident) -> bool:
        next_at = incident.progress.next_at
        return next_at is not None and next_at <= self.now

    def _policy_due(self, draft: _Draft) -> Policy:
        incident = draft.incident
        # A policy that was frozen in this transaction need not be read again.
        policy = self._read.get(id(incident.policy))
        if policy is not None:
            return policy
        policy = Policy.from_json(incident.policy)
        edit = edited(self.current, incident, policy)
        if edit is None:
            return policy
        policy, (kind, data) = edit
        event = self._event(kind, data)
        draft.incident = evolve(incident, event)
        draft.events.append(event)
        return policy

    def _advance(self, draft: _Draft, policy: Policy, turns: Turns) -> None:
        incident = draft.incident
        step = advance(
            policy,
            incident.progress,
            self.directories.of(incident.team),
            turns=turns.of(incident.team, policy),
            now=self.now,
        )
        turns.moved(incident.team, step.turns)
        draft.incident = replace(incident, progress=step.progress)
        draft.pages.extend(step.pages)
        draft.events.extend(self._event(kind, data) for kind, data in step.events)

    def _event(self, kind: Kind, data: JsonObject) -> Event:
        return Event(kind=kind, actor="escalation", source="worker", happened_at=self.now, data=data)

    def _rank(self, incident: Incident) -> int:
        severity = self.current.revision.ladder.named(incident.severity)
        return severity.rank if severity else 0

    def _told(self, incident: Incident, draft: _Draft, rank: int) -> Iterable[NewMessage]:
        kinds = {event.kind for event in draft.events}
        if Kind.MADE_PRIVATE in kinds:
            yield from withdrawn.owed(self.tx, incident, rank=rank, now=self.now)
        if Kind.MADE_PUBLIC in kinds:
            withdrawn.keep(self.tx, incident)
        if announcements.wanted(self.context):
            yield from announcements.owed(
                self.context, self.tx, incident, draft.announcements, draft.events,
                new=not draft.incident.id, rank=rank, now=self.now,
            )  # fmt: skip
        else:
            for announcement in draft.announcements:
                yield from self._announced(incident, announcement, rank)
        if draft.nudges:
            yield from nudged(incident, draft.nudges, self.directories.of(incident.team), now=self.now)

    def _announced(self, incident: Incident, announcement: Announce, rank: int) -> Iterable[NewMessage]:
        moment = announcement.moment
        for rule in self.current.revision.announce:
            if rule.wants(moment, incident.severity):
                yield channel_message(
                    self.context,
                    incident,
                    moment,
                    rule.channel,
                    data=announcement.data,
                    rank=rank,
                    now=self.now,
                )


def _awaited(incident: Incident) -> _Awaited | None:
    """Say what the timer of the next step depends on; while that stays, the timer in the store is right."""
    progress = incident.progress
    if incident.paging is not Paging.TRIGGERED or progress.state not in (Running.RUNNING, Running.EXHAUSTED):
        return None
    return incident.epoch, progress.next_at


def timer_key(kind: TimerKind, incident_id: int) -> str:
    """Give the key of the one timer of a kind that an incident has."""
    return f"{kind.value}:incident:{incident_id}"


def incident_timer(incident: Incident, kind: TimerKind, due_at: datetime) -> Timer:
    """Make the one timer of a kind that an incident has."""
    return Timer(
        id=0,
        kind=kind,
        key=timer_key(kind, incident.id),
        incident_id=incident.id,
        subject=None,
        epoch=incident.epoch,
        due_at=due_at,
        data={},
        attempts=0,
    )


def channel_message(
    context: Context,
    incident: Incident,
    moment: Moment,
    channel: str,
    *,
    data: JsonObject,
    rank: int,
    now: datetime,
) -> NewMessage:
    """Make one message about an incident to one channel; an unsent older one of the same moment is superseded."""
    subject = f"{moment.value}:{incident.id}:{channel}"
    return NewMessage(
        key=f"message:{subject}:{incident.seq}",
        coalesce=f"message:{subject}",
        incident_id=incident.id,
        via=context.default_channel,
        recipient=channel,
        moment=moment,
        data=data,
        due_at=now,
        rank=rank,
    )
