"""`drill`: pages somebody willing, and nobody else, over their own rules, to prove that a page arrives (item 19)."""

from __future__ import annotations

from datetime import timedelta

from incident_bot.core.errors import Refused
from incident_bot.core.escalation import Policy, Step
from incident_bot.core.incident import Decision, Opening, open_incident
from incident_bot.core.model import Person, Severity, Target, TargetKind, Urgency
from incident_bot.flow.commands import arguments
from incident_bot.flow.ledger import Ledger
from incident_bot.store import incidents


def drill(ledger: Ledger, rest: str, *, actor: str, source: str) -> Decision:
    """Open a drill for one person; raises Refused where they are unknown, inactive, out of reach or drilled already."""
    person = _person(ledger, arguments.needed(rest, example="drill alice").removeprefix("@"))
    revision = ledger.current.revision
    team = _team(ledger, person)
    if not ledger.directories.of(team).rules(person.id, Urgency.HIGH):
        message = (
            f"No page reaches {person.id}: give them a contact in people.yaml for a channel that is set up, "
            "then try again."
        )
        raise Refused(message)
    # One at a time: whoever answers must not have to ask which one it was.
    key = f"drill|{person.id}"
    running = incidents.open_by_keys(ledger.tx, [key]).get(key)
    if running is not None:
        message = (
            f"{running.name} is a drill for {person.id} that still runs; `resolve {running.name}` ends it."
        )
        raise Refused(message)
    severity = _severity(ledger)
    opening = Opening(
        key=key,
        title=f"Drill: {person.name}, please acknowledge",
        severity=severity.name,
        team=team,
        policy=_policy(severity, person).to_json(),
        revision=revision.id,
        opened_by=actor,
        source=source,
        declared=True,
        drill=True,
    )
    return open_incident(opening, now=ledger.now)


def _person(ledger: Ledger, name: str) -> Person:
    people = ledger.current.revision.people
    person = people.get(name)
    if person is None:
        message = f"There is nobody {name[:40]!r} in people.yaml; use one of {', '.join(sorted(people))}."
        raise Refused(message)
    if not person.active:
        message = f"{person.id} is not active and is never paged; drill somebody who is, or set active: true."
        raise Refused(message)
    return person


def _team(ledger: Ledger, person: Person) -> str:
    teams = ledger.current.revision.teams.values()
    mine = (team.id for team in teams if person.id in (*team.members, team.lead))
    return next(mine, ledger.current.revision.routing.default.team)


def _severity(ledger: Ledger) -> Severity:
    """Give the mildest severity that wakes people: the person's rules for high urgency are what is tried."""
    rungs = ledger.current.revision.ladder.rungs
    urgent = [rung for rung in rungs if rung.urgency is Urgency.HIGH]
    return urgent[-1] if urgent else rungs[0]


def _policy(severity: Severity, person: Person) -> Policy:
    """Page exactly this person, once; nobody stands in, and the drill is over before a second round."""
    target = Target(kind=TargetKind.PERSON, name=person.id)
    return Policy(
        severity=severity.name,
        urgency=Urgency.HIGH,
        steps=(Step(after=timedelta(0), targets=(target,)),),
        gap=timedelta(hours=1),
    )
