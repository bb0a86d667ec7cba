"""The list of incidents: its filters in the address, its pages in both directions, and the navigation above it."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from fastapi import FastAPI

from incident_bot.entrypoints import incidents_page
from incident_bot.entrypoints.navigation import PLACES, present, shown
from tests.entrypoints.conftest import World

BROWSER = {"accept": "text/html", "sec-fetch-site": "same-origin"}


def rows(world: World, address: str) -> list[str]:
    """The names of the incidents that a list shows, in its order."""
    answer = world.client().get(address, headers=BROWSER)
    assert answer.status_code == 200, answer.text
    return re.findall(r'<div class="list-what"><a href="/incidents/(INC-\d+)"', answer.text)


def text(world: World, address: str) -> str:
    return html.unescape(world.client().get(address, headers=BROWSER).text)


@pytest.fixture
def several(world: World) -> World:
    """Three incidents, an hour apart: one from an alert, one declared and taken, one that is over."""
    world.open_incident(alertname='Disk "full"', service="checkout")
    world.pump()
    for title, severity in (("Cards are refused", "P2"), ("Old_name 100% slow", "P1")):
        world.clock.advance(timedelta(hours=1))
        world.client().post("/api/v1/incidents", json={"title": title, "severity": severity})
    for number, said in ((2, "ack"), (3, "ack"), (3, "resolve it was the cache")):
        world.client().post(f"/api/v1/incidents/{number}/commands", json={"text": said})
    return world


@pytest.mark.parametrize(
    "query, wanted",
    [
        ("", [3, 2, 1]),
        ("state=open", [2, 1]),
        ("state=triggered", [1]),
        ("state=resolved", [3]),
        ("severity=P2", [2]),
        ("team=platform&state=all", [3, 2, 1]),
        ("team=nobody", []),
        ("service=checkout", [1]),
        ("alert=Disk+%22full%22", [1]),
        ("alert=Disk", []),
        ("person=alice", [1]),
        ("person=nobody", []),
        ("q=cards", [2]),
        ("q=inc-3", [3]),
        ("q=2", [2]),
        ("q=_", [3]),
        ("q=100%25", [3]),
        ("from=2026-03-03T03:30:00Z", [3, 2]),
        ("from=2026-03-03T03:30:00Z&to=2026-03-03T04:30:00Z", [2]),
        ("to=2026-03-03", [3, 2, 1]),
        ("to=2026-03-02", []),
        ("drill=no", [3, 2, 1]),
        ("drill=yes", []),
        ("private=yes", []),
        ("state=nonsense", [3, 2, 1]),
        ("from=yesterday&drill=perhaps", [3, 2, 1]),
    ],
)
def test_every_filter_narrows_the_list(several: World, query: str, wanted: list[int]) -> None:
    assert rows(several, f"/incidents?{query}") == [f"INC-{number}" for number in wanted]


def test_a_chip_leads_to_the_list_without_its_filter(several: World) -> None:
    shown = text(several, "/incidents?state=open&q=cards&severity=P2")
    chips = re.findall(r'<a href="(/incidents[^"]*)"><span class="unseen">Remove the filter', shown)
    assert chips == ["/incidents?severity=P2&q=cards", "/incidents?state=open&q=cards",
                     "/incidents?state=open&severity=P2"]  # fmt: skip
    assert "Remove all" in shown


def test_what_cannot_be_read_is_told_and_narrows_nothing(several: World) -> None:
    shown = text(several, "/incidents?from=yesterday&drill=perhaps&state=odd")
    assert "I cannot read from='yesterday'; write a day such as 2026-11-21" in shown
    assert "drill is yes or no, not 'perhaps'." in shown
    assert "There is no state 'odd'" in shown


def test_an_empty_list_says_what_to_do(several: World, world: World) -> None:
    assert "No incident fits these filters" in text(several, "/incidents?q=quokka")
    assert "See the newest" in text(several, "/incidents?before=1")


def test_with_no_incident_it_says_how_one_comes_about(world: World) -> None:
    assert "POST /webhooks/alertmanager" in text(world, "/incidents")


def test_pages_lead_to_older_ones_and_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incidents_page, "INCIDENTS_SHOWN", 2)
    for number in range(5):
        world.client().post("/api/v1/incidents", json={"title": f"number {number}", "severity": "P2"})

    def leads(address: str, rel: str) -> str | None:
        found = re.search(rf'rel="{rel}" href="([^"]+)"', text(world, address))
        return found[1] if found else None

    assert leads("/incidents?severity=P2", "prev") is None
    address: str | None = "/incidents?severity=P2"
    walked: list[list[str]] = []
    last = ""
    while address:
        walked.append(rows(world, address))
        last, address = address, leads(address, "next")
    assert walked == [["INC-5", "INC-4"], ["INC-3", "INC-2"], ["INC-1"]]
    back = leads(last, "prev")
    assert back is not None
    assert rows(world, back) == ["INC-3", "INC-2"]
    again = leads(back, "prev")
    assert again is not None
    assert rows(world, again) == ["INC-5", "INC-4"]
    assert leads(again, "prev") is None
    assert rows(world, "/incidents?severity=P2&after=5") == ["INC-5", "INC-4"]


def test_the_navigation_holds_the_pages_that_are_there(world: World) -> None:
    application = world.application.app
    there = present(application)
    assert {"/", "/incidents", "/oncall", "/status"} <= {place.path for place in there}
    assert "/status" not in {place.path for place in shown(there, status_page=False)}
    assert present(FastAPI()) == ()
    told = text(world, "/incidents")
    for place in shown(there, status_page=False):
        assert f'<a href="{place.path}" data-place="{place.key}"' in told
    assert told.count('aria-current="page"') == 1
    assert len({place.key for place in PLACES}) == len(PLACES)


@pytest.mark.parametrize(
    "here, path",
    [("/", "/"), ("/incidents", "/incidents"), ("/incidents/INC-1", "/incidents"), ("/calendars", "/oncall"),
     ("/runbooks/x.md", "/incidents"), ("/me", "/settings")],
)  # fmt: skip
def test_each_page_belongs_to_one_entry(here: str, path: str) -> None:
    assert [place.path for place in PLACES if place.holds(here)] == [path]
