"""`POST /slack/events`: checks the signature over the raw body and hands the request to Bolt, once.

https://docs.slack.dev/authentication/verifying-requests-from-slack: five minutes, compared in constant time. Bolt would
take the same signed request twice; we do not.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from slack_sdk.signature import Clock as SlackClock
from slack_sdk.signature import SignatureVerifier
from starlette.exceptions import HTTPException

from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.slack.door import SlackDoor
from incident_bot.entrypoints.slack.opening import opens_only, payload_of
from incident_bot.flow.slack.seen import first_time

router = APIRouter(include_in_schema=False)

CLOSED: Final = "Set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET to open this door."
UNSIGNED: Final = "The signature is not Slack's, or older than five minutes."
REPEATED: Final = "This request came before."


class _Clock(SlackClock):
    def __init__(self, at: Desk) -> None:
        self._at = at

    def now(self) -> float:
        return self._at.now().timestamp()


async def raw_body(request: Request) -> bytes:
    """Give the body as it came: the signature covers that."""
    return await request.body()


RawBody = Annotated[bytes, Depends(raw_body)]


@router.post("/slack/events")
def hear(request: Request, at: AtDesk, body: RawBody) -> Response:
    """Take a command, an interaction or an event; the answer is what Slack expects of that kind."""
    door: SlackDoor | None = request.app.state.slack
    secret = at.context.settings.slack_signing_secret
    if door is None or secret is None:
        raise HTTPException(HTTPStatus.FORBIDDEN, CLOSED)
    signature = request.headers.get("x-slack-signature", "")
    verifier = SignatureVerifier(secret.get_secret_value(), clock=_Clock(at))
    if not _signed(verifier, request, body, signature):
        raise HTTPException(HTTPStatus.UNAUTHORIZED, UNSIGNED)
    request.state.actor = "slack"
    # A trigger lives three seconds: what only opens a modal, or counts once by its view's key, waits for no database.
    text = body.decode(errors="replace")
    payload = payload_of(text)
    if not opens_only(payload) and not first_time(at.context, f"signature:{signature}", now=at.now()):
        raise HTTPException(HTTPStatus.CONFLICT, REPEATED)
    if not door.is_new(payload):
        return Response(status_code=200)
    headers = {name.lower(): [value] for name, value in request.headers.items()}
    status, told, answer = door.dispatch(text, headers)
    return Response(answer, status_code=status, media_type=told.get("content-type", "text/plain"))


def _signed(verifier: SignatureVerifier, request: Request, body: bytes, signature: str) -> bool:
    stamp = request.headers.get("x-slack-request-timestamp", "")
    if not stamp.isdecimal() or len(stamp) > 12 or not signature.isascii():  # noqa: PLR2004 -- seconds since 1970
        return False
    try:
        return verifier.is_valid(body=body, timestamp=stamp, signature=signature)
    except UnicodeDecodeError:
        return False
