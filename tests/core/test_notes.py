"""Notes that came from a chat: edits and retractions are events, and readers see the newest text."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.errors import NotAllowed, Refused
from incident_bot.core.incident import AddNote, Again, Command, Decision, EditNote, RetractNote, undo
from incident_bot.core.incident.notes import may_correct, standing
from incident_bot.core.model import Event, JsonObject, Kind
from incident_bot.core.timeline import describe, entries, revised
from tests.core.incident_world import NOW, by, opened

NAMES = {"alice": "Alice Example", "bob": "Bob Example"}
HEARD = "C0ROOM/1795287054.338956"


def event(kind: Kind, seq: int, data: JsonObject | None = None, *, actor: str = "alice") -> Event:
    return Event(
        kind=kind,
        actor=actor,
        source="slack",
        happened_at=NOW + timedelta(minutes=seq),
        data=data or {},
        seq=seq,
    )


def note(seq: int, text: str, **more: object) -> Event:
    return event(Kind.NOTE, seq, {"text": text, **more})  # type: ignore[dict-item]  # JSON in each test


def edited(seq: int, of: int, text: str, was: str) -> Event:
    return event(Kind.NOTE_EDITED, seq, {"of": of, "text": text, "was": was})


def retracted(seq: int, of: int) -> Event:
    return event(
        Kind.NOTE_RETRACTED,
        seq,
        {"of": of, "reason": "the message was deleted", "author": "alice"},
        actor="bob",
    )


def decided(command: Command, *, actor: str = "alice") -> Decision:
    return by(actor, command, opened())


def test_a_message_becomes_a_note_at_its_own_time() -> None:
    (made,) = decided(
        AddNote(
            text=" it began at noon ",
            happened_at=NOW - timedelta(hours=1),
            heard=HEARD,
            pinned_by="bob",
            files=("graph.png",),
        )
    ).events
    assert (made.kind, made.happened_at, made.actor) == (Kind.NOTE, NOW - timedelta(hours=1), "alice")
    assert made.data == {
        "text": "it began at noon",
        "heard": HEARD,
        "pinned_by": "bob",
        "files": ["graph.png"],
    }
    assert describe(made, NAMES) == (
        "Alice Example noted: it began at noon; graph.png (put here by Bob Example)"
    )


def test_a_plain_note_holds_nothing_more() -> None:
    (made,) = decided(AddNote(text="x")).events
    assert made.data == {"text": "x"}


@pytest.mark.parametrize("heard", [None, HEARD])
def test_an_edit_says_what_it_was(heard: str | None) -> None:
    (made,) = decided(EditNote(note=3, text="at one", was="at noon", heard=heard)).events
    assert made.kind is Kind.NOTE_EDITED
    assert made.data == {"of": 3, "text": "at one", "was": "at noon", **({"heard": heard} if heard else {})}
    assert describe(made, NAMES) == "Alice Example edited a note: at one (it was: at noon)"


def test_an_edit_that_changes_nothing_is_none() -> None:
    decision = decided(EditNote(note=3, text="same", was="same"))
    assert decision.events == ()
    assert "nothing changed" in decision.said


@pytest.mark.parametrize("author", [None, "alice"])
def test_a_retraction_names_who_and_why(author: str | None) -> None:
    command = RetractNote(note=3, reason="nobody has it pinned", author=author, heard=HEARD)
    (made,) = decided(command, actor="bob").events
    assert made.kind is Kind.NOTE_RETRACTED
    assert made.data["of"] == 3
    of = "Alice Example" if author else "somebody"
    assert describe(made, NAMES) == f"A note of {of} was taken back by Bob Example: nobody has it pinned"


def test_a_note_stands_as_it_reads_now() -> None:
    told = [note(1, "a", pinned_by="bob"), note(2, "b"), edited(3, 1, "a2", "a"), edited(4, 2, "b2", "b")]
    found = standing(told, opened(), 1)
    assert (found.text, found.author, found.brought_by) == ("a2", "alice", "bob")
    assert standing(told[:2], opened(), 2).text == "b"


@pytest.mark.parametrize(
    "seq, told, wanted",
    [
        (7, [note(1, "a")], "is no note"),
        (2, [note(1, "a"), edited(2, 1, "b", "a")], "is no note"),
        (1, [note(1, "a"), retracted(2, 1)], "is taken back"),
        (
            1,
            [note(1, "a"), event(Kind.TAKEN_BACK, 2, {"of": 1, "kind": "note", "what": "a note"})],
            "is taken back",
        ),
    ],
)
def test_what_is_no_note_any_more_cannot_be_corrected(seq: int, told: list[Event], wanted: str) -> None:
    with pytest.raises(Refused, match=wanted):
        standing(told, opened(), seq)


def test_only_those_at_work_correct_a_note() -> None:
    found = standing([note(1, "a", pinned_by="bob")], opened(), 1)
    led = replace(opened(), lead="carol")
    for actor in ("alice", "bob", "carol", "dora"):
        may_correct(found, led, actor=actor, managers=("dora", None))
    with pytest.raises(NotAllowed, match="whoever wrote it"):
        may_correct(found, led, actor="mallory", managers=("dora", None))


def test_an_edit_is_undone_by_what_it_was_before() -> None:
    told = [note(1, "a"), edited(2, 1, "b", "a")]
    at = NOW + timedelta(minutes=2)
    assert undo(told, opened(), actor="alice", now=at) == Again(verb="edit", rest="1 a")
    heard = [note(1, "a"), event(Kind.NOTE_EDITED, 2, {"of": 1, "text": "b", "was": "a", "heard": HEARD})]
    with pytest.raises(Refused, match="edit the message there"):
        undo(heard, opened(), actor="alice", now=at)


def test_without_revisions_the_events_stay_as_they_are() -> None:
    events = [note(1, "a"), note(2, "b")]
    assert revised(events) == events


def test_readers_see_the_newest_text() -> None:
    events = [note(1, "a"), note(2, "b"), edited(3, 1, "a2", "a"), edited(4, 1, "a3", "a2")]
    first, second, *_ = revised(events)
    assert describe(first, NAMES) == "Alice Example noted: a3 (edited)"
    assert describe(second, NAMES) == "Alice Example noted: b"


def test_what_was_taken_back_is_marked() -> None:
    first, *_ = revised([note(1, "a"), edited(2, 1, "a2", "a"), retracted(3, 1)])
    assert describe(first, NAMES) == "Taken back: Alice Example noted: a2 (edited)"


def test_a_page_of_the_timeline_is_read_with_the_revisions_behind_it() -> None:
    (first,) = revised([note(1, "a")], [retracted(9, 1)])
    assert first.data["retracted"] is True
    assert first.seq == 1


def test_a_revision_of_something_else_changes_nothing() -> None:
    other = event(Kind.PHASE_CHANGED, 1, {"phase": "mitigating"})
    assert revised([other, edited(2, 1, "x", "y")])[0] == other


def test_a_revision_without_a_text_still_marks_nothing() -> None:
    (first, _) = revised([note(1, "a"), event(Kind.NOTE_EDITED, 2, {"of": 1})])
    assert first.data == {"text": "a"}


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.text(max_size=5)), max_size=12))
def test_the_last_revision_decides_and_nothing_is_lost(changes: list[tuple[int, bool, str]]) -> None:
    notes = [note(seq, f"n{seq}") for seq in (1, 2, 3)]
    more = [
        edited(4 + at, of, text, "") if is_edit else retracted(4 + at, of)
        for at, (of, is_edit, text) in enumerate(changes)
    ]
    told = entries([*notes, *more], NAMES)
    assert [one.seq for one in told] == list(range(1, 4 + len(changes)))
    for seq in (1, 2, 3):
        own = [(is_edit, text) for of, is_edit, text in changes if of == seq]
        assert bool(told[seq - 1].data.get("retracted")) == bool(own and not own[-1][0])
