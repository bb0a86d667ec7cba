"""A database of the release before, with an incident in it, takes silences, and goes back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from incident_bot.core.effects import AskSilence
from incident_bot.store import Store, incidents, schema, silences
from tests.store.samples import MINUTE, NOW, stored_incident

VERSIONS = Path(schema.__file__).parent / "migrations" / "versions"
NUMBER = int(next(VERSIONS.glob("*_silences.py")).name[:4])
ASKED = AskSilence(
    number=1, source="am", matchers=(("alertname", "Down"),), ends_at=NOW + 60 * MINUTE, by="ana", reason="moving"
)  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return Store.open(f"sqlite:///{tmp_path / 'old.db'}")
    return Store.open(request.getfixturevalue("empty_postgres_url"))


def test_an_incident_from_before_has_none_and_takes_one(empty: Store) -> None:
    engine = empty._engine
    schema.upgrade(engine)
    known = stored_incident(empty)
    schema.downgrade(engine, f"{NUMBER - 1:04}")
    schema.upgrade(engine)
    with empty.write() as tx:
        assert incidents.get(tx, known.id) == known
        silences.ask(tx, known.id, [ASKED], now=NOW)
    with empty.read() as tx:
        assert [one.number for one in silences.of(tx, known.id)] == [1]
    empty.close()


def claimed(store: Store) -> silences.SilenceRow:
    with store.write() as tx:
        row = silences.claim(tx, owner="me", lease=MINUTE, now=NOW)
    assert row is not None
    return row


def settled(store: Store, row: silences.SilenceRow, *, owner: str = "me") -> bool | None:
    with store.write() as tx:
        return silences.settle(
            tx, row, owner=owner, due_at=NOW + MINUTE, silence_id="s1", held_until=row.ends_at, now=NOW
        )


def test_one_owner_at_a_time_and_what_is_asked_meanwhile_is_due_at_once(store: Store) -> None:
    number = stored_incident(store).id
    with store.write() as tx:
        silences.ask(tx, number, [ASKED], now=NOW)
    row = claimed(store)
    with store.write() as tx:
        assert silences.claim(tx, owner="other", lease=MINUTE, now=NOW) is None
        assert silences.next_due(tx) == NOW + MINUTE
    with store.write() as tx:
        assert silences.lift(tx, number, [1], reason="over", now=NOW) == 1
    assert settled(store, row, owner="other") is None
    assert settled(store, row) is False
    with store.read() as tx:
        (now_lifting,) = silences.of(tx, number)
        assert silences.next_due(tx) == NOW
        assert [one.number for one in silences.holding(tx, "am")] == [1]
    assert (now_lifting.wish, now_lifting.lift_reason, now_lifting.silence_id) == ("lift", "over", "s1")
    assert settled(store, claimed(store)) is True
    with store.write() as tx:
        assert silences.release(tx, now=NOW) == 0
    later = NOW + timedelta(minutes=2)
    with store.write() as tx:
        assert silences.claim(tx, owner="gone", lease=MINUTE, now=later) is not None
        assert silences.release(tx, now=later) == 1
        assert silences.next_due(tx) == later
