"""Who an incident is for: made private and public, undone, asked first, and never announced while it is private."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from incident_bot.core.effects import Announce, Moment
from incident_bot.core.errors import Refused
from incident_bot.core.incident import Again, SetPrivate, open_incident, replay, undo
from incident_bot.core.model import Event, Incident, Kind, Paging
from incident_bot.core.timeline import describe
from tests.core.incident_world import NOW, acknowledged, by, merged, opened, opening, resolved

HIDE = SetPrivate(private=True)
SHOW = SetPrivate(private=False, sure=True)


def private() -> Incident:
    return opened(first=replace(opening(), private=True))


def test_it_is_made_private_in_every_state() -> None:
    for start in (opened, acknowledged, resolved):
        decision = by("bob", HIDE, start())
        assert decision.incident == replace(start(), private=True)
        assert [event.kind for event in decision.events] == [Kind.MADE_PRIVATE]
        assert decision.effects == ()
        assert decision.said.startswith("INC-42 is private now: only those who work on it see it.")


def test_what_is_so_already_changes_nothing() -> None:
    assert by("bob", HIDE, private()).said == "INC-42 is private already; nothing changed."
    for sure in (False, True):
        decision = by("bob", SetPrivate(private=False, sure=sure), opened())
        assert (decision.said, decision.events) == ("INC-42 is public already; nothing changed.", ())


def test_showing_it_asks_first() -> None:
    with pytest.raises(Refused, match=r"cannot be taken back[.] If you mean it, type `public yes`"):
        by("bob", SetPrivate(private=False), private())


def test_what_is_shown_is_announced_as_if_it_had_just_opened() -> None:
    decision = by("bob", SHOW, private())
    assert not decision.incident.private
    (told,) = decision.effects
    assert isinstance(told, Announce)
    assert (told.moment, told.data["title"], told.data["by"]) == (Moment.OPENED, "High error rate", "bob")


def test_what_is_over_is_shown_and_not_announced() -> None:
    assert by("bob", SHOW, replace(resolved(), private=True)).effects == ()


def test_a_merged_one_stays_as_it_is() -> None:
    assert merged().paging is Paging.MERGED
    with pytest.raises(Refused, match="merged"):
        by("bob", HIDE, merged())


def test_hiding_is_undone_and_showing_is_not() -> None:
    hidden = by("bob", HIDE, opened())
    soon = NOW + timedelta(seconds=30)
    assert undo(hidden.events, hidden.incident, actor="bob", now=soon) == Again(verb="public", rest="yes")
    shown = by("bob", SHOW, hidden.incident)
    with pytest.raises(Refused, match="It was changed again since"):
        undo(hidden.events, shown.incident, actor="bob", now=soon)
    with pytest.raises(Refused, match="others may have read it: `private` hides it again"):
        undo(shown.events, shown.incident, actor="bob", now=soon)


def test_the_timeline_tells_it() -> None:
    names = {"bob": "Bob Example"}
    told = [Event(kind=kind, actor="bob", source="slack", happened_at=NOW, data={}) for kind in
            (Kind.MADE_PRIVATE, Kind.MADE_PUBLIC)]  # fmt: skip
    assert [describe(event, names) for event in told] == [
        "Bob Example made this private",
        "Bob Example made this public",
    ]


def test_the_record_alone_says_whether_it_is_private() -> None:
    first = by("bob", HIDE, acknowledged())
    assert replay([*_opening(), *first.events]).private
    assert not replay([*_opening(), *first.events, *by("bob", SHOW, first.incident).events]).private


def _opening() -> list[Event]:
    return list(open_incident(opening(), now=NOW).events)
