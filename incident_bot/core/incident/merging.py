"""Decides how two incidents become one and come apart again (rows "merge S into T", "unmerge"). Moves no alert.

Merging never begins, ends or hastens the paging of the one that goes on: whoever has it keeps it, and the steps that
are due stay due. Its severity rises to that of the other, its peak with it, so that later alerts as bad as those that
came along do not page anew. Each of the two tells of it in its own timeline.
"""

from __future__ import annotations

from dataclasses import replace

from incident_bot.core.effects import Effect, Moment, PageKind, SetTimer, StopTimers, TimerKind
from incident_bot.core.errors import Refused
from incident_bot.core.incident.commands import Merge, MergeHere, Unmerge, UnmergeHere
from incident_bot.core.incident.facts import progress_to_json
from incident_bot.core.incident.flapping import hold_of
from incident_bot.core.incident.observations import Opening
from incident_bot.core.incident.opening import alerts_told
from incident_bot.core.incident.paging import need_open, quiet, restarted, shown, stopped, woken
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.incident.silencing import lift_all, lifting_words
from incident_bot.core.incident.work import severity_changed
from incident_bot.core.model import Event, Incident, Json, Kind, Paging, Phase, Running, incident_name


def merge(command: Merge, case: Case) -> Decision:
    """End it as part of another, in a new epoch of its own, so that nothing of it pages any more; idempotent."""
    incident, into = case.incident, command.into
    if incident.paging is Paging.MERGED and incident.merged_into == into.id:
        return case.decided(f"{incident.name} is merged into {into.name} already; nothing changed.")
    _need_mergeable(command, incident)
    reason = (command.reason or "").strip() or None
    progress = stopped(restarted(incident.progress, now=case.now))
    notices = tuple(
        replace(page, kind=PageKind.NOTE, epoch=progress.epoch, loop=progress.loop, step=incident.seq)
        for page in command.notices
    )
    told: list[Json] = [page.person for page in notices]
    data: dict[str, Json] = {
        "into": into.id,
        "name": into.name,
        "reason": reason,
        "was": incident.paging.value,
        "alerts": alerts_told(command.alerts),
        "told": told,
        "phase": Phase.CANCELLED.value,
        "progress": progress_to_json(progress),
    }
    why = f"merged into {into.name}" + (f": {reason}" if reason else "")
    effects: tuple[Effect, ...] = (
        *quiet(f"merged into {into.name} by {case.actor}"),
        StopTimers(kinds=(TimerKind.HOLD,)),
        *notices,
        *lift_all(incident, f"{incident.name} is merged into {into.name}"),
        *case.announced(Moment.RESOLVED, {"how": "merged", "reason": why, "firing": 0}),
    )
    said = f"{incident.name} is merged into {into.name}; nobody is paged for {incident.name} any more."
    said = f"{said}{lifting_words(incident)}"
    return case.decided(said, case.event(Kind.MERGED, data), effects=effects)


def _need_mergeable(command: Merge, incident: Incident) -> None:
    into = command.into
    if incident.id == into.id:
        raise Refused(f"{incident.name} cannot be merged into itself; name the other one: `dup INC-n`.")
    if incident.paging is Paging.MERGED:
        raise Refused(merged_words(incident))
    need_open(incident, f"there is nothing to merge; `reopen {incident.name}` first if there is work left")
    if into.paging is Paging.MERGED:
        raise Refused(_into_merged(command, incident))
    need_open(
        into, f"only an open one takes others: `reopen {into.name}` first, or `resolve {incident.name}`"
    )
    if incident.private and not into.private:
        raise Refused(
            f"{incident.name} is private and {into.name} is not: all would read of it there. "
            f"Merge the other way round: `dup {into.name} {incident.name}`."
        )
    if incident.drill is not into.drill:
        real, drill = (into, incident) if incident.drill else (incident, into)
        raise Refused(
            f"{drill.name} is a drill and {real.name} is not; end the drill: `resolve {drill.name}`."
        )


def _into_merged(command: Merge, incident: Incident) -> str:
    into = command.into
    if command.final == incident.id:
        return f"{into.name} was merged into {incident.name} already; there is nothing left to merge."
    if command.final is None:
        return f"{into.name} was merged itself; type `list` and name the one that is open: `dup INC-n`."
    return (
        f"{into.name} was merged into {incident_name(command.final)}; "
        f"type `dup {incident.name} {incident_name(command.final)}`."
    )


def merged_words(incident: Incident) -> str:
    """Say where to go instead of a merged incident."""
    if incident.merged_into is None:
        return f"{incident.name} was merged into another incident; type `list` to find it and say it there."
    other = incident_name(incident.merged_into)
    return f"{incident.name} was merged into {other}; say it there: put {other} into the command."


def merge_here(command: MergeHere, case: Case) -> Decision:
    """Take over the alerts of another; its own paging goes on as it was, and its severity may rise."""
    incident, of = case.incident, command.of
    events: list[Event] = [
        case.event(
            Kind.MERGED_HERE,
            {
                "incident": of.id,
                "name": of.name,
                "title": of.title,
                "reason": (command.reason or "").strip() or None,
                "alerts": alerts_told(command.alerts),
            },
        )
    ]
    rises = case.rules.is_above(of.severity, incident.severity)
    if rises:
        events.append(severity_changed(case, of.severity, reason=f"{of.name} was {of.severity}", policy=None))
    effects: tuple[Effect, ...] = ()
    # A snooze whose end left the incident to the hold would never end: the hold finds something firing now.
    over = incident.snoozed_until is not None and incident.snoozed_until <= case.now
    if command.firing and over:
        event, effects = woken(case)
        events.append(event)
    raised = f" It is {of.severity} now, as {of.name} was." if rises else ""
    decision = case.decided("", *events, effects=effects)
    said = (
        f"{_count(len(command.alerts))} came along.{raised} {_held(decision.incident, case)} "
        f"Undo: `unmerge {of.name}`."
    )
    return replace(decision, said=said)


def _count(alerts: int) -> str:
    return "No alert" if not alerts else "1 alert" if alerts == 1 else f"{alerts} alerts"


def _held(incident: Incident, case: Case) -> str:
    if incident.paging is Paging.ACKNOWLEDGED:
        return f"{incident.acknowledged_by} has {incident.name}."
    if incident.paging is Paging.SNOOZED and incident.snoozed_until is not None:
        return f"{incident.name} is snoozed until {shown(incident.snoozed_until, case.now)}."
    if incident.progress.state is Running.PAUSED:
        return f"Nobody has {incident.name}, and its paging is paused."
    return f"Nobody has {incident.name} yet; its paging goes on."


def taken_out(
    incident: Incident, template: Opening, *, firing: int, had_alerts: bool, open_one: int | None = None
) -> Opening:
    """Give how the alerts of a merged incident begin anew, from a template with the rest; else raises Refused.

    `open_one` is an open incident of the same key, where there is one: it has what fires now.
    """
    if incident.paging is not Paging.MERGED:
        raise Refused(
            f"{incident.name} is not merged into another; to take one out of it, name that one: `unmerge INC-n`."
        )
    if open_one is not None:
        name = incident_name(open_one)
        raise Refused(f"{name} is open for the alerts of {incident.name} already; type `info {name}`.")
    if had_alerts and not firing:
        raise Refused(
            f"Nothing that came from {incident.name} fires any more, so there is nothing to take out; "
            "type `new <title>` if there is work left."
        )
    return replace(
        template,
        key=incident.key,
        title=incident.title,
        severity=incident.severity,
        team=incident.team,
        service=incident.service,
        runbook=incident.runbook,
        impact=incident.impact,
        drill=incident.drill,
        private=incident.private,
        previous=incident.id,
        declared=not had_alerts,
    )


def unmerge(command: Unmerge, case: Case) -> Decision:
    """Tell where its alerts are now; it stays merged, and leads to the new one."""
    incident, into = case.incident, incident_name(command.into)
    data: dict[str, Json] = {
        "into": command.into,
        "name": into,
        "from": command.out_of,
        "of": incident_name(command.out_of),
        "reason": (command.reason or "").strip() or None,
    }
    said = (
        f"{incident.name} is taken out of {incident_name(command.out_of)} again: it goes on as {into}. "
        f"Undo: `dup {into} {incident_name(command.out_of)}`."
    )
    return case.decided(said, case.event(Kind.UNMERGED, data))


def unmerge_here(command: UnmergeHere, case: Case) -> Decision:
    """Let the alerts of another go; where none of its own fires any more, the hold decides over it."""
    incident, of = case.incident, command.of
    data: dict[str, Json] = {
        "incident": of.id,
        "name": of.name,
        "into": command.into,
        "goes_on_as": incident_name(command.into),
        "alerts": alerts_told(command.alerts),
    }
    effects: tuple[Effect, ...] = ()
    if incident.paging.is_open and command.had_alerts and not command.still_firing:
        effects = (SetTimer(kind=TimerKind.HOLD, due_at=case.now + hold_of(incident, case.rules)),)
    said = f"{_count(len(command.alerts))} of {incident.name} went on as {incident_name(command.into)}."
    return case.decided(said, case.event(Kind.UNMERGED_HERE, data), effects=effects)
