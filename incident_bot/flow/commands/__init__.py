"""The commands: one grammar, one handler, one reply for Slack, console, API and command line.

Every command is one transaction and idempotent by key: the same key answers the same and changes nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.core.incident import decide
from incident_bot.core.model import Incident, JsonObject, incident_name
from incident_bot.flow.commands import declining
from incident_bot.flow.commands.changing import CHANGES
from incident_bot.flow.commands.declaring import declare as open_declared
from incident_bot.flow.commands.declaring import declare_from_line
from incident_bot.flow.commands.drilling import drill
from incident_bot.flow.commands.graphing import graph
from incident_bot.flow.commands.merging import JOINS, Joining
from incident_bot.flow.commands.reading import READERS, help_on, list_open, why_of
from incident_bot.flow.commands.request import Request
from incident_bot.flow.commands.splitting import split
from incident_bot.flow.context import Context
from incident_bot.flow.grammar import VERBS, Line, Verb, parse, verb_named
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.permissions import need_verb
from incident_bot.flow.sight import visible
from incident_bot.flow.slack.names import readable
from incident_bot.flow.slack.people import GUEST
from incident_bot.flow.views import ReplyView
from incident_bot.store import interventions
from incident_bot.store.transaction import LostRace, Tx, Unavailable

KEY_MOST: Final = 200
RACES_MOST: Final = 5
JOINING: Final = {**JOINS, "split": split, "graph": graph}
"""The verbs that are no decision about one incident: those about two, and `graph`."""
OPENING: Final = frozenset({"new", "drill"})
"""The verbs that open an incident."""

__all__ = ["VERBS", "Verb", "declare", "handle"]


def handle(
    context: Context,
    text: str,
    *,
    incident: int | None,
    actor: str,
    source: str,
    key: str | None = None,
    now: datetime,
) -> ReplyView:
    """Do what a line says; raises Refused and NotFound with what to type instead, and then nothing has changed.

    Whoever is no entry of people.yaml is called by the name that Slack has.
    """
    try:
        reply = _handled(context, text, incident=incident, actor=actor, source=source, key=key, now=now)
    except Refused as refused:
        if GUEST not in str(refused):
            raise
        with context.store.read() as tx:
            said = readable(tx, str(refused))
        raise type(refused)(said) from refused
    return _readable(context, reply)


def _readable(context: Context, reply: ReplyView) -> ReplyView:
    if GUEST not in reply.text:
        return reply
    with context.store.read() as tx:
        return replace(
            reply,
            text=readable(tx, reply.text),
            title=reply.title and readable(tx, reply.title),
            facts=tuple((name, readable(tx, value)) for name, value in reply.facts),
            lines=tuple(readable(tx, line) for line in reply.lines),
        )


def _handled(
    context: Context,
    text: str,
    *,
    incident: int | None,
    actor: str,
    source: str,
    key: str | None,
    now: datetime,
) -> ReplyView:
    line = parse(text)
    number = line.incident if line.incident is not None else incident
    if line.verb.name == "list":
        return list_open(context, line.rest, now=now)
    if line.verb.name == "help":
        return help_on(line.rest)
    if line.verb.name == "why" and (line.rest or number is None):
        return why_of(context, line.rest, number, actor=actor, now=now)
    if line.verb.about_one and number is None:
        message = f"Which incident? Type for example `{line.verb.name} INC-42`; `list` shows what is open."
        raise Refused(message)
    if not line.verb.changes and not (line.verb.name in CHANGES and line.rest):
        return READERS[line.verb.name](context, number, now=now)
    return _committed(
        context, lambda tx: _change(context, tx, line, number, actor=actor, source=source, key=key, now=now)
    )


def declare(
    context: Context,
    *,
    title: str,
    actor: str,
    source: str,
    severity: str | None = None,
    team: str | None = None,
    service: str | None = None,
    impact: str | None = None,
    private: bool = False,
    key: str | None = None,
    now: datetime,
) -> ReplyView:
    """Declare an incident from a form or the API; raises Refused."""

    def change(tx: Tx) -> ReplyView:
        known = _recall(tx, key, f"new {title}", actor)
        if known is not None:
            return known
        need_verb(context, tx, verb_named("new"), None, actor=actor, source=source, now=now)
        ledger = Ledger(context, tx, now=now)
        decision = open_declared(
            ledger, title=title, actor=actor, source=source, severity=severity, team=team, service=service,
            impact=impact, private=private,
        )  # fmt: skip
        ledger.take(decision)
        (saved,) = ledger.flush()
        reply = ReplyView(text=f"{saved.name} is open: {saved.title}", incident=saved.name)
        _remember(tx, key, f"new {title}", actor, reply, now)
        return reply

    return _committed(context, change)


def _committed(context: Context, change: Callable[[Tx], ReplyView]) -> ReplyView:
    """Make a change in a transaction of its own, anew where another was faster, and wake whoever waits for it."""
    for _ in range(RACES_MOST):
        try:
            with context.store.write() as tx:
                reply = change(tx)
        except LostRace:
            continue
        context.signals.changed()
        context.store.notify()
        return reply
    message = "the same incident is being changed by others; try again"
    raise Unavailable(message)


def _change(
    context: Context,
    tx: Tx,
    line: Line,
    number: int | None,
    *,
    actor: str,
    source: str,
    key: str | None,
    now: datetime,
) -> ReplyView:
    said = f"{line.verb.name} {line.rest}"
    # Where it was typed says nothing about what is new: the same click may come from two pages.
    scope = f"{actor}:{number}" if line.verb.about_one else actor
    known = _recall(tx, key, said, scope)
    if known is not None:
        return known
    ledger = Ledger(context, tx, now=now)
    if line.verb.name in JOINING:
        about = visible(tx, context.seer, number or 0)
        need_verb(context, tx, line.verb, about, actor=actor, source=source, now=now)
        joining = Joining(
            ledger=ledger, number=number or 0, rest=line.rest, actor=actor, source=source, now=now
        )
        text, goes_on = JOINING[line.verb.name](joining)
        reply = ReplyView(text=text, incident=incident_name(goes_on))
        _remember(tx, key, said, scope, reply, now)
        return reply
    if line.verb.name in OPENING:
        need_verb(context, tx, line.verb, None, actor=actor, source=source, now=now)
    if line.verb.name == "new":
        decision = declare_from_line(ledger, line.rest, actor=actor, source=source)
    elif line.verb.name == "drill":
        decision = drill(ledger, line.rest, actor=actor, source=source)
    else:
        found = visible(tx, context.seer, number or 0, lock=True)
        need_verb(context, tx, line.verb, found, actor=actor, source=source, now=now)
        request = Request(ledger=ledger, incident=found, rest=line.rest, actor=actor, now=now)
        command = CHANGES[line.verb.name](request)
        rules = ledger.current.revision.rules
        decision = decide(command, found, actor=actor, source=source, rules=rules, now=now)
    ledger.take(decision)
    (saved,) = ledger.flush()
    text = _opened(saved) if line.verb.name in OPENING else decision.said
    if line.verb.name == "cannot" and saved.epoch != found.epoch:
        text = f"{text} {declining.paged_now(ledger, saved)}"
    reply = ReplyView(text=text, incident=saved.name, changed=bool(decision.events))
    _remember(tx, key, said, scope, reply, now)
    return reply


def _opened(saved: Incident) -> str:
    said = f"{saved.name} is open: {saved.title}"
    return f"{said}. `incident-bot drill --last` shows how long it took." if saved.drill else said


def _recall(tx: Tx, key: str | None, said: str, scope: str) -> ReplyView | None:
    if key is None:
        return None
    if not key or len(key) > KEY_MOST:
        message = f"An Idempotency-Key has 1 to {KEY_MOST} characters."
        raise Refused(message)
    answer = interventions.recall(tx, key, scope)
    if answer is None:
        return None
    if answer.get("said") != said:
        message = "This Idempotency-Key was used for another command; use a new one."
        raise Refused(message)
    incident = answer.get("incident")
    return ReplyView(
        text=str(answer.get("text", "")),
        incident=str(incident) if incident else None,
        changed=answer.get("changed") is not False,
    )


def _remember(tx: Tx, key: str | None, said: str, scope: str, reply: ReplyView, now: datetime) -> None:
    if key is not None:
        answer: JsonObject = {
            "said": said,
            "text": reply.text,
            "incident": reply.incident,
            "changed": reply.changed,
        }
        interventions.remember(tx, key, scope, answer, now=now)
