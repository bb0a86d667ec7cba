"""A person's quiet hours: when what is not urgent has to wait, and until when. Reads no clock.

Three rules hold here:

- Only pages of low urgency wait; what a person asks for (`escalate`, `page`) and the last resort never do.
- A person's rules count from the end of the quiet hours that hold at the step, so their order stays as written.
- Windows mean what they mean in schedules, over daylight saving too (R4, R10): the end of a window that comes twice is
  the second one, so quiet hours may be an hour longer, and never have a hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.core.model import ContactRule
from incident_bot.core.walltime import Window, window_spans

WAIT_MOST: Final = timedelta(days=8)
"""No page waits longer: a week has every window once, and a clock change adds an hour."""
_DAY: Final = timedelta(days=1)
_MONDAY: Final = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """The windows of one person, on that person's own clock."""

    windows: tuple[Window, ...]
    zone: ZoneInfo

    def until(self, at: datetime) -> datetime | None:
        """Give the instant at which they end, where they hold; None where they do not."""
        spans = window_spans(self.windows, frozenset(), self.zone, at, at + WAIT_MOST)
        return spans[0][1] if spans and spans[0][0] == at else None

    def shown(self, until: datetime, now: datetime) -> str:
        """Write the end as the person's clock has it: `07:00 Europe/Berlin`, with the date where it is days away."""
        local = until.astimezone(self.zone)
        return (
            f"{local:%H:%M} {self.zone.key}"
            if until - now <= _DAY
            else f"{local:%Y-%m-%d %H:%M} {self.zone.key}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """When one person's pages go out, rule by rule."""

    at: tuple[datetime, ...]
    held: tuple[bool, ...]
    """Which of them wait for the end of the quiet hours."""
    begins: datetime
    """From when on the person is given time to answer: when the first page may go out (P7)."""


def wait_for(rules: Sequence[ContactRule], quiet: QuietHours | None, *, now: datetime) -> Waiting:
    """Give when each rule's page goes out, in the order of the rules' delays; without quiet hours at its own time."""
    if quiet is None:
        plain = tuple(now + rule.after for rule in rules)
        return Waiting(at=plain, held=(False,) * len(plain), begins=now)
    start = quiet.until(now) or now
    wanted = [start + rule.after for rule in rules]
    times = tuple(quiet.until(at) or at for at in wanted)
    held = tuple(at > now + rule.after for at, rule in zip(times, rules, strict=True))
    first = min(range(len(times)), key=times.__getitem__)
    return Waiting(at=times, held=held, begins=times[first] if held[first] else now)


def never_end(windows: Sequence[Window]) -> bool:
    """Say whether the windows leave no time of the week open, so that no page would ever go out."""
    fortnight = 14 * _DAY
    spans = window_spans(windows, frozenset(), ZoneInfo("UTC"), _MONDAY, _MONDAY + fortnight)
    return spans == ((_MONDAY, _MONDAY + fortnight),)
