"""The doors for Twilio: receipts of texts and calls, replies, and what a call says. Checks the signature, no more."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.exceptions import HTTPException

from incident_bot.entrypoints.desk import AtDesk
from incident_bot.flow import twilio
from incident_bot.render.twiml import MEDIA_TYPE

# Only Twilio calls these, and its console has no use for our description of them.
router = APIRouter(include_in_schema=False)

CLOSED: Final = "Set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM to open this door."
UNSIGNED: Final = (
    "The signature is not Twilio's for this address; INCIDENT_BOT_PUBLIC_URL must be the one it calls."
)
FIELDS_MOST: Final = 500
Token = Annotated[str, Path(max_length=2000)]


async def signed_fields(request: Request, at: AtDesk) -> dict[str, str]:
    """Give the fields of a request that Twilio signed; raises 401 for any other, 403 where Twilio is not set up."""
    if not twilio.configured(at.context):
        raise HTTPException(HTTPStatus.FORBIDDEN, CLOSED)
    body = (await request.body()).decode("utf-8", errors="replace")
    try:
        fields = parse_qsl(body, keep_blank_values=True, max_num_fields=FIELDS_MOST)
    except ValueError:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "There are too many fields.") from None
    raw = request.scope.get("raw_path") or request.url.path.encode()
    path = raw.decode("latin-1") + (f"?{request.url.query}" if request.url.query else "")
    if not twilio.signed(at.context, path, fields, request.headers.get("x-twilio-signature", "")):
        raise HTTPException(HTTPStatus.UNAUTHORIZED, UNSIGNED)
    request.state.actor = "twilio"
    return dict(fields)


Fields = Annotated[dict[str, str], Depends(signed_fields)]


@router.post("/webhooks/twilio/status", status_code=204)
def note_status(at: AtDesk, fields: Fields, page: Annotated[str, Query(max_length=2000)] = "") -> None:
    """Keep what became of a text or call; whatever it is, Twilio has nothing to send again."""
    twilio.note_status(at.context, page, fields, now=at.now())


@router.post("/webhooks/twilio/sms")
def answer_text(at: AtDesk, fields: Fields) -> Response:
    """Do what somebody replied, and answer."""
    return Response(twilio.answer_text(at.context, fields, now=at.now()), media_type=MEDIA_TYPE)


@router.post("/webhooks/twilio/voice/{token}")
def speak(request: Request, at: AtDesk, fields: Fields, token: Token) -> Response:
    """Say what a call is about, or do what the key says."""
    action = f"{at.context.settings.public_url}{request.url.path}"
    text = twilio.speak(at.context, token, fields, action=action, now=at.now())
    return Response(text, media_type=MEDIA_TYPE)
