"""Incidents by week as SVG that stands for itself, in the looks of `render.charts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from incident_bot.render.charts import STYLE, svg_text

_LEFT: Final = 40
_TOP: Final = 60
_COLUMN: Final = 44
_BAR: Final = 28
_HEIGHT: Final = 120
_LABELLED: Final = 30
"""Of more weeks only every fourth has its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekBar:
    """One week; `grave` of its incidents are of the worst severity."""

    name: str
    incidents: int
    grave: int


def weeks_chart(title: str, worst: str, weeks: Sequence[WeekBar]) -> str:
    """Draw the incidents of each week, those of the worst severity marked; a complete SVG document."""
    wide = len(weeks) <= _LABELLED
    column = _COLUMN if wide else _COLUMN // 3
    width = max(_LEFT + len(weeks) * column + 24, 320)
    height = _TOP + _HEIGHT + 40
    most = max([1, *(week.incidents for week in weeks)])
    said = "; ".join(f"{week.name}: {week.incidents}, {week.grave} of them {worst}" for week in weeks)
    frame = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' role="img" aria-labelledby="title desc" font-family="system-ui, sans-serif" font-size="12">'
    )
    parts = [
        frame,
        f'<title id="title">{svg_text(title)}</title>',
        f'<desc id="desc">{svg_text(f"{title}. {said}.")}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
        f'<text class="text" x="12" y="22" font-size="16" font-weight="600">{svg_text(title)}</text>',
        '<rect class="night" x="12" y="34" width="12" height="12"/>',
        f'<text class="quiet" x="30" y="44">{svg_text(worst)}</text>',
        '<rect class="day" x="142" y="34" width="12" height="12"/><text class="quiet" x="160" y="44">all others</text>',
    ]
    base = _TOP + _HEIGHT
    parts.append(f'<line class="line" x1="12" y1="{base}" x2="{width - 12}" y2="{base}"/>')
    bar = _BAR if wide else _BAR // 3
    for number, week in enumerate(weeks):
        x = _LEFT + number * column
        if wide or not number % 4:
            parts.append(
                f'<text class="quiet" x="{x + bar // 2}" y="{base + 16}" text-anchor="middle" font-size="10">'
                f"{svg_text(week.name.partition('-')[2])}</text>"
            )
        if not week.incidents:
            continue
        grave, whole = (count / most * (_HEIGHT - 14) for count in (week.grave, week.incidents))
        parts.append(
            f"<g><title>{svg_text(f'{week.name}: {week.incidents}, {week.grave} of them {worst}')}</title>"
        )
        for kind, y, size in (("night", base - grave, grave), ("day", base - whole, whole - grave)):
            if size > 0:
                parts.append(f'<rect class="{kind}" x="{x}" y="{y:.1f}" width="{bar}" height="{size:.1f}"/>')
        parts.append(
            f'<text class="text" x="{x + bar // 2}" y="{base - whole - 3:.1f}" text-anchor="middle" font-size="10">'
            f"{week.incidents}</text></g>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"
