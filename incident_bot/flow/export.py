"""Stage 8 for readers: the post-mortem draft as Markdown, HTML and JSON; what people wrote into it is kept."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.core.incident import SavePostmortem, decide
from incident_bot.core.postmortem import Draft, PageFact, build, merge
from incident_bot.flow import change_events, similar
from incident_bot.flow.context import Context
from incident_bot.flow.graphs.reading import facts
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.sight import visible
from incident_bot.flow.slack.names import everybody
from incident_bot.render.documents import postmortem_html, postmortem_json, postmortem_markdown
from incident_bot.store import alerts, incidents, interventions, outbox
from incident_bot.store.outbox import Attempt, OutboxRow

FORMATS: Final = ("md", "html", "json")
MARKDOWN_MOST: Final = 2 * 1024 * 1024
_MEDIA: Final = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
}


def draft(context: Context, number: int, *, now: datetime) -> Draft:
    """Build the draft of one incident from its records; raises NotFound."""
    with context.store.read() as tx:
        incident = visible(tx, context.seer, number)
        events = incidents.events(tx, number)
        episodes = alerts.episodes_of_incident(tx, number)
        pages = outbox.pages_of(tx, number)
        saved = interventions.postmortem(tx, number)
        people = everybody(context, tx, [incident, *events])
        changes = change_events.beside(context, tx, incident, episodes)
        graphs = facts(tx, number)
        past = similar.compared(context, tx, incident, public=True)
    revision = context.live.current.revision
    names = {person.id: person.name for person in people.values()}
    return build(
        incident,
        events,
        episodes,
        [_page_fact(row, attempts, names) for row, attempts in pages],
        people=people,
        ladder=revision.ladder,
        runbook=next((book for book in revision.runbooks if book.path == incident.runbook), None),
        written=saved.text if saved else "",
        changes=changes,
        graphs=graphs,
        similar=past,
        now=now,
    )


def postmortem(
    context: Context,
    number: int,
    *,
    format: str = "md",  # noqa: A002 -- the name of the interface
    now: datetime,
) -> tuple[str, str]:
    """Give the document and its media type; human text is kept. Raises NotFound, and Refused for another format."""
    if format not in FORMATS:
        message = f"The post-mortem comes as {', '.join(FORMATS)}; {format[:20]!r} is not available in this release."
        raise Refused(message)
    return written(context, number, draft(context, number, now=now), format), _MEDIA[format]


def written(context: Context, number: int, fresh: Draft, format: str) -> str:  # noqa: A002 -- as above
    """Write a draft in one of `FORMATS`, with what people wrote into it."""
    if format == "json":
        return json.dumps(postmortem_json(fresh), ensure_ascii=False, indent=2) + "\n"
    templates = context.live.current.templates
    text = postmortem_markdown(templates, fresh).text
    with context.store.read() as tx:
        saved = interventions.postmortem(tx, number)
    if saved is not None:
        text = merge(saved.text, text).text
    if format == "html":
        return postmortem_html(templates, fresh, text).text
    return text


def refreshed(context: Context, number: int, old: str, *, now: datetime) -> tuple[str, tuple[str, ...]]:
    """Refresh a document that somebody keeps elsewhere; gives its new text and the conflicts."""
    merged = merge(
        old, postmortem_markdown(context.live.current.templates, draft(context, number, now=now)).text
    )
    return merged.text, merged.conflicts


def save_postmortem(context: Context, number: int, markdown: str, *, actor: str, now: datetime) -> None:
    """Keep what a person wrote, and tell the first time; raises NotFound, and Refused for a text that is too long."""
    if len(markdown) > MARKDOWN_MOST:
        message = f"A post-mortem has at most {MARKDOWN_MOST} characters."
        raise Refused(message)
    with context.store.write() as tx:
        incident = visible(tx, context.seer, number, lock=True)
        first = interventions.postmortem(tx, number) is None
        interventions.save_postmortem(tx, number, markdown.replace("\x00", ""), by=actor, now=now)
        interventions.record(tx, actor, "postmortem.saved", {"incident": number}, now=now)
        if first:
            ledger = Ledger(context, tx, now=now)
            rules = ledger.current.revision.rules
            ledger.take(
                decide(SavePostmortem(), incident, actor=actor, source="postmortem", rules=rules, now=now)
            )
            ledger.flush()
    context.signals.changed()
    context.store.notify()


def _page_fact(row: OutboxRow, attempts: list[Attempt], names: dict[str, str]) -> PageFact:
    return PageFact(
        id=row.id,
        person=row.person or "",
        name=names.get(row.person or "", row.person or ""),
        via=row.via,
        kind=row.page_kind.value if row.page_kind else "step",
        step=row.step,
        loop=row.loop,
        due_at=row.due_at,
        state=row.state.value,
        sent_at=row.sent_at,
        attempts=len(attempts),
        reason=row.reason,
    )
