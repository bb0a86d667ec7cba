"""One graph of an incident as SVG that stands for itself: no scripts, no fonts, nothing fetched.

Time in UTC, phases as lines with their words, the threshold with its value, gaps as gaps. The same graph is the same
text. What the lines show is said in the description, too, so that nobody needs to see it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from xml.sax.saxutils import escape

from incident_bot.core.model.series import Series, SeriesRange
from incident_bot.render.sparklines import number

SHOWN: Final = 10
"""Lines that a graph has; the others are counted below it."""
WIDTH: Final = 600
_LEFT, _RIGHT, _TOP, _PLOT, _ROW = 64, 20, 66, 190, 18
_TITLE_MOST: Final = 66
_LABEL_MOST: Final = 76
_TICKS: Final = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 20160, 43200, 129600)
)
_TICKS_MOST: Final = 6
_DAY: Final = timedelta(days=1)
_MOST: Final = 1e300
_MARK_APART: Final = 74
"""Words of two phases that are closer than this, in points, stand below each other."""

# Both sets keep a contrast of 3:1 to their background; the patterns tell the lines apart without colour.
_LIGHT: Final = {
    "ground": "#ffffff", "text": "#1f2328", "quiet": "#57606a", "line": "#d0d7de", "limit": "#b3261e",
    "mark": "#6e4aa8",
}  # fmt: skip
_DARK: Final = {
    "ground": "#0d1117", "text": "#e6edf3", "quiet": "#9da7b3", "line": "#30363d", "limit": "#ff8a80",
    "mark": "#c3a6ff",
}  # fmt: skip
_INKS: Final = (
    ("#0b62c4", "#79b8ff"), ("#a14a00", "#ffb26b"), ("#1a7f37", "#6fdd8b"), ("#8250df", "#d2a8ff"),
    ("#bf3989", "#ff9bce"),
)  # fmt: skip
_DASHES: Final = ("none", "6 3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A moment with a word: a phase that began."""

    at: datetime
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What one graph shows."""

    title: str
    about: str
    """The expression and where it was asked, one line."""
    range: SeriesRange
    compare: str | None = None
    threshold: float | None = None
    marks: tuple[Marked, ...] = ()


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    start: datetime
    seconds: float

    def x(self, at: datetime) -> float:
        return _LEFT + (at - self.start).total_seconds() / self.seconds * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        place = (_bounded(value) - self.low) / (self.high - self.low)
        return _TOP + _PLOT - min(max(place, 0.0), 1.0) * _PLOT


def graph_svg(picture: Picture, *, printed: bool = False) -> str:
    """Draw a graph as a complete SVG document; `printed` has the colours of daylight alone."""
    found = picture.range
    drawn = found.series[:SHOWN]
    names = legend(drawn)
    more = found.more + len(found.series) - len(drawn)
    height = _TOP + _PLOT + 34 + (len(names) + (1 if more else 0)) * _ROW + 6
    scale = _scale(picture, drawn)
    frame = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        ' role="img" aria-labelledby="title desc" font-family="system-ui, sans-serif" font-size="12">'
    )
    parts = [
        frame,
        f'<title id="title">{_text(picture.title)}</title>',
        f'<desc id="desc">{_text(described(picture))}</desc>',
        f"<style>{_style(printed=printed)}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
        f'<text class="text" x="12" y="20" font-size="14" font-weight="600">{_cut(picture.title, _TITLE_MOST)}</text>',
        f'<text class="quiet" x="12" y="36" font-size="11">{_cut(picture.about, _LABEL_MOST + 14)}</text>',
        *_axes(scale),
        *_marks(picture, scale),
    ]
    for index, series in enumerate(drawn):
        parts.append(_line(series, index, found, scale))
    parts += _limit(picture, scale)
    if not any(value is not None for series in drawn for value in series.values):
        middle = (_LEFT + WIDTH - _RIGHT) / 2
        parts.append(
            f'<text class="quiet" x="{middle:.0f}" y="{_TOP + _PLOT / 2:.0f}" text-anchor="middle">'
            "No data in this window.</text>"
        )
    top = _TOP + _PLOT + 46
    for index, name in enumerate(names):
        y = top + index * _ROW
        parts.append(f'<line class="s s{index}" x1="{_LEFT}" y1="{y - 4}" x2="{_LEFT + 22}" y2="{y - 4}"/>')
        parts.append(f'<text class="text" x="{_LEFT + 28}" y="{y}">{_cut(name, _LABEL_MOST)}</text>')
    if more:
        y = top + len(names) * _ROW
        parts.append(f'<text class="quiet" x="{_LEFT}" y="{y}">… and {more} more series</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def legend(series: Sequence[Series]) -> list[str]:
    """Name each line by the labels in which it differs from the others; one line alone by all that it has."""
    if not series:
        return []
    same = set(series[0].labels.items())
    for one in series[1:]:
        same &= set(one.labels.items())
    if len(series) == 1:
        same = set()
    return [
        ", ".join(
            f"{name}={value}" for name, value in sorted(one.labels.items()) if (name, value) not in same
        )
        or "value"
        for one in series
    ]


def described(picture: Picture) -> str:
    """Say in words what the graph shows: its window, its threshold, and each line's lowest, highest and last value."""
    found = picture.range
    count = max((len(series.values) for series in found.series), default=1)
    said = [f"From {found.start:%Y-%m-%d %H:%M} to {found.at(count - 1):%Y-%m-%d %H:%M} UTC."]
    if picture.threshold is not None:
        said.append(f"Threshold: {picture.compare or ''} {number(picture.threshold)}.".replace("  ", " "))
    shown = found.series[:SHOWN]
    for name, series in zip(legend(shown), shown, strict=True):
        said.append(f"{name}: {extent(series)}.")
    said.extend(f"{mark.word} at {mark.at:%H:%M}." for mark in picture.marks)
    return " ".join(said)


def extent(series: Series) -> str:
    """Say a line's lowest, highest and last value."""
    known = [value for value in series.values if value is not None]
    if not known:
        return "no data"
    last = series.values[-1]
    ended = f"last {number(last)}" if last is not None else f"last known {number(known[-1])}"
    return f"{number(min(known))} to {number(max(known))}, {ended}"


def _scale(picture: Picture, drawn: Sequence[Series]) -> _Scale:
    values = [_bounded(value) for series in drawn for value in series.values if value is not None]
    if picture.threshold is not None:
        values.append(_bounded(picture.threshold))
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    # Zero belongs to most things that are counted; what lies far from it is not pressed flat.
    if low > 0 and low < high * 0.7:
        low = 0.0
    if high < 0 and high > low * 0.7:
        high = 0.0
    if low == high:
        low, high = (low - abs(low) * 0.1 or -0.1), (high + abs(high) * 0.1 or 1.0)
    else:
        low, high = _rounded(low, high)
    count = max((len(series.values) for series in drawn), default=2)
    seconds = max((count - 1) * picture.range.step.total_seconds(), 1.0)
    return _Scale(low, high, picture.range.start, seconds)


def _bounded(value: float) -> float:
    """Keep a value where sums of it are numbers."""
    return min(max(value, -_MOST), _MOST)


def _rounded(low: float, high: float) -> tuple[float, float]:
    step = _step(low, high)
    return math.floor(low / step) * step, math.ceil(high / step) * step


def _step(low: float, high: float) -> float:
    """Give a round distance of ticks: 1, 2 or 5 of some power of ten, about four of them."""
    raw = (high - low) / 4
    if raw < 1e-300:  # noqa: PLR2004 -- below it powers of ten end
        return raw
    power = 10.0 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)


def _axes(scale: _Scale) -> Iterator[str]:
    step = _step(scale.low, scale.high)
    for index in range(12):
        value = scale.low + index * step
        if step <= 0 or value > scale.high + step * 0.01:
            break
        y = scale.y(value)
        yield f'<line class="line" x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}"/>'
        shown = number(0.0 if abs(value) < step / 1000 else value)
        yield f'<text class="quiet" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" font-size="11">{shown}</text>'
    bottom = _TOP + _PLOT
    end = scale.start + timedelta(seconds=scale.seconds)
    apart = next((tick for tick in _TICKS if scale.seconds / tick.total_seconds() <= _TICKS_MOST), _TICKS[-1])
    before = datetime(1970, 1, 1, tzinfo=UTC)
    at = before + math.ceil((scale.start - before) / apart) * apart
    for _ in range(4 * _TICKS_MOST):
        if at > end:
            break
        x = scale.x(at)
        yield f'<line class="line" x1="{x:.1f}" y1="{bottom}" x2="{x:.1f}" y2="{bottom + 5}"/>'
        word = f"{at:%d %b}" if apart >= _DAY or (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}"
        yield f'<text class="quiet" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" font-size="11">{word}</text>'
        at += apart
    yield f'<text class="quiet" x="12" y="{bottom + 18}" font-size="11">UTC</text>'


def _marks(picture: Picture, scale: _Scale) -> Iterator[str]:
    end = scale.start + timedelta(seconds=scale.seconds)
    last, row = -math.inf, 0
    for mark in sorted(picture.marks, key=lambda one: (one.at, one.word)):
        if not scale.start <= mark.at <= end:
            continue
        x = scale.x(mark.at)
        row = (row + 1) % 2 if x - last < _MARK_APART else 0
        last = x
        anchor = "end" if x > WIDTH - _RIGHT - _MARK_APART else "start"
        shift = -3 if anchor == "end" else 3
        yield f'<line class="mark" x1="{x:.1f}" y1="{_TOP - 4}" x2="{x:.1f}" y2="{_TOP + _PLOT}"/>'
        yield (
            f'<text class="word" x="{x + shift:.1f}" y="{_TOP - 6 - row * 12}" text-anchor="{anchor}"'
            f' font-size="10">{_cut(mark.word, 24)}</text>'
        )


def _line(series: Series, index: int, found: SeriesRange, scale: _Scale) -> str:
    """Draw one line; after a gap it begins anew, and a value alone is a dot."""
    path: list[str] = []
    dots: list[str] = []
    values = series.values
    for place, value in enumerate(values):
        if value is None:
            continue
        x, y = scale.x(found.at(place)), scale.y(value)
        begins = place == 0 or values[place - 1] is None
        ends = place + 1 == len(values) or values[place + 1] is None
        if begins and ends:
            dots.append(f'<circle class="d{index}" cx="{x:.1f}" cy="{y:.1f}" r="2"/>')
        else:
            path.append(f"{'M' if begins else 'L'}{x:.1f} {y:.1f}")
    drawn = f'<path class="s s{index}" d="{"".join(path)}"/>' if path else ""
    return drawn + "".join(dots)


def _limit(picture: Picture, scale: _Scale) -> Iterator[str]:
    if picture.threshold is None:
        return
    y = scale.y(picture.threshold)
    said = escape(f"{picture.compare or ''} {number(picture.threshold)}".strip())
    yield f'<line class="limit" x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}"/>'
    above = y - 4 if y > _TOP + 14 else y + 13
    yield (
        f'<text class="over" x="{WIDTH - _RIGHT - 4}" y="{above:.1f}" text-anchor="end" font-size="11">{said}</text>'
    )


def _style(*, printed: bool) -> str:
    light = _sheet(_LIGHT, 0)
    return light if printed else f"{light}@media (prefers-color-scheme:dark){{{_sheet(_DARK, 1)}}}"


def _sheet(inks: dict[str, str], which: int) -> str:
    lines = "".join(
        f".s{index}{{stroke:{_INKS[index % len(_INKS)][which]};"
        f"stroke-dasharray:{_DASHES[index // len(_INKS) % len(_DASHES)]}}}"
        f".d{index}{{fill:{_INKS[index % len(_INKS)][which]}}}"
        for index in range(SHOWN)
    )
    return (
        f".ground{{fill:{inks['ground']}}}.text{{fill:{inks['text']}}}.quiet{{fill:{inks['quiet']}}}"
        f".line{{stroke:{inks['line']}}}.limit{{stroke:{inks['limit']};stroke-dasharray:8 4;stroke-width:1.5}}"
        f".over{{fill:{inks['limit']}}}.mark{{stroke:{inks['mark']};stroke-dasharray:2 3}}.word{{fill:{inks['mark']}}}"
        f".s{{fill:none;stroke-width:1.8;stroke-linejoin:round}}{lines}"
    )


def _cut(text: str, most: int) -> str:
    return _text(text if len(text) <= most else text[: most - 1] + "…")


def _text(text: str) -> str:
    """Escape a text, without the characters that XML cannot hold."""
    kept = "".join(one if one.isprintable() else " " for one in text)
    return escape(kept)
