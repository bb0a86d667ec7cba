"""`publish` and `unpublish`: only people put an incident on the status page, and private ones and drills never are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from incident_bot.core.errors import Refused
from incident_bot.core.incident import Command, Decision, PostUpdate, Publish, Unpublish, decide, evolve, undo
from incident_bot.core.model import ComponentState, Incident, Kind, Public
from tests.core.incident_world import MINUTE, NOW, RULES, acknowledged, opened, resolved


def does(incident: Incident, command: Command, *, by: str = "ana") -> Decision:
    return decide(command, incident, actor=by, source="test", rules=RULES, now=NOW)


def message(**changes: Any) -> Publish:
    usual = Publish(
        title="Checkout: some payments fail",
        text="One payment in ten fails.",
        components=("checkout",),
        state=ComponentState.PARTIAL_OUTAGE,
        next_update_at=NOW + 30 * MINUTE,
        names=("Checkout",),
    )
    return replace(usual, **changes)


def test_publishing_puts_it_on_the_page_and_is_a_promise() -> None:
    decision = does(acknowledged(), message())
    assert [event.kind for event in decision.events] == [Kind.PUBLISHED]
    assert decision.events[0].data["text"] == "One payment in ten fails."
    assert decision.incident.public == Public(
        title="Checkout: some payments fail",
        components=("checkout",),
        state=ComponentState.PARTIAL_OUTAGE,
        since=NOW,
    )
    assert decision.incident.next_update_at == NOW + 30 * MINUTE
    assert decision.incident.reminders.promised_by == "ana"
    assert decision.incident.updated_by_people
    assert decision.said.endswith(
        "is on the status page: Checkout: some payments fail. `unpublish` takes it off."
    )


def test_published_again_it_stands_there_since_the_first_time() -> None:
    first = does(acknowledged(), message()).incident
    event = does(first, message(title="Other", next_update_at=None)).events[0]
    again = evolve(first, replace(event, happened_at=NOW + 5 * MINUTE))
    assert again.public is not None
    assert (again.public.title, again.public.since) == ("Other", NOW)
    assert again.next_update_at == NOW + 30 * MINUTE


def test_a_word_after_the_end_promises_nothing() -> None:
    public = Public(title="x", components=(), state=ComponentState.PARTIAL_OUTAGE, since=NOW)
    decision = does(replace(resolved(), public=public), message())
    assert decision.incident.next_update_at is None


def test_a_draft_shows_what_the_public_would_read_and_changes_nothing() -> None:
    decision = does(acknowledged(), message(confirmed=False, findings=("it names no component",)))
    assert [event.kind for event in decision.events] == [Kind.PUBLIC_DRAFTED]
    assert decision.incident.public is None
    assert decision.said == (
        "Not published yet. The public would read: “Checkout: some payments fail” (Checkout: partial outage): "
        "“One payment in ten fails.” Next update by 03:30 UTC. Look at this: it names no component. "
        "`publish yes` publishes it."
    )
    bare = does(acknowledged(), message(confirmed=False, next_update_at=None, names=()))
    assert "(no component: partial outage): “One payment in ten fails.” `publish yes`" in bare.said


REFUSED: Mapping[str, tuple[Callable[[], Incident], dict[str, Any], str]] = {
    "private": (lambda: replace(acknowledged(), private=True), {}, "is private and stays so"),
    "drill": (lambda: replace(acknowledged(), drill=True), {}, "drills are never on the status page"),
    "over": (resolved, {}, "is over and was not on the status page"),
    "a promise of the past": (
        acknowledged,
        {"next_update_at": NOW},
        "has passed; type `publish <text> next 30m`",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_never_published(case: str) -> None:
    make, changes, said = REFUSED[case]
    with pytest.raises(Refused, match=said):
        does(make(), message(**changes))


def test_unpublishing_takes_it_off_and_is_idempotent() -> None:
    public = does(acknowledged(), message()).incident
    off = does(public, Unpublish(reason="wrong one"))
    assert off.incident.public is None
    assert off.events[0].data == {"reason": "wrong one"}
    assert does(public, Unpublish()).events[0].data == {}
    again = does(off.incident, Unpublish())
    assert (again.events, again.said.endswith("is not on the status page; nothing changed.")) == ((), True)


def test_an_update_goes_to_the_page_where_the_incident_stands_there() -> None:
    public = does(acknowledged(), message()).incident
    told = does(public, PostUpdate(text="A fix is on its way.", public=True))
    assert told.events[0].data["public"] is True
    assert "goes to the channels and to the status page." in told.said
    kept = does(acknowledged(), PostUpdate(text="A fix is on its way.", public=True))
    assert "public" not in kept.events[0].data
    held = does(
        public, PostUpdate(text="db-3 is back", kept_back="Not on the status page: it names a machine.")
    )
    assert held.said.endswith(" Not on the status page: it names a machine.")


def test_what_the_public_has_read_cannot_be_undone() -> None:
    event = does(opened(), message()).events[0]
    with pytest.raises(Refused, match="`unpublish` takes it off the page"):
        undo([event], opened(), actor="ana", now=NOW)
