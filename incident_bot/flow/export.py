"""Stage 8 for readers: the post-mortem draft as Markdown, HTML and JSON; what people wrote into it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, TypeAlias

from incident_bot.core.errors import Refused
from incident_bot.core.model import Episode, Event, Incident, Json, JsonObject, Person, ReviewState
from incident_bot.core.nearby import Nearby
from incident_bot.core.postmortem import Draft, GraphFact, PageFact, build, merge, roles, without_names
from incident_bot.core.similar import Similar
from incident_bot.core.timeline import Entry, entries, with_names
from incident_bot.flow import change_events, similar
from incident_bot.flow.context import Context
from incident_bot.flow.graphs.reading import drawings, facts
from incident_bot.flow.sight import visible
from incident_bot.flow.slack.names import everybody
from incident_bot.render.documents import postmortem_html, postmortem_json, postmortem_markdown
from incident_bot.render.printed import printed
from incident_bot.store import alerts, incidents, outbox, papers
from incident_bot.store.outbox import Attempt, OutboxRow

FORMATS: Final = ("md", "html", "json")
"""The forms that are text; `pdf` makes the one that is not."""
View: TypeAlias = Literal["names", "blameless"]
_HANDED_ON: Final = frozenset({"html", "pdf"})
_MEDIA: Final = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
}


def draft(
    context: Context,
    number: int,
    *,
    written: str | None = None,
    told: Sequence[Entry] | None = None,
    now: datetime,
) -> Draft:
    """Build the draft of one incident from its records, and from what people wrote as it is saved; raises NotFound.

    Whoever has its whole timeline in words hands it in as `told`.
    """
    return _built(context, _gathered(context, number, written), told=told, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gathered:
    """Everything of one incident that a draft is made of, from one reading."""

    incident: Incident
    events: list[Event]
    episodes: list[Episode]
    pages: list[tuple[OutboxRow, list[Attempt]]]
    people: Mapping[str, Person]
    changes: tuple[Nearby, ...]
    graphs: tuple[GraphFact, ...]
    similar: tuple[Similar, ...]
    written: str


def _gathered(context: Context, number: int, written: str | None) -> _Gathered:
    with context.store.read() as tx:
        incident = visible(tx, context.seer, number)
        events = incidents.events(tx, number)
        episodes = alerts.episodes_of_incident(tx, number)
        pages = outbox.pages_of(tx, number)
        saved = papers.newest(tx, number) if written is None else None
        people = everybody(context, tx, [incident, *events])
        changes = change_events.beside(context, tx, incident, episodes)
        graphs = facts(tx, number)
        past = similar.compared(context, tx, incident, public=True)
    text = written if written is not None else saved.text if saved else ""
    return _Gathered(
        incident=incident, events=events, episodes=episodes, pages=pages, people=people, changes=tuple(changes),
        graphs=tuple(graphs), similar=tuple(past), written=text,
    )  # fmt: skip


def _built(
    context: Context, found: _Gathered, *, told: Sequence[Entry] | None = None, now: datetime
) -> Draft:
    revision = context.live.current.revision
    names = {person.id: person.name for person in found.people.values()}
    return build(
        found.incident,
        found.events,
        found.episodes,
        [_page_fact(row, attempts, names) for row, attempts in found.pages],
        people=found.people,
        ladder=revision.ladder,
        runbook=next((book for book in revision.runbooks if book.path == found.incident.runbook), None),
        written=found.written,
        changes=found.changes,
        graphs=found.graphs,
        similar=found.similar,
        told=told,
        now=now,
    )


def postmortem(
    context: Context,
    number: int,
    *,
    format: str = "md",  # noqa: A002 -- the name of the interface
    view: View | None = None,
    now: datetime,
) -> tuple[str, str]:
    """Give the document and its media type; human text is kept. Raises NotFound, and Refused for another format.

    What is made to be handed on has roles instead of names: the page, the PDF, and everything that is published. The
    Markdown and JSON of a draft have names, as people work with them; `view` chooses.
    """
    if format not in FORMATS:
        message = f"The post-mortem comes as {', '.join((*FORMATS, 'pdf'))}; {format[:20]!r} is none of them."
        raise Refused(message)
    found = _to_show(context, number, format, view, now=now)
    document = _merged(context, number, found.draft)
    if format == "json":
        value = found.hide(_whole(found.draft, document))
        return json.dumps(value, ensure_ascii=False, indent=2) + "\n", _MEDIA[format]
    text = found.replaced(document)
    if format == "html":
        drawn = _drawings(context, number, found.replaced)
        text = postmortem_html(context.live.current.templates, found.named(), text, drawn).text
    return text, _MEDIA[format]


def pdf(context: Context, number: int, *, view: View | None = None, now: datetime) -> bytes:
    """Give the document printed; raises NotFound, and Refused where it is too long or the library is not there."""
    found = _to_show(context, number, "pdf", view, now=now)
    text = found.replaced(_merged(context, number, found.draft))
    head = found.named().header
    made = f"Generated {now:%Y-%m-%d %H:%M} UTC from the record of {head.name}"
    drawn = _drawings(context, number, found.replaced, for_paper=True)
    return printed(text, title=f"{head.name}: {head.title}", foot=made, at=now, graphs=drawn)


def written(context: Context, number: int, fresh: Draft, format: str) -> str:  # noqa: A002 -- as above
    """Write a draft in one of `FORMATS`, with what people wrote into it, and with their names."""
    text = _merged(context, number, fresh)
    if format == "json":
        return json.dumps(_whole(fresh, text), ensure_ascii=False, indent=2) + "\n"
    if format != "html":
        return text
    drawn = _drawings(context, number, lambda words: words)
    return postmortem_html(context.live.current.templates, fresh, text, drawn).text


def _whole(fresh: Draft, document: str) -> JsonObject:
    """Give a draft as data, and beside it the document as it reads: what people wrote stands there alone."""
    return {**postmortem_json(fresh), "text": document}


def _drawings(
    context: Context, number: int, replaced: Callable[[str], str], *, for_paper: bool = False
) -> list[tuple[str, str]]:
    with context.store.read() as tx:
        found = drawings(tx, visible(tx, context.seer, number), printed=for_paper)
    return [(replaced(words), svg) for words, svg in found]


def _merged(context: Context, number: int, fresh: Draft) -> str:
    text = postmortem_markdown(context.live.current.templates, fresh).text
    with context.store.read() as tx:
        saved = papers.newest(tx, number)
    return text if saved is None else merge(saved.text, text).text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A draft, and what is to be hidden of it."""

    draft: Draft
    replaced: Callable[[str], str]

    def named(self) -> Draft:
        """Give the draft with a head that may be shown."""
        head = self.draft.header
        title, lead = self.replaced(head.title), head.lead and self.replaced(head.lead)
        return replace(self.draft, header=replace(head, title=title, lead=lead))

    def hide(self, value: Json) -> Json:
        """Give a JSON value that may be shown."""
        if isinstance(value, str):
            return self.replaced(value)
        if isinstance(value, Mapping):
            return {key: self.hide(part) for key, part in value.items()}
        return [self.hide(part) for part in value] if isinstance(value, Sequence) else value


def _to_show(context: Context, number: int, form: str, view: View | None, *, now: datetime) -> _Shown:
    gathered = _gathered(context, number, None)
    review = gathered.incident.review
    published = review is not None and review.state is ReviewState.PUBLISHED
    chosen = view or ("blameless" if published or form in _HANDED_ON else "names")
    fresh = _built(context, gathered, now=now)
    if chosen == "names":
        return _Shown(draft=fresh, replaced=lambda text: text)
    told = entries(gathered.events, {})
    named = roles(gathered.incident, told, gathered.people)
    return _Shown(draft=fresh, replaced=without_names(gathered.people, named))


def refreshed(context: Context, number: int, old: str, *, now: datetime) -> tuple[str, tuple[str, ...]]:
    """Refresh a document that somebody keeps elsewhere; gives its new text and the conflicts."""
    merged = merge(
        old, postmortem_markdown(context.live.current.templates, draft(context, number, now=now)).text
    )
    return merged.text, merged.conflicts


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
        reason=with_names(row.reason, names) if row.reason else row.reason,
    )
