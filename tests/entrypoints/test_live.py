"""The live stream: what is new arrives at once and once, whoever is idle hears a heartbeat, and a stop ends it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.requests import Request

from incident_bot.entrypoints import live
from incident_bot.flow import queries, sessions
from incident_bot.flow.sessions import Opening
from tests.entrypoints.conftest import START, World


def parsed(event: str) -> tuple[int, dict[str, Any]]:
    fields = dict(line.split(": ", 1) for line in event.strip().splitlines())
    assert fields["event"] == "entry"
    return int(fields["id"]), json.loads(fields["data"])


async def entries(stream: AsyncIterator[str], number: int) -> list[tuple[int, dict[str, Any]]]:
    found: list[tuple[int, dict[str, Any]]] = []
    async for event in stream:
        if event.startswith("id:"):
            found.append(parsed(event))
        if len(found) == number:
            break
    return found


def test_new_entries_arrive_in_order_with_their_seq(world: World) -> None:
    world.open_incident()

    async def watch() -> list[tuple[int, dict[str, Any]]]:
        stream = live.follow(world.application.app.state.desk, 1, 0)
        return await asyncio.wait_for(entries(stream, 2), 20)

    got = asyncio.run(watch())
    assert [seq for seq, _ in got] == [1, 2]
    assert got[0][1]["seq"] == 1
    assert got[0][1]["happened_at"].endswith("Z")


def test_a_commit_wakes_the_stream(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.open_incident()
    monkeypatch.setattr(live, "POLL_SECONDS", 3600.0)

    async def watch() -> list[tuple[int, dict[str, Any]]]:
        desk = world.application.app.state.desk
        stream = live.follow(desk, 1, queries.latest_seq(desk.context, 1))
        task = asyncio.ensure_future(entries(stream, 1))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(
            world.client().post, "/api/v1/incidents/1/commands", json={"text": "note it is the disk"}
        )
        return await asyncio.wait_for(task, 20)

    ((_, entry),) = asyncio.run(watch())
    assert entry["kind"] == "note"


def test_the_poll_finds_what_no_signal_told(world: World) -> None:
    """Another replica's commits, or a signal that got lost."""
    world.open_incident()

    async def watch() -> list[tuple[int, dict[str, Any]]]:
        desk = world.application.app.state.desk
        stream = live.follow(desk, 1, queries.latest_seq(desk.context, 1))
        task = asyncio.ensure_future(entries(stream, 1))
        await asyncio.sleep(0.3)
        desk.context.signals._listeners.clear()
        await asyncio.to_thread(
            world.client().post, "/api/v1/incidents/1/commands", json={"text": "note quiet"}
        )
        return await asyncio.wait_for(task, 20)

    ((_, entry),) = asyncio.run(watch())
    assert entry["text"].endswith("quiet")


def test_the_pulse_tells_of_changes_and_not_of_what_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "POLL_SECONDS", 3600.0)
    desk = world.application.app.state.desk

    async def watch() -> list[str]:
        stream = live.beats(desk, queries.newest_event(desk.context))
        told = [await anext(stream)]
        task = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(world.open_incident, alertname="Quokka")
        told.append(await asyncio.wait_for(task, 20))
        return told

    retry, beat = asyncio.run(watch())
    assert retry == "retry: 2000\n\n"
    assert beat.endswith("event: changed\ndata: 1\n\n")
    assert "Quokka" not in beat


def test_a_quiet_stream_says_that_it_lives(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.open_incident()
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.0)

    async def first_two() -> list[str]:
        stream = live.follow(world.application.app.state.desk, 1, 10_000)
        return [await anext(stream), await anext(stream)]

    assert asyncio.run(first_two()) == ["retry: 2000\n\n", ": still here\n\n"]


def test_a_stop_ends_the_stream_and_nobody_listens_any_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.open_incident()
    monkeypatch.setattr(live, "POLL_SECONDS", 3600.0)
    desk = world.application.app.state.desk

    async def watch() -> None:
        async def read() -> None:
            async for _ in live.follow(desk, 1, 10_000):
                pass

        task = asyncio.ensure_future(read())
        await asyncio.sleep(0.3)
        await asyncio.to_thread(desk.streams.close)
        await asyncio.wait_for(task, 20)

    asyncio.run(watch())
    assert desk.context.signals._listeners == {}


RESUMED = {
    "from the beginning": ({}, "?after=0", [1, 2]),
    "behind an entry": ({}, "?after=1", [2]),
    "resumed by the browser": ({"last-event-id": "1"}, "?after=0", [2]),
    "only what is new": ({}, "", []),
    "a strange resume": ({"last-event-id": "x"}, "?after=1", [2]),
}


@pytest.mark.parametrize("case", RESUMED)
def test_a_reader_says_where_to_go_on(world: World, case: str) -> None:
    headers, query, expected = RESUMED[case]
    world.open_incident()
    desk = world.application.app.state.desk
    total = world.client().get("/api/v1/incidents/1").json()["seq"]

    async def read() -> str:
        sent: list[bytes] = []
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if asked:
                await asyncio.Event().wait()
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                assert (b"content-type", b"text/event-stream; charset=utf-8") in message["headers"]
            sent.append(message.get("body", b""))

        scope = {
            "type": "http", "method": "GET", "path": "/api/v1/incidents/INC-1/live", "client": ("127.0.0.1", 1),
            "query_string": query.removeprefix("?").encode(), "root_path": "", "scheme": "http",
            "headers": [(b"host", b"localhost"), *((k.encode(), v.encode()) for k, v in headers.items())],
        }  # fmt: skip
        wanted = {f"id: {seq}\n".encode() for seq in expected if seq <= min(2, total)}
        task = asyncio.ensure_future(world.application.app(scope, receive, send))
        while not all(one in b"".join(sent) for one in {b"retry: ", *wanted}):
            assert not task.done()
            await asyncio.sleep(0.01)
        desk.streams.close()
        await asyncio.wait_for(task, 20)
        return b"".join(sent).decode()

    text = asyncio.run(read())
    got = [int(line.removeprefix("id: ")) for line in text.splitlines() if line.startswith("id: ")]
    assert [seq for seq in got if seq <= 2] == [seq for seq in expected if seq <= total]
    assert expected or not got


def test_an_unknown_incident_is_refused_before_the_stream_begins(world: World) -> None:
    answer = world.client().get("/api/v1/incidents/INC-9/live")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_stream_ends_with_the_session_that_opened_it(
    guarded: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STILL_SECONDS", 0.0)
    monkeypatch.setattr(live, "POLL_SECONDS", 0.01)
    context = guarded.application.context
    with context.store.write() as tx:
        secret = sessions.open_session(context, tx, Opening(person="alice", how="oidc"), now=START)
    guarded.client(headers={"authorization": "Bearer api-secret-token"}).post(
        "/api/v1/incidents", json={"title": "x"}
    )
    desk = guarded.application.app.state.desk
    cookie = [(b"cookie", f"incident_bot_session={secret}".encode())]
    request = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": cookie})

    async def watch() -> list[str]:
        found = []
        async for event in live.follow(desk, 1, 0, still=lambda: desk.doorkeeper.present(request)):
            found.append(event)
            if event.startswith("id:"):
                await asyncio.to_thread(sessions.end_all, context, person="alice", by="alice", now=START)
        return found

    assert len(asyncio.run(asyncio.wait_for(watch(), 20))) >= 2
