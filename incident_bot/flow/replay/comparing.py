"""Sets a replay beside the pages that really went out in the same time. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from incident_bot.core.model import Person
from incident_bot.flow.replay.counting import by_alert, by_person, name_of, opened_between, together, told
from incident_bot.flow.replay.views import (
    AlertDifferenceView,
    ComparedView,
    DifferenceView,
    PersonView,
    ReplayView,
)
from incident_bot.store.engine import Store


def compared(view: ReplayView, kept: Store, people: Mapping[str, Person]) -> ReplayView:
    """Give the replay with what this database keeps of the same time, counted in the same way."""
    with kept.read() as tx:
        pages = told(tx, view.start, view.end)
        alerts_then = by_alert(tx, pages)
        incidents = sum(1 for _ in opened_between(tx, view.start, view.end))
    happened = by_person(pages, people)
    now, then = {one.person: one for one in view.people}, {one.person: one for one in happened}
    differences = [_difference(person, now.get(person), then.get(person), people) for person in {*now, *then}]
    return replace(
        view,
        happened=ComparedView(
            incidents=incidents,
            pages=len(pages),
            night_pages=sum(one.night_pages for one in happened),
            hours=together(happened),
            alerts=_alerts({one.alert: one.pages for one in view.noisiest if one.pages}, alerts_then),
            people=tuple(sorted(differences, key=lambda one: (-one.difference, one.person))),
        ),
    )


def _alerts(now: Mapping[str, int], then: Mapping[str, int]) -> tuple[AlertDifferenceView, ...]:
    views = [
        AlertDifferenceView(
            alert=name,
            pages=now.get(name, 0),
            happened=then.get(name, 0),
            difference=now.get(name, 0) - then.get(name, 0),
        )
        for name in {*now, *then}
    ]
    return tuple(sorted(views, key=lambda one: (-one.difference, -one.pages, one.alert)))


def _difference(
    person: str, now: PersonView | None, then: PersonView | None, people: Mapping[str, Person]
) -> DifferenceView:
    pages, happened = now.pages if now else 0, then.pages if then else 0
    nights, nights_then = now.night_pages if now else 0, then.night_pages if then else 0
    return DifferenceView(
        person=person,
        name=name_of(person, people),
        pages=pages,
        happened=happened,
        difference=pages - happened,
        night_difference=nights - nights_then,
    )
