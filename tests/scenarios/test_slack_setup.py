"""From nothing to a first incident in Slack, as docs/howto/slack.md has it: manifest, scopes, tokens, check, room."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from incident_bot.core.rooms import ChatRules
from incident_bot.entrypoints.slack import events
from incident_bot.flow import commands as acting
from incident_bot.render.slack.manifest import EVENTS, SCOPES, SHORTCUTS, Door, manifest
from tests.cli.command_line import CommandLine
from tests.fakes.slack.state import APP_TOKEN, BOT_TOKEN, METHODS, SECRET
from tests.fakes.slack.workspace import Workspace, loses_the_answer
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    PEOPLE,
    ROOMS,
    SlackStory,
    slack_story,
)
from tests.plugins.story import START
from tests.plugins.story_files import documents

Begin = Callable[..., SlackStory]
ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/howto/slack.md"
KINDS = {"channels": ("C",), "groups": ("G",), "im": ("D", "U")}


def scope_of(method: str, given: Mapping[str, Any]) -> Iterable[str]:
    """Which scopes a call needed: of several, those for that kind of conversation."""
    _, scopes = METHODS[method]
    if len(scopes) < 2:
        return scopes
    if method == "conversations.create":
        return ["groups:write" if given.get("is_private") == "true" else "channels:manage"]
    if method == "conversations.list":
        types = str(given.get("types", "public_channel"))
        return [
            one
            for one, kind in (("channels:read", "public_channel"), ("groups:read", "private_channel"))
            if kind in types
        ]
    place = str(given.get("channel") or given.get("channel_id"))
    return [one for one in scopes if place.startswith(KINDS[one.partition(":")[0]])]


def test_the_manifest_asks_for_what_the_calls_need_and_no_more(slack_story: Begin) -> None:  # noqa: F811
    story = slack_story()
    ws, people = story.workspace, story.slack_client
    ws.scopes.clear()
    ws.scopes.update(SCOPES)
    ws.groups["S0DBA"] = "dba"
    story.fires(instance="a")
    story.advance(minutes=1)
    story.types("ack")
    story.advance(minutes=1)
    room = story.room()
    file = {"id": "F1", "name": "log.txt", "mimetype": "text/plain", "size": 2, "url_private": ""}
    ws.contents["/files/log.txt"] = b"ok"
    ws.files["F1"] = {**file, "url_private": f"{ws.root}/files/log.txt"}
    mentions = f"<@U0FAY> <@U0NEW> <!subteam^S0DBA> <#{ws.add_channel('random').id}>"
    ws.person("U0NEW", "Nora New")
    message = people.says("U0BEN", room, mentions, files=[file], thread=story.card().ts)
    people.pins("U0BEN", message)
    people.reacts("U0ANA", message, "arrow_right")
    story.fires(severity="warning", alertname="Disk")  # a thread of the team's channel
    story.advance(minutes=1)
    acting.declare(
        story.context,
        title="Leak",
        actor="ana",
        source="test",
        severity="P1",
        private=True,
        now=story.clock.now(),
    )
    story.advance(minutes=1)
    private = next(one for one in ws.channels.values() if one.private and not one.direct)
    people.reacts("U0ANA", people.says("U0ANA", private, "it leaks"), "pushpin")
    ws.fail("bookmarks.add", loses_the_answer)
    ws.fail("chat.postMessage", loses_the_answer)
    story.fires(alertname="Other")
    story.advance(minutes=5)
    story.resolves(instance="a")
    story.advance(minutes=30)
    # What nobody takes pages, and promises go unkept, for four days; they call nothing that was not called by now.
    for number in range(2, (story.newest() or 0) + 1):
        story.says("ack", incident=number)
        story.says("remind off", incident=number)
    story.advance(days=4)
    assert not [one for one in ws.refusals if one[1] == "missing_scope"]
    called = {scope for method, given in ws.calls for scope in scope_of(method, given)}
    heard = {scope for scopes in EVENTS.values() for scope in scopes}
    needed = called | heard | {"commands", "files:read", "files:write"}
    assert set(SCOPES) - needed == set(), "asked for and not used"
    assert needed - set(SCOPES) == set(), "used and not asked for"


def test_every_event_and_shortcut_has_somebody_who_listens() -> None:
    told = {name.partition(".")[0] for name in EVENTS} - {"app_home_opened"}
    assert told == set(events.HEARD)
    listed = {key for kind, key, *_ in SHORTCUTS if kind == "message"}
    assert set(events.SHORTCUTS) <= listed


@pytest.mark.parametrize("address", [None, "https://bot.example.com/slack/events"])
def test_the_manifest_keeps_slacks_limits(address: str | None) -> None:
    made = manifest(ChatRules(), Door(address=address))
    assert len(made["display_information"]["name"]) <= 35
    assert len(made["display_information"]["description"]) <= 140
    assert len(made["features"]["shortcuts"]) <= 10
    for shortcut in made["features"]["shortcuts"]:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150
    for command in made["features"]["slash_commands"]:
        assert len(command["command"]) <= 32
        assert command.get("url") == address
        assert command["should_escape"]
    assert made["settings"]["socket_mode_enabled"] is (address is None)
    assert made["settings"]["interactivity"].get("request_url") == address


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """A command line on the configuration of the stories."""
    line = CommandLine(monkeypatch, capsys, directory=tmp_path, environ={"CONFIG_DIR": str(tmp_path)})
    line.write(documents(severities=ROOMS))
    return line


def test_the_command_prints_it_as_yaml_and_json(bot: CommandLine) -> None:
    assert YAML(typ="safe").load(bot.ok("slack", "manifest")) == manifest(ChatRules(), Door(address=None))
    bot.set({"PUBLIC_URL": "https://bot.example.com"})
    made = json.loads(bot.ok("slack", "manifest", "--format", "json"))
    assert made["settings"]["event_subscriptions"]["request_url"] == "https://bot.example.com/slack/events"
    assert json.loads(bot.ok("slack", "manifest", "--format", "json", "--socket"))["settings"][
        "socket_mode_enabled"
    ]


def test_signing_in_with_slack_stands_in_it_where_people_may(
    bot: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "user" not in manifest(ChatRules(), Door(address=None))["oauth_config"]["scopes"]
    assert "set INCIDENT_BOT_PUBLIC_URL to one for --sign-in" in bot("slack", "manifest", "--sign-in").err
    bot.set({"PUBLIC_URL": "https://bot.example.com"})

    def oauth(*more: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(bot.ok("slack", "manifest", "--format", "json", *more))[
            "oauth_config"
        ]
        return found

    wanted = {
        "redirect_urls": ["https://bot.example.com/sign-in/slack/callback"],
        "scopes": {"bot": sorted(SCOPES), "user": ["openid", "profile"]},
    }
    assert oauth() == {"scopes": {"bot": sorted(SCOPES)}}
    assert oauth("--sign-in", "--socket") == wanted
    for name, value in {
        "SLACK_CLIENT_ID": "1.2",
        "SLACK_CLIENT_SECRET": "s",
        "SLACK_TEAM_ID": "T0123ABCD",
    }.items():
        monkeypatch.setenv(name, value)
    assert oauth() == wanted
    assert oauth("--no-sign-in") == {"scopes": {"bot": sorted(SCOPES)}}


def test_an_address_that_slack_cannot_call_is_refused(bot: CommandLine) -> None:
    said = bot("slack", "manifest", "--address")
    assert said.status == 1
    assert "https" in said.err


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Iterable[Workspace]:
    with Workspace(START.timestamp) as ws:
        for user, name in PEOPLE.items():
            ws.person(user, name)
        ws.add_channel("web", members=["U0BOT"])
        ws.scopes.clear()
        ws.scopes.update({*SCOPES, "connections:write"})
        for name, value in {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SECRET,
            "INCIDENT_BOT_SLACK_API_URL": ws.url,
        }.items():
            monkeypatch.setenv(name, value)
        yield ws
        assert ws.violations == []


def online(bot: CommandLine) -> list[str]:
    said = bot("check", "--online")
    return [line for line in (said.out + said.err).splitlines() if not line.startswith("ok: ")]


def test_check_online_is_content_with_a_workspace_as_the_guide_makes_it(
    bot: CommandLine, workspace: Workspace
) -> None:
    assert [line for line in online(bot) if "warning" not in line] == []
    assert bot("check", "--online").status == 0


def test_check_online_names_what_is_missing_and_what_to_do(
    bot: CommandLine, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.scopes.discard("pins:write")
    workspace.users["U0BEN"].deleted = True
    del workspace.users["U0CLEO"]
    workspace.named("web").name = "net"
    monkeypatch.delenv("SLACK_SIGNING_SECRET")
    said = "\n".join(online(bot))
    assert "environment:1: the app lacks the scope pins:write" in said
    assert "install the app again" in said
    assert "U0BEN is deactivated: in Slack open the profile" in said
    assert "U0CLEO is nobody in this workspace" in said
    assert "rotations/people.yaml:" in said
    assert "Slack shows the bot no channel #web" in said
    assert "neither SLACK_SIGNING_SECRET nor SLACK_APP_TOKEN is set" in said
    assert bot("check", "--online").status == 1


def test_check_online_warns_of_a_channel_to_come_and_of_people_without_an_id(
    bot: CommandLine, workspace: Workspace
) -> None:
    workspace.named("web").members.clear()
    text = documents(severities=ROOMS)
    text["rotations/people.yaml"] = text["rotations/people.yaml"].replace("slack: U0ANA, ", "")
    bot.write(text)
    said = "\n".join(online(bot))
    assert "the bot is not in #web yet" in said
    assert "has no `slack`" in said
    workspace.named("web").archived = True
    assert "#web is archived" in "\n".join(online(bot))


@pytest.mark.parametrize("token, told", [("xoxb-wrong", "SLACK_BOT_TOKEN is not a token of this workspace")])
def test_check_online_says_what_is_wrong_with_a_token(
    bot: CommandLine, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, token: str, told: str
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", token)
    assert told in "\n".join(online(bot))


def test_check_online_tries_socket_mode(
    bot: CommandLine, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_APP_TOKEN", APP_TOKEN)
    assert "SLACK_APP_TOKEN is refused (forbidden_team): turn Socket Mode on" in "\n".join(online(bot))
    workspace.sockets = lambda: "ws://127.0.0.1:1/link"
    assert "SLACK_APP_TOKEN" not in "\n".join(online(bot))


def test_check_online_says_when_slack_is_away_or_not_set_up(
    bot: CommandLine, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_APP_TOKEN", APP_TOKEN)
    workspace.down = True
    assert "\n".join(online(bot)).count("Slack does not answer") == 2
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.delenv(name)
    assert "nothing to ask" in "\n".join(online(bot))
    assert bot("check", "--online").status == 0


def test_the_guide_gives_every_scope_its_reason() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    for scope, reason in SCOPES.items():
        assert f"| `{scope}` | {reason} |" in guide
