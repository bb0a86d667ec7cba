"""The editor of a post-mortem: Markdown beside what it will look like. Works without script; decides nothing."""

# ruff: noqa: FAST003 -- the dependency `Number` reads `{id}`

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse

from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.model import FollowUpType
from incident_bot.core.postmortem import blaming
from incident_bot.entrypoints.api.incidents import PDF, markdown_of
from incident_bot.entrypoints.api.parameters import Number
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.documents import document
from incident_bot.entrypoints.incident_page import SOURCE
from incident_bot.entrypoints.sheet import FORM_HEADERS, Visitor, draw
from incident_bot.flow import commands, export, queries
from incident_bot.flow.access import Caller
from incident_bot.flow.postmortems import documents, inserting
from incident_bot.flow.postmortems.documents import MARKDOWN_MOST, Clash, Document
from incident_bot.render.documents import to_html

router = APIRouter(include_in_schema=False)

ENTRIES_SHOWN: Final = 300
WORDINGS_SHOWN: Final = 20
_BACK: Final = (
    '<nav class="back" aria-label="Incident"><a href="/incidents/INC-{0}">INC-{0}</a> · '
    '<a href="/incidents/INC-{0}/postmortem/edit">Write it</a> · '
    '<a href="/incidents/INC-{0}/postmortem?format=pdf">PDF</a> · <a href="/postmortems">All post-mortems</a></nav>'
)
"""Stands over the document in the console alone: what is handed on has no way into it."""
_HEADING: Final = re.compile("<(/?)h([1-6])>")
_WORDS: Final = frozenset({"owner", "review", "approve", "publish", "waive", "due", "draft"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What the page shows beside the document itself."""

    text: str | None = None
    """What somebody has typed; None is the document as it reads now."""
    version: int | None = None
    said: str = ""
    refused: str = ""
    clash: Clash | None = None


@router.get("/incidents/{id}/postmortem")
def postmortem_page(
    at: AtDesk,
    caller: Visitor,
    number: Number,
    format: Annotated[Literal["html", "pdf"], Query()] = "html",  # noqa: A002 - as in the API
    view: Annotated[Literal["names", "blameless"] | None, Query()] = None,
) -> Response:
    """Show the post-mortem as its readers will see it, on a page with a way back, or printed."""
    context, now = at.seen_by(caller), at.now()
    if format == "pdf":
        headers = {"content-disposition": f'inline; filename="inc-{number}-postmortem.pdf"'}
        return Response(export.pdf(context, number, view=view, now=now), media_type=PDF, headers=headers)
    body, media_type = export.postmortem(context, number, format="html", view=view, now=now)
    return document(body.replace("<body>", f"<body>\n{_BACK.format(number)}", 1), media_type)


@router.get("/incidents/{id}/postmortem/edit")
def edit_page(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    number: Number,
    saved: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> Response:
    """Show the text to be edited, its preview, and what helps to fill it."""
    return _page(request, at, caller, number, _Shown(said=f"Saved as version {saved}." if saved else ""))


@router.post("/incidents/{id}/postmortem/edit")
def edit(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    number: Number,
    text: Annotated[str, Form(max_length=MARKDOWN_MOST)] = "",
    version: Annotated[int, Form(ge=0, le=2**31)] = 0,
    action: Annotated[str, Form(max_length=20)] = "save",
    entry: Annotated[list[int] | None, Form()] = None,
    section: Annotated[int, Form(ge=0, le=99)] = 17,
    question: Annotated[str, Form(max_length=1000)] = "",
    answer: Annotated[str, Form(max_length=10_000)] = "",
) -> Response:
    """Save, preview, or put something into the text; nothing that was typed is lost, whatever comes of it."""
    context, now = at.seen_by(caller), at.now()
    shown = _Shown(text=text, version=version)
    if action == "import":
        text = inserting.entries(context, number, text, section, entry or [])
        return _page(
            request, at, caller, number, _Shown(text=text, version=version, said="Inserted; not saved yet.")
        )
    if action == "answer":
        text = inserting.answer(context, number, text, question, answer, now=now)
        return _page(
            request, at, caller, number, _Shown(text=text, version=version, said="Inserted; not saved yet.")
        )
    if action == "preview":
        return _page(request, at, caller, number, shown)
    try:
        kept = documents.save(
            context, number, text, after=version, actor=caller.actor, source=SOURCE, now=now
        )
    except NotFound:
        raise
    except Clash as clash:
        shown = _Shown(text=clash.merged, version=clash.version, refused=_told(clash), clash=clash)
        return _page(request, at, caller, number, shown)
    except Refused as refused:
        shown = _Shown(text=text, version=version, refused=str(refused))
        return _page(request, at, caller, number, shown)
    address = f"/incidents/INC-{number}/postmortem/edit?saved={kept.version}"
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


@router.post("/incidents/{id}/postmortem/preview")
async def preview(request: Request, at: AtDesk, caller: Visitor, number: Number) -> Response:
    """Give what Markdown will look like, as a piece of HTML in which nothing can run."""
    text = markdown_of(request.headers.get("content-type", ""), await request.body())
    await run_in_threadpool(queries.epoch_of, at.seen_by(caller), number)
    return HTMLResponse(await run_in_threadpool(_preview, text), headers=FORM_HEADERS)


@router.post("/incidents/{id}/postmortem/review")
def review(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    number: Number,
    word: Annotated[str, Form(max_length=20)] = "",
    rest: Annotated[str, Form(max_length=500)] = "",
    key: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Move it on, or name its owner, its reviewers and its date, as the verb `postmortem` does."""
    line = f"postmortem {word} {rest}" if word in _WORDS else f"followup {rest}"
    try:
        reply = commands.handle(
            at.seen_by(caller), line.strip(), incident=number, actor=caller.actor, source=SOURCE,
            key=key or None, now=at.now(),
        )  # fmt: skip
    except NotFound:
        raise
    except Refused as refused:
        return _page(request, at, caller, number, _Shown(refused=str(refused)))
    return _page(request, at, caller, number, _Shown(said=reply.text))


@router.get("/incidents/{id}/postmortem/review")
@router.get("/incidents/{id}/postmortem/preview")
def after_form(at: AtDesk, caller: Visitor, number: Number) -> Response:
    """Lead whoever reloads or shares the address of a reply back to the editor."""
    queries.epoch_of(at.seen_by(caller), number)
    return RedirectResponse(f"/incidents/INC-{number}/postmortem/edit", HTTPStatus.SEE_OTHER)


def _preview(text: str) -> Markup:
    """Give what a text will look like as a part of a page, which has a heading of its own."""
    html = _HEADING.sub(lambda found: f"<{found[1]}h{min(int(found[2]) + 1, 6)}>", to_html(text))
    return Markup(html)  # noqa: S704 - cleaned by `to_html`; only the levels of headings changed


def _told(clash: Clash) -> str:
    if not clash.clashes:
        return (
            f"{clash.saved_by} saved version {clash.version} meanwhile. Both changes are in the text below; nothing is "
            "stored yet: look at it and save."
        )
    places = "one place" if clash.clashes == 1 else f"{clash.clashes} places"
    return (
        f"{clash.saved_by} saved version {clash.version} meanwhile, and you both changed {places}. The other words are "
        "quoted there beneath yours; nothing is stored yet: settle it and save."
    )


def _page(request: Request, at: Desk, caller: Caller, number: int, shown: _Shown) -> Response:
    context, now = at.seen_by(caller), at.now()
    found: Document = documents.read(context, number, now=now)
    text = found.text if shown.text is None else shown.text.replace("\r\n", "\n")
    incident = queries.incident(context, number)
    people = at.context.live.current.revision.people
    return draw(
        request,
        at,
        caller,
        "postmortem_edit.html",
        status=HTTPStatus.CONFLICT if shown.refused else HTTPStatus.OK,
        incident=incident,
        found=found,
        text=text,
        version=found.version if shown.version is None else shown.version,
        unsaved=shown.text is not None,
        preview=_preview(text),
        said=shown.said,
        refused=shown.refused,
        clash=shown.clash,
        entries=inserting.choices(context, number, limit=ENTRIES_SHOWN),
        sections=inserting.sections(found.draft),
        history=documents.history(context, number),
        drafted_by=documents.DRAFTED_BY,
        people=[one for one in people.values() if one.active],
        wording=blaming(text)[:WORDINGS_SHOWN],
        types=[one.value for one in FollowUpType],
        review=found.review,
        overdue=bool(
            found.review and found.review.due and not found.review.state.is_over and found.review.due < now
        ),
    )
