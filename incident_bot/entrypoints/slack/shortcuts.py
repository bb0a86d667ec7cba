"""Shortcuts: declare from anywhere; from a message declare, or add a task or a follow-up with its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from slack_bolt import App

from incident_bot.core.model import JsonObject
from incident_bot.entrypoints.slack.modals import show
from incident_bot.entrypoints.slack.work import Workbench, text_of
from incident_bot.flow.slack.forms import Form
from incident_bot.flow.slack.people import typed
from incident_bot.render.slack.modals.declaring import TITLE_MOST
from incident_bot.slack_api import SlackError


def install(bolt: App, bench: Workbench) -> None:
    """Listen to the shortcuts."""

    def declare(ack: Callable[..., Any], body: Mapping[str, Any]) -> None:
        ack()
        form = Form(name="inc:declare", user=text_of(body.get("user") or {}, "id"))
        show(bench, form, text_of(body, "trigger_id"))

    def declare_from(ack: Callable[..., Any], body: Mapping[str, Any]) -> None:
        ack()
        form = _from_message(bench, body, "inc:declare")
        show(bench, form, text_of(body, "trigger_id"), prepare=lambda one: _linked(bench, one))

    def write_down(name: str) -> Callable[..., None]:
        def listen(ack: Callable[..., Any], body: Mapping[str, Any]) -> None:
            ack()
            show(bench, _from_message(bench, body, name), text_of(body, "trigger_id"))

        return listen

    bolt.global_shortcut("inc:declare")(declare)
    bolt.message_shortcut("inc:declare_from")(declare_from)
    bolt.message_shortcut("inc:task")(write_down("inc:task"))
    bolt.message_shortcut("inc:followup")(write_down("inc:followup"))


def _from_message(bench: Workbench, body: Mapping[str, Any], name: str) -> Form:
    message = body.get("message") or {}
    text = typed(bench.context, text_of(message, "text"))
    meta: JsonObject = {
        "c": text_of(body.get("channel") or {}, "id"),
        "t": text_of(message, "thread_ts") or text_of(message, "ts"),
        "m": text_of(message, "ts"),
        "r": text_of(body, "response_url"),
    }
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    words = {"title": first[:TITLE_MOST]} if name == "inc:declare" else {"text": text}
    return Form(name=name, user=text_of(body.get("user") or {}, "id"), meta=meta, typed=words)


def _linked(bench: Workbench, form: Form) -> Form:
    """Take the message's address with the form; without it the incident is declared all the same."""
    try:
        said = bench.slack.call(
            "chat.getPermalink", channel=form.meta.get("c"), message_ts=form.meta.get("m")
        )
    except SlackError:
        return form
    return replace(form, meta={**form.meta, "l": str(said["permalink"])})
