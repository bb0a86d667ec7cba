"""The verbs that change an incident: each reads its words and gives the core command that `core.incident` decides."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from incident_bot.core.effects import Page, PageKind
from incident_bot.core.errors import Refused
from incident_bot.core.incident import (
    AcceptLead,
    Acknowledge,
    AddItem,
    AddNote,
    Again,
    AssignLead,
    AssignRole,
    AttachRunbook,
    Cancel,
    Command,
    DeclineLead,
    Escalate,
    FinishItem,
    OfferLead,
    PageSomebody,
    PostUpdate,
    Reopen,
    Resolve,
    SetImpact,
    SetPhase,
    SetPrivate,
    SetReminders,
    SetSeverity,
    SetTitle,
    SettleTheory,
    Snooze,
    TickStep,
    Unacknowledge,
    Unpublish,
    undo,
)
from incident_bot.core.model import ItemKind, Outcome, Phase, Severity, Target, TargetKind, Urgency
from incident_bot.core.routing import title
from incident_bot.flow.commands import (
    arguments,
    correcting,
    declining,
    judging,
    noting,
    publishing,
    reviewing,
    silencing,
)
from incident_bot.flow.commands.request import Request
from incident_bot.flow.queries import steps_of
from incident_bot.store import alerts, incidents

FIRING_NAMED: Final = 5
SURE: Final = "yes"
"""What somebody types who was asked whether they mean what cannot be taken back."""
LATELY: Final = 200
"""How many of the last entries are looked at for what somebody said last."""
_PHASES: Final = (Phase.TRIAGE, Phase.INVESTIGATING, Phase.MITIGATING, Phase.MONITORING, Phase.CLOSED)


def _severity(request: Request, word: str) -> Severity:
    ladder = request.ledger.current.revision.ladder
    severity = ladder.named(word)
    if severity is None:
        names = ", ".join(rung.name for rung in ladder.rungs)
        message = f"{word[:40]!r} is no severity; use one of {names}."
        raise Refused(message)
    return severity


def _ack(request: Request) -> Command:
    until, waiting = arguments.promised_ack(request.rest, request.zone, now=request.now)
    return Acknowledge(until=until, waiting_for=waiting)


def _snooze(request: Request) -> Command:
    return Snooze(until=arguments.until(request.rest, request.zone, now=request.now))


def _page(request: Request) -> Command:
    wanted = arguments.needed(request.rest, example="page @alice").split()[0]
    target = _target(request, wanted)
    directory = request.directories.of(request.incident.team)
    severity = request.ledger.current.revision.ladder.named(request.incident.severity)
    urgency = severity.urgency if severity else Urgency.HIGH
    asking = request.ledger.current.revision.people.get(request.actor)
    asker = asking.name if asking else request.actor
    # Whoever is asked for by name stands in no policy for that; for a team or a schedule the turn is the reason.
    named = target.kind is TargetKind.PERSON
    pages = [
        Page(
            person=reached.person,
            via=rule.by,
            kind=PageKind.DIRECT,
            epoch=request.incident.epoch,
            loop=0,
            step=0,
            due_at=request.now + rule.after,
            urgency=urgency,
            reason=f"asked for by {asker}" if named else f"asked for by {asker} ({reached.why})",
        )
        for reached in directory.reach(target, now=request.now)
        for rule in directory.rules(reached.person, urgency)
    ]
    return PageSomebody(people=tuple(pages), wanted=wanted)


def _target(request: Request, wanted: str) -> Target:
    revision = request.ledger.current.revision
    word = wanted.lstrip("@")
    known: Mapping[TargetKind, Mapping[str, object]] = {
        TargetKind.PERSON: revision.people,
        TargetKind.TEAM: revision.teams,
        TargetKind.SCHEDULE: revision.schedules,
    }
    if "/" in word or word in ("on_call", "lead", "manager"):
        try:
            target = Target.parse(word)
        except ValueError as error:
            raise Refused(str(error)) from error
        named_here = target.name and target.kind is not TargetKind.PAGERDUTY
        if named_here and target.name not in known.get(target.kind, {}):
            message = f"I know no {target.kind.value} called {target.name[:40]!r}."
            raise Refused(message)
        return target
    for kind, names in known.items():
        if word in names and not (kind is not TargetKind.PERSON and wanted.startswith("@")):
            return Target(kind, word)
    return Target(TargetKind.PERSON, arguments.person(wanted, revision.people, actor=request.actor))


def _sev(request: Request) -> Command:
    word, _, reason = arguments.needed(request.rest, example="sev P2 only one region").partition(" ")
    severity = _severity(request, word)
    policy = request.ledger.policy(severity, request.incident.team)
    return SetSeverity(severity=severity, reason=reason.strip() or None, policy=policy)


def _status(request: Request) -> Command:
    word = arguments.needed(request.rest, example="status mitigating").split()[0].casefold()
    for phase in _PHASES:
        if phase.value.startswith(word) and len(word) > 1:
            return SetPhase(phase=phase)
    if "resolved".startswith(word):
        message = "To end it, type `resolve` and, while alerts still fire, the reason."
        raise Refused(message)
    message = f"{word[:40]!r} is no phase; use {', '.join(phase.value for phase in _PHASES)}."
    raise Refused(message)


def _update(request: Request) -> Command:
    severity = request.ledger.current.revision.ladder.named(request.incident.severity)
    text, promised = arguments.promise(
        request.rest, default=severity.update_every if severity else None, now=request.now
    )
    text = arguments.needed(text, example="update Rolled back, error rate is falling next 30m")
    public, why = publishing.beside_update(request.ledger, request.incident, text, promised)
    return PostUpdate(text=text, next_update_at=promised, public=public, kept_back=why)


def _lead(request: Request) -> Command:
    people = request.ledger.current.revision.people
    word = arguments.needed(request.rest, example="lead @alice").split()[0]
    return AssignLead(person=arguments.somebody(word, people, actor=request.actor))


def _handoff(request: Request) -> Command:
    people = request.ledger.current.revision.people
    word = arguments.needed(request.rest, example="handoff @bob").split()[0]
    person = arguments.person(word, people, actor=request.actor)
    if not people[person].active:
        message = f"{person} is not active any more; name somebody else: `handoff @bob`."
        raise Refused(message)
    return OfferLead(person=person)


def _role(request: Request) -> Command:
    words = arguments.needed(request.rest, example="role scribe @bob").split()
    if len(words) < 2:  # noqa: PLR2004 -- a role and a person
        message = "Who takes the role? Type for example `role scribe @bob`."
        raise Refused(message)
    people = request.ledger.current.revision.people
    person = arguments.somebody(words[-1], people, actor=request.actor)
    return AssignRole(role=" ".join(words[:-1]).casefold(), person=person)


def _note(request: Request) -> Command:
    text, happened_at = arguments.past_clock(request.rest, request.zone, now=request.now)
    return AddNote(text=arguments.needed(text, example="note 14:05 traffic doubled"), happened_at=happened_at)


def _task(request: Request) -> Command:
    people = request.ledger.current.revision.people
    text, owner = arguments.trailing_person(request.rest, people, actor=request.actor)
    text = arguments.needed(text, example="task check the replica lag @bob")
    return AddItem(kind=ItemKind.TASK, text=text, owner=owner)


def _did(request: Request) -> Command:
    text, undo = arguments.undo(request.rest)
    text = arguments.needed(text, example="did scaled checkout to 12 undo: scale back to 6")
    return AddItem(kind=ItemKind.CHANGE, text=text, owner=request.actor, undo=undo)


def _done(request: Request) -> Command:
    return FinishItem(number=arguments.item_number(request.rest, example="done 2")[0])


def _theory(request: Request) -> Command:
    text = arguments.needed(request.rest, example="theory the cache is cold after the deploy")
    return AddItem(kind=ItemKind.THEORY, text=text, owner=None)


def _decide(request: Request) -> Command:
    text = arguments.needed(request.rest, example="decide roll back to 41 before lunch")
    return AddItem(kind=ItemKind.DECISION, text=text, owner=None)


def _settle(request: Request, outcome: Outcome, *, example: str) -> Command:
    number, why = arguments.item_number(request.rest, example=example)
    return SettleTheory(number=number, outcome=outcome, why=why or None)


def _runbook(request: Request) -> Command:
    judgement = judging.runbook(request.ledger, request.incident, request.rest)
    if judgement is not None:
        return judgement
    wanted = request.rest.removeprefix("runbooks/").casefold()
    books = request.ledger.current.revision.runbooks
    for book in books:
        if wanted in (book.path.casefold(), book.title.casefold()):
            return AttachRunbook(path=book.path)
    near = difflib.get_close_matches(wanted, [book.path for book in books], n=1, cutoff=0.5)
    hint = (
        f" Did you mean `runbook {near[0]}`?"
        if near
        else " Its path below runbooks/, or its title, is wanted."
    )
    message = f"There is no runbook {request.rest[:60]!r}.{hint}"
    raise Refused(message)


def _tick(request: Request, *, done: bool) -> Command:
    name = request.incident.name
    number, _ = arguments.item_number(request.rest, example="tick 2" if done else "untick 2")
    steps = steps_of(request.ledger.context, request.incident)
    found = next((step for step in steps if step.number == number), None)
    if not steps:
        message = f"{name} has no runbook with steps; `note <text>` says what you did."
        raise Refused(message)
    if found is None:
        message = f"The runbook of {name} has {len(steps)} steps; `runbook` lists them with their numbers."
        raise Refused(message)
    return TickStep(number=number, text=found.text, of=len(steps), done=done)


def _undo(request: Request) -> Command:
    incident = request.incident
    since = max(0, incident.seq - LATELY)
    events = incidents.events(request.ledger.tx, incident.id, after=since)
    inverse = undo(events, incident, actor=request.actor, now=request.now)
    if isinstance(inverse, Again):
        return CHANGES[inverse.verb](replace(request, rest=inverse.rest))
    return inverse


def _remind(request: Request) -> Command:
    words = arguments.needed(request.rest, example="remind snooze 30m").split()
    first = words[0].casefold()
    if first in ("off", "on"):
        return SetReminders(off=first == "off")
    example = "remind snooze 30m"
    rest = arguments.needed(" ".join(words[1:] if first == "snooze" else words), example=example)
    return SetReminders(until=arguments.until(rest, request.zone, now=request.now, example=example))


def _resolve(request: Request) -> Command:
    firing = [
        episode
        for episode in alerts.episodes_of_incident(request.ledger.tx, request.incident.id)
        if episode.status.value == "firing"
    ]
    named = tuple(title(one.labels, one.annotations) for one in firing[:FIRING_NAMED])
    return Resolve(reason=request.rest or None, firing=len(firing), named=named)


def _reopen(request: Request) -> Command:
    key = request.incident.key
    other = incidents.open_by_keys(request.ledger.tx, [key]).get(key)
    return Reopen(
        reason=request.rest or None,
        open_now=other.name if other is not None and other.id != request.incident.id else None,
    )


def _private(request: Request) -> Command:
    first, _, more = request.rest.casefold().partition(" ")
    if first in ("off", "no"):
        return SetPrivate(private=False, sure=more.strip() == SURE)
    if first:
        message = f"I do not understand {request.rest[:40]!r}; type `private`, or `private off`."
        raise Refused(message)
    return SetPrivate(private=True)


CHANGES: Final[Mapping[str, Callable[[Request], Command]]] = {
    "ack": _ack,
    "unack": lambda _: Unacknowledge(),
    "snooze": _snooze,
    "escalate": lambda _: Escalate(),
    "cannot": lambda request: declining.cannot(
        request.ledger.tx, request.incident, request.actor, request.rest
    ),
    "page": _page,
    "sev": _sev,
    "status": _status,
    "update": _update,
    "lead": _lead,
    "handoff": _handoff,
    "accept": lambda _: AcceptLead(),
    "decline": lambda _: DeclineLead(),
    "role": _role,
    "note": _note,
    "edit": lambda request: noting.edit(request.ledger, request.incident, request.rest, actor=request.actor),
    "retract": lambda request: noting.retract(
        request.ledger, request.incident, request.rest, actor=request.actor
    ),
    "impact": lambda request: SetImpact(
        text=arguments.needed(request.rest, example="impact one checkout in ten fails")
    ),
    "title": lambda request: SetTitle(
        title=arguments.needed(request.rest, example="title Checkout rejects cards")
    ),
    "private": _private,
    "public": lambda request: SetPrivate(private=False, sure=request.rest.casefold() == SURE),
    "task": _task,
    "followup": reviewing.followup,
    "postmortem": reviewing.postmortem,
    "did": _did,
    "done": _done,
    "runbook": _runbook,
    "theory": _theory,
    "ruledout": lambda request: _settle(request, Outcome.RULED_OUT, example="ruledout 3 the cache is warm"),
    "confirmed": lambda request: _settle(request, Outcome.CONFIRMED, example="confirmed 3"),
    "decide": _decide,
    "tick": lambda request: _tick(request, done=True),
    "untick": lambda request: _tick(request, done=False),
    "undo": _undo,
    "remind": _remind,
    "silence": silencing.silence,
    "unsilence": silencing.unsilence,
    "publish": lambda request: publishing.publish(
        request.ledger, request.incident, request.rest, now=request.now
    ),
    "unpublish": lambda request: Unpublish(reason=request.rest or None),
    "milestone": lambda request: correcting.milestone(
        request.ledger.tx, request.incident, request.rest, request.zone, now=request.now
    ),
    "verdict": lambda request: judging.verdict(request.ledger, request.incident, request.rest),
    "resolve": _resolve,
    "reopen": _reopen,
    "cancel": lambda request: Cancel(
        reason=arguments.needed(request.rest, example="cancel test alert from staging")
    ),
}
"""Every verb that changes an existing incident."""
