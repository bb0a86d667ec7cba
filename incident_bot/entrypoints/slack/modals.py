"""Modals: opened at once as they load, filled when the database has answered, and what comes of sending them.

https://docs.slack.dev/surfaces/modals: a trigger opens one modal within three seconds, so nothing stands before it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from typing import Any, Final

import structlog
from slack_bolt import App

from incident_bot.core.model import JsonObject
from incident_bot.entrypoints.slack.buttons import value_of
from incident_bot.entrypoints.slack.opening import BUTTONS
from incident_bot.entrypoints.slack.work import PATIENCE, Workbench, guarded, text_of
from incident_bot.flow.commands import KEY_MOST
from incident_bot.flow.slack.forms import TITLES, Form, choices_of, preview_of, view_of
from incident_bot.flow.slack.submitted import Outcome, submit
from incident_bot.flow.slack.ticking import press as press_step
from incident_bot.flow.views import ReplyView
from incident_bot.render.slack.blocks import Block
from incident_bot.render.slack.modals.about import PREVIEW
from incident_bot.render.slack.modals.parts import (
    VALUE,
    found,
    inputs_of,
    loading,
    meta_of,
    told,
    typed_in,
)
from incident_bot.render.slack.modals.runbook import TICK
from incident_bot.slack_api import Refused, SlackError, Unanswered

TRIES: Final = 3
BREATH: Final = 0.5
"""Seconds that Slack has to take the answer to a submitted view before that view is changed again."""
TOO_OLD: Final = "Slack did not open the form in time; press it again."

log = structlog.get_logger(__name__)


def install(bolt: App, bench: Workbench) -> None:
    """Listen to the buttons that open modals, to the modals, and to their menus."""

    def press(ack: Callable[..., Any], body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        ack()
        show(bench, _pressed(body, action), text_of(body, "trigger_id"))

    def preview(ack: Callable[..., Any], body: Mapping[str, Any]) -> None:
        ack()
        view = body.get("view") or {}
        form = _form_of(body, view)
        bench.pool.submit(
            lambda: _put(
                bench,
                view,
                _built(form, lambda: preview_of(bench.context, form, now=bench.now())),
            )
        )

    def step(ack: Callable[..., Any], body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        ack()
        bench.pool.submit(_ticked, bench, body, action)

    def sent(ack: Callable[..., Any], body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
        _sent(bench, _form_of(body, view), view, ack)

    def options(ack: Callable[..., Any], body: Mapping[str, Any]) -> None:
        choices = choices_of(bench.context, text_of(body, "block_id"))
        ack(options=found(choices, text_of(body, "value")))

    bolt.action(_any(BUTTONS))(press)
    bolt.action(PREVIEW)(preview)
    bolt.action(TICK)(step)
    bolt.view(_any(TITLES))(sent)
    bolt.options(VALUE)(options)


def show(
    bench: Workbench,
    form: Form,
    trigger: str,
    *,
    prepare: Callable[[Form], Form] = lambda form: form,
) -> bool:
    """Open the modal at once and fill it afterwards; says whether it stands open.

    `prepare` adds what must be asked for first. Whoever pressed is told where Slack did not open it.
    """
    view = loading(TITLES[form.name], form.name, meta=form.meta)
    try:
        opened = bench.slack.call("views.open", trigger_id=trigger, view=view)["view"]
    except SlackError as error:
        log.warning("a modal was not opened", form=form.name, error=str(error))
        where = form.meta.get("r")
        if isinstance(where, str) and where:
            bench.tell(where, ReplyView(text=TOO_OLD, ok=False))
        return False

    def fill() -> None:
        _put(bench, opened, _built(form, lambda: view_of(bench.context, prepare(form))))

    bench.pool.submit(fill)
    return True


def _sent(bench: Workbench, form: Form, view: Mapping[str, Any], ack: Callable[..., Any]) -> None:
    future = bench.pool.submit(_outcome, bench, form, view)
    try:
        outcome = future.result(timeout=PATIENCE)
    except TooLate:
        ack(response_action="update", view=loading(TITLES[form.name], form.name, meta=form.meta))
        bench.pool.submit(_late, bench, form, view, future)
        return
    if outcome.errors:
        ack(response_action="errors", errors=dict(outcome.errors))
    elif outcome.view is not None:
        ack(response_action="update", view=outcome.view)
    elif _tells(form):
        ack(response_action="clear")
        bench.tell(str(form.meta["r"]), outcome.reply or ReplyView(text="Done."))
    else:
        ack(response_action="update", view=_done(bench, form, outcome.reply))


def _ticked(bench: Workbench, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
    """Tick a step, and show the runbook as it is then; a tick made meanwhile is shown, too."""
    view = body.get("view") or {}
    form = _form_of(body, view)
    key = f"slack:{text_of(body, 'trigger_id')}"[:KEY_MOST]

    def tick() -> None:
        press_step(
            bench.seen_by(form.user, channel=form.channel),
            form,
            value_of(action),
            actor=bench.actor(form.user),
            key=key,
            now=bench.now(),
        )

    notice: str | None = guarded(tick, lambda text: text, doing="a step of a runbook")
    drawn = None
    for _ in range(TRIES):
        now = _built(form, lambda: view_of(bench.context, form, notice=notice))
        if now == drawn:
            return
        drawn = now
        _put(bench, {"id": view.get("id")}, now)


def _late(bench: Workbench, form: Form, view: Mapping[str, Any], future: Future[Outcome]) -> None:
    """Show in the open modal what came of it, when it is known; what was typed stands in the fields again."""
    outcome = future.result()
    threading.Event().wait(BREATH)
    shown = outcome.view or _done(bench, form, outcome.reply)
    if outcome.errors:
        notice = " ".join(outcome.errors.values())
        shown = _built(form, lambda: view_of(bench.context, form, notice=notice))
    _put(bench, {"id": view.get("id")}, shown)


def _outcome(bench: Workbench, form: Form, view: Mapping[str, Any]) -> Outcome:
    def send() -> Outcome:
        return submit(
            bench.seen_by(form.user, channel=form.channel),
            form,
            view=text_of(view, "id"),
            fields=inputs_of(view),
            actor=bench.actor(form.user),
            now=bench.now(),
        )

    return guarded(send, lambda text: Outcome(view=_says(form, text)), doing=form.name)


def _tells(form: Form) -> bool:
    """Say whether the answer goes where the button was; what is declared stands in the modal, with its address."""
    return bool(form.meta.get("r")) and form.name != "inc:declare"


def _done(bench: Workbench, form: Form, reply: ReplyView | None) -> Block:
    url = None
    if reply is not None and reply.incident and bench.context.settings.public_url.startswith("http"):
        url = f"{bench.context.settings.public_url.rstrip('/')}/incidents/{reply.incident}"
    return told(TITLES[form.name], form.name, reply.text if reply else "Done.", url=url)


def _built(form: Form, build: Callable[[], Block]) -> Block:
    """Give the view, or one that says why there is none: nobody is left with a form that loads for ever."""
    return guarded(build, lambda text: _says(form, text), doing=form.name)


def _says(form: Form, text: str) -> Block:
    return told(TITLES[form.name], form.name, text)


def _put(bench: Workbench, opened: Mapping[str, Any], view: Block) -> None:
    """Show a view in the place of the one that stands there; that it was closed or changed meanwhile is no trouble."""
    for _ in range(TRIES):
        try:
            bench.slack.call("views.update", view_id=opened.get("id"), hash=opened.get("hash"), view=view)
        except Unanswered:
            continue
        except Refused as refused:
            log.info("a modal was not filled", error=refused.error)
        except SlackError as error:
            log.warning("a modal was not filled", error=str(error))
        return
    log.warning("a modal was not filled: Slack did not answer")


def _pressed(body: Mapping[str, Any], action: Mapping[str, Any]) -> Form:
    number = value_of(action).get("i")
    message = body.get("message") or {}
    meta: JsonObject = {
        "i": number if isinstance(number, int) else None,
        "c": text_of(body.get("channel") or {}, "id") or None,
        "t": text_of(message, "thread_ts") or text_of(message, "ts") or None,
        "r": text_of(body, "response_url") or None,
    }
    return Form(name=text_of(action, "action_id"), user=_user(body), meta=meta)


def _form_of(body: Mapping[str, Any], view: Mapping[str, Any]) -> Form:
    return Form(name=text_of(view, "callback_id"), user=_user(body), meta=meta_of(view), typed=typed_in(view))


def _user(body: Mapping[str, Any]) -> str:
    return text_of(body.get("user") or {}, "id")


def _any(names: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"^{re.escape(name)}$" for name in sorted(names)))
