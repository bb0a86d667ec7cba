"""Why, for one person: what was sent to them in a window and why, and what was not sent, and why not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from incident_bot.core.errors import NotFound, Unreadable
from incident_bot.core.escalation import Policy
from incident_bot.core.model import Event, Incident, Kind, Person, rfc3339
from incident_bot.core.why import Code, Reason, paged_people, stopped, unreachable
from incident_bot.flow import queries
from incident_bot.flow.context import Context
from incident_bot.flow.directory import Directories
from incident_bot.flow.history import Roster
from incident_bot.flow.sight import seen
from incident_bot.flow.views import PageView
from incident_bot.flow.why.telling import Chain, Link, clock, counted, page_json, page_links
from incident_bot.store import incidents, outbox
from incident_bot.store.transaction import Tx

INCIDENTS_MOST = 200
"""The newest ones of the window; more are counted as left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    person: Person
    names: Mapping[str, str]
    now: datetime


def explain_person(context: Context, name: str, *, start: datetime, end: datetime, now: datetime) -> Chain:
    """Say what a person was sent in `[start, end)` and why, and why not; raises NotFound.

    A private incident is named without its title, and without what its pages say; not at all to who may not see it.
    """
    people = context.live.current.revision.people
    person = _person(name, people)
    asked = _Asked(person=person, names={one.id: one.name for one in people.values()}, now=now)
    links: list[Link] = []
    said: list[str] = []
    why_not: list[Reason] = []
    sent: list[PageView] = []
    with context.store.read() as tx:
        # What happens at this very instant has happened.
        until = end + timedelta(microseconds=1) if end >= now else end
        found = seen(tx, context.seer, incidents.open_between(tx, start, until, limit=INCIDENTS_MOST + 1))
        directories = _directories(context, tx)
        every = _pages(tx, [one.id for one in found[:INCIDENTS_MOST]], asked)
        within = {
            number: [page for page in pages if start <= (page.sent_at or page.due_at) < until]
            for number, pages in every.items()
        }
        unpaged = [number for number, pages in within.items() if not any(page.sent_at for page in pages)]
        events = incidents.events_by_incident(tx, unpaged)
        for incident in found[:INCIDENTS_MOST]:
            pages = within[incident.id]
            if pages:
                links.append(Link(stage="incident", text=_shown(incident), data={"incident": incident.name}))
                links += [replace(one, indent=one.indent + 1) for one in page_links(pages, now)]
            sent += [page for page in pages if page.sent_at is not None]
            said += [_sentence(page, incident, now) for page in pages if page.sent_at is not None]
            if incident.id in events:
                looked_at = pages or every[incident.id]
                why_not.append(_why_not(incident, events[incident.id], looked_at, asked, directories))
    if len(found) > INCIDENTS_MOST:
        links.append(
            Link(stage="incident", text=f"only the newest {INCIDENTS_MOST} incidents were looked at")
        )
    window = f"from {clock(start, now)} to {clock(end, now)}"
    if not said:
        said = [f"{person.name} was not paged {window}."]
        said += [f"{why_not[0].text}." for _ in why_not[:1]]
    return Chain(
        kind="person",
        about=person.id,
        head=f"{person.name} {window}: {counted(len(sent), 'page')}, {counted(len(why_not), 'incident')} without one",
        at=now,
        answer=tuple(said[:3]),
        links=tuple(links),
        reasons=tuple(why_not),
        more={
            "person": person.id,
            "name": person.name,
            "from": rfc3339(start),
            "to": rfc3339(end),
            "pages": [page_json(page) for page in sent],
        },
    )


def _directories(context: Context, tx: Tx) -> Directories:
    return Directories(
        context.live.current.revision,
        roster=Roster(context.records, context.live.current, tx),
        notifiers=context.notifiers,
        default_channel=context.default_channel,
    )


def _person(name: str, people: Mapping[str, Person]) -> Person:
    found = people.get(name.removeprefix("@"))
    if found is None:
        message = f"There is nobody {name[:40]!r} in people.yaml; write an id, such as {next(iter(people), 'alice')}."
        raise NotFound(message)
    return found


def _pages(tx: Tx, numbers: Collection[int], asked: _Asked) -> dict[int, list[PageView]]:
    """Give the person's pages by incident, read at once: a busy night has two hundred incidents."""
    found = outbox.pages_to(tx, asked.person.id, numbers)
    receipts = outbox.receipts_of(tx, [row.id for rows in found.values() for row, _ in rows])
    return {
        number: [
            queries.page_view(row, attempts, receipts.get(row.id, []), name=asked.person.name)
            for row, attempts in rows
        ]
        for number, rows in found.items()
    }


def _shown(incident: Incident) -> str:
    return incident.name + (" (private)" if incident.private else f" [{incident.severity}] {incident.title}")


def _sentence(page: PageView, incident: Incident, now: datetime) -> str:
    at = clock(page.sent_at or page.due_at, now)
    return f"{page.name} was paged by {page.channel} at {at} for {_shown(incident)}: {page.reason}."


def _why_not(
    incident: Incident,
    events: Sequence[Event],
    pages: Sequence[PageView],
    asked: _Asked,
    directories: Directories,
) -> Reason:
    """Give the one reason that says most why this person got nothing of this incident."""
    person, name = asked.person, asked.person.name
    shown = _shown(incident)

    def reason(code: Code, text: str, at: datetime | None = None) -> Reason:
        # What a private incident says of itself is read on its own page.
        said = code.value.replace("_", " ") if incident.private else text
        return Reason(code=code, at=at, person=person.id, text=f"{shown}: {said}")

    if not person.active:
        return reason(Code.INACTIVE, f"{name} is not active in people.yaml", incident.opened_at)
    if pages:
        last = pages[-1]
        if last.sent_at is not None:
            text = f"{name} was paged by {last.channel} at {clock(last.sent_at, asked.now)}, not in this time"
            return reason(Code.OTHER_TIME, text, last.sent_at)
        code = {"failed": Code.NOT_DELIVERED, "cancelled": Code.TAKEN_BACK}.get(last.state, Code.WAITING)
        word = {Code.NOT_DELIVERED: "could not be sent", Code.TAKEN_BACK: "was taken back"}.get(code, "waits")
        failed = last.attempts[-1].error if last.attempts else None
        text = (
            f"the page by {last.channel} due {clock(last.due_at, asked.now)} {word}: {failed or last.reason}"
        )
        return reason(code, text, last.due_at)
    for event in events:
        if person.id in unreachable(event) and event.kind in (Kind.STEP, Kind.NOBODY):
            return reason(Code.NO_CHANNEL, f"no channel reaches {name}", event.happened_at)
    mine = _step_of(incident, asked, directories)
    if mine is not None:
        end = stopped(events, asked.names, incident.opened_at)
        if end is not None:
            return reason(
                Code.NOT_REACHED, f"{name} is step {mine}, which was not due before: {end.text}", end.at
            )
        held = next((one for one in reversed(events) if one.kind is Kind.PAUSED), None)
        why = f"paging is paused: {held.data.get('reason')}" if held else "it is not due yet"
        return reason(Code.WAITING, f"{name} is step {mine}; {why}", incident.progress.next_at)
    paged = next(((event, paged_people(event)) for event in events if paged_people(event)), None)
    if paged is None:
        return reason(
            Code.NOT_ON_CALL, f"{name} was not on call for it, and nobody was paged", incident.opened_at
        )
    event, others = paged
    told = "; ".join(f"{asked.names.get(one, one)} was: {why or 'asked for'}" for one, why in others)
    return reason(Code.NOT_ON_CALL, f"{name} was not on call for it; {told}", event.happened_at)


def _step_of(incident: Incident, asked: _Asked, directories: Directories) -> int | None:
    """Give the first step behind which this person stood when the incident opened, from 1; None where no step."""
    with suppress(Unreadable):
        directory = directories.of(incident.team)
        for number, step in enumerate(Policy.from_json(incident.policy).steps, 1):
            at = incident.opened_at + step.after
            if any(
                one.person == asked.person.id
                for target in step.targets
                for one in directory.reach(target, now=at)
            ):
                return number
    return None
