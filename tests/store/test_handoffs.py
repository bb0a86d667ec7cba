"""What is kept around hand-offs: offers, taps and their links, what was last known of each schedule."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from incident_bot.core.effects import Moment, TimerKind
from incident_bot.core.oncall import Shift
from incident_bot.store import Store, handoffs, outbox, timers
from incident_bot.store.handoffs import Held, Offer, OfferState, Tap, Watch
from incident_bot.store.outbox import NewMessage
from incident_bot.store.timers import Timer
from incident_bot.store.transaction import LostRace
from tests.store.samples import MINUTE, NOW

HOUR = 60 * MINUTE
HELD = Held(schedule="web", spans=((NOW, NOW + HOUR), (NOW + 2 * HOUR, NOW + 3 * HOUR)))
OFFER = Offer(
    offered_by="alice", offered_to="bob", given=HELD, wanted=replace(HELD, schedule="data"),
    reason="dentist \x00", created_at=NOW, expires_at=NOW + HOUR,
)  # fmt: skip


def offered(store: Store, offer: Offer = OFFER) -> Offer:
    with store.write() as tx:
        return handoffs.add_offer(tx, offer)


def settled(store: Store, number: int, state: OfferState = OfferState.TAKEN, by: str = "bob") -> bool:
    with store.write() as tx:
        return handoffs.settle_offer(tx, number, state, by=by, overrides=[7, 8], now=NOW + MINUTE)


def read(store: Store, number: int) -> Offer | None:
    with store.write() as tx:
        return handoffs.offer(tx, number, lock=True)


def test_an_offer_comes_back_as_it_was(store: Store) -> None:
    made = offered(store)
    anybody = offered(store, replace(OFFER, offered_to=None, wanted=None))
    assert (HELD.start, HELD.end) == (NOW, NOW + 3 * HOUR)
    assert read(store, made.id) == made == replace(OFFER, id=made.id)
    assert read(store, anybody.id) == anybody
    assert read(store, 999) is None
    with store.read() as tx:
        assert handoffs.offers(tx, now=NOW) == [made, anybody]
        assert handoffs.offers(tx, now=NOW + HOUR) == []


def test_an_offer_is_settled_once(store: Store, second: Store) -> None:
    made = offered(store)
    assert settled(store, made.id)
    assert not settled(second, made.id, OfferState.DECLINED, "carol")
    found = read(second, made.id)
    assert found == replace(
        made, state=OfferState.TAKEN, settled_by="bob", settled_at=NOW + MINUTE, overrides=(7, 8)
    )
    with store.read() as tx:
        assert handoffs.offers(tx, now=NOW) == []


def asked(store: Store, person: str = "bob", at: datetime = NOW + HOUR, schedule: str = "web") -> Tap | None:
    with store.write() as tx:
        return handoffs.ask(tx, schedule, at, person, due_at=at - 5 * MINUTE, now=NOW)


def linked(store: Store, digest: str) -> Tap | None:
    with store.write() as tx:
        return handoffs.by_digest(tx, digest, lock=True)


def test_a_person_is_asked_once_about_a_shift(store: Store, second: Store) -> None:
    first = asked(store)
    assert first is not None
    assert (first.person, first.tapped_at, first.missed_at) == ("bob", None, None)
    assert asked(second) is None
    others = [asked(store, "carol"), asked(store, at=NOW + 2 * HOUR), asked(store, schedule="data")]
    assert None not in others
    with store.read() as tx:
        assert [one.person for one in handoffs.taps(tx, "web", NOW, NOW + HOUR)] == ["bob", "carol"]
        assert len(handoffs.of_person(tx, "bob", since=NOW)) == 3
        assert len(handoffs.of_person(tx, "bob", since=NOW + HOUR)) == 1
        assert len(handoffs.unanswered(tx, "web", since=NOW)) == 3


def test_two_replicas_that_ask_at_once_lose_a_race(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(store) is not None

    def again() -> None:
        with store.write() as tx:
            monkeypatch.setattr(type(tx.connection), "execute", _blind(tx.connection.execute))
            handoffs.ask(tx, "web", NOW + HOUR, "bob", due_at=NOW, now=NOW)

    with pytest.raises(LostRace):
        again()


def _blind(real: object) -> object:
    """Have the first query find nothing, as where the other replica has not committed yet."""
    seen: list[int] = []

    class Nothing:
        def first(self) -> None:
            return None

    def execute(_connection: object, *args: object, **more: object) -> object:
        seen.append(1)
        return Nothing() if len(seen) == 1 else real(*args, **more)  # type: ignore[operator]  # a method

    return execute


def test_every_link_of_a_tap_opens_it_and_an_answer_stays(store: Store) -> None:
    tap = asked(store)
    assert tap is not None
    with store.write() as tx:
        handoffs.add_link(tx, tap.id, "one", now=NOW)
        handoffs.add_link(tx, tap.id, "two", now=NOW)
    assert linked(store, "one") == linked(store, "two") == tap
    assert linked(store, "three") is None
    with store.write() as tx:
        handoffs.mark_tapped(tx, [tap.id], now=NOW)
        handoffs.mark_tapped(tx, [tap.id], now=NOW + MINUTE)
        handoffs.mark_missed(tx, [tap.id], now=NOW + MINUTE)
        handoffs.mark_missed(tx, [tap.id], now=NOW + HOUR)
    assert linked(store, "one") == replace(tap, tapped_at=NOW, missed_at=NOW + MINUTE)
    with store.read() as tx:
        assert handoffs.unanswered(tx, "web", since=NOW) == []


def test_what_is_known_of_a_schedule_is_replaced(store: Store) -> None:
    shifts = (Shift(start=NOW, end=NOW + HOUR, people=("alice", "bob"), why=""),)
    watch = Watch(
        schedule="web", people=("alice",), looked_at=NOW, digest="d", clocks="2026a", counted_at=NOW,
        counted_until=NOW + HOUR, shifts=shifts,
    )  # fmt: skip
    newer = replace(watch, people=(), clocks="2026b", shifts=())
    for one in (watch, newer):
        with store.write() as tx:
            handoffs.save_watch(tx, one)
        with store.read() as tx:
            assert handoffs.watch(tx, "web") == one
    with store.read() as tx:
        assert handoffs.watch(tx, "data") is None


def test_a_schedules_timer_is_held_and_brought_forward(store: Store) -> None:
    timer = Timer(kind=TimerKind.HANDOFF, key=handoffs.timer_key("web"), due_at=NOW + HOUR)
    with store.write() as tx:
        assert not handoffs.lock(tx, "web")
        handoffs.hasten(tx, "web", now=NOW)
        timers.set_timers(tx, [timer], now=NOW)
        assert handoffs.lock(tx, "web")
    with store.write() as tx:
        assert timers.next_due(tx) == NOW + HOUR
        handoffs.hasten(tx, "web", now=NOW)
        assert timers.next_due(tx) == NOW
        handoffs.hasten(tx, "web", now=NOW + MINUTE)
        assert timers.next_due(tx) == NOW


def test_messages_for_a_person_carry_them_and_are_cancelled_by_the_beginning_of_their_keys(
    store: Store,
) -> None:
    messages = [
        NewMessage(key=key, via="slack", recipient="bob", person="bob", moment=Moment.TAP, due_at=NOW)
        for key in ("tap:1:ask:bob:0", "tap:1:ask:bob:1", "tap:10:ask:bob:0", "tap_1:ask")
    ]
    with store.write() as tx:
        outbox.add_messages(tx, messages, now=NOW)
    with store.write() as tx:
        assert outbox.cancel_messages(tx, "tap:1:", reason="answered") == 2
        assert outbox.cancel_messages(tx, "tap_1", reason="answered") == 1
    with store.write() as tx:
        (row,) = outbox.claim(tx, owner="me", lease=MINUTE, limit=9, now=NOW).rows
    assert (row.key, row.person, row.recipient) == ("tap:10:ask:bob:0", "bob", "bob")
