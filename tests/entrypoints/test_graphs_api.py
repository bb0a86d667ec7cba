"""Graphs over HTTP: the list, the pictures, what they may do, and the incident's page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from incident_bot.flow.graphs import reading
from incident_bot.render import pngs
from incident_bot.store import graphs
from incident_bot.store.graphs import NewCapture, NewGraph
from tests.entrypoints.conftest import World

AT = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
GRAPH = NewGraph(
    kind="alert",
    title="High <b>rate</b>",
    about={
        "expression": "rate(a[5m])", "source": "alertmanager", "compare": ">", "threshold": 5.0,
        "start": (AT - timedelta(minutes=3)).isoformat(), "step": 60.0, "points": 4, "more": 2,
    },
    series={"series": [{"labels": {"job": "=cmd"}, "values": [1.0, None, 9.5, 7.0]}]},
)  # fmt: skip


@pytest.fixture
def drawn(world: World) -> World:
    """An incident with one graph."""
    world.open_incident()
    with world.application.context.store.write() as tx:
        graphs.ask(tx, [NewCapture(incident_id=1, moment="opened", what="opened", by="bot")], now=AT)
        capture = graphs.claim(tx, owner="me", lease=timedelta(minutes=1), now=AT)
        assert capture is not None
        assert graphs.taken(tx, capture, [GRAPH], owner="me", error="SLI of shop: no answer", now=AT)
        assert not graphs.taken(tx, capture, [GRAPH], owner="me", error=None, now=AT), "it is settled once"
    return world


def test_the_list_says_what_the_pictures_show(drawn: World) -> None:
    found = drawn.client().get("/api/v1/incidents/INC-1/graphs").json()
    (one,) = found["items"]
    assert (one["number"], one["end"], one["more"], one["newest"]) == (1, "2026-03-03T03:00:00Z", 2, True)
    assert one["lines"] == [{"name": "job==cmd", "low": 1.0, "high": 9.5, "last": 7.0, "sparkline": "▁·█▆"}]
    assert (found["waiting"], found["error"], found["set_up"]) == (False, "SLI of shop: no answer", False)


@pytest.mark.parametrize(
    "ending, media_type, begins",
    [
        ("svg", "image/svg+xml", b"<svg "),
        ("png", "image/png", b"\x89PNG\r\n"),
        ("json", "application/json", b"{\n"),
        (
            "csv",
            "text/csv; charset=utf-8",
            b"time,job==cmd\n2026-03-03T02:57:00Z,1.0\n2026-03-03T02:58:00Z,\n",
        ),
    ],
)
def test_a_graph_comes_in_each_format(drawn: World, ending: str, media_type: str, begins: bytes) -> None:
    answer = drawn.client().get(f"/api/v1/incidents/INC-1/graphs/1.{ending}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.content.startswith(begins)
    assert answer.headers["cache-control"] == "private, no-store"
    if ending == "svg":
        assert "default-src 'none'; style-src 'sha256-" in answer.headers["content-security-policy"]


def test_what_is_not_there_and_what_cannot_be_asked(drawn: World) -> None:
    client = drawn.client()
    assert client.get("/api/v1/incidents/INC-1/graphs/2.svg").status_code == 404
    assert client.get("/api/v1/incidents/INC-9/graphs/1.svg").status_code == 404
    assert client.get("/api/v1/incidents/INC-1/graphs/1.pdf").status_code == 422
    refused = client.post("/api/v1/incidents/INC-1/graphs")
    assert refused.status_code == 409
    assert "write prometheus_url:" in refused.json()["detail"]


def test_without_the_extra_there_is_no_png_and_a_reason(
    drawn: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pngs, "typst", None)
    answer = drawn.client().get("/api/v1/incidents/INC-1/graphs/1.png")
    assert answer.status_code == 409
    assert "install incident-bot[pdf], or take the SVG" in answer.json()["detail"]


def test_a_drawing_that_is_none_is_said_to_be_none() -> None:
    with pytest.raises(pngs.NoPicture, match="could not be drawn"):
        pngs.png("<svg")


def test_the_incidents_page_shows_it(drawn: World) -> None:
    page = drawn.client().get("/incidents/INC-1").text
    assert '<img src="/api/v1/incidents/INC-1/graphs/1.svg" alt="High &lt;b&gt;rate&lt;/b&gt;. From ' in page
    assert "Not all could be drawn: SLI of shop: no answer." in page
    assert "▁·█▆" in page


def test_more_looks_than_are_kept(drawn: World) -> None:
    store = drawn.application.context.store
    with store.write() as tx:
        for number in range(graphs.CAPTURES_MOST + 3):
            wanted = NewCapture(incident_id=1, moment="asked", what="asked for", by="alice")
            graphs.ask(tx, [wanted], now=AT + timedelta(minutes=number))
            capture = graphs.claim(tx, owner="me", lease=timedelta(minutes=1), now=AT + timedelta(hours=1))
            assert capture is not None
            graphs.taken(tx, capture, [GRAPH], owner="me", error=None, now=AT)
    found = reading.listed(drawn.application.context, 1)
    assert len(found.items) == graphs.CAPTURES_MOST
    assert [one.moment for one in found.items][-2:] == ["asked", "opened"]
