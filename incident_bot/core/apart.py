"""What tells alerts of one title apart: of twenty times "Disk is filling", which host and which disk each one is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from incident_bot.core.model import Labels

LABELS_MOST: Final = 3
VALUE_MOST: Final = 60
"""Characters of a label's value."""
_FIRST: Final = ("instance", "pod", "node", "host")
"""Of labels that tell apart equally well, these come first: they say where to look."""


def apart(alerts: Sequence[tuple[str, Labels]]) -> list[str]:
    """Give for each alert, by its title and labels, those labels that tell it from the others of this title.

    As few labels as tell most of them apart, `LABELS_MOST` at most, as `instance=db1:9100, device=sda`; empty where a
    title stands alone, or where no label differs.
    """
    same: dict[str, list[Labels]] = {}
    for title, labels in alerts:
        same.setdefault(title, []).append(labels)
    telling = {title: _telling(found) for title, found in same.items()}
    return [
        ", ".join(f"{name}={_cut(labels[name])}" for name in telling[title] if labels.get(name))
        for title, labels in alerts
    ]


def _telling(labels: Sequence[Labels]) -> tuple[str, ...]:
    names = sorted({name for one in labels for name in one}, key=lambda name: (_rank(name), name))
    chosen: tuple[str, ...] = ()
    told = 1
    while names and told < len(labels) and len(chosen) < LABELS_MOST:
        counts = {name: _kinds(labels, (*chosen, name)) for name in names}
        best = max(names, key=counts.__getitem__)
        if counts[best] == told:
            break
        chosen, told = (*chosen, best), counts[best]
    return chosen


def _kinds(labels: Iterable[Labels], names: Sequence[str]) -> int:
    """Count how many kinds of alerts there are by these labels; one that is missing is one that is empty."""
    return len({tuple(one.get(name, "") for name in names) for one in labels})


def _rank(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _cut(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= VALUE_MOST else f"{line[: VALUE_MOST - 1]}…"
