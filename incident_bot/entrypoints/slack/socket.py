"""Socket Mode: Slack reaches us over a connection that we open, so no address of ours has to be public.

https://docs.slack.dev/apis/events-api/using-socket-mode. The listeners are those of the HTTP door.
"""

from __future__ import annotations

import logging
import threading
from http.client import HTTPException
from types import TracebackType
from typing import Final, Self

import structlog
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from incident_bot.entrypoints.slack.door import SlackDoor

FIRST_WAIT: Final = 1.0
WAIT_MOST: Final = 30.0
"""Seconds between attempts to connect, at first and at most."""
CHECK_SECONDS: Final = 5
"""How often a connection is tried, and made anew where it is gone."""
SIDE_BY_SIDE: Final = 16

log = structlog.get_logger(__name__)


class _Handler(SocketModeHandler):
    """Hands each envelope to Bolt once: Slack sends it again over another connection where an answer got lost."""

    def __init__(self, door: SlackDoor, token: str) -> None:
        self._door = door
        super().__init__(
            door.bolt,
            app_token=token,
            logger=logging.getLogger("slack_socket"),
            web_client=door.bolt.client,
            ping_interval=CHECK_SECONDS,
            concurrency=SIDE_BY_SIDE,
        )

    def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        if self._door.is_new(req.payload):
            super().handle(client, req)
        else:
            client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))


class SocketLine:
    """The connection, for the length of a block: made in a thread of its own, so that nothing waits for Slack."""

    def __init__(self, door: SlackDoor, token: str) -> None:
        """Take the door whose listeners hear, and the app-level token."""
        self._ear = door.context.ear
        self._handler = _Handler(door, token)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._connect, name="slack-socket", daemon=True)

    def __enter__(self) -> Self:
        """Begin to connect; comes back at once."""
        self._ear.connected = self._handler.client.is_connected
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up, after what came was answered."""
        self._stop.set()
        self._thread.join()
        self._handler.client.close()

    def _connect(self) -> None:
        """Connect for the first time, however long Slack is away; from then on the client keeps it up."""
        wait = FIRST_WAIT
        while not self._stop.is_set():
            try:
                self._handler.client.connect()
            except (SlackClientError, HTTPException, OSError, ValueError) as problem:
                self._ear.trouble = _reason(problem)
                log.warning("Socket Mode is not connected", error=self._ear.trouble, again_seconds=wait)
                self._stop.wait(wait)
                wait = min(wait * 2, WAIT_MOST)
            else:
                self._ear.trouble = None
                return


def _reason(problem: Exception) -> str:
    if isinstance(problem, SlackApiError):
        return str(problem.response.get("error") or "no answer")
    return str(problem).partition("\n")[0]
