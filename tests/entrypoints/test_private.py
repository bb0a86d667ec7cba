"""Private incidents are private everywhere: every address and every verb, asked by strangers and by those at work."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from incident_bot.entrypoints import live
from incident_bot.entrypoints.sheet import FORM_HEADERS
from incident_bot.flow import access
from incident_bot.flow.access import Caller
from incident_bot.flow.grammar import VERBS
from tests.entrypoints.conftest import START, World, delivery

WORD = "quokka"
MASTER = "api-secret-token"
PLACES = {
    "id": "INC-1",
    "n": "1",
    "format": "svg",
    "path": "infrastructure/high-cpu.md",
    "schedule": "platform-primary",
    "token": "none",
    "source": "alertmanager",
}
"""What stands in an address for a word in braces, where it is not a person or a schedule."""
BROWSER = {"origin": "http://localhost:8080", "sec-fetch-site": "same-origin", **FORM_HEADERS}
READING = [verb.name for verb in VERBS if not verb.changes]
STRANGERS: dict[str, tuple[str, dict[str, str]]] = {
    "a token of its own": ("mallory", {}),
    "a token that names somebody at work": ("mallory", {"x-actor": "alice"}),
    "a person who is not on it": ("bob", {}),
    "the master token as such a person": ("", {"x-actor": "bob"}),
}
AT_WORK: dict[str, tuple[str, dict[str, str]]] = {
    "who was paged": ("alice", {}),
    "the master token": ("", {}),
    "the master token as who was paged": ("", {"x-actor": "alice"}),
}


@pytest.fixture
def private(guarded: World) -> World:
    """One private incident that paged alice, with a word that stands nowhere else."""
    headers = [(b"authorization", "Bearer ingest:sécret".encode())]
    body = delivery({"summary": "A quokka is loose"}, alertname="QuokkaLeak")
    assert guarded.client().post("/webhooks/alertmanager", json=body, headers=headers).status_code == 200
    guarded.pump()
    for line in ("note the quokka did it", "task feed the quokka", "impact no quokka answers", "private"):
        assert _says(guarded, {}, line).status_code == 200, line
    return guarded


@pytest.fixture
def as_whom(private: World) -> Callable[[str, dict[str, str]], TestClient]:
    """Give the API and the console to somebody."""
    context = private.application.context

    def enter(name: str, headers: dict[str, str]) -> TestClient:
        secret = MASTER
        if name:
            scopes = frozenset({"read", "write"})
            secret = access.create_token(context, name, scopes, by="operator", now=START)
        client = private.client(headers={"authorization": f"Bearer {secret}", **headers})
        assert client.post("/sign-in", data={"token": secret}, headers=BROWSER).status_code == 303
        return client

    return enter


@pytest.mark.parametrize("who", STRANGERS)
def test_no_address_tells_a_stranger_of_it(
    private: World, as_whom: Callable[[str, dict[str, str]], TestClient], who: str
) -> None:
    client = as_whom(*STRANGERS[who])
    walked = 0
    for path, asked in _addresses(private):
        answer = client.get(asked)
        assert WORD not in answer.text.casefold(), asked
        # After a form its address leads back to the incident, whether there is one or not.
        leads_back = any(form in path for form in ("/commands", "/notes"))
        if path.startswith(("/incidents/{id}", "/api/v1/incidents/{id}")) and not leads_back:
            unknown = client.get(asked.replace("INC-1", "INC-999"))
            assert (answer.status_code, _worded(answer.text)) == (404, _worded(unknown.text)), asked
            walked += 1
    assert walked >= 10


@pytest.mark.parametrize("who", AT_WORK)
def test_those_at_work_find_it_at_every_address(
    private: World, as_whom: Callable[[str, dict[str, str]], TestClient], who: str
) -> None:
    client = as_whom(*AT_WORK[who])
    told = {path for path, asked in _addresses(private) if WORD in client.get(asked).text.casefold()}
    assert told >= {
        "/", "/incidents", "/incidents/{id}", "/incidents/{id}/postmortem", "/incidents/{id}/why",
        "/api/v1/incidents", "/api/v1/incidents/{id}", "/api/v1/incidents/{id}/timeline",
        "/api/v1/incidents/{id}/postmortem", "/api/v1/incidents/{id}/why", "/api/v1/alerts",
    }  # fmt: skip


@pytest.mark.parametrize("who", STRANGERS)
def test_to_a_stranger_no_verb_finds_it(
    as_whom: Callable[[str, dict[str, str]], TestClient], who: str
) -> None:
    client = as_whom(*STRANGERS[who])
    for verb in [verb.name for verb in VERBS if verb.about_one]:
        rest = {"dup": "INC-1", "page": "@bob", "sev": "P1", "lead": "@bob", "why": ""}.get(verb, "30m")
        answers = [_commands(client, f"{verb} {name} {rest}") for name in ("INC-1", "INC-999")]
        assert [answer.status_code for answer in answers] == [404, 404], verb
        assert _worded(answers[0].text) == _worded(answers[1].text), verb


@pytest.mark.parametrize("who", STRANGERS)
def test_to_a_stranger_no_reading_verb_tells_of_it(
    as_whom: Callable[[str, dict[str, str]], TestClient], who: str
) -> None:
    client = as_whom(*STRANGERS[who])
    for line in ("list", "list all", "why alert QuokkaLeak", "why @alice", "why @bob since 2h", *READING):
        assert "quokka" not in _commands(client, line).text.casefold().replace("'quokkaleak'", ""), line
    assert "Nothing is open." in _commands(client, "list").text
    assert "There is no alert" in _commands(client, "why alert QuokkaLeak").text


@pytest.mark.parametrize("who", AT_WORK)
def test_those_at_work_use_every_reading_verb(
    as_whom: Callable[[str, dict[str, str]], TestClient], who: str
) -> None:
    client = as_whom(*AT_WORK[who])
    for line in ("list", "info INC-1", "firing INC-1", "catchup INC-1", "why INC-1"):
        assert WORD in _commands(client, line).text.casefold(), line
    assert _commands(client, "ack INC-1").status_code == 200


def test_a_page_of_a_list_is_full_for_those_who_see_less(
    private: World, as_whom: Callable[[str, dict[str, str]], TestClient]
) -> None:
    for number in range(2):
        _says(private, {}, f"new Public {number}")
        _says(private, {}, f"new --private Quokka {number}")
    client = as_whom("mallory", {})
    first = client.get("/api/v1/incidents?limit=1").json()
    second = client.get(f"/api/v1/incidents?limit=1&cursor={first['next']}").json()
    assert [one["title"] for one in (*first["items"], *second["items"])] == ["Public 1", "Public 0"]
    assert second["next"] is None


def test_a_stream_ends_for_whom_it_is_made_private(guarded: World) -> None:
    _says(guarded, {}, "new Everybody looks")
    desk = guarded.application.app.state.desk
    stranger = Caller(actor="mallory", scopes=frozenset({"read"}), name="mallory")

    async def watch() -> list[str]:
        found = []
        async for event in live.follow(replace(desk, context=desk.seen_by(stranger)), 1, 0):
            if "private" not in found:
                await asyncio.to_thread(_says, guarded, {}, "private INC-1")
                await asyncio.to_thread(_says, guarded, {}, "note INC-1 the quokka did it")
                found.append("private")
            found.append(event)
        return found

    assert WORD not in "".join(asyncio.run(asyncio.wait_for(watch(), 20)))


def test_what_a_token_makes_private_is_not_shown_to_it(
    guarded: World,
) -> None:
    """It is done all the same, and the answer says so."""
    context = guarded.application.context
    secret = access.create_token(context, "ci", frozenset({"read", "write"}), by="operator", now=START)
    client = guarded.client(headers={"authorization": f"Bearer {secret}"})
    declared = client.post(
        "/api/v1/incidents", json={"title": "Quokka loose", "private": True, "actor": "alice"}
    )
    assert declared.status_code == 201
    assert declared.json()["incident"] is None
    assert client.get("/api/v1/incidents/1").status_code == 404
    own = client.post("/api/v1/incidents", json={"title": "Quokka loose", "private": True})
    assert own.json()["incident"]["private"] is True


def _addresses(world: World) -> Iterator[tuple[str, str]]:
    """Give every address that is read, as it is written and as it is asked; streams but the first line never end."""
    routers = [getattr(one, "original_router", None) for one in world.application.app.routes]
    for route in (route for router in routers if router is not None for route in router.routes):
        if (
            isinstance(route, APIRoute)
            and "GET" in (route.methods or ())
            and not route.path.endswith("/live")
        ):
            yield route.path, _asked(route.path)
    yield "/api/v1/incidents", "/api/v1/incidents?state=open"
    yield "/api/v1/alerts", "/api/v1/alerts?incident=INC-1"
    yield "/api/v1/alerts/{id}/why", "/api/v1/alerts/0123456789abcdef/why"


def _asked(path: str) -> str:
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: _place(path, found[1]), path)


def _place(path: str, word: str) -> str:
    if "alerts/" in path:
        return "1"
    if "people/" in path:
        return "alice"
    return PLACES.get(word, "platform-primary")


def _worded(text: str) -> str:
    """Give an answer without what the question itself brought: its number, and what is drawn anew each time."""
    return re.sub(r"(?i)inc-\d+|name=\"key\" value=\"[^\"]*|[0-9a-f]{16}", "…", text)


def _says(world: World, headers: dict[str, str], line: str) -> Any:
    client = world.client(headers={"authorization": f"Bearer {MASTER}", **headers})
    needs_none = line.startswith(("new", "private INC", "note INC"))
    path = "/api/v1/commands" if needs_none else "/api/v1/incidents/1/commands"
    return client.post(path, json={"text": line})


def _commands(client: TestClient, line: str) -> Any:
    return client.post("/api/v1/commands", json={"text": line})
