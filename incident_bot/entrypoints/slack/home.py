"""App Home: shown when it is opened, and again after each of its buttons.

https://docs.slack.dev/surfaces/app-home
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from slack_bolt import App

from incident_bot.entrypoints.slack.buttons import value_of
from incident_bot.entrypoints.slack.work import SOURCE, Workbench, guarded, text_of
from incident_bot.flow import commands
from incident_bot.flow.oncall.run import run
from incident_bot.flow.slack.home import home_of
from incident_bot.flow.slack.undoing import take_back, undoable
from incident_bot.flow.views import ReplyView
from incident_bot.render.slack.blocks import Block
from incident_bot.slack_api import SlackError

log = structlog.get_logger(__name__)


def install(bolt: App, bench: Workbench) -> None:
    """Listen to the Home tab and its buttons."""

    def opened(event: Mapping[str, Any]) -> None:
        if event.get("tab") == "home":
            user = text_of(event, "user")
            bench.pool.submit(_publish, bench, user, None)

    def acknowledge(ack: Callable[..., Any], body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        bench.pool.submit(_act, bench, _user(body), lambda: _acknowledge(bench, _user(body), action))
        ack()

    def undo(ack: Callable[..., Any], body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        bench.pool.submit(_act, bench, _user(body), lambda: _undo(bench, _user(body), action))
        ack()

    def here(ack: Callable[..., Any], body: Mapping[str, Any]) -> None:
        bench.pool.submit(_act, bench, _user(body), lambda: _here(bench, body))
        ack()

    def refresh(ack: Callable[..., Any], body: Mapping[str, Any]) -> None:
        bench.pool.submit(_publish, bench, _user(body), None)
        ack()

    bolt.event("app_home_opened")(opened)
    bolt.action("home:ack")(acknowledge)
    bolt.action("home:undo")(undo)
    bolt.action("oncall:here")(here)
    bolt.action("home:refresh")(refresh)


def _act(bench: Workbench, user: str, work: Callable[[], ReplyView]) -> None:
    """Do what a button of the Home asks, and show the Home as it is then, with what there is to say at its head."""
    notice = guarded(work, lambda text: ReplyView(text=text, ok=False), doing="a button of an App Home")
    _publish(bench, user, notice)


def _acknowledge(bench: Workbench, user: str, action: Mapping[str, Any]) -> ReplyView:
    value = value_of(action)
    number = value.get("i")
    if not isinstance(number, int):
        return ReplyView(text="This button is too old; it is drawn anew below.", ok=False)
    actor, now = bench.actor(user), bench.now()
    key = f"slack:home:ack:{number}:{value.get('e')}"
    context = bench.seen_by(user)
    reply = commands.handle(context, "ack", incident=number, actor=actor, source=SOURCE, key=key, now=now)
    return undoable(context, "ack", reply, actor=actor, now=now)


def _undo(bench: Workbench, user: str, action: Mapping[str, Any]) -> ReplyView:
    return take_back(
        bench.seen_by(user), value_of(action), actor=bench.actor(user), source=SOURCE, now=bench.now()
    )


def _here(bench: Workbench, body: Mapping[str, Any]) -> ReplyView:
    key = f"slack:{text_of(body, 'trigger_id')}"[: commands.KEY_MOST]
    return run(bench.context, "here", bench.actor(_user(body)), now=bench.now(), key=key)


def _publish(bench: Workbench, user: str, notice: ReplyView | None) -> None:
    def draw() -> Block | None:
        return home_of(bench.context, user, now=bench.now(), notice=notice)

    view = guarded(draw, lambda _: None, doing="an App Home")
    if view is None:
        return
    try:
        bench.slack.call("views.publish", user_id=user, view=view)
    except SlackError as error:
        log.warning("an App Home was not shown", error=str(error))


def _user(body: Mapping[str, Any]) -> str:
    return text_of(body.get("user") or {}, "id")
