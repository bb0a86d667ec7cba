"""Changes over HTTP: strict bodies, tokens that may do this and nothing else, lists, and the incident's page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from incident_bot.flow import access
from tests.entrypoints.conftest import START, World

DEPLOY: Mapping[str, Any] = {
    "what": "checkout 41", "service": "checkout", "who": "dana", "version": "41", "url": "https://ci.example.com/41",
    "at": "2026-03-03T02:50:00Z", "labels": {"region": "eu"},
}  # fmt: skip


def test_a_change_is_told_and_listed(world: World) -> None:
    client = world.client()
    answer = client.post("/api/v1/changes", json=DEPLOY, headers={"idempotency-key": "build-41"})
    assert answer.status_code == 201
    found = answer.json()
    assert found | DEPLOY == found
    assert (found["kind"], found["told_by"], found["told_at"]) == (
        "deploy",
        "operator",
        "2026-03-03T03:00:00Z",
    )
    again = client.post("/api/v1/changes", json=DEPLOY, headers={"idempotency-key": "build-41"})
    assert again.json() == found
    assert client.get("/api/v1/changes").json() == {"items": [found], "next": None}
    other = client.post(
        "/api/v1/changes", json={**DEPLOY, "version": "42"}, headers={"idempotency-key": "build-41"}
    )
    assert other.status_code == 409
    assert "used for another change" in other.json()["detail"]


def test_the_list_is_paged_and_filtered(world: World) -> None:
    client = world.client()
    for number in range(3):
        client.post("/api/v1/changes", json={"what": f"deploy {number}", "service": "a" if number else "b"})
    first = client.get("/api/v1/changes?limit=2").json()
    assert [one["what"] for one in first["items"]] == ["deploy 2", "deploy 1"]
    rest = client.get("/api/v1/changes", params={"limit": 2, "cursor": first["next"]}).json()
    assert ([one["what"] for one in rest["items"]], rest["next"]) == (["deploy 0"], None)
    assert len(client.get("/api/v1/changes?service=a").json()["items"]) == 2
    assert client.get("/api/v1/changes?from=2026-03-03T03:00:01Z").json()["items"] == []


@pytest.mark.parametrize(
    "change, place",
    [
        ({"what": ""}, "what"),
        ({"what": "x", "url": "javascript:alert(1)"}, "url"),
        ({"what": "x", "url": "https://a b"}, "url"),
        ({"what": "x", "kind": "party"}, "kind"),
        ({"what": "x", "at": "yesterday"}, "at"),
        ({"what": "x", "at": 1}, "at"),
        ({"what": "x", "labels": {"a": 1}}, "labels"),
        ({"what": "x", "sevrice": "checkout"}, "sevrice"),
        ({}, "what"),
        ([], ""),
    ],
)
def test_what_is_no_change_is_refused_with_its_place(world: World, change: object, place: str) -> None:
    answer = world.client().post("/api/v1/changes", json=change)
    assert answer.status_code == 422
    assert place in answer.text


def test_a_pipelines_token_tells_of_changes_and_opens_nothing_else(guarded: World) -> None:
    context = guarded.application.context
    tokens = {
        scope: access.create_token(context, scope, frozenset({scope}), by="op", now=START)
        for scope in ("changes", "write", "read")
    }
    clients = {
        scope: guarded.client(headers={"authorization": f"Bearer {secret}"})
        for scope, secret in tokens.items()
    }
    body = {"what": "checkout 41"}
    assert clients["changes"].post("/api/v1/changes", json=body).json()["told_by"] == "changes"
    assert clients["changes"].get("/api/v1/changes").status_code == 403
    assert clients["changes"].get("/api/v1/incidents").status_code == 403
    assert clients["changes"].post("/api/v1/incidents", json={"title": "x"}).status_code == 403
    assert clients["write"].post("/api/v1/changes", json=body).status_code == 201
    assert clients["read"].post("/api/v1/changes", json=body).status_code == 403
    assert guarded.client().post("/api/v1/changes", json=body).status_code == 401


def test_the_incident_that_follows_shows_it(world: World) -> None:
    client = world.client()
    client.post("/api/v1/changes", json={**DEPLOY, "what": "<b>checkout</b> 41"})
    world.clock.advance(timedelta(minutes=5))
    name = world.open_incident(service="checkout", region="eu")
    (one,) = client.get(f"/api/v1/incidents/{name}").json()["changes"]
    assert (one["minutes_before"], one["why"]) == (9, "the same service, checkout")
    page = client.get(f"/incidents/{name}").text
    assert "What changed shortly before" in page
    assert "&lt;b&gt;checkout&lt;/b&gt; 41" in page
    assert 'href="https://ci.example.com/41"' in page
    assert "9 min before it began" in page
