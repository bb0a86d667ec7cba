"""The console's form for a silence and what the API says of silences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.entrypoints.conftest import World
from tests.fakes.alertmanager import Alertmanager, AlertmanagerApi

BROWSER = {"accept": "text/html", "sec-fetch-site": "same-origin"}


@pytest.fixture
def asked(world: World) -> Any:
    """A world whose Alertmanager can be asked, with one incident."""
    with AlertmanagerApi(Alertmanager(), world.clock.now) as api:
        routing = Path(world.directory, "rotations/routing.yaml")
        text = routing.read_text(encoding="utf-8")
        named = "{name: alertmanager, kind: alertmanager}"
        routing.write_text(
            text.replace(named, named.replace("}", f', api_url: "{api.url}"}}')), encoding="utf-8"
        )
        assert world.application.context.live.reload(now=world.clock.now()).ok
        yield world.open_incident(cluster="<b>eu</b>"), api


def test_the_form_says_what_it_hides_and_silences(world: World, asked: tuple[str, AlertmanagerApi]) -> None:
    name, api = asked
    client = world.client()
    page = client.get(f"/incidents/{name}/silence", headers=BROWSER)
    assert page.status_code == 200
    assert "It hides 1 alert that fires now." in page.text
    assert "<b>eu</b>" not in page.text
    assert f'href="/incidents/{name}/silence"' in client.get(f"/incidents/{name}", headers=BROWSER).text
    fields = {"lasting": "2h", "reason": "moving it", "key": "one"}
    for _ in range(2):
        sent = client.post(f"/incidents/{name}/silence", data=fields, headers=BROWSER)
        assert (sent.status_code, sent.headers["location"]) == (303, f"/incidents/{name}")
    world.pump()
    assert len(api.kept.active()) == 1
    shown = client.get(f"/incidents/{name}", headers=BROWSER).text
    assert "Silenced until" in shown
    assert "moving it" in shown
    (told,) = client.get(f"/api/v1/incidents/{name}").json()["silences"]
    assert told == {
        "number": 1,
        "source": "alertmanager",
        "matchers": {"alertname": "HighCPU"},
        "state": "held",
        "on": True,
        "ends_at": "2026-03-03T05:00:00Z",
        "asked_at": "2026-03-03T03:00:00Z",
        "asked_by": told["asked_by"],
        "reason": "moving it",
        "outcome": None,
    }
    assert "holds until" in client.get(f"/incidents/{name}/silence", headers=BROWSER).text


def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    world: World, asked: tuple[str, AlertmanagerApi]
) -> None:
    name, api = asked
    fields = {"lasting": "for ever", "reason": "we & they"}
    page = world.client().post(f"/incidents/{name}/silence", data=fields, headers=BROWSER)
    assert page.status_code == 409
    assert "is not a duration" in page.text
    assert "we &amp; they" in page.text
    assert api.posted == []


def test_without_an_api_it_says_why_and_has_no_form(world: World) -> None:
    name = world.open_incident()
    page = world.client().get(f"/incidents/{name}/silence", headers=BROWSER)
    assert page.status_code == 200
    assert "where nothing can be silenced from here" in page.text
    assert 'name="lasting"' not in page.text


def test_of_no_incident_there_is_no_form(world: World) -> None:
    assert world.client().get("/incidents/INC-77/silence", headers=BROWSER).status_code == 404
    sent = world.client().post("/incidents/INC-77/silence", data={"lasting": "1h"}, headers=BROWSER)
    assert sent.status_code == 404
