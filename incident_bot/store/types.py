"""Column types that mean the same on SQLite and PostgreSQL. They convert values; they decide nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

import sqlalchemy as sa
from pydantic_core import from_json as read_json
from pydantic_core import to_json as to_json_bytes

from incident_bot.core.model import Json

Processor: TypeAlias = Callable[[Any], Any] | None

Found: TypeAlias = sa.Row[*tuple[Any, ...]]
"""A row of a query, however wide."""

# PostgreSQL refuses U+0000 in text, and no driver can encode a lone surrogate; both come in as labels. They are
# moved to characters that no script or icon font uses: a plane-15 noncharacter and a stretch of plane 15.
_NUL = "\U000fffff"
_SHIFT = 0xF0000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_MOVED = re.compile("[\U000fd800-\U000fdfff\U000fffff]")

_encode_ascii = json.JSONEncoder(separators=(",", ":"), default=dict).encode
_canonical = json.JSONEncoder(separators=(",", ":"), sort_keys=True, default=dict).encode


def storable(text: str) -> str:
    """Give the text with what databases refuse moved aside; `restored` gives it back exactly."""
    if text.isascii():
        return text.replace("\x00", _NUL) if "\x00" in text else text
    return _UNSTORABLE.sub(lambda found: chr(ord(found[0]) + _SHIFT) if ord(found[0]) else _NUL, text)


def restored(text: str) -> str:
    """Give the text as it was before `storable`."""
    if text.isascii():
        return text
    return _MOVED.sub(lambda found: "\x00" if found[0] == _NUL else chr(ord(found[0]) - _SHIFT), text)


def to_json(value: Json) -> str:
    """Write compact JSON that any database stores: U+0000 and lone surrogates are escaped."""
    try:
        # Five times as fast as the standard library's, and it would be the largest cost of storing an episode.
        return to_json_bytes(value, fallback=dict).decode()
    except ValueError:
        return _encode_ascii(value)


def to_canonical_json(value: Json) -> str:
    """Write the one JSON text of this value, in ASCII, for hashing."""
    return _canonical(value)


def from_json(text: str) -> Any:
    """Read what `to_json` wrote."""
    try:
        return read_json(text)
    except ValueError:
        return json.loads(text)


@lru_cache(maxsize=1024)
def _to_text(value: datetime | None) -> str | None:
    """Write naive UTC with a fixed width, so that texts sort as the instants do."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise TypeError(f"naive instant {value.isoformat()}")
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat(" ", "microseconds")[:26]


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value + "+00:00")


def _aware(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise TypeError(f"naive instant {value.isoformat()}")
    return value


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


# The signatures below are SQLAlchemy's: not every implementation reads every argument.
# ruff: noqa: ARG002


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An instant: aware UTC outside; `timestamptz` on PostgreSQL, naive UTC text on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Processor:
        """Refuse naive instants."""
        return _to_text if dialect.name == "sqlite" else _aware

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Processor:
        """Give aware UTC."""
        return _from_text if dialect.name == "sqlite" else _in_utc


class JsonText(sa.types.TypeDecorator[Any]):
    """A JSON value as compact text; None is NULL."""

    impl = sa.Text
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Processor:
        """Write it."""
        return _bound_json

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Processor:
        """Read it back."""
        return _optional(from_json)


class SafeText(sa.types.TypeDecorator[str]):
    """Text from anywhere: any Python string comes back as it went in."""

    impl = sa.Text
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Processor:
        """Move aside what databases refuse."""
        return _bound_text

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Processor:
        """Read it back."""
        return _optional(restored)


def _bound_text(value: str | None) -> str | None:
    # Asked for every text of every row: what is plain goes straight through.
    return value if value is None or (value.isascii() and "\x00" not in value) else storable(value)


def _bound_json(value: Json) -> str | None:
    return None if value is None else to_json(value)


def _optional(convert: Callable[[Any], Any]) -> Processor:
    return lambda value: None if value is None else convert(value)
