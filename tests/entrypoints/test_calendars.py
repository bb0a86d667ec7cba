"""Calendars over HTTP: who may read one, what is told to those who may not, and what is never written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from icalendar import Calendar

from incident_bot.flow import access
from tests.entrypoints.conftest import START, World

TOKEN = {"authorization": "Bearer api-secret-token"}
PATHS = {
    "schedule": "/schedules/platform-primary.ics",
    "team": "/teams/platform.ics",
    "person": "/people/alice.ics",
}
NAMES = {"schedule": "platform-primary", "team": "platform", "person": "alice"}


def new_link(
    world: World, kind: str = "schedule", headers: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Make a link; gives its number and its address without the host."""
    body = {"kind": kind, "name": NAMES[kind]}
    answer = world.client().post("/api/v1/calendars", json=body, headers=dict(headers or {}))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    return made["id"], "/" + made["url"].split("/", 3)[3]


def stranger(world: World) -> Any:
    return world.client(peer="203.0.113.9", host="bot.example.com")


@pytest.mark.parametrize("kind", PATHS)
def test_a_calendar_has_one_event_a_shift(world: World, kind: str) -> None:
    answer = world.client().get(PATHS[kind])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"].startswith("private")
    events: list[Any] = list(Calendar.from_ical(answer.text).walk("VEVENT"))
    shifts = (
        world.client()
        .get("/api/v1/schedules/platform-primary/shifts?from=2026-02-01T00:00:00Z&to=2026-08-31T00:00:00Z")
        .json()["items"]
    )
    wanted = [one for one in shifts if kind != "person" or "alice" in one["people"]]
    assert [f"{event['DTSTART'].dt:%Y-%m-%dT%H:%M:%SZ}" for event in events] == [
        one["start"] for one in wanted
    ]
    assert "On call: Alice Example – platform-primary" in {str(event["SUMMARY"]) for event in events}


@pytest.mark.parametrize("kind", PATHS)
def test_a_link_opens_its_calendar_for_whoever_has_it(guarded: World, kind: str) -> None:
    _, address = new_link(guarded, kind, TOKEN)
    assert address.startswith(PATHS[kind] + "?token=ibc_")
    assert stranger(guarded).get(address).status_code == 200


def test_a_link_opens_no_other_calendar(guarded: World) -> None:
    _, address = new_link(guarded, "schedule", TOKEN)
    query = address.partition("?")[2]
    for path in (PATHS["team"], PATHS["person"], "/schedules/other.ics", "/api/v1/oncall", "/"):
        assert stranger(guarded).get(f"{path}?{query}").status_code in (401, 404, 303), path


def test_who_may_not_read_is_not_told_what_there_is(guarded: World) -> None:
    number, address = new_link(guarded, "schedule", TOKEN)
    assert stranger(guarded).delete(f"/api/v1/calendars/{number}").status_code == 401
    assert guarded.client().delete(f"/api/v1/calendars/{number}", headers=TOKEN).status_code == 204
    revoked = address.partition("?")[2]
    for query in (
        "",
        "?token=",
        "?token=ibc_wrong",
        f"?{revoked}",
        "?token=" + "x" * 5000,
        "?token=%ED%A0%80%00",
    ):
        answers = [
            stranger(guarded).get(path + query)
            for path in (*PATHS.values(), "/schedules/none.ics", "/teams/none.ics", "/people/none.ics")
        ]
        told = {(one.status_code, one.json()["detail"]) for one in answers}
        assert len(told) == 1, query
        assert told.pop()[0] == (401 if not query else 404)


def test_on_this_machine_alone_no_token_is_needed_but_a_wrong_one_is_refused(world: World) -> None:
    assert world.client().get(PATHS["schedule"]).status_code == 200
    assert world.client().get(PATHS["schedule"] + "?token=wrong").status_code == 404
    assert world.client().get(PATHS["schedule"] + "?token=").status_code == 404
    assert world.client().get("/schedules/none.ics").status_code == 404
    assert stranger(world).get(PATHS["schedule"]).status_code == 403


def test_an_api_token_reads_without_a_link_and_learns_what_there_is_not(guarded: World) -> None:
    assert stranger(guarded).get(PATHS["person"], headers=TOKEN).status_code == 200
    missing = stranger(guarded).get("/people/alcie.ics", headers=TOKEN)
    assert missing.status_code == 404
    assert 'did you mean \\"alice\\"?' in missing.text


def test_an_api_token_that_may_read_opens_calendars_in_the_address_too(guarded: World) -> None:
    secret = access.create_token(
        guarded.application.context,
        "calendar program",
        frozenset({"read"}),
        by="ben",
        now=guarded.clock.now(),
    )
    path = PATHS["schedule"]
    assert stranger(guarded).get(f"{path}?token={secret}").status_code == 200
    assert stranger(guarded).get(f"{path}?token=ibc_wrong", headers=TOKEN).status_code == 200
    pipeline = access.create_token(
        guarded.application.context, "pipeline", frozenset({"changes"}), by="ben", now=guarded.clock.now()
    )
    assert stranger(guarded).get(f"{path}?token={pipeline}").status_code == 404


def test_reading_again_costs_nothing_while_nothing_changed(world: World) -> None:
    first = world.client().get(PATHS["schedule"])
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = world.client().get(PATHS["schedule"], headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["etag"], again.headers["cache-control"]) == (
            tag,
            first.headers["cache-control"],
        )
    assert world.client().get(PATHS["schedule"], headers={"if-none-match": '"other"'}).status_code == 200
    world.clock.advance(timedelta(hours=20))
    assert world.client().get(PATHS["schedule"]).headers["etag"] == tag, "the same day"
    cover = {"cover": ["bob"], "start": "2026-03-04T00:00:00Z", "end": "2026-03-05T00:00:00Z"}
    made = world.client().post("/api/v1/schedules/platform-primary/overrides", json=cover)
    assert made.status_code == 201, made.text
    changed = world.client().get(PATHS["schedule"], headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert "On call: Bob <b>Example</b> – platform-primary" in changed.text.replace("\r\n ", "")


def test_the_head_of_a_calendar_is_that_of_its_reading(world: World) -> None:
    got, head = world.client().get(PATHS["schedule"]), world.client().head(PATHS["schedule"])
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == got.headers["etag"]


def test_links_are_listed_with_their_last_use_and_without_their_secret(world: World) -> None:
    number, address = new_link(world, "person")
    secret = address.partition("token=")[2]
    [listed] = world.client().get("/api/v1/calendars").json()["items"]
    assert listed == {
        "id": number, "kind": "person", "name": "alice", "created_at": "2026-03-03T03:00:00Z", "created_by": "operator",
        "revoked_at": None, "last_used_at": None,
    }  # fmt: skip
    assert world.client().get(address).status_code == 200
    world.clock.advance(timedelta(minutes=5))
    assert world.client().delete(f"/api/v1/calendars/{number}").status_code == 204
    answer = world.client().get("/api/v1/calendars")
    [listed] = answer.json()["items"]
    assert listed["last_used_at"] == "2026-03-03T03:00:00Z"
    assert listed["revoked_at"] == "2026-03-03T03:05:00Z"
    assert secret not in answer.text
    assert world.client().delete(f"/api/v1/calendars/{number}").status_code == 404


def test_there_is_no_link_to_what_there_is_not(world: World) -> None:
    for kind, name in (("schedule", "none"), ("team", "alice"), ("person", "platform")):
        answer = world.client().post("/api/v1/calendars", json={"kind": kind, "name": name})
        assert answer.status_code == 404
    assert world.client().post("/api/v1/calendars", json={"kind": "room", "name": "x"}).status_code == 422


def test_reading_alone_makes_no_links(guarded: World) -> None:
    reading = access.create_token(guarded.application.context, "wall", frozenset({"read"}), by="t", now=START)
    headers = {"authorization": f"Bearer {reading}"}
    body = {"kind": "team", "name": "platform"}
    assert guarded.client().post("/api/v1/calendars", json=body, headers=headers).status_code == 403
    assert guarded.client().get("/api/v1/calendars", headers=headers).status_code == 200


def test_a_secret_is_never_logged(world: World, logged: Callable[[], list[dict[str, Any]]]) -> None:
    number, address = new_link(world)
    secret = address.partition("token=")[2]
    world.client().get(address)
    world.client().get(address.replace("platform-primary", "none"))
    world.client().delete(f"/api/v1/calendars/{number}")
    world.client().get(address)
    lines = logged()
    contexts = [one["context"] for one in lines if one["message"] == "request"]
    assert {one["path"] for one in contexts} >= {PATHS["schedule"], "/schedules/none.ics"}
    assert f"calendar link {number}" in {one["actor"] for one in contexts}
    assert secret not in str(lines)
    assert secret not in world.client().get("/metrics").text
