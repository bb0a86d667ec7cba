"""Messages of a room that become entries of the timeline, tasks and follow-ups; their edits and deletions follow.

What people do to a message is noted as marks, at once and without the network. Afterwards the message is read as it is
now, and what it should be on the record is compared with what it is: an event that comes twice, or late, changes
nothing. Each change and the note that it was made are one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from incident_bot.core.errors import IncidentBotError, NotAllowed
from incident_bot.core.incident import AddItem, AddNote, Command, EditNote, FinishItem, RetractNote, decide
from incident_bot.core.model import ItemKind, Json, Kind
from incident_bot.core.rooms.heard import Mark, first_on, kept_by
from incident_bot.flow.context import Context
from incident_bot.flow.grammar import verb_named
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.permissions import need_verb
from incident_bot.flow.sight import load
from incident_bot.flow.slack.attached import files_of
from incident_bot.flow.slack.channels import Channels
from incident_bot.flow.slack.names import FRESH, names_of
from incident_bot.flow.slack.pacing import Paced
from incident_bot.flow.slack.people import actor
from incident_bot.flow.slack.said import message_at, tasks_in
from incident_bot.flow.slack.where import incident_at
from incident_bot.render.slack.reading import mentioned, readable
from incident_bot.slack_api import Caller, Limited, Refused, Slack, Unanswered
from incident_bot.store import chat, evidence, incidents, rooms
from incident_bot.store.chat import Heard
from incident_bot.store.transaction import LostRace

SOURCE: Final = "slack"
LEASE: Final = timedelta(seconds=60)
DOWN_FIRST: Final = timedelta(seconds=2)
DOWN_MOST: Final = timedelta(minutes=5)
REFUSED_AGAIN: Final = timedelta(minutes=10)
ATTEMPTS_MOST: Final = 100
"""So often, for some hours, a message is asked for that Slack does not give."""
RACES_MOST: Final = 5
ITEM_MOST: Final = 300

log = structlog.get_logger(__name__)


def hear(
    context: Context,
    channel: str,
    ts: str,
    key: str,
    mark: Mark,
    *,
    only_known: bool = False,
    now: datetime,
) -> None:
    """Note what somebody did to a message of a room; of other channels nothing is kept."""
    with context.store.read() as tx:
        if not rooms.known(tx, channel):
            return
    with context.store.write() as tx:
        chat.mark(tx, channel, ts, key, mark, only_known=only_known, now=now)
    context.signals.changed()


def learn(context: Context, user: str, name: str = "", *, now: datetime) -> None:
    """Have a member's name asked for, where `people.yaml` does not know them and nobody has asked yet.

    Until then they go by `name`, where it is given.
    """
    with context.store.read() as tx:
        if chat.names(tx, [user]):
            return
    with context.store.write() as tx:
        if name:
            # As if it had been asked for long ago: what Slack tells comes in its place.
            chat.keep_names(tx, {user: name}, now=now - 2 * FRESH)
        chat.mark(tx, user, "", "name", Mark(at=f"{now.timestamp():.6f}"), now=now)
    context.signals.changed()


class Reader:
    """Works on what was heard; safe to have several, in several processes."""

    def __init__(self, context: Context, slack: Slack, now: Callable[[], datetime]) -> None:
        """Take the wired parts, the workspace and what reads the clock."""
        self._context = context
        self._slack = slack
        self._now = now

    def step(self) -> bool:
        """Work on what was heard first; says whether there was anything."""
        with self._context.store.write() as tx:
            heard = chat.claim(tx, owner=self._context.owner, lease=LEASE, now=self._now())
        if heard is None:
            return False
        slack = Paced(self._context, self._slack, self._now)
        _Look(self._context, slack, self._now, heard).work()
        return True

    def work(self, *, due: bool) -> bool:
        """Do a step where something is due."""
        return due and self.step()


@dataclass(slots=True)
class _Look:
    """One look at one message."""

    context: Context
    slack: Caller
    now: Callable[[], datetime]
    heard: Heard
    done: dict[str, Json] = field(default_factory=dict)

    def work(self) -> None:
        """Bring the record in step with the message; what the network does not give is tried again."""
        self.done = dict(self.heard.done)
        try:
            if self.heard.ts:
                self._message()
            elif self.heard.channel.startswith(("U", "W")):
                names_of(self.context, self.slack, [self.heard.channel], now=self.now())
            else:
                channels = Channels(self.context, self.slack, self.heard, self.done, self.now())
                if not channels.work():
                    self._later(timedelta(seconds=2), "the room is being worked on", failed=False)
                    return
                self._keep(channels.done)
        except Limited as limit:
            self._later(limit.after, str(limit), failed=False)
        except Unanswered as problem:
            wait = min(DOWN_FIRST * 2 ** min(self.heard.attempts, 10), DOWN_MOST)
            self._later(wait * (0.5 + self.context.chance() / 2), str(problem), failed=True)
        except Refused as refused:
            log.warning("Slack does not give a message", channel=self.heard.channel, error=str(refused))
            self._later(REFUSED_AGAIN, str(refused), failed=True)
        except IncidentBotError as problem:
            # What the record refuses now, it would refuse again: an incident that was merged takes no notes.
            self._rest(str(problem))
        else:
            self._rest(None)

    def _message(self) -> None:
        heard = self.heard
        gone = first_on(heard.marks, "gone") is not None
        message = None if gone else message_at(self.slack, heard.channel, heard.ts)
        number = self._incident(message)
        if number is None:
            return
        self._note(number, message)
        if message is None:
            return
        self._follow_up(number, message)
        self._finish(number, message)

    def _incident(self, message: Mapping[str, Any] | None) -> int | None:
        known = self.done.get("incident")
        if isinstance(known, int):
            return known
        if message is None:
            return None
        thread = str(message.get("thread_ts") or self.heard.ts)
        return incident_at(self.context, self.heard.channel, thread)

    def _note(self, number: int, message: Mapping[str, Any] | None) -> None:
        keeping = None if message is None else kept_by(self.heard.marks)
        standing = self.done.get("note")
        where = f"{self.heard.channel}/{self.heard.ts}"
        if keeping is None or message is None:
            reason = "nobody has it pinned any more" if message else "the message was deleted"
            self._forget(number, but=(), why=reason)
            if isinstance(standing, int):
                author = str(self.done.get("author") or "")
                by = self._taken_back_by(author)
                retract = RetractNote(note=standing, reason=reason, author=author, heard=where)
                self._change(number, by, retract, {"note": None})
            return
        if message.get("bot_id"):
            return
        text = self._text(message)
        author = actor(self.context, str(message.get("user") or keeping.by))
        files = files_of(message)
        sources: list[Json] = [file.source for file in files]
        if isinstance(standing, int):
            self._forget(number, but=sources, why="it was taken out of its message")
        if not isinstance(standing, int):
            if keeping.by and not self._may(number, keeping.by):
                return
            pinned_by = actor(self.context, keeping.by) if keeping.by else author
            note = AddNote(
                text=text
                or "shared " + (", ".join(file.name for file in files) or "a message without words"),
                happened_at=min(_instant(self.heard.ts), self.now()),
                heard=where,
                pinned_by=None if pinned_by == author else pinned_by,
                files=tuple(file.name for file in files),
            )
            done: dict[str, Json] = {
                "note": 0, "text": text, "author": author, "incident": number, "files": sources,
            }  # fmt: skip
            self._change(number, author, note, done, files=files)
        elif text and text != self.done.get("text"):
            was = str(self.done.get("text") or "")
            edit = EditNote(note=standing, text=text, was=was, heard=where)
            self._change(number, author, edit, {"text": text})

    def _forget(self, number: int, *, but: Collection[Json], why: str) -> None:
        """Forget the files that came with the message and are not there any more.

        In a transaction of its own: they go even where the record takes no notes any more.
        """
        kept = self.done.get("files")
        gone = [str(one) for one in kept if one not in but] if isinstance(kept, list) else []
        if not gone:
            return
        with self.context.store.write() as tx:
            evidence.forget(tx, number, gone, why=why)
            self.done["files"] = list(but)
            chat.keep(tx, self.heard, self.done, owner=self.context.owner)

    def _taken_back_by(self, author: str) -> str:
        """Give who took it back: whoever took the last mark off, else its author."""
        off = [mark for mark in self.heard.marks.values() if not mark.on and mark.by]
        if first_on(self.heard.marks, "gone") is None and off:
            return actor(self.context, max(off, key=lambda mark: float(mark.at)).by)
        return author or SOURCE

    def _follow_up(self, number: int, message: Mapping[str, Any]) -> None:
        asked = first_on(self.heard.marks, "followup")
        if asked is None or "followup" in self.done or message.get("bot_id"):
            return
        text = " ".join(self._text(message).split())[:ITEM_MOST]
        if not text or not self._may(number, asked.by):
            return
        order = AddItem(kind=ItemKind.FOLLOWUP, text=text)
        self._change(number, actor(self.context, asked.by), order, {"followup": 0})

    def _finish(self, number: int, message: Mapping[str, Any]) -> None:
        asked = first_on(self.heard.marks, "done")
        if asked is None or "done" in self.done:
            return
        item = self.done.get("followup")
        if not isinstance(item, int):
            with self.context.store.read() as tx:
                found = tasks_in(message, load(tx, number), incidents.events(tx, number))
            if len(found) != 1:
                return
            (item,) = found
        if not self._may(number, asked.by):
            return
        self._change(number, actor(self.context, asked.by), FinishItem(number=item), {"done": item})

    def _may(self, number: int, user: str) -> bool:
        """Say whether a member's role lets their mark count; one that does not is left as it is."""
        by = actor(self.context, user)
        with self.context.store.read() as tx:
            incident = load(tx, number)
            try:
                need_verb(
                    self.context, tx, verb_named("note"), incident, actor=by, source=SOURCE, now=self.now()
                )
            except NotAllowed as refused:
                log.info("a mark does not count", actor=by, error=str(refused))
                return False
        return True

    def _text(self, message: Mapping[str, Any]) -> str:
        said = str(message.get("text") or "")
        author = str(message.get("user") or "")
        ids = mentioned(said) | ({author} if author else set())
        return readable(said, names_of(self.context, self.slack, ids, now=self.now()))

    def _change(
        self,
        number: int,
        by: str,
        command: Command,
        done: Mapping[str, Json],
        *,
        files: tuple[evidence.NewFile, ...] = (),
    ) -> None:
        """Have a command decided, and what came of it noted, in one transaction."""
        for _ in range(RACES_MOST):
            try:
                self._committed(number, by, command, files, done)
            except LostRace:
                continue
            self.context.signals.changed()
            self.context.store.notify()
            return
        message = "the same incident is being changed by others"
        raise Unanswered(message)

    def _committed(
        self,
        number: int,
        by: str,
        command: Command,
        files: tuple[evidence.NewFile, ...],
        done: Mapping[str, Json],
    ) -> None:
        now = self.now()
        with self.context.store.write() as tx:
            ledger = Ledger(self.context, tx, now=now)
            incident = load(tx, number, lock=True)
            rules = ledger.current.revision.rules
            decision = decide(command, incident, actor=by, source=SOURCE, rules=rules, now=now)
            ledger.take(decision)
            (saved,) = ledger.flush()
            after = {**self.done, **done}
            if "followup" in done:
                after["followup"] = max(item.number for item in saved.items)
            if after.get("note") == 0:
                event = incidents.last_of_kind(tx, number, Kind.NOTE)
                after["note"] = event.seq if event else None
            for file in files:
                evidence.add(tx, number, file, by=by, now=now)
            if not chat.keep(tx, self.heard, after, owner=self.context.owner):
                message = "the message is another process's by now"
                raise LostRace(message)
        self.done = after

    def _keep(self, done: Mapping[str, Json]) -> None:
        with self.context.store.write() as tx:
            chat.keep(tx, self.heard, done, owner=self.context.owner)

    def _rest(self, error: str | None) -> None:
        with self.context.store.write() as tx:
            chat.rest(tx, self.heard, owner=self.context.owner, error=error, now=self.now())

    def _later(self, wait: timedelta, error: str, *, failed: bool) -> None:
        if self.heard.attempts >= ATTEMPTS_MOST:
            self._rest(error)
            return
        due_at = self.now() + wait
        with self.context.store.write() as tx:
            chat.later(tx, self.heard, owner=self.context.owner, due_at=due_at, error=error, failed=failed)


def _instant(ts: str) -> datetime:
    return datetime.fromtimestamp(float(ts), UTC)
