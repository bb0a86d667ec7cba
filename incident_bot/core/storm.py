"""Decides when a route is in a storm, and counts what a storm incident has adopted (I12). Opens nothing.

1. A bucket has a token for each incident that may open alone; it fills evenly, from empty to full in `within`.
2. Where more incidents would open than there are tokens, the storm begins: all further ones are adopted.
3. In a storm what is adopted takes the tokens that came back meanwhile, so the storm lasts as long as incidents would
   open faster than the bucket fills. It is over when the bucket is full again.
4. Nothing is dropped: what asks is either alone or adopted (P12).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.model import Bucket, Status, StormRule, Tally

_NOTHING: Final = timedelta(0)
UNNAMED: Final = "Unnamed alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What a bucket gave."""

    bucket: Bucket
    """As it is afterwards."""
    alone: int
    """So many may open alone."""
    adopted: int
    """So many are a part of the storm."""


def refilled(bucket: Bucket | None, rule: StormRule, *, now: datetime) -> Bucket:
    """Give the bucket as it is now; a new one is full, a clock that went backwards fills nothing (P16)."""
    full = float(rule.openings)
    if bucket is None:
        return Bucket(tokens=full, at=now)
    passed = max(now - bucket.at, _NOTHING)
    # Whole before parts: after `within` it is full to the last digit.
    tokens = full if passed >= rule.within else min(full, bucket.tokens + full * (passed / rule.within))
    return Bucket(tokens=tokens, at=now, since=None if tokens >= full else bucket.since)


def draw(bucket: Bucket | None, rule: StormRule, wanted: int, *, now: datetime) -> Drawn:
    """Say how many of the incidents that would open may open alone."""
    before = refilled(bucket, rule, now=now)
    if before.since is not None:
        left = max(0.0, before.tokens - wanted)
        after = Bucket(tokens=left, at=now, since=before.since)
        return Drawn(bucket=after, alone=0, adopted=wanted)
    alone = min(int(before.tokens), wanted)
    adopted = wanted - alone
    after = Bucket(tokens=before.tokens - alone, at=now, since=now if adopted else None)
    return Drawn(bucket=after, alone=alone, adopted=adopted)


def tallied(members: Iterable[tuple[str | None, str | None, Status, int]]) -> tuple[Tally, ...]:
    """Count alerts by name and service, what fires most first; every one is counted once (P12).

    Takes name, service, status, and how many alerts are alike in these.
    """
    counts: dict[tuple[str, str | None], list[int]] = {}
    for name, service, status, alike in members:
        count = counts.setdefault((name or UNNAMED, service), [0, 0])
        count[0] += alike * (status is Status.FIRING)
        count[1] += alike
    found = (
        Tally(name=name, service=service, firing=firing, total=total)
        for (name, service), (firing, total) in counts.items()
    )
    return tuple(sorted(found, key=lambda one: (-one.firing, -one.total, one.name, one.service or "")))


def told(tally: Tally) -> str:
    """Give one line of the list: `HostDown on shop: 12 firing, 3 over`."""
    where = f" on {tally.service}" if tally.service else ""
    over = tally.total - tally.firing
    parts = [f"{tally.firing} firing"] if tally.firing or not over else []
    parts += [f"{over} over"] if over else []
    return f"{tally.name}{where}: {', '.join(parts)}"
