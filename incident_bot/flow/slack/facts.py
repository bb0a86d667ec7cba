"""What a room shows of an incident: its card, its people, its links, the lines of its timeline. Reads only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incident_bot.core.incident import is_overdue
from incident_bot.core.model import (
    Episode,
    Event,
    Incident,
    Item,
    ItemKind,
    Kind,
    Paging,
    Person,
    Running,
    Status,
)
from incident_bot.core.rooms import Bookmark, Desired, Place, Shown, room_name
from incident_bot.core.timeline import redact
from incident_bot.flow.configure import Current
from incident_bot.flow.context import Context
from incident_bot.flow.further import links_of
from incident_bot.flow.sight import at_work
from incident_bot.flow.slack.names import readable
from incident_bot.render.messages import alert_line, incident_url
from incident_bot.render.slack.blocks import Block
from incident_bot.render.slack.card import Card, Link, Who, card_blocks, card_text, purpose, topic
from incident_bot.store import alerts, graphs, incidents, outbox
from incident_bot.store.transaction import Tx

EPISODES_READ = 50
NAMES_TRIED = 5
SLACK = "slack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One incident with everything that its room shows, as it is now."""

    incident: Incident
    card: Card
    desired: Desired
    text: str
    blocks: list[Block]


def read_scene(context: Context, tx: Tx, number: int, shown: Shown) -> Scene | None:
    """Give the scene of one incident; None where it is to have no room, and has none."""
    incident = incidents.get(tx, number)
    if incident is None:
        return None
    current = context.live.current
    place = _place(current, incident, shown)
    if place is None:
        return None
    episodes = alerts.newest_of_incident(tx, number, limit=EPISODES_READ)
    card = card_of(context, tx, incident, episodes)
    text, blocks = card_text(card), card_blocks(card)
    team = current.revision.teams.get(incident.team)
    desired = Desired(
        place=place,
        names=tuple(
            room_name(current.revision.rooms.name, incident, attempt=attempt)
            for attempt in range(1, NAMES_TRIED + 1)
        ),
        channel=team.slack_channel if team else None,
        private=incident.private,
        hidden=_hidden(tx, incident),
        topic=topic(card),
        purpose=purpose(card),
        bookmarks=tuple(_bookmarks(context, incident, card)),
        card=hashlib.sha256(json.dumps([text, blocks], sort_keys=True).encode()).hexdigest()[:32],
        members=tuple(members(context, tx, incident)),
        upto=incident.seq,
        open=incident.paging.is_open,
        archive_at=_archive_at(current, incident),
        drawn=graphs.shown_upto(tx, number),
    )
    return Scene(incident=incident, card=card, desired=desired, text=text, blocks=blocks)


def card_of(context: Context, tx: Tx, incident: Incident, episodes: Sequence[Episode]) -> Card:
    """Give the facts of an incident's card."""
    revision = context.live.current.revision
    severity = revision.ladder.named(incident.severity)
    firing = [episode for episode in episodes if episode.status is Status.FIRING]
    runbook = next((book for book in revision.runbooks if book.path == incident.runbook), None)
    url = incident_url(context.settings.public_url, incident)
    updates = incidents.last_of_kind(tx, incident.id, Kind.UPDATE_POSTED)
    exhausted = incident.paging is Paging.TRIGGERED and incident.progress.state is Running.EXHAUSTED
    return Card(
        number=incident.id,
        name=incident.name,
        title=redact(incident.title),
        severity=incident.severity,
        rank=severity.rank if severity else 0,
        phase=incident.phase,
        paging=incident.paging,
        epoch=incident.epoch,
        opened_at=incident.opened_at,
        url=url,
        team=incident.team,
        services=_services(incident, episodes),
        impact=redact(incident.impact) if incident.impact else None,
        lead=who(context, incident.lead),
        acknowledged_by=who(context, incident.acknowledged_by),
        waiting_for=redact(incident.waiting_for) if incident.waiting_for else None,
        snoozed_until=incident.snoozed_until,
        roles=tuple(
            (role, found)
            for role, person in sorted(incident.roles.items())
            if (found := who(context, person)) is not None and role != "lead"
        ),
        firing=tuple(alert_line(episode) for episode in firing),
        firing_count=alerts.count_firing(tx, [incident.id]).get(incident.id, 0),
        next_update_at=incident.next_update_at if incident.paging.is_open else None,
        update_overdue=is_overdue(incident),
        last_update=redact(str(updates.data.get("text", ""))) if updates else None,
        changes=tuple(readable(tx, one) for one in _items(incident, ItemKind.CHANGE)),
        tasks=tuple(readable(tx, one) for one in _items(incident, ItemKind.TASK)),
        theories=_items(incident, ItemKind.THEORY),
        runbook=Link(runbook.title, f"{url}#runbook") if runbook else None,
        links=tuple(
            Link(one.title, one.url) for one in links_of(context, incident, list(episodes)) if one.url != url
        ),
        resolved_at=incident.resolved_at,
        merged_into=f"INC-{incident.merged_into}" if incident.merged_into else None,
        drill=incident.drill,
        private=incident.private,
        exhausted=exhausted,
        silenced_until=tuple(silence.ends_at for silence in incident.silences if silence.is_on),
        silences=bool(episodes),
    )


def who(context: Context, person: str | None) -> Who | None:
    """Give a person as Slack names them; whoever is not in the configuration goes by what is known of them."""
    if not person:
        return None
    known = context.live.current.revision.people.get(person)
    if known is not None:
        return Who(known.name, known.contacts.get(SLACK))
    if person.startswith("slack:"):
        return Who(person.removeprefix("slack:"), person.removeprefix("slack:"))
    return Who(person)


def events_between(tx: Tx, number: int, *, after: int, upto: int) -> list[Event]:
    """Give the events `(after, upto]` of an incident, in their order."""
    return [event for event in incidents.events(tx, number, after=after) if event.seq <= upto]


def _place(current: Current, incident: Incident, shown: Shown) -> Place | None:
    if shown.channel is not None and (shown.place is Place.OWN or not incident.paging.is_open):
        return shown.place
    severity = current.revision.ladder.named(incident.severity)
    team = current.revision.teams.get(incident.team)
    wanted = severity.room if severity else "none"
    if incident.private and wanted == "team":
        wanted = "own"  # A team's channel is everybody's.
    if wanted == "own":
        return Place.OWN
    if shown.channel is not None:
        return shown.place
    # What is over before it had a place needs none.
    if not incident.paging.is_open or incident.drill:
        return None
    return Place.THREAD if wanted == "team" and team and team.slack_channel else None


def _hidden(tx: Tx, incident: Incident) -> bool:
    return incident.private and bool(incidents.of_kinds(tx, incident.id, {Kind.MADE_PRIVATE}))


def _archive_at(current: Current, incident: Incident) -> datetime | None:
    grace: timedelta | None = current.revision.rooms.archive_after
    if incident.paging.is_open or grace is None:
        return None
    ended = incident.resolved_at or incident.opened_at
    return ended + grace


def _services(incident: Incident, episodes: Sequence[Episode]) -> tuple[str, ...]:
    named = dict.fromkeys(filter(None, (incident.service, *(episode.service for episode in episodes))))
    return tuple(named)[:10]


def _items(incident: Incident, kind: ItemKind) -> tuple[str, ...]:
    return tuple(_item(item) for item in incident.items if item.kind is kind and item.done_at is None)


def _item(item: Item) -> str:
    owner = f" ({item.owner})" if item.owner else ""
    undo = f" – undo: {item.undo}" if item.undo else ""
    return redact(f"{item.number}. {item.text}{owner}{undo}")


def _bookmarks(context: Context, incident: Incident, card: Card) -> Iterable[Bookmark]:
    if not context.settings.public_url.startswith("http"):
        return
    yield Bookmark("Incident", card.url)
    if card.runbook:
        yield Bookmark("Runbook", card.runbook.url)
    dashboards = [one for one in card.links if one.title.startswith("Dashboard")]
    for number, one in enumerate(dashboards[:3], start=1):
        yield Bookmark("Dashboard" if number == 1 else f"Dashboard {number}", one.url)
    if not incident.paging.is_open:
        yield Bookmark("Post-mortem", f"{card.url}/postmortem")


def members(context: Context, tx: Tx, incident: Incident) -> Iterable[str]:
    """Give the Slack ids of those who were paged, or who took something on."""
    people = context.live.current.revision.people
    paged = [row.person for row, _ in outbox.pages_of(tx, incident.id) if row.sent_at is not None]
    named = (incident.lead, *incident.roles.values(), *incident.responders, incident.acknowledged_by, *paged)
    if incident.private:
        # Nobody else finds the room by themselves.
        named = (*named, *sorted(at_work(tx, incident)))
    for person in dict.fromkeys(filter(None, named)):
        found: Person | None = people.get(person)
        address = found.contacts.get(SLACK) if found else None
        if address:
            yield address
        elif person.startswith("slack:"):
            yield person.removeprefix("slack:")
