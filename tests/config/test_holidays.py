"""Holidays: dates in a list, or a country's own, with days added and taken away (R11)."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from tests.config.sets import BASE, NOW, problems_of, revision_of

PATH = "rotations/holidays.yaml"


def days(directory: Path, written: str) -> Mapping[date, str]:
    return revision_of(directory, {**BASE, PATH: f"holidays:\n  de: {written}\n"}).calendars["de"]


def test_a_list_of_dates_stays_a_list_of_dates(tmp_path: Path) -> None:
    assert days(tmp_path, '["2026-01-01", {date: "2026-05-01", name: Tag der Arbeit}]') == {
        date(2026, 1, 1): "",
        date(2026, 5, 1): "Tag der Arbeit",
    }


def test_a_country_has_its_own_from_two_years_back_to_six_ahead(tmp_path: Path) -> None:
    found = days(tmp_path, "{country: DE}")
    assert found[date(2026, 10, 3)] == "German Unity Day"
    assert {day.year for day in found} == set(range(NOW.year - 2, NOW.year + 7))
    assert date(2026, 1, 6) not in found


@pytest.mark.parametrize("part", ["BY", "by", "Bayern"])
def test_a_part_of_a_country_has_more(tmp_path: Path, part: str) -> None:
    assert date(2026, 1, 6) in days(tmp_path, f"{{country: de, subdivision: {part}}}")


def test_categories_years_and_days_of_ones_own(tmp_path: Path) -> None:
    found = days(
        tmp_path,
        '{country: DE, subdivision: BY, categories: [public, catholic], years: "2025-2026", '
        'add: ["2026-12-24", {date: "2030-12-31", name: Inventory}], remove: ["2026-01-06"]}',
    )
    assert {day.year for day in found} == {2025, 2026, 2030}
    assert date(2026, 8, 15) in found
    assert date(2025, 1, 6) in found
    assert date(2026, 1, 6) not in found
    assert (found[date(2026, 12, 24)], found[date(2030, 12, 31)]) == ("", "Inventory")


def test_one_year(tmp_path: Path) -> None:
    assert {day.year for day in days(tmp_path, "{country: US, years: 2027}")} == {2027}


def test_what_falls_on_a_weekend_is_observed_as_the_country_does(tmp_path: Path) -> None:
    assert date(2026, 7, 3) in days(tmp_path, "{country: US}")


@pytest.mark.parametrize(
    "written, severity, message",
    [
        ("{country: XX}", "error", 'unknown country "XX"'),
        ("{country: Germany}", "error", 'unknown country "Germany"; did you mean "DE"?'),
        ("{country: HolidaysAX}", "error", "unknown country"),
        ("{country: DE, subdivision: QQ}", "error", 'holidays.de.subdivision: DE has no subdivision "QQ"'),
        ("{country: DE, subdivision: Bayrn}", "error", 'did you mean "Bayern"?'),
        ("{country: DE, categories: [bank]}", "error", 'DE has no holidays "bank"; known: catholic, public, school'),
        ("{country: DE, categories: []}", "error", "holidays.de.categories"),
        ('{country: DE, years: "2032-2024"}', "error", "are no years from 1970 to 2199"),
        ('{country: DE, years: "1970-2199"}', "error", "are no years from 1970 to 2199"),
        ("{country: DE, years: soon}", "error", "are no years from 1970 to 2199"),
        ("{country: DE, add: [tomorrow]}", "error", '"tomorrow" is not a date of the calendar'),
        ('{country: DE, remove: ["2026-01-02"]}', "warning", "2026-01-02 is no holiday of DE here"),
        ("{contry: DE}", "error", 'unknown key; did you mean "country"?'),
        ("{subdivision: BY}", "error", "holidays.de.country: is missing"),
        ("[{dat: x}]", "error", 'unknown key; did you mean "date"?'),
        ("DE", "error", "must be a list"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, written: str, severity: str, message: str) -> None:
    problems = problems_of(tmp_path, {**BASE, PATH: f"holidays:\n  de: {written}\n"})
    found = [one for one in problems if one.file == PATH]
    assert any(message in one.message and one.severity == severity and one.line == 2 for one in found), found
