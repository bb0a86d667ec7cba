"""Each route asks for something, and who may not is told what is missing: every role at the real doors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.testclient import TestClient

from incident_bot.core.access import Role
from incident_bot.entrypoints import desk, sheet
from incident_bot.entrypoints.permits import PERMITS, PUBLIC
from incident_bot.flow import sessions
from incident_bot.flow.sessions import Opening
from tests.entrypoints.conftest import World, delivery

ASKING = {sheet.visitor, desk.reader, desk.writer, desk.pipeline, desk.operator}
TOKEN = {"authorization": "Bearer api-secret-token"}
ROLES = """
default: viewer
roles:
  alice: {platform: responder}
  bob: {platform: manager, "*": viewer}
  ada: admin
"""
PEOPLE = """
people:
  alice: {name: Alice Example, time_zone: Europe/Berlin}
  bob: {name: Bob}
  ada: {name: Ada}
  eve: {name: Eve}
  gone: {name: Gone Away, active: false}
"""
TEAMS = """
teams:
  platform: {services: [checkout]}
  web: {schedule: web}
"""


WEB = """
schedule: web
time_zone: Europe/Berlin
layers:
  - {name: week, priority: 10, turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}, people: [[ada]]}
"""


def test_every_route_asks_for_something_or_says_why_not(world: World) -> None:
    found = dict(_routes(world))
    silent = {name for name, asks in found.items() if not asks and name not in PUBLIC}
    assert not silent, (
        f"depend on Reader, Writer, Visitor …, or stand in permits.PUBLIC with a reason: {silent}"
    )
    assert not {name for name in PUBLIC if found.get(name)}, "public routes that ask for something"
    gone = (PUBLIC.keys() | PERMITS.keys()) - found.keys()
    assert not gone, f"permits.py names routes that are not there: {gone}"
    assert len(found) > 80


def _routes(world: World) -> Iterator[tuple[str, bool]]:
    def every(routes: list[BaseRoute]) -> Iterator[BaseRoute]:
        for route in routes:
            inner = getattr(route, "original_router", None)
            yield from every(inner.routes) if inner is not None else [route]

    for route in every(list(world.application.app.routes)):
        asks = isinstance(route, APIRoute) and bool(ASKING & set(_calls(route.dependant)))
        for method in sorted((getattr(route, "methods", None) or {"MOUNT"}) - {"HEAD"}):
            yield f"{method} {getattr(route, 'path', route)}", asks


def _calls(dependant: Dependant) -> Iterator[Any]:
    for one in dependant.dependencies:
        yield one.call
        yield from _calls(one)


@pytest.fixture
def ruled(guarded: World) -> World:
    """Roles by file, one open incident of the team platform, whose pages went to bob as the last resort."""
    for name, text in (("access", ROLES), ("people", PEOPLE), ("teams", TEAMS), ("schedules/web", WEB)):
        (guarded.directory / f"rotations/{name}.yaml").write_text(text)
    answer = guarded.application.context.live.reload(now=guarded.clock.now())
    assert answer.ok, answer.problems
    headers = [(b"authorization", "Bearer ingest:sécret".encode())]
    assert (
        guarded.client().post("/webhooks/alertmanager", json=delivery(), headers=headers).status_code == 200
    )
    guarded.pump()
    return guarded


def browser(world: World, person: str | None, *, role: Role | None = None, how: str = "oidc") -> TestClient:
    """Somebody who is signed in."""
    context = world.application.context
    with context.store.write() as tx:
        opening = Opening(person=person, role=role, how=how)
        secret = sessions.open_session(context, tx, opening, now=world.clock.now())
    headers = {"origin": "http://bot.example.com"}
    client = world.client(peer="203.0.113.9", host="bot.example.com", headers=headers)
    client.cookies.set("incident_bot_session", secret)
    return client


def _ack(client: TestClient) -> Any:
    return client.post("/api/v1/incidents/1/commands", json={"text": "note seen"})


# What is asked, and to whom it is given: eve is a viewer, alice and bob a responder and a manager, ada an admin.
Asked = Callable[[TestClient], Any]
ASKED: dict[str, tuple[Asked, str]] = {
    "read": (lambda one: one.get("/api/v1/incidents/1"), "eve alice bob ada"),
    "look at a page": (lambda one: one.get("/incidents/1"), "eve alice bob ada"),
    "act by command": (_ack, "alice bob ada"),
    "declare": (lambda one: one.post("/api/v1/incidents", json={"title": "x"}), "alice bob ada"),
    "act by form": (
        lambda one: one.post("/incidents/1/commands", data={"text": "note x", "back": "1"}),
        "alice bob ada",
    ),
    "another team's schedule": (
        lambda one: one.post(
            "/api/v1/schedules/web/overrides",
            json={"cover": ["ada"], "end": "2026-03-04T00:00:00Z"},
        ),
        "ada",
    ),
    "a form about another team's schedule": (
        lambda one: one.post("/oncall/web/overrides/9/end", data={}),
        "ada",
    ),
    "another team's schedule in words": (
        lambda one: one.post("/api/v1/oncall/commands", json={"text": "override @ada 10:00 12:00 web"}),
        "ada",
    ),
    "another team's schedule in words on a page": (
        lambda one: one.post("/oncall/commands", data={"text": "override @ada 10:00 12:00 web"}),
        "ada",
    ),
    "another team's schedule in words on its page": (
        lambda one: one.post("/oncall/web/commands", data={"text": "override @ada 10:00 12:00"}),
        "ada",
    ),
    "a post-mortem": (
        lambda one: one.put(
            "/api/v1/incidents/1/postmortem", content="# x", headers={"content-type": "text/markdown"}
        ),
        "alice bob ada",
    ),
    "reload": (lambda one: one.post("/-/reload"), "ada"),
    "maintenance": (
        lambda one: one.post(
            "/api/v1/maintenance", json={"matchers": ['a="b"'], "end": "2026-03-04T00:00:00Z", "reason": "x"}
        ),
        "alice bob ada",
    ),
}


@pytest.mark.parametrize("what", ASKED)
def test_what_a_role_does_not_reach_is_refused_with_what_is_missing(ruled: World, what: str) -> None:
    ask, allowed = ASKED[what]
    for person in ("eve", "alice", "bob", "ada"):
        answer = ask(browser(ruled, person))
        may = person in allowed.split()
        # A form shows what the command said on its page, with 409.
        assert (answer.status_code in (403, 409)) is not may, (person, answer.status_code, answer.text[-500:])
        assert answer.status_code != 500
        if not may:
            assert "This needs the role" in answer.text
            assert "Ask ada to give it in rotations/access.yaml" in answer.text


def test_who_was_paged_may_acknowledge_whatever_their_role(ruled: World) -> None:
    paged = browser(ruled, "ada").get("/api/v1/incidents/1/pages").json()["items"][0]["person"]
    (ruled.directory / "rotations/access.yaml").write_text("default: viewer\nroles: {ada: admin}\n")
    assert ruled.application.context.live.reload(now=ruled.clock.now()).ok
    client = browser(ruled, paged)
    refused = client.post("/api/v1/incidents/1/commands", json={"text": "resolve it is over"})
    assert refused.status_code == 403
    assert "responder for the team platform" in refused.json()["detail"]
    assert client.post("/api/v1/incidents/1/commands", json={"text": "ack"}).status_code == 200
    assert browser(ruled, "eve").post("/api/v1/incidents/1/commands", json={"text": "ack"}).status_code == 403


def test_without_the_file_everybody_known_acts_as_before(guarded: World) -> None:
    client = browser(guarded, "alice")
    assert client.post("/api/v1/incidents", json={"title": "x"}).status_code == 201
    assert client.post("/api/v1/incidents/1/commands", json={"text": "ack"}).status_code == 200
    assert client.get("/api/v1/incidents/1").json()["acknowledged_by"] == "alice"
    assert client.post("/-/reload").status_code == 403


def test_whoever_signed_in_is_themselves_and_nobody_else(guarded: World) -> None:
    client = browser(guarded, "alice")
    client.cookies.set("incident_bot_person", "bob")
    made = client.post("/api/v1/incidents", json={"title": "x"})
    assert made.json()["incident"]["opened_by"] == "alice"
    for answer in (
        client.post("/api/v1/incidents", json={"title": "x", "actor": "bob"}),
        client.get("/api/v1/incidents", headers={"x-actor": "bob"}),
        client.post("/me", data={"person": "bob"}),
    ):
        assert answer.status_code == 403
        assert "act as nobody else" in answer.text


def test_a_one_time_role_counts_for_every_team(ruled: World) -> None:
    assert browser(ruled, "eve", role=Role.ADMIN, how="link").post("/-/reload").status_code == 200
    assert browser(ruled, None, role=Role.ADMIN, how="link").post("/-/reload").status_code == 200
