"""The console's form for an incident that a person declares, as a browser without script sends it."""

from __future__ import annotations

from tests.entrypoints.conftest import World
from tests.entrypoints.test_console import BROWSER

FIELDS = {"title": "Nobody can <b>pay</b>", "severity": "P1", "service": "checkout", "impact": "All cards\0 fail",
          "key": "one"}  # fmt: skip


def test_a_newcomer_declares_the_first_incident_from_the_first_page(world: World) -> None:
    client = world.client()
    for page in ("/", "/incidents"):
        assert 'href="/declare"' in client.get(page, headers=BROWSER).text
    assert client.get("/declare", headers=BROWSER).status_code == 200
    for _ in range(2):  # A double click opens one.
        sent = client.post("/declare", data=FIELDS, headers=BROWSER)
        assert (sent.status_code, sent.headers["location"]) == (303, "/incidents/INC-1")
    world.pump()
    (told,) = client.get("/api/v1/incidents").json()["items"]
    assert (told["title"], told["severity"], told["service"]) == ("Nobody can <b>pay</b>", "P1", "checkout")
    assert client.get("/api/v1/incidents/1/pages").json()["items"]
    page = client.get("/incidents/INC-1", headers=BROWSER).text
    assert "<b>pay</b>" not in page


def test_what_may_be_the_same_is_shown_first_and_asked_once(world: World) -> None:
    client = world.client()
    client.post("/declare", data=FIELDS, headers=BROWSER)
    again = {**FIELDS, "title": "Cards are refused", "private": "yes", "key": "two"}
    asked = client.post("/declare", data=again, headers=BROWSER)
    assert asked.status_code == 409
    assert "Nothing is declared yet." in asked.text
    assert "also about checkout" in asked.text
    assert '<a href="/incidents/INC-1">' in asked.text
    assert 'name="sure"' in asked.text
    assert 'value="Cards are refused"' in asked.text
    assert 'name="private" value="yes" checked' in asked.text
    assert len(client.get("/api/v1/incidents").json()["items"]) == 1
    sent = client.post("/declare", data={**again, "sure": "yes"}, headers=BROWSER)
    assert sent.headers["location"] == "/incidents/INC-2"
    assert client.get("/api/v1/incidents/2").json()["private"] is True


def test_what_is_missing_or_unknown_is_said_and_what_was_typed_is_kept(world: World) -> None:
    client = world.client()
    for fields, words in (
        ({"title": "  ", "impact": "we & they"}, "An incident needs a title"),
        ({"title": "Down", "severity": "P77", "impact": "we & they"}, "is no severity"),
    ):
        page = client.post("/declare", data=fields, headers=BROWSER)
        assert page.status_code == 409
        assert words in page.text
        assert "we &amp; they" in page.text
    assert client.get("/api/v1/incidents").json()["items"] == []


def test_what_is_private_is_named_to_nobody_else_who_declares_the_same(world: World) -> None:
    client = world.client()
    for person, status in (("alice", 303), ("bob", 303), ("alice", 409)):
        client.post("/me", data={"person": person}, headers=BROWSER)
        fields = {
            "title": "Customer data leaked",
            "severity": "P2",
            "private": "yes",
            "key": person + str(status),
        }
        sent = client.post("/declare", data=fields, headers=BROWSER)
        assert sent.status_code == status, (person, sent.text)
    assert '<a href="/incidents/INC-1">' in sent.text
