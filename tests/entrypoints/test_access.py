"""Who is let in, as whom they act, and how far they reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import SimpleNamespace

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from incident_bot.entrypoints.auth import SESSION_COOKIE, refuse_to_bind
from incident_bot.entrypoints.loopback import is_loopback
from incident_bot.flow import access
from tests.entrypoints.conftest import START, World

TOKEN = {"authorization": "Bearer api-secret-token"}

LOCAL: Mapping[str, tuple[str, str, Mapping[str, str], int]] = {
    "this machine": ("127.0.0.1", "localhost:8080", {}, 200),
    "this machine by address": ("127.0.0.1", "127.0.0.1:9", {}, 200),
    "this machine, version 6": ("::1", "[::1]:8080", {}, 200),
    "our own page": ("127.0.0.1", "localhost:8080", {"sec-fetch-site": "same-origin"}, 200),
    "typed or bookmarked": ("127.0.0.1", "localhost:8080", {"sec-fetch-site": "none"}, 200),
    "our own origin": ("127.0.0.1", "localhost:8080", {"origin": "http://localhost:8080"}, 200),
    "our page, origin hidden": (
        "127.0.0.1",
        "localhost",
        {"sec-fetch-site": "same-origin", "origin": "null"},
        200,
    ),
    "elsewhere": ("203.0.113.9", "localhost:8080", {}, 403),
    "a rebound name": ("127.0.0.1", "evil.example.com", {}, 403),
    "a name that ends well": ("127.0.0.1", "evil.localhost", {}, 403),
    "another site": ("127.0.0.1", "localhost:8080", {"sec-fetch-site": "cross-site"}, 403),
    "another port": ("127.0.0.1", "localhost:8080", {"sec-fetch-site": "same-site"}, 403),
    "another origin": ("127.0.0.1", "localhost:8080", {"origin": "https://evil.example.com"}, 403),
    "a hidden origin": ("127.0.0.1", "localhost:8080", {"origin": "null"}, 403),
    "through a proxy": ("127.0.0.1", "localhost:8080", {"x-forwarded-for": "1.2.3.4"}, 403),
}


def far_away(world: World, headers: Mapping[str, str] | None = None) -> TestClient:
    """Somebody on another machine, with a browser: it says where its forms stand."""
    own = {"origin": "http://bot.example.com", **(headers or {})}
    return world.client(peer="203.0.113.9", host="bot.example.com", headers=own)


@pytest.mark.parametrize("path", ["/api/v1/incidents", "/"])
@pytest.mark.parametrize("case", LOCAL)
def test_without_a_token_only_this_machine_is_let_in(world: World, case: str, path: str) -> None:
    peer, host, headers, expected = LOCAL[case]
    assert world.client(peer=peer, host=host).get(path, headers=headers).status_code == expected


def test_a_link_from_another_site_is_refused_with_a_way_on(world: World) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "accept": "text/html"}
    answer = world.client().get("/incidents", headers=headers)
    assert answer.status_code == 403
    assert 'href="/incidents"' in answer.text


WITH_TOKEN: Mapping[str, tuple[Mapping[str, str], int]] = {
    "none": ({}, 401),
    "the token": (TOKEN, 200),
    "lower case": ({"authorization": "bearer api-secret-token"}, 200),
    "the ingest token": ({"authorization": "Bearer ingest:sécret"}, 401),
    "nearly": ({"authorization": "Bearer api-secret-tokeN"}, 401),
    "a made-up cookie": ({"cookie": f"{SESSION_COOKIE}=9999999999..deadbeef"}, 401),
    "a hostile cookie": ({"cookie": f"{SESSION_COOKIE}=a.b.c.d"}, 401),
}


@pytest.mark.parametrize("far", [True, False])
@pytest.mark.parametrize("case", WITH_TOKEN)
def test_with_a_token_everybody_needs_it(guarded: World, case: str, far: bool) -> None:
    headers, expected = WITH_TOKEN[case]
    encoded = {name.encode(): value.encode() for name, value in headers.items()}
    client = far_away(guarded) if far else guarded.client()
    answer = client.get("/api/v1/incidents", headers=encoded)
    assert answer.status_code == expected
    if expected == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "secret" not in answer.text


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/metrics", "/openapi.json"])
def test_what_machines_watch_stays_open(guarded: World, path: str) -> None:
    assert far_away(guarded).get(path).status_code == 200


def test_stored_tokens_reach_as_far_as_their_scopes(guarded: World) -> None:
    context = guarded.application.context
    secret = access.create_token(context, "dashboard", frozenset({"read"}), by="operator", now=START)
    client = far_away(guarded, headers={"authorization": f"Bearer {secret}"})
    assert client.get("/api/v1/incidents").status_code == 200
    refused = client.post("/api/v1/incidents", json={"title": "x"})
    assert refused.status_code == 403
    assert "write" in refused.json()["detail"]
    assert client.post("/-/reload").status_code == 403
    access.revoke_token(context, access.tokens(context)[0].id, by="operator", now=START)
    assert client.get("/api/v1/incidents").status_code == 401


@pytest.mark.parametrize(
    "scope, reads, acts, tells, keeps",
    [
        ("read", 200, 403, 403, 403),
        ("write", 200, 201, 201, 403),
        ("changes", 403, 403, 201, 403),
        ("admin", 200, 201, 201, 200),
    ],
)
def test_a_scope_holds_the_lesser_ones(
    guarded: World, scope: str, reads: int, acts: int, tells: int, keeps: int
) -> None:
    context = guarded.application.context
    secret = access.create_token(context, scope, frozenset({scope}), by="operator", now=START)
    client = far_away(guarded, headers={"authorization": f"Bearer {secret}"})
    assert client.get("/api/v1/incidents").status_code == reads
    assert client.post("/api/v1/incidents", json={"title": "x"}).status_code == acts
    assert client.post("/api/v1/changes", json={"what": "deployed"}).status_code == tells
    assert client.post("/-/reload").status_code == keeps


def test_a_stored_token_alone_closes_the_loopback_door(world: World) -> None:
    assert world.client().get("/api/v1/incidents").status_code == 200
    access.create_token(world.application.context, "ci", frozenset({"read"}), by="operator", now=START)
    assert world.client().get("/api/v1/incidents").status_code == 401


ACTORS: Mapping[str, tuple[Mapping[str, str], str, Mapping[str, str], int, str | None]] = {
    "nobody named": ({}, "", {}, 200, "automation"),
    "by header": ({"x-actor": "alice"}, "", {}, 200, "alice"),
    "by query": ({}, "?as=alice", {}, 200, "alice"),
    "by body": ({}, "", {"actor": "alice"}, 200, "alice"),
    "body over header": ({"x-actor": "bob"}, "", {"actor": "alice"}, 200, "alice"),
    "unknown": ({"x-actor": "mallory"}, "", {}, 404, None),
    "no longer here": ({}, "", {"actor": "gone"}, 404, None),
}


@pytest.mark.parametrize("case", ACTORS)
def test_a_program_may_act_as_a_known_person(guarded: World, case: str) -> None:
    headers, query, body, expected, actor = ACTORS[case]
    client = far_away(guarded, headers=TOKEN)
    client.post("/api/v1/incidents", json={"title": "Checkout is slow"})
    answer = client.post(
        f"/api/v1/incidents/1/commands{query}", json={"text": "ack", **body}, headers=dict(headers)
    )
    assert answer.status_code == expected
    taken_by = client.get("/api/v1/incidents/1").json()["acknowledged_by"]
    assert taken_by == actor


def test_the_local_operator_has_a_name(world: World) -> None:
    world.client().post("/api/v1/incidents", json={"title": "Checkout is slow"})
    assert world.client().get("/api/v1/incidents/1").json()["opened_by"] == "operator"


class TestSignIn:
    def test_the_console_asks_who_is_there(self, guarded: World) -> None:
        answer = far_away(guarded).get("/incidents")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?next=/incidents"

    def test_a_link_in_a_chat_is_asked_again_by_our_own_page(self, guarded: World) -> None:
        headers = {"sec-fetch-site": "cross-site"}
        answer = far_away(guarded).get("/incidents", headers=headers)
        assert answer.status_code == 200
        assert 'http-equiv="refresh"' in answer.text

    def test_the_right_token_opens_console_and_api(self, guarded: World) -> None:
        client = far_away(guarded)
        assert client.get("/sign-in").status_code == 200
        answer = client.post("/sign-in", data={"token": "api-secret-token", "next": "/oncall"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/oncall")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "api-secret-token" not in cookie
        assert client.get("/").status_code == 200
        assert client.get("/api/v1/incidents").status_code == 200

    def test_the_cookie_is_secure_behind_https(self, make_world: Callable[..., World]) -> None:
        world = make_world(api_token="t", public_url="https://bot.example.com")
        assert "Secure" in world.client().post("/sign-in", data={"token": "t"}).headers["set-cookie"]

    @pytest.mark.parametrize("token", ["", "wrong", "api-secret-token2", "ingest:sécret"])
    def test_a_wrong_token_does_not(self, guarded: World, token: str) -> None:
        answer = far_away(guarded).post("/sign-in", data={"token": token})
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        assert not token or token not in answer.text

    @pytest.mark.parametrize(
        "next_page", ["https://evil.example.com", "//evil.example.com", "/\\evil", "javascript:x"]
    )
    def test_it_never_leads_away(self, guarded: World, next_page: str) -> None:
        data = {"token": "api-secret-token", "next": next_page}
        assert far_away(guarded).post("/sign-in", data=data).headers["location"] == "/"

    def test_another_site_cannot_sign_anybody_in(self, guarded: World) -> None:
        headers = {"origin": "https://evil.example.com"}
        data = {"token": "api-secret-token"}
        assert far_away(guarded).post("/sign-in", data=data, headers=headers).status_code == 403

    def test_a_session_ends_after_a_month(self, guarded: World) -> None:
        client = far_away(guarded)
        client.post("/sign-in", data={"token": "api-secret-token"})
        guarded.clock.advance(timedelta(days=29, hours=23))
        assert client.get("/").status_code == 200
        guarded.clock.advance(timedelta(hours=2))
        assert client.get("/").status_code == 303

    def test_a_session_of_a_stored_token_ends_with_it_and_keeps_its_scopes(self, guarded: World) -> None:
        context = guarded.application.context
        secret = access.create_token(
            context, access.AUTOMATION, frozenset({"read"}), by="operator", now=START
        )
        client = far_away(guarded)
        client.post("/sign-in", data={"token": secret})
        assert client.get("/").status_code == 200
        assert client.post("/api/v1/incidents", json={"title": "x"}).status_code == 403
        access.revoke_token(context, access.tokens(context)[0].id, by="operator", now=START)
        assert client.get("/").status_code == 303

    def test_signing_out_forgets(self, guarded: World) -> None:
        client = far_away(guarded)
        client.post("/sign-in", data={"token": "api-secret-token"})
        client.post("/sign-out")
        assert client.get("/").status_code == 303

    def test_whoever_may_only_read_signs_out_too(self, guarded: World) -> None:
        context = guarded.application.context
        secret = access.create_token(context, "screen", frozenset({"read"}), by="operator", now=START)
        client = far_away(guarded)
        client.post("/sign-in", data={"token": secret})
        assert client.post("/incidents/1/commands", data={"text": "ack"}).status_code == 403
        assert client.post("/sign-out").status_code == 303
        assert client.get("/").status_code == 303

    def test_another_site_cannot_act_with_the_cookie(self, guarded: World) -> None:
        client = far_away(guarded)
        client.post("/sign-in", data={"token": "api-secret-token"})
        for headers in ({"origin": "https://evil.example.com"}, {"sec-fetch-site": "cross-site"}):
            assert client.post("/api/v1/incidents", json={"title": "x"}, headers=headers).status_code == 403
            assert client.post("/me", data={"person": "alice"}, headers=headers).status_code == 403

    def test_actions_carry_the_chosen_name(self, guarded: World) -> None:
        client = far_away(guarded)
        client.post("/sign-in", data={"token": "api-secret-token"})
        assert "Alice Example" in client.get("/me").text
        assert "Gone Away" not in client.get("/me").text
        assert client.post("/me", data={"person": "mallory"}).status_code == 404
        assert client.post("/me", data={"person": "alice"}).status_code == 303
        assert "Alice Example" in client.get("/").text
        client.post("/api/v1/incidents", json={"title": "Checkout is slow"})
        assert client.get("/api/v1/incidents/1").json()["opened_by"] == "alice"

    def test_without_a_token_there_is_nothing_to_sign_in_to(self, world: World) -> None:
        assert world.client().get("/sign-in").headers["location"] == "/"


BINDINGS: Mapping[str, tuple[str, str | None, bool, bool]] = {
    "loopback": ("127.0.0.1", None, False, True),
    "loopback by name": ("localhost", None, False, True),
    "loopback, version 6": ("::1", None, False, True),
    "everywhere": ("0.0.0.0", None, False, False),  # noqa: S104 -- that is the question
    "everywhere, version 6": ("::", None, False, False),
    "a name": ("bot.example.com", None, False, False),
    "everywhere with a token": ("0.0.0.0", "t", False, True),  # noqa: S104 -- as above
    "everywhere with stored tokens": ("0.0.0.0", None, True, True),  # noqa: S104 -- as above
}


@pytest.mark.parametrize("case", BINDINGS)
def test_it_refuses_to_listen_where_everybody_could_act(case: str) -> None:
    host, token, stored, allowed = BINDINGS[case]
    settings = SimpleNamespace(
        host=host, api_token=SecretStr(token) if token else None, sign_in_configured=False
    )
    said = refuse_to_bind(settings, stored_tokens=stored)
    assert (said is None) is allowed
    assert allowed or (said is not None and "INCIDENT_BOT_API_TOKEN" in said)
    settings.sign_in_configured = True
    assert refuse_to_bind(settings, stored_tokens=stored) is None


@pytest.mark.parametrize(
    "host, expected",
    [
        ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("[::1]", True), ("LocalHost", True),
        ("::ffff:127.0.0.1", True), ("", False), ("10.0.0.1", False), ("localhost.example.com", False),
        ("192.168.0.1", False), ("testclient", False), ("127.0.0.1.nip.io", False), ("2130706433", False),
    ],
)  # fmt: skip
def test_what_counts_as_this_machine(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
