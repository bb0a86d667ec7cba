"""People at their Slack: what they type, press and read, sent to the app as Slack sends it.

Requests are signed (https://docs.slack.dev/authentication/verifying-requests-from-slack); an answer later than three
seconds is a violation.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from tests.fakes.slack.blockkit import actions_of, message_problems, view_problems
from tests.fakes.slack.state import APP, BOT_USER, ENTERPRISE, SECRET, TEAM, Channel, Message, View
from tests.fakes.slack.workspace import Workspace

Door = Callable[[Mapping[str, str], bytes], tuple[int, bytes]]
"""Takes the headers and the body of a request to the app's address; gives status and body."""
PATIENCE: Final = 3.0


@dataclass
class Answered:
    """What the app answered at once, and where it may answer later."""

    status: int
    body: bytes
    response_url: str = ""
    took: float = 0.0

    @property
    def said(self) -> dict[str, Any]:
        """The body as JSON; empty where there was none."""
        return dict(json.loads(self.body)) if self.body.strip().startswith(b"{") else {}


@dataclass
class Client:
    """Slack's side towards the app. `socket` takes the place of `door` in Socket Mode."""

    ws: Workspace
    door: Door | None = None
    socket: Callable[[str, dict[str, Any]], dict[str, Any] | None] | None = None
    """Takes the kind of envelope and its payload, gives the payload of the acknowledgement."""
    secret: str = SECRET
    timed: bool = False
    """Whether an answer after more than three seconds is a violation: not where a machine is shared."""
    after: Callable[[], object] = lambda: None
    """Called when a request was answered."""
    enterprise: bool = False
    last: tuple[dict[str, str], bytes] | None = None
    """The last request over HTTP, to be sent again."""
    sent: list[dict[str, Any]] = field(default_factory=list)

    # What people do.

    def slash(self, user: str, text: str, channel: Channel, *, command: str = "/incident") -> Answered:
        """Type a slash command."""
        where = self._response_url()
        form = {
            **self._team_form(),
            "channel_id": channel.id,
            "channel_name": "directmessage" if channel.direct else channel.name,
            "user_id": user,
            "user_name": self.ws.users[user].name,
            "command": command,
            "text": text,
            "api_app_id": APP,
            "is_enterprise_install": "false",
            "response_url": where,
            "trigger_id": self.ws.trigger(user),
        }
        return self._form("slash_commands", form, where)

    def click(
        self,
        user: str,
        on: Message | View,
        action_id: str,
        *,
        block_id: str | None = None,
        chosen: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None,
        trigger: str | None = None,
    ) -> Answered:
        """Press a button or choose from a menu; `chosen` is what a menu adds (`{"selected_option": {…}}`)."""
        blocks = on.view["blocks"] if isinstance(on, View) else on.blocks
        found = [
            (name, element)
            for name, element in actions_of(blocks)
            if element["action_id"] == action_id and block_id in (None, name)
        ]
        assert found, (
            f"there is nothing to press: {action_id} among {[e['action_id'] for _, e in actions_of(blocks)]}"
        )
        name, element = found[0]
        action = {
            "type": element["type"],
            "action_id": action_id,
            "block_id": name,
            "action_ts": self.ws.next_ts(),
            **{key: element[key] for key in ("value", "text") if key in element},
            **(chosen or {}),
        }
        where = self._response_url()
        payload = {
            **self._who("block_actions", user),
            "trigger_id": trigger or self.ws.trigger(user),
            "actions": [action],
            "state": {"values": values or {}},
        }
        if isinstance(on, View):
            shown = {**self._view(on), "state": {"values": values or {}}}
            payload |= {"view": shown, "container": {"type": "view", "view_id": on.id}}
            return self._payload(payload, "")
        channel = self.ws.channels[on.channel]
        payload |= {
            "channel": {"id": channel.id, "name": "directmessage" if channel.direct else channel.name},
            "message": on.shown(),
            "container": {
                "type": "message",
                "message_ts": on.ts,
                "channel_id": channel.id,
                "is_ephemeral": False,
            },
            "response_url": where,
        }
        return self._payload(payload, where)

    def submit(self, user: str, view: View, values: Mapping[str, Mapping[str, Any]]) -> Answered:
        """Press a modal's submit; `values` by block and action as `view.state.values` has them."""
        payload = {
            **self._who("view_submission", user),
            "trigger_id": self.ws.trigger(user),
            "view": {**self._view(view), "state": {"values": values}},
            "response_urls": [],
        }
        answered = self._payload(payload, "")
        self._after_submit(view, answered)
        return answered

    def close(self, user: str, view: View) -> Answered | None:
        """Dismiss a modal."""
        view.closed = True
        if not view.view.get("notify_on_close"):
            return None
        return self._payload({**self._who("view_closed", user), "view": self._view(view)}, "")

    def shortcut(self, user: str, callback_id: str, message: Message | None = None) -> Answered:
        """Choose a shortcut: of a message, or a global one."""
        where = self._response_url()
        payload = {
            **self._who("shortcut" if message is None else "message_action", user),
            "callback_id": callback_id,
            "trigger_id": self.ws.trigger(user),
            "action_ts": self.ws.next_ts(),
        }
        if message is not None:
            channel = self.ws.channels[message.channel]
            payload |= {
                "message": message.shown(),
                "message_ts": message.ts,
                "channel": {"id": channel.id, "name": channel.name},
                "response_url": where,
            }
        return self._payload(payload, where)

    def options(self, user: str, view: View, action_id: str, typed: str) -> Answered:
        """Type into an external select."""
        name = next(
            name for name, element in actions_of(view.view["blocks"]) if element["action_id"] == action_id
        )
        payload = {
            **self._who("block_suggestion", user),
            "action_id": action_id,
            "block_id": name,
            "value": typed,
            "view": self._view(view),
        }
        return self._payload(payload, "")

    def says(
        self, user: str, channel: Channel, text: str, *, thread: str | None = None, **more: Any
    ) -> Message:
        """Write a message; the app hears of it if `heard` is told."""
        return self.ws.add_message(channel, user, text, thread=thread, **more)

    def edits(self, message: Message, text: str) -> Answered:
        """Edit a message."""
        before = message.shown()
        message.text = text
        message.edits += 1
        return self.event(
            {
                "type": "message",
                "subtype": "message_changed",
                "channel": message.channel,
                "channel_type": "channel",
                "message": {**message.shown(), "edited": {"user": message.user, "ts": self.ws.next_ts()}},
                "previous_message": before,
                "ts": self.ws.next_ts(),
                "event_ts": self.ws.next_ts(),
                "hidden": True,
            }
        )

    def deletes(self, message: Message) -> Answered:
        """Delete a message."""
        message.deleted = True
        return self.event(
            {
                "type": "message",
                "subtype": "message_deleted",
                "channel": message.channel,
                "channel_type": "channel",
                "deleted_ts": message.ts,
                "previous_message": message.shown(),
                "ts": self.ws.next_ts(),
                "event_ts": self.ws.next_ts(),
                "hidden": True,
            }
        )

    def reacts(self, user: str, message: Message, name: str, *, taken_back: bool = False) -> Answered:
        """Put a reaction on a message, or take it back."""
        users = message.reactions.setdefault(name, set())
        (users.discard if taken_back else users.add)(user)
        if not users:
            del message.reactions[name]
        return self.event(
            {
                "type": "reaction_removed" if taken_back else "reaction_added",
                "user": user,
                "reaction": name,
                "item_user": message.user,
                "item": {"type": "message", "channel": message.channel, "ts": message.ts},
                "event_ts": self.ws.next_ts(),
            }
        )

    def pins(self, user: str, message: Message, *, taken_back: bool = False) -> Answered:
        """Pin a message with Slack's own pin, or take it back."""
        channel = self.ws.channels[message.channel]
        (channel.pins.remove if taken_back else channel.pins.append)(message.ts)
        return self.event(
            {
                "type": "pin_removed" if taken_back else "pin_added",
                "user": user,
                "channel_id": channel.id,
                "item": {"type": "message", "channel": channel.id, "message": message.shown()},
                "event_ts": self.ws.next_ts(),
            }
        )

    def opens_home(self, user: str) -> Answered:
        """Look at the App Home."""
        return self.event(
            {
                "type": "app_home_opened",
                "user": user,
                "channel": self.ws.direct(user).id,
                "tab": "home",
                "event_ts": self.ws.next_ts(),
            }
        )

    def heard(self, message: Message) -> Answered:
        """Tell the app of a message."""
        channel = self.ws.channels[message.channel]
        kind = "im" if channel.direct else "group" if channel.private else "channel"
        said = {**message.shown(), "channel": channel.id, "channel_type": kind, "event_ts": message.ts}
        if message.files:
            said["subtype"] = "file_share"
        return self.event(said)

    # How it reaches the app.

    def event(self, event: Mapping[str, Any], *, event_id: str | None = None, retry: int = 0) -> Answered:
        """Send an event of the Events API."""
        payload = {
            "token": "legacy",
            "team_id": TEAM,
            "enterprise_id": ENTERPRISE if self.enterprise else None,
            "api_app_id": APP,
            "event": dict(event),
            "type": "event_callback",
            "event_id": event_id or f"Ev{next(self.ws.numbers):08d}",
            "event_time": int(self.ws.clock()),
            "authorizations": [
                {"team_id": TEAM, "user_id": BOT_USER, "is_bot": True, "is_enterprise_install": False}
            ],
        }
        headers = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"} if retry else {}
        return self._send(
            "events_api", payload, json.dumps(payload).encode(), "application/json", "", headers
        )

    def again(self) -> Answered:
        """Send the last request once more, signature and all."""
        assert self.last is not None
        return self._post(*self.last, "")

    def signed(self, body: bytes, *, at: float | None = None, secret: str | None = None) -> dict[str, str]:
        """Sign a body as Slack does."""
        stamp = str(int(self.ws.clock() if at is None else at))
        content = b"v0:" + stamp.encode() + b":" + body
        digest = hmac.new((secret or self.secret).encode(), content, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

    def _form(self, kind: str, form: Mapping[str, str], where: str) -> Answered:
        body = urlencode(form).encode()
        answered = self._send(kind, dict(form), body, "application/x-www-form-urlencoded", where, {})
        if answered.said:
            problems = message_problems(answered.said.get("text"), answered.said.get("blocks"))
            self.ws.violations += [f"answer: {problem}" for problem in problems]
        return answered

    def _payload(self, payload: dict[str, Any], where: str) -> Answered:
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return self._send("interactive", payload, body, "application/x-www-form-urlencoded", where, {})

    def _send(
        self,
        kind: str,
        payload: dict[str, Any],
        body: bytes,
        content: str,
        where: str,
        more: Mapping[str, str],
    ) -> Answered:
        self.sent.append(payload)
        if self.socket is not None:
            started = time.monotonic()
            answer = self.socket(kind, payload)
            return self._timed(Answered(200, json.dumps(answer or {}).encode(), where), started, kind)
        headers = {"Content-Type": content, **self.signed(body), **more}
        self.last = (headers, body)
        return self._post(headers, body, where)

    def _post(self, headers: Mapping[str, str], body: bytes, where: str) -> Answered:
        assert self.door is not None
        started = time.monotonic()
        status, said = self.door(headers, body)
        return self._timed(Answered(status, said, where), started, "request")

    def _timed(self, answered: Answered, started: float, kind: str) -> Answered:
        answered.took = time.monotonic() - started
        self.after()
        if self.timed and answered.took > PATIENCE:
            self.ws.violations.append(f"a {kind} was answered after {answered.took:.1f} seconds")
        return answered

    def _after_submit(self, view: View, answered: Answered) -> None:
        said = answered.said
        action = said.get("response_action")
        if action == "errors":
            blocks = {str(block.get("block_id")) for block in view.view["blocks"] if block["type"] == "input"}
            unknown = set(said["errors"]) - blocks
            self.ws.violations += [
                f"an error is told of the block {name}, which is no input" for name in unknown
            ]
            return
        if action in ("update", "push"):
            self.ws.violations += [f"view: {problem}" for problem in view_problems(said["view"])]
            if action == "push":
                self.ws.add_view(view.user, said["view"], root=view.root)
            else:
                view.view = said["view"]
            return
        for other in self.ws.views.values():
            if other is view or (action == "clear" and other.root == view.root):
                other.closed = True

    def _response_url(self) -> str:
        return f"{self.ws.root}/response/{next(self.ws.numbers)}"

    def _team_form(self) -> dict[str, str]:
        form = {"token": "legacy", "team_id": TEAM, "team_domain": "company"}
        if self.enterprise:
            form |= {"enterprise_id": ENTERPRISE, "enterprise_name": "Company"}
        return form

    def _who(self, kind: str, user: str) -> dict[str, Any]:
        name = self.ws.users[user].name
        return {
            "type": kind,
            "team": {"id": TEAM, "domain": "company"},
            "enterprise": {"id": ENTERPRISE, "name": "Company"} if self.enterprise else None,
            "user": {"id": user, "username": name, "name": name, "team_id": TEAM},
            "api_app_id": APP,
            "token": "legacy",
            "is_enterprise_install": False,
        }

    def _view(self, view: View) -> dict[str, Any]:
        return {
            "private_metadata": "",
            "callback_id": "",
            **view.view,
            "id": view.id,
            "hash": view.hash,
            "root_view_id": view.root,
            "team_id": TEAM,
            "app_id": APP,
            "bot_id": "B0BOT",
            "state": {"values": {}},
        }
