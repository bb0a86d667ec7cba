"""A statement that is made ready once gives what SQLAlchemy gives for it, on every database."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from incident_bot.store import Store, ready
from incident_bot.store.bulk import Asked, one_of_asked, upserts
from incident_bot.store.ready import Ready, ReadyMany, make_ready
from incident_bot.store.tables import storm_bucket as table
from incident_bot.store.transaction import LostRace
from tests.store.samples import MINUTE, NOW

BY_KEY = (
    sa.select(table, (table.c.tokens * 2).label("twice"), sa.func.length(table.c.key))
    .where(table.c.key == sa.bindparam("b_key"), table.c.tokens > 1.0)
    .order_by(table.c.key)
)
ROWS = [
    {"key_hash": f"{number}", "key": key, "tokens": number + 0.5, "at": NOW, "since": None if number else NOW}
    for number, key in enumerate(("a", "ä 100%", "\ud800 \x00 end"))
]


def filled(store: Store) -> None:
    with store.write() as tx:
        assert ReadyMany(sa.insert(table))(tx, ROWS) == len(ROWS)
        assert ReadyMany(sa.insert(table))(tx, []) == 0


def test_it_gives_the_rows_that_sqlalchemy_gives(store: Store) -> None:
    filled(store)
    by_key = Ready(BY_KEY)
    with store.read() as tx:
        for row in ROWS:
            asked = {"b_key": row["key"]}
            found, expected = by_key(tx, asked), tx.connection.execute(BY_KEY, asked).all()
            assert [tuple(one) for one in found] == [tuple(one) for one in expected]
            assert [dict(one._mapping)["twice"] for one in found] == [one.twice for one in expected]
        (last,) = by_key(tx, {"b_key": "\ud800 \x00 end"})
        assert (last.key, last.tokens, last.at, last.since) == ("\ud800 \x00 end", 2.5, NOW, None)
        nothing = by_key(tx, {"b_key": "none"})
        assert (nothing, nothing.first(), nothing.scalar(), nothing.scalars()) == ([], None, None, [])


def test_changes_are_counted_and_those_of_a_failed_transaction_are_gone(store: Store) -> None:
    filled(store)
    change = ReadyMany(
        sa.update(table).where(table.c.key_hash == sa.bindparam("b_hash")).values(tokens=sa.bindparam("new"))
    )
    with store.write() as tx:
        assert (
            change(
                tx, [{"b_hash": "0", "new": 7.0}, {"b_hash": "9", "new": 7.0}, {"b_hash": "1", "new": 7.0}]
            )
            == 2
        )
        emptied = Ready(sa.update(table).values(tokens=0.0).where(table.c.tokens == sa.bindparam("b_tokens")))
        assert emptied(tx, {"b_tokens": 7.0}).rowcount == 2
    with pytest.raises(LostRace), store.write() as tx:  # noqa: PT012 -- what goes before is undone with it
        change(tx, [{"b_hash": "2", "new": 9.0}])
        ReadyMany(sa.insert(table))(tx, ROWS[:1])
    with store.read() as tx:
        assert sorted(Ready(sa.select(table.c.tokens))(tx).scalars()) == [0.0, 0.0, 2.5]


def test_rows_are_put_in_or_changed(store: Store) -> None:
    filled(store)
    put = upserts(table, ["key_hash"], lambda new: {"tokens": new.tokens, "at": new.at})
    with store.write() as tx:
        put(tx, [{**ROWS[0], "tokens": 9.0, "at": NOW + MINUTE}, {**ROWS[1], "key_hash": "new"}])
        found = Asked(lambda asked: sa.select(table).where(one_of_asked(table.c.key_hash, asked)))(
            tx, ["0", "new", "?"]
        )
        assert sorted((row.key_hash, row.tokens, row.at) for row in found) == [
            ("0", 9.0, NOW + MINUTE),
            ("new", 1.5, NOW),
        ]


def test_a_list_of_values_is_refused_when_it_is_made_ready(store: Store) -> None:
    listed = sa.select(table).where(table.c.key.in_(["a", "b"]))
    with store.read() as tx, pytest.raises(TypeError, match="one parameter"):
        ready._Compiled(listed, tx.connection.dialect, keys=None)


def test_everything_can_be_made_ready_before_it_is_asked(store: Store) -> None:
    with store.read() as tx:
        make_ready(tx.connection.dialect)
    store.warm()
