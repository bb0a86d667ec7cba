"""What a template may do with a value: times, lengths of time, and text made safe for its reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from markupsafe import escape as escape_html

from incident_bot.core.postmortem import Row, duration, escape, fenced
from incident_bot.core.timeline import one_line, visible

Filter: TypeAlias = Callable[..., object]

KEPT: Final = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "groupby", "int", "items",
    "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "round",
    "select", "selectattr", "sort", "string", "sum", "title", "trim", "truncate", "unique", "upper",
)  # fmt: skip
"""Jinja2's own filters that cannot make much out of little, and cannot switch the escaping off."""
JOINED_MOST: Final = 1000


def when(value: datetime, zone: str = "UTC") -> str:
    """Give the clock time in a person's zone and in UTC: `03:05 CET (02:05 UTC)`, with a day that differs."""
    utc = value.astimezone(UTC)
    try:
        local = utc.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{utc:%H:%M} UTC"
    if local.utcoffset() == timedelta(0):
        return f"{utc:%H:%M} UTC"
    day = f"{utc:%a} " if local.date() != utc.date() else ""
    return f"{local:%H:%M %Z} ({day}{utc:%H:%M} UTC)"


def local(value: datetime | None, zone: str = "UTC") -> str:
    """Give day and clock time in a zone: `Mon 9 Mar 09:00 CET`; an unknown instant is `an unknown time`."""
    if value is None:
        return "an unknown time"
    try:
        there = value.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        there = value.astimezone(UTC)
    return f"{there:%a} {there.day} {there:%b %H:%M %Z}"


def wall(value: datetime | None, zone: str = "UTC") -> str:
    """Give date and clock time in a zone as commands take them: `2026-03-09 09:00`; an unknown instant is `now`."""
    if value is None:
        return "now"
    try:
        return f"{value.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def date(value: datetime) -> str:
    """Give day and clock time in UTC: `2026-11-21 02:05 UTC`."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@pass_context
def ago(context: Context, value: datetime) -> str:
    """Give how long before `now` it was: `4 min ago`."""
    now = context.resolve("now")
    length = now - value if isinstance(now, datetime) else timedelta(0)
    return "just now" if length < timedelta(minutes=1) else f"{duration(length)} ago"


def spelled(length: timedelta) -> str:
    """Give a length of time in words, in one unit where it fits: `15 minutes`, `48 hours`."""
    minutes = max(1, round(length / timedelta(minutes=1)))
    count, unit = (minutes // 60, "hour") if minutes % 60 == 0 else (minutes, "minute")
    return f"{count} {unit}{'' if count == 1 else 's'}"


def cut(value: object, most: int = 80) -> str:
    """Give a text on one line, cut at `most` characters with an ellipsis."""
    return one_line(str(value), most)


def line(value: object) -> str:
    """Give a text on one line."""
    return one_line(str(value))


def md(value: object) -> Markup:
    """Give a text that Markdown shows as it is, on one line; a space at either end stays one."""
    text = str(value)
    before, after = " " * text.startswith(" "), " " * text.endswith(" ")
    return Markup(f"{before}{escape(text)}{after}" if text.strip() else text[:1])  # noqa: S704 - the escaping


def source(value: object) -> Markup:
    """Give the sources of a generated line as they are: `[event 12]`; anything else is escaped."""
    text = str(value)
    return Markup(text) if _SOURCE.fullmatch(text) else md(text)  # noqa: S704 - checked


_SOURCE: Final = re.compile(
    r"(?: ?\[(?:event|episode|page|change|graph)s? [0-9]+(?:, [0-9]+)*(?: and [0-9]+ more)?\])*"
)


def mrkdwn(value: object) -> Markup:
    """Give a text that Slack shows as it is; nothing in it can call a channel or make a link."""
    safe = visible(str(value)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Markup(safe)  # noqa: S704 - this is the escaping


def plain(value: object) -> Markup:
    """Give a text as it is, without characters that cannot be seen."""
    return Markup(visible(str(value)))  # noqa: S704 - nothing reads markup here


def html(value: object) -> Markup:
    """Give a text that HTML shows as it is."""
    return escape_html(value)


def joined(values: Iterable[object], by: str = ", ") -> str:
    """Join texts, a thousand at most; what is safe already stays safe."""
    parts = list(islice(values, JOINED_MOST))
    between = by[:10]
    safe = [part for part in parts if isinstance(part, Markup)]
    if safe and len(safe) == len(parts):
        return escape_html(between).join(safe)
    return between.join(line(part) for part in parts)


def fence(body: str, name: str) -> Markup:
    """Put a generated part of a post-mortem between the comments that let it be refreshed."""
    return Markup(fenced(str(body), name))  # noqa: S704 - the body is rendered, hence escaped, already


def table(rows: Sequence[Row], columns: Sequence[str]) -> Markup:
    """Give rows as a Markdown table, the source of each in its last column."""
    head = [*columns, "Source"]
    lines = [
        head,
        ["---"] * len(head),
        *([*(escape(cell) for cell in row.cells), source(row.source)] for row in rows),
    ]
    return Markup("\n".join("| " + " | ".join(cells) + " |" for cells in lines))  # noqa: S704 - cells are escaped


OWN: Final[Mapping[str, Filter]] = {
    "ago": ago,
    "cut": cut,
    "date": date,
    "duration": duration,
    "fenced": fence,
    "html": html,
    "join": joined,
    "line": line,
    "local": local,
    "md": md,
    "mrkdwn": mrkdwn,
    "source": source,
    "spelled": spelled,
    "table": table,
    "wall": wall,
    "when": when,
}
"""The filters that this product adds."""

TARGETS: Final[Mapping[str, Callable[[object], Markup]]] = {
    "markdown": md,
    "html": html,
    "slack": mrkdwn,
    "plain": plain,
}


def target_of(name: str) -> str:
    """Say for which reader a template writes, by its name."""
    if name.endswith(".html.j2"):
        return "html"
    if name.endswith(".md.j2"):
        return "markdown"
    return "slack" if name.removeprefix("builtin/").startswith("slack/") else "plain"
