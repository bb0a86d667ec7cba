"""What a change of an alert's rule would have changed, worked out from what was recorded, and the change itself.

An episode is recorded from the moment at which its rule's own `for:` was over. So a `for:` that is longer by so much
would have kept back exactly those that lasted less than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

LENGTHS: Final = tuple(timedelta(minutes=minutes) for minutes in (2, 5, 10, 15, 30, 60))
"""What `for:` may be made longer by."""
LEAST_PAGES: Final = 3
"""Of fewer pages nothing is concluded."""
WORTH: Final = 0.2
"""A change that keeps back a smaller share of the pages is not proposed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One incident that an alert had a part in."""

    pages: int
    length: timedelta | None
    """How long its longest episode lasted; None where one still fires."""
    actionable: bool
    alone: bool
    """Whether it had no other alert: else it would have paged all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What would have been otherwise."""

    longer: timedelta | None
    """By how much `for:` is longer; None where the alert pages nobody at all any more."""
    pages: int
    """That there were."""
    avoided: int
    """Of these, those that would not have been."""
    missed: int
    """Incidents in which somebody had to act and nobody would have been paged."""


def simulated(firings: Sequence[Firing], longer: timedelta | None) -> Effect:
    """Say what a `for:` that is longer by so much would have changed, or with None, no page at all."""
    kept_back = [
        one
        for one in firings
        if one.alone and (longer is None or (one.length is not None and one.length < longer))
    ]
    return Effect(
        longer=longer,
        pages=sum(one.pages for one in firings),
        avoided=sum(one.pages for one in kept_back),
        missed=sum(one.actionable and one.pages > 0 for one in kept_back),
    )


def proposed(firings: Sequence[Firing]) -> Effect | None:
    """Give the change that keeps back most pages and not one that somebody had to act on; of equal ones the smallest.

    None where there were fewer than three pages, or no change is worth it. Where nobody ever had to act, the alert need
    not page.
    """
    pages = sum(one.pages for one in firings)
    if pages < LEAST_PAGES:
        return None
    if not any(one.actionable for one in firings) and all(one.alone for one in firings):
        return simulated(firings, None)
    harmless = [effect for length in LENGTHS if not (effect := simulated(firings, length)).missed]
    best = max(harmless, key=lambda effect: effect.avoided, default=None)
    return best if best is not None and best.avoided >= WORTH * pages else None


def rule_patch(name: str, effect: Effect) -> str:
    """Give the change as YAML for the rule's file, with what has to be known of it."""
    head = f"- alert: {_quoted(name)}\n  # expr, annotations and other labels stay as they are\n"
    if effect.longer is None:
        return f"{head}  labels:\n    severity: info # pages nobody where `info` is routed with `action: notify`\n"
    more = minutes(effect.longer)
    return f"{head}  for: {more} # where it has a `for:` already, add {more} to it\n"


def told(effect: Effect, *, days: int) -> str:
    """Say in one sentence what would have been otherwise in the last `days` days."""
    what = (
        f"With `for:` {minutes(effect.longer)} longer" if effect.longer else "As a message instead of a page"
    )
    missed = "none" if not effect.missed else str(effect.missed)
    return (
        f"{what}, {effect.avoided} of {effect.pages} pages of the last {days} days would not have happened; "
        f"{missed} of those that somebody had to act on would have been missed."
    )


def minutes(length: timedelta) -> str:
    """Write a length as Prometheus does: `10m`, `1h`."""
    count = int(length.total_seconds()) // 60
    return f"{count // 60}h" if count % 60 == 0 else f"{count}m"


def _quoted(name: str) -> str:
    plain = name.replace("_", "").replace(":", "").isalnum() and name.isascii()
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return name if plain and not name.endswith(":") and not name.isdigit() else f'"{escaped}"'
