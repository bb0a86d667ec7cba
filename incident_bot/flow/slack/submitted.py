"""What a submitted modal does: the same commands that somebody could type, with the same refusals, told on the field.

Each command has a key made of the view and of what was typed: the same view sent twice acts once, and what is corrected
after a refusal counts anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.model import Incident
from incident_bot.flow import commands
from incident_bot.flow.context import Context
from incident_bot.flow.sight import visible
from incident_bot.flow.slack.chat import learn
from incident_bot.flow.slack.forms import ROLES, Form, declare_again, incident_of, view_of
from incident_bot.flow.slack.people import GUEST
from incident_bot.flow.slack.people import actor as actor_of
from incident_bot.flow.slack.undoing import undoable
from incident_bot.flow.views import ReplyView
from incident_bot.render.slack.blocks import Block
from incident_bot.render.slack.modals.about import LIFT
from incident_bot.store import interventions

SOURCE: Final = "slack"
_MEMBERS: Final = (*ROLES, "person", "owner")
"""The fields in which a member is chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a submitted view: done, not good in these fields, or another view in its place."""

    reply: ReplyView | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    view: Block | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One command: its verb, what follows, and the field that is to blame where it is refused."""

    verb: str
    rest: str
    field: str


class _WrongField(Refused):
    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def submit(
    context: Context, form: Form, *, view: str, fields: set[str], actor: str, now: datetime
) -> Outcome:
    """Do what a form asks for; `view` is the view's id and `fields` are those that it shows."""
    key = _key(view, form)
    try:
        if form.name == "inc:declare":
            return _declare(context, form, key=key, actor=actor, now=now)
        incident = _incident(context, form)
        about = replace(form, meta={**form.meta, "i": incident.id})
        orders = _ORDERS[form.name](context, about, incident)
        for user in {form.typed.get(name, "") for name in _MEMBERS} - {""}:
            if actor_of(context, user).startswith(GUEST):
                learn(context, user, now=now)
    except _WrongField as wrong:
        return _wrong(context, form, wrong.name, str(wrong), fields)
    said: list[str] = []
    changed = False
    for order in orders:
        try:
            reply = commands.handle(
                context,
                f"{order.verb} {incident.name} {order.rest}".strip(),
                incident=incident.id,
                actor=actor,
                source=SOURCE,
                key=f"{key}:{order.verb}:{order.field}"[: commands.KEY_MOST],
                now=now,
            )
        except (Refused, NotFound) as refused:
            return _wrong(context, about, order.field, " ".join([*said, str(refused)]), fields)
        said.append(reply.text)
        changed = changed or reply.changed
    reply = ReplyView(text="\n".join(said), incident=incident.name, changed=changed)
    # Of several commands only the last could be taken back: then there is no button.
    if len(orders) > 1:
        return Outcome(reply=reply)
    return Outcome(reply=undoable(context, orders[0].verb, reply, actor=actor, now=now))


def _wrong(context: Context, form: Form, name: str, message: str, fields: set[str]) -> Outcome:
    """Tell it on the field; where the view has none, give it anew with the message at its head."""
    if name in fields:
        return Outcome(errors={name: message})
    return Outcome(view=view_of(context, form, notice=message))


def _key(view: str, form: Form) -> str:
    typed = json.dumps([form.name, form.user, sorted(form.typed.items())])
    return f"slack:{view}:{hashlib.sha256(typed.encode()).hexdigest()[:24]}"


def _incident(context: Context, form: Form) -> Incident:
    chosen = form.typed.get("incident")
    with context.store.read() as tx:
        if chosen is not None:
            digits = chosen.removeprefix("INC-")
            number = int(digits) if digits.isdecimal() and len(digits) < 10 else 0  # noqa: PLR2004 -- ids
            return visible(tx, context.seer, number)
        incident = incident_of(context, tx, form)
    if incident is None:
        raise _WrongField("incident", "Choose the incident that it belongs to.")
    return incident


def _declare(context: Context, form: Form, *, key: str, actor: str, now: datetime) -> Outcome:
    typed = form.typed
    if not typed.get("title"):
        raise _WrongField("title", "Say in a few words what is wrong.")
    if not form.meta.get("sure") and not _declared(context, key, actor):
        again = declare_again(context, form)
        if again is not None:
            return Outcome(view=again)
    try:
        reply = commands.declare(
            context,
            title=typed["title"],
            severity=typed.get("severity"),
            service=typed.get("service"),
            team=typed.get("team"),
            impact=typed.get("impact"),
            private="private" in typed,
            actor=actor,
            source=SOURCE,
            key=key,
            now=now,
        )
    except Refused as refused:
        raise _WrongField(_field_of(str(refused)), str(refused)) from refused
    link = form.meta.get("l")
    if isinstance(link, str):
        line = f"note {reply.incident} Declared from a message: {link}"
        commands.handle(context, line, incident=None, actor=actor, source=SOURCE, key=f"{key}:note", now=now)
    return Outcome(reply=reply)


def _declared(context: Context, key: str, actor: str) -> bool:
    """Say whether this view was sent before: then what it opened is not held against it."""
    with context.store.read() as tx:
        return interventions.recall(tx, key, actor) is not None


def _field_of(message: str) -> str:
    return "severity" if "severity" in message else "team" if "no team" in message else "title"


def _needed(form: Form, name: str, message: str) -> str:
    text = form.typed.get(name, "")
    if not text:
        raise _WrongField(name, message)
    return text


def _member(context: Context, form: Form, name: str) -> str | None:
    """Give who was chosen in a field, in people.yaml or not."""
    user = form.typed.get(name)
    if user is None:
        return None
    return actor_of(context, user)


def _resolve(context: Context, form: Form, incident: Incident) -> list[Order]:
    del context, incident
    return [Order(verb="resolve", rest=form.typed.get("reason", ""), field="reason")]


def _update(context: Context, form: Form, incident: Incident) -> list[Order]:
    del context
    typed, orders = form.typed, []
    severity, phase = typed.get("severity", incident.severity), typed.get("phase", incident.phase.value)
    if severity != incident.severity:
        orders.append(Order(verb="sev", rest=severity, field="severity"))
    if phase != incident.phase.value:
        orders.append(Order(verb="status", rest=phase, field="phase"))
    promised = typed.get("next", "default")
    if typed.get("text"):
        when = "" if promised == "default" else f" next {promised}"
        orders.append(Order(verb="update", rest=typed["text"] + when, field="text"))
    elif not orders or promised != "default":
        raise _WrongField("text", "Say what is new.")
    return orders


def _roles(context: Context, form: Form, incident: Incident) -> list[Order]:
    orders = []
    held = {**incident.roles, "lead": incident.lead}
    for role in ROLES:
        person = _member(context, form, role)
        if person is not None and person != held.get(role):
            verb, rest = ("lead", f"@{person}") if role == "lead" else ("role", f"{role} @{person}")
            orders.append(Order(verb=verb, rest=rest, field=role))
    other, person = form.typed.get("role"), _member(context, form, "person")
    if other and person:
        orders.append(Order(verb="role", rest=f"{other} @{person}", field="role"))
    elif other:
        raise _WrongField("person", "Choose who takes the role.")
    elif person:
        raise _WrongField("role", "Name the role.")
    if not orders:
        raise _WrongField("lead", "Nothing is changed yet: choose somebody.")
    return orders


def _runbook(context: Context, form: Form, incident: Incident) -> list[Order]:
    del context, incident
    return [
        Order(verb="runbook", rest=_needed(form, "runbook", "Choose the runbook to follow."), field="runbook")
    ]


def _page(context: Context, form: Form, incident: Incident) -> list[Order]:
    del context, incident
    whom = _needed(form, "whom", "Choose whom to page.")
    orders = [Order(verb="page", rest=whom, field="whom")]
    if form.typed.get("reason"):
        rest = f"asked for {whom.removeprefix('@')}: {form.typed['reason']}"
        orders.append(Order(verb="note", rest=rest, field="reason"))
    return orders


def _silence(context: Context, form: Form, incident: Incident) -> list[Order]:
    del context, incident
    lasting = _needed(form, "for", "Choose for how long.")
    if lasting == LIFT:
        return [Order(verb="unsilence", rest="", field="for")]
    return [Order(verb="silence", rest=f"{lasting} {form.typed.get('reason', '')}".strip(), field="for")]


def _followup(context: Context, form: Form, incident: Incident) -> list[Order]:
    del incident
    due = f" {form.typed['due']}" if form.typed.get("due") else ""
    return [Order(verb="followup", rest=_owned(context, form) + due, field="text")]


def _task(context: Context, form: Form, incident: Incident) -> list[Order]:
    del incident
    return [Order(verb="task", rest=_owned(context, form), field="text")]


def _owned(context: Context, form: Form) -> str:
    """Give the words with their owner first: the first `@name` of a line is whose it is."""
    text = _needed(form, "text", "Say what is to be done.")
    owner = _member(context, form, "owner")
    return f"@{owner} {text}" if owner else text


def _note(context: Context, form: Form, incident: Incident) -> list[Order]:
    del context, incident
    text = _needed(form, "text", "Say what happened.")
    time = form.typed.get("time")
    return [Order(verb="note", rest=f"{time} {text}" if time else text, field="text")]


_ORDERS: Final[Mapping[str, Callable[[Context, Form, Incident], list[Order]]]] = {
    "inc:resolve": _resolve,
    "inc:update": _update,
    "inc:roles": _roles,
    "inc:runbook": _runbook,
    "inc:page": _page,
    "inc:silence": _silence,
    "inc:followup": _followup,
    "inc:task": _task,
    "inc:note": _note,
}
