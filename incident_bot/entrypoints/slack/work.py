"""What every listener works with: who asked, about what; and how an answer goes back in time.

Slack waits three seconds. What is done by then is the answer itself; what takes longer is acknowledged and told
afterwards, over the address that came with the request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from datetime import datetime
from typing import Any, Final, TypeAlias

import structlog

from incident_bot.clock import Clock
from incident_bot.core.errors import IncidentBotError
from incident_bot.flow.context import Context
from incident_bot.flow.slack.people import actor
from incident_bot.flow.views import ReplyView
from incident_bot.render.slack.replies import Answer, reply_blocks, reply_text

PATIENCE: Final = 2.0
"""Seconds that an answer is waited for before it is told afterwards."""
THREADS: Final = 16
SOURCE: Final = "slack"
FAILED: Final = (
    "Something went wrong here; it is in the bot's log. Nothing was changed. Try again, or use the console."
)

Content: TypeAlias = dict[str, Any]
"""Text and blocks of a message."""

log = structlog.get_logger(__name__)


class Workbench:
    """Shared by all listeners."""

    def __init__(self, context: Context, clock: Clock) -> None:
        """Take the wired parts and the clock."""
        self.context = context
        self._clock = clock
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="slack-work")

    def now(self) -> datetime:
        """Read the clock."""
        return self._clock.now()

    def actor(self, user: str) -> str:
        """Give the actor behind a member."""
        return actor(self.context, user)

    def answer(
        self, work: Callable[[], ReplyView], ack: Callable[..., Any], respond: Callable[..., Any]
    ) -> None:
        """Do the work and tell what it gave to whoever asked: at once where it is quick, afterwards where not."""
        future = self._pool.submit(_told, work)
        try:
            content = future.result(timeout=PATIENCE)
        except TooLate:
            ack()
            respond(response_type="ephemeral", replace_original=False, **future.result())
        else:
            ack(response_type="ephemeral", **content)

    def act(
        self, work: Callable[[], ReplyView], ack: Callable[..., Any], respond: Callable[..., Any]
    ) -> None:
        """Do what a button asks and tell the one who pressed it; a button takes no answer at once."""
        future = self._pool.submit(_told, work)
        ack()
        respond(response_type="ephemeral", replace_original=False, **future.result())


def _told(work: Callable[[], ReplyView]) -> Content:
    try:
        reply = work()
    except IncidentBotError as error:
        reply = ReplyView(text=str(error), ok=False)
    except Exception:  # the fence of the door: whoever asked gets an answer, whatever went wrong
        log.exception("a request from Slack failed")
        reply = ReplyView(text=FAILED, ok=False)
    return content_of(reply)


def content_of(reply: ReplyView) -> Content:
    """Give a reply as a message."""
    answer = Answer(
        text=reply.text, title=reply.title, facts=reply.facts, lines=reply.lines, actions=reply.actions
    )
    return {"text": reply_text(answer), "blocks": reply_blocks(answer)}


def text_of(body: Mapping[str, Any], key: str) -> str:
    """Give a text of a request; empty where there is none."""
    value = body.get(key)
    return value if isinstance(value, str) else ""
