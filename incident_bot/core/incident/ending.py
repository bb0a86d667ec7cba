"""Decides how an incident ends and how it begins again. Pages nobody: reopening sets the step timer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from incident_bot.core.effects import CancelPages, Effect, Moment, StopTimers, TimerKind
from incident_bot.core.errors import Refused
from incident_bot.core.incident.commands import Cancel, Reopen, Resolve
from incident_bot.core.incident.facts import progress_to_json, written
from incident_bot.core.incident.paging import need_open, quiet, restarted, step_now, stopped
from incident_bot.core.incident.reviewing import due_after_end
from incident_bot.core.incident.rules import DRILL_LASTS, Case, Decision, Rules
from incident_bot.core.incident.silencing import lift_all, lifting_words
from incident_bot.core.incident.watching import WATCH_FOR, watch
from incident_bot.core.model import Event, Incident, Item, ItemKind, Json, Kind, Paging, Phase


def takes_alerts(incident: Incident, *, rules: Rules, now: datetime) -> bool:
    """Say whether a new firing belongs to this incident: it is open, or was resolved within `reopen_window`.

    A cancelled or merged one takes none; a firing after the window opens a new incident that names this one
    as `previous` (rows "firing within `reopen_window`", "firing later"). The window is half-open.
    """
    if incident.paging.is_open:
        return True
    if incident.paging is Paging.MERGED or incident.phase is Phase.CANCELLED or incident.resolved_at is None:
        return False
    return now < incident.resolved_at + rules.reopen_window


def resolve(command: Resolve, case: Case) -> Decision:
    """End it by hand; while alerts fire or changes stand that takes a reason, and is forced by those that fire."""
    incident, firing = case.incident, command.firing
    reason = (command.reason or "").strip() or None
    need_open(incident, "type `reopen` if it is not over")
    left = _in_force(incident.items)
    if reason is None and (firing or left):
        raise Refused(f"{incident.name}: {_asked(command, left)}")
    said = f"{incident.name} is resolved.{_still(firing)}{f' {_standing(left)}' if left else ''}"
    said = f"{said}{lifting_words(incident)}"
    effects = _over(case, "resolved", reason, firing)
    if firing:
        effects = (*effects, watch(case))
        said = (
            f"{said} You are told if that goes on for {WATCH_FOR.seconds // 60} min; `reopen` opens it again."
        )
    return case.decided(said, *_resolution(case, reason, firing), effects=effects)


def resolved_by_itself(case: Case) -> Decision:
    """End it because its alerts are over and nobody leads it (row "all episodes resolved")."""
    reason = "every alert is resolved"
    said = f"{case.incident.name} is resolved: every alert is over."
    return case.decided(said, *_resolution(case, reason, 0), effects=_over(case, "resolved", reason, 0))


def _drill_over(case: Case) -> Decision:
    """End a drill, answered or not: nothing of it is to be watched or put right."""
    incident = case.incident
    reason = f"nobody answered the drill within {DRILL_LASTS.seconds // 60} min"
    if incident.acknowledged_at is not None:
        seconds = round((incident.acknowledged_at - incident.opened_at).total_seconds())
        reason = f"the drill was answered by {incident.acknowledged_by} after {seconds} s"
    said = f"{incident.name} is resolved: {reason}."
    return case.decided(said, *_resolution(case, reason, 0), effects=_over(case, "resolved", reason, 0))


def _resolution(case: Case, reason: str | None, firing: int) -> tuple[Event, ...]:
    data: dict[str, Json] = {
        "reason": reason,
        "firing": firing,
        "forced": firing > 0,
        "phase": Phase.RESOLVED.value,
        "progress": progress_to_json(stopped(case.incident.progress)),
    }
    due = due_after_end(case.incident, case.rules, now=case.now)
    if due is not None:
        data["postmortem_due"] = written(due)
    return (case.event(Kind.RESOLVED, data),)


def _over(case: Case, how: str, reason: str | None, firing: int) -> tuple[Effect, ...]:
    told: dict[str, Json] = {"how": how, "reason": reason, "firing": firing}
    timers = StopTimers(kinds=(TimerKind.HOLD,))
    lifts = lift_all(case.incident, f"{case.incident.name} is {how}")
    return (*quiet(f"{how} by {case.actor}"), timers, *lifts, *case.announced(Moment.RESOLVED, told))


def _still(firing: int) -> str:
    if not firing:
        return ""
    fires = "1 alert still fires and does" if firing == 1 else f"{firing} alerts still fire and do"
    return f" {fires} not reopen it by repeating."


def _asked(command: Resolve, left: tuple[Item, ...]) -> str:
    """Say what speaks against the end, and how to end it anyway."""
    firing, named = command.firing, command.named
    parts: list[str] = []
    if firing:
        more = f" and {firing - len(named)} more" if named and firing > len(named) else ""
        which = f": {'; '.join(named)}{more}" if named else ""
        parts.append(f"{firing} still firing{which}.")
    if left:
        parts.append(_standing(left))
    return f"{' '.join(parts)} To close it anyway, type `resolve` and the reason."


def _in_force(items: tuple[Item, ...]) -> tuple[Item, ...]:
    return tuple(item for item in items if item.kind is ItemKind.CHANGE and item.done_at is None)


def _standing(left: tuple[Item, ...]) -> str:
    told = "; ".join(
        f"{item.number}. {item.text}{f' (undo: {item.undo})' if item.undo else ''}" for item in left
    )
    return f"Still in force: {told} – `done {left[0].number}` when undone."


def reopen(command: Reopen, case: Case) -> Decision:
    """Work on it again: triggered, new epoch, step 0; a person may do so at any time."""
    incident = case.incident
    if incident.paging.is_open:
        raise Refused(f"{incident.name} is open already; type `info` to see where it stands.")
    if incident.phase is Phase.CANCELLED:
        raise Refused(
            f"{incident.name} was cancelled, which is final; type `new <title>` to declare it anew."
        )
    if incident.drill:
        raise Refused(f"{incident.name} was a drill and is over; type `drill <person>` for another one.")
    if command.open_now is not None:
        raise Refused(
            f"{command.open_now} is open for the same alerts already: go on there, `info {command.open_now}`."
        )
    event, effects = reopening(case, command.reason)
    said = f"{incident.name} is open again and its first step is paged now. Type `ack` to take it."
    return case.decided(said, event, effects=effects)


def reopening(
    case: Case, reason: str | None, *, quiet: timedelta | None = None
) -> tuple[Event, tuple[Effect, ...]]:
    """Open a resolved incident again and tell who had it (row "firing within `reopen_window`").

    With `quiet` nobody is paged before so much time has passed (I11).
    """
    incident = case.incident
    had = incident.acknowledged_by
    progress = restarted(incident.progress, now=case.now)
    due = case.now if quiet is None else case.now + quiet
    data: dict[str, Json] = {
        "reason": reason,
        "was": incident.phase.value,
        "had": had,
        "phase": Phase.TRIAGE.value,
        "progress": progress_to_json(replace(progress, next_at=due)),
    }
    about: dict[str, Json] = {"reason": reason, "had": had}
    if quiet is not None:
        data["quiet"] = about["quiet"] = True
    told = case.announced(Moment.REOPENED, about)
    return case.event(Kind.REOPENED, data), (*step_now("reopened", due), *told)


def cancel(command: Cancel, case: Case) -> Decision:
    """Say that it never was one, and why; final."""
    incident, reason = case.incident, command.reason.strip()
    need_open(incident, "it cannot be cancelled any more; `note <text>` says what it was")
    if not reason:
        raise Refused(f"Say why {incident.name} is none, for whoever reads it later: `cancel <reason>`.")
    data: dict[str, Json] = {
        "reason": reason,
        "phase": Phase.CANCELLED.value,
        "progress": progress_to_json(stopped(incident.progress)),
    }
    said = f"{incident.name} is cancelled: {reason}. This is final.{lifting_words(incident)}"
    return case.decided(said, case.event(Kind.CANCELLED, data), effects=_over(case, "cancelled", reason, 0))


def held(case: Case) -> Decision:
    """Decide after the hold: resolve what nobody leads, offer the rest (rule `auto_resolve`)."""
    incident, rule = case.incident, case.rules.auto_resolve
    if incident.drill:
        return _drill_over(case)
    attended = incident.lead is not None or incident.updated_by_people
    if rule == "always" or (rule == "unattended" and not attended):
        return resolved_by_itself(case)
    data: dict[str, Json] = {"lead": incident.lead, "phase": Phase.MONITORING.value}
    effects: tuple[Effect, ...] = ()
    if incident.paging is Paging.SNOOZED:
        effects = (
            CancelPages(reason="every alert is resolved"),
            StopTimers(kinds=(TimerKind.SNOOZE,)),
        )
    asked = f"{incident.lead} leads it" if incident.lead else "people answer for it"
    said = f"Every alert of {incident.name} is over; {asked}, so it waits for `resolve`."
    return case.decided(said, case.event(Kind.RESOLVE_OFFERED, data), effects=effects)
