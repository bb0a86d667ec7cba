"""The life cycle as data, and the only way an incident changes: event + state → state.

Three rules hold here. An event that `TRANSITIONS` knows happens only in the states it lists. An event carries
all that the new state needs, so a fold of the stored events gives the incident again. Nothing looks at a
clock or a setting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Final, TypeAlias

from incident_bot.core.incident.evolving import (
    fires_on,
    flapping_over,
    item_added,
    item_done,
    nagged,
    offer_over,
    offered,
    published,
    reminded,
    reminders_set,
    silence_asked,
    silence_failed,
    silence_over,
    silenced,
    step_ticked,
    step_unticked,
    taken_back,
    theory_settled,
    unpublished,
    unsilence_asked,
)
from incident_bot.core.incident.facts import (
    flag,
    instant,
    maybe_instant,
    maybe_text,
    maybe_whole,
    names,
    number,
    progress_from_json,
    record,
    text,
    whole,
)
from incident_bot.core.incident.reviews import (
    followup_proven,
    followup_reopened,
    postmortem_moved,
    postmortem_set,
    saved,
    wanted,
)
from incident_bot.core.model import (
    Event,
    Flapping,
    FlappingRule,
    Incident,
    Kind,
    Outcome,
    Paging,
    Phase,
)

_T, _A, _S, _R = Paging.TRIGGERED, Paging.ACKNOWLEDGED, Paging.SNOOZED, Paging.RESOLVED
_M = Paging.MERGED

TRANSITIONS: Final[Mapping[tuple[Paging, Kind], Paging]] = MappingProxyType(
    {
        # Somebody has it, or no longer.
        (_T, Kind.ACKNOWLEDGED): _A,
        (_S, Kind.ACKNOWLEDGED): _A,
        (_T, Kind.PART_ACKNOWLEDGED): _T,
        (_A, Kind.ALSO_ACKNOWLEDGED): _A,
        (_T, Kind.PART_GIVEN_BACK): _T,
        (_A, Kind.PART_GIVEN_BACK): _A,
        (_A, Kind.UNACKNOWLEDGED): _T,
        (_A, Kind.STILL_ON_IT): _A,
        (_A, Kind.CONFIRMED): _A,
        (_A, Kind.ACK_EXPIRED): _T,
        (_T, Kind.SNOOZED): _S,
        (_A, Kind.SNOOZED): _S,
        (_S, Kind.SNOOZED): _S,
        (_S, Kind.WOKEN): _T,
        (_T, Kind.CANNOT): _T,
        (_A, Kind.CANNOT): _A,
        (_S, Kind.CANNOT): _S,
        # Paging moves on or begins again.
        (_T, Kind.ESCALATED): _T,
        (_A, Kind.ESCALATED): _T,
        (_S, Kind.ESCALATED): _T,
        (_T, Kind.REPAGED): _T,
        (_A, Kind.REPAGED): _T,
        (_S, Kind.REPAGED): _T,
        (_T, Kind.PAUSED): _T,
        (_T, Kind.RESUMED): _T,
        (_T, Kind.STEP): _T,
        (_T, Kind.NOBODY): _T,
        (_T, Kind.FELL_BACK): _T,
        (_T, Kind.EXHAUSTED): _T,
        (_T, Kind.STEPS_EDITED): _T,
        (_T, Kind.PAGED): _T,
        (_A, Kind.PAGED): _A,
        (_S, Kind.PAGED): _S,
        # The end. An offer ends a snooze: its alerts are over, and the people who lead it have it.
        (_T, Kind.RESOLVE_OFFERED): _T,
        (_A, Kind.RESOLVE_OFFERED): _A,
        (_S, Kind.RESOLVE_OFFERED): _A,
        (_T, Kind.RESOLVED): _R,
        (_A, Kind.RESOLVED): _R,
        (_S, Kind.RESOLVED): _R,
        (_T, Kind.CANCELLED): _R,
        (_A, Kind.CANCELLED): _R,
        (_S, Kind.CANCELLED): _R,
        (_R, Kind.REOPENED): _T,
        # Two become one. Who takes over goes on as it was; who was merged stays so, wherever its alerts go.
        (_T, Kind.MERGED): _M,
        (_A, Kind.MERGED): _M,
        (_S, Kind.MERGED): _M,
        (_M, Kind.UNMERGED): _M,
        (_T, Kind.MERGED_HERE): _T,
        (_A, Kind.MERGED_HERE): _A,
        (_S, Kind.MERGED_HERE): _S,
    }
)
"""The life cycle of semantics, section 3: paging state and event to paging state; other kinds leave it."""

LIFE_CYCLE_KINDS: Final[frozenset[Kind]] = frozenset(kind for _, kind in TRANSITIONS)
"""The kinds that happen only in the states that `TRANSITIONS` lists."""

Change: TypeAlias = Callable[[Incident, Event], Incident]
_OF_THE_WORK: Final = ("due", "missed", "lead", "update")


def begin(event: Event) -> Incident:
    """Make the incident that an `opened` or `declared` event tells of."""
    if event.kind not in (Kind.OPENED, Kind.DECLARED):
        raise ValueError(f"an incident begins with opened or declared, not with {event.kind.value}")
    data = event.data
    return Incident(
        key=text(data, "key"),
        title=text(data, "title"),
        severity=text(data, "severity"),
        peak=text(data, "severity"),
        team=text(data, "team"),
        service=maybe_text(data, "service"),
        impact=maybe_text(data, "impact"),
        policy=record(data, "policy"),
        progress=progress_from_json(record(data, "progress")),
        opened_at=event.happened_at,
        opened_by=event.actor,
        previous=maybe_whole(data, "previous"),
        revision=text(data, "revision"),
        drill=flag(data, "drill"),
        private=flag(data, "private"),
        storm=maybe_text(data, "storm"),
    )


def evolve(incident: Incident, event: Event) -> Incident:
    """Give the incident after the event; one that cannot happen in this paging state raises ValueError."""
    state = (incident.paging, event.kind)
    if event.kind in LIFE_CYCLE_KINDS and state not in TRANSITIONS:
        raise ValueError(f"{event.kind.value} cannot happen to an incident that is {incident.paging.value}")
    after = incident
    # An incident is a large value and a storm tells thousands of events: it is copied only for a change.
    paging = TRANSITIONS.get(state, incident.paging)
    if paging is not incident.paging:
        after = replace(after, paging=paging)
    if paging is not Paging.SNOOZED and after.snoozed_until is not None:
        after = replace(after, snoozed_until=None)
    if paging is Paging.TRIGGERED and (after.acknowledged_at or after.acknowledged_by or after.responders):
        after = replace(after, acknowledged_at=None, acknowledged_by=None, responders=())
    if paging is not Paging.ACKNOWLEDGED and (after.asked_at or after.waiting_for):
        after = replace(after, asked_at=None, waiting_for=None)
    if not paging.is_open and after.offer is not None:
        after = replace(after, offer=None)
    if "progress" in event.data:
        after = replace(after, progress=progress_from_json(record(event.data, "progress")))
    if "phase" in event.data:
        after = replace(after, phase=Phase(text(event.data, "phase")))
    change = _CHANGES.get(event.kind)
    return after if change is None else change(after, event)


def replay(events: Iterable[Event]) -> Incident:
    """Fold a whole timeline from its first event on; `id`, `seq` and `last_hash` are the store's."""
    told = iter(events)
    incident = begin(next(told))
    for event in told:
        incident = evolve(incident, event)
    return incident


def _acknowledged(incident: Incident, event: Event) -> Incident:
    # Where each was to answer, the first who did has it, and the others respond too.
    responders = names(event.data, "responders") or (event.actor,)
    return replace(
        incident,
        acknowledged_at=event.happened_at,
        acknowledged_by=responders[0],
        responders=responders,
        waiting_for=maybe_text(event.data, "waiting_for"),
    )


def _part_given_back(incident: Incident, event: Event) -> Incident:
    gone = names(event.data, "parts")
    responders = tuple(one for one in incident.responders if one not in gone)
    return replace(incident, responders=responders, acknowledged_by=responders[0] if responders else None)


def _steps_edited(incident: Incident, event: Event) -> Incident:
    return replace(incident, policy=record(event.data, "policy"))


def _also_acknowledged(incident: Incident, event: Event) -> Incident:
    return replace(incident, responders=(*incident.responders, event.actor), asked_at=None)


def _still_on_it(incident: Incident, event: Event) -> Incident:
    return replace(incident, asked_at=event.happened_at)


def _confirmed(incident: Incident, event: Event) -> Incident:
    return replace(incident, asked_at=None, waiting_for=maybe_text(event.data, "waiting_for"))


def _snoozed(incident: Incident, event: Event) -> Incident:
    return replace(incident, snoozed_until=instant(event.data, "until"))


def _severity_changed(incident: Incident, event: Event) -> Incident:
    policy = record(event.data, "policy") if "policy" in event.data else incident.policy
    return replace(
        incident,
        severity=text(event.data, "severity"),
        peak=text(event.data, "peak"),
        policy=policy,
    )


def _made(*, private: bool) -> Change:
    return lambda incident, _event: replace(incident, private=private)


def _title_changed(incident: Incident, event: Event) -> Incident:
    return replace(incident, title=text(event.data, "title"))


def _impact_changed(incident: Incident, event: Event) -> Incident:
    return replace(incident, impact=text(event.data, "impact"))


def _update_posted(incident: Incident, event: Event) -> Incident:
    promised = maybe_instant(event.data, "next_update_at")
    reminders = replace(
        incident.reminders,
        promised_at=event.happened_at if promised else None,
        promised_by=event.actor if promised else None,
        told=incident.reminders.without("due", "missed"),
    )
    return replace(incident, updated_by_people=True, next_update_at=promised, reminders=reminders)


def _lead_assigned(incident: Incident, event: Event) -> Incident:
    return replace(incident, lead=text(event.data, "person"), lead_since=event.happened_at, offer=None)


def _role_assigned(incident: Incident, event: Event) -> Incident:
    return replace(incident, roles={**incident.roles, text(event.data, "role"): text(event.data, "person")})


def _runbook_found(incident: Incident, event: Event) -> Incident:
    return replace(incident, runbook=text(event.data, "runbook"))


def _resolved(incident: Incident, event: Event) -> Incident:
    return replace(
        wanted(incident, event),
        resolved_at=event.happened_at,
        forced=flag(event.data, "forced"),
        next_update_at=None,
        resolver=event.actor if flag(event.data, "forced") else None,
    )


def _merged(incident: Incident, event: Event) -> Incident:
    return replace(incident, merged_into=whole(event.data, "into"), next_update_at=None)


def _reopened(incident: Incident, event: Event) -> Incident:
    flapping = incident.flapping
    if flapping is not None and flag(event.data, "quiet"):
        flapping = replace(flapping, quiet_epoch=incident.epoch)
    # What was said about the work before its end is not counted against the work that begins again.
    reminders = replace(incident.reminders, told=incident.reminders.without(*_OF_THE_WORK))
    return replace(
        incident, resolved_at=None, forced=False, resolver=None, flapping=flapping, reminders=reminders
    )


def _flapping(incident: Incident, event: Event) -> Incident:
    rule = record(event.data, "rule")
    return replace(
        incident,
        flapping=Flapping(
            since=event.happened_at,
            rule=FlappingRule(
                transitions=whole(rule, "transitions"),
                within=timedelta(seconds=number(rule, "within")),
                hold=timedelta(seconds=number(rule, "hold")),
                quiet=timedelta(seconds=number(rule, "quiet")),
            ),
        ),
    )


_CHANGES: Final[Mapping[Kind, Change]] = MappingProxyType(
    {
        Kind.ACKNOWLEDGED: _acknowledged,
        Kind.ALSO_ACKNOWLEDGED: _also_acknowledged,
        Kind.PART_GIVEN_BACK: _part_given_back,
        Kind.STEPS_EDITED: _steps_edited,
        Kind.STILL_ON_IT: _still_on_it,
        Kind.CONFIRMED: _confirmed,
        Kind.SNOOZED: _snoozed,
        Kind.SEVERITY_CHANGED: _severity_changed,
        Kind.TITLE_CHANGED: _title_changed,
        Kind.MADE_PRIVATE: _made(private=True),
        Kind.MADE_PUBLIC: _made(private=False),
        Kind.IMPACT_CHANGED: _impact_changed,
        Kind.UPDATE_POSTED: _update_posted,
        Kind.LEAD_ASSIGNED: _lead_assigned,
        Kind.HANDOFF_OFFERED: offered,
        Kind.HANDOFF_REMINDED: reminded,
        Kind.HANDOFF_DECLINED: offer_over,
        Kind.HANDOFF_EXPIRED: offer_over,
        Kind.ROLE_ASSIGNED: _role_assigned,
        Kind.ITEM_ADDED: item_added,
        Kind.ITEM_DONE: item_done,
        Kind.THEORY_CONFIRMED: theory_settled(Outcome.CONFIRMED),
        Kind.THEORY_RULED_OUT: theory_settled(Outcome.RULED_OUT),
        Kind.RUNBOOK_FOUND: _runbook_found,
        Kind.TAKEN_BACK: taken_back,
        Kind.STEP_TICKED: step_ticked,
        Kind.STEP_UNTICKED: step_unticked,
        Kind.FIRES_ON: fires_on,
        Kind.RESOLVED: _resolved,
        Kind.CANCELLED: _resolved,
        Kind.REOPENED: _reopened,
        Kind.MERGED: _merged,
        Kind.UNMERGED: _merged,
        Kind.FLAPPING: _flapping,
        Kind.FLAPPING_OVER: flapping_over,
        Kind.PROMISE_DUE: nagged,
        Kind.PROMISE_MISSED: nagged,
        Kind.NAGGED: nagged,
        Kind.REMINDERS_SET: reminders_set,
        Kind.SILENCE_ASKED: silence_asked,
        Kind.SILENCED: silenced,
        Kind.SILENCE_FAILED: silence_failed,
        Kind.UNSILENCE_ASKED: unsilence_asked,
        Kind.SILENCE_LIFTED: silence_over("lifted"),
        Kind.SILENCE_GONE: silence_over("lifted at its source"),
        Kind.SILENCE_ENDED: silence_over("ended"),
        Kind.SILENCE_ENDING: nagged,
        Kind.POSTMORTEM_SAVED: saved,
        Kind.POSTMORTEM_SET: postmortem_set,
        Kind.POSTMORTEM_MOVED: postmortem_moved,
        Kind.FOLLOWUP_PROVEN: followup_proven,
        Kind.FOLLOWUP_REOPENED: followup_reopened,
        Kind.PUBLISHED: published,
        Kind.UNPUBLISHED: unpublished,
    }
)
