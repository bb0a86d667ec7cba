"""The intake door against everything that may knock: credentials, types, sizes, encodings, methods, slashes."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from starlette.types import Message

from incident_bot.entrypoints.ingest import BODY_LIMIT, IntakeDoor
from tests.entrypoints.conftest import World, delivery

DOOR = "/webhooks/alertmanager"
GOOD = json.dumps(delivery()).encode()
JSON = {"content-type": "application/json"}


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def is_problem(answer: Any) -> bool:
    body = answer.json()
    return (
        answer.headers["content-type"] == "application/problem+json"
        and body["status"] == answer.status_code
        and len(answer.content) < 600
        and {"type", "title", "detail"} <= body.keys()
    )


def test_a_delivery_is_answered_with_what_became_of_it(world: World) -> None:
    answer = world.client().post(DOOR, json=delivery())
    assert (answer.status_code, answer.json()) == (
        200,
        {"delivery": 1, "alerts": 1, "duplicate": False, "rejected": 0},
    )
    again = world.client().post(DOOR, json=delivery())
    assert again.json()["duplicate"] is True


def test_a_trailing_slash_is_the_same_route(world: World) -> None:
    assert world.client().post(DOOR + "/", json=delivery()).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW"])
def test_other_methods_are_refused_with_allow(world: World, method: str) -> None:
    answer = world.client().request(method, DOOR)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks",
        "/webhooks/",
        "/webhooks/nosuch",
        "/webhooks/alertmanager/more",
        "/webhooks//alertmanager",
        "/webhooks/Alertmanager",
        "/webhooks/%2e%2e",
        "/webhooks/" + "x" * 5000,
        "/webhooks/%00",
        "/webhooks/<script>",
    ],
)
def test_unknown_sources_are_answered_with_the_known_ones(world: World, path: str) -> None:
    answer = world.client().post(path, json=delivery())
    assert answer.status_code == 404
    assert is_problem(answer)
    assert "/webhooks/alertmanager" in answer.json()["detail"]
    assert "<script>" not in answer.text


def test_a_path_that_only_begins_alike_is_not_the_door(world: World) -> None:
    assert "nothing at /webhooksx" in world.client().post("/webhooksx", json={}).json()["detail"]


CREDENTIALS: Mapping[str, tuple[str | bytes | None, int]] = {
    "none": (None, 401),
    "bearer in Latin-1": ("Bearer ingest:sécret".encode("latin-1"), 200),
    "bearer in UTF-8": ("Bearer ingest:sécret".encode(), 200),
    "bearer of another token": ("Bearer api-secret-token", 401),
    "empty bearer": ("Bearer ", 401),
    "bearer alone": ("Bearer", 401),
    "basic with the token as password": (basic("anything", "ingest:sécret"), 200),
    "basic without a user": (basic("", "ingest:sécret"), 200),
    "basic with the token as user": (basic("ingest", "sécret"), 401),
    "basic with half of the password": (basic("x", "ingest"), 401),
    "basic that is not base64": ("Basic ???", 401),
    "basic without a colon": ("Basic " + base64.b64encode(b"ingest").decode(), 401),
    "basic that is not UTF-8": ("Basic " + base64.b64encode(b"x:\xff\xfe").decode(), 401),
    "digest": ('Digest username="x"', 401),
    "very long": ("Bearer " + "x" * 30_000, 401),
}


@pytest.mark.parametrize("case", CREDENTIALS)
def test_credentials(guarded: World, case: str) -> None:
    authorization, expected = CREDENTIALS[case]
    given = authorization.encode() if isinstance(authorization, str) else authorization
    headers = {} if given is None else {b"authorization": given}
    answer = guarded.client().post(DOOR, json=delivery(), headers=headers)
    assert answer.status_code == expected
    if expected == 401:
        assert is_problem(answer)
        assert "Bearer" in answer.headers["www-authenticate"]
        assert "sécret" not in answer.text
        assert "secret" not in answer.text


def test_a_bearer_token_opens(make_world: Callable[..., World]) -> None:
    world = make_world(ingest_token="plain-token")
    answer = world.client(peer="203.0.113.9", host="bot.example.com").post(
        DOOR, json=delivery(), headers={"authorization": "bearer plain-token"}
    )
    assert answer.status_code == 200


def test_a_source_may_have_a_token_of_its_own(guarded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_GUARDED_TOKEN", "its-own")
    client = guarded.client()
    common = {"authorization": basic("x", "ingest:sécret")}
    own = {"authorization": "Bearer its-own"}
    assert client.post("/webhooks/guarded", json=delivery(), headers=common).status_code == 401
    assert client.post("/webhooks/guarded", json=delivery(), headers=own).status_code == 200
    assert client.post(DOOR, json=delivery(), headers=own).status_code == 401


LOCAL: Mapping[str, tuple[str, str, Mapping[str, str], int]] = {
    "this machine": ("127.0.0.1", "localhost:8080", {}, 200),
    "this machine, version 6": ("::1", "[::1]:8080", {}, 200),
    "this machine, mapped": ("::ffff:127.0.0.1", "127.0.0.1", {}, 200),
    "elsewhere": ("203.0.113.9", "localhost:8080", {}, 403),
    "elsewhere, version 6": ("2001:db8::1", "localhost", {}, 403),
    "a rebound name": ("127.0.0.1", "evil.example.com", {}, 403),
    "a name that begins well": ("127.0.0.1", "localhost.evil.example.com", {}, 403),
    "an address in a name": ("127.0.0.1", "127.0.0.1.nip.io", {}, 403),
    "a page of another site": ("127.0.0.1", "localhost:8080", {"origin": "https://evil.example.com"}, 403),
    "another port of this machine": ("127.0.0.1", "localhost:8080", {"origin": "http://localhost:3000"}, 403),
    "a browser says so": ("127.0.0.1", "localhost:8080", {"sec-fetch-site": "cross-site"}, 403),
    "the same site is not the same origin": ("127.0.0.1", "localhost", {"sec-fetch-site": "same-site"}, 403),
    "a hidden origin": ("127.0.0.1", "localhost", {"origin": "null"}, 403),
    "through a proxy": ("127.0.0.1", "localhost", {"x-forwarded-for": "203.0.113.9"}, 403),
}


@pytest.mark.parametrize("case", LOCAL)
def test_without_a_token_only_this_machine_may_deliver(world: World, case: str) -> None:
    peer, host, headers, expected = LOCAL[case]
    answer = world.client(peer=peer, host=host).post(DOOR, json=delivery(), headers=headers)
    assert answer.status_code == expected
    if expected == 403:
        assert is_problem(answer)
        assert "INCIDENT_BOT_INGEST_TOKEN" in answer.json()["detail"]


TYPES: Mapping[str, tuple[str | None, int]] = {
    "json": ("application/json", 200),
    "with a charset": ("application/json; charset=utf-8", 200),
    "in capitals, quoted": ('Application/JSON;charset="UTF-8"', 200),
    "other parameters": ("application/json; profile=x; charset=utf8", 200),
    "latin": ("application/json; charset=iso-8859-1", 415),
    "none": (None, 415),
    "text": ("text/plain", 415),
    "form": ("application/x-www-form-urlencoded", 415),
    "nearly": ("application/jsonp", 415),
    "nonsense": (";;;", 415),
}


@pytest.mark.parametrize("case", TYPES)
def test_content_types(world: World, case: str) -> None:
    content_type, expected = TYPES[case]
    headers = {} if content_type is None else {"content-type": content_type}
    answer = world.client().post(DOOR, content=GOOD, headers=headers)
    assert answer.status_code == expected
    assert expected == 200 or is_problem(answer)


ENCODED: Mapping[str, tuple[str, bytes, int]] = {
    "gzip": ("gzip", gzip.compress(GOOD), 200),
    "gzip by its old name": ("x-gzip", gzip.compress(GOOD), 200),
    "identity": ("identity", GOOD, 200),
    "two members": ("gzip", gzip.compress(GOOD[:50]) + gzip.compress(GOOD[50:]), 200),
    "not gzip at all": ("gzip", GOOD, 400),
    "cut off": ("gzip", gzip.compress(GOOD)[:-9], 400),
    "nothing": ("gzip", b"", 400),
    "damaged": ("gzip", gzip.compress(GOOD)[:20] + b"\xff" * 30, 400),
    "rubbish behind it": ("gzip", gzip.compress(GOOD) + b"rubbish", 400),
    "zlib without the gzip frame": ("gzip", zlib.compress(GOOD), 400),
    "deflate": ("deflate", zlib.compress(GOOD), 415),
    "brotli": ("br", GOOD, 415),
    "gzip twice": ("gzip, gzip", gzip.compress(gzip.compress(GOOD)), 415),
    "a bomb": ("gzip", gzip.compress(b" " * (200 * 1024 * 1024)), 413),
    "one byte too much": ("gzip", gzip.compress(b" " * (BODY_LIMIT + 1)), 413),
}


@pytest.mark.parametrize("case", ENCODED)
def test_encodings(world: World, case: str) -> None:
    encoding, body, expected = ENCODED[case]
    answer = world.client().post(DOOR, content=body, headers={**JSON, "content-encoding": encoding})
    assert answer.status_code == expected
    assert expected == 200 or is_problem(answer)


BODIES: Mapping[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "not JSON": (b"{", 400),
    "not an object": (b"[]", 400),
    "another shape": (b'{"alerts": 3}', 400),
    "not UTF-8": (b'{"a": "\xff\xfe"}', 400),
    "NaN": (b'{"alerts": NaN}', 400),
    "deep": (b"[" * 100_000 + b"]" * 100_000, 400),
    "exactly the limit": (b" " * (BODY_LIMIT - len(GOOD)) + GOOD, 200),
    "one byte more": (b" " * (BODY_LIMIT - len(GOOD) + 1) + GOOD, 413),
}


@pytest.mark.parametrize("case", BODIES)
def test_bodies(world: World, case: str) -> None:
    body, expected = BODIES[case]
    answer = world.client().post(DOOR, content=body, headers=JSON)
    assert answer.status_code == expected
    if expected != 200:
        assert is_problem(answer)
    if expected == 400:
        assert answer.json()["path"].startswith("$")


def test_a_full_queue_is_answered_503_and_never_429(world: World) -> None:
    world.application.intake.stop()
    answer = world.client().post(DOOR, json=delivery())
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert is_problem(answer)


def test_ids_are_taken_over_and_given_back(world: World) -> None:
    sent = {"x-request-id": "from-the-proxy", "x-correlation-id": "a story"}
    answer = world.client().post(DOOR, json=delivery(), headers=sent)
    assert (answer.headers["x-request-id"], answer.headers["x-correlation-id"]) == (
        "from-the-proxy",
        "a story",
    )
    refused = world.client().put(DOOR, headers={"x-request-id": "x" * 129})
    assert len(refused.headers["x-request-id"]) == 16
    assert refused.json()["request_id"] == refused.headers["x-request-id"]


def test_refusals_are_counted_by_result(guarded: World) -> None:
    guarded.client().post(DOOR, json=delivery())
    guarded.client().post("/webhooks/nosuch", json=delivery())
    numbers = guarded.application.context.metrics.render().decode()
    assert 'deliveries_total{result="unauthorized",source="alertmanager"} 1.0' in numbers
    assert 'deliveries_total{result="unknown_source",source="unknown"} 1.0' in numbers


class Caller:
    """A raw ASGI client, for what a polite one never does."""

    def __init__(self, messages: list[Message]) -> None:
        self.messages = messages
        self.sent: list[Message] = []
        self.asked = 0
        self.read = asyncio.Event()

    async def receive(self) -> Message:
        self.asked += 1
        self.read.set()
        return self.messages.pop(0)

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    def call(self, world: World, *headers: tuple[bytes, bytes], path: str = DOOR) -> int | None:
        scope = {
            "type": "http", "method": "POST", "path": path, "client": ("127.0.0.1", 1),
            "headers": [(b"host", b"localhost"), (b"content-type", b"application/json"), *headers],
        }  # fmt: skip
        asyncio.run(world.application.app(scope, self.receive, self.send))
        return self.sent[0]["status"] if self.sent else None


def body(content: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": content, "more_body": more}


def test_a_body_in_pieces_is_one_delivery(world: World) -> None:
    caller = Caller([body(GOOD[:10], more=True), body(b"", more=True), body(GOOD[10:])])
    assert caller.call(world) == 200


def test_a_stream_beyond_the_limit_is_cut_off_early(world: World) -> None:
    piece = b" " * (1024 * 1024)
    caller = Caller([body(piece, more=True) for _ in range(50)])
    assert caller.call(world) == 413
    assert caller.asked == 6
    assert (b"connection", b"close") in caller.sent[0]["headers"]


def test_a_stated_length_beyond_the_limit_is_refused_unread(world: World) -> None:
    caller = Caller([])
    assert caller.call(world, (b"content-length", str(BODY_LIMIT + 1).encode())) == 413
    assert caller.asked == 0


def test_bad_credentials_are_refused_unread(guarded: World) -> None:
    caller = Caller([])
    assert caller.call(guarded, (b"authorization", b"Bearer \xff\xfe")) == 401
    assert caller.asked == 0


def test_a_client_that_leaves_before_the_end_is_not_answered_and_nothing_is_stored(world: World) -> None:
    caller = Caller([body(GOOD[:10], more=True), {"type": "http.disconnect"}])
    assert caller.call(world) is None
    assert world.client().get("/api/v1/alerts").json()["items"] == []


def test_a_client_that_leaves_after_the_end_loses_nothing(world: World) -> None:
    """The waiting task is cancelled, as a server does with a lost connection; the body is stored all the same."""

    async def leave() -> None:
        scope = {
            "type": "http", "method": "POST", "path": DOOR, "client": ("127.0.0.1", 1),
            "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        }  # fmt: skip
        caller = Caller([body(GOOD)])
        task = asyncio.ensure_future(world.application.app(scope, caller.receive, caller.send))
        await caller.read.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    world.application.intake.stop()
    assert len(world.client().get("/api/v1/alerts").json()["items"]) == 1


def test_what_breaks_inside_is_answered_503_without_a_word_about_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_source: str, _body: bytes) -> None:
        message = "secret inside"
        raise RuntimeError(message)

    monkeypatch.setattr(world.application.intake, "submit", broken)
    answer = world.client().post(DOOR, json=delivery())
    assert answer.status_code == 503
    assert "inside" not in answer.text


def test_the_door_stands_in_front_of_the_frame(world: World) -> None:
    outermost: object = world.application.app.user_middleware[0].cls
    assert outermost is IntakeDoor
