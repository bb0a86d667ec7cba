"""Push services in this process, on real ports: ntfy (publishing as JSON) and Gotify (messages of applications).

Each refuses what the real one refuses, by https://docs.ntfy.sh/publish/ and https://gotify.net/api-docs.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections import deque
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

NTFY_FIELDS = {
    "topic", "message", "title", "tags", "priority", "attach", "markdown", "icon", "filename", "delay", "email", "call",
    "click", "actions",
}  # fmt: skip
ACTION_FIELDS = {"action", "label", "url", "method", "headers", "body", "clear", "intent", "extras", "id"}
NTFY_BYTES = 4096
GOTIFY_FIELDS = {"title", "message", "priority", "extras"}


class _Service:
    """What both have in common. `plan` empties from the left: the status with which a request is refused."""

    def __init__(self) -> None:
        self.plan: deque[int] = deque()
        self.taken: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        """Of every request, names in lower case."""
        self.bodies: list[bytes] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.02), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def judge(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Say with which status the request is answered, and what is wrong with it."""
        raise NotImplementedError

    def _take(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        self.headers.append(headers)
        self.bodies.append(body)
        if self.plan:
            return self.plan.popleft(), {"error": "planned"}
        status, wrong = self.judge(path, headers, body)
        if wrong:
            self.refused.append(wrong)
            return status, {"error": wrong}
        self.taken.append(json.loads(body))
        return 200, {"id": len(self.taken)}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, said = service._take(self.path, headers, body)
                answer = json.dumps(said).encode()
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the library
                pass

        return Handler


class Ntfy(_Service):
    """ntfy, where topics are read and written with access tokens alone."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        """Take which topic each token may publish to."""
        super().__init__()
        self.tokens = dict(tokens)

    def judge(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        if path != "/":
            return 404, "publishing as JSON is at the root"
        try:
            message = json.loads(body.decode())
        except ValueError:
            return 400, "invalid JSON"
        topic = message.get("topic")
        if not isinstance(topic, str) or not re.fullmatch(r"[-_A-Za-z0-9]{1,64}", topic):
            return 400, "topic invalid"
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return 401, "unauthorized"
        if self.tokens[token] != topic:
            return 403, "forbidden"
        wrong = [f"unknown field {name}" for name in message.keys() - NTFY_FIELDS]
        wrong += [
            f"{name} is no text" for name in ("title", "message") if not isinstance(message.get(name), str)
        ]
        if len(message.get("message", "").encode()) > NTFY_BYTES:
            wrong.append("message too long: it would become an attachment")
        if message.get("priority", 3) not in (1, 2, 3, 4, 5):
            wrong.append("priority invalid")
        if not all(isinstance(tag, str) for tag in message.get("tags", [])):
            wrong.append("tags invalid")
        if "click" in message and not _is_url(message["click"]):
            wrong.append("click invalid")
        actions = message.get("actions", [])
        if len(actions) > 3:
            wrong.append("only 3 actions allowed")
        for action in actions:
            wrong += _wrong_action(action)
        return 400, "; ".join(wrong)


class Gotify(_Service):
    """Gotify, whose applications have a token each: it decides who gets the message."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        """Take to which user the application of each token belongs."""
        super().__init__()
        self.tokens = dict(tokens)
        self.users: list[str] = []
        """Who got the messages that were taken."""

    def judge(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        if path != "/message":
            return 404, "page not found"
        user = self.tokens.get(headers.get("x-gotify-key", ""))
        if user is None:
            return 401, "you need to provide a valid access token or user credentials to access this api"
        if headers.get("content-type") != "application/json":
            return 400, "no such content type"
        try:
            message = json.loads(body.decode())
        except ValueError:
            return 400, "invalid JSON"
        wrong = [f"unknown field {name}" for name in message.keys() - GOTIFY_FIELDS]
        if not isinstance(message.get("message"), str) or not message["message"]:
            wrong.append("Field 'message' is required")
        if not isinstance(message.get("title", ""), str):
            wrong.append("title is no text")
        priority = message.get("priority", 0)
        if not isinstance(priority, int) or isinstance(priority, bool):
            wrong.append("priority is no number")
        extras = message.get("extras", {})
        if not isinstance(extras, dict) or not all("::" in name for name in extras):
            wrong.append("extras invalid")
        click = message.get("extras", {}).get("client::notification", {}).get("click", {})
        if click and not _is_url(click.get("url")):
            wrong.append("click invalid")
        if not wrong:
            self.users.append(user)
        return 400, "; ".join(wrong)


def _wrong_action(action: Mapping[str, Any]) -> list[str]:
    wrong = [f"unknown field of an action {name}" for name in action.keys() - ACTION_FIELDS]
    if action.get("action") not in ("view", "http", "broadcast"):
        wrong.append("action unknown")
    if not action.get("label"):
        wrong.append("parameter 'label' is required")
    if action.get("action") in ("view", "http") and not _is_url(action.get("url")):
        wrong.append("parameter 'url' is required")
    if not isinstance(action.get("clear", False), bool):
        wrong.append("parameter 'clear' cannot be that")
    return wrong


def _is_url(value: object) -> bool:
    return (
        isinstance(value, str)
        and urlsplit(value).scheme in ("http", "https")
        and bool(urlsplit(value).netloc)
    )
