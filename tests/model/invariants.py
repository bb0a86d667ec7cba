"""The invariants P1 to P16 of semantics, section 5, each one function of the facts that raises `Violated`.

Written from the text of the rules and not from the code: where a rule needs to know what should have happened, a naive
reading of the timeline says it here again. Every check is proved to be able to fail in `test_checks_can_fail.py`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from incident_bot.core.effects import PageKind, TimerKind
from incident_bot.core.model import Event, Incident, Kind, Paging, Running
from incident_bot.core.why import paged_people
from incident_bot.store.outbox import RowState
from tests.model.configurations import CONFIGURATIONS
from tests.model.facts import Ending, Facts, Page, Plan

LEASE: Final = timedelta(seconds=30)
GRACE: Final = timedelta(minutes=2)
"""How long a page may wait beyond its step: a lease that has to run out, and the polls around it."""
PAGING: Final = {
    Kind.OPENED: Paging.TRIGGERED,
    Kind.DECLARED: Paging.TRIGGERED,
    Kind.ACKNOWLEDGED: Paging.ACKNOWLEDGED,
    Kind.UNACKNOWLEDGED: Paging.TRIGGERED,
    Kind.ACK_EXPIRED: Paging.TRIGGERED,
    Kind.SNOOZED: Paging.SNOOZED,
    Kind.WOKEN: Paging.TRIGGERED,
    Kind.ESCALATED: Paging.TRIGGERED,
    Kind.REPAGED: Paging.TRIGGERED,
    Kind.REOPENED: Paging.TRIGGERED,
    Kind.RESOLVED: Paging.RESOLVED,
    Kind.CANCELLED: Paging.RESOLVED,
    Kind.MERGED: Paging.MERGED,
}
"""What an entry of the timeline makes of the paging state, read from the table of semantics, section 3."""
NEW_EPOCH: Final = frozenset(
    {Kind.UNACKNOWLEDGED, Kind.ACK_EXPIRED, Kind.WOKEN, Kind.ESCALATED, Kind.REPAGED, Kind.REOPENED, Kind.RESUMED,
     Kind.MERGED}
)  # fmt: skip
STEPS: Final = frozenset({Kind.STEP, Kind.NOBODY})
PLANNED_BY: Final = {
    PageKind.STEP: Kind.STEP,
    PageKind.FALLBACK: Kind.FELL_BACK,
    PageKind.LAST_RESORT: Kind.EXHAUSTED,
    PageKind.DIRECT: Kind.PAGED,
    PageKind.ASK: Kind.STILL_ON_IT,
}


class Violated(AssertionError):
    """An invariant does not hold."""

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(f"{rule}: {what}")
        self.rule = rule


def check_p1(facts: Facts) -> None:
    """P1: every firing alert that was answered with 200 is an episode on one incident, or has its reason recorded."""
    by_fingerprint: dict[str, list[Any]] = defaultdict(list)
    for episode in facts.episodes:
        by_fingerprint[episode.fingerprint].append(episode)
        placed, reasoned = episode.incident_id is not None, episode.reason is not None
        _need(
            placed != reasoned,
            "P1",
            f"episode {episode.id} is on {episode.incident_id}, reason {episode.reason}",
        )
        if placed:
            _need(
                episode.incident_id in facts.incidents, "P1", f"episode {episode.id} is on no known incident"
            )
        if episode.disposition == "held" and episode.status == "firing":
            looked = any(one.kind is TimerKind.EPISODE and one.subject == episode.id for one in facts.timers)
            _need(looked, "P1", f"episode {episode.id} is held and never looked at again")
        if "held_refire" in episode.flags:
            looked = any(one.kind is TimerKind.REFIRE and one.subject == episode.id for one in facts.timers)
            _need(looked, "P1", f"the re-fire of episode {episode.id} is held for ever (I6)")
    for told in facts.told:
        known = any(one.starts_at <= told.starts_at for one in by_fingerprint[told.fingerprint])
        _need(known, "P1", f"{told.fingerprint} since {told.starts_at:%H:%M:%S} was answered and is nowhere")


def check_p2(facts: Facts) -> None:
    """P2: what stays triggered has its next step planned; a step that was due was sent, or the next one followed."""
    for number, incident in facts.incidents.items():
        progress, step = incident.progress, facts.timer(TimerKind.STEP, number)
        if incident.paging is Paging.TRIGGERED and progress.state in (Running.RUNNING, Running.EXHAUSTED):
            _need(progress.next_at is not None, "P2", f"nobody would ever be paged again for {incident.name}")
            _need(step is not None, "P2", f"the next step of {incident.name} has no timer")
            planned = step is not None and (step.due_at, step.epoch) == (progress.next_at, incident.epoch)
            _need(planned, "P2", f"the timer of {incident.name} is not the one of its next step")
        for page in facts.pages_of(number):
            row = page.row
            if row.state in (RowState.PENDING, RowState.SENDING):
                _need(row.ready_at is not None, "P2", f"the page {row.key} waits for nothing")
                _need(
                    row.ready_at is not None and (row.ready_at > facts.now or facts.held(row)),
                    "P2",
                    f"the page {row.key} is overdue",
                )
        _each_step_reaches(facts, incident)


def _each_step_reaches(facts: Facts, incident: Incident) -> None:
    for place, at in _steps_of_now(facts, incident):
        pages = [page for page in facts.pages_of(incident.id) if _place(page) == place]
        if incident.progress.state is not Running.RUNNING or (place[1], place[2] + 1) != (
            incident.progress.loop,
            incident.progress.step,
        ):
            continue
        arrived = any(page.row.sent_at is not None for page in pages)
        waiting = any(page.row.state in (RowState.PENDING, RowState.SENDING) for page in pages)
        if any(facts.held(page.row) for page in pages):
            continue
        _need(
            arrived or (waiting and facts.now < at + _wait_after(incident, place[2]) + GRACE),
            "P2",
            f"nobody was reached by step {place[2] + 1} of {incident.name}, and nothing follows",
        )


def _steps_of_now(facts: Facts, incident: Incident) -> Iterator[tuple[tuple[int, int, int], datetime]]:
    if incident.paging is Paging.TRIGGERED:
        for event in facts.events[incident.id]:
            if event.kind is Kind.STEP and event.data["epoch"] == incident.epoch:
                yield _place_told(event), event.happened_at


def check_p3(facts: Facts) -> None:
    """P3: no page is claimed once its incident is taken, quiet or over; what was under way is marked, and followed."""
    for claim in facts.claims:
        allowed = {
            PageKind.DIRECT: claim.paging.is_open,
            PageKind.NOTE: claim.paging is not Paging.TRIGGERED,
            PageKind.ASK: claim.paging is Paging.ACKNOWLEDGED,
        }.get(claim.kind, claim.paging is Paging.TRIGGERED)
        _need(allowed, "P3", f"{claim.key} was claimed while its incident was {claim.paging.value}")
    for number, events in facts.events.items():
        for event, was in _with_states(events):
            if event.kind is not Kind.PAGE_SENT or event.data["page"] not in (
                "step",
                "fallback",
                "last_resort",
            ):
                continue
            late = was.paging is not Paging.TRIGGERED or event.data["epoch"] != was.epoch
            _need(
                event.data["sent_after_ack"] is late,
                "P3",
                f"{_who(event)} of incident {number}: marked wrongly",
            )
            if late and was.paging is Paging.ACKNOWLEDGED and event.data["person"] not in was.responders:
                noted = any(
                    page.row.page_kind is PageKind.NOTE and page.row.person == event.data["person"]
                    for page in facts.pages_of(number)
                )
                _need(noted, "P3", f"{_who(event)} of incident {number} was not told that it is taken")


def check_p4(facts: Facts) -> None:
    """P4: one page per incident, epoch, loop, step, person and channel; seen twice only where nobody could know."""
    logical = Counter((page.row.incident_id, *_whole_place(page)) for page in facts.pages)
    for place, times in logical.items():
        _need(times == 1, "P4", f"{times} pages for {place}")
    for key, times in facts.acted.items():
        allowed = 1 + facts.excused.get(key, 0)
        _need(times <= allowed, "P4", f"a provider took {key} {times} times, and {allowed - 1} were in doubt")
    known = {page.row.key for page in facts.pages}
    for call in facts.calls:
        _need(call.key in known, "P4", f"a provider was called with a key that is no page's: {call.key}")


def check_p5(facts: Facts) -> None:
    """P5: one open incident per incident key; one step timer, hold and question per incident."""
    opened = Counter(one.key for one in facts.incidents.values() if one.paging.is_open)
    for key, times in opened.items():
        _need(times == 1, "P5", f"{times} open incidents for {key}")
    for place, times in Counter(
        (one.kind, one.incident_id) for one in facts.timers if one.incident_id
    ).items():
        _need(times == 1, "P5", f"{times} timers {place[0].value} of incident {place[1]}")


def check_p6(facts: Facts) -> None:
    """P6: the epoch only grows; nothing of an earlier epoch is ever claimed."""
    for claim in facts.claims:
        _need(
            claim.epoch == claim.incident_epoch,
            "P6",
            f"{claim.key} was claimed in epoch {claim.incident_epoch}",
        )
    for number, events in facts.events.items():
        epoch = 0
        for event in events:
            told = event.data.get("progress")
            if isinstance(told, dict):
                _need(
                    told["epoch"] >= epoch,
                    "P6",
                    f"incident {number} went from epoch {epoch} to {told['epoch']}",
                )
                epoch = told["epoch"]
    if facts.before is not None:
        for number, old in facts.before.incidents.items():
            _need(facts.incidents[number].epoch >= old.epoch, "P6", f"the epoch of {old.name} fell")


def check_p7(facts: Facts) -> None:
    """P7: the steps of an epoch run in order, each once per loop and not before its time unless it was hastened."""
    for number, events in facts.events.items():
        last: Event | None = None
        hastened = True
        for event in events:
            if event.kind in NEW_EPOCH:
                last = None
            if event.kind in (Kind.PAGE_FAILED, Kind.SEVERITY_CHANGED, Kind.NOBODY):
                # All undeliverable; another policy; a step that nobody stands behind waits for nothing.
                hastened = hastened or event.kind is not Kind.PAGE_FAILED or "progress" in event.data
            if event.kind is not Kind.STEP:
                continue
            if last is not None and last.data["epoch"] == event.data["epoch"]:
                before, after = _place_told(last), _place_told(event)
                _need(before < after, "P7", f"incident {number}: step {after} ran after {before}")
                wait = _wait_after(facts.incidents[number], before[2], severity=str(last.data["severity"]))
                early = not hastened and event.happened_at < last.happened_at + wait
                _need(not early, "P7", f"incident {number}: step {after} ran before its time")
            last, hastened = event, False


def check_p8(before: Any, after: Any) -> None:
    """P8: replaying an applied delivery changes `last_seen` and nothing else; takes two dumps of the database."""
    for table in sorted(set(before) | set(after)):
        old, new = Counter(map(repr, before[table])), Counter(map(repr, after[table]))
        _need(old == new, "P8", f"a repeat changed {table}: {list((new - old) + (old - new))[:2]}")


def check_p9(facts: Facts) -> None:
    """P9: whatever the order of deliveries, after reconciling what fires here is what fires at the source."""
    if facts.firing_there is None:
        return
    here = {episode.fingerprint for episode in facts.episodes if episode.status == "firing"}
    _need(here == facts.firing_there, "P9", f"fires here only: {sorted(here - facts.firing_there)}, "
          f"there only: {sorted(facts.firing_there - here)}")  # fmt: skip


def check_p10(plain: Ending, killed: Ending) -> None:
    """P10: with deaths and restarts a story ends as without them, but for pages in doubt being sent twice."""
    _same("P10", plain, killed)


def check_p11(one: Ending, many: Ending) -> None:
    """P11: more replicas never change the set of logical pages, nor how the story ends."""
    _same("P11", one, many)


def _same(rule: str, plain: Ending, other: Ending) -> None:
    less, more = sorted(plain.pages - other.pages), sorted(other.pages - plain.pages)
    _need(plain.pages == other.pages, rule, f"pages missing: {less[:5]}, pages added: {more[:5]}")
    _need(plain.firing == other.firing, rule, f"{sorted(plain.firing)} fires, not {sorted(other.firing)}")
    for left, right in zip(plain.incidents, other.incidents, strict=False):
        _need(left == right, rule, f"{left} became {right}")
    _need(len(plain.incidents) == len(other.incidents), rule, "not as many incidents")


def check_p12(facts: Facts) -> None:
    """P12: nothing is lost in a crowd: the members that incidents list are the alerts that were put on them."""
    listed: dict[int, set[int]] = {number: set() for number in facts.incidents}
    fingerprints: dict[int, set[str]] = {number: set() for number in facts.incidents}
    for number, events in facts.events.items():
        for event in events:
            told = event.data.get("alerts")
            if isinstance(told, list) and event.kind is not Kind.MERGED:
                gone = event.kind is Kind.UNMERGED_HERE
                for alert in told:
                    (listed[number].discard if gone else listed[number].add)(alert["episode_id"])
                    fingerprints[number].add(alert["fingerprint"])
    for episode in facts.episodes:
        if episode.incident_id is not None:
            # An alert that opened an incident is listed by its fingerprint: it had no number yet.
            known = episode.id in listed[episode.incident_id]
            known = known or episode.fingerprint in fingerprints[episode.incident_id]
            _need(known, "P12", f"incident {episode.incident_id} does not list episode {episode.id}")
    kept = {episode.id: episode.incident_id for episode in facts.episodes}
    for number, members in listed.items():
        for member in members - {0}:
            there = kept.get(member)
            moved = there is not None and (
                facts.incidents[number].paging is Paging.MERGED or _left(facts, number, member)
            )
            _need(
                there == number or moved,
                "P12",
                f"incident {number} lists episode {member}, which is on {there}",
            )


def _left(facts: Facts, number: int, member: int) -> bool:
    """Say whether an episode went on elsewhere: it fired again after this incident was long over."""
    there = next(episode.incident_id for episode in facts.episodes if episode.id == member)
    return there is not None and there != number and not facts.incidents[number].paging.is_open


def check_p13(facts: Facts) -> None:
    """P13: nobody is paged but by R1's answer when the page was planned, unless the page says why."""
    for plan in facts.plans:
        allowed = set(_allowed(plan))
        _need(plan.person in allowed, "P13", f"{plan.key}: {plan.person} was paged, {sorted(allowed)} may be")
    for call in facts.calls:
        _need(
            any(plan.key == call.key for plan in facts.plans), "P13", f"{call.key} was sent and never planned"
        )
    asked = {
        (number, person)
        for number, events in facts.events.items()
        for event in events
        if event.kind is Kind.PAGED
        for person, _ in paged_people(event)
    }
    for page in facts.pages:
        if page.row.page_kind is PageKind.DIRECT:
            _need((page.row.incident_id, page.row.person) in asked, "P13", f"nobody asked for {page.row.key}")


def _allowed(plan: Plan) -> Iterable[str]:
    if plan.kind in (PageKind.DIRECT, PageKind.NOTE):
        return [plan.person]
    if plan.kind is PageKind.ASK:
        return plan.responders | {plan.lead or ""}
    if plan.kind is PageKind.STEP:
        steps: Any = plan.policy["steps"]
        targets = steps[plan.step]["targets"]
    else:
        targets = plan.policy[plan.kind.value]
    return {
        CONFIGURATIONS[number].who(plan.team, target) or ""
        for number in plan.configurations
        for target in targets
    }


def check_p14(facts: Facts) -> None:
    """P14: the timeline only grows, gives the state, and explains every page, sent or not."""
    _need(not facts.broken_chains, "P14", f"the chain is broken in {sorted(facts.broken_chains)}")
    if facts.before is not None:
        for number, old in facts.before.events.items():
            _need(
                facts.events[number][: len(old)] == old, "P14", f"the past of incident {number} was changed"
            )
    for number, incident in facts.incidents.items():
        events = facts.events[number]
        end = _end(events)
        _need(end.paging is incident.paging, "P14", f"{incident.name} is {incident.paging.value}, its timeline says "
              f"{end.paging.value}")  # fmt: skip
        paused = incident.progress.state is Running.PAUSED
        _need(end.paused is paused, "P14", f"{incident.name}: nothing says why paging waits or goes on")
        for page in facts.pages_of(number):
            _explained(page, events, end)


def _explained(page: Page, events: tuple[Event, ...], end: State) -> None:
    row, place = page.row, _place(page)
    if row.page_kind in PLANNED_BY:
        kinds = {PLANNED_BY[row.page_kind], Kind.FELL_BACK} if row.page_kind is PageKind.LAST_RESORT else {
            PLANNED_BY[row.page_kind]
        }  # fmt: skip
        why = any(event.kind in kinds and row.person in _people(event) for event in events)
        _need(why, "P14", f"nothing on the timeline says why {row.key} was planned")
    about = [
        event
        for event in events
        if event.data.get("person") == row.person and event.data.get("via") == row.via
    ]
    told = {
        event.kind
        for event in about
        if (event.data.get("epoch"), event.data.get("loop"), event.data.get("step")) == place
    }
    if row.state is RowState.SENT:
        _need(Kind.PAGE_SENT in told, "P14", f"{row.key} was sent and the timeline does not tell")
    elif row.state is RowState.FAILED:
        _need(Kind.PAGE_FAILED in told, "P14", f"{row.key} failed and the timeline does not tell")
    elif row.state is RowState.CANCELLED:
        _need(bool(row.error), "P14", f"{row.key} was cancelled without a reason")
        ended = row.epoch != end.epoch or end.paging is not Paging.TRIGGERED or end.paused
        said = any(event.kind is Kind.PAGES_CANCELLED for event in events)
        _need(ended or said, "P14", f"{row.key} was cancelled and the timeline does not tell why")


def _people(event: Event) -> set[str]:
    told = event.data.get("people")
    named = {str(one["person"]) for one in told if isinstance(one, dict)} if isinstance(told, list) else set()
    return named | {str(event.data.get("person"))}


def check_p15(facts: Facts) -> None:
    """P15: what is over ends: once all its alerts are, an incident is decided about, and no orphan stays open."""
    firing = Counter(one.incident_id for one in facts.episodes if one.status == "firing")
    had = {one.incident_id for one in facts.episodes}
    for number, incident in facts.incidents.items():
        if not incident.paging.is_open or firing[number] or number not in had:
            continue
        events = facts.events[number]
        decided = any(facts.timer(kind, number) for kind in (TimerKind.HOLD, TimerKind.SNOOZE))
        since = [event.kind for event in events]
        offered = Kind.RESOLVE_OFFERED in since
        by_hand = any(event.kind is Kind.REOPENED and event.source == "test" for event in events)
        _need(decided or offered or by_hand, "P15", f"{incident.name} is over, and nothing will ever end it")
        waiting = facts.timer(TimerKind.HOLD, number) or facts.timer(TimerKind.SNOOZE, number)
        _need(waiting is None or waiting.due_at > facts.now, "P15", f"the end of {incident.name} is overdue")


def check_p16(facts: Facts) -> None:
    """P16: however the clock steps, no step of an epoch runs twice and none is left out."""
    for number, events in facts.events.items():
        last: tuple[int, int, int] | None = None
        for event in events:
            if event.kind in (Kind.SEVERITY_CHANGED, *NEW_EPOCH):
                last = None
            if event.kind not in STEPS:
                continue
            place = _place_told(event)
            if last is not None and last[0] == place[0]:
                following = place in ((last[0], last[1], last[2] + 1), (last[0], last[1] + 1, 0))
                _need(following, "P16", f"incident {number}: step {place} ran after {last}")
            last = place


CHECKS: Final[dict[str, Callable[[Facts], None]]] = {
    "P1": check_p1,
    "P2": check_p2,
    "P3": check_p3,
    "P4": check_p4,
    "P5": check_p5,
    "P6": check_p6,
    "P7": check_p7,
    "P9": check_p9,
    "P12": check_p12,
    "P13": check_p13,
    "P14": check_p14,
    "P15": check_p15,
    "P16": check_p16,
}
"""The checks of one look; P8, P10 and P11 compare two."""


def check_all(facts: Facts) -> None:
    """Hold every invariant against the facts."""
    for check in CHECKS.values():
        check(facts)


@dataclass
class State:
    """What a naive reading of the timeline makes of an incident."""

    paging: Paging = Paging.TRIGGERED
    epoch: int = 1
    paused: bool = False
    responders: set[str] = field(default_factory=set)


def _with_states(events: tuple[Event, ...]) -> Iterator[tuple[Event, State]]:
    """Give each event with the state before it."""
    state = State()
    for event in events:
        yield event, State(state.paging, state.epoch, state.paused, set(state.responders))
        _read(event, state)


def _end(events: tuple[Event, ...]) -> State:
    state = State()
    for event in events:
        _read(event, state)
    return state


def _read(event: Event, state: State) -> None:
    if event.kind is Kind.RESOLVE_OFFERED and state.paging is Paging.SNOOZED:
        state.paging = Paging.ACKNOWLEDGED
    state.paging = PAGING.get(event.kind, state.paging)
    told = event.data.get("progress")
    if isinstance(told, dict):
        state.epoch = int(told["epoch"])
        state.paused = told["state"] == "paused"
    if event.kind in NEW_EPOCH:
        state.responders.clear()
    if event.kind in (Kind.ACKNOWLEDGED, Kind.ALSO_ACKNOWLEDGED):
        state.responders.add(event.actor)


def _wait_after(incident: Incident, step: int, *, severity: str | None = None) -> timedelta:
    """Say how long a step waits, from the frozen policy; nothing for a severity that it is not about."""
    policy: Any = incident.policy
    if severity is not None and severity != policy["severity"]:
        return timedelta(0)
    steps = policy["steps"]
    if step + 1 >= len(steps):
        return timedelta(seconds=policy["gap"])
    return timedelta(seconds=max(steps[step + 1]["after"] - steps[step]["after"], 0))


def _place(page: Page) -> tuple[int | None, int, int]:
    return page.row.epoch, page.row.loop, page.row.step


def _whole_place(page: Page) -> tuple[Any, ...]:
    return (*_place(page), page.row.page_kind, page.row.person, page.row.via)


def _place_told(event: Event) -> tuple[int, int, int]:
    data: Any = event.data
    return data["epoch"], data["loop"], data["step"]


def _who(event: Event) -> str:
    return f"the page to {event.data['person']} by {event.data['via']}"


def _need(holds: bool, rule: str, what: str) -> None:
    if not holds:
        raise Violated(rule, what)
