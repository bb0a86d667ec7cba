"""Layers over each other: priorities that are unique, and people of one level on call together (R12).

Some sources put several rotations on one level, and everybody of the level is on call. Ours has one answer for
each layer, and layers that add. This says when the two are the same, and tells where they are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.walltime import Span, to_instant, window_spans, zone
from incident_bot.importers.base import Say
from incident_bot.importers.layers import Layer
from incident_bot.importers.roster import unused

LOOK: Final = timedelta(days=400)
"""How far ahead two layers are looked at for a time at which both answer."""
LAYERS_MOST: Final = 100
"""Of more layers on one level it is taken for granted that some overlap."""
NAME_MOST: Final = 80


def stack(levels: Sequence[Sequence[Layer]], say: Say, *, where: str, now: datetime) -> list[Layer]:
    """Give the layers of all levels, the highest level first, as layers of which the first that answers wins.

    Layers of one level that never answer at the same time simply follow each other. Where they do, the lone or
    the highest level can be said with layers that add; for a lower one a note says what is lost.
    """
    found: list[Layer] = []
    filled = [list(level) for level in levels if level]
    for depth, level in enumerate(filled):
        shared = _shared(level, now=now)
        if not shared:
            found += level
        elif len(filled) == 1:
            found += [replace(layer, add=True) for layer in level]
        elif depth == 0:
            found += level
            found += [
                replace(layer, name=f"{layer.name} (as well)", add=True)
                for layer in level
                if layer.name in shared
            ]
        else:
            found += level
            names = ", ".join(layer.name for layer in level if layer.name in shared)
            say(
                where,
                f"{names}: they overlap on one level, and the source puts everybody of a level on call. Below "
                "another level this cannot be expressed: where they overlap, only the first of them answers. "
                "Write the people into the slots of one layer, [alice, bob], or give them a schedule of their own",
            )
    return _named(found)


def _shared(level: Sequence[Layer], *, now: datetime) -> set[str]:
    """Give the names of the layers that answer, or may answer, while another of the level does."""
    if len(level) > LAYERS_MOST:
        return {layer.name for layer in level}
    spans = [_spans(layer, now=now) for layer in level]
    return {
        layer.name
        for one, layer in enumerate(level)
        for other in range(len(level))
        if one != other and _overlap(spans[one], spans[other])
    }


def _spans(layer: Layer, *, now: datetime) -> tuple[Span, ...]:
    where = zone(layer.zone)
    start = max(now, to_instant(layer.anchor, where))
    until = [slot.until for slot in layer.slots if slot.who]
    end = start + LOOK
    if all(until):
        end = min(end, max(to_instant(local, where) for local in until if local))
    if not layer.openings:
        return ((start, end),)
    windows = [window for opening in layer.openings for window in opening.windows()]
    return window_spans(windows, frozenset(), where, start, end)


def _overlap(one: Sequence[Span], other: Sequence[Span]) -> bool:
    first = second = 0
    while first < len(one) and second < len(other):
        if max(one[first][0], other[second][0]) < min(one[first][1], other[second][1]):
            return True
        if one[first][1] <= other[second][1]:
            first += 1
        else:
            second += 1
    return False


def _named(layers: list[Layer]) -> list[Layer]:
    taken: set[str] = set()
    named: list[Layer] = []
    for layer in layers:
        name = unused(layer.name[:NAME_MOST], taken)
        taken.add(name)
        named.append(replace(layer, name=name))
    return named
