"""One Bolt app, wired to this application, and how requests reach it.

Bolt is given what it would otherwise find out by calling Slack, so that a command is answered while Slack's Web API is
away. It neither checks signatures nor times: `route` does, with our clock, and refuses what came before.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from slack_bolt import App, BoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from incident_bot.clock import Clock
from incident_bot.entrypoints.slack import buttons, commands, events, home, modals, shortcuts, undo
from incident_bot.entrypoints.slack.opening import opens_only
from incident_bot.entrypoints.slack.work import Pool, Workbench
from incident_bot.flow.context import Context
from incident_bot.flow.sight import NOBODY
from incident_bot.flow.slack.seen import first_time
from incident_bot.slack_api import URL

THREADS: Final = 16
"""Listeners that run side by side: each holds a thread only until it has answered."""


class SlackDoor:
    """The app; `dispatch` hands it one request."""

    def __init__(self, context: Context, clock: Clock) -> None:
        """Wire every listener."""
        self.context = context
        self._clock = clock
        token = context.settings.slack_bot_token
        web = WebClient(
            token=token.get_secret_value() if token else "",
            base_url=f"{(context.settings.slack_api_url or URL).rstrip('/')}/",
            retry_handlers=[],
        )
        self._threads = Pool(THREADS, "slack")
        logger = logging.getLogger("slack_bolt")
        # It warns that it does not take the token from the environment: that is ours to do.
        level = logger.level
        logger.setLevel(logging.ERROR)
        self.bolt = App(
            name="incident-bot",
            logger=logger,
            authorize=_authorized(web),
            client=web,
            request_verification_enabled=False,
            ignoring_self_events_enabled=False,
            attaching_conversation_kwargs_enabled=False,
            listener_executor=self._threads,
        )
        logger.setLevel(level)
        self._bench = Workbench(context.seen_by(NOBODY), clock)
        for part in (commands, buttons, modals, shortcuts, home, undo, events):
            part.install(self.bolt, self._bench)

    def dispatch(self, body: str, headers: dict[str, Any]) -> tuple[int, dict[str, str], str]:
        """Hand over one request; gives status, headers and body of the answer within three seconds."""
        answered = self.bolt.dispatch(BoltRequest(body=body, headers=headers))
        told = {name: str(values[0]) for name, values in answered.headers.items() if values}
        return answered.status, told, answered.body or ""

    def settle(self) -> None:
        """Wait until everything that was begun is done."""
        while self._threads.settle() or self._bench.pool.settle():
            continue

    def is_new(self, payload: Mapping[str, Any]) -> bool:
        """Say whether this event, command or interaction came for the first time, over whichever door."""
        now = self._clock.now()
        self.context.ear.last = now
        if opens_only(payload):
            return True  # A trigger waits for no database; see there for what counts it once.
        if (payload.get("event") or {}).get("type") in events.HEARD:
            return True  # These may come twice.
        for kind in ("event_id", "trigger_id"):
            name = payload.get(kind)
            if isinstance(name, str) and name:
                return first_time(self.context, f"{kind}:{name}", now=now)
        return True


def _authorized(web: WebClient) -> Any:
    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=web.token)

    return authorize
