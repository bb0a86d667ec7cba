"""The page behind a tap's link, and `/oncall` through the API: what a phone, a mail scanner and a script get."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_bot.flow.oncall import handoffs
from tests.entrypoints.conftest import World

HAND_OFF = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
"""Monday 09:00 in Berlin: alice is on call until then, bob from then on."""


def asked(world: World) -> str:
    """The path of the link that bob was sent."""
    world.clock.set(HAND_OFF - timedelta(minutes=30))
    handoffs.schedule_all(world.application.context, now=world.clock.now())
    world.pump()
    (message,) = [one for one in world.recorder.sent if one.kind == "tap"]
    assert message.url is not None
    assert message.url in message.text
    return message.url.removeprefix(world.application.context.settings.public_url)


def test_only_the_button_answers_and_only_once(
    logged: Callable[[], list[dict[str, Any]]], world: World
) -> None:
    path = asked(world)
    phone = world.client(host="incidents.example.com", peer="203.0.113.9")
    for _ in range(3):
        page = phone.get(path)
        assert page.status_code == 200
        assert "Are you reachable, " in page.text
        assert f'<form method="post" action="{path}"' in page.text
    assert "<script" not in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert page.headers["cache-control"] == "no-store"
    world.clock.advance(timedelta(minutes=11))
    answer = phone.post(path)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    thanks = phone.get(path).text
    assert "Thank you, " in thanks
    assert "<form" not in thanks
    world.clock.advance(timedelta(minutes=5))
    phone.post(path)
    assert phone.get(path).text.count("07:41") == thanks.count("07:41") == 1
    world.clock.set(HAND_OFF + timedelta(minutes=10))
    world.pump()
    assert [one.recipient for one in world.recorder.sent if one.kind == "untapped"] == []
    said = world.client().post("/api/v1/oncall/commands", json={"text": ""}).json()["reply"]["text"]
    assert "confirmed " in said
    paths = [line["context"].get("path", "") for line in logged()]
    assert paths.count("/oncall/tap/…") == 7
    assert path.rpartition("/")[2] not in str(logged())


def test_names_are_escaped(world: World) -> None:
    page = world.client().get(asked(world)).text
    assert "Are you reachable, Bob &lt;b&gt;Example&lt;/b&gt;?" in page
    assert "<b>" not in page


@pytest.mark.parametrize("path", ["/oncall/tap/nonsense", "/oncall/tap/" + "x" * 300])
def test_a_link_that_was_never_sent_opens_nothing(world: World, path: str) -> None:
    for method in ("GET", "POST"):
        answer = world.client().request(method, path, headers={"accept": "text/html"})
        assert answer.status_code in (404, 422)


def test_a_link_is_over_after_the_shift_has_begun_for_an_hour(world: World) -> None:
    path = asked(world)
    world.clock.set(HAND_OFF + timedelta(hours=1))
    assert "This question is over" in world.client().get(path).text
    assert world.client().post(path).status_code == 409


def run(world: World, text: str, *, key: str | None = None, **more: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return world.client().post("/api/v1/oncall/commands", json={"text": text, **more}, headers=headers)


def test_a_line_is_answered(world: World) -> None:
    answer = run(world, "platform tomorrow 18:00", actor="alice")
    assert answer.status_code == 200, answer.text
    reply = answer.json()["reply"]
    assert set(answer.json()) == {"reply"}
    assert reply["text"].startswith("platform-primary: ")
    assert reply["ok"] is True
    assert run(world, "").json()["reply"]["actions"] == ["me", "swap", "override list"]


def test_the_same_key_does_it_once(world: World) -> None:
    first = run(world, "override @alice now 2h platform", key="k1", actor="bob")
    again = run(world, "override @alice now 2h platform", key="k1", actor="bob")
    assert first.json()["reply"]["text"] == again.json()["reply"]["text"]
    listed = world.client().get("/api/v1/schedules/platform-primary/overrides").json()["items"]
    assert [one["created_by"] for one in listed] == ["bob"]


def test_a_refusal_says_what_to_type(world: World) -> None:
    answer = run(world, "swap accept", actor="bob")
    assert answer.status_code == 409
    assert "Type `swap accept 7`" in answer.json()["detail"]
    assert run(world, "take 9", actor="bob").status_code == 404
    assert run(world, "me", actor="nobody").status_code == 404
    assert run(world, "x\x00").status_code == 422
    assert re.search("You are 'operator' here", run(world, "me").json()["detail"])
