from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType

import pytest

from incident_bot.store import Store, alerts
from incident_bot.store.types import from_json, restored, storable, to_json
from tests.store.samples import NOW, some_episode

TEXTS = {
    "plain": "Latency is above 1 s",
    "NUL": "a\x00b",
    "only NUL": "\x00",
    "umlauts": "Größe über 1 s",
    "emoji": "🔥 fire \U0001f9d1\u200d\U0001f692",
    "lone surrogates": "\ud800 and \udfff",
    "right to left": "שלום",
    "private use": "\ue000\uf8ff\U000f0001\U00100000",
    "control": "\x01\x1f\x7f\x85\u2028",
    "quotes": "'; DROP TABLE episode; -- \\ \t \r\n",
    "empty": "",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_any_text_comes_back_as_it_went_in(store: Store, text: str) -> None:
    episode = some_episode(labels={text or "x": text}, annotations={"summary": text}, reason=text, severity=text,
                           why={"tried": [text]})  # fmt: skip
    with store.write() as tx:
        [stored] = alerts.insert_episodes(tx, [episode])
        alerts.update_episodes(tx, [stored])
    with store.read() as tx:
        assert alerts.episode(tx, stored.id) == stored


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_stored_of_a_text_has_nothing_that_a_database_refuses(text: str) -> None:
    moved = storable(text)
    assert "\x00" not in moved
    moved.encode()
    assert restored(moved) == text
    to_json({"text": text}).encode()
    assert "\x00" not in to_json({"text": text})
    assert from_json(to_json({"text": text})) == {"text": text}


def test_any_mapping_and_sequence_is_written_as_json() -> None:
    assert json.loads(to_json(MappingProxyType({"a": (1, MappingProxyType({"b": None}))}))) == {
        "a": [1, {"b": None}]
    }
    assert json.loads(to_json(MappingProxyType({"a": "\ud800"}))) == {"a": "\ud800"}


@pytest.mark.parametrize(
    "instant",
    [
        NOW,
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
    ids=["microseconds", "whole", "other zone", "epoch", "far"],
)
def test_an_instant_comes_back_as_the_same_instant_in_utc(store: Store, instant: datetime) -> None:
    with store.write() as tx:
        [stored] = alerts.insert_episodes(tx, [some_episode(starts_at=instant)])
    with store.read() as tx:
        found = alerts.episode(tx, stored.id)
    assert found is not None
    assert found.starts_at == instant
    assert found.starts_at.tzinfo is UTC


def test_a_naive_instant_is_refused(store: Store) -> None:
    naive = NOW.replace(tzinfo=None)

    def insert() -> None:
        with store.write() as tx:
            alerts.insert_episodes(tx, [some_episode(starts_at=naive)])

    with pytest.raises(TypeError, match="naive"):
        insert()
