"""The parts of a timeline: each kind of event is in some part, and none is in a part by accident."""

from __future__ import annotations

import pytest

from incident_bot.core.model import Kind
from incident_bot.core.timeline import KINDS, REVISIONS, Part, source_of


def test_every_kind_is_somewhere_and_corrections_stand_with_their_notes() -> None:
    assert KINDS[Part.ALL] == frozenset(Kind) - REVISIONS
    assert KINDS[Part.PEOPLE] | KINDS[Part.PAGES] | KINDS[Part.ALERTS] | {
        Kind.RUNBOOK_FOUND, Kind.RESOLVE_OFFERED, Kind.HANDOFF_REMINDED, Kind.HANDOFF_EXPIRED, Kind.PROMISE_DUE,
        Kind.PROMISE_MISSED, Kind.NAGGED,
    } == KINDS[Part.ALL]  # fmt: skip
    assert all(not kinds & REVISIONS for kinds in KINDS.values())


@pytest.mark.parametrize(
    "kind, parts",
    [
        (Kind.NOTE, {Part.ALL, Part.PEOPLE, Part.CHAT, Part.CURATED}),
        (Kind.ACKNOWLEDGED, {Part.ALL, Part.PEOPLE, Part.PAGES, Part.CHAT, Part.CURATED}),
        (Kind.PAGE_SENT, {Part.ALL, Part.PAGES, Part.CHAT}),
        (Kind.ALERT_RESOLVED, {Part.ALL, Part.ALERTS, Part.CHAT, Part.CURATED}),
    ],
)
def test_each_part_holds_what_its_name_says(kind: Kind, parts: set[Part]) -> None:
    assert {part for part in Part if kind in KINDS[part]} == parts


def test_only_the_chat_is_a_matter_of_the_source() -> None:
    assert [part for part in Part if source_of(part)] == [Part.CHAT]
