"""How the console looks.

Pages, assets, and the small formats in which people read times, severities and states. Everything shown is
escaped; a link leads to http or https or it is plain text. Decides nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from incident_bot.core.postmortem.words import duration
from incident_bot.render.documents import step_to_html
from incident_bot.render.sparklines import number

_HERE: Final = Path(__file__).parent
_SHAPES: Final = ("◆", "▲", "●", "○")
"""By rank, the worst first; the last one stands for every lower rung."""

BOOSTED: Final = Markup('hx-boost="true" hx-disabled-elt="find button" hx-select-oob="#line:morph"')
"""On a form: with script it is sent without leaving the page, and once however often it is clicked; what it is answered
stands at the command line, which the fresh content around the form says nothing of."""
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the console, in memory."""

    body: bytes
    media_type: str
    version: str
    """The start of its SHA-256: part of its address, so that browsers may keep it for ever."""
    packed: bytes
    """The body as gzip."""


class Looks:
    """The templates and assets of the console; shared by all threads."""

    def __init__(self) -> None:
        """Load every page and asset once."""
        self.assets: Mapping[str, Asset] = {
            path.name: _asset(path)
            for path in sorted((_HERE / "static").rglob("*"))
            if path.suffix in (".css", ".js", ".svg")
        }
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["asset"] = self.address
        self._environment.globals["boosted"] = BOOSTED
        self._environment.filters.update(
            web=web_link,
            shape=shape,
            rung=rung,
            span=span,
            minutes=lambda count: duration(timedelta(minutes=count)),
            ticked=ticked,
            step=step_to_html,
            seconds=seconds,
            clock_face=clock_face,
            figure=figure,
        )

    def address(self, name: str) -> str:
        """Give where an asset is served, with its version."""
        return f"/static/{name}?v={self.assets[name].version}"

    def draw(self, page: str, **values: object) -> str:
        """Render one page."""
        return self._environment.get_template(page).render(values)


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Asset(body, kind, hashlib.sha256(body).hexdigest()[:12], gzip.compress(body, 9, mtime=0))


def shape(rank: int) -> str:
    """Give the shape of a severity, so that colour is never the only sign."""
    return _SHAPES[min(rank, len(_SHAPES) - 1)]


def rung(rank: int) -> str:
    """Give the style class of a severity."""
    return f"rung-{min(rank, len(_SHAPES) - 1)}"


def span(length: timedelta) -> str:
    """Say how long, in the largest unit that fits: `3 min`, `2 h`, `4 d`."""
    seconds = int(abs(length.total_seconds()))
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def figure(value: float | None) -> str:
    """Write a value of a graph shortly; one that there is not as a dash."""
    return "–" if value is None else number(value)


def seconds(length: float) -> str:
    """Say how long so many seconds are."""
    return span(timedelta(seconds=length))


def clock_face(since_midnight: timedelta) -> str:
    """Write a time of day: `09:00`; `06:00 (+1 day)` on the day after."""
    days, rest = divmod(int(since_midnight.total_seconds()), 86_400)
    face = f"{rest // 3600:02}:{rest % 3600 // 60:02}"
    if days and not rest:
        face, days = "24:00", days - 1
    return f"{face} (+{days} {'day' if days == 1 else 'days'})" if days else face


def relative(instant: datetime, now: datetime) -> str:
    """Say how far away an instant is: `3 min ago`, `in 2 h`, `now`."""
    if abs(instant - now) < timedelta(seconds=1):
        return "now"
    return f"in {span(instant - now)}" if instant > now else f"{span(now - instant)} ago"


def web_link(address: object) -> str | None:
    """Give an address that may become a link, None for anything but http and https."""
    text = str(address or "").strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return text if parts.scheme in ("http", "https") and parts.netloc else None


def ticked(text: str) -> Markup:
    """Show what stands between backticks as code, everything escaped."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    shown = (
        Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts)
    )
    return Markup("").join(shown)


@dataclass(frozen=True, slots=True)
class Hours:
    """Writes instants for one reader: relative, with the absolute time in the reader's zone beside it."""

    now: datetime
    zone_name: str = "UTC"

    @property
    def zone(self) -> ZoneInfo | None:
        """The reader's zone; None means UTC."""
        try:
            return None if self.zone_name == "UTC" else ZoneInfo(self.zone_name)
        except (ZoneInfoNotFoundError, ValueError):
            return None

    @property
    def zone_word(self) -> str:
        """How the reader's zone is called now, such as `CET`."""
        return self.now.astimezone(self.zone or UTC).strftime("%Z")

    def absolute(self, instant: datetime) -> str:
        """Write the time of day, with the date where it is another day."""
        local = instant.astimezone(self.zone or UTC)
        today = self.now.astimezone(self.zone or UTC).date()
        pattern = "%H:%M %Z" if local.date() == today else "%a %-d %b %H:%M %Z"
        if local.year != today.year:
            pattern = "%Y-%m-%d %H:%M %Z"
        return local.strftime(pattern)

    def exact(self, instant: datetime) -> str:
        """Write the whole instant in UTC, as machines and title texts have it."""
        return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def away(self, instant: datetime) -> str:
        """Say how far away an instant is."""
        return relative(instant, self.now)

    def when(self, instant: datetime | None) -> Markup:
        """Write an instant as `<time>`: how far away, and when."""
        if instant is None:
            return Markup("–")
        return Markup(
            '<time datetime="{0}" title="{0}"><span class="ago">{1}</span> <span class="at">{2}</span></time>'
        ).format(self.exact(instant), relative(instant, self.now), self.absolute(instant))

    def countdown(self, instant: datetime) -> Markup:
        """Write how long it is until an instant; with script it is counted down."""
        return Markup('<time class="countdown" datetime="{0}" title="{0}" data-countdown>{1}</time>').format(
            self.exact(instant), span(instant - self.now)
        )

    def clock(self, instant: datetime) -> Markup:
        """Write an instant as the time of day alone, to the second."""
        local = instant.astimezone(self.zone or UTC)
        same = local.date() == self.now.astimezone(self.zone or UTC).date()
        shown = local.strftime("%H:%M:%S" if same else "%-d %b %H:%M")
        return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(self.exact(instant), shown)
