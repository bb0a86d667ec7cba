"""Announcements in Slack: the first moment posts a message, later ones edit it and say their own words in its thread.

The first row of an incident and channel is its head; a later moment owes an edit of the head, of which only the newest
waits, and a reply of its own, which is told once and in order however late. A head that is gone is posted anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.effects import Announce, Moment
from incident_bot.core.incident import is_overdue
from incident_bot.core.model import Episode, Event, Incident, JsonObject, Kind, Paging, Phase
from incident_bot.core.timeline import redact
from incident_bot.flow.context import Context
from incident_bot.flow.slack.facts import SLACK
from incident_bot.notifiers.base import Message
from incident_bot.render.messages import incident_url
from incident_bot.render.slack.announcement import (
    Announcement,
    announcement_blocks,
    announcement_text,
    public_reply,
)
from incident_bot.store import outbox
from incident_bot.store.outbox import NewMessage, OutboxRow, RowState
from incident_bot.store.transaction import Tx

HEADED: Final = frozenset({Moment.OPENED, Moment.UPDATE, Moment.RESOLVED, Moment.REOPENED, Moment.FLAPPING})
"""Moments of an incident's course; others are messages by themselves where nothing was announced before."""
PATIENCE: Final = timedelta(hours=24)
"""How long an announcement is tried: Slack may be away for hours, and each is told once when it is back."""
_INTERNAL: Final = frozenset({Moment.FLAPPING, Moment.POSTMORTEM})
_OF_HOSTS: Final = ("instance", "host", "hostname", "node", "nodename", "pod", "container", "ip")
"""Labels that name machines."""
HOST_LEAST: Final = 3
"""A shorter name may be any word."""
_CHANGING: Final = frozenset({
    Kind.SEVERITY_CHANGED, Kind.PHASE_CHANGED, Kind.TITLE_CHANGED, Kind.IMPACT_CHANGED, Kind.MADE_PUBLIC,
    Kind.PROMISE_MISSED,
})  # fmt: skip
_UNFINISHED: Final = frozenset({RowState.PENDING, RowState.SENDING})


class NotYet(Exception):
    """What a message answers, or comes after, is not there yet."""

    after: Final = timedelta(seconds=2)
    """When to look again."""


def wanted(context: Context) -> bool:
    """Say whether announcements go to Slack as one message each."""
    return context.slack is not None and context.default_channel == SLACK


def owed(
    context: Context,
    tx: Tx,
    incident: Incident,
    announcements: Sequence[Announce],
    events: Iterable[Event],
    *,
    new: bool,
    rank: int,
    now: datetime,
) -> list[NewMessage]:
    """Give what channels are to be told of a decision; nothing is told twice, and of a private incident nothing."""
    changed = incident.paging.is_open and any(_changes(event) for event in events)
    if incident.private or (not announcements and not changed):
        return []
    heads = {} if new else _heads(outbox.messages_by(tx, incident.id, SLACK))
    before = dict(heads)
    found: list[NewMessage] = []
    made = _Made(incident, rank, now)
    for one in announcements:
        for channel, public in _channels(context, incident, one.moment).items():
            if public and one.moment in _INTERNAL:
                continue
            if channel not in heads and one.moment in HEADED:
                heads[channel] = public
                found.append(made.head(one, channel, public=public))
            elif one.moment is not Moment.OPENED:  # Made public again: the head is edited, and says it all.
                known = channel in heads
                found.append(made.told(one, channel, public=heads.get(channel, public), reply=known))
    newest = next((one for one in reversed(announcements) if one.moment in HEADED), None)
    if newest is not None or changed:
        data = newest.data if newest else {}
        found += [made.edit(channel, data, public=public) for channel, public in before.items()]
    return found


class _Made:
    """Makes the rows of one decision."""

    def __init__(self, incident: Incident, rank: int, now: datetime) -> None:
        self._incident = incident
        self._rank = rank
        self._now = now

    def head(self, one: Announce, channel: str, *, public: bool) -> NewMessage:
        return self._row(
            f"head:{self._incident.id}:{channel}",
            one.moment,
            channel,
            {**one.data, "head": True, "public": public},
        )

    def told(self, one: Announce, channel: str, *, public: bool, reply: bool) -> NewMessage:
        key = f"message:{one.moment.value}:{self._incident.id}:{channel}:{self._incident.seq}"
        return self._row(key, one.moment, channel, {**one.data, "reply": reply, "public": public})

    def edit(self, channel: str, data: JsonObject, *, public: bool) -> NewMessage:
        place = f"edit:head:{self._incident.id}:{channel}"
        told: JsonObject = {**data, "head": True, "public": public}
        row = self._row(f"{place}:{self._incident.seq}", Moment.EDIT, channel, told)
        return replace(row, coalesce=place)

    def _row(self, key: str, moment: Moment, channel: str, data: JsonObject) -> NewMessage:
        return NewMessage(
            key=key,
            incident_id=self._incident.id,
            via=SLACK,
            recipient=channel,
            moment=moment,
            data=data,
            due_at=self._now,
            rank=self._rank,
            give_up_at=self._now + PATIENCE,
        )


def is_announcement(row: OutboxRow) -> bool:
    """Say whether `owed` made this row."""
    return row.via == SLACK and ("head" in row.data or "reply" in row.data)


def shows_end(incident: Incident) -> Moment:
    """Say which template the head is written from: the one of its beginning, or that of its end."""
    return Moment.OPENED if incident.paging.is_open else Moment.RESOLVED


def promised(
    row: OutboxRow, rows: Sequence[OutboxRow], incident: Incident, every: timedelta | None
) -> JsonObject:
    """Give what the head of an open incident says of its next update; before the first, when one is to come by."""
    at = incident.next_update_at
    if at is None and every is not None and not incident.updated_by_people:
        heads = (one.created_at for one in rows if one.data.get("head") and one.recipient == row.recipient)
        at = min(heads, default=row.created_at) + every
    return {"next_update_at": at.isoformat() if at else None, "edited": row.moment is Moment.EDIT}


def head_message(row: OutboxRow, rows: Sequence[OutboxRow], told: Announcement, message: Message) -> Message:
    """Give the head as it is now: a new message, or an edit of the one that stands; raises NotYet."""
    heads = [one for one in rows if one.data.get("head") and one.recipient == row.recipient]
    posted = _posted(heads)
    tried = sum(one.attempts for one in heads if one.id != row.id)
    if (
        row.moment is Moment.EDIT
        and posted is None
        and any(one.state in _UNFINISHED for one in heads if one.moment is not Moment.EDIT)
    ):
        raise NotYet("the announcement is on its way")
    look: JsonObject = {"text": announcement_text(told), "blocks": list(announcement_blocks(told))}
    if posted is not None:
        look = {**look, "edit": posted}
    return replace(
        message,
        key=f"head:{row.incident_id}:{row.recipient}",
        kind=(row.moment or Moment.EDIT).value,
        facts={**message.facts, **look},
        # Whatever an earlier row may have got through is looked for.
        attempt=row.attempts + tried,
    )


def reply_message(row: OutboxRow, rows: Sequence[OutboxRow], told: Announcement, message: Message) -> Message:
    """Give what a moment says in the thread, after all that came before it; raises NotYet."""
    here = [one for one in rows if one.recipient == row.recipient]
    heads = [one for one in here if one.data.get("head")]
    posted = _posted(heads)
    before = any(one.data.get("reply") and one.id < row.id and one.state in _UNFINISHED for one in here)
    if before or (posted is None and any(one.state in _UNFINISHED for one in heads)):
        raise NotYet("what it answers is on its way")
    facts: JsonObject = {**message.facts, "thread": posted.partition("/")[2] if posted else None}
    if row.data.get("public"):
        written = _without(told.hosts, str(row.data.get("text") or ""))
        text, blocks = public_reply(told, row.moment or Moment.UPDATE, written)
        facts = {**facts, "text": text, "blocks": list(blocks)}
    return replace(message, facts=facts, attempt=row.attempts)


def announcement_of(
    context: Context,
    incident: Incident,
    words: str,
    *,
    public: bool,
    last: Event | None,
    episodes: Sequence[Episode],
) -> Announcement:
    """Give the facts of an incident's announcement as it is now; `last` is the newest update that people wrote."""
    hide = hosts_of(episodes) if public else ()
    severity = context.live.current.revision.ladder.named(incident.severity)
    return Announcement(
        name=incident.name,
        title=_without(hide, incident.title),
        severity=incident.severity,
        rank=severity.rank if severity else 0,
        status=_status(incident),
        url=incident_url(context.settings.public_url, incident),
        words=words,
        open=incident.paging.is_open,
        impact=_without(hide, incident.impact) if incident.impact else None,
        update=_without(hide, str(last.data.get("text") or "")) if last else None,
        updated_at=last.happened_at if last else None,
        next_update_at=incident.next_update_at,
        update_overdue=is_overdue(incident),
        ended_at=incident.resolved_at,
        drill=incident.drill,
        public=public,
        hosts=hide,
    )


def hosts_of(episodes: Iterable[Episode]) -> tuple[str, ...]:
    """Give the names of machines in the labels of alerts, the longest first: the public reads none of them."""
    found = {one.labels[name] for one in episodes for name in _OF_HOSTS if one.labels.get(name)}
    return tuple(sorted(found, key=lambda host: (-len(host), host)))


def _changes(event: Event) -> bool:
    """Say whether the head reads otherwise after it."""
    late = event.kind is Kind.NAGGED and event.data.get("subject") == "update"
    return late or event.kind in _CHANGING or "phase" in event.data


def _without(hosts: Iterable[str], text: str) -> str:
    shown = redact(text)
    for host in hosts:
        name = rf"(?<![\w.-]){re.escape(host)}(?![\w-])"
        shown = re.sub(f" on {name}", "", shown)
        if len(host) >= HOST_LEAST:
            shown = re.sub(name, "…", shown)
    return shown


def _status(incident: Incident) -> str:
    if incident.paging is Paging.MERGED:
        return "part of another incident"
    return "investigating" if incident.phase is Phase.TRIAGE else incident.phase.value


def _channels(context: Context, incident: Incident, moment: Moment) -> Mapping[str, bool]:
    """Give the channels whose rules ask for a moment, and whether all they are told is for the public."""
    found: dict[str, bool] = {}
    for rule in context.live.current.revision.announce:
        if rule.wants(moment, incident.severity):
            # Of several rules for one channel the more careful one holds.
            found[rule.channel] = found.get(rule.channel, False) or rule.public
    return found


def _heads(rows: Iterable[OutboxRow]) -> dict[str, bool]:
    return {row.recipient or "": row.data.get("public") is True for row in rows if row.data.get("head")}


def _posted(heads: Iterable[OutboxRow]) -> str | None:
    """Give the message that stands, the newest where one had to be posted anew."""
    found = [one.provider_id for one in heads if one.provider_id and "/" in one.provider_id]
    return found[-1] if found else None
