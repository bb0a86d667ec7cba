"""Charts as SVG that stands for itself: no scripts, no fonts, nothing fetched; readable in light and in dark.

Every figure that a bar shows is in its title and in the label of the chart too, so that nobody needs to see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from xml.sax.saxutils import escape

_NAMES: Final = 170
_COLUMN: Final = 48
_ROW: Final = 56
_TOP: Final = 80
_RIGHT: Final = 120
_BAR: Final = 30
_HEIGHT: Final = 36
_FLOOR: Final = 24.0
"""The scale goes to this many hours at least, so that one hour does not look like a week."""
_NAME_MOST: Final = 24
_HOURS: Final = 24
_HOUR: Final = 24
_HOUR_LEFT: Final = 120
_HOUR_ROW: Final = 110
_HOUR_HEIGHT: Final = 70
_DAY_BEGINS: Final = 6
_NIGHT_BEGINS: Final = 22

# Colours by the reader's system; both pairs keep a contrast of 3:1 to their background and to each other.
STYLE: Final = (
    ".ground{fill:#ffffff}.text{fill:#1f2328}.quiet{fill:#57606a}.line{stroke:#d0d7de}"
    ".day{fill:#5b91d1}.night{fill:#1b3a6b}"
    "@media (prefers-color-scheme:dark){.ground{fill:#0d1117}.text{fill:#e6edf3}.quiet{fill:#9da7b3}"
    ".line{stroke:#30363d}.day{fill:#3d6fb4}.night{fill:#c6dcff}}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One person in one week; false where there is nothing."""

    hours: float = 0.0
    unsocial: float = 0.0
    """Of these, those at night, at a weekend or on a holiday."""
    pages: int = 0
    night_pages: int = 0

    def __bool__(self) -> bool:
        return bool(self.hours or self.pages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One person's weeks, as many as the chart has."""

    name: str
    bars: tuple[Bar, ...]


def load_chart(title: str, weeks: Sequence[date], rows: Sequence[Row]) -> str:
    """Draw each person's hours and pages by week, each week by its Monday; a complete SVG document.

    Names are escaped, and cut where they are longer than there is room for.
    """
    width = _NAMES + len(weeks) * _COLUMN + _RIGHT
    height = _TOP + max(len(rows), 1) * _ROW + 16
    most = max([_FLOOR, *(bar.hours for row in rows for bar in row.bars)])
    frame = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' role="img" aria-labelledby="title desc" font-family="system-ui, sans-serif" font-size="12">'
    )
    parts = [
        frame,
        f'<title id="title">{svg_text(title)}</title>',
        f'<desc id="desc">{svg_text(_described(weeks, rows))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
        f'<text class="text" x="12" y="22" font-size="16" font-weight="600">{svg_text(title)}</text>',
        *_legend(),
        *_heads(weeks),
    ]
    for number, row in enumerate(rows):
        parts += _row(row, weeks, _TOP + number * _ROW, width, most)
    if not rows:
        parts.append(f'<text class="quiet" x="12" y="{_TOP + 24}">Nobody was on call.</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Pages by hour of the day, 24 figures, under one name."""

    name: str
    hours: tuple[int, ...]


def hours_chart(title: str, days: Sequence[Day]) -> str:
    """Draw pages by local hour, one row of 24 bars a day, all on one scale; a complete SVG document."""
    width = _HOUR_LEFT + _HOURS * _HOUR + 24
    height = _TOP + len(days) * _HOUR_ROW + 16
    most = max([1, *(count for day in days for count in day.hours)])
    described = "; ".join(f"{day.name}: {_hours_said(day)}" for day in days)
    frame = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' role="img" aria-labelledby="title desc" font-family="system-ui, sans-serif" font-size="12">'
    )
    parts = [
        frame,
        f'<title id="title">{svg_text(title)}</title>',
        f'<desc id="desc">{svg_text(f"Pages by local hour. {described}.")}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
        f'<text class="text" x="12" y="22" font-size="16" font-weight="600">{svg_text(title)}</text>',
    ]
    for offset, kind, text in ((0, "day", "06:00 to 22:00"), (130, "night", "night, 22:00 to 06:00")):
        parts.append(f'<rect class="{kind}" x="{12 + offset}" y="34" width="12" height="12"/>')
        parts.append(f'<text class="quiet" x="{30 + offset}" y="44">{text}</text>')
    for number, day in enumerate(days):
        parts += _day(day, _TOP + number * _HOUR_ROW, width, most)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _day(day: Day, top: int, width: int, most: int) -> Iterator[str]:
    base = top + _HOUR_HEIGHT + 14
    yield f'<line class="line" x1="12" y1="{base}" x2="{width - 12}" y2="{base}"/>'
    yield f'<text class="text" x="12" y="{base - 22}">{svg_text(day.name)}</text>'
    yield f'<text class="quiet" x="12" y="{base - 6}">{_pages(sum(day.hours))}</text>'
    for hour, count in enumerate(day.hours):
        x = _HOUR_LEFT + hour * _HOUR
        middle = x + _HOUR // 2 - 2
        if not hour % 3:
            yield (
                f'<text class="quiet" x="{middle}" y="{base + 14}" text-anchor="middle" font-size="10">'
                f"{hour:02d}</text>"
            )
        if count:
            size = count / most * _HOUR_HEIGHT
            kind = "day" if _DAY_BEGINS <= hour < _NIGHT_BEGINS else "night"
            yield f"<g><title>{svg_text(f'{day.name}, {hour:02d}:00: {_pages(count)}')}</title>"
            yield f'<rect class="{kind}" x="{x}" y="{base - size:.1f}" width="{_HOUR - 4}" height="{size:.1f}"/>'
            yield (
                f'<text class="text" x="{middle}" y="{base - size - 3:.1f}" text-anchor="middle" font-size="10">'
                f"{count}</text></g>"
            )


def _hours_said(day: Day) -> str:
    said = [f"{hour:02d}:00 {_pages(count)}" for hour, count in enumerate(day.hours) if count]
    return ", ".join(said) or "no pages"


def _pages(count: int) -> str:
    return f"{count} page{'' if count == 1 else 's'}"


def _described(weeks: Sequence[date], rows: Sequence[Row]) -> str:
    if not rows:
        return "Nobody was on call."
    people = "; ".join(f"{row.name}: {_summed(row)}" for row in rows)
    return f"Hours on call and pages in the {len(weeks)} weeks from {weeks[0]}. {people}."


def _summed(row: Row) -> str:
    total, unsocial = sum(bar.hours for bar in row.bars), sum(bar.unsocial for bar in row.bars)
    pages, dark = sum(bar.pages for bar in row.bars), sum(bar.night_pages for bar in row.bars)
    return _said(Bar(hours=total, unsocial=unsocial, pages=pages, night_pages=dark))


def _said(bar: Bar) -> str:
    pages = f"{bar.pages} page{'' if bar.pages == 1 else 's'}"
    return (
        f"{bar.hours:.0f} h on call, {bar.unsocial:.0f} h of them at night, weekends or holidays, "
        f"{pages}, {bar.night_pages} at night"
    )


def _legend() -> Iterator[str]:
    for offset, kind, text in ((0, "day", "working days"), (120, "night", "nights, weekends, holidays")):
        yield f'<rect class="{kind}" x="{12 + offset}" y="34" width="12" height="12"/>'
        yield f'<text class="quiet" x="{30 + offset}" y="44">{text}</text>'
    yield '<text class="quiet" x="340" y="44">figures: pages</text>'


def _heads(weeks: Sequence[date]) -> Iterator[str]:
    for number, week in enumerate(weeks):
        x = _NAMES + number * _COLUMN + _BAR // 2
        yield f'<text class="quiet" x="{x}" y="{_TOP - 12}" text-anchor="middle" font-size="10">{week:%d %b}</text>'


def _row(row: Row, weeks: Sequence[date], top: int, width: int, most: float) -> Iterator[str]:
    base = top + _HEIGHT + 8
    yield f'<line class="line" x1="12" y1="{base}" x2="{width - 12}" y2="{base}"/>'
    name = row.name if len(row.name) <= _NAME_MOST else row.name[: _NAME_MOST - 1] + "…"
    yield f'<text class="text" x="12" y="{base - 6}">{svg_text(name)}</text>'
    for number, (week, bar) in enumerate(zip(weeks, row.bars, strict=True)):
        if bar:
            x = _NAMES + number * _COLUMN
            yield f"<g><title>{svg_text(f'{row.name}, week of {week}: {_said(bar)}')}</title>"
            yield from _stack(bar, x, base, most)
            yield "</g>"
    total = sum(bar.hours for bar in row.bars)
    x = _NAMES + len(weeks) * _COLUMN
    yield f'<text class="text" x="{x}" y="{base - 6}">{total:.0f} h</text>'


def _stack(bar: Bar, x: int, base: int, most: float) -> Iterator[str]:
    dark = bar.unsocial / most * _HEIGHT
    light = (bar.hours - bar.unsocial) / most * _HEIGHT
    for kind, y, size in (("night", base - dark, dark), ("day", base - dark - light, light)):
        if size > 0:
            yield f'<rect class="{kind}" x="{x}" y="{y:.1f}" width="{_BAR}" height="{size:.1f}"/>'
    if bar.pages:
        label = f'<text class="text" x="{x + _BAR // 2}" y="{base - dark - light - 3:.1f}"'
        yield f'{label} text-anchor="middle" font-size="10">{bar.pages}</text>'


def svg_text(text: str) -> str:
    """Give text that is safe between tags; what XML cannot hold is shown as a replacement character."""
    return escape("".join(sign if _is_xml(sign) else "\ufffd" for sign in text))


def _is_xml(sign: str) -> bool:
    number = ord(sign)
    return sign in "\t\n\r" or 0x20 <= number <= 0xD7FF or 0xE000 <= number <= 0xFFFD or number >= 0x10000  # noqa: PLR2004 -- the characters of XML 1.0
