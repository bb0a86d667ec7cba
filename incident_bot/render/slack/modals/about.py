"""The modals about one incident: its facts and what was typed so far to a view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from incident_bot.core.model import JsonObject
from incident_bot.render.slack.blocks import Block, actions, button, divider, section
from incident_bot.render.slack.card import Who
from incident_bot.render.slack.modals import parts
from incident_bot.render.slack.modals.parts import Choice
from incident_bot.render.slack.mrkdwn import cut, escape, when

NEXT: tuple[str, ...] = ("15m", "30m", "1h", "2h", "4h")
PREVIEW = "inc:preview"
LIFT = "lift"
_SPELLED = {"15m": "15 minutes", "30m": "30 minutes", "1h": "1 hour", "2h": "2 hours", "4h": "4 hours"}
_PART = 2800


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the runbook; its text is not escaped yet."""

    number: int
    section: str
    text: str
    digest: str
    """What its button carries, so that it means this step and no other that took its number."""
    done_at: datetime | None = None
    done_by: Who | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the modals about one incident show; texts are not escaped yet."""

    name: str
    title: str
    severity: str
    phase: str
    private: bool = False
    firing: Sequence[str] = ()
    firing_count: int = 0
    changes: Sequence[str] = ()
    severities: Sequence[Choice] = ()
    phases: Sequence[Choice] = ()
    every: str | None = None
    """The severity's own time to the next update, spelled."""
    audiences: str = ""
    """Who reads an update."""
    targets: Sequence[Choice] = ()
    """Whom it can page: people and teams."""
    runbooks: Sequence[Choice] = ()
    book: str | None = None
    """The runbook's title."""
    steps: Sequence[Step] = ()
    url: str = ""
    """Where the runbook is read in full."""
    members: Mapping[str, str] = field(default_factory=dict)
    """Slack ids of those who have roles, by role."""
    silences: Sequence[str] = ()
    """The matchers of each silence that there would be."""
    blast: str = ""
    """What a silence would hide now, or why there can be none."""
    silenceable: bool = True
    silenced_until: Sequence[datetime] = ()
    """When each of its silences ends."""


def resolve_view(
    about: About, typed: Mapping[str, str], *, meta: JsonObject, notice: str | None = None
) -> Block:
    """Give what fires and what is still changed, and ask why it is over; where nothing is open, only whether it is."""
    blocks = [*noticed(notice), head(about)]
    blocks += parts.listed(f"Still firing ({about.firing_count})", about.firing)
    blocks += parts.listed("Temporary changes in force", about.changes)
    if about.changes:
        blocks.append(parts.small("Undo them, or say in the reason why they stay."))
    if about.firing or about.changes or typed or notice:
        hint = "Alerts fire: say why it is over all the same." if about.firing else None
        field = parts.words(
            "reason", "Why is it over?", typed, long=True, optional=not about.firing, hint=hint, most=1000
        )
        blocks.append(field)
    else:
        blocks.append(section("Nothing fires now, and no temporary change is in force. Is it over?"))
    return parts.modal(f"Resolve {about.name}", "inc:resolve", blocks, meta=meta, submit="Resolve")


def update_view(
    about: About,
    typed: Mapping[str, str],
    *,
    meta: JsonObject,
    preview: str | None = None,
    notice: str | None = None,
) -> Block:
    """Ask for phase, severity, words and the next promise; `preview` is the text as its readers get it."""
    now = {"phase": about.phase, "severity": about.severity, **typed}
    usual = f" ({about.every})" if about.every else ""
    promises = [(f"As its severity asks{usual}", "default"), *((_SPELLED[one], one) for one in NEXT)]
    blocks = [
        *noticed(notice),
        head(about),
        parts.choice("phase", "Phase", about.phases, now),
        parts.choice("severity", "Severity", about.severities, now),
        parts.words(
            "text",
            "What is new?",
            typed,
            long=True,
            optional=True,
            placeholder="Rolled back to 41, the error rate is falling",
        ),
        parts.choice("next", "Next update by", promises, {"next": "default", **typed}),
        actions([button("Preview", PREVIEW)], name="preview"),
    ]
    if preview is not None:
        blocks += [divider(), section(f"*So it will read*\n{cut(preview, _PART)}", name="previewed")]
    blocks.append(parts.small(about.audiences or "The room and the incident's page get it."))
    return parts.modal(f"Update {about.name}", "inc:update", blocks, meta=meta, submit="Send")


def roles_view(
    about: About, typed: Mapping[str, str], *, meta: JsonObject, notice: str | None = None
) -> Block:
    """Ask who leads, speaks and writes, and for one role more."""
    now = {**about.members, **typed}
    blocks = [
        *noticed(notice),
        head(about),
        parts.member("lead", "Lead", now),
        parts.member("comms", "Communications", now),
        parts.member("scribe", "Scribe", now),
        parts.words("role", "Another role", typed, most=60, optional=True, placeholder="database expert"),
        parts.member("person", "Who takes that role", typed),
    ]
    return parts.modal(f"Roles of {about.name}", "inc:roles", blocks, meta=meta, submit="Save")


def page_view(
    about: About, typed: Mapping[str, str], *, meta: JsonObject, notice: str | None = None
) -> Block:
    """Ask whom to page, and why."""
    blocks = [
        *noticed(notice),
        head(about),
        parts.choice("whom", "Person or team", about.targets, typed),
        parts.words(
            "reason",
            "Why?",
            typed,
            optional=True,
            most=500,
            hint="It stands on the timeline for whoever comes.",
        ),
    ]
    return parts.modal(f"Page for {about.name}", "inc:page", blocks, meta=meta, submit="Page")


def silence_view(
    about: About, typed: Mapping[str, str], *, meta: JsonObject, notice: str | None = None
) -> Block:
    """Say what falls silent, of this incident and of others, and ask for how long and why."""
    lasting = [
        *((_SPELLED[one], one) for one in NEXT[1:]),
        ("8 hours", "8h"),
        ("1 day", "1d"),
        ("7 days", "7d"),
    ]
    held = sorted(set(about.silenced_until))
    if held:
        lasting.append(("Not at all: lift the silence now", LIFT))
    blocks = [
        *noticed(notice),
        head(about),
        *([section(f"*{cut(escape(about.blast), 1500)}*")] if about.blast else []),
        *parts.listed("Silenced by these labels", about.silences),
        *parts.listed(f"Firing now ({about.firing_count})", about.firing),
        *([section(f"It is silenced until {', '.join(when(end) for end in held[:3])}.")] if held else []),
    ]
    if not about.silenceable and not held:
        return parts.modal(f"Silence {about.name}", "inc:silence", blocks, meta=meta, close="Close")
    chosen = {"for": "1h" if about.silenceable else LIFT, **typed}
    blocks += [
        parts.choice("for", "For how long", lasting if about.silenceable else lasting[-1:], chosen),
        parts.words("reason", "Why?", typed, optional=True, most=500),
        parts.small("It is lifted when the incident is over; somebody is told before it ends."),
    ]
    return parts.modal(f"Silence {about.name}", "inc:silence", blocks, meta=meta, submit="Silence")


def head(about: About) -> Block:
    """Give the line that says which incident it is."""
    private = " · private" if about.private else ""
    title = cut(escape(about.title), 300)
    return section(f"*{escape(about.name)}* · {escape(about.severity)} · {title}{private}")


def noticed(text: str | None) -> list[Block]:
    """Give what must be read first, where there is something."""
    return [parts.warning(text)] if text else []
