"""What every alert source must do: a new one gets these tests by its line in the registry and its captured payloads."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_bot.config.sources import KINDS
from incident_bot.core.errors import Unreadable
from incident_bot.core.model import Delivery, Status
from incident_bot.outgoing import CallFailed, Client
from incident_bot.sources import SOURCES
from tests.fakes.webhook import Behaviour, WebhookServer, answers, closes, huge, says

DATA = Path(__file__).resolve().parents[1] / "data"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LEAST_PAYLOADS = 3
SHOWN = 40

every = pytest.mark.parametrize("kind", sorted(SOURCES))
with_list = pytest.mark.parametrize("kind", sorted(name for name, one in SOURCES.items() if one.list_active))


@cache
def captured(kind: str) -> tuple[Path, ...]:
    """The payloads that a real sender of this kind once sent."""
    return tuple(path for path in sorted((DATA / kind).glob("*.json")) if path.name != "index.json")


PAYLOADS = [
    pytest.param(kind, path, id=f"{kind}/{path.stem}") for kind in sorted(SOURCES) for path in captured(kind)
]


def read(
    kind: str, body: object, *, source: str = "cluster", ignore: frozenset[str] = frozenset()
) -> Delivery:
    return SOURCES[kind].read(body, source=source, ignore_labels=ignore, now=NOW)


def decoded(path: Path) -> Any:
    return json.loads(path.read_bytes())


@every
def test_it_is_registered_under_its_name_and_may_be_configured(kind: str) -> None:
    assert SOURCES[kind].name == kind
    assert kind in KINDS


@every
def test_it_comes_with_captured_payloads(kind: str) -> None:
    assert len(captured(kind)) >= LEAST_PAYLOADS, f"put captured payloads into tests/data/{kind}/"


@pytest.mark.parametrize("kind, path", PAYLOADS)
def test_a_captured_payload_is_read_whole_and_twice_the_same(kind: str, path: Path) -> None:
    body = decoded(path)
    before = copy.deepcopy(body)
    first, second = read(kind, body), read(kind, decoded(path))
    assert body == before, "the body is only looked at"
    assert first == second
    assert not first.rejected
    assert first.alerts
    assert first.digest
    for alert in first.alerts:
        assert alert.key
        assert alert.fingerprint
        assert alert.source == first.source == "cluster"
        assert alert.labels
        assert alert.starts_at.utcoffset() is not None
        assert (alert.ends_at is None) == (alert.status is Status.FIRING)


@every
def test_keys_tell_alerts_apart_and_are_those_of_the_source(kind: str) -> None:
    known: dict[str, str] = {}
    for path in captured(kind):
        for alert in read(kind, decoded(path)).alerts:
            told = json.dumps(sorted(alert.labels.items()))
            assert known.setdefault(alert.key, told) == told, "one key, one label set"
    assert len(set(known.values())) == len(known)
    first = read(kind, decoded(captured(kind)[0])).alerts[0]
    other = read(kind, decoded(captured(kind)[0]), source="another").alerts[0]
    assert first.key != other.key
    name = next(iter(first.labels))
    without = read(kind, decoded(captured(kind)[0]), ignore=frozenset({name})).alerts[0]
    assert without.key != first.key


@every
def test_the_order_of_the_alerts_does_not_count(kind: str) -> None:
    path = max(captured(kind), key=lambda one: len(read(kind, decoded(one)).alerts))
    body = decoded(path)
    body["alerts"].reverse()
    assert read(kind, body).digest == read(kind, decoded(path)).digest


GARBAGE: list[Any] = [
    None,
    True,
    0,
    "text",
    [],
    {},
    [1, 2],
    {"alerts": []},
    {"version": "4"},
    {"alerts": [None]},
]


@every
@pytest.mark.parametrize("body", GARBAGE, ids=[json.dumps(body) for body in GARBAGE])
def test_garbage_is_refused_with_the_path_of_the_first_wrong_field(kind: str, body: object) -> None:
    with pytest.raises(Unreadable) as problem:
        read(kind, body)
    assert problem.value.path.startswith("$")
    assert problem.value.reason


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value[:2]):
            yield from places(inner, (*path, index))


def put(body: Any, path: tuple[Any, ...], value: object) -> Any:
    if not path:
        return value
    body[path[0]] = put(body[path[0]], path[1:], value)
    return body


def drop(body: Any, path: tuple[Any, ...]) -> Any:
    *way, last = path
    holder = body
    for step in way:
        holder = holder[step]
    del holder[last]
    return body


def understood(kind: str, body: object) -> Delivery | None:
    """Read it, or have it refused with a path that is short enough to show; anything else breaks the contract."""
    try:
        return read(kind, body)
    except Unreadable as refusal:
        problem = refusal
    assert problem.path.startswith("$")
    assert len(problem.path) < 1000
    return None


@every
@given(data=st.data())
@settings(max_examples=250, deadline=None)
def test_one_wrong_field_is_refused_by_its_path_or_read(kind: str, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(captured(kind)[:SHOWN]))
    body = decoded(path)
    place = data.draw(st.sampled_from(list(places(body))))
    before = read(kind, decoded(path))
    if place and data.draw(st.booleans()):
        delivery = understood(kind, drop(body, place))
    else:
        delivery = understood(kind, put(body, place, data.draw(ANY_JSON)))
    if delivery is not None and place[:1] == ("alerts",) and len(place) > 1:
        assert len(delivery.alerts) + len(delivery.rejected) >= len(before.alerts) - 1
        assert all(one.path.startswith("$.alerts[") for one in delivery.rejected)
    for alert in delivery.alerts if delivery else ():
        assert alert.key
        assert all(isinstance(text, str) for text in (*alert.labels, *alert.labels.values()))


@every
@pytest.mark.parametrize(
    "text", ["\ud800", "nul \x00", "x" * 100_000, "\U0001f469\u200d\U0001f467", "\u202eevil", "\n"]
)
def test_odd_texts_do_no_harm(kind: str, text: str) -> None:
    body = decoded(captured(kind)[0])
    for name in ("labels", "annotations"):
        body["alerts"][0][name]["odd"] = text
    delivery = understood(kind, body)
    for alert in delivery.alerts if delivery else ():
        assert alert.key
        json.dumps(dict(alert.labels)).encode()


# The list of what fires now, where the source has one.


@pytest.fixture
def ask() -> Iterator[Callable[..., object]]:
    """Ask a source whose API behaves in a way for its list."""
    client = Client()
    with WebhookServer() as server:

        def call(kind: str, behaviour: Behaviour) -> object:
            server.plan.append(behaviour)
            listing = SOURCES[kind].list_active
            assert listing is not None
            found = listing(client, server.url, source="cluster", ignore_labels=frozenset())
            assert len(server.received) == 1
            return found

        yield call
    client.close()


def listed(body: object) -> Behaviour:
    return answers(200, json.dumps(body).encode())


@with_list
def test_an_empty_list_is_a_list(kind: str, ask: Callable[..., object]) -> None:
    assert ask(kind, listed([])) == ()


NO_LISTS: dict[str, Behaviour] = {
    "hangs up": closes,
    "is not HTTP": says(b"garbage\r\n\r\n"),
    "is broken": answers(500),
    "is not allowed": answers(401),
    "leads elsewhere": answers(302, headers={"Location": "/elsewhere"}),
    "has nothing": answers(204),
    "is not JSON": answers(200, b"<html>"),
    "is not UTF-8": answers(200, b'["\xff"]'),
    "is nested without end": answers(200, b"[" * 200_000),
    "is an object": listed({"data": []}),
    "is null": listed(None),
    "holds strangers": listed([1, None]),
    "holds an empty one": listed([{}]),
    "holds one without a start": listed([{"labels": {"a": "b"}, "status": {"state": "active"}}]),
    "goes on and on": huge,
}


@with_list
@pytest.mark.parametrize("behaviour", NO_LISTS)
def test_what_is_no_list_closes_nothing(kind: str, behaviour: str, ask: Callable[..., object]) -> None:
    # A list that is only partly understood would mean "ended" for all that it leaves out (I10).
    with pytest.raises(CallFailed):
        ask(kind, NO_LISTS[behaviour])
