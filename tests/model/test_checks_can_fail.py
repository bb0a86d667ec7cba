"""No check that cannot fail: facts of a true story hold, and each of these lies about them is found by its check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from incident_bot.core.effects import PageKind, TimerKind
from incident_bot.core.model import Event, Flag, Kind, Paging, Progress, Running
from incident_bot.store.outbox import RowState
from tests.fakes.alertmanager import Alertmanager, AlertmanagerApi
from tests.model.actions import ACTIONS, Action
from tests.model.facts import Call, Ending, Facts, Page, dump, ending
from tests.model.invariants import CHECKS, Violated, check_all, check_p8, check_p10, check_p11
from tests.model.scripts import sqlite
from tests.model.world import Setup, World

Lie: TypeAlias = Callable[[Facts], Facts]
KINDS = {kind.name: kind for kind in ACTIONS}
STORY: tuple[tuple[Any, ...], ...] = (
    ("fires", "One", "critical", "at once"),
    ("passes", 16),
    ("in flight", "ack", "dan", 0),
    ("says", "escalate", "ben", 0),
    ("fires", "Two", "critical", "at once"),
    ("says", "page @dan", "ben", 0),
    ("passes", 31),
    ("says", "ack", "ben", 1),
    ("fires", "Two", "info", "at once"),
    ("fires", "Lake", "warning", "at once"),
    ("resolves", 3, "at once"),
)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facts]:
    with sqlite() as url, AlertmanagerApi(Alertmanager()) as api:
        world = World(tmp_path_factory.mktemp("world"), url, Setup(seed=1, listed=True), api)
        try:
            for name, *arguments in STORY:
                Action(KINDS[name], tuple(arguments)).play(world)
                world.settle()
                check_all(world.facts())
            yield world.facts(compared=True)
        finally:
            world.close()


def test_the_true_story_holds_and_has_what_the_lies_are_about(facts: Facts) -> None:
    check_all(facts)
    kinds = {event.kind for events in facts.events.values() for event in events}
    assert {Kind.STEP, Kind.ACKNOWLEDGED, Kind.ESCALATED, Kind.PAGED} <= kinds
    assert any(event.data.get("sent_after_ack") for events in facts.events.values() for event in events)
    assert {page.row.state for page in facts.pages} >= {RowState.SENT, RowState.CANCELLED}


def with_page(facts: Facts, wanted: Callable[[Page], bool], **changes: Any) -> Facts:
    """Change the first page of this sort."""
    chosen = next(page for page in facts.pages if wanted(page))
    lie = replace(chosen, row=replace(chosen.row, **changes))
    return replace(facts, pages=tuple(lie if page is chosen else page for page in facts.pages))


def with_events(facts: Facts, number: int, change: Callable[[list[Event]], list[Event]]) -> Facts:
    return replace(facts, events={**facts.events, number: tuple(change(list(facts.events[number])))})


def with_incident(facts: Facts, number: int, **changes: Any) -> Facts:
    return replace(facts, incidents={**facts.incidents, number: replace(facts.incidents[number], **changes)})


def without(kind: Kind) -> Callable[[list[Event]], list[Event]]:
    return lambda events: [event for event in events if event.kind is not kind]


def first(facts: Facts, kind: Kind, number: int = 1) -> Event:
    return next(event for event in facts.events[number] if event.kind is kind)


def steps(facts: Facts, number: int = 2) -> list[Event]:
    """The steps of an incident that went on from one to the next."""
    return [event for event in facts.events[number] if event.kind is Kind.STEP]


def swapped(facts: Facts, old: Event, new: Event, number: int) -> Facts:
    return with_events(facts, number, lambda events: [new if event is old else event for event in events])


def forget_timers(facts: Facts, kind: TimerKind) -> Facts:
    return replace(facts, timers=tuple(one for one in facts.timers if one.kind is not kind))


def triggered(facts: Facts) -> int:
    return next(number for number, one in facts.incidents.items() if one.paging is Paging.TRIGGERED)


def nobody_reached(facts: Facts) -> Facts:
    """The step that incident 1 waits for was never sent."""
    now = facts.incidents[1]
    place = (now.epoch, now.progress.loop, now.progress.step - 1)
    pages = tuple(
        replace(page, row=replace(page.row, sent_at=None, state=RowState.FAILED))
        if (page.row.epoch, page.row.loop, page.row.step) == place and page.row.incident_id == 1
        else page
        for page in facts.pages
    )
    running = replace(now.progress, state=Progress(started_at=facts.now).state)
    return with_incident(replace(facts, pages=pages), 1, progress=running, paging=Paging.TRIGGERED)


def early(facts: Facts) -> Facts:
    one, two = steps(facts)[:2]
    return swapped(facts, two, replace(two, happened_at=one.happened_at + timedelta(minutes=1)), 2)


def backwards(facts: Facts) -> Facts:
    one, two = steps(facts)[:2]
    return swapped(facts, two, replace(two, data={**two.data, "step": one.data["step"]}), 2)


def left_out(facts: Facts) -> Facts:
    one, two = steps(facts)[:2]
    assert isinstance(two.data["step"], int)
    del one
    return swapped(facts, two, replace(two, data={**two.data, "step": two.data["step"] + 1}), 2)


def mark_wrong(facts: Facts) -> Facts:
    event = first(facts, Kind.PAGE_SENT)
    lie = replace(event, data={**event.data, "sent_after_ack": not event.data["sent_after_ack"]})
    return swapped(facts, event, lie, 1)


def is_sent(page: Page) -> bool:
    return page.row.state is RowState.SENT and page.row.page_kind is PageKind.STEP


LIES: tuple[tuple[str, str, Lie], ...] = (
    ("P1", "an episode on nothing, without a reason",
     lambda facts: replace(facts, episodes=(replace(facts.episodes[-1], incident_id=None), *facts.episodes[:-1]))),
    ("P1", "an episode on an incident that is not there",
     lambda facts: replace(facts, episodes=(replace(facts.episodes[-1], incident_id=99), *facts.episodes[:-1]))),
    ("P1", "an answered alert that was never written", lambda facts: replace(facts, episodes=facts.episodes[:-1])),
    ("P1", "held, and never looked at again", lambda facts: forget_timers(facts, TimerKind.EPISODE)),
    ("P1", "a re-fire held for ever",
     lambda facts: replace(facts, episodes=(
         replace(facts.episodes[-1], flags=frozenset({Flag.HELD_REFIRE})), *facts.episodes[:-1]))),
    ("P2", "a next step without a timer", lambda facts: forget_timers(facts, TimerKind.STEP)),
    ("P2", "a timer of another time",
     lambda facts: replace(facts, timers=tuple(
         replace(one, due_at=one.due_at + timedelta(seconds=1)) for one in facts.timers))),
    ("P2", "nothing due for what is triggered",
     lambda facts: with_incident(facts, triggered(facts), progress=replace(
         facts.incidents[triggered(facts)].progress, next_at=None))),
    ("P2", "a page that waits for nothing",
     lambda facts: with_page(facts, is_sent, state=RowState.PENDING, ready_at=None)),
    ("P2", "an overdue page", lambda facts: with_page(facts, is_sent, state=RowState.PENDING, ready_at=facts.now)),
    ("P2", "a step that reached nobody", nobody_reached),
    ("P3", "a claim after the ack",
     lambda facts: replace(facts, claims=(*facts.claims, replace(facts.claims[0], paging=Paging.ACKNOWLEDGED)))),
    ("P3", "a late page that is not marked", mark_wrong),
    ("P3", "nobody told that it is taken",
     lambda facts: replace(facts, pages=tuple(one for one in facts.pages if one.row.page_kind is not PageKind.NOTE))),
    ("P4", "the same page twice", lambda facts: replace(facts, pages=(*facts.pages, facts.pages[0]))),
    ("P4", "a provider took it twice",
     lambda facts: replace(facts, acted={**facts.acted, next(iter(facts.acted)): 2})),
    ("P4", "another key on the second try",
     lambda facts: replace(facts, calls=(*facts.calls, Call(key="page:other", person="ana", via="slack")))),
    ("P5", "two open incidents of one key",
     lambda facts: with_incident(facts, 2, key=facts.incidents[1].key, paging=Paging.ACKNOWLEDGED)),
    ("P5", "two timers", lambda facts: replace(facts, timers=(*facts.timers, *facts.timers))),
    ("P6", "a claim of another epoch",
     lambda facts: replace(facts, claims=(replace(facts.claims[0], epoch=7), *facts.claims))),
    ("P6", "an epoch that falls",
     lambda facts: with_events(facts, 1, lambda events: events[::-1])),
    ("P6", "an epoch that fell since the last look",
     lambda facts: replace(facts, before=with_incident(facts, 1, progress=replace(
         facts.incidents[1].progress, epoch=99)))),
    ("P7", "a step before its time", early),
    ("P7", "a step twice", backwards),
    ("P9", "something fires there only",
     lambda facts: replace(facts, firing_there=frozenset({"x", *(facts.firing_there or ())}))),
    ("P9", "something fires here only", lambda facts: replace(facts, firing_there=frozenset())),
    ("P12", "an alert that no incident lists",
     lambda facts: replace(facts, events={number: tuple(
         replace(event, data={**event.data, "alerts": []}) for event in events)
         for number, events in facts.events.items()})),
    ("P12", "a member that was never received",
     lambda facts: swapped(facts, first(facts, Kind.OPENED), replace(
         first(facts, Kind.OPENED), data={**first(facts, Kind.OPENED).data, "alerts": [
             *first(facts, Kind.OPENED).data["alerts"], {"episode_id": 99, "fingerprint": "x"}]}), 1)),  # type: ignore[misc]
    ("P13", "somebody who was not on call",
     lambda facts: replace(facts, plans=(replace(facts.plans[0], person="gus"), *facts.plans))),
    ("P13", "a call that nobody planned", lambda facts: replace(facts, plans=facts.plans[1:])),
    ("P13", "a direct page that nobody asked for", lambda facts: replace(facts, events={
        number: tuple(without(Kind.PAGED)(list(events))) for number, events in facts.events.items()})),
    ("P14", "a broken chain", lambda facts: replace(facts, broken_chains=frozenset({1}))),
    ("P14", "a past that changed",
     lambda facts: replace(facts, before=with_events(facts, 1, lambda events: events[1:]))),
    ("P14", "a state that the timeline does not give",
     lambda facts: with_incident(facts, 1, paging=Paging.SNOOZED)),
    ("P14", "a pause that nothing tells of",
     lambda facts: with_incident(facts, 1, progress=replace(
         facts.incidents[1].progress, state=Running.PAUSED))),
    ("P14", "a page that nothing explains", lambda facts: with_events(facts, 1, without(Kind.STEP))),
    ("P14", "a sending that is not told", lambda facts: with_events(facts, 1, without(Kind.PAGE_SENT))),
    ("P14", "a failure that is not told",
     lambda facts: with_page(facts, is_sent, state=RowState.FAILED)),
    ("P14", "a cancelled page without a reason",
     lambda facts: with_page(facts, lambda page: page.row.state is RowState.CANCELLED, error=None)),
    ("P15", "over, and nothing will end it", lambda facts: forget_timers(facts, TimerKind.HOLD)),
    ("P15", "over for long",
     lambda facts: replace(facts, now=facts.now + timedelta(hours=1))),
    ("P16", "a step left out", left_out),
    ("P16", "a step twice", backwards),
)  # fmt: skip


@pytest.mark.parametrize(
    "rule,lie", [pytest.param(rule, lie, id=f"{rule} {words}") for rule, words, lie in LIES]
)
def test_a_lie_is_found(facts: Facts, rule: str, lie: Lie) -> None:
    with pytest.raises(Violated) as found:
        CHECKS[rule](lie(facts))
    assert found.value.rule == rule


def test_every_check_was_lied_to() -> None:
    assert {rule for rule, _, _ in LIES} == set(CHECKS)
    assert set(CHECKS) | {"P8", "P10", "P11"} == {f"P{number}" for number in range(1, 17)}


def test_a_repeat_that_changes_a_row_is_found(store_dump: dict[str, Any]) -> None:
    check_p8(store_dump, store_dump)
    with pytest.raises(Violated, match="P8: a repeat changed incident"):
        check_p8(store_dump, {**store_dump, "incident": [("another", "row")]})


@pytest.fixture
def store_dump(tmp_path: Path) -> Iterator[dict[str, Any]]:
    with sqlite() as url, AlertmanagerApi(Alertmanager()) as api:
        world = World(tmp_path, url, Setup(seed=1), api)
        yield dump(world.context().store)
        world.close()


@pytest.mark.parametrize("check", [check_p10, check_p11])
def test_two_ends_that_differ_are_found(facts: Facts, check: Callable[[Ending, Ending], None]) -> None:
    one = ending(facts)
    check(one, ending(facts))
    others = (
        replace(one, pages=one.pages | {"page:1"}),
        replace(one, firing=frozenset()),
        replace(one, incidents=one.incidents[1:]),
        replace(one, incidents=(*one.incidents, 9)),
    )
    for other in others:
        with pytest.raises(Violated):
            check(one, other)
