"""What people do to a room itself: they come late, rename it, put it away, take it up again, delete it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.model import Json, incident_name
from incident_bot.core.rooms import Shown
from incident_bot.core.rooms.heard import Mark
from incident_bot.flow.context import Context
from incident_bot.flow.slack.where import incident_at
from incident_bot.slack_api import Caller, Refused
from incident_bot.store import rooms
from incident_bot.store.chat import Heard

LATE: Final = timedelta(minutes=5)
"""Who comes later than this after the room was made is told how to catch up."""
ARCHIVED: Final = "archived"
NAME: Final = "name:"
DELETED: Final = "deleted"
JOINED: Final = "joined:"


@dataclass(slots=True)
class Channels:
    """One look at one channel."""

    context: Context
    slack: Caller
    heard: Heard
    done: dict[str, Json]
    now: datetime

    def work(self) -> bool:
        """Bring our idea of the room in step with the channel; False while the room is being worked on."""
        number = incident_at(self.context, self.heard.channel)
        if number is None:
            return True
        with self.context.store.write() as tx:
            if not rooms.amend(tx, number, self._seen, now=self.now):
                return False
            room = rooms.of(tx, [number])[number]
        for key, mark in self.heard.marks.items():
            user = key.removeprefix(JOINED)
            if key.startswith(JOINED) and key not in self.done:
                if float(mark.at) - room.made_at.timestamp() > LATE.total_seconds():
                    self._greet(user, number)
                self.done[key] = True
        return True

    def _seen(self, shown: Shown) -> Shown:
        marks: Mapping[str, Mark] = self.heard.marks
        deleted = marks.get(DELETED)
        if deleted is not None and DELETED not in self.done:
            self.done[DELETED] = True
            # Begin anew, under another name, and tell again what was told: it went with the channel.
            return Shown(attempts=shown.attempts + 1)
        archived = marks.get(ARCHIVED)
        if archived is not None and self.done.get(ARCHIVED) != archived.at:
            # Once: what we did to the channel since counts for more than what people did before.
            self.done[ARCHIVED] = archived.at
            if archived.on != shown.archived:
                shown = replace(shown, archived=archived.on, put_away=False)
        names = {mark.at: key.removeprefix(NAME) for key, mark in marks.items() if key.startswith(NAME)}
        if names:
            shown = replace(shown, name=names[max(names, key=float)])
        return shown

    def _greet(self, user: str, number: int) -> None:
        command = self.context.live.current.revision.chat.incident_command
        text = (
            f"Welcome. {incident_name(number)} is worked on here: the pinned card says how it stands, "
            f"`{command} catchup` what happened so far."
        )
        try:
            self.slack.call("chat.postEphemeral", channel=self.heard.channel, user=user, text=text)
        except Refused:
            return  # Left again, or a bot: there is nobody to tell.
