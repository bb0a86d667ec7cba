"""The status page through its doors: open to everybody, kept ready, and without a word from inside."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from incident_bot.flow.status.files import public_links
from incident_bot.render.status.words import instant
from incident_bot.store.transaction import Unavailable
from tests.entrypoints.conftest import World

STATUS = """
status:
  name: Shop status
  url: https://bot.example.com/status
  publish: auto
  components:
    checkout: {name: Checkout, group: Shop, services: [checkout]}
    website: {name: Website, teams: [platform]}
"""
TOKEN = {"authorization": "Bearer api-secret-token"}
SECRETS = ("kestrel", "Alice", "alice", "bob", "INC-1", "HighCPU", "platform", "P1")


@pytest.fixture
def paged(make_world: Callable[..., World]) -> World:
    """An application with a status page and tokens: only the page is open."""
    world = make_world(api_token="api-secret-token", ingest_token="in")
    (world.directory / "rotations/status.yaml").write_text(STATUS)
    assert world.application.context.live.reload(now=world.clock.now()).ok
    return world


def fires(world: World) -> None:
    body = {
        "version": "4", "groupKey": "{}", "receiver": "bot", "status": "firing", "truncatedAlerts": 0,
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://a.example.com",
        "alerts": [{
            "status": "firing", "annotations": {}, "startsAt": "2026-03-03T02:59:00Z", "endsAt": "0001-01-01T00:00:00Z",
            "labels": {"alertname": "HighCPU", "severity": "critical", "service": "checkout", "instance": "kestrel"},
            "generatorURL": "http://p.example.com", "fingerprint": "0123456789abcdef",
        }],
    }  # fmt: skip
    answer = world.client().post("/webhooks/alertmanager", json=body, headers={"authorization": "Bearer in"})
    assert answer.status_code == 200, answer.text


def says(world: World, text: str) -> str:
    answer = world.client().post(
        "/api/v1/incidents/1/commands", json={"text": text, "actor": "alice"}, headers=TOKEN
    )
    assert answer.status_code == 200, answer.text
    world.clock.advance(timedelta(seconds=6))
    reply: str = answer.json()["reply"]["text"]
    return reply


PATHS = {
    "/status": "text/html; charset=utf-8",
    "/status.json": "application/json",
    "/status.atom": "application/atom+xml; charset=utf-8",
    "/status/badge.svg": "image/svg+xml",
    "/status/components/checkout.svg": "image/svg+xml",
}


@pytest.mark.parametrize("path", PATHS)
def test_everybody_reads_it_and_nobody_is_asked_who_they_are(paged: World, path: str) -> None:
    client = paged.client(host="status.example.com", peer="203.0.113.9")
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == PATHS[path]
    assert "public, max-age=" in answer.headers["cache-control"]
    assert "set-cookie" not in answer.headers
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    again = client.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = client.head(path)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", PATHS)
def test_without_a_file_it_says_what_to_do(world: World, path: str) -> None:
    answer = world.client().get(path)
    assert answer.status_code == 404
    assert "write rotations/status.yaml" in answer.json()["detail"]


@pytest.mark.parametrize("path", [*PATHS, "/status/incidents/0123456789ab"])
def test_nothing_of_the_inside_is_there(paged: World, path: str) -> None:
    fires(paged)
    assert says(paged, "publish Some payments fail. next 20m").startswith("INC-1 is on the status page")
    says(paged, "note kestrel is on fire")
    says(paged, "update kestrel is full")
    shown = paged.client().get("/status.json").json()
    assert len(shown["incidents"]) == 1
    answer = paged.client().get(path.replace("0123456789ab", shown["incidents"][0]["id"]))
    assert answer.status_code == 200
    for secret in SECRETS:
        assert secret not in answer.text


def test_an_incident_from_its_publication_to_its_end(paged: World) -> None:
    client = paged.client()
    fires(paged)
    assert client.get("/status.json").json()["status"]["indicator"] == "none"
    says(paged, "publish Some payments fail. next 20m")
    shown = client.get("/status.json").json()
    assert shown["status"] == {"indicator": "critical", "description": "Major outage"}
    assert [(one["id"], one["status"]) for one in shown["components"]] == [
        ("checkout", "major_outage"), ("website", "operational"),
    ]  # fmt: skip
    (incident,) = shown["incidents"]
    assert incident["name"] == "Checkout: major outage"
    assert incident["shortlink"] == f"https://bot.example.com/status/incidents/{incident['id']}"
    page = client.get(f"/status/incidents/{incident['id']}")
    assert "Some payments fail." in page.text
    assert "Next update by" in page.text
    assert "Checkout: major outage" in client.get("/status").text
    says(paged, "status mitigating")
    says(paged, "update A fix is on its way next 10m")
    says(paged, "resolve done")
    shown = client.get("/status.json").json()
    assert (shown["status"]["indicator"], shown["incidents"]) == ("none", [])
    root = ET.fromstring(client.get("/status.atom").content)  # noqa: S314 -- our own text
    content = root.findtext(".//{http://www.w3.org/2005/Atom}content") or ""
    assert [line.partition(",")[0] for line in content.split("\n\n")] == [
        "Resolved", "Identified", "Identified", "Investigating",
    ]  # fmt: skip
    assert "A fix is on its way" in content
    assert "We know what causes the problem with Checkout" in content
    says(paged, "unpublish")
    assert client.get(f"/status/incidents/{incident['id']}").status_code == 404
    assert "Past incidents" in client.get("/status").text


@pytest.mark.parametrize(
    "url, door",
    [
        ("https://status.example.com", "https://status.example.com/status"),
        ("https://bot.example.com/status", "https://bot.example.com/status"),
        ("https://example.com/health/ours", "https://example.com/health/ours"),
    ],
)
def test_the_addresses_for_programs_stay_on_the_host_of_the_page(url: str, door: str) -> None:
    links = public_links(url, folder=False)
    assert (links.home, links.atom, links.json) == (url, f"{door}.atom", f"{door}.json")
    assert links.incident == f"{door}/incidents/{{id}}"


def test_before_anything_was_told_the_page_is_as_old_as_its_configuration(paged: World) -> None:
    told = paged.client().get("/status.json").json()["page"]["updated_at"]
    assert told == instant(paged.application.context.live.current.activated_at)
    assert f"<updated>{told}</updated>" in paged.client().get("/status.atom").text


def test_an_incident_is_not_found_by_its_number(paged: World) -> None:
    for wrong in ("1", "INC-1", "0123456789ab", "..%2f", "x" * 300):
        assert paged.client().get(f"/status/incidents/{wrong}").status_code in (404, 422)
        told = paged.client().get(f"/status/incidents/{wrong}", headers={"accept": "text/html"})
        if wrong != "..%2f":  # That is the address of another page.
            assert (told.status_code, 'href="/status"' in told.text) == (404, True)
            assert not [word for word in ("private", "/incidents", "pattern") if word in told.text]
    assert paged.client().get("/status/components/none.svg").status_code == 404


def test_planned_work_is_shown_where_it_was_made_public(paged: World) -> None:
    client = paged.client()
    work = {"matchers": ['service="checkout"'], "end": "2026-03-03T04:00:00Z", "reason": "db-3 gets disks"}
    assert client.post("/api/v1/maintenance", json=work, headers=TOKEN).status_code == 201
    public = {"title": "New disks", "text": "Payments may be slow.", "components": ["Checkout"]}
    answer = client.post("/api/v1/maintenance", json={**work, "public": public}, headers=TOKEN)
    assert answer.json()["public"]["components"] == ["checkout"]
    paged.clock.advance(timedelta(seconds=6))
    shown = client.get("/status.json").json()
    assert [one["name"] for one in shown["scheduled_maintenances"]] == ["New disks"]
    assert shown["components"][0]["status"] == "under_maintenance"
    assert "db-3" not in json.dumps(shown) + client.get("/status").text
    for wrong, said in (
        ({**public, "title": "kestrel-7 gets disks"}, "looks like the name of a machine"),
        ({**public, "components": ["x"]}, "has no component 'x'"),
    ):
        refused = client.post("/api/v1/maintenance", json={**work, "public": wrong}, headers=TOKEN)
        assert refused.status_code == 409
        assert said in refused.json()["detail"]


def test_a_storm_of_readers_costs_one_reading(paged: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    store = paged.application.context.store
    real = type(store).read

    def counted(self: object) -> object:
        read.append(1)
        return real(store)

    monkeypatch.setattr(type(store), "read", counted)
    client = paged.client()
    for _ in range(50):
        assert client.get("/status").status_code == 200
    assert len(read) == 1


def test_the_page_stays_when_the_database_is_gone(paged: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = paged.client()
    before = client.get("/status")

    def gone(_self: object) -> object:
        raise Unavailable("no database")

    monkeypatch.setattr(type(paged.application.context.store), "read", gone)
    paged.clock.advance(timedelta(minutes=5))
    after = client.get("/status")
    assert (after.status_code, after.text) == (200, before.text)
