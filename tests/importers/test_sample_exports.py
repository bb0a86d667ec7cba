"""Whole exports: what is written loads, and agrees with what the source itself says about ninety days."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incident_bot.importers import FORMATS, as_text, compare, convert
from tests.importers.exports import NOW, SAMPLES, imported, kind_of, loaded, only_file

named = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)


def test_every_format_has_a_sample() -> None:
    assert {kind_of(sample) for sample in SAMPLES} == set(FORMATS)


@named
def test_the_written_files_agree_with_the_source_for_ninety_days(sample: Path, tmp_path: Path) -> None:
    found = imported(sample)
    revision = loaded(found, tmp_path)
    (comparison,) = compare(found, revision.schedules, now=NOW)
    assert comparison.percent == 100.0, as_text([comparison])
    assert comparison.end - comparison.start > timedelta(days=86)


@pytest.mark.parametrize(
    # The one left out says who was active when it was exported, and not until when.
    "sample",
    [sample for sample in SAMPLES if sample.stem != "goalert-hourly"],
    ids=lambda sample: sample.stem,
)
@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 3, 8, 6, 30, tzinfo=UTC),  # the clocks of America change
        datetime(2026, 3, 29, 0, 45, tzinfo=UTC),  # those of Europe do
        datetime(2026, 3, 17, 3, 0, tzinfo=UTC),  # within an override
        datetime(2026, 4, 15, 10, 0, tzinfo=UTC),  # a layer ends and another begins
        datetime(2026, 4, 15, 9, 59, tzinfo=UTC),
        datetime(2026, 5, 12, 23, 59, tzinfo=UTC),
    ],
    ids=str,
)
def test_it_agrees_whenever_it_is_imported(sample: Path, now: datetime, tmp_path: Path) -> None:
    found = imported(sample, now=now)
    (comparison,) = compare(found, loaded(found, tmp_path, now=now).schedules, now=now)
    assert comparison.percent == 100.0, as_text([comparison])


@named
def test_an_import_says_where_it_comes_from_and_repeats_itself(sample: Path) -> None:
    found = imported(sample)
    text = only_file(found)
    assert FORMATS[kind_of(sample)].title in text.splitlines()[0]
    assert imported(sample) == found
    for note in found.notes:
        # Comments are wrapped, so compare words.
        assert " ".join(note.what.split()) in " ".join(text.replace("\n#  ", "").replace("\n# ", " ").split())


@named
def test_people_who_are_known_keep_their_ids(sample: Path) -> None:
    text = sample.read_text("utf-8")
    found = convert(kind_of(sample), text, now=NOW, known={"Bob@Example.com": "robert"})
    if "bob@example.com" in text:
        assert "robert" in found.people
        assert "bob" not in found.people
    assert all(person in only_file(found) for person in found.people)
