"""A graph as SVG and as text: well-formed, escaped, told in words, and without anything that acts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_bot.core.model.series import Series, SeriesRange
from incident_bot.render.graphs import SHOWN, WIDTH, Marked, Picture, described, graph_svg, legend
from incident_bot.render.sparklines import number, sparkline

SVG = "{http://www.w3.org/2000/svg}"
START = datetime(2026, 3, 3, 22, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NASTY = '</text><script>alert("x")</script> & \x00\ud800 ]]>'


def ranged(*lines: list[float | None], labels: str = "host", more: int = 0) -> SeriesRange:
    made = tuple(
        Series(labels={"job": "api", labels: f"{place}"}, values=tuple(values))
        for place, values in enumerate(lines)
    )
    return SeriesRange(start=START, step=MINUTE, series=made, more=more)


def picture(found: SeriesRange, threshold: float | None = 5.0, *marks: Marked) -> Picture:
    compare = None if threshold is None else ">"
    return Picture(
        title="High", about="a > 5", range=found, compare=compare, threshold=threshold, marks=marks
    )


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 -- our own text, and what is being tested


def texts(root: ET.Element) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


def test_a_graph_says_in_words_what_it_shows() -> None:
    drawn = picture(ranged([1, 2, None, 9]), 5.0, Marked(at=START + MINUTE, word="mitigating"))
    root = parsed(graph_svg(drawn))
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "title desc")
    assert [element.text for element in root if element.tag in (f"{SVG}title", f"{SVG}desc")] == [
        "High",
        (
            "From 2026-03-03 22:00 to 2026-03-03 22:03 UTC. Threshold: > 5. host=0, job=api: 1 to 9, last 9."
            " mitigating at 22:01."
        ),
    ]
    assert {"High", "UTC", "> 5", "mitigating", "22:01", "host=0, job=api"} <= set(texts(root))


def test_a_gap_is_a_gap_and_a_value_alone_a_dot() -> None:
    svg = graph_svg(picture(ranged([1, 2, None, 9, None, 4, 4])))
    path = re.search(r' d="([^"]+)"', svg)
    assert path is not None
    assert path[1].count("M") == 2
    assert svg.count("<circle") == 1


def test_lines_are_named_by_what_differs() -> None:
    assert legend(ranged([1], [2]).series) == ["host=0", "host=1"]
    assert legend([]) == []
    same = Series(labels={}, values=(1.0,))
    assert legend([same, same]) == ["value", "value"]


def test_what_does_not_fit_is_counted() -> None:
    lines: list[list[float | None]] = [[1.0, 2.0]] * (SHOWN + 3)
    svg = graph_svg(picture(ranged(*lines, more=4)))
    assert "… and 7 more series" in svg
    assert svg.count('class="s s') == 2 * SHOWN, "a line in the plot and one in the legend"


def test_nothing_is_said_to_be_nothing() -> None:
    for found in (ranged(), ranged([None, None])):
        svg = graph_svg(picture(found, None))
        assert "No data in this window." in svg
        parsed(svg)
    assert "no data" in described(picture(ranged([None])))
    assert "last known 3" in described(picture(ranged([3, None])))


def test_days_have_dates_and_close_phases_stand_below_each_other() -> None:
    long = SeriesRange(start=START, step=timedelta(hours=6), series=(Series(labels={}, values=(1.0,) * 60),))
    assert any(text.endswith(" Mar") for text in texts(parsed(graph_svg(picture(long)))))
    marks = [Marked(at=START + place * MINUTE, word=f"phase {place}") for place in (1, 2, 200)]
    root = parsed(graph_svg(picture(ranged([1.0] * 121), None, *marks)))
    heights = {one.text: one.get("y") for one in root.iter(f"{SVG}text") if str(one.text).startswith("phase")}
    assert set(heights) == {"phase 1", "phase 2"}, "what is outside of the window is left out"
    assert len(set(heights.values())) == 2


def test_texts_of_others_stay_texts() -> None:
    nasty = SeriesRange(start=START, step=MINUTE, series=(Series(labels={"a": NASTY}, values=(1.0, 2.0)),))
    drawn = Picture(title=NASTY, about=NASTY, range=nasty, marks=(Marked(at=START, word=NASTY),))
    root = parsed(graph_svg(drawn))
    assert {one.tag.removeprefix(SVG) for one in root.iter()} == {
        "svg", "title", "desc", "style", "rect", "text", "line", "path",
    }  # fmt: skip
    graph_svg(drawn).encode()


def test_light_and_dark_and_for_print() -> None:
    drawn = picture(ranged([1, 2]))
    assert "prefers-color-scheme:dark" in graph_svg(drawn)
    assert "prefers-color-scheme" not in graph_svg(drawn, printed=True)
    assert graph_svg(drawn) == graph_svg(drawn)


@settings(deadline=None, max_examples=60)
@given(
    lines=st.lists(
        st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), max_size=12),
        max_size=4,
    ),
    threshold=st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
)
def test_any_numbers_can_be_drawn(lines: list[list[float | None]], threshold: float | None) -> None:
    svg = graph_svg(picture(ranged(*lines), threshold))
    assert not re.search(r'="[^"]*\b(nan|inf)\b', svg)
    for line in parsed(svg).iter(f"{SVG}path"):
        places = re.findall(r"-?[\d.]+", line.get("d") or "")
        assert all(-1 <= float(place) <= WIDTH + 1 for place in places)


@pytest.mark.parametrize(
    "values, expected",
    [
        ([], ""),
        ([None, None], "··"),
        ([0, 1], "▁█"),
        ([5, 5], "▁▁"),
        ([0, None, 8], "▁·█"),
        ([-1e308, 1e308], "▁▁"),
    ],
)
def test_a_sparkline(values: list[float | None], expected: str) -> None:
    assert sparkline(values) == expected


def test_a_long_series_is_drawn_by_its_peaks() -> None:
    assert sparkline([0.0] * 50 + [9.0] + [0.0] * 49, 10) == "▁▁▁▁▁█▁▁▁▁"


@pytest.mark.parametrize(
    "value, expected",
    [
        (0, "0"), (0.042, "0.042"), (1, "1"), (512, "512"), (9999, "9999"), (12500, "12.5k"), (3.2e6, "3.2M"),
        (7e9, "7G"), (2e12, "2T"), (1.2e-7, "1.2e-07"), (4e20, "4e+20"), (-0.5, "-0.5"),
    ],
)  # fmt: skip
def test_a_number(value: float, expected: str) -> None:
    assert number(value) == expected
