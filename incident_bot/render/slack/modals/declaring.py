"""Declare: a title is enough; what looks like the same trouble is shown first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from incident_bot.core.model import JsonObject
from incident_bot.render.slack.blocks import Block, section
from incident_bot.render.slack.modals import parts
from incident_bot.render.slack.modals.parts import Choice
from incident_bot.render.slack.mrkdwn import cut, escape, link, when

TITLE_MOST = 200
LIKELY_MOST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Likely:
    """An open incident that may be the same trouble; its texts are not escaped yet."""

    name: str
    title: str
    severity: str
    opened_at: datetime
    url: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaring:
    """What the form offers."""

    severities: Sequence[Choice]
    services: Sequence[Choice]
    teams: Sequence[Choice]
    default: str
    """The severity without a choice."""


def declare_view(
    facts: Declaring,
    typed: Mapping[str, str],
    *,
    meta: JsonObject,
    likely: Sequence[Likely] = (),
    notice: str | None = None,
) -> Block:
    """Give the form; with `likely`, the incidents that may be the same stand first and the button says *anyway*."""
    blocks: list[Block] = [parts.warning(notice)] if notice else []
    if likely:
        blocks.append(section("*Is it one of these?* If so, close this and work on that one."))
        blocks += [section(_likely(one)) for one in likely[:LIKELY_MOST]]
    blocks += [
        parts.words("title", "What is wrong?", typed, most=TITLE_MOST, placeholder="Checkout rejects cards"),
        parts.choice(
            "severity",
            "Severity",
            facts.severities,
            typed,
            optional=True,
            hint=f"Without one it is {facts.default}.",
        ),
        *_menu("service", "Service", facts.services, typed),
        *_menu("team", "Team", facts.teams, typed),
        parts.words("impact", "What do users notice?", typed, long=True, optional=True, most=1000),
        parts.tick("private", "Who sees it", "Private: only those who work on it", typed),
    ]
    submit = "Declare anyway" if likely else "Declare"
    return parts.modal("Declare an incident", "inc:declare", blocks, meta=meta, submit=submit)


def _menu(name: str, label: str, choices: Sequence[Choice], typed: Mapping[str, str]) -> list[Block]:
    return [parts.choice(name, label, choices, typed, optional=True)] if choices else []


def _likely(one: Likely) -> str:
    named = link(one.url, one.name)
    since = when(one.opened_at, form="{date_short_pretty} {time}")
    title = cut(escape(one.title), 200)
    return f"{named} · {escape(one.severity)} · {title}\nopen since {since}, {escape(one.why)}"
