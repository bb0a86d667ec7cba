"""A timeline as CSV, JSON and Markdown: whole, readable by any reader of the format, and nothing in it runs."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.model import Event, Kind
from incident_bot.core.timeline import entries, visible
from incident_bot.render.timelines import (
    COLUMNS,
    Chain,
    Record,
    cell,
    timeline_csv,
    timeline_json,
    timeline_markdown,
)

NOW = datetime(2026, 11, 21, 2, 5, tzinfo=UTC)
STARTS = tuple("=+-@\t\r＝＋－＠")


def record(*texts: str, broken_at: int | None = None) -> Record:
    """A timeline of notes, a minute apart; each was noted ten minutes later."""
    events = [
        Event(
            kind=Kind.NOTE,
            actor="alice",
            source="api",
            happened_at=NOW + timedelta(minutes=number),
            recorded_at=NOW + timedelta(minutes=number + 10),
            seq=number,
            hash=f"h{number}",
            data={"text": text},
        )
        for number, text in enumerate(texts, 1)
    ]
    chain = Chain(entries=len(events), head=f"h{len(events)}", broken_at=broken_at)
    names = {"alice": "=Alice"}
    return Record(
        number=7, title="a | b", view="full", entries=entries(events, names), chain=chain, names=names
    )


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize(
    "value, shown",
    [
        ("plain", "plain"),
        ("=1+1", "'=1+1"),
        ("+49", "'+49"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("  =1", "'  =1"),
        ("\u200b=1", "'=1"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        ("", ""),
        (3, "3"),
        ({"a": "=1"}, '{"a": "=1"}'),
    ],
)
def test_no_cell_begins_as_a_formula(value: object, shown: str) -> None:
    assert cell(value) == shown  # type: ignore[arg-type]  # any JSON


@given(st.text(max_size=40))
def test_whatever_is_written_is_text_to_a_spreadsheet_and_stays_itself(text: str) -> None:
    shown = cell(text)
    assert not shown.lstrip().startswith(STARTS)
    assert shown.removeprefix("'") == visible(text).removeprefix("'")


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_the_csv_is_read_back_row_by_row(texts: list[str]) -> None:
    found = rows(timeline_csv(record(*texts)))
    assert [row["seq"] for row in found] == [str(number) for number in range(1, len(texts) + 1)]
    assert all(set(row) == set(COLUMNS) for row in found)
    assert {row["actor_name"] for row in found} == {"'=Alice"}


def test_the_csv_is_as_rfc_4180_has_it() -> None:
    text = timeline_csv(record('says "so", twice'))
    assert text.endswith("\r\n")
    assert text.count("\r\n") == text.count("\n") == 2
    (row,) = rows(text)
    assert row["text"] == '\'=Alice noted: says "so", twice'
    assert row["happened_at"] == "2026-11-21T02:06:00Z"
    assert row["recorded_at"] == "2026-11-21T02:16:00Z"


def test_json_has_the_entries_in_the_order_of_the_chain_and_says_whether_it_holds() -> None:
    found = timeline_json(record("one", "two"))
    assert found["chain"] == {"intact": True, "entries": 2, "head": "h2", "broken_at": None}
    items = found["items"]
    assert isinstance(items, list)
    assert [item["seq"] for item in items if isinstance(item, dict)] == [1, 2]
    broken = timeline_json(record("one", broken_at=1))["chain"]
    assert isinstance(broken, dict)
    assert (broken["intact"], broken["broken_at"]) == (False, 1)


def test_markdown_is_one_table_whatever_people_wrote() -> None:
    text = timeline_markdown(record("a | b\n| c | <b>", "two"))
    lines = text.splitlines()
    assert lines[0] == "# INC-7: a \\| b"
    assert "intact; its head is h2" in lines[2]
    assert len(lines) == 8
    assert "<b>" not in text
    assert "2026-11-21 02:06:00 (noted 2026-11-21 02:16:00)" in lines[6]


def test_a_broken_chain_is_said_first() -> None:
    assert "broken at entry 1: this record was changed" in timeline_markdown(record("one", broken_at=1))
