"""Every page that the application has, read strictly: none has to be named here to be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest
from fastapi.routing import APIRoute

from tests.entrypoints.conftest import World, delivery
from tests.entrypoints.markup import Markup
from tests.entrypoints.test_console import BROWSER

HOSTILES = (
    '"><script>alert(1)</script><img src=x onerror=alert(1)>',
    "\u202egnol\u202c \u200f\u05e9\u05dc\u05d5\u05dd {{ 7 * 7 }} {% raw %} ${7*7}",
    "x" * 3000,
    "\U0001f525\U0001f468\u200d\U0001f469\u200d\U0001f467 \ufdfd\nsecond line\r\n'`--><!--]]>",
)
PLACES = {"id": "INC-1", "schedule": "platform-primary", "path": "infrastructure/high-cpu.md", "name": "alice",
          "token": "nobody-has-this"}  # fmt: skip
VERBS = ("note", "note 02:10", "task", "did", "theory", "decide", "impact", "followup", "update", "title")
MORE = (
    "/incidents/INC-2", "/incidents?state=resolved&q=nothing", "/incidents?from=soon", "/incidents/INC-1?show=pages",
    "/routing?text=alertname%3DHighCPU%0Aseverity%3Dcritical", "/routing?text=nonsense", "/nothing-is-here",
    "/oncall/platform-primary?view=month", "/incidents/INC-99",
)  # fmt: skip


@pytest.fixture
def full(world: World) -> World:
    """Hostile texts in every field that takes one."""
    client = world.client()
    for at, text in enumerate(HOSTILES):
        body = delivery({"summary": text, "description": text, "runbook_url": text}, evil=text, service=text,
                        alertname=f"Alert {at} {text[:100]}")  # fmt: skip
        body["alerts"][0]["fingerprint"] = f"{at:016x}"
        assert client.post("/webhooks/alertmanager", json=body).status_code == 200
    client.post("/webhooks/alertmanager", json=delivery())
    world.pump()
    for number in (1, 2):
        for text in HOSTILES:
            for verb in (
                "note",
                "note 02:10",
                "task",
                "did",
                "theory",
                "decide",
                "impact",
                "followup",
                "update",
                "title",
            ):
                client.post(f"/api/v1/incidents/{number}/commands", json={"text": f"{verb} {text}"})
        for line in ("ack", "lead @alice", "lead @bob", "role scribe @alice", f"edit last {HOSTILES[0]}"):
            client.post(f"/api/v1/incidents/{number}/commands", json={"text": line})
    client.post("/api/v1/incidents/2/commands", json={"text": f"resolve {HOSTILES[1]}"})
    world.pump()
    return world


def addresses(world: World) -> Iterator[str]:
    """Every address that a browser may open, from the application's own list."""
    routers = [getattr(one, "original_router", None) for one in world.application.app.routes]
    for router in (one for one in routers if one is not None):
        for route in router.routes:
            if (
                isinstance(route, APIRoute)
                and "GET" in (route.methods or ())
                and not route.path.endswith("/live")
            ):
                yield asked(route.path)
    yield from MORE


def asked(path: str) -> str:
    """The address of a route, with something that is there in each of its places."""
    if path.startswith("/alerts/"):
        return re.sub(r"\{\w+\}", "1", path)
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: PLACES.get(found[1], "1"), path)


def test_every_page_is_sound_and_every_feed_can_be_read(full: World) -> None:
    client = full.client()
    client.post("/me", data={"person": "alice"}, headers=BROWSER)
    faults: list[str] = []
    read = 0
    for address in dict.fromkeys(addresses(full)):
        answer = client.get(address, headers=BROWSER)
        assert answer.status_code < 500, address
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind == "text/html" and answer.text:
            faults += [f"{address}: {fault}" for fault in Markup(answer.text).faults]
            assert " onerror" not in re.sub(r"&lt;.*?&gt;", "", answer.text).partition("<body")[0], address
            read += 1
        elif kind in ("application/atom+xml", "image/svg+xml"):
            ET.fromstring(answer.content)  # noqa: S314 -- our own
        elif kind.endswith("json") and answer.content:
            json.loads(answer.content)
    assert not faults, "\n".join(faults)
    assert read >= 15


@pytest.mark.parametrize(
    "text, fault",
    [
        ("<!doctype html><p>a<p>b</p></p>", "<p> within <p>"),
        ("<!doctype html><div><span></div>", "closes ['span']"),
        ("<!doctype html><p id=a></p><p id=a></p>", "stand twice"),
        ("<!doctype html><h1>a</h1><h3>b</h3>", "level 3 after level 1"),
        ("<!doctype html><input id=a>", "without a label"),
        ("<!doctype html><label for=b>a</label>", "points to 'b'"),
        ("<!doctype html><ul><p>a</p></ul>", "directly in <ul>"),
        ("<!doctype html><ul>a</ul>", "text in <ul>"),
        ("<!doctype html><img src=a>", "without alt"),
        ("<p>a</p>", "no doctype"),
        ("<!doctype html><div>", "never closed"),
        ("<!doctype html><p a=1 a=2></p>", "twice"),
    ],
)
def test_what_is_wrong_is_found(text: str, fault: str) -> None:
    assert any(fault in one for one in Markup(text).faults), Markup(text).faults
