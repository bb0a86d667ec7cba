"""What every listener works with: who asked, about what; and how an answer goes back in time.

Slack waits three seconds. What is done by then is the answer itself; what takes longer is acknowledged and told
afterwards, over the address that came with the request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as TooLate
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

import structlog
from slack_bolt.context.respond import Respond

from incident_bot.clock import Clock
from incident_bot.core.errors import IncidentBotError, Refused
from incident_bot.flow.context import Context
from incident_bot.flow.permissions import said_by
from incident_bot.flow.slack.chat import learn
from incident_bot.flow.slack.people import GUEST, actor, mentioned, typed
from incident_bot.flow.slack.sight import seer_of
from incident_bot.flow.slack.undoing import Undoable
from incident_bot.flow.views import ReplyView
from incident_bot.render.slack.blocks import actions, button, message
from incident_bot.render.slack.replies import Answer, reply_blocks, reply_text
from incident_bot.slack_api import Slack
from incident_bot.telemetry import begin_asking

PATIENCE: Final = 2.0
"""Seconds that an answer is waited for before it is told afterwards."""
THREADS: Final = 16
SOURCE: Final = "slack"
CLOSED: Final = "Slack is not set up: SLACK_BOT_TOKEN is missing."
FAILED: Final = (
    "Something went wrong here; it is in the bot's log. Nothing was changed. Try again, or use the console."
)

STRANGER: Final = (
    "I do not know you yet, and here only people of the configuration may act. Ask whoever keeps people.yaml to give "
    "your entry `slack: {user}`; until then the console shows what is going on."
)

Content: TypeAlias = dict[str, Any]
"""Text and blocks of a message."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Pool(ThreadPoolExecutor):
    """Threads whose unfinished work is known, so that its end can be waited for."""

    def __init__(self, threads: int, name: str) -> None:
        """Make a pool of so many threads."""
        super().__init__(threads, thread_name_prefix=name)
        self._known = threading.Lock()
        self._unfinished: set[Future[Any]] = set()

    def submit(self, work: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        """Begin work, and know of it until it is done."""
        with self._known:
            future = super().submit(work, *given, **named)
            self._unfinished.add(future)
        future.add_done_callback(self._forget)
        return future

    def settle(self) -> bool:
        """Wait for what is unfinished now; says whether there was anything."""
        with self._known:
            unfinished = list(self._unfinished)
        wait(unfinished)
        return bool(unfinished)

    def _forget(self, future: Future[Any]) -> None:
        with self._known:
            self._unfinished.discard(future)
        problem = None if future.cancelled() else future.exception()
        if problem is not None:
            log.error("an answer did not reach Slack", exc_info=problem)


class Workbench:
    """Shared by all listeners."""

    def __init__(self, context: Context, clock: Clock) -> None:
        """Take the wired parts, as whoever has not said who they are sees them, and the clock."""
        self.context = context
        self._clock = clock
        self.pool = Pool(THREADS, "slack-work")

    @property
    def slack(self) -> Slack:
        """Give the workspace; the door is open only where there is one."""
        if self.context.slack is None:
            raise Refused(CLOSED)
        return self.context.slack

    def now(self) -> datetime:
        """Read the clock."""
        return self._clock.now()

    def typed(self, text: str) -> str:
        """Give what somebody typed as the grammar reads it, and have the names of whom it mentions asked for."""
        for user, name in mentioned(self.context, text).items():
            learn(self.context, user, name, now=self.now())
        return typed(self.context, text)

    def seen_by(self, user: str, *, channel: str | None = None) -> Context:
        """Give the parts as a member may see them who is in this channel, and act with them."""
        with self.context.store.read() as tx:
            seer = seer_of(self.context, tx, user, channel=channel)
        return self.context.seen_by(seer).acting(said_by(self.context, actor(self.context, user)))

    def actor(self, user: str) -> str:
        """Give the actor behind a member; raises Refused for a stranger where the configuration says so."""
        found = actor(self.context, user)
        if found.startswith(GUEST) and not self.context.live.current.revision.chat.strangers:
            raise Refused(STRANGER.format(user=user))
        if found.startswith(GUEST) and user:
            learn(self.context, user, now=self.now())
        return found

    def answer(
        self, work: Callable[[], ReplyView], ack: Callable[..., Any], respond: Callable[..., Any]
    ) -> None:
        """Do the work and tell what it gave to whoever asked: at once where it is quick, afterwards where not."""
        future = self.pool.submit(_told, work)
        try:
            content = future.result(timeout=PATIENCE)
        except TooLate:
            ack()
            # The listener does not wait: others need its thread.
            self.pool.submit(
                lambda: respond(response_type="ephemeral", replace_original=False, **future.result())
            )
        else:
            ack(response_type="ephemeral", **content)

    def act(
        self, work: Callable[[], ReplyView], ack: Callable[..., Any], respond: Callable[..., Any]
    ) -> None:
        """Do what a button asks and tell the one who pressed it; a button takes no answer at once."""
        self.pool.submit(lambda: respond(response_type="ephemeral", replace_original=False, **_told(work)))
        ack()

    def tell(self, url: str, reply: ReplyView) -> None:
        """Tell whoever asked, over the address that came with what they pressed; what fails is in the log."""
        content = content_of(reply)
        self.pool.submit(
            lambda: Respond(response_url=url)(response_type="ephemeral", replace_original=False, **content)
        )


def guarded(work: Callable[[], T], otherwise: Callable[[str], T], *, doing: str) -> T:
    """Do work; where it is refused or fails, give what `otherwise` makes of the words for whoever asked."""
    begin_asking(how="slack")
    try:
        return work()
    except IncidentBotError as error:
        return otherwise(str(error))
    except Exception:  # the fence of the door: whoever asked gets an answer, whatever went wrong
        log.exception("a request from Slack failed", doing=doing)
        return otherwise(FAILED)


def _told(work: Callable[[], ReplyView]) -> Content:
    return content_of(guarded(work, lambda text: ReplyView(text=text, ok=False), doing="a command"))


def content_of(reply: ReplyView) -> Content:
    """Give a reply as a message."""
    answer = Answer(
        text=reply.text, title=reply.title, facts=reply.facts, lines=reply.lines, actions=reply.actions
    )
    blocks = reply_blocks(answer)
    if isinstance(reply, Undoable):
        blocks.append(actions([button("Undo", "inc:undo", value=reply.undo)], name="undo"))
    return {"text": reply_text(answer), "blocks": message(blocks)}


def text_of(body: Mapping[str, Any], key: str) -> str:
    """Give a text of a request; empty where there is none."""
    value = body.get(key)
    return value if isinstance(value, str) else ""
