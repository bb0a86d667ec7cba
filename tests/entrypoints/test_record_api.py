"""The record over HTTP: the timeline as a document, from the API and from the console's links."""

from __future__ import annotations

import re

import pytest

from incident_bot.flow.bundle import check
from tests.entrypoints.conftest import World


@pytest.mark.parametrize(
    "query, media_type, begins",
    [
        ("format=csv", "text/csv; charset=utf-8", "seq,happened_at,"),
        ("format=md", "text/markdown; charset=utf-8", "# INC-1: "),
        ("format=json", "application/json", '{\n  "incident": "INC-1"'),
        ("view=curated", "application/json", '{\n  "incident": "INC-1"'),
    ],
)
def test_the_timeline_comes_as_a_document(world: World, query: str, media_type: str, begins: str) -> None:
    world.open_incident()
    answer = world.client().get(f"/api/v1/incidents/INC-1/timeline?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.text.startswith(begins)


def test_without_a_format_it_is_the_list_as_ever(world: World) -> None:
    world.open_incident()
    page = world.client().get("/api/v1/incidents/INC-1/timeline?limit=1").json()
    assert set(page) == {"items", "next"}
    whole = world.client().get("/api/v1/incidents/INC-1/timeline?format=json").json()
    assert whole["items"][0] == page["items"][0]


def test_of_no_incident_and_in_no_other_format(world: World) -> None:
    client = world.client()
    assert client.get("/api/v1/incidents/INC-9/timeline?format=csv").status_code == 404
    assert client.get("/api/v1/incidents/INC-9/timeline?format=pdf").status_code == 422


def test_the_links_of_the_console_work(world: World) -> None:
    world.open_incident()
    client = world.client()
    page = client.get("/incidents/INC-1").text
    links = re.findall(r'href="(/api/v1/incidents/INC-1/timeline[^"]*)"', page)
    assert len(links) == 4
    assert all(client.get(link.replace("&amp;", "&")).status_code == 200 for link in links)


def test_the_bundle_is_an_attachment_that_holds(world: World) -> None:
    world.open_incident()
    answer = world.client().get("/api/v1/incidents/INC-1/bundle")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="inc-1.zip"'
    assert check(answer.content).seal == answer.headers["x-bundle-seal"]
    assert world.client().get("/api/v1/incidents/INC-7/bundle").status_code == 404
    assert 'href="/api/v1/incidents/INC-1/bundle"' in world.client().get("/incidents/INC-1").text


def test_no_setting_that_is_secret_is_in_a_bundle(guarded: World) -> None:
    headers = {"authorization": "Bearer api-secret-token"}
    client = guarded.client(headers=headers)
    body = {"title": "the api-secret-token leaked"}
    assert client.post("/api/v1/incidents", json=body).status_code == 201
    content = client.get("/api/v1/incidents/1/bundle").content
    assert b"api-secret-token" not in content
    assert check(content).hidden > 0
    assert guarded.client().get("/api/v1/incidents/1/bundle").status_code == 401


def test_an_incident_has_its_key_times_and_the_page_shows_them(world: World) -> None:
    name = world.open_incident()
    client = world.client()
    client.post(f"/api/v1/incidents/{name}/commands", json={"text": "ack", "actor": "alice"})
    corrected = "milestone detected 2026-03-03T02:58Z <b>phoned</b> in"
    client.post(f"/api/v1/incidents/{name}/commands", json={"text": corrected, "actor": "alice"})
    found = client.get(f"/api/v1/incidents/{name}").json()
    assert [one["milestone"] for one in found["milestones"]][:3] == [
        "impact_started", "detected", "acknowledged",
    ]  # fmt: skip
    detected = found["milestones"][1]
    assert (detected["at"], detected["author_name"]) == ("2026-03-03T02:58:00Z", "Alice Example")
    assert (detected["corrected"], detected["recorded"]) == (True, "2026-03-03T03:00:00Z")
    assert found["measures"]["time_to_acknowledge"] == 120
    page = client.get(f"/incidents/{name}").text
    assert "corrected by Alice Example: &lt;b&gt;phoned&lt;/b&gt; in" in page
    assert "to acknowledge 2 min" in page
