"""What each modal shows: reads the incident and the configuration, and gives the view. Changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from incident_bot.core.effects import Moment
from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.model import Incident, JsonObject, Phase, rfc3339
from incident_bot.core.timeline import redact
from incident_bot.flow.commands import arguments
from incident_bot.flow.context import Context
from incident_bot.flow.grammar import VERBS
from incident_bot.flow.queries import steps_of
from incident_bot.flow.sight import visible
from incident_bot.flow.silences.planning import previewed
from incident_bot.flow.slack.facts import EPISODES_READ, card_of, who
from incident_bot.flow.slack.likely import likely
from incident_bot.flow.slack.sight import seen_open, seer_of
from incident_bot.flow.views import StepView
from incident_bot.render.messages import channel_message, incident_url
from incident_bot.render.slack.blocks import Block
from incident_bot.render.slack.modals import about as views
from incident_bot.render.slack.modals import writing
from incident_bot.render.slack.modals.about import About
from incident_bot.render.slack.modals.declaring import Declaring, Likely, declare_view
from incident_bot.render.slack.modals.parts import Choice
from incident_bot.render.slack.modals.runbook import runbook_view
from incident_bot.store import alerts, rooms
from incident_bot.store.transaction import Tx

PHASES: Final = (Phase.TRIAGE, Phase.INVESTIGATING, Phase.MITIGATING, Phase.MONITORING)
ROLES: Final = ("lead", "comms", "scribe")
TITLES: Final[Mapping[str, str]] = {
    "inc:declare": "Declare an incident",
    "inc:resolve": "Resolve",
    "inc:update": "Update",
    "inc:roles": "Roles",
    "inc:runbook": "Runbook",
    "inc:page": "Page",
    "inc:silence": "Silence",
    "inc:followup": "Follow-up",
    "inc:task": "Task",
    "inc:note": "Timeline entry",
}
"""Every modal by its callback, with what it is called while it loads."""
_WRITING: Final[Mapping[str, Callable[..., Block]]] = {
    "inc:followup": writing.followup_view,
    "inc:task": writing.task_view,
    "inc:note": writing.note_view,
}
_ABOUT: Final[Mapping[str, Callable[..., Block]]] = {
    "inc:resolve": views.resolve_view,
    "inc:update": views.update_view,
    "inc:roles": views.roles_view,
    "inc:runbook": runbook_view,
    "inc:page": views.page_view,
    "inc:silence": views.silence_view,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One modal of one member: which, about what, and what they typed so far."""

    name: str
    """Its callback."""
    user: str
    meta: JsonObject = field(default_factory=dict)
    """`i` the incident, `c` and `t` channel and thread where it was asked for, `r` where to answer."""
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def channel(self) -> str | None:
        """Where it was asked for."""
        channel = self.meta.get("c")
        return channel if isinstance(channel, str) else None


def can(verb: str) -> bool:
    """Say whether there is such a command."""
    return any(one.name == verb for one in VERBS)


def digest_of(step: StepView) -> str:
    """Give what the button of a runbook's step carries of its text."""
    return hashlib.sha256(step.text.encode()).hexdigest()[:12]


def view_of(context: Context, form: Form, *, notice: str | None = None) -> Block:
    """Give the view of a form with what was typed; raises NotFound and Refused, with what to do instead."""
    with context.store.read() as tx:
        if form.name == "inc:declare":
            return declare_view(_declaring(context), form.typed, meta=form.meta, notice=notice)
        incident = incident_of(context, tx, form)
        if form.name in _WRITING:
            return _writing(context, tx, form, incident, notice)
        if incident is None:
            verb = form.name.removeprefix("inc:")
            message = f"Which incident? Type for example `{verb} INC-42`, or press the button in its room."
            raise Refused(message)
        about = _about(context, tx, incident)
        if form.name == "inc:silence":
            about = _silencing(context, tx, incident, about)
        meta = {**form.meta, "i": incident.id}
        return _ABOUT[form.name](about, form.typed, meta=meta, notice=notice)


def preview_of(context: Context, form: Form, *, now: datetime) -> Block:
    """Give the update's modal with the text as its readers get it, from the templates."""
    with context.store.read() as tx:
        incident = incident_of(context, tx, form)
        if incident is None:
            message = "There is no incident any more to write about."
            raise NotFound(message)
        about = _about(context, tx, incident)
        shown = _rendered(context, tx, incident, form.typed, now=now)
    return views.update_view(about, form.typed, meta=form.meta, preview=shown)


def declare_again(context: Context, form: Form) -> Block | None:
    """Give the form with the open incidents that may be the same trouble; None where there are none."""
    with context.store.read() as tx:
        found = likely(
            seen_open(context, tx, form.user),
            title=form.typed.get("title", ""),
            service=form.typed.get("service"),
        )
    if not found:
        return None
    shown = [
        Likely(
            name=one.name,
            title=redact(one.title),
            severity=one.severity,
            opened_at=one.opened_at,
            url=incident_url(context.settings.public_url, one),
            why=why,
        )
        for one, why in found
    ]
    meta = {**form.meta, "sure": True}
    return declare_view(_declaring(context), form.typed, meta=meta, likely=shown)


def choices_of(context: Context, block: str) -> Sequence[Choice]:
    """Give all that a menu offers whose choices are too many for a list."""
    declaring = _declaring(context)
    if block == "whom":
        return _targets(context)
    if block == "runbook":
        return _runbooks(context)
    return {"service": declaring.services, "team": declaring.teams}.get(block, ())


def incident_of(context: Context, tx: Tx, form: Form) -> Incident | None:
    """Give the incident of a form: the one it names, or that of the place; raises NotFound where it may not be seen."""
    number = form.meta.get("i")
    if not isinstance(number, int):
        thread = form.meta.get("t")
        place = form.channel
        found = rooms.at(tx, place, thread=thread) if place and isinstance(thread, str) else None
        number = found or (rooms.at(tx, place) if place else None)
    if number is None:
        return None
    return visible(tx, seer_of(context, tx, form.user, channel=form.channel), number)


def _writing(context: Context, tx: Tx, form: Form, incident: Incident | None, notice: str | None) -> Block:
    build = _WRITING[form.name]
    if incident is not None:
        name = f"{incident.name} {redact(incident.title)}"
        return build(name, form.typed, meta={**form.meta, "i": incident.id}, notice=notice)
    choices = [(f"{one.name} {redact(one.title)}", one.name) for one in seen_open(context, tx, form.user)]
    if not choices:
        message = "Nothing is open that it could belong to. Declare an incident first."
        raise NotFound(message)
    return build(None, form.typed, meta=form.meta, choices=choices, notice=notice)


def _declaring(context: Context) -> Declaring:
    revision = context.live.current.revision
    rungs = revision.ladder.rungs
    default = revision.ladder.named(revision.routing.default.severity) or rungs[len(rungs) // 2]
    return Declaring(
        severities=[(rung.name, rung.name) for rung in rungs],
        services=[(name, name) for name in sorted(revision.services)],
        teams=[(team.name, team.id) for team in sorted(revision.teams.values(), key=lambda one: one.name)],
        default=default.name,
    )


def _about(context: Context, tx: Tx, incident: Incident) -> About:
    revision = context.live.current.revision
    episodes = alerts.newest_of_incident(tx, incident.id, limit=EPISODES_READ)
    card = card_of(context, tx, incident, episodes)
    severity = revision.ladder.named(incident.severity)
    every = severity.update_every if severity else None
    book = next((one for one in revision.runbooks if one.path == incident.runbook), None)
    phases = PHASES if incident.paging.is_open else (incident.phase, Phase.CLOSED)
    held = {**incident.roles, "lead": incident.lead}
    users = {
        role: found.user
        for role, name in held.items()
        if role in ROLES and (found := who(context, name)) is not None and found.user
    }
    private = "It is private: the update stays in its room and on its page."
    return About(
        name=incident.name,
        title=card.title,
        severity=incident.severity,
        phase=incident.phase.value,
        private=incident.private,
        firing=card.firing,
        firing_count=card.firing_count,
        changes=card.changes,
        severities=_with(incident.severity, [rung.name for rung in revision.ladder.rungs]),
        phases=_with(incident.phase.value, [phase.value for phase in phases]),
        every=f"{int(every.total_seconds() // 60)} min" if every else None,
        audiences=private if incident.private else "It goes to the room and to the channels that follow it.",
        targets=_targets(context),
        runbooks=_runbooks(context),
        book=book.title if book else None,
        steps=_steps(context, incident),
        url=f"{incident_url(context.settings.public_url, incident)}#runbook",
        members=users,
    )


def _steps(context: Context, incident: Incident) -> list[views.Step]:
    return [
        views.Step(
            number=one.number,
            section=one.section,
            text=redact(one.text),
            digest=digest_of(one),
            done_at=one.done_at,
            done_by=who(context, one.done_by),
        )
        for one in steps_of(context, incident)
    ]


def _silencing(context: Context, tx: Tx, incident: Incident, about: About) -> About:
    """Add what a silence would hide now."""
    seen = previewed(context.live.current, tx, incident)
    return replace(
        about,
        silences=seen.matchers,
        blast=redact(seen.refused or seen.blast),
        silenceable=seen.refused is None,
        silenced_until=tuple(one.ends_at for one in incident.silences if one.is_on),
    )


def _with(now: str, known: Sequence[str]) -> list[Choice]:
    """Give choices with what is now among them."""
    return [(one, one) for one in dict.fromkeys((*known, now))]


def _targets(context: Context) -> list[Choice]:
    revision = context.live.current.revision
    people = sorted((one for one in revision.people.values() if one.active), key=lambda one: one.name)
    teams = sorted(revision.teams.values(), key=lambda one: one.name)
    return [
        *((f"Team {team.name}", f"team/{team.id}") for team in teams),
        *((person.name, f"@{person.id}") for person in people),
    ]


def _runbooks(context: Context) -> list[Choice]:
    return [(book.title, book.path) for book in context.live.current.revision.runbooks]


def _rendered(
    context: Context, tx: Tx, incident: Incident, typed: Mapping[str, str], *, now: datetime
) -> str:
    current = context.live.current
    severity = current.revision.ladder.named(typed.get("severity") or incident.severity)
    wanted = typed.get("next", "default")
    example = "update … next 30m"
    wait = severity.update_every if severity else None
    if wanted != "default":
        wait = arguments.duration(wanted, example=example)
    phase = typed.get("phase") or incident.phase.value
    changed = replace(
        incident,
        severity=severity.name if severity else incident.severity,
        phase=Phase(phase) if phase in {one.value for one in Phase} else incident.phase,
    )
    data: JsonObject = {
        "text": typed.get("text", ""),
        "next_update_at": rfc3339(now + wait) if wait else None,
        "phase": changed.phase.value,
    }
    written = channel_message(
        current.templates,
        Moment.UPDATE,
        changed,
        data,
        episodes=alerts.newest_of_incident(tx, incident.id, limit=EPISODES_READ),
        people=current.revision.people,
        severity=severity,
        public_url=context.settings.public_url,
        now=now,
    )
    return written.text
