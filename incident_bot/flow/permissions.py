"""Asks whether somebody may do something, by the roles of the configuration in force; `core.access` decides.

A context without a warrant is the bot itself, its command line, or a door that has asked already. What somebody was
paged for they may always acknowledge or pass on, whatever their role.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from incident_bot.core.access import (
    Permission,
    Role,
    Standing,
    Verdict,
    Warrant,
    decide,
    givers,
    raised,
    refusal,
    standing,
)
from incident_bot.core.errors import NotAllowed, NotFound
from incident_bot.core.model import Incident
from incident_bot.flow.context import Context
from incident_bot.flow.grammar import Verb
from incident_bot.flow.history import Roster
from incident_bot.flow.sight import visible
from incident_bot.flow.standings import scheduled
from incident_bot.store import outbox
from incident_bot.store.transaction import Tx

OPENING: Final = frozenset({"new", "drill"})
PUBLISHING: Final = frozenset({"publish", "unpublish"})
OWN_PAGE: Final = frozenset({"ack", "unack", "cannot"})
"""What whoever was paged may always say to it."""


def standing_of(context: Context, warrant: Warrant) -> Standing:
    """Give what somebody is under the configuration in force: nothing where it does not know them as active."""
    revision = context.live.current.revision
    person = revision.people.get(warrant.person or "")
    held = Standing()
    if person is not None and person.active:
        held = standing(person.id, revision.access, revision.teams.values(), scheduled(revision))
    return raised(held, warrant.role) if warrant.role else held


def verdict(
    context: Context, warrant: Warrant, permission: Permission, *, team: str | None = None
) -> Verdict:
    """Say whether a warrant allows something, for the team that it is about where that is known."""
    access = context.live.current.revision.access
    # Most callers may do it wherever they ask: then nobody looks at who stands on which schedule.
    least = warrant.role or _least(context, warrant)
    if least is not None:
        quick = decide(Standing(everywhere=least), permission, access, team=team)
        if quick.allowed:
            return quick
    return decide(standing_of(context, warrant), permission, access, team=team)


def need(context: Context, permission: Permission, *, team: str | None = None, who: str) -> None:
    """Go on where this context's warrant allows it; raises NotAllowed with the role, the team and whom to ask."""
    if context.warrant is not None:
        found = verdict(context, context.warrant, permission, team=team)
        if not found.allowed:
            raise NotAllowed(refused(context, found, who))


def refused(context: Context, found: Verdict, who: str) -> str:
    """Say what is missing, and who can give it."""
    revision = context.live.current.revision
    person = revision.people.get(who)
    active = frozenset(one.id for one in revision.people.values() if one.active)
    return refusal(found, person.name if person else who, givers(revision.access, active))


def need_schedule(context: Context, schedule: str, *, who: str) -> None:
    """Go on where this context's warrant allows to change who answers on a schedule; raises NotAllowed."""
    need(context, Permission.SCHEDULE_OVERRIDE, team=team_of_schedule(context, schedule), who=who)


def team_of_schedule(context: Context, schedule: str) -> str | None:
    """Give the team whose schedule it is; None where it is nobody's, or that of several."""
    teams = context.live.current.revision.teams.values()
    found = [team.id for team in teams if team.schedule == schedule]
    return found[0] if len(found) == 1 else None


def team_of_incident(context: Context, name: str) -> str | None:
    """Give the team of `INC-42` or `42`; None where there is no such incident for this context's seer."""
    digits = name.upper().removeprefix("INC-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):  # noqa: PLR2004 -- ids are no longer
        return None
    try:
        with context.store.read() as tx:
            return visible(tx, context.seer, int(digits)).team
    except NotFound:
        return None


def need_verb(
    context: Context, tx: Tx, verb: Verb, incident: Incident | None, *, actor: str, source: str, now: datetime
) -> None:
    """Go on where whoever typed a line may do what it says, to this incident where it is about one.

    Raises NotAllowed. Whoever answers for the team just now may act for it, even where no file says so: they took a
    shift over.
    """
    warrant = context.warrant or (said_by(context, actor) if source == "slack" else None)
    if warrant is None:
        return
    permission = _permission(verb)
    team = incident.team if incident is not None else None
    found = verdict(context, warrant, permission, team=team)
    if found.allowed:
        return
    person = warrant.person
    if person is not None and incident is not None:
        if verb.name in OWN_PAGE and _was_paged(tx, incident, person):
            return
        if found.needs is Role.RESPONDER and _answers(context, tx, incident.team, person, now=now):
            return
    raise NotAllowed(refused(context, found, person or actor))


def said_by(context: Context, actor: str) -> Warrant:
    """Give the warrant of an actor for whom a chat vouches: a person, or a guest whom no file knows."""
    people, access = context.live.current.revision.people, context.live.current.revision.access
    if actor in people:
        return Warrant(person=actor)
    # Before there were roles a guest could do what everybody could; `strangers` decides whether there are any.
    return Warrant(role=Role.VIEWER if access.written else access.default)


def _least(context: Context, warrant: Warrant) -> Role | None:
    """Give what an active person has without anybody naming them: what is written for somebody may be less."""
    revision = context.live.current.revision
    person = revision.people.get(warrant.person or "")
    if person is None or not person.active or person.id in revision.access.roles:
        return None
    return revision.access.default


def _permission(verb: Verb) -> Permission:
    if verb.name in OPENING:
        return Permission.INCIDENT_DECLARE
    return Permission.STATUS_PUBLISH if verb.name in PUBLISHING else Permission.INCIDENT_ACT


def _was_paged(tx: Tx, incident: Incident, person: str) -> bool:
    return any(row.person == person for row, _ in outbox.pages_of(tx, incident.id))


def _answers(context: Context, tx: Tx, team: str | None, person: str, *, now: datetime) -> bool:
    known = context.live.current.revision.teams.get(team or "")
    if known is None or known.schedule is None:
        return False
    roster = Roster(context.records, context.live.current, tx)
    return any(answer.person == person for answer in roster.who(known.schedule, now))
