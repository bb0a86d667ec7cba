"""Keeps the rooms of incidents in step with them: compares, makes the next call, records it, and so on until all agree.

A message is looked for before it is sent again, by the key in its metadata; a channel of ours whose creation lost its
answer is taken up instead of made again. What Slack refuses for good is passed over and tried again later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from incident_bot.core.rooms import (
    Action,
    AddBookmark,
    Archive,
    Create,
    Draw,
    EditBookmark,
    EditCard,
    Invite,
    Join,
    Kept,
    Leave,
    Left,
    Pin,
    Place,
    PostCard,
    RemoveBookmark,
    SetPurpose,
    SetTopic,
    Shown,
    Tell,
    Trying,
    Unarchive,
    plan,
    too_open,
)
from incident_bot.flow.context import Context
from incident_bot.flow.slack import drawing
from incident_bot.flow.slack.asif import as_if
from incident_bot.flow.slack.entries import told
from incident_bot.flow.slack.facts import Scene, read_scene
from incident_bot.flow.slack.leaving import leave
from incident_bot.flow.slack.pacing import LaneFull, Paced, Queue
from incident_bot.flow.slack.posts import find_made, find_post
from incident_bot.slack_api import Limited, Refused, Slack, SlackError, Unanswered
from incident_bot.store import rooms
from incident_bot.store.rooms import Room

LEASE: Final = timedelta(seconds=60)
LOOKS_MOST: Final = 60
"""Calls for one room before another has its turn."""
REFUSED_AGAIN: Final = timedelta(minutes=10)
DOWN_FIRST: Final = timedelta(seconds=2)
DOWN_MOST: Final = timedelta(minutes=2)
"""How long Slack is left alone when it does not answer, at first and at most."""

_GONE: Final = frozenset({"channel_not_found", "not_in_channel"})

log = structlog.get_logger(__name__)


class Keeper:
    """Keeps rooms; safe to have several, in several processes."""

    def __init__(self, context: Context, slack: Slack, now: Callable[[], datetime]) -> None:
        """Take the wired parts, the workspace and what reads the clock."""
        self._context = context
        self._slack = slack
        self._now = now
        self._queue = Queue()

    def step(self) -> bool:
        """Bring the most important room that is due as far as it goes now; says whether there was one."""
        with self._context.store.write() as tx:
            room = rooms.claim(tx, owner=self._context.owner, lease=LEASE, now=self._now())
        if room is None:
            return False
        _Visit(self._context, self._slack, self._now, room, self._queue).work()
        return True

    def work(self, *, due: bool) -> bool:
        """Do a step where a room is due."""
        return due and self.step()


@dataclass(slots=True)
class _Visit:
    """One look at one room."""

    context: Context
    workspace: Slack
    now: Callable[[], datetime]
    room: Room
    queue: Queue
    shown: Shown = field(default_factory=Shown)
    passed: tuple[Action, ...] = ()
    """What Slack refused in this look: as if it were done, until the next look."""
    refusal: str | None = None

    @property
    def slack(self) -> Paced:
        """The workspace, at its pace."""
        return Paced(self.context, self.workspace, self.now, self._word)

    def _word(self, channel: str) -> str:
        # A team's channel is told of other things as well, by the name that the configuration has for it.
        team = self.shown.place is Place.THREAD and channel == self.shown.channel
        return (self.shown.name or channel) if team else channel

    def work(self) -> None:
        """Make calls until the room shows what it should, Slack asks to wait, or somebody else's turn has come."""
        self.shown = self.room.shown
        for _ in range(LOOKS_MOST):
            with self.context.store.read() as tx:
                scene = read_scene(self.context, tx, self.room.incident_id, self.shown)
            action = None if scene is None else self._next(scene)
            if scene is None or action is None:
                self._rest(scene)
                return
            if not self._try(action, scene):
                return
        self._later(self.now(), None, failed=False)

    def _next(self, scene: Scene) -> Action | None:
        seen = self.shown
        for action in self.passed:
            seen = as_if(action, seen, scene)
        found = plan(scene.desired, seen, now=self.now())
        return None if found in self.passed else found

    def _try(self, action: Action, scene: Scene) -> bool:
        """Make a call and record it; says whether to go on."""
        try:
            self.shown = self._do(action, scene)
        except LaneFull as full:
            again = self.queue.turn(full, self.room.rank, now=self.now())
            self._later(again, None, failed=False)
            return False
        except Limited as limit:
            self._later(self.now() + limit.after, str(limit), failed=False)
            return False
        except Unanswered as problem:
            wait = min(DOWN_FIRST * 2 ** min(self.room.attempts, 10), DOWN_MOST)
            jitter = 0.5 + self.context.chance() / 2
            self._later(self.now() + wait * jitter, str(problem), failed=True)
            return False
        except Refused as refused:
            self._refused(action, refused)
        return self._keep()

    def _refused(self, action: Action, refused: Refused) -> None:
        if isinstance(action, Leave) and refused.error in {*_GONE, "is_archived"}:
            # People were faster: nothing can be done there any more.
            self.shown = replace(self.shown, left=None)
        elif refused.error == "is_archived" and not self.shown.archived:
            self.shown = replace(self.shown, archived=True)
        elif refused.error in _GONE and self.shown.channel and not isinstance(action, Create | Join):
            # Deleted, or we were sent away: what was there cannot be had again, so begin anew.
            self.shown = Shown(attempts=self.shown.attempts + 1, left=self.shown.left)
        elif refused.error == "message_not_found" and isinstance(action, EditCard | Pin):
            self.shown = replace(self.shown, card_ts=None, card="", pinned=False)
        elif isinstance(action, Draw):
            # They stand on the incident's page: what Slack does not take is not tried for ever.
            self.shown = replace(self.shown, drawn=action.upto, trying=None)
            log.warning("graphs are not shown", incident=self.room.incident_id, error=str(refused))
        else:
            self.passed = (*self.passed, action)
            self.refusal = str(refused)
            log.warning("Slack refused", incident=self.room.incident_id, error=str(refused))
            return
        self.passed = ()

    def _do(self, action: Action, scene: Scene) -> Shown:
        match action:
            case Create():
                return self._create(action, scene)
            case Leave() if self.shown.left is not None:
                leave(self.slack, self.shown.left, action.step, name=scene.incident.name)
            case Join():
                return self._join(action)
            case Unarchive():
                return self._unarchive()
            case PostCard():
                return self._post_card(scene)
            case Tell():
                return self._tell(action, scene)
            case Draw():
                return self._draw(action)
            case Invite():
                users = ",".join(action.users)
                self.slack.call("conversations.invite", channel=self.shown.channel, users=users, force=True)
            case EditCard():
                self.slack.call(
                    "chat.update",
                    channel=self.shown.channel,
                    ts=self.shown.card_ts,
                    text=scene.text,
                    blocks=scene.blocks,
                )
            case Archive():
                self.slack.call("conversations.archive", channel=self.shown.channel)
            case _:
                return self._decorate(action, scene)
        return as_if(action, self.shown, scene)

    def _decorate(self, action: Action, scene: Scene) -> Shown:
        channel = self.shown.channel
        match action:
            case Pin():
                self.slack.call("pins.add", channel=channel, timestamp=self.shown.card_ts)
            case SetTopic():
                self.slack.call("conversations.setTopic", channel=channel, topic=action.text)
            case SetPurpose():
                self.slack.call("conversations.setPurpose", channel=channel, purpose=action.text)
            case RemoveBookmark():
                self.slack.call("bookmarks.remove", channel_id=channel, bookmark_id=action.id)
            case EditBookmark():
                self.slack.call(
                    "bookmarks.edit", channel_id=channel, bookmark_id=action.id, link=action.bookmark.url
                )
            case AddBookmark():
                return self._bookmark(action)
            case _:
                message = f"unknown action {action}"
                raise TypeError(message)
        return as_if(action, self.shown, scene)

    def _create(self, action: Create, scene: Scene) -> Shown:
        before = self.shown
        left = Left.of(before) if too_open(scene.desired, before) else before.left
        try:
            said = self.slack.call("conversations.create", name=action.name, is_private=action.private)
        except Refused as refused:
            if refused.error != "name_taken":
                raise
            # Ours, if the answer to an earlier attempt got lost; somebody else's otherwise.
            ours = find_made(self.slack, action.name)
            with self.context.store.read() as tx:
                free = ours is not None and rooms.at(tx, ours) is None
            if ours is None or not free:
                return replace(self.shown, attempts=self.shown.attempts + 1)
            made = (ours, action.name)
        else:
            made = (said["channel"]["id"], said["channel"]["name"])
            if not action.private:
                self._point_to(made[0])
        channel, name = made
        return Shown(channel=channel, name=name, attempts=before.attempts, secret=action.private, left=left)

    def _point_to(self, channel: str) -> None:
        """Say in the thread that was the room until now where it goes on; best effort."""
        if self.shown.thread is None:
            return
        try:
            text = f"This goes on in <#{channel}>."
            self.slack.call(
                "chat.postMessage", channel=self.shown.channel, thread_ts=self.shown.thread, text=text
            )
        except SlackError as problem:
            log.warning(
                "the old thread could not be told", incident=self.room.incident_id, error=str(problem)
            )

    def _join(self, action: Join) -> Shown:
        found = self.workspace.channels.find(action.channel, now=self.now(), every=self.slack.every)
        if found is None:
            raise Refused("conversations.list", f"there is no channel {action.channel} that the bot can see")
        try:
            if not found.member:
                self.slack.call("conversations.join", channel=found.id)
        except Refused as refused:
            if refused.error != "method_not_supported_for_channel_type":
                self.workspace.channels.forget(action.channel)
                raise
        return Shown(place=Place.THREAD, channel=found.id, name=action.channel)

    def _unarchive(self) -> Shown:
        try:
            self.slack.call("conversations.unarchive", channel=self.shown.channel)
        except Refused as refused:
            if refused.error != "not_archived":
                # Slack lets no bot do it in some workspaces: go on in a new room, from where the old one stopped.
                return Shown(attempts=self.shown.attempts + 1, told=self.shown.told, noted=self.shown.noted)
        return replace(self.shown, archived=False, put_away=False)

    def _post_card(self, scene: Scene) -> Shown:
        key = f"card:{self.room.incident_id}:{self.shown.channel}:{self.shown.attempts}"
        ts = self._post(key, text=scene.text, blocks=scene.blocks)
        return replace(self.shown, card_ts=ts, card=scene.desired.card, pinned=False, trying=None)

    def _tell(self, action: Tell, scene: Scene) -> Shown:
        words = told(self.context, scene.incident, action, self.shown, now=self.now())
        if words is not None:
            key = f"tell:{self.room.incident_id}:{action.after}:{'aloud' if action.aloud else 'noise'}"
            quiet = not action.aloud or self.shown.place is Place.THREAD
            self._post(
                key, text=words.text, blocks=words.blocks, thread=self.shown.card_ts if quiet else None
            )
        return replace(as_if(action, self.shown, scene), trying=None)

    def _draw(self, action: Draw) -> Shown:
        """Show graphs once, whatever happens: the files are known before they are shown."""
        key = f"draw:{self.room.incident_id}:{action.upto}"
        trying = self.shown.trying
        sharing = drawing.Sharing(self.context, self.slack, self.workspace, self.room.incident_id, action)
        if trying is None or trying.key.rpartition(":")[0] != key:
            made = sharing.upload()
            if not made:
                return replace(self.shown, drawn=action.upto, trying=None)
            trying = Trying(key=f"{key}:{len(made)}", since=self.now())
            self.shown = replace(self.shown, files=(*self.shown.files, *made), trying=trying)
            if not self._keep():
                raise Unanswered("the room is another process's by now")
            known = False
        else:
            known = True
        files = self.shown.files[-int(trying.key.rpartition(":")[2]) :]
        if not (known and sharing.is_done(files)):
            sharing.share(files, self.shown.channel or "", self.shown.thread)
        return replace(self.shown, drawn=action.upto, trying=None)

    def _bookmark(self, action: AddBookmark) -> Shown:
        mark = action.bookmark
        if self.room.attempts:
            # The last look ended without an answer: it may be there.
            for one in self.slack.call("bookmarks.list", channel_id=self.shown.channel)["bookmarks"]:
                if (one.get("title"), one.get("link")) == (mark.title, mark.url):
                    kept = Kept(id=one["id"], url=mark.url)
                    return replace(self.shown, bookmarks={**self.shown.bookmarks, mark.title: kept})
        said = self.slack.call(
            "bookmarks.add", channel_id=self.shown.channel, type="link", title=mark.title, link=mark.url
        )
        kept = Kept(id=said["bookmark"]["id"], url=mark.url)
        return replace(self.shown, bookmarks={**self.shown.bookmarks, mark.title: kept})

    def _post(
        self, key: str, *, text: str, blocks: list[dict[str, object]], thread: str | None = None
    ) -> str:
        """Post a message once, whatever happens: give its time stamp."""
        channel = self.shown.channel or ""
        trying = self.shown.trying
        if trying is not None and trying.key == key:
            found = find_post(self.slack, channel, key, since=trying.since, thread=thread)
            if found is not None:
                return found
        else:
            self.shown = replace(self.shown, trying=Trying(key=key, since=self.now()))
            if not self._keep():
                raise Unanswered("the room is another process's by now")
        metadata = {"event_type": "incident_bot", "event_payload": {"key": key}}
        said = self.slack.call(
            "chat.postMessage",
            channel=channel,
            text=text,
            blocks=blocks,
            thread_ts=thread,
            metadata=metadata,
            unfurl_links=False,
            unfurl_media=False,
        )
        return str(said["ts"])

    def _keep(self) -> bool:
        until = self.now() + LEASE
        with self.context.store.write() as tx:
            return rooms.keep(tx, self.room.incident_id, self.shown, owner=self.context.owner, until=until)

    def _rest(self, scene: Scene | None) -> None:
        now = self.now()
        archive_at = scene.desired.archive_at if scene and not self.shown.archived else None
        due_at = archive_at if archive_at and archive_at > now and self.shown.channel else None
        if self.passed:
            due_at = min(now + REFUSED_AGAIN, due_at or now + REFUSED_AGAIN)
        with self.context.store.write() as tx:
            rooms.rest(tx, self.room, owner=self.context.owner, due_at=due_at, error=self.refusal, now=now)

    def _later(self, due_at: datetime, error: str | None, *, failed: bool) -> None:
        with self.context.store.write() as tx:
            rooms.later(tx, self.room, owner=self.context.owner, due_at=due_at, error=error, failed=failed)
