"""The API's on-call routes: who answers, the stretches with nobody, and overrides from making to taking back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.entrypoints.conftest import World

URL = "/api/v1/schedules/platform-primary/overrides"
NEXT_HOUR = "2026-03-03T04:00:00Z"
LATER = "2026-03-03T05:00:00Z"


def made(world: World, **body: Any) -> dict[str, Any]:
    answer = world.client().post(URL, json={"end": NEXT_HOUR, **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def on_call(world: World, at: str = "") -> list[str]:
    query = f"?schedule=platform-primary&at={at}" if at else "?schedule=platform-primary"
    return [one["person"] for one in world.client().get(f"/api/v1/oncall{query}").json()]


def test_nobody_is_an_empty_list_and_an_unknown_schedule_is_not_found(world: World) -> None:
    client = world.client()
    nobody = client.get("/api/v1/oncall?schedule=platform-primary&at=2025-01-01T00:00:00Z")
    assert (nobody.status_code, nobody.json()) == (200, [])
    unknown = client.get("/api/v1/oncall?schedule=platform-primry")
    assert unknown.status_code == 404
    assert 'did you mean "platform-primary"?' in unknown.json()["detail"]


def test_the_schedules(world: World) -> None:
    assert world.client().get("/api/v1/schedules").json() == {
        "items": [
            {
                "name": "platform-primary",
                "time_zone": "Europe/Berlin",
                "layers": ["week"],
                "people": ["alice", "bob"],
            }
        ],
        "next": None,
    }


def test_gaps_are_cut_to_the_span(world: World) -> None:
    made(world, cover=[], nobody=True, reason="closed")
    url = "/api/v1/schedules/platform-primary/gaps"
    (closed,) = world.client().get(url).json()["items"]
    assert closed == {
        "start": "2026-03-03T03:00:00Z",
        "end": NEXT_HOUR,
        "deliberate": True,
        "why": "cover by nobody (closed), override 1",
    }
    early = f"{url}?from=2026-01-01T00:00:00Z&to=2026-01-06T00:00:00Z"
    (before,) = world.client().get(early).json()["items"]
    assert (before["end"], before["deliberate"]) == ("2026-01-05T08:00:00Z", False)
    assert world.client().get(f"{url}?to=2026-01-01T00:00:00Z").status_code == 409
    assert world.client().get(f"{url}?to=2036-01-01T00:00:00Z").status_code == 409
    assert world.client().get("/api/v1/schedules/nothing/gaps").status_code == 404


@pytest.mark.parametrize(
    "body, told, people",
    [
        ({"cover": ["bob"]}, {"cover": ["bob"]}, ["bob"]),
        ({"replace": "alice", "by": "bob"}, {"replace": "alice", "by": "bob"}, ["bob"]),
        ({"remove": "alice"}, {"remove": "alice"}, []),
        ({"add": ["bob"]}, {"add": ["bob"]}, ["alice", "bob"]),
        ({"cover": [], "nobody": True, "reason": "x"}, {"cover": [], "nobody": True, "reason": "x"}, []),
    ],
    ids=["cover", "replace", "remove", "add", "nobody"],
)
def test_an_override_in_the_keys_of_the_files(
    body: dict[str, Any], told: dict[str, Any], people: list[str], world: World
) -> None:
    assert on_call(world) == ["alice"]
    plain = {
        "id": 1, "schedule": "platform-primary", "cover": None, "replace": None, "by": None, "remove": None,
        "add": None, "start": "2026-03-03T03:00:00Z", "end": NEXT_HOUR, "reason": "", "nobody": False,
        "state": "running", "ignored": False, "created_by": "local", "created_at": "2026-03-03T03:00:00Z",
        "ended_by": None, "ended_at": None,
    }  # fmt: skip
    answer = made(world, **body)
    assert {**answer, "created_by": "local"} == {**plain, **told}
    assert on_call(world) == people
    assert on_call(world, NEXT_HOUR) == ["alice"]
    assert world.client().get(URL).json() == {"items": [answer], "next": None}


def test_it_is_made_as_somebody_and_once_per_key(world: World) -> None:
    headers = {"Idempotency-Key": "swap-1"}
    body = {"cover": ["bob"], "end": NEXT_HOUR, "actor": "bob", "start": "2026-03-03T04:30:00+01:00"}
    first = world.client(headers=headers).post(URL, json=body)
    again = world.client(headers=headers).post(URL, json=body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (first.json()["created_by"], first.json()["state"]) == ("bob", "planned")
    other = world.client(headers=headers).post(URL, json={**body, "cover": ["alice"]})
    assert other.status_code == 409
    assert len(world.client().get(URL).json()["items"]) == 1
    assert world.client().post(URL, json={**body, "actor": "nobody"}).status_code == 404


@pytest.mark.parametrize("url", [f"{URL}/1", f"{URL}?id=1"])
def test_it_is_ended_by_its_number_and_once(url: str, world: World) -> None:
    made(world, cover=["bob"])
    world.clock.advance(timedelta(minutes=1))
    assert world.client().delete(url).status_code == 204
    assert on_call(world) == ["alice"]
    assert on_call(world, "2026-03-03T03:00:30Z") == ["bob"]
    again = world.client().delete(url)
    assert again.status_code == 409
    assert "Make a new one" in again.json()["detail"]


def test_the_list_is_by_span(world: World) -> None:
    made(world, cover=["bob"])
    made(world, add=["bob"], start=NEXT_HOUR, end=LATER)
    assert world.client().delete(f"{URL}/2").status_code == 204

    def listed(query: str = "") -> list[tuple[int, str]]:
        items = world.client().get(f"{URL}{query}").json()["items"]
        return [(one["id"], one["state"]) for one in items]

    assert listed() == [(1, "running"), (2, "cancelled")]
    assert listed(f"?from={NEXT_HOUR}") == [(2, "cancelled")]
    assert listed(f"?to={NEXT_HOUR}") == [(1, "running")]
    assert world.client().get(f"{URL}?to=2026-01-01T00:00:00Z").status_code == 409


@pytest.mark.parametrize(
    "body, status, detail",
    [
        ({"cover": ["bob"]}, 422, "body.end: Field required"),
        ({"cover": "bob", "end": NEXT_HOUR}, 422, "body.cover: Input should be a valid list"),
        ({"cover": ["bob"], "end": "tomorrow"}, 422, "write an instant such as 2026-03-03T03:00:00Z"),
        ({"covers": ["bob"], "end": NEXT_HOUR}, 422, "body.covers: Extra inputs are not permitted"),
        ({"cover": [""], "end": NEXT_HOUR}, 422, "body.cover.0"),
        ({"end": NEXT_HOUR}, 409, "Say what it does: cover: [NAME]"),
        ({"cover": ["bbo"], "end": NEXT_HOUR}, 409, 'did you mean "bob"?'),
        ({"cover": ["gone"], "end": NEXT_HOUR}, 409, "gone is not active"),
        ({"cover": [], "end": NEXT_HOUR}, 409, "or says nobody: true and why"),
        (
            {"cover": ["bob"], "start": "2026-03-03T02:54:59Z", "end": NEXT_HOUR},
            409,
            "leave out start to begin",
        ),
    ],
)
def test_a_bad_body_is_told_what_to_write(
    body: dict[str, Any], status: int, detail: str, world: World
) -> None:
    answer = world.client().post(URL, json=body)
    assert answer.status_code == status
    assert detail in answer.json()["detail"]
    assert world.client().get(URL).json()["items"] == []


def test_what_there_is_not(world: World) -> None:
    client = world.client()
    body = {"cover": ["bob"], "end": NEXT_HOUR}
    assert client.post("/api/v1/schedules/nothing/overrides", json=body).status_code == 404
    assert client.get("/api/v1/schedules/nothing/overrides").status_code == 404
    assert client.delete(f"{URL}/1").status_code == 404
    assert client.delete(f"{URL}?id=1").status_code == 404
    assert client.delete(URL).status_code == 422
    assert client.delete(f"{URL}/one").status_code == 422


def test_only_who_may_write_changes_who_answers(guarded: World) -> None:
    body = {"cover": ["bob"], "end": NEXT_HOUR}
    assert guarded.client().post(URL, json=body).status_code == 401
    allowed = guarded.client(headers={"Authorization": "Bearer api-secret-token"})
    assert allowed.post(URL, json=body).status_code == 201


def test_the_console_shows_who_answers_by_an_override(world: World) -> None:
    made(world, cover=["bob"], reason="swap with Alice")
    page = world.client(headers={"accept": "text/html"}).get("/oncall").text
    assert "cover by bob (swap with Alice), override 1" in page
