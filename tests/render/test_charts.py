"""The chart of the load: well-formed, escaped, told in words as well, and without anything that acts."""

from __future__ import annotations

import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_bot.render.charts import Bar, Row, load_chart

SVG = "{http://www.w3.org/2000/svg}"
MONDAY = date(2026, 9, 7)
WEEKS = [MONDAY + timedelta(weeks=number) for number in range(12)]
WORK = Bar(hours=40)
NIGHTS = Bar(hours=168, unsocial=128, pages=3, night_pages=2)
NASTY = '<script>alert("x")</script> & \x00\ud800 ]]>'


def row(name: str, *bars: Bar) -> Row:
    return Row(name=name, bars=(*bars, *[Bar()] * (12 - len(bars))))


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 -- our own text, and what is being tested


def texts(root: ET.Element, tag: str) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}{tag}")]


def test_a_chart_says_in_words_what_it_shows() -> None:
    root = parsed(load_chart("Load on call", WEEKS, [row("Ana", WORK, NIGHTS), row("Ben")]))
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "title desc")
    title, *bars = texts(root, "title")
    assert title == "Load on call"
    assert bars == [
        "Ana, week of 2026-09-07: 40 h on call, 0 h of them at night, weekends or holidays, 0 pages, 0 at night",
        "Ana, week of 2026-09-14: 168 h on call, 128 h of them at night, weekends or holidays, 3 pages, 2 at night",
    ]
    (described,) = texts(root, "desc")
    assert described.startswith(
        "Hours on call and pages in the 12 weeks from 2026-09-07. Ana: 208 h on call, 128 h"
    )
    assert {"Ana", "Ben", "208 h", "07 Sep", "23 Nov"} <= set(texts(root, "text"))


def test_bars_stay_within_their_row_and_stack_on_each_other() -> None:
    root = parsed(load_chart("t", WEEKS, [row("Ana", NIGHTS)]))
    rects = {rect.get("class"): rect for rect in root.iter(f"{SVG}g") for rect in rect.iter(f"{SVG}rect")}
    night, day = rects["night"], rects["day"]
    assert float(day.get("y", 0)) + float(day.get("height", 0)) == pytest.approx(
        float(night.get("y", 0)), abs=0.1
    )
    whole = float(day.get("height", 0)) + float(night.get("height", 0))
    assert whole == pytest.approx(36, abs=0.1)


def test_an_empty_chart_says_so() -> None:
    root = parsed(load_chart("Load on call", WEEKS, []))
    assert "Nobody was on call." in texts(root, "text")
    assert texts(root, "desc") == ["Nobody was on call."]


def test_pages_without_hours_are_shown() -> None:
    root = parsed(load_chart("t", WEEKS, [row("Ana", Bar(pages=1, night_pages=1))]))
    assert "1" in texts(root, "text")
    assert texts(root, "title")[1].endswith("1 page, 1 at night")


@pytest.mark.parametrize("name", [NASTY, '"', "x" * 400])
def test_names_are_escaped_and_cut(name: str) -> None:
    text = load_chart(name, WEEKS, [row(name, WORK)])
    root = parsed(text)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "style", "rect", "text", "line", "g",
    }  # fmt: skip
    shown = [shown for shown in texts(root, "text") if shown.startswith(name[:1])]
    assert all(
        len(one) <= 24 for one in shown if one != name.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    )


def test_it_fetches_nothing_and_runs_nothing_and_follows_the_readers_colours() -> None:
    text = load_chart("t", WEEKS, [row("Ana", NIGHTS)])
    assert "prefers-color-scheme:dark" in text
    assert not re.search(r"<script|\son\w+=|href|url\(|@import|style=", text)
    assert text.count("http") == 1  # The name of SVG's own namespace.


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.integers(0, 168), st.integers(0, 99))
def test_it_is_always_well_formed(title: str, name: str, hours: int, pages: int) -> None:
    parsed(load_chart(title, WEEKS, [row(name, Bar(hours=hours, unsocial=hours / 2, pages=pages))]))


def brightness(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((brightness(one), brightness(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_apart_in_light_and_in_dark(scheme: int) -> None:
    style = load_chart("t", WEEKS, []).split("@media")[scheme]
    colours = dict(re.findall(r"\.(\w+)\{(?:fill|stroke):(#[0-9a-f]{6})\}", style))
    ground = colours["ground"]
    assert min(contrast(colours[name], ground) for name in ("text", "quiet")) >= 4.5
    assert min(contrast(colours[name], ground) for name in ("day", "night")) >= 3
    assert contrast(colours["day"], colours["night"]) >= 3
