"""The modals about one incident: its facts and what was typed so far to a view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from incident_bot.core.model import JsonObject
from incident_bot.render.slack.blocks import Block, actions, button, divider, section
from incident_bot.render.slack.modals import parts
from incident_bot.render.slack.modals.parts import Choice
from incident_bot.render.slack.mrkdwn import cut, escape

NEXT: tuple[str, ...] = ("15m", "30m", "1h", "2h", "4h")
PREVIEW = "inc:preview"
STEPS_MOST = 40
_SPELLED = {"15m": "15 minutes", "30m": "30 minutes", "1h": "1 hour", "2h": "2 hours", "4h": "4 hours"}
_PART = 2800


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
    steps: Sequence[tuple[str, Sequence[str]]] = ()
    """Its steps by section."""
    members: Mapping[str, str] = field(default_factory=dict)
    """Slack ids of those who have roles, by role."""


def resolve_view(
    about: About, typed: Mapping[str, str], *, meta: JsonObject, notice: str | None = None
) -> Block:
    """Give what fires and what is still changed, and ask why it is over; where nothing is open, only whether it is."""
    blocks = [*_notice(notice), _head(about)]
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
        *_notice(notice),
        _head(about),
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
        *_notice(notice),
        _head(about),
        parts.member("lead", "Lead", now),
        parts.member("comms", "Communications", now),
        parts.member("scribe", "Scribe", now),
        parts.words("role", "Another role", typed, most=60, optional=True, placeholder="database expert"),
        parts.member("person", "Who takes that role", typed),
    ]
    return parts.modal(f"Roles of {about.name}", "inc:roles", blocks, meta=meta, submit="Save")


def runbook_view(
    about: About, typed: Mapping[str, str], *, meta: JsonObject, notice: str | None = None
) -> Block:
    """Give the steps, and a menu to follow another runbook."""
    blocks = [*_notice(notice), _head(about)]
    if about.book is None:
        blocks.append(section("It has no runbook yet."))
    else:
        blocks.append(section(f"*{cut(escape(about.book), 200)}*"))
        blocks += [section(part) for part in _steps(about.steps)]
    if not about.runbooks:
        return parts.modal(f"Runbook of {about.name}", "inc:runbook", blocks, meta=meta, close="Close")
    blocks.append(parts.choice("runbook", "Follow this runbook", about.runbooks, typed))
    return parts.modal(f"Runbook of {about.name}", "inc:runbook", blocks, meta=meta, submit="Follow")


def page_view(
    about: About, typed: Mapping[str, str], *, meta: JsonObject, notice: str | None = None
) -> Block:
    """Ask whom to page, and why."""
    blocks = [
        *_notice(notice),
        _head(about),
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
    """Say what falls silent, and ask for how long and why."""
    lasting = [*((_SPELLED[one], one) for one in NEXT[1:]), ("8 hours", "8h"), ("1 day", "1d")]
    blocks = [
        *_notice(notice),
        _head(about),
        *parts.listed(f"What falls silent ({about.firing_count})", about.firing),
        parts.choice("for", "For how long", lasting, {"for": "1h", **typed}),
        parts.words("reason", "Why?", typed, optional=True, most=500),
    ]
    return parts.modal(f"Silence {about.name}", "inc:silence", blocks, meta=meta, submit="Silence")


def _head(about: About) -> Block:
    private = " · private" if about.private else ""
    title = cut(escape(about.title), 300)
    return section(f"*{escape(about.name)}* · {escape(about.severity)} · {title}{private}")


def _notice(text: str | None) -> list[Block]:
    return [parts.warning(text)] if text else []


def _steps(steps: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Give each section's steps in paragraphs that a block takes, numbered through the whole runbook."""
    found: list[str] = []
    before = 0
    for name, lines in steps:
        written = [
            f"{number}. {cut(escape(line), 300)}"
            for number, line in enumerate(lines[:STEPS_MOST], before + 1)
        ]
        before += len(lines)
        if len(lines) > STEPS_MOST:
            written.append(f"… and {len(lines) - STEPS_MOST} more")
        part = f"*{escape(name)}*"
        for line in written:
            if len(part) + len(line) > _PART:
                found.append(part)
                part = line
            else:
                part = f"{part}\n{line}"
        found.append(part)
    return found[:60]
