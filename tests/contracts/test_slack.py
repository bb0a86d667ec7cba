"""The notifier `slack` against a strict workspace: what each answer means, how many calls a page is, what is edited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_bot.core.effects import Moment
from incident_bot.core.model import Person
from incident_bot.notifiers import NOTIFIERS, Notifier
from incident_bot.notifiers.base import GiveUp, GiveUpReason, Message, RetryLater
from incident_bot.outgoing import Client
from tests.fakes.slack.state import BOT_TOKEN
from tests.fakes.slack.workspace import Fault, Workspace, answers, limited, loses_the_answer

NOW = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
ALICE = Person(id="alice", name="Alice Example", contacts={"slack": "U0ALICE"})
PAGE = Message(
    key="page:1:1:0:0:alice:slack",
    kind="page",
    recipient="alice",
    person=ALICE,
    subject="P1: 5xx above 5 %",
    text="P1: 5xx above 5 %",
    at=NOW,
)
NEWS = replace(PAGE, key="message:1", kind="opened", recipient="#web", person=None)


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace(NOW.timestamp, rates=False) as ws:
        ws.person("U0ALICE", "Alice Example")
        ws.add_channel("web")
        yield ws
        assert ws.violations == []


@pytest.fixture
def notifier(workspace: Workspace) -> Iterator[Notifier]:
    client = Client(timeout=2, whole=4)
    values = {"SLACK_BOT_TOKEN": BOT_TOKEN, "INCIDENT_BOT_SLACK_API_URL": workspace.url}
    built = NOTIFIERS["slack"].build(values, client, print)
    assert built is not None
    yield built
    client.close()


def methods(ws: Workspace) -> list[str]:
    return [method for method, _ in ws.calls]


def test_the_second_page_of_a_person_is_one_call(workspace: Workspace, notifier: Notifier) -> None:
    first = notifier.send(PAGE)
    notifier.send(replace(PAGE, key="page:2:1:0:0:alice:slack"))
    assert methods(workspace) == ["conversations.open", "chat.postMessage", "chat.postMessage"]
    channel, _, ts = (first.provider_id or "").partition("/")
    assert ts in workspace.channels[channel].messages


def test_channels_are_listed_once_a_minute_at_most(workspace: Workspace, notifier: Notifier) -> None:
    for number in range(3):
        notifier.send(replace(NEWS, key=f"m{number}"))
    unknown = replace(NEWS, recipient="#new")
    with pytest.raises(RetryLater) as later:
        notifier.send(unknown)
    assert later.value.after == timedelta(minutes=1)
    assert methods(workspace).count("conversations.list") == 1
    assert methods(workspace).count("conversations.join") == 1
    with pytest.raises(GiveUp) as none:
        notifier.send(replace(unknown, at=NOW + timedelta(minutes=1)))
    assert none.value.reason is GiveUpReason.ADDRESS
    workspace.add_channel("new")
    notifier.send(replace(unknown, at=NOW + timedelta(minutes=2)))


def test_a_channel_that_is_gone_is_looked_for_anew(workspace: Workspace, notifier: Notifier) -> None:
    notifier.send(NEWS)
    workspace.named("web").archived = True
    with pytest.raises(GiveUp):
        notifier.send(replace(NEWS, key="m2"))
    workspace.named("web").name = "web-old"
    workspace.add_channel("web")
    notifier.send(replace(NEWS, key="m3", at=NOW + timedelta(minutes=5)))
    assert len(workspace.named("web").live()) == 1


def test_whoever_was_sent_away_comes_again_and_says_it_a_second_later(
    workspace: Workspace, notifier: Notifier
) -> None:
    notifier.send(NEWS)
    workspace.named("web").members.clear()
    with pytest.raises(RetryLater) as later:
        notifier.send(replace(NEWS, key="m2"))
    assert later.value.after == timedelta(seconds=1)
    notifier.send(replace(NEWS, key="m2", attempt=2))
    assert len(workspace.named("web").live()) == 2


def test_what_was_asked_to_wait_was_not_sent_and_is_not_looked_for(
    workspace: Workspace, notifier: Notifier
) -> None:
    workspace.fail("conversations.open", limited(5))
    workspace.fail("chat.postMessage", limited(5), loses_the_answer)
    for attempt in (1, 2, 3):
        with pytest.raises(RetryLater):
            notifier.send(replace(PAGE, attempt=attempt))
    assert "conversations.history" not in methods(workspace)
    notifier.send(replace(PAGE, attempt=4))
    assert methods(workspace).count("conversations.history") == 1, "the third may have got through"
    assert len(workspace.direct("U0ALICE").live()) == 1


def test_another_process_may_have_sent_it_in_between(workspace: Workspace, notifier: Notifier) -> None:
    workspace.fail("chat.postMessage", limited(5))
    with pytest.raises(RetryLater):
        notifier.send(PAGE)
    notifier.send(replace(PAGE, attempt=3))
    assert "conversations.history" in methods(workspace)


@pytest.mark.parametrize("message", [PAGE, NEWS], ids=["page", "channel"])
def test_what_got_through_without_an_answer_is_found_and_not_said_twice(
    workspace: Workspace, notifier: Notifier, message: Message
) -> None:
    workspace.fail("chat.postMessage", loses_the_answer)
    with pytest.raises(RetryLater):
        notifier.send(message)
    found = notifier.send(replace(message, attempt=2))
    assert methods(workspace).count("chat.postMessage") == 0
    channel, _, ts = (found.provider_id or "").partition("/")
    assert list(workspace.channels[channel].messages) == [ts]


@pytest.mark.parametrize(
    "fault, expected",
    [
        (limited(17), timedelta(seconds=17)),
        (answers(500), None),
        (answers(503), None),
        (answers(408), None),
        (answers(200, "fatal_error"), None),
        (answers(200, "invalid_auth"), GiveUpReason.AUTH),
        (answers(401, ""), GiveUpReason.AUTH),
        (answers(200, "token_revoked"), GiveUpReason.AUTH),
        (answers(200, "channel_not_found"), GiveUpReason.ADDRESS),
        (answers(200, "user_disabled"), GiveUpReason.ADDRESS),
        (answers(200, "msg_blocks_too_long"), GiveUpReason.REFUSED),
        (answers(200, "something_new"), GiveUpReason.REFUSED),
    ],
)
def test_what_it_makes_of_each_answer(
    workspace: Workspace, notifier: Notifier, fault: Fault, expected: Any
) -> None:
    workspace.fail("chat.postMessage", fault)
    with pytest.raises(RetryLater if expected is None or isinstance(expected, timedelta) else GiveUp) as told:
        notifier.send(PAGE)
    made = told.value.after if isinstance(told.value, RetryLater) else told.value.reason  # type: ignore[attr-defined]
    assert made == expected
    assert "xoxb" not in str(told.value)


def edited(message: Message, provider_id: str | None, **more: Any) -> Message:
    return replace(message, key="edit:1", kind="edit", text="Taken", facts={"edit": provider_id, **more})


def test_an_edit_changes_the_message_in_its_place(workspace: Workspace, notifier: Notifier) -> None:
    first = notifier.send(PAGE).provider_id
    assert notifier.send(edited(PAGE, first)).provider_id == first
    (message,) = workspace.direct("U0ALICE").live()
    assert (message.text, message.edits) == ("Taken", 1)


@pytest.mark.parametrize("nothing, left", [(True, 0), (False, 1)])
def test_a_message_that_is_gone_is_posted_anew_or_left(
    workspace: Workspace, notifier: Notifier, nothing: bool, left: int
) -> None:
    first = notifier.send(NEWS).provider_id
    for message in workspace.named("web").live():
        message.deleted = True
    notifier.send(edited(NEWS, first, or_nothing=nothing))
    assert len(workspace.named("web").live()) == left


def test_a_channel_that_it_may_not_join_says_nothing_of_the_others(
    workspace: Workspace, notifier: Notifier
) -> None:
    workspace.scopes.discard("channels:join")
    with pytest.raises(GiveUp) as told:
        notifier.send(NEWS)
    assert told.value.reason is GiveUpReason.ADDRESS
    notifier.send(PAGE)


@pytest.mark.parametrize("build", [lambda: NOTIFIERS["slack"].pacing({})])
def test_a_channel_has_one_lane_by_its_name_with_or_without_its_sign(build: Callable[[], Any]) -> None:
    pacing = build()
    assert pacing.lane("#web") == pacing.lane("web") == "web"
    assert pacing.each.every == timedelta(seconds=1)
    assert pacing.acts[Moment.EDIT].every >= timedelta(minutes=1) / 50
