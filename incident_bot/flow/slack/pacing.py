"""How fast Slack may be called: https://docs.slack.dev/apis/web-api/rate-limits.

All calls but those that somebody's press waits for keep to the lanes of the outbox, which all replicas share (S6): a
channel is one lane, whether a room or an announcement is told there; each other method is a lane of its own; and all
messages together pass one more, of which rooms leave half to the pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Final

import structlog

from incident_bot.core.effects import Moment
from incident_bot.core.lanes import Lane, Pace
from incident_bot.flow.context import Context
from incident_bot.slack_api import Limited, Said, Slack
from incident_bot.store import outbox
from incident_bot.store.transaction import LostRace, Unavailable

VIA: Final = "slack"
POST: Final = "chat.postMessage"
EDIT: Final = "chat.update"
SHARE: Final = "files.completeUploadExternal"
"""It posts a message, too."""
_TIER_2: Final = Pace.per_minute(18)
_TIER_3: Final = Pace.per_minute(45)
_TIER_4: Final = Pace.per_minute(90)
PACES: Final = {
    "chat.postEphemeral": _TIER_4,
    "bookmarks.add": _TIER_2,
    "bookmarks.edit": _TIER_2,
    "bookmarks.list": _TIER_3,
    "bookmarks.remove": _TIER_2,
    "chat.delete": _TIER_3,
    "conversations.archive": _TIER_2,
    "conversations.create": _TIER_2,
    "conversations.history": _TIER_3,
    "conversations.info": _TIER_3,
    "conversations.invite": _TIER_3,
    "conversations.join": _TIER_3,
    "conversations.list": Pace.per_minute(10),
    "conversations.open": _TIER_3,
    "conversations.rename": _TIER_2,
    "conversations.replies": _TIER_3,
    "conversations.setPurpose": _TIER_2,
    "conversations.setTopic": _TIER_2,
    "conversations.unarchive": _TIER_2,
    "files.delete": _TIER_3,
    "files.getUploadURLExternal": _TIER_4,
    "files.info": _TIER_4,
    "pins.add": _TIER_2,
    "usergroups.list": _TIER_2,
    "users.info": _TIER_4,
}
"""What each method is allowed, with a tenth to spare; a list of channels may have more than one page."""
SENT: Final = frozenset({POST, EDIT})
"""What a row of the outbox has its place for already, when it is sent."""

log = structlog.get_logger(__name__)


class LaneFull(Limited):
    """The call was not made: it would be one too many."""

    def __init__(self, method: str, lane: Lane, until: datetime, *, now: datetime) -> None:
        """Name the call, what is full, and when there is a place."""
        super().__init__(method, until - now)
        self.lane = lane
        self.until = until


@dataclass(slots=True)
class Paced:
    """The workspace as the flow calls it: every call takes its place first; raises LaneFull where there is none."""

    context: Context
    slack: Slack
    now: Callable[[], datetime]
    word: Callable[[str], str] = str
    """Gives what a channel's lane is named by: the configured word where there is one, else its id."""
    placed: frozenset[str] = frozenset()
    """Methods whose calls have taken their place before."""

    def call(self, method: str, **arguments: Any) -> Said:
        """Call a method once, as `Slack.call`; where Slack itself asks to wait, all replicas do."""
        lanes = self._lanes(method, arguments)
        if lanes:
            self._take(method, lanes)
        try:
            return self.slack.call(method, **arguments)
        except Limited as limit:
            self._close(lanes, self.now() + limit.after)
            raise

    def every(self, method: str, key: str, **arguments: Any) -> list[Any]:
        """Call a method until its last page, as `Slack.every`; the first page takes the place of all."""
        lanes = self._lanes(method, arguments)
        if lanes:
            self._take(method, lanes)
        try:
            return self.slack.every(method, key, **arguments)
        except Limited as limit:
            self._close(lanes, self.now() + limit.after)
            raise

    def _lanes(self, method: str, arguments: dict[str, Any]) -> list[Lane]:
        lanes = self.context.lanes
        if method in self.placed:
            return []
        if method in (POST, SHARE):
            channel = self.word(str(arguments.get("channel") or arguments.get("channel_id")))
            found = [lanes.lane(VIA, channel, None), lanes.total(VIA)]
        elif method == EDIT:
            found = [lanes.lane(VIA, "", Moment.EDIT), lanes.total(VIA)]
        else:
            # Where Slack is not paced at all, as in some tests, its methods are not either.
            pace = PACES.get(method) if lanes.total(VIA).pace else None
            found = [Lane(f"{VIA}#{method}", pace)]
        return [lane for lane in found if lane.pace is not None]

    def _take(self, method: str, lanes: list[Lane]) -> None:
        now = self.now()
        spare = {lane.name: lane.pace.burst // 2 for lane in lanes if lane.pace and lane.name == VIA}
        with self.context.store.write() as tx:
            until = outbox.reserve(tx, lanes, spare=spare, now=now)
        if until is not None:
            raise LaneFull(method, lanes[0], until, now=now)

    def _close(self, lanes: list[Lane], until: datetime) -> None:
        if not lanes:
            return
        log.warning("Slack asks to wait", lane=lanes[0].name, until=until.isoformat())
        try:
            with self.context.store.write() as tx:
                outbox.close_lane(tx, lanes[0], until)
        except (LostRace, Unavailable) as problem:
            # The room itself waits all the same; the next one is told again.
            log.warning("a lane could not be closed", lane=lanes[0].name, error=str(problem))


@dataclass(slots=True)
class Queue:
    """Whom a full lane turned away in this process: each comes again when its turn may be, the worst severity first.

    Otherwise a thousand rooms would come again at once, for one place.
    """

    _turned: dict[str, list[tuple[datetime, int]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def turn(self, full: LaneFull, rank: int, *, now: datetime) -> datetime:
        """Say when a room of this rank should come again."""
        with self._lock:
            waiting = [one for one in self._turned.get(full.lane.name, ()) if one[0] > now]
            before = sum(1 for _, other in waiting if other <= rank)
            every = full.lane.pace.every if full.lane.pace else full.after
            at = full.until + before * every
            self._turned[full.lane.name] = [*waiting, (at, rank)]
        return at
