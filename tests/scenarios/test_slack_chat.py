"""What people say in a room becomes the record: pinned messages, their edits and deletions, tasks, files."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from incident_bot.flow import queries
from incident_bot.flow.views import EntryView
from incident_bot.store import evidence
from tests.fakes.slack.state import Message
from tests.fakes.slack.workspace import answers, limited
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    SlackStory,
    slack_story,
)
from tests.plugins.story import on_every_database

Begin = Callable[..., SlackStory]


def begun(begin: Begin, **changes: Any) -> SlackStory:
    """A story with a room."""
    story = begin(**changes)
    story.fires()
    story.advance(minutes=1)
    return story


def notes(story: SlackStory) -> list[EntryView]:
    return [entry for entry in story.timeline() if entry.kind == "note"]


def reader(story: SlackStory) -> TestClient:
    """Somebody at the machine of the bot."""
    return TestClient(story.application.app, base_url="http://127.0.0.1:8080", client=("127.0.0.1", 50000))


def said(story: SlackStory, text: str, *, by: str = "U0BEN", **more: Any) -> Message:
    message = story.slack_client.says(by, story.room(), text, **more)
    story.advance(minutes=2)
    return message


@on_every_database
def test_a_pinned_message_is_noted_at_its_own_time_by_its_author(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "We see timeouts since the deploy")
    story.slack_client.reacts("U0ANA", message, "pushpin")
    (note,) = notes(story)
    assert note.text == "Ben Example noted: We see timeouts since the deploy (put here by Ana Example)"
    assert note.actor == "ben"
    assert note.happened_at == datetime.fromtimestamp(float(message.ts), UTC)
    assert note.recorded_at > note.happened_at
    story.advance(minutes=5)
    assert not [text for text in story.texts() if "noted: We see" in text], "the room said it itself"


def test_the_message_follows_its_edits_and_is_taken_back_with_its_pin(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "Since 14:00")
    story.slack_client.reacts("U0BEN", message, "pushpin")
    story.slack_client.edits(message, "Since 14:05")
    (note,) = notes(story)
    assert note.text == "Ben Example noted: Since 14:05 (edited)"
    assert story.entry("note_edited").text == "Ben Example edited a note: Since 14:05 (it was: Since 14:00)"
    story.slack_client.reacts("U0BEN", message, "pushpin", taken_back=True)
    assert notes(story)[0].text.startswith("Taken back: Ben Example noted")
    assert "nobody has it pinned any more" in story.entry("note_retracted").text
    assert queries.timeline(story.context, 1, limit=note.seq)[-1].text.startswith("Taken back")
    story.slack_client.reacts("U0ANA", message, "pushpin")
    assert [one.text.startswith("Taken back") for one in notes(story)] == [True, False]


def test_one_of_two_pins_is_enough(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "The cache is cold")
    story.slack_client.reacts("U0BEN", message, "pushpin")
    story.slack_client.pins("U0ANA", message)
    story.slack_client.reacts("U0BEN", message, "pushpin", taken_back=True)
    assert "note_retracted" not in story.kinds()
    story.slack_client.pins("U0ANA", message, taken_back=True)
    assert story.kinds().count("note_retracted") == 1
    assert story.kinds().count("note") == 1


def test_a_deleted_message_is_taken_back(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "wrong channel")
    story.slack_client.pins("U0ANA", message)
    story.slack_client.deletes(message)
    assert "the message was deleted" in story.entry("note_retracted").text


def test_the_shortcut_of_a_message_notes_it_and_answers(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "The replica lags")
    answered = story.slack_client.shortcut("U0ANA", "inc:note", message)
    assert len(notes(story)) == 1
    assert story.workspace.responses[answered.response_url][0]["text"] == "It goes on the timeline."
    elsewhere = story.slack_client.says("U0ANA", story.workspace.add_channel("random"), "hello")
    answered = story.slack_client.shortcut("U0ANA", "inc:note", elsewhere)
    assert "room of an incident" in story.workspace.responses[answered.response_url][0]["text"]


def test_events_that_come_twice_and_in_any_order_mean_the_same(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "first")
    people = story.slack_client
    people.reacts("U0BEN", message, "pushpin")
    people.edits(message, "second")
    people.reacts("U0BEN", message, "pushpin", taken_back=True)
    people.reacts("U0BEN", message, "pushpin")
    kinds = [kind for kind in story.kinds() if kind.startswith("note")]
    events = [payload["event"] for payload in people.sent if payload.get("type") == "event_callback"]
    for event in random.Random(5).sample(events * 3, len(events) * 3):  # noqa: S311 -- a shuffle
        people.event(event)
    assert [kind for kind in story.kinds() if kind.startswith("note")] == kinds


def test_the_record_is_readable(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.workspace.person("U0NEW", "Nora New")
    story.workspace.groups["S0DBA"] = "dba"
    text = (
        "<@U0ANA> &amp; <@U0NEW>: see <https://grafana.example.com/d/1|the graph> in "
        f"<#{story.web.id}>, <!subteam^S0DBA>, <!here> :fire: a &lt; b <mailto:x@example.com|x@example.com>"
    )
    story.slack_client.reacts("U0NEW", said(story, text, by="U0NEW"), "pushpin")
    (note,) = notes(story)
    assert note.text == (
        "Nora New noted: @Ana Example & @Nora New: see the graph (https://grafana.example.com/d/1) in #web, "
        "@dba, @here :fire: a < b x@example.com"
    )
    assert (note.actor, note.actor_name) == ("slack:U0NEW", "Nora New")
    asked = [method for method, _ in story.workspace.calls if method == "users.info"]
    story.slack_client.reacts("U0NEW", said(story, "again <@U0NEW>", by="U0NEW"), "pushpin")
    assert [method for method, _ in story.workspace.calls if method == "users.info"] == asked, "remembered"


def test_a_message_in_a_thread_of_the_room_counts(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "in the thread", thread=story.card().ts)
    story.slack_client.reacts("U0ANA", message, "pushpin")
    assert len(notes(story)) == 1


def test_in_a_team_channel_only_the_thread_of_the_incident_counts(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    story.fires(severity="warning")
    story.advance(minutes=1)
    (card,) = [one for one in story.web.live() if one.thread is None]
    inside = story.slack_client.says("U0BEN", story.web, "it is the disk", thread=card.ts)
    outside = story.slack_client.says("U0BEN", story.web, "lunch?")
    story.slack_client.reacts("U0BEN", inside, "pushpin")
    story.slack_client.reacts("U0BEN", outside, "pushpin")
    (note,) = notes(story)
    assert "it is the disk" in note.text


def test_what_happens_elsewhere_is_dropped_without_a_trace(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    other = story.workspace.add_channel("random", members=["U0ANA", "U0BOT"])
    calls = len(story.workspace.calls)
    message = story.slack_client.says("U0ANA", other, "hello")
    story.slack_client.heard(message)
    story.slack_client.reacts("U0ANA", message, "pushpin")
    story.slack_client.edits(message, "hello!")
    assert not notes(story)
    assert len(story.workspace.calls) == calls


def test_the_bots_own_messages_are_no_notes(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.slack_client.reacts("U0ANA", story.card(), "pushpin")
    assert not notes(story)


def test_a_tick_on_a_task_that_the_bot_told_of_ends_it(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.types("task check <the replicas>", by="ben")
    story.advance(minutes=1)
    told = next(
        one
        for one in story.room().live()
        if "the replicas" in story.read(one) and one.ts not in story.room().pins
    )
    story.slack_client.reacts("U0ANA", told, "white_check_mark")
    assert story.entry("item_done").actor == "ana"


def test_a_message_becomes_one_follow_up(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    later = said(story, "alert on saturation")
    story.slack_client.reacts("U0ANA", later, "arrow_right")
    story.slack_client.reacts("U0BEN", later, "arrow_right")
    items = [(item.kind, item.text, item.done_at is not None) for item in story.incident().items]
    assert items == [("followup", "alert on saturation", False)]
    story.slack_client.reacts("U0BEN", later, "white_check_mark")
    assert [item.done_at is not None for item in story.incident().items] == [True]


@pytest.mark.parametrize("fault", [limited(7), answers(500), answers(200, "fatal_error")])
def test_slack_may_be_away_when_the_message_is_read(slack_story: Begin, fault: Any) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "keep this")
    story.workspace.fail("conversations.history", fault)
    story.slack_client.reacts("U0ANA", message, "pushpin")
    assert not notes(story)
    story.advance(minutes=1)
    assert len(notes(story)) == 1


def test_a_process_that_ends_in_between_loses_nothing(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "keep this")
    story.slack_client.after = lambda: None
    story.slack_client.reacts("U0ANA", message, "pushpin")
    assert not notes(story)
    story.restart()
    story.pump()
    assert len(notes(story)) == 1


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def shared(story: SlackStory, **more: Any) -> dict[str, Any]:
    file = {
        "id": f"F{len(story.workspace.files)}",
        "name": "graph.png",
        "mimetype": "image/png",
        "size": len(PNG),
        "url_private": f"{story.workspace.root}/files/graph.png",
        **more,
    }
    story.workspace.files[file["id"]] = file
    story.workspace.contents["/files/graph.png"] = PNG
    return file


@on_every_database
def test_files_are_fetched_privately_and_given_to_readers(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "the error rate", files=[shared(story)])
    story.slack_client.reacts("U0BEN", message, "pushpin")
    story.advance(minutes=1)
    assert notes(story)[0].text == "Ben Example noted: the error rate; graph.png"
    client = reader(story)
    (file,) = client.get("/api/v1/incidents/INC-1/files").json()["items"]
    assert (file["number"], file["name"], file["state"]) == (1, "graph.png", "kept")
    answered = client.get("/api/v1/incidents/INC-1/files/1")
    assert answered.content == PNG
    assert answered.headers["content-type"] == "image/png"
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert answered.headers["content-disposition"].startswith("attachment")
    assert client.get("/api/v1/incidents/INC-1/files/2").status_code == 404


def test_files_that_are_too_large_or_of_another_kind_are_only_named(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    files = [
        shared(story, size=11 * 1024 * 1024),
        shared(story, name="run.exe", mimetype="application/x-dosexec"),
    ]
    story.slack_client.reacts("U0BEN", said(story, "", files=files), "pushpin")
    story.advance(minutes=1)
    assert "shared graph.png, run.exe" in notes(story)[0].text
    found = reader(story).get("/api/v1/incidents/INC-1/files").json()["items"]
    assert [one["state"] for one in found] == ["not kept", "not kept"]
    assert "larger than 10 MB" in found[0]["reason"]
    assert reader(story).get("/api/v1/incidents/INC-1/files/1").status_code == 404


def test_a_file_is_fetched_when_slack_is_back(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "see", files=[shared(story, url_private="")])
    story.workspace.fail("files.info", answers(503))
    story.slack_client.reacts("U0BEN", message, "pushpin")
    assert reader(story).get("/api/v1/incidents/INC-1/files").json()["items"][0]["state"] == "waiting"
    story.workspace.files[message.files[0]["id"]]["url_private"] = f"{story.workspace.root}/files/graph.png"
    story.advance(minutes=1)
    assert reader(story).get("/api/v1/incidents/INC-1/files/1").content == PNG


def test_a_private_address_elsewhere_is_not_asked(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    files = [shared(story, url_private="http://169.254.169.254/latest/meta-data")]
    story.slack_client.reacts("U0BEN", said(story, "see", files=files), "pushpin")
    story.advance(minutes=1)
    found = reader(story).get("/api/v1/incidents/INC-1/files").json()["items"]
    assert "not_an_address_of_slack" in found[0]["reason"]


def listed(story: SlackStory) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reader(story).get("/api/v1/incidents/INC-1/files").json()["items"]
    return found


@on_every_database
def test_a_deleted_message_takes_its_files_with_it(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "the customer's invoice", files=[shared(story, name="invoice-4711.png")])
    other = said(story, "the error rate", files=[shared(story)])
    for one in (message, other):
        story.slack_client.reacts("U0BEN", one, "pushpin")
    story.advance(minutes=1)
    assert [one["state"] for one in listed(story)] == ["kept", "kept"]
    for _ in range(2):
        story.slack_client.deletes(message)
    gone, stays = listed(story)
    assert (gone["name"], gone["state"], gone["size"], gone["sha256"]) == ("taken back", "not kept", 0, None)
    assert gone["reason"] == "the message was deleted"
    assert reader(story).get("/api/v1/incidents/INC-1/files/1").status_code == 404
    assert (stays["number"], stays["state"]) == (2, "kept")
    assert story.kinds().count("note_retracted") == 1
    page = reader(story).get("/incidents/INC-1").text
    assert "/files/1" not in page
    assert "/files/2" in page


def test_what_is_pinned_again_is_fetched_again_under_its_number(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "the error rate", files=[shared(story)])
    for taken_back in (False, True, False):
        story.slack_client.reacts("U0BEN", message, "pushpin", taken_back=taken_back)
        story.advance(minutes=1)
        (file,) = listed(story)
        assert file["state"] == ("not kept" if taken_back else "kept")
    assert (file["number"], file["name"]) == (1, "graph.png")
    assert reader(story).get("/api/v1/incidents/INC-1/files/1").content == PNG


def test_a_file_taken_out_of_its_message_is_forgotten(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "the error rate", files=[shared(story)])
    story.slack_client.reacts("U0BEN", message, "pushpin")
    message.files[0] |= {"mode": "tombstone"}
    story.slack_client.edits(message, "the error rate")
    story.advance(minutes=1)
    assert listed(story)[0]["reason"] == "it was taken out of its message"
    assert len(notes(story)) == 1


def test_a_file_of_a_deleted_message_is_not_kept_by_who_fetches_it_now(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "see", files=[shared(story)])
    story.slack_client.reacts("U0BEN", message, "pushpin")
    with story.context.store.write() as tx:
        evidence.add(
            tx,
            1,
            evidence.NewFile(name="late.png", kind="image/png", size=1, source="slack:F9", url="x"),
            by="ben",
            now=story.clock.now(),
        )
        fetching = evidence.claim(tx, owner="me", lease=timedelta(minutes=1), now=story.clock.now())
        assert fetching is not None
        evidence.forget(tx, 1, ["slack:F9"], why="the message was deleted")
        evidence.fetched(tx, fetching, b"secret", owner="me")
        found = evidence.content(tx, 1, 2)
    assert found is not None
    assert found[1] is None


def test_files_of_what_was_merged_away_go_too(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    message = said(story, "the invoice", files=[shared(story)])
    story.slack_client.reacts("U0BEN", message, "pushpin")
    story.types("new P2 The one that stays")
    story.types("dup INC-2", incident=1)
    story.slack_client.deletes(message)
    story.advance(minutes=1)
    assert listed(story)[0]["state"] == "not kept"


HOSTILE = (
    ("image/svg+xml", "a.svg", None),
    ("text/html", "a.html", None),
    ("application/xhtml+xml", "a.xhtml", None),
    ("", "no kind", "application/octet-stream"),
    ("image/png; x=1", "\u202egnp.exe", "image/png"),
    ("IMAGE/PNG", '../../etc/"pass\r\nwd".png', "image/png"),
    ("image/png", "<img src=x onerror=alert(1)>.png", "image/png"),
)


@pytest.mark.parametrize("kind, name, served", HOSTILE)
def test_a_hostile_file_is_saved_and_never_run(
    slack_story: Begin,  # noqa: F811
    kind: str,
    name: str,
    served: str | None,
) -> None:
    story = begun(slack_story)
    message = said(story, "see", files=[shared(story, name=name, mimetype=kind)])
    story.workspace.contents["/files/graph.png"] = b"<script>alert(1)</script>"
    story.slack_client.reacts("U0BEN", message, "pushpin")
    story.advance(minutes=1)
    client = reader(story)
    page = client.get("/incidents/INC-1").text
    assert "<img src=x" not in page
    assert "\u202e" not in page
    answered = client.get("/api/v1/incidents/INC-1/files/1")
    if served is None:
        assert answered.status_code == 404
        assert "is not kept" in page
        assert 'class="evidence"' not in page
        return
    assert answered.headers["content-type"] == served
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert answered.headers["content-security-policy"] == "default-src 'none'; sandbox"
    disposition = answered.headers["content-disposition"]
    assert disposition.startswith("attachment; filename*=UTF-8''")
    assert not set(disposition) & set('\r\n/\\"<>')
    assert ('class="evidence"' in page) is (served == "image/png")
    assert "img-src 'self'" in client.get("/incidents/INC-1").headers["content-security-policy"]


def test_who_comes_late_is_told_how_to_catch_up_once(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.advance(minutes=10)
    room = story.room()
    room.members.add("U0FAY")
    for _ in range(2):
        story.slack_client.event(
            {"type": "member_joined_channel", "user": "U0FAY", "channel": room.id,
             "event_ts": story.workspace.next_ts()}
        )  # fmt: skip
    (whisper,) = story.workspace.whispers
    assert whisper["user"] == "U0FAY"
    assert "/incident catchup" in whisper["text"]


def test_a_room_that_people_put_away_stays_away_and_may_come_back(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    room = story.room()
    room.archived = True
    story.slack_client.event(
        {
            "type": "channel_archive",
            "channel": room.id,
            "user": "U0ANA",
            "event_ts": story.workspace.next_ts(),
        }
    )
    story.types("update We look")
    story.advance(minutes=5)
    assert room.archived
    room.archived = False
    story.slack_client.event(
        {
            "type": "channel_unarchive",
            "channel": room.id,
            "user": "U0ANA",
            "event_ts": story.workspace.next_ts(),
        }
    )
    story.advance(minutes=1)
    assert any("We look" in text for text in story.texts())


def test_a_deleted_room_is_made_anew(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    room = story.room()
    del story.workspace.channels[room.id]
    story.slack_client.event(
        {"type": "channel_deleted", "channel": room.id, "event_ts": story.workspace.next_ts()}
    )
    story.advance(minutes=1)
    assert story.room().id != room.id
    assert story.card()


def test_a_renamed_room_is_still_the_room(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    room = story.room()
    room.name = "inc-1-checkout"
    story.slack_client.event(
        {"type": "channel_rename", "channel": {"id": room.id, "name": room.name, "created": 1},
         "event_ts": story.workspace.next_ts()}
    )  # fmt: skip
    story.types("update We look")
    story.advance(minutes=1)
    assert any("We look" in text for text in story.texts())


def configured(story: SlackStory, text: str) -> None:
    """Have a `slack.yaml` in force."""
    (story.directory / "rotations/slack.yaml").write_text(text, encoding="utf-8")
    answer = story.context.live.reload(now=story.clock.now())
    assert answer.ok, answer.problems


def test_reactions_and_names_are_those_of_the_configuration(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    configured(
        story,
        "slack:\n  room_name: '{number}-{severity}'\n  reactions: {timeline: memo}\n"
        "  commands: {incident: /inzident, oncall: /wache}\n",
    )
    story.fires()
    story.advance(minutes=1)
    room = story.workspace.named("1-p1")
    message = story.slack_client.says("U0BEN", room, "noted so")
    story.slack_client.reacts("U0BEN", message, "pushpin")
    assert not notes(story)
    story.slack_client.reacts("U0BEN", message, "memo")
    assert len(notes(story)) == 1
    assert "INC-1" in str(story.slack_client.slash("U0BEN", "", room, command="/inzident").said)
    assert "Ana" in str(story.slack_client.slash("U0BEN", "web", room, command="/wache").said)


def test_where_strangers_may_not_act_they_are_told_how_to_be_known(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    configured(story, "slack: {unknown_people: refuse}\n")
    story.workspace.person("U0NEW", "Nora New")
    answered = story.slack_client.slash("U0NEW", "ack", story.room())
    assert "slack: U0NEW" in answered.said["text"]
    message = said(story, "I was here", by="U0NEW")
    story.slack_client.reacts("U0NEW", message, "pushpin")
    story.slack_client.pins("U0NEW", message)
    answered = story.slack_client.shortcut("U0NEW", "inc:note", message)
    assert "do not know you" in story.workspace.responses[answered.response_url][0]["text"]
    assert not notes(story)
    assert story.incident().escalation == "triggered"
    story.slack_client.reacts("U0ANA", message, "pushpin")
    assert "Nora New noted" in notes(story)[0].text


def test_the_record_names_a_stranger_who_acts(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    story.workspace.person("U0NEW", "Nora New")
    for line in ("ack", "note I look"):
        story.slack_client.slash("U0NEW", line, story.room())
    assert story.entry("note").text == "Nora New noted: I look"
    assert story.entry("acknowledged").text.startswith("Nora New acknowledged")
    assert [method for method, _ in story.workspace.calls].count("users.info") == 1
