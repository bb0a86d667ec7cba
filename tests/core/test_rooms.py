"""A room is brought nearer to what it should show, one call at a time, until it shows that."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import assert_never

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.model import Event, Incident, Kind, Progress
from incident_bot.core.rooms import (
    NAME_MOST,
    Action,
    AddBookmark,
    Archive,
    Bookmark,
    Create,
    Desired,
    Draw,
    EditBookmark,
    EditCard,
    Invite,
    Join,
    Kept,
    Leave,
    Leaving,
    Left,
    Pin,
    Place,
    PostCard,
    RemoveBookmark,
    SetPurpose,
    SetTopic,
    Shown,
    Tell,
    Telling,
    Trying,
    Unarchive,
    plan,
    room_name,
    telling,
    too_open,
)
from incident_bot.core.rooms.naming import slug

NOW = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
ROOM = Desired(
    place=Place.OWN,
    names=("inc-7-a", "inc-7-a-2"),
    topic="topic",
    purpose="purpose",
    bookmarks=(Bookmark("Incident", "https://x/1"),),
    card="digest",
    members=("U1", "U2"),
    upto=4,
)
DONE = Shown(
    channel="C1",
    name="inc-7-a",
    card_ts="1.0",
    card="digest",
    pinned=True,
    topic="topic",
    purpose="purpose",
    bookmarks={"Incident": Kept(id="Bk1", url="https://x/1")},
    members=frozenset({"U1", "U2"}),
    told=4,
    noted=4,
)


def incident(**changes: object) -> Incident:
    known = {
        "id": 7,
        "key": "k",
        "title": "High error rate (EU)",
        "severity": "P1",
        "peak": "P1",
        "team": "web",
        "service": "shop",
        "progress": Progress(started_at=NOW),
        "opened_at": NOW,
        "opened_by": "alertmanager",
    }
    return Incident(**{**known, **changes})  # type: ignore[arg-type] # a table of fields


@pytest.mark.parametrize(
    "template, title, name",
    [
        ("inc-{number}-{title}", "High error rate (EU)", "inc-7-high-error-rate-eu"),
        ("inc-{number}-{title}", "Ärger mit Straße", "inc-7-arger-mit-strasse"),
        ("inc-{number}-{title}", "<!channel> & co", "inc-7-channel-co"),
        ("inc-{number}-{title}", "ошибка", "inc-7-ошибка"),
        ("inc-{number}-{title}", "🔥🔥", "inc-7"),
        ("{title}", "Down", "inc-7-down"),
        ("{title}", "7", "7"),
        ("{service}_{severity}_{number}_{team}_{date}", "x", "shop_p1_7_web_20260303"),
        ("{nothing}-{number}", "x", "7"),
        ("Room {number}!", "x", "room-7"),
        ("inc-17-{title}", "x", "inc-7-inc-17-x"),
    ],
)
def test_a_name_is_readable_and_has_the_number(template: str, title: str, name: str) -> None:
    assert room_name(template, incident(title=title)) == name


def test_another_attempt_is_another_name() -> None:
    long = incident(title="x" * 200)
    names = [room_name("inc-{number}-{title}", long, attempt=attempt) for attempt in (1, 2, 12)]
    assert len(set(names)) == 3
    assert all(len(name) <= NAME_MOST for name in names)
    assert names[1].endswith("-2")


@given(title=st.text(max_size=200), service=st.text(max_size=20), attempt=st.integers(1, 99))
def test_every_name_is_one_that_slack_takes(title: str, service: str, attempt: int) -> None:
    name = room_name(
        "inc-{number}-{service}-{title}", incident(title=title, service=service), attempt=attempt
    )
    assert 1 <= len(name) <= NAME_MOST
    assert name == name.lower()
    assert not re.search(r"[\s.,;:!?'\"#@/\\<>&()]", name)
    assert "7" in name


def test_a_slug_of_nothing_is_nothing() -> None:
    assert slug(" -- ") == ""


def event(kind: Kind, **data: str) -> Event:
    return Event(kind=kind, actor="ana", source="slack", happened_at=NOW, data=data)


@pytest.mark.parametrize(
    "kind, expected",
    [
        (Kind.ACKNOWLEDGED, Telling.LOUD),
        (Kind.UPDATE_POSTED, Telling.LOUD),
        (Kind.ALERT_ATTACHED, Telling.QUIET),
        (Kind.PAGE_SENT, Telling.QUIET),
        (Kind.OPENED, Telling.SILENT),
        (Kind.PAGE_PLANNED, Telling.SILENT),
    ],
)
def test_how_loudly_an_entry_is_told(kind: Kind, expected: Telling) -> None:
    assert telling(event(kind), room="C1") is expected


def test_what_was_said_in_the_room_is_not_said_there_again() -> None:
    note = event(Kind.NOTE, heard="C1/1.0")
    assert telling(note, room="C1") is Telling.SILENT
    assert telling(note, room="C2") is Telling.QUIET
    assert telling(note, room=None) is Telling.QUIET


@pytest.mark.parametrize(
    "shown",
    [
        Shown(),
        replace(DONE, trying=Trying(key="k", since=NOW), archived=True, put_away=True, converted=True),
        replace(DONE, place=Place.THREAD, attempts=3),
    ],
)
def test_what_is_shown_survives_the_database(shown: Shown) -> None:
    assert Shown.from_json(shown.to_json()) == shown


def test_what_is_not_there_is_as_in_a_new_room() -> None:
    assert Shown.from_json({}) == Shown()
    assert Shown.from_json({"bookmarks": {"x": 1}, "members": 3, "told": "x"}) == Shown()


def test_a_thread_is_named_by_its_card() -> None:
    assert replace(DONE, place=Place.THREAD).thread == "1.0"
    assert DONE.thread is None


@pytest.mark.parametrize(
    "desired, shown, expected",
    [
        (ROOM, Shown(), Create("inc-7-a", False)),
        (replace(ROOM, private=True), Shown(attempts=1), Create("inc-7-a-2", True)),
        (ROOM, Shown(attempts=9), Create("inc-7-a-2", False)),
        (replace(ROOM, place=Place.THREAD, channel="#web"), Shown(), Join("#web")),
        (replace(ROOM, place=Place.THREAD), Shown(), Join("")),
        (ROOM, replace(DONE, place=Place.THREAD), Create("inc-7-a", False)),
        (ROOM, replace(DONE, archived=True, put_away=True), Unarchive()),
        (ROOM, replace(DONE, archived=True), None),
        (replace(ROOM, open=False), replace(DONE, archived=True, put_away=True), None),
        (ROOM, Shown(channel="C1"), PostCard()),
        (ROOM, replace(DONE, members=frozenset({"U2"})), Invite(("U1",))),
        (ROOM, replace(DONE, told=2), Tell(2, 4, aloud=True)),
        (ROOM, replace(DONE, card="old"), EditCard()),
        (ROOM, replace(DONE, noted=1), Tell(1, 4, aloud=False)),
        (ROOM, replace(DONE, pinned=False), Pin()),
        (ROOM, replace(DONE, topic="old"), SetTopic("topic")),
        (ROOM, replace(DONE, purpose="old"), SetPurpose("purpose")),
        (ROOM, replace(DONE, purpose="old", converted=True), None),
        (ROOM, replace(DONE, bookmarks={}), AddBookmark(ROOM.bookmarks[0])),
        (ROOM, replace(DONE, bookmarks={"Old": Kept(id="Bk9", url="u")}), RemoveBookmark("Bk9", "Old")),
        (
            ROOM,
            replace(DONE, bookmarks={"Incident": Kept(id="Bk1", url="https://x/0")}),
            EditBookmark("Bk1", ROOM.bookmarks[0]),
        ),
        (ROOM, DONE, None),
        (replace(ROOM, drawn=4), replace(DONE, drawn=2), Draw(2, 4)),
        (replace(ROOM, open=False, archive_at=NOW), DONE, Archive()),
        (replace(ROOM, archive_at=NOW), DONE, None),
        (replace(ROOM, open=False, archive_at=NOW + timedelta(seconds=1)), DONE, None),
        (replace(ROOM, open=False, archive_at=NOW), replace(DONE, converted=True), None),
        (
            replace(ROOM, place=Place.THREAD, open=False, archive_at=NOW),
            replace(DONE, place=Place.THREAD, pinned=False, topic="", members=frozenset()),
            None,
        ),
    ],
)
def test_the_next_call(desired: Desired, shown: Shown, expected: Action | None) -> None:
    assert plan(desired, shown, now=NOW) == expected


HIDDEN = replace(ROOM, private=True, hidden=True)
OLD = Left(channel="C0", thread="1.0", steps=tuple(Leaving))


@pytest.mark.parametrize(
    "shown, expected",
    [
        (DONE, Create("inc-7-a", True)),
        (replace(DONE, converted=True), Create("inc-7-a", True)),
        (replace(DONE, place=Place.THREAD), Create("inc-7-a", True)),
        (replace(DONE, archived=True), None),
        (replace(DONE, archived=True, put_away=True), Unarchive()),
        (replace(DONE, secret=True), None),
        (Shown(), Create("inc-7-a", True)),
        (Shown(channel="C1", secret=True, left=OLD), PostCard()),
        (replace(DONE, secret=True, left=OLD, members=frozenset()), Invite(("U1", "U2"))),
        (replace(DONE, secret=True, left=OLD, told=0), Leave(Leaving.ERASE)),
        (replace(DONE, secret=True, left=OLD.after(Leaving.ERASE)), Leave(Leaving.TOPIC)),
    ],
)
def test_what_was_made_private_leaves_its_room(shown: Shown, expected: Action | None) -> None:
    assert plan(HIDDEN, shown, now=NOW) == expected


def test_what_was_private_from_the_beginning_stays_where_it_is() -> None:
    assert plan(replace(ROOM, private=True), DONE, now=NOW) is None


def test_what_is_done_in_a_place_that_is_left() -> None:
    assert Left.of(Shown()) is None
    assert Left.of(DONE) == Left(channel="C1", thread="1.0", steps=tuple(Leaving))
    ours = {Leaving.PURPOSE, Leaving.NAME, Leaving.ARCHIVE}
    of_people = Left.of(replace(DONE, converted=True))
    assert of_people is not None
    assert ours.isdisjoint(of_people.steps)
    thread = Left.of(replace(DONE, place=Place.THREAD))
    assert thread == Left(channel="C1", thread="1.0", steps=(Leaving.ERASE,))
    assert thread.after(Leaving.ERASE) is None


@pytest.mark.parametrize("left", [None, OLD, replace(OLD, thread=None)])
def test_what_is_left_is_written_and_read(left: Left | None) -> None:
    shown = replace(DONE, secret=True, left=left)
    assert Shown.from_json(shown.to_json()) == shown
    assert Shown.from_json({"left": {"channel": "C0", "steps": 3}}).left is None
    assert Shown.from_json({"left": {"channel": "C0", "steps": []}}).left is None


def done(action: Action, shown: Shown, desired: Desired) -> Shown:  # noqa: C901 -- a line for each
    match action:
        case Create():
            gone = Left.of(shown) if too_open(desired, shown) else shown.left
            return Shown(channel="C1", secret=action.private, left=gone)
        case Leave():
            assert shown.left is not None
            return replace(shown, left=shown.left.after(action.step))
        case Join():
            return Shown(channel="C2", place=Place.THREAD)
        case Unarchive():
            return replace(shown, archived=False, put_away=False)
        case PostCard():
            return replace(shown, card_ts="1.0", card=desired.card)
        case EditCard():
            return replace(shown, card=desired.card)
        case Pin():
            return replace(shown, pinned=True)
        case Invite():
            return replace(shown, members=shown.members | set(action.users))
        case SetTopic():
            return replace(shown, topic=action.text)
        case SetPurpose():
            return replace(shown, purpose=action.text)
        case AddBookmark() | EditBookmark():
            kept = Kept(id="Bk", url=action.bookmark.url)
            return replace(shown, bookmarks={**shown.bookmarks, action.bookmark.title: kept})
        case RemoveBookmark():
            left = {title: kept for title, kept in shown.bookmarks.items() if title != action.title}
            return replace(shown, bookmarks=left)
        case Tell():
            return replace(shown, told=action.upto) if action.aloud else replace(shown, noted=action.upto)
        case Draw():
            return replace(shown, drawn=action.upto, files=(*shown.files, "F1"))
        case Archive():
            return replace(shown, archived=True, put_away=True)
        case _:
            assert_never(action)


texts = st.sampled_from(["", "a", "b"])
wanted = st.builds(
    Desired,
    place=st.sampled_from(Place),
    names=st.just(("n",)),
    channel=st.just("#web"),
    private=st.booleans(),
    topic=texts,
    purpose=texts,
    bookmarks=st.lists(st.builds(Bookmark, texts, texts), max_size=3, unique_by=lambda one: one.title).map(
        tuple
    ),
    card=texts,
    members=st.lists(st.integers(0, 300).map(str), max_size=250, unique=True).map(tuple),
    upto=st.integers(0, 9),
    drawn=st.integers(0, 9),
    open=st.booleans(),
    archive_at=st.sampled_from([None, NOW, NOW + timedelta(days=1)]),
    hidden=st.booleans(),
).map(lambda one: replace(one, private=one.private or one.hidden))


@given(first=wanted, second=wanted)
def test_a_room_comes_to_rest_and_shows_what_it_should(first: Desired, second: Desired) -> None:
    shown, calls = Shown(), 0
    for desired in (first, second):
        while (action := plan(desired, shown, now=NOW)) is not None:
            shown = done(action, shown, desired)
            calls += 1
            assert calls < 60, "it goes round in circles"
    assert not too_open(second, shown)
    if not shown.archived:
        assert shown.left is None
        assert shown.card == second.card
        assert min(shown.told, shown.noted) >= second.upto or second.upto <= max(first.upto, second.upto)
        if second.place is Place.OWN and shown.place is Place.OWN:
            assert (shown.topic, set(second.members) - shown.members) == (second.topic, set())
            assert {title: kept.url for title, kept in shown.bookmarks.items()} == {
                mark.title: mark.url for mark in second.bookmarks
            }
