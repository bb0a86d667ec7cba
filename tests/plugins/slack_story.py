"""Stories that are also told in a Slack workspace: real calls to a strict fake, on the story's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from incident_bot.clock import ManualClock
from incident_bot.flow import commands
from tests.fakes.slack.client import Client
from tests.fakes.slack.state import BOT_TOKEN, SECRET, Channel
from tests.fakes.slack.workspace import Workspace
from tests.plugins.outside import OutsideStory
from tests.plugins.story import START
from tests.plugins.story_files import SEVERITIES

__all__ = ["SlackStory", "slack_story"]

PEOPLE = {
    "U0ANA": "Ana Example",
    "U0BEN": "Ben Example",
    "U0CLEO": "Cleo Example",
    "U0DAN": "Dan Example",
    "U0FAY": "Fay Example",
    "U0THEO": "Theo Example",
}
ROOMS = (
    SEVERITIES.replace("aliases: [critical],", "aliases: [critical], room: own,")
    .replace("aliases: [high],", "aliases: [high], room: own,")
    .replace("aliases: [warning],", "aliases: [warning], room: team,")
)


class SlackStory(OutsideStory):
    """A story with a workspace; P1 and P2 have rooms of their own, P3 lives in a thread of #web."""

    PACED = ("slack",)

    def __init__(self, directory: Path, url: str, workspace: Workspace | None = None, **changes: Any) -> None:
        """Begin; the workspace's clock is the story's."""
        self.clock = ManualClock(START)
        self._people: Client | None = None
        self.workspace = workspace or Workspace(lambda: self.clock.now().timestamp())
        self.workspace.__enter__()
        for user, name in PEOPLE.items():
            self.workspace.person(user, name)
        self.web = self.workspace.add_channel("web", members=["U0ANA", "U0BEN"])
        environ = {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SECRET,
            "INCIDENT_BOT_SLACK_API_URL": self.workspace.url,
        }
        super().__init__(directory, url, environ, ("slack",), **{"severities": ROOMS, **changes})

    @property
    def slack_client(self) -> Client:
        """People at their Slack, over HTTP."""
        if self._people is None:
            self._people = Client(self.workspace, door=self._door, after=self.pump)
        return self._people

    def _door(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        answered = self.client().post("/slack/events", headers=dict(headers), content=body)
        self.application.app.state.slack.settle()
        return answered.status_code, answered.content

    def room(self, number: int | None = None) -> Channel:
        """The room of the newest incident, or of another one."""
        wanted = number or self.incident().number
        return next(
            one for one in reversed(self.workspace.channels.values()) if one.name.startswith(f"inc-{wanted}-")
        )

    def texts(self, number: int | None = None) -> list[str]:
        """What the room was told aloud, as people read it."""
        room = self.room(number)
        return [self.read(message) for message in room.live() if message.thread is None]

    def card(self, number: int | None = None) -> Any:
        """The pinned card of the newest incident's room, or of another one's."""
        room = self.room(number)
        return next(one for one in room.live() if one.ts in room.pins)

    @staticmethod
    def read(message: Any) -> str:
        """The words of a message's blocks."""
        words: list[str] = []
        for block in message.blocks:
            inside = [block.get("text"), *block.get("fields", ())]
            if block["type"] == "context":
                inside += block["elements"]
            words += [str(one["text"]) for one in inside if one]
        return "\n".join(words) or message.text

    def types(self, text: str, *, by: str = "ana", incident: int | None = None) -> str:
        """Somebody types a command elsewhere."""
        number = incident if incident is not None else self.newest()
        reply = commands.handle(
            self.context, text, incident=number, actor=by, source="test", now=self.clock.now()
        )
        self.pump()
        return reply.text

    def close(self) -> None:
        super().close()
        self.workspace.__exit__(None, None, None)


@pytest.fixture
def slack_story(story_url: str, tmp_path: Path, plain_logs: None) -> Iterator[Callable[..., SlackStory]]:
    """Begin stories in Slack; at the end nothing was done that a well-made app never does."""
    told: list[SlackStory] = []

    def begin(**changes: Any) -> SlackStory:
        directory = tmp_path / f"slack{len(told)}"
        directory.mkdir()
        told.append(SlackStory(directory, story_url, **changes))
        return told[-1]

    yield begin
    for one in told:
        one.close()
        assert one.workspace.violations == [], one.workspace.violations
