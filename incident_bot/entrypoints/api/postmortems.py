"""`/api/v1/incidents/{id}/postmortem/…`: the text that people write, saved version by version."""

# ruff: noqa: FAST003 -- the dependency `Number` reads `{id}`

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from incident_bot.core.model import Json, rfc3339
from incident_bot.core.postmortem import blaming
from incident_bot.entrypoints import problems
from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.api.incidents import SOURCE, markdown_of
from incident_bot.entrypoints.api.parameters import Number, Portion, refusals
from incident_bot.entrypoints.desk import AtDesk, Reader, Writer
from incident_bot.flow.postmortems import documents
from incident_bot.flow.postmortems.documents import Clash, Document

router = APIRouter(prefix="/api/v1", tags=["post-mortems"])

_ETAG: Final = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')
_MARKDOWN_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {"text/markdown": {"schema": {"type": "string", "minLength": 1}}},
    }
}


class Completeness(schemas.Answered):
    """How much of it is there."""

    done: int
    total: int
    percent: int
    missing: list[str] = Field(description="The blanks that are worth filling first.")


class Review(schemas.Answered):
    """Where it stands."""

    state: str = Field(description="draft, in_review, approved, published or waived.")
    owner: str | None
    reviewers: list[str]
    due: schemas.Time | None
    approved_by: str | None
    reason: str | None


class Wording(schemas.Answered):
    """Words that blame."""

    line: int
    words: str
    instead: str


class PostmortemDocument(schemas.Answered):
    """The text as it reads now: what people saved, brought up to date with the record."""

    version: int = Field(description="What to send as `If-Match`; 0 where nobody saved it yet.")
    text: str
    saved_by: str | None
    saved_at: schemas.Time | None
    conflicts: list[str] = Field(
        description="Parts that people edited and that the record has news for; both stand in the text."
    )
    completeness: Completeness
    questions: list[str]
    wording: list[Wording] = Field(description="Words of people that blame, and what to say instead.")
    review: Review | None


class Version(schemas.Answered):
    """One saved version."""

    version: int
    saved_by: str
    saved_at: schemas.Time
    text: str | None = Field(default=None, description="Left out in the list.")


@router.get("/incidents/{id}/postmortem/document", response_model=PostmortemDocument, responses=refusals(404))
def show_document(at: AtDesk, caller: Reader, number: Number, response: Response) -> Any:
    """Give the text as people edit it, with its version, also as `ETag`."""
    found = documents.read(at.seen_by(caller), number, now=at.now())
    response.headers["etag"] = f'"{found.version}"'
    return shaped(found)


@router.put(
    "/incidents/{id}/postmortem/document",
    response_model=Version,
    responses=refusals(400, 404, 409, 415, 428),
    openapi_extra=_MARKDOWN_BODY,
)
async def save_document(
    request: Request,
    at: AtDesk,
    caller: Writer,
    number: Number,
    if_match: Annotated[
        str | None, Header(max_length=40, description='The version that was edited: `"3"`.')
    ] = None,
) -> Response:
    """Save upon the version that was read; where another was saved meanwhile nothing is stored and both come back."""
    text = markdown_of(request.headers.get("content-type", ""), await request.body())
    after = _version(if_match)
    context, now = at.seen_by(caller), at.now()
    try:
        kept = await run_in_threadpool(
            documents.save, context, number, text, after=after, actor=caller.actor, source=SOURCE, now=now
        )
    except Clash as clash:
        headers = {"etag": f'"{clash.version}"'}
        return problems.respond(request, HTTPStatus.CONFLICT, str(clash), headers=headers, **both(clash))
    shown = Version(version=kept.version, saved_by=kept.saved_by, saved_at=kept.saved_at)
    return JSONResponse(shown.model_dump(mode="json"), headers={"etag": f'"{kept.version}"'})


@router.get(
    "/incidents/{id}/postmortem/versions",
    response_model=schemas.Page[Version],
    responses=refusals(400, 404),
)
def list_versions(at: AtDesk, caller: Reader, number: Number, portion: Portion) -> Any:
    """List who saved which version when, the newest first."""
    return portion.of(documents.history(at.seen_by(caller), number))


@router.get("/incidents/{id}/postmortem/versions/{n}", response_model=Version, responses=refusals(404))
def show_version(
    at: AtDesk, caller: Reader, number: Number, n: Annotated[int, Path(ge=1, le=2**31 - 1)]
) -> Any:
    """Give one version as it was saved."""
    return documents.version(at.seen_by(caller), number, n)


def shaped(found: Document) -> PostmortemDocument:
    """Give a document as it is answered."""
    counted, review = found.draft.completeness, found.review
    return PostmortemDocument(
        version=found.version,
        text=found.text,
        saved_by=found.saved_by,
        saved_at=found.saved_at,
        conflicts=list(found.conflicts),
        completeness=Completeness(
            done=counted.done, total=counted.total, percent=counted.percent, missing=list(counted.missing)
        ),
        questions=list(found.draft.questions),
        wording=[Wording(line=one.line, words=one.words, instead=one.instead) for one in blaming(found.text)],
        review=None
        if review is None
        else Review(
            state=review.state.value,
            owner=review.owner,
            reviewers=list(review.reviewers),
            due=review.due,
            approved_by=review.approved_by,
            reason=review.reason,
        ),
    )


def both(clash: Clash) -> dict[str, Json]:
    """Give both texts of two who saved at once, for whoever came second."""
    return {
        "version": clash.version,
        "saved_by": clash.saved_by,
        "saved_at": rfc3339(clash.saved_at),
        "theirs": clash.theirs,
        "mine": clash.mine,
        "merged": clash.merged,
        "clashes": clash.clashes,
    }


def _version(if_match: str | None) -> int | None:
    """Read the version that was edited; `*` is whichever is the newest."""
    if if_match is None:
        detail = 'Say which version you edited, as If-Match: "3"; GET gives it as ETag and as `version`.'
        raise HTTPException(HTTPStatus.PRECONDITION_REQUIRED, detail)
    if if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise HTTPException(HTTPStatus.BAD_REQUEST, 'If-Match is a version, such as "3", or *.')
    return int(found[1])
