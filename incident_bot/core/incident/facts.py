"""Reads and writes what an event carries as JSON; decides nothing. A wrong type is refused by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from incident_bot.core.errors import Unreadable
from incident_bot.core.model import Json, JsonObject, Progress, Running


def text(data: JsonObject, key: str) -> str:
    """Give the text that stands under `key`; anything else is refused."""
    value = data.get(key)
    if not isinstance(value, str):
        raise Unreadable(f"$.{key}", f"text wanted, found {value!r}")
    return value


def maybe_text(data: JsonObject, key: str) -> str | None:
    """Give the text that stands under `key`, or None where nothing does."""
    return None if data.get(key) is None else text(data, key)


def whole(data: JsonObject, key: str) -> int:
    """Give the whole number that stands under `key`; a boolean is none."""
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unreadable(f"$.{key}", f"whole number wanted, found {value!r}")
    return value


def maybe_whole(data: JsonObject, key: str) -> int | None:
    """Give the whole number that stands under `key`, or None where nothing does."""
    return None if data.get(key) is None else whole(data, key)


def number(data: JsonObject, key: str) -> float:
    """Give the number that stands under `key`, whole or not; a boolean is none."""
    value = data.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Unreadable(f"$.{key}", f"number wanted, found {value!r}")
    return value


def flag(data: JsonObject, key: str) -> bool:
    """Say whether `key` is there and true."""
    return data.get(key) is True


def instant(data: JsonObject, key: str) -> datetime:
    """Give the aware instant that stands under `key` in ISO form; a time without an offset is refused."""
    written = text(data, key)
    try:
        read = datetime.fromisoformat(written)
    except ValueError as error:
        raise Unreadable(f"$.{key}", f"instant wanted, found {written!r}") from error
    if read.tzinfo is None:
        raise Unreadable(f"$.{key}", f"instant with an offset wanted, found {written!r}")
    return read


def maybe_instant(data: JsonObject, key: str) -> datetime | None:
    """Give the instant that stands under `key`, or None where nothing does."""
    return None if data.get(key) is None else instant(data, key)


def record(data: JsonObject, key: str) -> JsonObject:
    """Give the object that stands under `key`."""
    value = data.get(key)
    if not isinstance(value, Mapping):
        raise Unreadable(f"$.{key}", f"object wanted, found {value!r}")
    return value


def listed(data: JsonObject, key: str) -> Sequence[Json]:
    """Give the list that stands under `key`."""
    value = data.get(key)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise Unreadable(f"$.{key}", f"list wanted, found {value!r}")
    return value


def records(data: JsonObject, key: str) -> tuple[JsonObject, ...]:
    """Give the objects that stand under `key`."""
    found = listed(data, key)
    wrong = next((one for one in found if not isinstance(one, Mapping)), None)
    if wrong is not None:
        raise Unreadable(f"$.{key}", f"objects wanted, found {wrong!r}")
    return tuple(one for one in found if isinstance(one, Mapping))


def pairs(data: JsonObject, key: str) -> tuple[tuple[str, str], ...]:
    """Give the pairs of texts that stand under `key`."""
    found: list[tuple[str, str]] = []
    for one in listed(data, key):
        match one:
            case [str(first), str(second)]:
                found.append((first, second))
            case _:
                raise Unreadable(f"$.{key}", f"pairs of texts wanted, found {one!r}")
    return tuple(found)


def names(data: JsonObject, key: str) -> tuple[str, ...]:
    """Give the texts that stand under `key`; none where nothing does."""
    found = () if data.get(key) is None else listed(data, key)
    wrong = next((name for name in found if not isinstance(name, str)), None)
    if wrong is not None:
        raise Unreadable(f"$.{key}", f"texts wanted, found {wrong!r}")
    return tuple(str(name) for name in found)


def written(moment: datetime | None) -> str | None:
    """Write an instant as events carry it: ISO 8601, or None."""
    return None if moment is None else moment.isoformat()


def progress_to_json(progress: Progress) -> JsonObject:
    """Write how far an escalation has come, whole: `progress_from_json` gives an equal value back."""
    data: dict[str, Json] = {
        "epoch": progress.epoch,
        "loop": progress.loop,
        "step": progress.step,
        "next_at": written(progress.next_at),
        "state": progress.state.value,
        "started_at": written(progress.started_at),
        "fell_back": progress.fell_back,
        "reached": progress.reached,
        "forced": progress.forced,
    }
    # Most incidents have one taker and no need of these; every event of an escalation carries the progress.
    if progress.called:
        data["called"] = list(progress.called)
    if progress.taken:
        data["taken"] = list(progress.taken)
    return data


def progress_from_json(data: JsonObject) -> Progress:
    """Read what `progress_to_json` wrote."""
    return Progress(
        epoch=whole(data, "epoch"),
        loop=whole(data, "loop"),
        step=whole(data, "step"),
        next_at=maybe_instant(data, "next_at"),
        state=Running(text(data, "state")),
        started_at=instant(data, "started_at"),
        fell_back=flag(data, "fell_back"),
        reached=flag(data, "reached"),
        forced=flag(data, "forced"),
        called=names(data, "called"),
        taken=names(data, "taken"),
    )
