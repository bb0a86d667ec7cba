"""What readers ask: incidents, timelines, pages, alerts. Reads only; every answer is a view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from incident_bot.core.effects import PageKind
from incident_bot.core.incident import is_overdue
from incident_bot.core.model import (
    Episode,
    Event,
    Incident,
    Item,
    Kind,
    Paging,
    Silence,
    Status,
    incident_name,
)
from incident_bot.core.routing import title
from incident_bot.core.storm import tallied
from incident_bot.core.timeline import REVISIONS, describe, redact_data, revised
from incident_bot.flow import change_events, keytimes, phones
from incident_bot.flow.context import Context
from incident_bot.flow.further import links_of
from incident_bot.flow.sight import hidden, seen, visible
from incident_bot.flow.slack.names import named
from incident_bot.flow.views import (
    AlertView,
    AttemptView,
    EntryView,
    IncidentView,
    ItemView,
    PageView,
    ReceiptView,
    SilenceView,
    StepView,
    TallyView,
)
from incident_bot.store import alerts as episodes_store
from incident_bot.store import incidents as incidents_store
from incident_bot.store import outbox, rooms
from incident_bot.store.outbox import Attempt, GivenReceipt, OutboxRow


def incidents(
    context: Context,
    *,
    state: str = "all",
    severity: str | None = None,
    team: str | None = None,
    service: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[IncidentView]:
    """List incidents, the newest first; `state` is open, all or an escalation state."""
    chosen: Literal["open", "all"] | Paging = (
        "open" if state == "open" else "all" if state == "all" else Paging(state)
    )
    found: list[Incident] = []
    with context.store.read() as tx:
        while len(found) < limit:
            wanted = limit - len(found)
            batch = incidents_store.list_incidents(
                tx,
                state=chosen,
                severity=severity,
                team=team,
                service=service,
                before_id=before,
                limit=wanted,
            )
            found += seen(tx, context.seer, batch)
            if len(batch) < wanted:
                break
            # Those who see less have pages as full as everybody's: what is missing is not to be counted.
            before = batch[-1].id
        counts = episodes_store.count_firing(tx, [incident.id for incident in found])
    return [incident_view(context, incident, firing=counts.get(incident.id, 0)) for incident in found]


def incident(context: Context, number: int, *, most: int | None = None) -> IncidentView:
    """Give one incident with its alerts, or with the first ones of a storm; raises NotFound."""
    with context.store.read() as tx:
        found = visible(tx, context.seer, number)
        counts = tallied(episodes_store.counted_of_incident(tx, number))
        episodes = episodes_store.some_of_incident(tx, number, most=most)
        call = phones.to_call(context, tx, found)
        times = keytimes.found(tx, found, episodes)
        changed = change_events.beside(context, tx, found, episodes)
        names = named(context, tx, [one.author for one in times])
        places = rooms.names(tx, [number])
    return replace(
        incident_view(context, found, firing=sum(one.firing for one in counts), episodes=episodes),
        tally=tuple(
            TallyView(name=one.name, service=one.service, firing=one.firing, total=one.total)
            for one in counts
        ),
        call=call,
        room=places.get(number),
        milestones=keytimes.views(times, names),
        measures=keytimes.measures(found, times),
        changes=change_events.views(changed),
    )


def epoch_of(context: Context, number: int) -> int:
    """Give the fencing number of an incident's paging; raises NotFound."""
    with context.store.read() as tx:
        return visible(tx, context.seer, number).epoch


def latest_seq(context: Context, number: int) -> int:
    """Give the number of an incident's last event; 0 where there is no such incident."""
    with context.store.read() as tx:
        return incidents_store.latest_seq(tx, number)


def newest_event(context: Context) -> int:
    """Give the identifier of the newest event of all incidents; it tells nothing of what happened."""
    with context.store.read() as tx:
        return incidents_store.newest_event(tx)


def timeline(context: Context, number: int, *, after: int = 0, limit: int | None = None) -> list[EntryView]:
    """Give an incident's entries in the order in which they were recorded; raises NotFound."""
    with context.store.read() as tx:
        found = visible(tx, context.seer, number)
        events = incidents_store.events(tx, number, after=after, limit=limit)
        if any(event.kind is Kind.NOTE for event in events):
            events = revised(events, incidents_store.of_kinds(tx, number, REVISIONS))
        numbers = {one.person: one.phone for one in phones.to_call(context, tx, found)}
        names = named(context, tx, events)
    entries = [entry_view(event, names) for event in events]
    return [_with_phone(entry, numbers) for entry in entries] if numbers else entries


def _with_phone(entry: EntryView, numbers: Mapping[str, str]) -> EntryView:
    """Say how to reach somebody by hand whom a page could not; the record itself keeps no numbers."""
    phone = numbers.get(str(entry.data.get("person"))) if entry.kind == Kind.PAGE_FAILED else None
    return replace(entry, text=f"{entry.text}; call {phone}") if phone else entry


def entry_view(event: Event, names: Mapping[str, str]) -> EntryView:
    """Turn one event into an entry, with people's names for their ids and without secrets."""
    return EntryView(
        seq=event.seq,
        kind=event.kind.value,
        text=describe(event, names),
        actor=event.actor,
        actor_name=names.get(event.actor, event.actor),
        source=event.source,
        happened_at=event.happened_at,
        recorded_at=event.recorded_at or event.happened_at,
        data=redact_data(event.data),
        hash=event.hash,
    )


def pages(context: Context, number: int) -> list[PageView]:
    """Give every logical page of an incident with its attempts, in the order of their due times; raises NotFound."""
    with context.store.read() as tx:
        visible(tx, context.seer, number)
        rows = outbox.pages_of(tx, number)
        # What a provider says is kept with the page whose message it was.
        receipts = outbox.receipts_of(tx, {row.group for row, _ in rows})
        beside = outbox.beside_pages(tx, [row for row, _ in rows])
    names = {person.id: person.name for person in context.live.current.revision.people.values()}
    return [
        replace(
            page_view(
                row, attempts, receipts.get(row.group, []), name=names.get(row.person or "", row.person or "")
            ),
            beside=_beside(beside.get(row.id)),
        )
        for row, attempts in rows
    ]


def _beside(found: tuple[int, int] | None) -> str | None:
    if found is None:
        return None
    other, more = found
    return f"{incident_name(other)}{f' and {more} more' if more else ''}"


def page_view(
    row: OutboxRow, attempts: list[Attempt], receipts: list[GivenReceipt], *, name: str
) -> PageView:
    """Turn one outbox row into a page; steps count from 1, as people do."""
    step: int | str = row.step + 1 if row.page_kind in (PageKind.STEP, None) else row.page_kind.value
    return PageView(
        id=row.id,
        person=row.person or "",
        name=name,
        channel=row.via,
        step=step,
        loop=row.loop,
        epoch=row.epoch or 0,
        due_at=row.due_at,
        state=row.state.value,
        sent_at=row.sent_at,
        reason=row.error if row.state.value == "cancelled" and row.error else row.reason,
        attempts=tuple(
            AttemptView(
                at=attempt.at,
                result=attempt.result.value,
                provider_id=attempt.provider_id,
                error=attempt.error,
            )
            for attempt in attempts
        ),
        carried_by=row.carried_by,
        receipts=tuple(
            ReceiptView(at=receipt.at, status=receipt.status, detail=receipt.detail) for receipt in receipts
        ),
    )


def alerts(
    context: Context,
    *,
    status: str | None = None,
    incident: int | None = None,
    source: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[AlertView]:
    """List episodes, the newest first."""
    found: list[Episode] = []
    with context.store.read() as tx:
        while len(found) < limit:
            wanted = limit - len(found)
            batch = episodes_store.list_episodes(
                tx,
                status=Status(status) if status else None,
                incident_id=incident,
                source=source,
                before_id=before,
                limit=wanted,
            )
            unseen = hidden(tx, context.seer, {one.incident_id for one in batch if one.incident_id})
            found += [one for one in batch if one.incident_id not in unseen]
            if len(batch) < wanted:
                break
            before = batch[-1].id
    return [alert_view(episode) for episode in found]


def alert_view(episode: Episode) -> AlertView:
    """Turn one episode into the alert that outsiders see."""
    return AlertView(
        id=episode.id,
        source=episode.source,
        fingerprint=episode.fingerprint,
        labels=episode.labels,
        annotations=episode.annotations,
        status=episode.status.value,
        starts_at=episode.starts_at,
        ends_at=episode.ends_at,
        incident=incident_name(episode.incident_id) if episode.incident_id else None,
        reason=None if episode.incident_id else episode.reason,
        runbook=episode.runbook,
        flags=tuple(sorted(flag.value for flag in episode.flags)),
        severity=episode.severity,
        service=episode.service,
        team=episode.team,
        title=title(episode.labels, episode.annotations),
        generator_url=episode.generator_url,
        disposition=episode.disposition.value,
        refires=episode.refires,
        opened_at=episode.opened_at,
        updated_at=episode.updated_at,
        why=episode.why,
    )


def incident_view(
    context: Context, incident: Incident, *, firing: int, episodes: list[Episode] | None = None
) -> IncidentView:
    """Turn one incident into what outsiders see, with its alerts where they were loaded."""
    progress = incident.progress
    waiting = incident.paging is Paging.TRIGGERED and progress.next_at is not None
    return IncidentView(
        id=incident.name,
        number=incident.id,
        title=incident.title,
        severity=incident.severity,
        phase=incident.phase.value,
        escalation=incident.paging.value,
        team=incident.team,
        service=incident.service,
        lead=incident.lead,
        roles=incident.roles,
        impact=incident.impact,
        opened_at=incident.opened_at,
        opened_by=incident.opened_by,
        acknowledged_at=incident.acknowledged_at,
        acknowledged_by=incident.acknowledged_by,
        taken_by=progress.taken if waiting else (),
        awaited=progress.awaited if waiting and progress.taken else (),
        snoozed_until=incident.snoozed_until,
        resolved_at=incident.resolved_at,
        next_update_at=incident.next_update_at if incident.paging.is_open else None,
        epoch=incident.epoch,
        escalation_state=progress.state.value,
        next_step=progress.step + 1 if waiting else None,
        next_step_at=progress.next_at if waiting else None,
        firing=firing,
        private=incident.private,
        drill=incident.drill,
        forced=incident.forced,
        runbook=incident.runbook,
        room=None,
        previous=incident_name(incident.previous) if incident.previous else None,
        merged_into=incident_name(incident.merged_into) if incident.merged_into else None,
        links=links_of(context, incident, episodes or []),
        items=tuple(_item_view(item) for item in incident.items),
        seq=incident.seq,
        storm=incident.storm,
        review=incident.review,
        lead_since=incident.lead_since,
        offered_to=incident.offer.to if incident.offer else None,
        flapping_since=incident.flapping.since if incident.flapping else None,
        steps=steps_of(context, incident) if episodes is not None else (),
        update_overdue=is_overdue(incident),
        reminders_off=incident.reminders.off,
        public=incident.public.title if incident.public and not incident.private else None,
        reminders_until=incident.reminders.until,
        alerts=tuple(alert_view(episode) for episode in episodes or ()),
        silences=tuple(_silence_view(silence) for silence in incident.silences),
    )


def steps_of(context: Context, incident: Incident) -> tuple[StepView, ...]:
    """Give the steps of an incident's runbook as it is now, with who did which."""
    books = context.live.current.revision.runbooks
    book = next((one for one in books if one.path == incident.runbook), None)
    ticks = {(tick.number, tick.text): tick for tick in incident.ticks}
    return tuple(
        StepView(
            number=number,
            section=section,
            text=text,
            done_at=tick.at if (tick := ticks.get((number, text))) else None,
            done_by=tick.by if tick else None,
        )
        for number, section, text in (book.steps if book else ())
    )


def _item_view(item: Item) -> ItemView:
    return ItemView(
        number=item.number,
        kind=item.kind.value,
        text=item.text,
        owner=item.owner,
        due=item.due,
        undo=item.undo,
        done_at=item.done_at,
        outcome=item.outcome.value if item.outcome else None,
        why=item.why,
        type=item.type.value if item.type else None,
        done_when=item.done_when,
        proven_at=item.proven_at,
    )


def _silence_view(silence: Silence) -> SilenceView:
    return SilenceView(
        number=silence.number,
        source=silence.source,
        matchers=dict(silence.matchers),
        state=silence.state.value,
        on=silence.is_on,
        ends_at=silence.ends_at,
        asked_at=silence.asked_at,
        asked_by=silence.asked_by,
        reason=silence.reason,
        outcome=silence.outcome,
        what=silence.what,
    )
