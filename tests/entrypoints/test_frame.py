"""What surrounds every request: ids, security headers, problems, limits, the last fence, the access log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from incident_bot.core.errors import IncidentBotError
from incident_bot.entrypoints import problems
from incident_bot.entrypoints.frame import BODY_LIMIT, Frame
from incident_bot.telemetry import Metrics
from tests.entrypoints.conftest import World

PATHS = [
    "/",
    "/incidents",
    "/oncall",
    "/health",
    "/health/live",
    "/metrics",
    "/openapi.json",
    "/api/v1/incidents",
]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_ids_and_security_headers(world: World, path: str) -> None:
    answer = world.client().get(path)
    assert answer.status_code == 200
    headers = answer.headers
    assert headers["x-request-id"] == headers["x-correlation-id"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in {"no-referrer", "same-origin"}
    policy = headers["content-security-policy"]
    for part in (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
        "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'",
    ):  # fmt: skip
        assert part in policy
    assert "unsafe" not in policy


IDS: Mapping[str, tuple[str, bool]] = {
    "usual": ("3f2a-77", True),
    "128 characters": ("x" * 128, True),
    "129 characters": ("x" * 129, False),
    "a space inside": ("one two", True),
    "empty": ("", False),
    "a tab": ("a\tb", False),
    "not ASCII": ("é", False),
}


@pytest.mark.parametrize("case", IDS)
def test_request_ids_are_taken_over_where_they_are_sane(world: World, case: str) -> None:
    sent, kept = IDS[case]
    headers = {b"x-request-id": sent.encode("latin-1"), b"x-correlation-id": b"story"}
    answer = world.client().get("/health/live", headers=headers)
    assert (answer.headers["x-request-id"] == sent) is kept
    assert answer.headers["x-correlation-id"] == "story"


PROBLEMS: Mapping[str, tuple[str, str, Any, int]] = {
    "no such page": ("GET", "/nope", None, 404),
    "no such API": ("GET", "/api/v1/nope", None, 404),
    "no such incident": ("GET", "/api/v1/incidents/INC-7", None, 404),
    "not an incident": ("GET", "/api/v1/incidents/seven", None, 404),
    "a huge number": ("GET", "/api/v1/incidents/" + "9" * 12, None, 404),
    "a hostile number": ("GET", "/api/v1/incidents/1%27--", None, 404),
    "wrong method": ("DELETE", "/api/v1/incidents", None, 405),
    "a slash too many": ("GET", "/api/v1/incidents/", None, 404),
    "a limit too high": ("GET", "/api/v1/incidents?limit=501", None, 422),
    "a state that is none": ("GET", "/api/v1/incidents?state=odd", None, 422),
    "a foreign cursor": ("GET", "/api/v1/incidents?cursor=abc", None, 400),
    "a NUL": ("GET", "/api/v1/incidents?team=%00", None, 422),
    "no body": ("POST", "/api/v1/incidents/1/commands", None, 422),
    "unknown field": ("POST", "/api/v1/incidents/1/commands", {"text": "ack", "tekst": 1}, 422),
    "empty command": ("POST", "/api/v1/incidents/1/commands", {"text": " "}, 422),
    "command on nothing": ("POST", "/api/v1/incidents/1/commands", {"text": "ack"}, 404),
    "seconds for an instant": ("GET", "/api/v1/oncall?at=5", None, 422),
    "no zone": ("GET", "/api/v1/oncall?at=2026-03-03T03:00:00", None, 422),
    "the end of time": ("GET", "/api/v1/oncall?at=9999-12-31T23:59:59Z", None, 422),
    "no such schedule": ("GET", "/api/v1/oncall?schedule=none", None, 404),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_every_refusal_is_a_problem(world: World, case: str) -> None:
    method, path, body, expected = PROBLEMS[case]
    answer = world.client().request(method, path, **({} if body is None else {"json": body}))
    assert answer.status_code == expected
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == expected
    assert told["detail"]
    assert told["request_id"] == answer.headers["x-request-id"]


def test_405_names_every_method_of_the_path(world: World) -> None:
    assert world.client().put("/api/v1/incidents").headers["allow"] == "GET, POST"


def test_people_read_a_page_where_programs_read_a_problem(world: World) -> None:
    answer = world.client().get("/nope<b>", headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<b>" not in answer.text.partition("<main")[2].partition("</main>")[0].replace("<b>", "", 0)
    api = world.client().get("/api/v1/nope", headers={"accept": "text/html"})
    assert api.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("stated", [True, False])
def test_large_bodies_are_refused(world: World, stated: bool) -> None:
    large = b'{"text": "' + b"x" * BODY_LIMIT + b'"}'
    content = large if stated else iter([large[:1000], large[1000:]])
    answer = world.client().post(
        "/api/v1/incidents/1/commands", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "kind, body, status",
    [
        ("application/x-www-form-urlencoded", b"title=x", 415),
        ("text/plain", b'{"title": "x"}', 415),
        (None, b'{"title": "x"}', 415),
        ("application/json", b"[]", 422),
        ("application/json; charset=utf-8", b'{"title": "x"}', 201),
        ("application/json", b"", 422),
    ],
)
def test_a_body_that_is_not_said_to_be_json_is_told_so(
    world: World, kind: str | None, body: bytes, status: int
) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = world.client().post("/api/v1/incidents", content=body, headers=headers)
    assert answer.status_code == status
    assert ("application/json" in answer.json().get("detail", "")) is (status == 415)


def test_head_answers_like_get_without_a_body(world: World) -> None:
    answer = world.client().head("/health")
    assert (answer.status_code, answer.content) == (200, b"")


def test_what_fails_inside_shows_nothing_and_is_logged_with_its_id(
    world: World, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "password=hunter2 is wrong"
        raise RuntimeError(message)

    monkeypatch.setattr("incident_bot.flow.incident_list.page", broken)
    answer = world.client().get("/api/v1/incidents", headers={"x-request-id": "find-me"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text
    assert "content-security-policy" in answer.headers
    failures = [line for line in logged() if line["message"] == "request failed"]
    assert [line["request_id"] for line in failures] == ["find-me"]
    assert "hunter2" not in json.dumps(failures)
    assert "RuntimeError" in failures[0]["context"]["exception"]


def test_a_database_that_is_away_is_answered_503(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        message = "connection to 10.0.0.5 refused"
        raise IncidentBotError(message)

    monkeypatch.setattr("incident_bot.flow.queries.incidents", away)
    monkeypatch.setattr("incident_bot.flow.incident_list.page", away)
    answer = world.client().get("/api/v1/incidents")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "10.0.0.5" not in answer.text
    page = world.client().get("/", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["retry-after"]) == (503, "1")
    assert "The database does not answer" in page.text
    assert '<a class="button primary" href="/">Try again</a>' in page.text


def test_an_answer_that_has_begun_is_broken_off(world: World) -> None:
    """Nothing can be taken back then: the server must close the connection."""

    async def half(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        message = "half way"
        raise RuntimeError(message)

    async def call() -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_message: Message) -> None:
            return

        scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": None}
        await Frame(half, metrics=Metrics("0"))(scope, receive, send)

    with pytest.raises(RuntimeError, match="half way"):
        asyncio.run(call())


def test_requests_are_logged_and_counted_by_route(
    world: World, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    world.client().get("/api/v1/incidents/INC-9?as=alice", headers={"x-correlation-id": "story"})
    (line,) = [line for line in logged() if line["message"] == "request"]
    assert line["correlation_id"] == "story"
    assert line["context"]["path"] == "/api/v1/incidents/INC-9"
    assert line["context"]["actor"] == "alice"
    assert line["context"]["status"] == 404
    numbers = world.application.context.metrics.render().decode()
    wanted = 'http_requests_total{method="GET",route="/api/v1/incidents/{id}",status="404"} 1.0'
    assert wanted in numbers


def test_health_checks_do_not_fill_the_log(world: World, logged: Callable[[], list[dict[str, Any]]]) -> None:
    world.client().get("/health/live")
    assert [line for line in logged() if line["message"] == "request" and line["level"] == "info"] == []


def test_half_of_a_surrogate_pair_in_a_detail_costs_no_answer() -> None:
    body = json.loads(problems.encode(400, "no such name: \ud800", path="$.\udfff"))
    assert body["detail"] == "no such name: ?"


def test_a_head_leaves_the_scope_of_the_server_alone(world: World) -> None:
    """Uvicorn looks there for whether a body has to follow the length that is announced."""
    scope: Scope = {
        "type": "http", "method": "HEAD", "path": "/health", "raw_path": b"/health", "query_string": b"",
        "headers": [(b"host", b"localhost:8080")], "client": ("127.0.0.1", 1), "http_version": "1.1",
        "scheme": "http", "server": ("127.0.0.1", 80), "root_path": "",
    }  # fmt: skip
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        told.append(message)

    asyncio.run(world.application.app(scope, receive, send))
    assert scope["method"] == "HEAD"
    start, body = told
    assert (start["status"], body["body"]) == (200, b"")
    assert int(dict(start["headers"])[b"content-length"]) > 0


KINDS: Mapping[str, tuple[str, str, int]] = {
    "a page": ("GET", "/", 200),
    "a page for whoever is nobody yet": ("GET", "/sign-in", 303),
    "an asset": ("GET", "/static/console.css", 200),
    "a redirect": ("GET", "/favicon.ico", 303),
    "the API": ("GET", "/api/v1/incidents", 200),
    "no such thing": ("GET", "/nope", 404),
    "no such method": ("DELETE", "/", 405),
    "a wrong form": ("POST", "/settings/tokens", 409),
    "an export": ("GET", "/settings/audit.csv", 200),
    "numbers": ("GET", "/metrics", 200),
    "a head": ("HEAD", "/incidents", 200),
    "too much": ("POST", "/api/v1/incidents", 413),
}


def test_the_headers_stand_on_every_kind_of_answer(make_world: Callable[..., World]) -> None:
    open_, behind_https = make_world(), make_world(public_url="https://bot.example.com")
    for case, (method, path, status) in KINDS.items():
        body = b"x" * (BODY_LIMIT + 1) if status == 413 else None
        for world, transport in ((open_, None), (behind_https, "max-age=31536000")):
            answer = world.client().request(method, path, content=body)
            assert answer.status_code == status, case
            headers = answer.headers
            assert headers.get("strict-transport-security") == transport, case
            assert "default-src 'none'" in headers["content-security-policy"], case
            assert "frame-ancestors 'none'" in headers["content-security-policy"], case
            for name, value in (
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("cross-origin-opener-policy", "same-origin"),
                ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
            ):
                assert headers[name] == value, (case, name)
            assert headers["referrer-policy"] in {"no-referrer", "same-origin"}, case
