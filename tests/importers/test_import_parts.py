"""The parts that the importers share: reading, people, turns, and what a file looks like."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_bot.importers import BadExport, people_text
from incident_bot.importers.base import Format, Imported, registry
from incident_bot.importers.layers import Opening, covered, together, weekdays
from incident_bot.importers.reading import ITEMS_MOST, SIZE_MOST, Node, documents, printable
from incident_bot.importers.roster import Roster, slug, unused
from incident_bot.importers.turns import Rotation, layers_of
from incident_bot.importers.writing import quoted

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_answers_may_stand_one_after_another() -> None:
    nodes = documents('\ufeff{"a": 1}\n\n[2] "3"', instead="")
    assert [(node.value, node.path) for node in nodes] == [
        ({"a": 1}, "$ (answer 1)"),
        ([2], "$ (answer 2)"),
        ("3", "$ (answer 3)"),
    ]
    assert documents("{}", instead="")[0].path == "$"


@pytest.mark.parametrize(
    "text, reason",
    [
        (" " * (SIZE_MOST + 1), "is larger than"),
        ("1 " * (ITEMS_MOST + 1), "holds more than"),
        ("[" * 100_000, "nested far too deep"),
        ("", "is empty"),
    ],
    ids=["large", "many", "deep", "empty"],
)
def test_texts_that_are_not_read(text: str, reason: str) -> None:
    with pytest.raises(BadExport, match=f"{reason}.*; export it again"):
        documents(text, instead="export it again")


@pytest.mark.parametrize(
    "ask, value, reason",
    [
        (lambda node: node.at("x"), [], "must be an object with x, not a list"),
        (lambda node: list(node.items()), {}, "must be a list, not an object"),
        (lambda node: list(node.items()), [0] * (ITEMS_MOST + 1), "more than 20000 are not read"),
        (lambda node: node.text(), 3.5, "must be text, not a number"),
        (lambda node: node.text(), " \x07", "is empty"),
        (lambda node: node.whole(0, 9), True, "must be a whole number, not true or false"),
        (lambda node: node.whole(0, 9), 10, "must be 0 to 9"),
        (lambda node: node.whole(0, 9), None, "must be a whole number, not nothing"),
        (lambda node: node.id(), -1, "must be 0 to"),
        (lambda node: node.flag("x", default=True), {"x": "yes"}, "must be true or false, not text"),
        (lambda node: node.word("a", "b"), "c", "is 'c'; known are a, b"),
        (lambda node: node.instant(), "2026-01-05T09:00:00", "has no offset"),
        (lambda node: node.instant(), "2026-02-30T09:00:00Z", "is no date of the calendar"),
        (lambda node: node.instant(), "1980-01-05T09:00:00Z", "is out of range"),
        (lambda node: node.local(), "5 January", "is not a date with a time"),
        (lambda node: node.clock(), "24:00", "is not a time of day"),
        (lambda node: node.zone(), "Europe/Berlln", "did you mean Europe/Berlin"),
    ],
)
def test_a_question_that_cannot_be_answered_names_the_place(ask: Any, value: Any, reason: str) -> None:
    with pytest.raises(BadExport, match=r"^\$\.here") as caught:
        ask(Node(value, "$.here"))
    assert reason in caught.value.reason


def test_moments_in_the_ways_that_sources_write_them() -> None:
    for text in ("2026-01-05T08:00:00Z", "2026-01-05T09:00:00+01:00", "2026-01-05 09:00:00.123456+0100"):
        assert Node(text).instant() == datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert Node("2026-01-05T09:00:00Z").local() == datetime(2026, 1, 5, 9)  # noqa: DTZ001
    assert Node(7).id() == "7"
    assert Node({"x": False}).flag("x", default=True) is False
    assert Node({}).flag("x", default=True) is True


def test_texts_become_one_printable_line() -> None:
    assert printable(" a\n\tb\x1b[31m\ud800\u2028c ") == "a b [31m c"
    assert len(printable("x" * 9999)) == 500


@pytest.mark.parametrize(
    "text, name",
    [
        ("Alice Example", "alice-example"),
        ("  Jürgen  Groß ", "jurgen-gross"),
        ("Łukasz.Ørsted", "lukasz.orsted"),
        ("漢字", "otherwise"),
        ("--..", "otherwise"),
        ("x" * 100, "x" * 64),
    ],
)
def test_names_for_files(text: str, name: str) -> None:
    assert slug(text, otherwise="otherwise") == name


def test_ids_are_unique_and_stay() -> None:
    roster = Roster(known={"alice@example.com": "al"})
    roster.describe("1", name="Bob", email="bob@example.com")
    roster.describe("2", name="Bob", email="bob@example.org")
    roster.describe("3", name="Alice", email="Alice@Example.com")
    roster.describe("4", email="not an address")
    assert [roster.person(key) for key in ("1", "2", "3", "4", "1", "漢")] == [
        "bob",
        "bob-2",
        "al",
        "4",
        "bob",
        "person",
    ]
    assert unused("a", {"a", "a-2"}) == "a-3"


@pytest.mark.parametrize(
    "text, written",
    [
        ("week", "week"),
        ("no", '"no"'),
        ("a b", '"a b"'),
        ("1", '"1"'),
        ("", '""'),
        ('"', '"\\""'),
        ("\\", '"\\\\"'),
    ],
)
def test_texts_that_a_reader_could_mistake_stand_in_quotes(text: str, written: str) -> None:
    assert quoted(text) == written


def test_people_are_written_under_their_key() -> None:
    people = {"bob": {"name": "Bob B", "email": "b@example.com"}, "al": {}}
    assert people_text(people) == 'people:\n  al: {}\n  bob:\n    name: "Bob B"\n    email: "b@example.com"\n'


def test_two_formats_of_one_word_are_a_mistake() -> None:
    def read(text: str, *, now: datetime, known: Any) -> Imported:
        return Imported()

    one = Format(kind="x", title="X", read=read)
    with pytest.raises(ValueError, match="two importers are called x"):
        registry(one, one)


def test_windows_of_the_same_hours_are_one_and_a_whole_week_is_none() -> None:
    day = Opening(frozenset({0}), 540, 60)
    assert together([day, Opening(frozenset({2, 1}), 540, 60)]) == (Opening(frozenset({0, 1, 2}), 540, 60),)
    assert together([day, Opening(frozenset(range(7)), 0, 1440)]) == ()
    assert weekdays({0, 1, 2, 4, 6}) == "mon-wed,fri,sun"


def test_covers_that_touch_and_name_the_same_are_one() -> None:
    spans = [
        (NOW, NOW + timedelta(hours=1), ("a",)),
        (NOW + timedelta(hours=1), NOW + timedelta(hours=2), ("a",)),
    ]
    later = (NOW + timedelta(hours=5), NOW + timedelta(hours=6), ("a",))
    found = covered([*spans, later], reason="r")
    assert [(each.start.hour, each.end.hour) for each in found] == [(12, 14), (17, 18)]


def rotation(**changed: Any) -> Rotation:
    usual: dict[str, Any] = {
        "name": "x",
        "zone": "Europe/Berlin",
        "unit": "months",
        "every": 1,
        "origin": datetime(2025, 8, 31, 9),  # noqa: DTZ001
        "ring": (("a",), ("b",), ("c",)),
    }
    return Rotation(**(usual | changed))


def test_a_month_that_begins_on_the_31st_is_anchored_where_there_is_one() -> None:
    (layer,) = layers_of(rotation(), now=NOW)
    # The turn that runs is the seventh and began on 28 February; the one before began on 31 January.
    assert (layer.unit, layer.anchor) == ("months", datetime(2026, 1, 31, 9))  # noqa: DTZ001
    assert [slot.who for slot in layer.slots] == [("c",), ("a",), ("b",)]


@pytest.mark.parametrize(
    "hours, unit, every, turns",
    [(168, "weeks", 1, 1), (48, "days", 2, 1), (8, "hours", 8, 1), (30, "hours", 6, 5)],
)
def test_hours_are_said_in_the_largest_unit(hours: int, unit: str, every: int, turns: int) -> None:
    (layer,) = layers_of(rotation(unit="hours", every=hours), now=NOW)
    assert (layer.unit, layer.every, layer.turns_per_slot) == (unit, every, turns)


def test_what_has_nobody_or_is_over_has_no_layer() -> None:
    assert layers_of(rotation(ring=((), ())), now=NOW) == []
    assert layers_of(rotation(ends=NOW), now=NOW) == []


def test_in_the_hour_that_happens_twice_the_first_counts() -> None:
    # 02:30 comes twice on 25 October; in the second 02:10 the turn of the first 02:30 has begun.
    twice = rotation(unit="days", origin=datetime(2026, 10, 1, 2, 30))  # noqa: DTZ001
    assert twice.turn_at(datetime(2026, 10, 25, 0, 29, tzinfo=UTC)) == 23
    assert twice.turn_at(datetime(2026, 10, 25, 1, 10, tzinfo=UTC)) == 24


def test_a_turn_cut_short_that_is_nobodys_has_no_layer() -> None:
    begins = datetime(2026, 3, 11, 12, tzinfo=UTC)
    origin = datetime(2026, 3, 2, 9)  # noqa: DTZ001
    weeks = rotation(unit="weeks", origin=origin, ring=(("a",), ()), begins=begins)
    (layer,) = layers_of(weeks, now=NOW)
    assert (layer.anchor, [slot.who for slot in layer.slots]) == (datetime(2026, 3, 16, 9), [("a",), ()])  # noqa: DTZ001
    short = rotation(unit="weeks", origin=origin, begins=begins, ends=begins + timedelta(days=1))
    assert [layer.name for layer in layers_of(short, now=NOW)] == ["x (first turn)"]
