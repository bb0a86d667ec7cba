"""Whatever stands in an export, an importer gives a result or its own error, never another one."""

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from incident_bot.core.errors import Refused
from incident_bot.importers import FORMATS, BadExport, Imported, convert
from incident_bot.importers.reading import documents
from tests.importers.exports import NOW, SAMPLES, kind_of, loaded

WRONG: list[Any] = [
    None, True, False, 0, -1, 1, 3.5, 10**30, -(10**30), "", " ", "x", "\u0000\ud800", "no", "[a]: {b", "🦊" * 700,
    "2026-13-45T99:99:99Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-03-29T02:30:00", "Etc/GMT+5",
    "../../etc/passwd", [], [None], [[]], {}, {"id": None}, {"": ""}, [1] * 50, "2199-12-31T23:59:59Z", 86400, 10**9,
]  # fmt: skip
ROUNDS = 200


def parts(sample: Path) -> list[Any]:
    return [node.value for node in documents(sample.read_text("utf-8"), instead="")]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        found += [place for key in value for place in places(value[key], (*path, key))]
    elif isinstance(value, list):
        # Items of a list are alike: the first few and the last stand for the others.
        chosen = sorted({*range(min(3, len(value))), len(value) - 1} - {-1})
        found += [place for key in chosen for place in places(value[key], (*path, key))]
    return found


def changed(value: Any, path: tuple[Any, ...], new: Any, *, drop: bool) -> Any:
    if not path:
        return new
    value = copy.deepcopy(value)
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    if drop:
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return value


def attempt(kind: str, values: list[Any]) -> Imported | None:
    try:
        return convert(kind, "\n".join(json.dumps(value) for value in values), now=NOW)
    except BadExport as error:
        message = str(error)
    assert message.startswith("$")
    assert message.isprintable()
    return None


def shortened(sample: Path) -> list[Any]:
    """The sample without most of what the source rendered, so that each place is met often."""

    def cut(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: cut(item) for key, item in value.items()}
        return [cut(item) for item in value[:4]] if isinstance(value, list) else value

    return [cut(value) for value in parts(sample)]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_a_wrong_value_at_any_place_is_an_error_of_the_importer(sample: Path) -> None:
    values = shortened(sample)
    every = places(values)[1:]
    for place in every:
        attempt(kind_of(sample), changed(values, place, None, drop=True))
    chance = random.Random(sample.stem)  # noqa: S311 -- reproducible, not secret
    for _ in range(ROUNDS):
        mutant = values
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            mutant = changed(mutant, chance.choice(places(mutant)[1:]), chance.choice(WRONG), drop=False)
        attempt(kind_of(sample), mutant)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_what_is_written_from_odd_names_still_loads(sample: Path, tmp_path: Path) -> None:
    odd = [
        'a: "b" # c',
        "null",
        "- x",
        "{}",
        "é ü ß 漢字",
        "1e5",
        "x" * 300,
        "'",
        "\\",
        "\u2028line",
        "*a",
        "@",
        "#",
    ]
    values = shortened(sample)
    names = [
        place for place in places(values)[1:] if place[-1] in ("name", "summary", "username", "fullName")
    ]
    chance = random.Random(sample.stem)  # noqa: S311 -- reproducible, not secret
    for number in range(12):
        mutant = values
        for place in names:
            mutant = changed(mutant, place, chance.choice(odd), drop=False)
        found = attempt(kind_of(sample), mutant)
        if found is not None and found.files:
            loaded(found, tmp_path / str(number))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "text",
    ["", "   \n", "null", "[]", "{}", "7", '"x"', "{", "[" * 200_000, '{"a": NaN}', "1" * 6000, "{} x", "\ufeff{}",
     '{"schedule": {}}', '{"data": null}', '{"data": {}}', '{"results": [{}]}', '{"errors": [{"message": "no"}]}',
     '{"schedules": [{"id": "P1", "name": "x", "time_zone": "UTC"}]}'],
    ids=lambda text: text[:20] or "nothing",
)  # fmt: skip
def test_what_is_no_export_is_refused_with_what_to_export_instead(kind: str, text: str) -> None:
    with pytest.raises(BadExport, match=r"^\$.*(export|import-schedules)") as caught:
        convert(kind, text, now=NOW)
    assert caught.value.path.startswith("$")


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(Refused, match="goalert, grafana-oncall, opsgenie, pagerduty"):
        convert("rota", "{}", now=NOW)
