"""Puts graphs as pictures into the room of an incident: uploaded first, shown by one call, once.

https://docs.slack.dev/messaging/working-with-files#uploading_files. Without the extra `pdf` there are no pictures, and
nothing is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from incident_bot.core.rooms import Draw
from incident_bot.flow.context import Context
from incident_bot.flow.graphs import reading
from incident_bot.flow.sight import load
from incident_bot.flow.slack.pacing import SHARE, Paced
from incident_bot.render.graphs import Picture, described, graph_svg
from incident_bot.render.pngs import NoPicture, png
from incident_bot.render.slack.mrkdwn import escape
from incident_bot.slack_api import Slack
from incident_bot.store.graphs import Graph

ALT_MOST: Final = 900
NAME_MOST: Final = 80

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sharing:
    """The graphs of one look, on their way into a room."""

    context: Context
    slack: Paced
    workspace: Slack
    incident: int
    action: Draw

    def upload(self) -> tuple[str, ...]:
        """Give Slack the pictures, seen by nobody yet: their ids; none where none can be drawn. Raises SlackError."""
        made = []
        for graph, picture in self._wanted():
            try:
                content = png(graph_svg(picture, printed=True))
            except NoPicture as problem:
                log.info("a graph is not shown in its room", incident=self.incident, reason=str(problem))
                continue
            said = self.slack.call(
                "files.getUploadURLExternal",
                filename=self._name(graph),
                length=len(content),
                alt_txt=described(picture)[:ALT_MOST],
            )
            self.workspace.upload(str(said["upload_url"]), content)
            made.append(str(said["file_id"]))
        return tuple(made)

    def is_done(self, files: Sequence[str]) -> bool:
        """Say whether an earlier call whose answer was lost has shown them; raises SlackError."""
        found = self.slack.call("files.info", file=files[0])["file"]
        return bool(found.get("shares") or found.get("channels") or found.get("groups"))

    def share(self, files: Sequence[str], channel: str, thread: str | None) -> None:
        """Show them, in one message; raises SlackError."""
        self.slack.call(
            SHARE,
            files=[{"id": one} for one in files],
            channel_id=channel,
            thread_ts=thread,
            initial_comment="\n".join(escape(reading.line(graph)) for graph, _ in self._wanted()) or None,
        )

    def _wanted(self) -> list[tuple[Graph, Picture]]:
        """Give the graphs of the newest look alone: what came before it is on the page."""
        with self.context.store.read() as tx:
            found = [
                (graph, picture)
                for graph, picture in reading.pictures(tx, load(tx, self.incident))
                if self.action.after < graph.number <= self.action.upto
            ]
        return [one for one in found if one[0].capture_id == found[-1][0].capture_id]

    def _name(self, graph: Graph) -> str:
        title = "".join(one if one.isalnum() or one in " -_." else "_" for one in graph.title)
        return f"INC-{self.incident} {title[:NAME_MOST]}.png"
