"""A Slack workspace in this process: its Web API on a real port, with scopes, rates, limits and faults.

Refuses what the real one refuses, and notes in `violations` what a well-made app would never have tried.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.slack.blockkit import message_problems
from tests.fakes.slack.methods import METHODS
from tests.fakes.slack.state import (
    APP_TOKEN,
    BOT_TOKEN,
    BOT_USER,
    POSTS,
    Channel,
    Message,
    Refused,
    Trigger,
    User,
    View,
)
from tests.fakes.slack.state import METHODS as KNOWN

Fault: TypeAlias = Callable[["Workspace", BaseHTTPRequestHandler, str, dict[str, Any]], None]

ALL_SCOPES: Final = frozenset(scope for _, scopes in KNOWN.values() for scope in scopes) | {"commands"}
_EASE: Final = 0.95
"""Clocks differ by a hair: this much of a second counts as one."""


def limited(after: int) -> Fault:
    """Answer 429 with Retry-After."""

    def fail(ws: Workspace, request: BaseHTTPRequestHandler, method: str, given: dict[str, Any]) -> None:
        answer(request, 429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(after)})

    return fail


def answers(status: int, error: str = "internal_error") -> Fault:
    """Do nothing, and answer with this error."""

    def fail(ws: Workspace, request: BaseHTTPRequestHandler, method: str, given: dict[str, Any]) -> None:
        answer(request, status, {"ok": False, "error": error})

    return fail


def loses_the_answer(
    ws: Workspace, request: BaseHTTPRequestHandler, method: str, given: dict[str, Any]
) -> None:
    """Do what was asked for, and hang up before the answer."""
    with contextlib.suppress(Refused):
        ws.do(method, given)
    request.close_connection = True


@dataclass
class Workspace:
    """The workspace. `faults` empties from the left, one entry a call of that method; None lets it through."""

    clock: Callable[[], float]
    """Gives the seconds since 1970: the story's clock, or the machine's."""
    scopes: set[str] = field(default_factory=lambda: set(ALL_SCOPES))
    down: bool = False
    """Every call is answered 503."""
    busy: Callable[[], int | None] = lambda: None
    """Gives the Retry-After with which every call is answered 429; None while none is."""
    rates: bool = True
    bots_cannot_unarchive: bool = False
    users: dict[str, User] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    homes: dict[str, View] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    emoji: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    """By path: what lies behind `url_private`."""
    uploads: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By path: the file that is awaited there, and its length."""
    faults: dict[str, deque[Fault | None]] = field(default_factory=lambda: defaultdict(deque))
    """By method; `*` for any."""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Every call that was let in, in order."""
    refusals: list[tuple[str, str]] = field(default_factory=list)
    """Method and error of every call that was refused."""
    limited: list[str] = field(default_factory=list)
    """The methods of calls beyond their rate."""
    turned_away: list[tuple[float, str]] = field(default_factory=list)
    """When a call was answered 429 because the workspace was busy, and its method."""
    hasty: list[str] = field(default_factory=list)
    """Calls that came before the time that a 429 had asked to wait was over."""
    violations: list[str] = field(default_factory=list)
    """What a well-made app never does."""
    whispers: list[dict[str, Any]] = field(default_factory=list)
    """Ephemeral messages."""
    responses: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    """What was posted to each response_url."""
    channels_made: int = 0
    sockets: Callable[[], str] | None = None
    """Gives the address of a new Socket Mode connection."""
    on_event: Callable[[dict[str, Any]], None] | None = None
    """Told of every event that the app's subscriptions would bring."""

    def __post_init__(self) -> None:
        self.numbers = itertools.count(1)
        self.lock = threading.RLock()
        self._responded = threading.Condition(self.lock)
        self._last_ts = 0.0
        self._spent: dict[str, deque[float]] = defaultdict(deque)
        self._closed: dict[str, float] = {}
        self._method = ""
        self.users[BOT_USER] = User(BOT_USER, "incident-bot", "", bot=True)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.02), daemon=True)

    @property
    def root(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """What an app is given as the address of the Web API."""
        return f"{self.root}/api/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # What a test sets up and looks at.

    def person(self, id: str, name: str, email: str = "", **more: Any) -> User:  # noqa: A002 -- Slack's word
        """Have somebody."""
        self.users[id] = User(id, name, email or f"{id.lower()}@example.com", **more)
        return self.users[id]

    def add_channel(self, name: str, *, private: bool = False, members: Iterable[str] = ()) -> Channel:
        """Have a channel."""
        number = next(self.numbers)
        channel = Channel(
            f"{'G' if private else 'C'}{number:08d}", name, private, set(members), created=int(self.clock())
        )
        self.channels[channel.id] = channel
        return channel

    def direct(self, user: str) -> Channel:
        """Give the conversation of the bot with somebody."""
        name = f"D{user[1:]}"
        if name not in self.channels:
            self.channels[name] = Channel(name, name, True, {BOT_USER, user}, direct=True)
        return self.channels[name]

    def named(self, name: str) -> Channel:
        """Give the channel of that name."""
        return next(channel for channel in self.channels.values() if channel.name == name)

    def texts(self, channel: Channel) -> list[str]:
        """Give the texts of its messages, oldest first."""
        return [message.text for message in channel.live()]

    def fail(self, method: str, *faults: Fault | None) -> None:
        """Have the next calls of a method (`*`: any) go wrong so."""
        self.faults[method].extend(faults)

    # What methods use.

    def next_ts(self) -> str:
        """Give the time as a message has it; never the same twice."""
        self._last_ts = max(self._last_ts + 0.000001, self.clock())
        return f"{self._last_ts:.6f}"

    def add_message(self, channel: Channel, user: str, text: str, **more: Any) -> Message:
        """Put a message into a channel and tell the app, as Slack does of every message."""
        message = Message(self.next_ts(), channel.id, user, text, **more)
        channel.messages[message.ts] = message
        self._tell(
            {"type": "message", "channel": channel.id, "channel_type": _kind(channel), **message.shown()}
        )
        return message

    def add_view(self, user: str, view: dict[str, Any], *, root: str = "") -> View:
        """Show a modal."""
        number = next(self.numbers)
        name = f"V{number:08d}"
        self.views[name] = View(name, user, view, f"{number}.hash", root or name)
        return self.views[name]

    def trigger(self, user: str) -> str:
        """Make what lets a modal be opened."""
        trigger = Trigger(f"{next(self.numbers)}.{user}.trigger", user, self.clock())
        self.triggers[trigger.id] = trigger
        return trigger.id

    def joined(self, channel: Channel, user: str) -> None:
        """Tell the app that somebody came."""
        self._tell(
            {"type": "member_joined_channel", "user": user, "channel": channel.id, "inviter": BOT_USER}
        )

    def needs_scope(self, scope: str) -> None:
        """Refuse what the app may not."""
        if scope not in self.scopes:
            raise Refused("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))

    def do(self, method: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out a call; raises Refused."""
        with self.lock:
            _, scopes = KNOWN[method]
            if scopes and not self.scopes & set(scopes):
                self.needs_scope(scopes[0])
            return METHODS[method](self, given)

    def over_rate(self, method: str, given: Mapping[str, Any]) -> int | None:
        """Count a call; gives the seconds to wait where it was one too many."""
        if not self.rates:
            return None
        per_minute, _ = KNOWN[method]
        one_a_second = per_minute == POSTS
        window, most = (_EASE, 1) if one_a_second else (60.0, per_minute)
        spent = self._spent[f"{method}:{given.get('channel')}" if one_a_second else method]
        now = self.clock()
        while spent and spent[0] <= now - window:
            spent.popleft()
        if len(spent) >= most:
            self.limited.append(method)
            return max(1, round(spent[0] + window - now))
        spent.append(now)
        return None

    def turns_away(self, method: str, given: Mapping[str, Any]) -> int | None:
        """Give the seconds to wait while the workspace is busy; notes who did not wait."""
        now, wait = self.clock(), self.busy()
        lane = f"{method}:{given.get('channel')}" if KNOWN[method][0] == POSTS else method
        if now < self._closed.get(lane, 0.0) - (1 - _EASE):
            self.hasty.append(f"{lane} {self._closed[lane] - now:.1f} s early")
        if wait is None:
            return None
        self.turned_away.append((now, method))
        self._closed[lane] = now + wait
        return wait

    def note_response(self) -> None:
        """Wake who waits for what is posted to a response_url."""
        self._responded.notify_all()

    def response(self, url: str) -> list[dict[str, Any]]:
        """Give what was posted to a response_url, once something was."""
        with self._responded:
            assert self._responded.wait_for(lambda: self.responses[url], timeout=30), "nothing was answered"
            return list(self.responses[url])

    def _tell(self, event: dict[str, Any]) -> None:
        if self.on_event is not None:
            self.on_event(event)


def _kind(channel: Channel) -> str:
    return "im" if channel.direct else "group" if channel.private else "channel"


class _Request(BaseHTTPRequestHandler):
    workspace: Workspace
    protocol_version = "HTTP/1.1"
    # An answer in one piece, at once: in two, the second waits for the acknowledgement of the first.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        with contextlib.suppress(OSError):
            if self.workspace.down:
                answer(self, 503, {"ok": False, "error": "service_unavailable"})
            elif path.startswith("/upload/"):
                self._take(path, body)
            elif path.startswith("/response/"):
                self._respond(path, json.loads(body))
            else:
                self._call(path.removeprefix("/api/"), body)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        content = self.workspace.contents.get(path)
        if self.workspace.down or content is None:
            answer(self, 503 if self.workspace.down else 404, {})
        elif self.headers.get("Authorization") != f"Bearer {BOT_TOKEN}":
            self.workspace.violations.append(f"a private file was asked for without the token: {path}")
            raw(self, 200, b"<html>Sign in</html>", "text/html")
        else:
            raw(self, 200, content, "application/octet-stream")

    def _take(self, path: str, body: bytes) -> None:
        number, length = self.workspace.uploads.pop(path, ("", 0))
        if "Authorization" in self.headers:
            self.workspace.violations.append("an upload carried the token")
        if len(body) != length:
            raw(self, 400, b"wrong length", "text/plain")
            return
        self.workspace.contents[f"/files/{number}"] = body
        raw(self, 200, b"OK - 1", "text/plain")

    def _call(self, method: str, body: bytes) -> None:
        if method not in METHODS:
            answer(self, 200, {"ok": False, "error": "unknown_method"})
            return
        given = _given(self.headers.get("Content-Type", ""), body)
        wanted = APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or given.pop("token", "")
        if token != wanted:
            answer(self, 200, {"ok": False, "error": "invalid_auth" if token else "not_authed"})
            return
        with self.workspace.lock:
            faults = self.workspace.faults[method] or self.workspace.faults["*"]
            fault = faults.popleft() if faults else None
            wait = None if fault else self.workspace.turns_away(method, given)
            wait = wait or (None if fault else self.workspace.over_rate(method, given))
        if fault is not None:
            fault(self.workspace, self, method, given)
        elif wait is not None:
            answer(self, 429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(wait)})
        else:
            self._done(method, given)

    def _done(self, method: str, given: dict[str, Any]) -> None:
        self.workspace.calls.append((method, given))
        scopes = {"X-OAuth-Scopes": ",".join(sorted(self.workspace.scopes))}
        try:
            answer(self, 200, {"ok": True, **self.workspace.do(method, given)}, scopes)
        except Refused as error:
            self.workspace.refusals.append((method, error.error))
            answer(self, 200, {"ok": False, "error": error.error, **error.more}, scopes)

    def _respond(self, path: str, said: dict[str, Any]) -> None:
        key = f"{self.workspace.root}{path}"
        problems = (
            [] if said.get("delete_original") else message_problems(said.get("text"), said.get("blocks"))
        )
        self.workspace.violations += [f"response: {problem}" for problem in problems]
        if len(self.workspace.responses[key]) >= 5:
            self.workspace.violations.append("a response_url was used more than five times")
            answer(self, 404, {"ok": False, "error": "used_url"})
            return
        with self.workspace.lock:
            self.workspace.responses[key].append(said)
            self.workspace.note_response()
        raw(self, 200, b"ok", "text/plain")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the library
        pass


def _handler(ws: Workspace) -> type[BaseHTTPRequestHandler]:
    return type("Bound", (_Request,), {"workspace": ws})


def _given(kind: str, body: bytes) -> dict[str, Any]:
    if kind.startswith("application/json"):
        return dict(json.loads(body or b"{}"))
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def answer(
    request: BaseHTTPRequestHandler,
    status: int,
    said: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> None:
    """Answer with JSON."""
    raw(request, status, json.dumps(said).encode(), "application/json", headers)


def raw(
    request: BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    kind: str,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Answer with bytes."""
    request.send_response(status)
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
