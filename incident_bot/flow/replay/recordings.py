"""Reads recorded deliveries: a webhook body a file, a list of them, JSON lines, or what the database has kept.

What cannot be read is named with its file and place and left out; it never stops the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from incident_bot.core.walltime import EARLIEST
from incident_bot.store import alerts
from incident_bot.store.engine import Store

LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""A later instant is a slip of the finger, and leaves room for what falls due after it."""
SOURCE_MOST: Final = 80
_BATCH: Final = 500
_LINES: Final = (".jsonl", ".ndjson")
_TIMES: Final = ("startsAt", "endsAt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One delivery, to be delivered again."""

    at: datetime
    source: str
    body: bytes
    place: str
    """Where it stands, for people: `storm.jsonl:12`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """One delivery that was left out, and why."""

    place: str
    reason: str


class _NotOne(ValueError):
    """It is no recorded delivery."""


def read(name: str, content: bytes, *, source: str) -> tuple[list[Recorded], list[Skipped]]:
    """Give the deliveries of a file, and what of it is none; `source` is theirs where they do not name one."""
    found: list[Recorded] = []
    skipped: list[Skipped] = []
    for place, item in _items(name, content):
        try:
            found.append(_recorded(item, place, source))
        except _NotOne as problem:
            skipped.append(Skipped(place=place, reason=str(problem)))
    return found, skipped


def stored(kept: Store, *, start: datetime, end: datetime) -> Iterator[Recorded]:
    """Give the deliveries that a database keeps of those received in `[start, end)`, as they came in."""
    after = 0
    while True:
        with kept.read() as tx:
            batch = alerts.deliveries_between(tx, start, end, after_id=after, limit=_BATCH)
        for one in batch:
            yield Recorded(at=one.received_at, source=one.source, body=one.body, place=f"delivery {one.id}")
        if len(batch) < _BATCH:
            return
        after = batch[-1].id


def _items(name: str, content: bytes) -> Iterator[tuple[str, object]]:
    """Give each item with its place; an item that is no JSON is the reason, as an error."""
    lines = content.splitlines()
    whole = _decoded(content)
    if isinstance(whole, _NotOne) and _is_lines(name, lines):
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield f"{name}:{number}", _decoded(line)
        return
    if isinstance(whole, list):
        for number, item in enumerate(whole, 1):
            yield f"{name}: item {number}", item
        return
    yield name, whole


def _is_lines(name: str, lines: Sequence[bytes]) -> bool:
    first = next((line for line in lines if line.strip()), b"")
    return name.endswith(_LINES) or not isinstance(_decoded(first), _NotOne)


def _decoded(text: bytes) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        return _NotOne(f"not JSON: {error.msg}, line {error.lineno} column {error.colno}")
    except RecursionError:
        return _NotOne("not JSON: nested too deeply")
    except ValueError:
        # The text of such an error would carry the whole body.
        return _NotOne("not JSON: not UTF-8, or a number of thousands of digits")


def _recorded(item: object, place: str, source: str) -> Recorded:
    if isinstance(item, _NotOne):
        raise item
    if not isinstance(item, dict):
        message = "expected an object: a webhook body, or one with `at`, `source` and `body`"
        raise _NotOne(message)
    body, at = (item.get("body"), item.get("at")) if "body" in item else (item, None)
    named = item.get("source", source) if "body" in item else source
    if not isinstance(body, dict):
        message = "`body` is not an object"
        raise _NotOne(message)
    if not isinstance(named, str) or not named or len(named) > SOURCE_MOST:
        message = f"`source` is not a name of at most {SOURCE_MOST} characters"
        raise _NotOne(message)
    moment = _newest(body) if at is None else _instant(at)
    if moment is None:
        message = (
            "there is no `at`, and no alert has a time"
            if at is None
            else "`at` is no instant; write 2026-11-21T03:00:00Z"
        )
        raise _NotOne(message)
    return Recorded(at=moment, source=named, body=_encoded(body), place=place)


def _encoded(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body).encode()
    except (RecursionError, ValueError) as error:
        message = "nested too deeply"
        raise _NotOne(message) from error


def _newest(body: Mapping[str, Any]) -> datetime | None:
    """Give when the newest of its alerts began or ended, which is about when it was sent."""
    listed = body.get("alerts")
    if not isinstance(listed, list):
        return None
    times = [_instant(alert.get(key)) for alert in listed if isinstance(alert, dict) for key in _TIMES]
    return max((moment for moment in times if moment is not None), default=None)


def _instant(value: object) -> datetime | None:
    if not isinstance(value, str) or "T" not in value:
        return None
    try:
        read = datetime.fromisoformat(value)
        moment = read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if read.tzinfo is not None and EARLIEST <= moment < LATEST else None
