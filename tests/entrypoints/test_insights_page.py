"""Insights in the browser and for programs: every number leads to its list; strangers' lack what is private."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from starlette.testclient import TestClient

from incident_bot.flow import access
from incident_bot.flow.insights import TABLES
from tests.entrypoints.conftest import START, World, delivery

MASTER = "api-secret-token"


@pytest.fixture
def busy(world: World) -> World:
    """Three incidents of two alerts: one taken after six minutes, one that was a drill of nobody, one that is new."""
    world.open_incident(alertname="HighCPU", service="checkout")
    world.pump()
    world.clock.advance(timedelta(minutes=6))
    assert says(world.client(), "ack INC-1").status_code == 200
    says(world.client(), "resolve INC-1 it was the deploy")
    world.open_incident(alertname="SlowDisk", severity="warning")
    world.pump()
    world.clock.advance(timedelta(minutes=1))
    return world


def test_without_incidents_the_page_says_what_will_be_here(world: World) -> None:
    page = world.client().get("/insights")
    assert page.status_code == 200
    assert "Once there are incidents" in page.text
    assert "From Tue 3 Feb 03:00 UTC until now." in page.text
    assert "Somebody is on call on every schedule" in page.text


def test_every_number_leads_to_the_list_behind_it(busy: World) -> None:
    client = busy.client()
    page = client.get("/insights").text
    links = {html.unescape(link) for link in re.findall(r'(?:href|src)="(/[^"]*)"', page)}
    lists = [link for link in links if link.startswith(("/incidents?", "/alerts?"))]
    assert len(lists) >= 8
    for link in links:
        assert client.get(link).status_code in (200, 303), link
    of_alert = next(link for link in lists if link.startswith("/incidents?") and "alert=HighCPU" in link)
    assert re.findall(r"/incidents/(INC-\d+)", client.get(of_alert).text) == ["INC-1"]
    fired = next(link for link in lists if link.startswith("/alerts?") and "alert=SlowDisk" in link)
    assert re.findall(r"/incidents/(INC-\d+)", client.get(fired).text) == ["INC-2"]
    (ana,) = [link for link in lists if "person=alice" in link]
    assert set(re.findall(r"/incidents/(INC-\d+)", client.get(ana).text)) == {"INC-1", "INC-2"}


def test_the_numbers_for_programs(busy: World) -> None:
    told = busy.client().get("/api/v1/insights?zone=Europe/Berlin").json()
    assert told["all"]["incidents"] == 2
    assert told["all"]["acknowledge"] == {"n": 1, "median": 360.0, "p90": None}
    assert [(one["key"], one["incidents"]) for one in told["severities"]] == [("P1", 1), ("P2", 1)]
    assert [(one["key"], one["incidents"]) for one in told["services"]] == [("checkout", 1)]
    assert [one["week"] for one in told["weeks"]][-1] == "2026-W10"
    (alice,) = told["people"]
    assert (alice["pages"], alice["night"], alice["hours"][4]) == (2, 2, 2)
    noise = {one["alert"]: one for one in told["noise"]}
    assert (noise["HighCPU"]["share"], noise["SlowDisk"]["share"]) == (1.0, None)
    assert busy.client().get("/api/v1/insights?team=nobody").json()["all"]["incidents"] == 0


def test_every_table_is_csv(busy: World) -> None:
    for table in TABLES:
        answer = busy.client().get(f"/insights.csv?table={table}&days=7")
        assert answer.headers["content-type"].startswith("text/csv")
        heads, *rows = list(csv.reader(io.StringIO(answer.text)))
        assert heads[:2] == ["from", "to"]
        assert all(len(row) == len(heads) for row in rows)
        assert bool(rows) is (table not in ("gaps", "runbooks")), table


def test_the_charts_are_whole_documents(busy: World) -> None:
    for name in ("weeks", "hours"):
        for days in (7, 365):
            chart = busy.client().get(f"/insights/{name}.svg?days={days}")
            root = ET.fromstring(chart.text)  # noqa: S314 -- our own text
            assert root.find("{http://www.w3.org/2000/svg}desc") is not None


@pytest.mark.parametrize(
    "address, status",
    [
        ("/insights?from=nonsense", 400),
        ("/insights?from=0001-01-01", 400),
        ("/insights?from=2026-03-03&to=2026-03-01", 409),
        ("/insights?days=0", 422),
        ("/insights.csv?table=none", 404),
        ("/api/v1/insights?zone=Mars/Olympus", 409),
        ("/api/v1/insights?from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", 409),
        ("/alerts?incident=x", 404),
    ],
)
def test_what_cannot_be_asked(world: World, address: str, status: int) -> None:
    answer = world.client().get(address)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "query, found",
    [
        ("", ["INC-2", "INC-1"]),
        ("state=open", ["INC-2"]),
        ("alert=HighCPU", ["INC-1"]),
        ("service=checkout", ["INC-1"]),
        ("severity=P2", ["INC-2"]),
        ("team=platform&drill=no", ["INC-2", "INC-1"]),
        ("drill=yes", []),
        ("person=alice&to=2026-03-03T03:02Z", ["INC-1"]),
        ("person=bob", []),
        ("from=2026-03-03T03:03Z", ["INC-2"]),
        ("slower=5m", ["INC-2", "INC-1"]),
        ("slower=10m", ["INC-2"]),
        ("state=nonsense", ["INC-2", "INC-1"]),
        ("slower=soon", ["INC-2", "INC-1"]),
    ],
)
def test_the_list_of_incidents_takes_every_filter(busy: World, query: str, found: list[str]) -> None:
    page = busy.client().get(f"/incidents?{query}")
    assert re.findall(r'href="/incidents/(INC-\d+)"', page.text) == found


@pytest.mark.parametrize(
    "query, count",
    [
        ("", 2), ("alert=HighCPU", 1), ("status=firing", 2), ("status=resolved", 0), ("way=incident", 2),
        ("way=record", 0), ("source=alertmanager&team=platform", 2), ("incident=INC-1", 1), ("severity=P1", 1),
        ("alert=HighCPU&to=2026-03-03T02:00Z", 0), ("alert=nothing", 0),
    ],
)  # fmt: skip
def test_the_list_of_alerts_takes_every_filter(busy: World, query: str, count: int) -> None:
    page = busy.client().get(f"/alerts?{query}")
    assert len(re.findall(r'href="/alerts/\d+/why"', page.text)) == count


def test_lists_go_on_where_they_ended(world: World) -> None:
    client = world.client()
    for number in range(52):
        says(client, f"new Number {number}")
    first = client.get("/incidents?drill=no").text
    (more,) = re.findall(r'rel="next" href="([^"]*)"', first)
    rest = client.get(html.unescape(more)).text
    shown = [re.findall(r'href="/incidents/(INC-\d+)"', page) for page in (first, rest)]
    assert [len(one) for one in shown] == [50, 2]
    assert 'rel="next"' not in rest


def test_numbers_of_strangers_lack_what_is_private(guarded: World) -> None:
    headers = [(b"authorization", "Bearer ingest:sécret".encode())]
    for name in ("Known", "Quokka"):
        body = delivery(alertname=name)
        assert guarded.client().post("/webhooks/alertmanager", json=body, headers=headers).status_code == 200
        guarded.pump()
    master = guarded.client(headers={"authorization": f"Bearer {MASTER}"})
    assert says(master, "private INC-2").status_code == 200
    guarded.clock.advance(timedelta(minutes=1))
    secret = access.create_token(
        guarded.application.context, "mallory", frozenset({"read"}), by="operator", now=START
    )
    stranger = guarded.client(headers={"authorization": f"Bearer {secret}"})
    everything, less = (client.get("/api/v1/insights").json() for client in (master, stranger))
    at_work = master.get("/api/v1/insights", headers={"x-actor": "alice"}).json()
    assert (everything["all"]["incidents"], less["all"]["incidents"], at_work["all"]["incidents"]) == (
        2,
        1,
        2,
    )
    assert (everything["pages"], less["pages"], at_work["pages"]) == (2, 1, 2)
    assert [one["alert"] for one in less["noise"]] == ["Known"]
    assert (everything["alert_names"], less["alert_names"]) == (2, 1)


def says(client: TestClient, line: str) -> Any:
    return client.post("/api/v1/commands", json={"text": line})
