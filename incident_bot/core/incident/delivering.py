"""Stage 4, the transports' side: what became of pages and messages → events. Asks nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from incident_bot.core.effects import Page, PageKind, SetTimer, TimerKind
from incident_bot.core.incident.facts import progress_to_json
from incident_bot.core.incident.holding import urgency_of
from incident_bot.core.incident.observations import (
    MessageFailed,
    PageDiverted,
    PageFailed,
    PageSent,
    PageWaits,
)
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.model import Incident, Json, Kind, Paging, Running, incident_name


def delivered(
    observation: PageSent | PageWaits | PageFailed | PageDiverted | MessageFailed, case: Case
) -> Decision:
    """Record what became of a page or message; only a step that is dead brings the next one forward."""
    match observation:
        case PageSent():
            return _page_sent(observation, case)
        case PageWaits():
            return _page_waits(observation, case)
        case PageFailed():
            return _page_failed(observation, case)
        case PageDiverted():
            data = {**_place(observation), "instead": observation.instead, "reason": observation.reason}
            said = f"{observation.person} is told by {observation.instead}: {observation.via} is down."
            return case.decided(said, case.event(Kind.PAGE_DIVERTED, data))
        case MessageFailed():
            data = {
                "channel": observation.channel,
                "moment": observation.moment,
                "reason": observation.reason,
            }
            said = f"A message to {observation.channel} failed: {observation.reason}."
            return case.decided(said, case.event(Kind.MESSAGE_FAILED, data))
        case _:
            assert_never(observation)


def _place(page: PageSent | PageFailed | PageDiverted) -> dict[str, Json]:
    return {
        "person": page.person,
        "via": page.via,
        "page": page.kind.value,
        "epoch": page.epoch,
        "loop": page.loop,
        "step": page.step,
        "attempt": page.attempt,
    }


def _page_waits(page: PageWaits, case: Case) -> Decision:
    reason = f"{page.via} takes no more just now"
    data: dict[str, Json] = {"person": page.person, "via": page.then, "waits": page.via, "reason": reason}
    said = f"{page.person} is paged by {page.then} as well for {case.incident.name}: {reason}."
    return case.decided(said, case.event(Kind.PAGE_PLANNED, data))


def _page_sent(page: PageSent, case: Case) -> Decision:
    """Record a receipt, marked when the call was in flight while somebody took the incident (P3)."""
    incident = case.incident
    asked_for = page.kind in (PageKind.DIRECT, PageKind.ASK) and incident.paging.is_open
    has_it = incident.paging is not Paging.TRIGGERED or page.person in incident.progress.taken
    # A note is written because paging stopped: it was never on its way before.
    late = page.kind is not PageKind.NOTE and (page.epoch != incident.epoch or (has_it and not asked_for))
    data = {**_place(page), "provider_id": page.provider_id, "sent_after_ack": late}
    if page.beside is not None:
        data["beside"] = incident_name(page.beside[0])
        data["beside_more"] = page.beside[1] or None
    note = "; it was on its way already when paging stopped" if late else ""
    said = f"{page.person} was paged by {page.via} for {incident.name}{note}."
    effects = (_taken_already(page, case),) if late and _wants_note(page, incident) else ()
    return case.decided(said, case.event(Kind.PAGE_SENT, data), effects=effects)


def _wants_note(page: PageSent, incident: Incident) -> bool:
    """Say whether somebody else has it, or it is over: then whoever was paged late may go back to sleep (P3)."""
    if page.kind in (PageKind.ASK, PageKind.NOTE):
        return False
    if incident.paging is Paging.ACKNOWLEDGED:
        return page.person not in incident.responders
    return incident.paging is Paging.RESOLVED


def _taken_already(page: PageSent, case: Case) -> Page:
    return Page(
        person=page.person,
        via=page.via,
        kind=PageKind.NOTE,
        epoch=case.incident.epoch,
        loop=page.loop,
        step=page.step,
        due_at=case.now,
        urgency=urgency_of(case.incident),
        reason="the page before was on its way already",
    )


def _page_failed(page: PageFailed, case: Case) -> Decision:
    """Record the loss; when no page of the current step can arrive, the next step is due now (S5, P7)."""
    incident, progress = case.incident, case.incident.progress
    data = {**_place(page), "reason": page.reason}
    said = f"{page.person} could not be paged by {page.via} for {incident.name}: {page.reason}."
    awaited = (
        page.step_dead
        and page.kind is PageKind.STEP
        and incident.paging is Paging.TRIGGERED
        and progress.state is Running.RUNNING
        and (page.epoch, page.loop, page.step + 1) == (progress.epoch, progress.loop, progress.step)
    )
    if not awaited or progress.next_at is None or progress.next_at <= case.now:
        return case.decided(said, case.event(Kind.PAGE_FAILED, data))
    data["progress"] = progress_to_json(replace(progress, next_at=case.now))
    effects = (SetTimer(kind=TimerKind.STEP, due_at=case.now),)
    said = f"{said} Nobody of that step can be reached: the next step is paged now."
    return case.decided(said, case.event(Kind.PAGE_FAILED, data), effects=effects)
