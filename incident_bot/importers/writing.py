"""A schedule as the text of its file: the order of the reference, what was left out as comments on top."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from incident_bot.importers.base import Note
from incident_bot.importers.layers import Layer, Override, Slot

STEP: Final = 10
"""Between two priorities, so that a layer can be put between by hand."""
WIDTH: Final = 110
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def quoted(text: str) -> str:
    """Write a text as YAML: plain where every reader agrees that it is text, else in double quotes."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _WORDS:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def schedule_text(
    name: str,
    zone: str,
    *,
    layers: Sequence[Layer],
    overrides: Sequence[Override],
    head: str,
    notes: Sequence[Note],
) -> str:
    """Write the file of one schedule; `layers` come with the highest first, and stand with the lowest first."""
    lines = list(_comment(head))
    if notes:
        lines += ["#", "# What the source says and this file does not, or not in the same way:"]
        lines += [line for note in notes for line in _comment(f"- {note}", indent="  ")]
    lines += [f"schedule: {quoted(name)}", f"time_zone: {quoted(zone)}", "", "layers:"]
    for rank, layer in enumerate(reversed(layers), 1):
        lines += _layer(layer, rank * STEP, zone)
    if overrides:
        lines += ["overrides: # a later entry counts as newer"]
        lines += [f"  - {_override(each)}" for each in overrides]
    return "\n".join(lines).rstrip("\n") + "\n"


def people_text(people: Mapping[str, Mapping[str, str]]) -> str:
    """Write proposed entries of `rotations/people.yaml`, to be put under its `people:`."""
    lines = ["people:"]
    for person, entry in sorted(people.items()):
        lines.append(f"  {quoted(person)}:" if entry else f"  {quoted(person)}: {{}}")
        lines += [f"    {key}: {quoted(text)}" for key, text in entry.items()]
    return "\n".join(lines) + "\n"


def instant(moment: datetime) -> str:
    """Write an instant as `2026-01-12T05:00:00Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _local(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}" if moment.second else f"{moment:%Y-%m-%dT%H:%M}"


def _comment(text: str, indent: str = "") -> Iterable[str]:
    for line in textwrap.wrap(text, WIDTH - 2, subsequent_indent=indent, break_on_hyphens=False):
        yield f"# {line}".rstrip()


def _layer(layer: Layer, priority: int, schedule_zone: str) -> Iterable[str]:
    yield f"  - name: {quoted(layer.name)}"
    yield f"    priority: {priority}"
    if layer.add:
        yield "    mode: add"
    if layer.zone != schedule_zone:
        yield f"    time_zone: {quoted(layer.zone)}"
    turn = f'unit: {layer.unit}, every: {layer.every}, anchor: "{_local(layer.anchor)}"'
    yield f"    turn: {{{turn}}}"
    if layer.turns_per_slot != 1:
        yield f"    turns_per_slot: {layer.turns_per_slot}"
    if layer.active_days:
        yield "    advance: active_days"
    yield "    people:"
    for slot in layer.slots:
        yield f"      - {_slot(slot)}"
    if layer.openings:
        yield "    windows:"
        for opening in layer.openings:
            for entry in opening.entries():
                yield f"      - {{{', '.join(f'{key}: {_value(key, text)}' for key, text in entry.items())}}}"
    yield ""


def _value(key: str, text: str) -> str:
    return text if key == "days" and "," not in text else f'"{text}"'


def _slot(slot: Slot) -> str:
    who = _names(slot.who)
    return who if slot.until is None else f'{{who: {who}, until: "{_local(slot.until)}"}}'


def _names(people: Iterable[str]) -> str:
    return f"[{', '.join(quoted(person) for person in people)}]"


def _override(each: Override) -> str:
    if each.cover is not None:
        parts = [f"cover: {_names(each.cover)}"]
    elif each.replace is not None:
        parts = [f"replace: {quoted(each.replace[0])}", f"by: {quoted(each.replace[1])}"]
    elif each.remove is not None:
        parts = [f"remove: {quoted(each.remove)}"]
    else:
        parts = [f"add: {_names(each.add or ())}"]
    parts += [f'start: "{instant(each.start)}"', f'end: "{instant(each.end)}"']
    if each.cover == ():
        parts.append("nobody: true")
    parts.append(f"reason: {quoted(each.reason)}")
    return f"{{{', '.join(parts)}}}"
