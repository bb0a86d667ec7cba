"""`/incident` and `/oncall`: the line that somebody typed goes to the one handler of commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import App

from incident_bot.core.errors import Refused
from incident_bot.core.model import JsonObject
from incident_bot.entrypoints.slack.modals import show
from incident_bot.entrypoints.slack.opening import asks_reason, form_of, verb_of
from incident_bot.entrypoints.slack.work import SOURCE, Workbench, text_of
from incident_bot.flow import commands
from incident_bot.flow.oncall.run import run
from incident_bot.flow.slack.forms import Form
from incident_bot.flow.slack.here import here as convert
from incident_bot.flow.slack.people import typed
from incident_bot.flow.slack.undoing import undoable
from incident_bot.flow.slack.where import incident_at
from incident_bot.flow.views import ReplyView

ANY = re.compile(r"^/")
ONCALL = re.compile(r"/on-?call([-_a-z0-9]*)$")


def install(bolt: App, bench: Workbench) -> None:
    """Listen to both commands, whatever the app's manifest calls them."""

    def typed_line(ack: Callable[..., Any], respond: Callable[..., Any], command: Mapping[str, Any]) -> None:
        name = text_of(command, "command")
        if name == bench.context.live.current.revision.chat.oncall_command or ONCALL.fullmatch(name):
            bench.answer(lambda: _on_call(bench, command), ack, respond)
            return
        wanted = form_of(text_of(command, "text"))
        if wanted is None:
            bench.answer(lambda: _incident(bench, command), ack, respond)
            return
        ack()
        show(bench, _form(command, *wanted), text_of(command, "trigger_id"))

    bolt.command(ANY)(typed_line)


def _incident(bench: Workbench, command: Mapping[str, Any]) -> ReplyView:
    channel, user = text_of(command, "channel_id"), text_of(command, "user_id")
    line = bench.typed(text_of(command, "text"))
    actor, now = bench.actor(user), bench.now()
    context = bench.seen_by(user, channel=channel)
    name = text_of(command, "channel_name")
    converted = convert(context, line, channel=channel, name=name, actor=actor, now=now)
    if converted is not None:
        return converted
    here = incident_at(bench.context, channel)
    if not line:
        line = "info" if here is not None else "list"
    try:
        reply = commands.handle(
            context,
            line,
            incident=here,
            actor=actor,
            source=SOURCE,
            key=f"slack:{text_of(command, 'trigger_id')}"[: commands.KEY_MOST],
            now=now,
        )
    except Refused as refused:
        number = asks_reason(line, here)
        if number is None or not show(
            bench, _form(command, "inc:resolve", number), text_of(command, "trigger_id")
        ):
            raise
        return ReplyView(text=str(refused), ok=False)
    return undoable(context, verb_of(line), reply, actor=actor, now=bench.now())


def _form(command: Mapping[str, Any], name: str, number: int | None) -> Form:
    meta: JsonObject = {
        "i": number,
        "c": text_of(command, "channel_id"),
        "r": text_of(command, "response_url"),
    }
    return Form(name=name, user=text_of(command, "user_id"), meta=meta)


def _on_call(bench: Workbench, command: Mapping[str, Any]) -> ReplyView:
    line, user = typed(bench.context, text_of(command, "text")), text_of(command, "user_id")
    return run(
        bench.seen_by(user),
        line,
        bench.actor(user),
        key=f"slack:{text_of(command, 'trigger_id')}"[: commands.KEY_MOST],
        now=bench.now(),
    )
