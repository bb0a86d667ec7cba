"""Why, for one incident: its alerts, who was on call for each step, every page, and what ended it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from incident_bot.core.model import Episode, Event, Incident, JsonObject, Kind, Paging, Running
from incident_bot.core.nearby import Nearby
from incident_bot.core.routing import title
from incident_bot.core.timeline import redact
from incident_bot.core.why import Code, Reason, paged_people, reasons, silenced, unreachable
from incident_bot.flow import change_events, phones, queries
from incident_bot.flow.context import Context
from incident_bot.flow.sight import visible
from incident_bot.flow.silences.telling import silenced_by
from incident_bot.flow.slack.names import named
from incident_bot.flow.why.alerts import alert_json, links_of
from incident_bot.flow.why.telling import (
    LINES_MOST,
    Chain,
    Link,
    clock,
    cut,
    page_json,
    page_links,
    sentence_on,
)
from incident_bot.store import alerts as episodes_store
from incident_bot.store import incidents, interventions
from incident_bot.store.transaction import Tx

NOBODY = "Nobody was paged for this incident."
LOOKED_AT = 100
"""Of a storm's alerts, for people."""
_STEPS = (Kind.STEP, Kind.FELL_BACK, Kind.EXHAUSTED, Kind.PAGED)


def explain(context: Context, number: int, *, now: datetime) -> JsonObject:
    """Give the whole chain as data, with `text` for people; raises NotFound."""
    return explain_incident(context, number, now=now).to_json()


def explain_incident(context: Context, number: int, *, listed: bool = True, now: datetime) -> Chain:
    """Say how an incident came to page whom it paged, and why not others; raises NotFound.

    With `listed`, every alert stands in the data; without it only the first ones of a storm are looked at, as pages for
    people show no more.
    """
    with context.store.read() as tx:
        incident = visible(tx, context.seer, number)
        events = incidents.events(tx, number)
        names = named(context, tx, [incident, *events])
        episodes = episodes_store.some_of_incident(tx, number, most=None if listed else LOOKED_AT)
        total = episodes_store.count_of_incident(tx, number)
        firing = episodes_store.count_firing(tx, [number])[number]
        links = [link for one in cut(episodes) for link in _alert(tx, one, incident, events, now)]
        links += _schedule(tx, events, names, now)
        call = phones.to_call(context, tx, incident)
        by = silenced_by(tx, episodes, now=now)
        changed = change_events.beside(context, tx, incident, episodes)
    if total > LINES_MOST:
        links.append(Link(stage="alert", text=f"… and {total - LINES_MOST} more alerts"))
    if not episodes:
        links.insert(
            0,
            Link(
                stage="alert", text=f"declared by {_name(incident.opened_by, names)}; no alert belongs to it"
            ),
        )
    links += _changes(changed, now)
    pages = queries.pages(context, number)
    links += page_links(pages, now)
    why_not = [*reasons(events, names), *_waiting(incident, now)]
    why_not += [one for one in (silenced(each, by.get(each.id)) for each in episodes) if one is not None]
    if incident.progress.taken and incident.paging is Paging.TRIGGERED:
        took = ", ".join(_name(person, names) for person in incident.progress.taken)
        waited = ", ".join(_name(person, names) for person in incident.progress.awaited)
        why_not.append(Reason(code=Code.WAITING, text=f"{took} took it; waiting for {waited}"))
    if call:
        why_not.append(Reason(code=Code.NOT_REACHED, text=phones.told(call)))
    said = sentence_on(pages, now)
    return Chain(
        kind="incident",
        about=incident.name,
        head=f"{incident.name} [{incident.severity}] {incident.title}, opened {clock(incident.opened_at, now)}",
        at=now,
        answer=tuple(said or (NOBODY, *(_first(why_not)))),
        links=tuple(links),
        reasons=tuple(why_not),
        more={
            "incident": incident.name,
            "revision": incident.revision,
            "firing": firing,
            "alerts": [alert_json(episode) for episode in episodes if listed],
            "pages": [page_json(page) for page in pages],
            "call": [{"person": one.person, "name": one.name, "phone": one.phone} for one in call],
            "not_paged": [*([] if said else [NOBODY]), *(_told(one, now) for one in why_not)],
        },
    )


def _alert(
    tx: Tx, episode: Episode, incident: Incident, events: Sequence[Event], now: datetime
) -> list[Link]:
    """Give one alert of the incident with its own chain below it."""
    heard = redact(title(episode.labels, episode.annotations))
    head = Link(
        stage="alert",
        at=episode.opened_at,
        text=f"alert {episode.id} {heard}: {episode.status.value}",
        data={"alert": episode.id},
    )
    below = links_of(tx, episode, incident, events, now=now)
    return [
        head,
        *(Link(stage=one.stage, text=one.text, at=one.at, data=one.data, indent=2) for one in below),
    ]


def _changes(changed: Sequence[Nearby], now: datetime) -> list[Link]:
    """Give what changed shortly before: it pages nobody, and may be why there is anything to page for."""
    return [
        Link(
            stage="change",
            at=one.change.at,
            text=f"{one.change.kind} {one.change.id} at {clock(one.change.at, now)}: {one.change.what} ({one.why})",
            data={"id": one.change.id, "kind": one.change.kind, "what": one.change.what, "why": one.why,
                  "service": one.change.service, "version": one.change.version, "url": one.change.url},
        )
        for one in changed
    ]  # fmt: skip


def _schedule(tx: Tx, events: Sequence[Event], names: Mapping[str, str], now: datetime) -> list[Link]:
    """Give, for each step, who stood behind it and why, and the configuration that was in force then (R15)."""
    found = []
    for event in events:
        people = paged_people(event)
        if event.kind not in _STEPS or not (people or unreachable(event)):
            continue
        active = interventions.revision_at(tx, event.happened_at)
        revision = active.id if active else None
        step = event.data.get("step")
        place = f"step {step + 1}" if event.kind is Kind.STEP and isinstance(step, int) else event.kind.value
        behind = "; ".join(f"{_name(person, names)}, {why or 'asked for'}" for person, why in people)
        found.append(
            Link(
                stage="schedule",
                at=event.happened_at,
                text=f"{place.replace('_', ' ')} at {clock(event.happened_at, now)}: {behind or 'nobody'}"
                + ("" if str(revision) in behind else f" (configuration {revision})"),
                data={
                    "step": step,
                    "people": [{"person": person, "why": why} for person, why in people],
                    "unreachable": list(unreachable(event)),
                    "revision": revision,
                },
            )
        )
    return found


def _waiting(incident: Incident, now: datetime) -> list[Reason]:
    """Say what comes next where paging goes on."""
    progress = incident.progress
    if incident.paging is not Paging.TRIGGERED or progress.next_at is None:
        return []
    what = {
        Running.EXHAUSTED: "the last resort is paged again",
        Running.PAUSED: "its paging is looked at again",
    }.get(progress.state, f"step {progress.step + 1} is due")
    return [
        Reason(
            code=Code.WAITING,
            text=f"Next: {what} at {clock(progress.next_at, now)}, unless somebody takes it",
        )
    ]


def _first(found: Sequence[Reason]) -> tuple[str, ...]:
    """Give the reason that says most: the first that is not only a matter of time."""
    telling = [one for one in found if one.code is not Code.WAITING] or list(found)
    return (f"{telling[0].text}.",) if telling else ()


def _told(reason: Reason, now: datetime) -> str:
    return f"{clock(reason.at, now)} {reason.text}" if reason.at else reason.text


def _name(person: str, names: Mapping[str, str]) -> str:
    return names.get(person, person)
