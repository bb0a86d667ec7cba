"""The fake workspace refuses what the real one refuses, so that a test against it can fail."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from incident_bot.outgoing import Client
from incident_bot.slack_api import Limited, Refused, Slack, Unanswered
from tests.fakes.slack.blockkit import block_problems, view_problems
from tests.fakes.slack.sockets import Sockets
from tests.fakes.slack.state import BOT_TOKEN
from tests.fakes.slack.workspace import Workspace, answers, limited, loses_the_answer


def text(size: int, kind: str = "plain_text") -> dict[str, Any]:
    return {"type": kind, "text": "x" * size}


def button(**more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": "go", "text": text(4), **more}


def select(count: int, **more: Any) -> dict[str, Any]:
    options = [{"text": text(3), "value": str(number)} for number in range(count)]
    return {"type": "static_select", "action_id": "s", "options": options, **more}


def section(**more: Any) -> dict[str, Any]:
    return {"type": "section", "text": text(3, "mrkdwn"), **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def asked(element: dict[str, Any]) -> dict[str, Any]:
    return {"type": "input", "block_id": "i", "label": text(5), "element": element}


RIGHT = [
    [section()] * 50,
    [{"type": "header", "text": text(150)}],
    [{"type": "section", "text": text(3000, "mrkdwn")}],
    [{"type": "section", "fields": [text(2000)] * 10}],
    [actions(*(button(action_id=str(number)) for number in range(25)))],
    [actions(select(100))],
    [{"type": "context", "elements": [text(3000, "mrkdwn")] * 10}],
    [section(accessory=button(url="https://example.com", style="danger", value="x" * 2000))],
]
WRONG = [
    ([section()] * 51, "50 are the most"),
    ([{"type": "header", "text": text(151)}], "151 characters"),
    ([{"type": "header", "text": text(3, "mrkdwn")}], "plain_text"),
    ([{"type": "section", "text": text(3001, "mrkdwn")}], "3001 characters"),
    ([{"type": "section", "text": text(0)}], "0 characters"),
    ([{"type": "section", "fields": [text(3)] * 11}], "10 are the most"),
    ([{"type": "section"}], "needs text or fields"),
    ([{"type": "banner"}], "unknown block"),
    ([{"type": "divider", "text": text(3)}], "unknown key text"),
    ([section(block_id="a"), section(block_id="a")], "stands twice"),
    ([actions(button(), button())], "action_id go stands twice"),
    ([actions(*(button(action_id=str(number)) for number in range(26)))], "1 to 25"),
    ([actions(button(text=text(76)))], "76 characters"),
    ([actions(button(value="x" * 2001))], "2001 characters"),
    ([actions(button(style="default"))], "primary or danger"),
    ([actions(button(url="javascript:1"))], "must be an address"),
    ([actions(select(101))], "101, 1 to 100"),
    ([actions(select(0))], "0, 1 to 100"),
    ([actions(select(1, initial_option={"text": text(3), "value": "9"}))], "none of the options"),
    ([actions({"type": "plain_text_input", "action_id": "t"})], "not allowed here"),
    ([{"type": "context", "elements": []}], "1 to 10"),
]


@pytest.mark.parametrize("blocks", RIGHT)
def test_what_block_kit_takes(blocks: list[dict[str, Any]]) -> None:
    assert block_problems(blocks, "message") == []


@pytest.mark.parametrize("blocks, told", WRONG)
def test_what_block_kit_refuses(blocks: list[dict[str, Any]], told: str) -> None:
    assert told in " ".join(block_problems(blocks, "message"))


@pytest.mark.parametrize(
    "view, told",
    [
        ({"title": text(25), "blocks": [section()]}, "25 characters"),
        ({"title": text(24), "blocks": [asked({"type": "plain_text_input"})]}, "view.submit"),
        ({"title": text(24), "submit": text(25), "blocks": []}, "25 characters"),
        ({"title": text(24), "blocks": [], "private_metadata": "x" * 3001}, "3001 characters"),
        ({"title": text(24), "blocks": [], "channel": "C1"}, "unknown key"),
        ({"blocks": []}, "view.title"),
    ],
)
def test_what_a_modal_refuses(view: dict[str, Any], told: str) -> None:
    assert told in " ".join(view_problems({"type": "modal", **view}))


class Watch:
    seconds = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def workspace(watch: Watch) -> Iterator[Workspace]:
    with Workspace(watch) as workspace:
        yield workspace


@pytest.fixture
def slack(workspace: Workspace) -> Iterator[Slack]:
    client = Client(timeout=2)
    yield Slack(client, token=BOT_TOKEN, url=workspace.url)
    client.close()


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        call()
    return refused.value.error


def test_a_room_is_made_once_and_only_with_a_valid_name(slack: Slack, workspace: Workspace) -> None:
    made = slack.call("conversations.create", name="inc-1-checkout", is_private=True)
    assert workspace.named("inc-1-checkout").private
    assert made["channel"]["is_private"]
    assert refusal(lambda: slack.call("conversations.create", name="inc-1-checkout")) == "name_taken"
    assert refusal(lambda: slack.call("conversations.create", name="Inc 1")) == "invalid_name_specials"
    assert refusal(lambda: slack.call("conversations.create", name="x" * 81)) == "invalid_name_maxlength"


def test_a_scope_that_is_missing_is_named(slack: Slack, workspace: Workspace) -> None:
    workspace.scopes.discard("pins:write")
    channel = workspace.add_channel("a", members=["U0BOT"])
    with pytest.raises(Refused) as refused:
        slack.call("pins.add", channel=channel.id, timestamp="1.0")
    assert (refused.value.error, refused.value.needed) == ("missing_scope", "pins:write")


def test_one_message_a_second_and_channel(slack: Slack, workspace: Workspace, watch: Watch) -> None:
    one, other = (workspace.add_channel(name, members=["U0BOT"]) for name in ("one", "other"))
    slack.call("chat.postMessage", channel=one.id, text="1")
    slack.call("chat.postMessage", channel=other.id, text="1")
    with pytest.raises(Limited) as limit:
        slack.call("chat.postMessage", channel=one.id, text="2")
    assert limit.value.after == timedelta(seconds=1)
    watch.seconds += 1
    slack.call("chat.postMessage", channel=one.id, text="2")
    assert workspace.texts(one) == ["1", "2"]


def test_twenty_rooms_a_minute(slack: Slack, workspace: Workspace) -> None:
    for number in range(20):
        slack.call("conversations.create", name=f"room-{number}")
    with pytest.raises(Limited):
        slack.call("conversations.create", name="room-20")
    assert workspace.channels_made == 20


def test_a_trigger_holds_three_seconds_and_opens_once(
    slack: Slack, workspace: Workspace, watch: Watch
) -> None:
    workspace.person("U1", "Alice")
    view = {"type": "modal", "title": text(3), "blocks": [section()]}
    trigger = workspace.trigger("U1")
    slack.call("views.open", trigger_id=trigger, view=view)
    assert refusal(lambda: slack.call("views.open", trigger_id=trigger, view=view)) == "exchanged_trigger_id"
    late = workspace.trigger("U1")
    watch.seconds += 4
    assert refusal(lambda: slack.call("views.open", trigger_id=late, view=view)) == "expired_trigger_id"


def test_faults_come_when_they_are_asked_for(slack: Slack, workspace: Workspace) -> None:
    channel = workspace.add_channel("a", members=["U0BOT"])
    workspace.fail("chat.postMessage", answers(503), limited(7), loses_the_answer)
    post = {"channel": channel.id, "text": "x"}
    with pytest.raises(Unanswered):
        slack.call("chat.postMessage", **post)
    with pytest.raises(Limited) as limit:
        slack.call("chat.postMessage", **post)
    assert limit.value.after == timedelta(seconds=7)
    with pytest.raises(Unanswered):
        slack.call("chat.postMessage", **post)
    assert workspace.texts(channel) == ["x"], "what lost its answer was done"


def test_lists_come_in_pages(slack: Slack, workspace: Workspace) -> None:
    for number in range(7):
        workspace.person(f"U{number}", f"Person {number}")
    assert len(slack.every("users.list", "members", limit=3)) == 8


def test_a_private_file_is_fetched_with_the_token_and_from_slack_alone(
    slack: Slack, workspace: Workspace
) -> None:
    workspace.contents["/files/graph.png"] = b"PNG"
    assert slack.download(f"{workspace.root}/files/graph.png") == b"PNG"
    assert refusal(lambda: slack.download("https://evil.example.com/graph.png")) == "not_an_address_of_slack"
    assert refusal(lambda: slack.download(f"{workspace.root}/files/none.png")) == "http_404"


def test_a_socket_is_offered_where_there_is_one(workspace: Workspace) -> None:
    with Sockets(workspace) as sockets:
        assert workspace.sockets is not None
        assert workspace.sockets().startswith("ws://127.0.0.1:")
        assert not sockets.connections
    assert threading.active_count() >= 1
