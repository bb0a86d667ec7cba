"""Finds what a waiting row has to say: loads the facts as they are now and has `render` write them.

Freshest at sending time: a page that waited says what is true when it goes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from incident_bot.core.effects import Moment, Page, PageKind
from incident_bot.core.model import Episode, Event, Incident, Kind, Person, Tally, Urgency, paging_service
from incident_bot.core.storm import tallied
from incident_bot.flow import acklinks, changes, folding, followups, phones
from incident_bot.flow.channel_facts import channel_facts
from incident_bot.flow.context import Context
from incident_bot.flow.oncall import links
from incident_bot.flow.slack import announcements, withdrawn
from incident_bot.flow.slack import pages as slack_pages
from incident_bot.flow.slack.names import everybody
from incident_bot.flow.slack.slashed import as_typed_there
from incident_bot.flow.slack.worth import worth_of
from incident_bot.flow.views import CallView
from incident_bot.notifiers.base import Message
from incident_bot.render.handoffs import MOMENTS, handoff_message
from incident_bot.render.messages import PAGES, channel_message, page_message
from incident_bot.render.reminders import reminder_message
from incident_bot.render.slack.page import Worth
from incident_bot.store import alerts, incidents, outbox
from incident_bot.store.outbox import OutboxRow, RowKind
from incident_bot.store.transaction import Tx

EPISODES_READ = 50
_LAST = frozenset({PageKind.FALLBACK, PageKind.LAST_RESORT})

log = structlog.get_logger(__name__)


class Facts:
    """What messages tell of, read once in a transaction however many of them tell of it."""

    def __init__(self, tx: Tx) -> None:
        """Take the transaction."""
        self._tx = tx
        self._known: dict[int, tuple[Incident | None, list[Episode]]] = {}
        self._tallies: dict[int, tuple[Tally, ...]] = {}

    def of(self, incident_id: int | None) -> tuple[Incident | None, list[Episode]]:
        """Give an incident with its newest episodes; None where there is none."""
        if incident_id is None:
            return None, []
        known = self._known.get(incident_id)
        if known is None:
            incident = incidents.get(self._tx, incident_id)
            episodes = (
                alerts.newest_of_incident(self._tx, incident_id, limit=EPISODES_READ) if incident else []
            )
            known = self._known[incident_id] = (incident, episodes)
        return known

    def to_call(self, context: Context, incident: Incident) -> tuple[CallView, ...]:
        """Give whom to phone about an incident, as nothing else reached them."""
        return phones.to_call(context, self._tx, incident)

    def storm(self, incident: Incident | None) -> tuple[Tally, ...]:
        """Count what a storm's incident has adopted, all of it; nothing for any other incident."""
        if incident is None or incident.storm is None:
            return ()
        counted = self._tallies.get(incident.id)
        if counted is None:
            counted = tallied(alerts.counted_of_incident(self._tx, incident.id))
            self._tallies[incident.id] = counted
        return counted

    def together(self, number: int) -> list[OutboxRow]:
        """Give the pages that stand in one message with this one, itself included."""
        row = outbox.row(self._tx, number)
        return outbox.together(self._tx, row) if row else []

    def worth(self, context: Context, incident: Incident) -> Worth | None:
        """Give what was said of an incident's alerts once it was over."""
        return worth_of(context, self._tx, incident)

    def row(self, number: int) -> OutboxRow | None:
        """Give one row as it is now."""
        return outbox.row(self._tx, number)

    def people(self, context: Context, *told: object) -> Mapping[str, Person]:
        """Give everybody who may be named, with the guests that these values name."""
        return everybody(context, self._tx, told)

    def told(self, incident_id: int, via: str) -> list[OutboxRow]:
        """Give the messages about an incident by one channel."""
        return outbox.messages_by(self._tx, incident_id, via)

    def last_update(self, incident_id: int) -> Event | None:
        """Give the newest update that people posted about an incident."""
        return incidents.last_of_kind(self._tx, incident_id, Kind.UPDATE_POSTED)

    def said(self, row: OutboxRow) -> tuple[str, ...]:
        """Give what the provider said of earlier attempts of this message."""
        if row.attempts <= 1:
            return ()
        given = outbox.receipts_of(self._tx, [row.group]).get(row.group, ())
        return tuple(one.status for one in given)

    def key_of(self, row: OutboxRow) -> str:
        """Give the key of a page's message: every attempt of pages that go together has the same (S2)."""
        first = outbox.row(self._tx, row.carried_by) if row.carried_by else None
        return first.key if first else row.key


def words_for(context: Context, facts: Facts, row: OutboxRow, *, now: datetime) -> Message | None:
    """Give the message of one row; None where its incident or its person is gone.

    In a sealed application it has no text: nobody reads it, and writing it is half of the work of sending it.
    """
    if context.sealed:
        return _unwritten(context, row)
    message = _words_for(context, facts, row, now=now)
    return replace(message, at=now, said=facts.said(row)) if message else None


def _words_for(context: Context, facts: Facts, row: OutboxRow, *, now: datetime) -> Message | None:
    incident, episodes = facts.of(row.incident_id)
    if row.kind is RowKind.PAGE:
        return _paged(context, facts, row, now=now)
    if row.moment is Moment.PAGER:
        return followups.message(row)
    if row.moment is Moment.CHANGE:
        return changes.message(row)
    taken_back = row.data.get(withdrawn.PREFIX)
    if isinstance(taken_back, int):
        return withdrawn.message(row, facts.row(taken_back))
    if row.moment is Moment.EDIT or announcements.is_announcement(row):
        return _kept(context, facts, row, incident, episodes, now=now)
    if row.moment in MOMENTS:
        return _handoff(context, row, row.moment, now=now)
    if row.moment is Moment.REMINDER:
        return _reminder(context, row, incident, now=now)
    return _channel(context, row, incident, episodes, facts=facts, now=now)


def _paged(context: Context, facts: Facts, row: OutboxRow, *, now: datetime) -> Message | None:
    incident, episodes = facts.of(row.incident_id)
    if incident is None:
        return None
    if len(folding.numbers_of(row)) > 1:
        return _folded(context, facts, row, now=now)
    into, _ = facts.of(incident.merged_into)
    storm = facts.storm(incident)
    message = _page(context, row, incident, episodes, storm=storm, into=into, now=now)
    if message is None:
        return None
    if row.carried_by:
        message = replace(message, key=facts.key_of(row))
    call = phones.told(facts.to_call(context, incident)) if row.page_kind in _LAST else ""
    if not call:
        return message
    looks = slack_pages.page_facts(context, row, incident, episodes, storm=storm, call=call)
    return replace(message, text=f"{message.text.rstrip()}\n\n{call}\n", facts={**message.facts, **looks})


def _unwritten(context: Context, row: OutboxRow) -> Message | None:
    person = None
    if row.person is not None:
        person = context.live.current.revision.people.get(row.person) or paging_service(row.person)
        if person is None:
            return None
    kind = row.moment.value if row.moment else "page"
    if row.page_kind is not None and row.page_kind in PAGES:
        kind = row.page_kind.value
    return Message(
        key=row.key, kind=kind, recipient=row.person or row.recipient or "", person=person, subject="", text="",
        attempt=row.attempts,
    )  # fmt: skip


def _folded(context: Context, facts: Facts, row: OutboxRow, *, now: datetime) -> Message | None:
    person = context.live.current.revision.people.get(row.person or "")
    if person is None:
        return None
    listed = folding.listed_of(context, facts.of, row)
    message, fell_back = folding.folded(context, row, listed, person, key=facts.key_of(row), now=now)
    _report(fell_back, row)
    rows = (row, *row.carries)
    return replace(message, facts={**message.facts, **slack_pages.pages_facts(context, row, rows, facts.of)})


def _page(
    context: Context,
    row: OutboxRow,
    incident: Incident,
    episodes: list[Episode],
    *,
    storm: Sequence[Tally],
    into: Incident | None,
    now: datetime,
) -> Message | None:
    current = context.live.current
    person = current.revision.people.get(row.person or "") or paging_service(row.person or "")
    if person is None:
        return None
    page = Page(
        person=person.id,
        via=row.via,
        kind=row.page_kind or PageKind.STEP,
        epoch=row.epoch or 0,
        loop=row.loop,
        step=row.step,
        due_at=row.due_at,
        urgency=row.urgency or Urgency.HIGH,
        reason=row.reason,
    )
    kind = context.kinds.get(row.via)
    to_do = page.kind is not PageKind.NOTE
    ack_url = _ack_url(context, row) if to_do else None
    written = page_message(
        current.templates,
        incident,
        page,
        person=person,
        episodes=episodes,
        runbook=next((book for book in current.revision.runbooks if book.path == incident.runbook), None),
        public_url=context.settings.public_url,
        html=bool(kind and kind.html),
        ack_url=ack_url,
        into=into,
        storm=storm,
        now=now,
    )
    _report(written.fell_back, row)
    return Message(
        key=row.key,
        kind=page.kind.value if page.kind in PAGES else "page",
        recipient=person.id,
        person=person,
        subject=written.subject,
        text=written.text,
        url=written.url,
        facts={**written.facts, **channel_facts(context, row, incident, episodes, person, storm=storm)},
        attempt=row.attempts,
        urgent=to_do and page.urgency is Urgency.HIGH,
        # A number begins anew with the database, and two installations may share a mailbox: the time tells them apart.
        thread=f"{written.url} {incident.opened_at.isoformat()}",
        html=written.html,
        ack_url=ack_url,
    )


def _ack_url(context: Context, row: OutboxRow) -> str | None:
    """Give a new link that acknowledges, where the way out carries one."""
    kind, own = context.kinds.get(row.via), context.live.current.revision.channels.get(row.via)
    link = kind.ack_link if kind else own is not None and own.ack_link
    return acklinks.new_url(context.settings) if link and not context.sealed else None


def _channel(
    context: Context,
    row: OutboxRow,
    incident: Incident | None,
    episodes: list[Episode],
    *,
    facts: Facts,
    now: datetime,
) -> Message:
    current = context.live.current
    moment = row.moment or Moment.META
    runbook_path = incident.runbook if incident else row.data.get("runbook")
    severity = incident.severity if incident else row.data.get("severity")
    written = channel_message(
        current.templates,
        moment,
        incident,
        row.data,
        episodes=episodes,
        people=facts.people(context, row, incident),
        severity=current.revision.ladder.named(str(severity or "")),
        runbook=next((book for book in current.revision.runbooks if book.path == runbook_path), None),
        public_url=context.settings.public_url,
        storm=facts.storm(incident),
        now=now,
    )
    _report(written.fell_back, row)
    return Message(
        key=row.key,
        kind=moment.value,
        recipient=row.recipient or "",
        person=current.revision.people.get(row.person or ""),
        subject=written.subject,
        text=written.text,
        url=written.url,
        facts=written.facts,
    )


def _kept(
    context: Context,
    facts: Facts,
    row: OutboxRow,
    incident: Incident | None,
    episodes: list[Episode],
    *,
    now: datetime,
) -> Message | None:
    """Give what is kept up to date: a page, or a channel's one message with its thread; raises NotYet."""
    number = row.data.get("page")
    if isinstance(number, int):
        worth = partial(facts.worth, context)
        return slack_pages.edit(context, row, facts.together(number), facts.of, worth)
    if incident is None:
        return None
    is_head = row.data.get("head") is True
    rows = facts.told(incident.id, row.via)
    data = row.data if row.moment is not Moment.EDIT or not incident.paging.is_open else {}
    if is_head and incident.paging.is_open:
        severity = context.live.current.revision.ladder.named(incident.severity)
        every = severity.update_every if severity else None
        data = {**data, **announcements.promised(row, rows, incident, every)}
    shown = replace(row, moment=announcements.shows_end(incident), data=data) if is_head else row
    message = _channel(context, shown, incident, episodes, facts=facts, now=now)
    told = announcements.announcement_of(
        context,
        incident,
        message.text,
        public=row.data.get("public") is True,
        last=facts.last_update(incident.id),
        episodes=episodes,
    )
    if is_head:
        return announcements.head_message(row, rows, told, message)
    return announcements.reply_message(row, rows, told, message)


def _handoff(context: Context, row: OutboxRow, moment: Moment, *, now: datetime) -> Message | None:
    current = context.live.current
    person = current.revision.people.get(row.person or "")
    if person is None and row.person is not None:
        return None
    public_url = context.settings.public_url
    link = links.new_link(public_url) if moment is Moment.TAP else None
    written = handoff_message(
        current.templates, moment, row.data, person=person, public_url=public_url, link=link, now=now
    )
    _report(written.fell_back, row)
    message = Message(
        key=row.key,
        kind=moment.value,
        recipient=row.recipient or "",
        person=person,
        subject=written.subject,
        text=written.text,
        url=written.url,
        facts=written.facts,
    )
    return as_typed_there(context, row.via, message)


def _reminder(
    context: Context, row: OutboxRow, incident: Incident | None, *, now: datetime
) -> Message | None:
    current = context.live.current
    person = current.revision.people.get(row.person or "")
    if person is None or incident is None:
        return None
    public_url = context.settings.public_url
    written = reminder_message(
        current.templates, incident, row.data, person=person, public_url=public_url, now=now
    )
    _report(written.fell_back, row)
    message = Message(
        key=row.key,
        kind=Moment.REMINDER.value,
        recipient=person.id,
        person=person,
        subject=written.subject,
        text=written.text,
        url=written.url,
        facts=written.facts,
    )
    return as_typed_there(context, row.via, message)


def _report(fell_back: str | None, row: OutboxRow) -> None:
    if fell_back:
        log.error("a template failed; the built-in text was sent", template=fell_back, row=row.id)
