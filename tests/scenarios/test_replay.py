"""A replay pages whom the live pipeline paged, at the same minutes: it is the same pipeline on a clock that jumps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from incident_bot import bootstrap
from incident_bot.clock import ManualClock
from incident_bot.core.oncall import Cover
from incident_bot.flow import interventions
from incident_bot.flow.replay import Heard, Recorded, bring, compared, replayed, run, stored
from incident_bot.flow.replay.views import ReplayView
from incident_bot.store.interventions import add_override
from tests.fakes.alertmanager import body_of
from tests.plugins.story import Story
from tests.scenarios.corpus_world import index, recorded

Tell = Callable[..., Story]


class Tape:
    """Records what a story delivers, and plays it to another application."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.deliveries: list[Recorded] = []

    def took(self) -> None:
        source, body = self.story._last
        place = f"delivery {len(self.deliveries) + 1}"
        self.deliveries.append(Recorded(at=self.story.clock.now(), source=source, body=body, place=place))

    def played(self, *, minutes: float, ack_after: timedelta | None = None, live: bool = False) -> ReplayView:
        story, heard = self.story, Heard()
        end = story.start + timedelta(minutes=minutes)
        clock = ManualClock(self.deliveries[0].at)
        with bootstrap.rehearsal(story.context.settings, clock=clock, heard=heard) as application:
            if live:
                bring(application.context, story.context.store, start=clock.now())
            skipped = run(
                application.context, application.intake, self.deliveries,
                clock=clock, heard=heard, until=end, ack_after=ack_after,
            )  # fmt: skip
            view = replayed(
                application.context, start=self.deliveries[0].at, end=end,
                deliveries=len(self.deliveries) - len(skipped), skipped=skipped,
            )  # fmt: skip
            people = application.context.live.current.revision.people
            return compared(view, story.context.store, people)


def minutes_of(story: Story, view: ReplayView) -> list[tuple[str, float]]:
    return sorted(((page.person, story.minute(page.at)) for page in view.paged), key=lambda one: one[::-1])


def test_the_same_people_at_the_same_minutes(story: Story) -> None:
    tape = Tape(story)
    story.fires(severity="critical")
    tape.took()
    story.advance(minutes=20)
    story.fires(alertname="DiskFull", severity="warning")
    tape.took()
    story.advance(minutes=40)
    story.resolves(severity="critical")
    tape.took()
    story.advance(minutes=60)
    view = tape.played(minutes=120)
    assert story.paged()
    assert minutes_of(story, view) == story.paged()
    assert view.happened is not None
    assert view.happened.pages == view.pages
    assert {one.difference for one in view.happened.people} == {0}
    alerts = {one.alert: (one.pages, one.difference) for one in view.happened.alerts}
    assert alerts == {one.alert: (one.pages, 0) for one in view.noisiest}
    ana = next(one for one in view.people if one.person == "ana")
    # 03:00 UTC is 04:00 in Berlin.
    assert (ana.night_pages, ana.hours[4], view.hours[4]) == (1, 1, view.hours[4])
    assert [one.alert for one in view.noisiest] == ["HighErrorRate", "DiskFull"]


def test_the_recorded_corpus_ends_with_the_same_pages(tell: Tell) -> None:
    sources = "\n".join(f"  - {{name: {one['scenario']}, kind: alertmanager}}" for one in index())
    story = tell(start=recorded()[0].at, sources=sources)
    tape = Tape(story)
    for one in recorded():
        if one.at > story.clock.now():
            story.until(one.at)
        story.deliver(one.body, source=one.scenario)
        tape.took()
    story.advance(minutes=30)
    assert len(story.paged()) > 20
    end = story.minute(story.clock.now()) + 0.001
    assert minutes_of(story, tape.played(minutes=end)) == story.paged()


def test_whoever_is_paged_acknowledges(story: Story) -> None:
    tape = Tape(story)
    story.fires(severity="critical")
    tape.took()
    nobody, soon = tape.played(minutes=60), tape.played(minutes=60, ack_after=timedelta(minutes=5))
    assert {page.person for page in nobody.paged} >= {"ana", "ben", "cleo"}
    assert minutes_of(story, soon) == [("ana", 0)]


@pytest.mark.parametrize("after, people", [(3, {"ana"}), (5, {"ana"}), (20, {"ana", "ben", "cleo"})])
def test_whoever_is_asked_answers_as_late(tell: Tell, after: int, people: set[str]) -> None:
    story = tell(ack_timeout="{high: 30m}")
    tape = Tape(story)
    story.fires(severity="critical")
    tape.took()
    view = tape.played(minutes=90, ack_after=timedelta(minutes=after))
    assert any(page.step == "ask" for page in view.paged)
    assert {page.person for page in view.paged} == people


def test_overrides_and_windows_made_at_run_time_count(story: Story) -> None:
    tape = Tape(story)
    story.fires(severity="critical")
    tape.took()
    hour = timedelta(hours=1)
    with story.context.store.write() as tx:
        change = Cover(start=story.start - hour, end=story.start + hour, people=("dan",), reason="swap")
        add_override(tx, "web", change, by="ana", now=story.start)
    assert tape.played(minutes=1, live=True).people[0].person == "dan"
    assert tape.played(minutes=1).people[0].person == "ana"
    interventions.add_maintenance(
        story.context, matchers=['alertname="HighErrorRate"'], start=story.start, end=story.start + hour,
        reason="works", actor="ana", now=story.start,
    )  # fmt: skip
    assert tape.played(minutes=30, live=True).pages == 0


def test_what_the_intake_refuses_is_left_out(story: Story) -> None:
    tape = Tape(story)
    bad: Sequence[tuple[str, bytes]] = (
        ("alertmanager", b'{"version": "4"}'),
        ("nobody", body_of("A", [])),
        ("alertmanager", b'{"version": NaN}'),
    )
    for source, body in bad:
        tape.deliveries.append(Recorded(at=story.start, source=source, body=body, place=source))
    story.fires(severity="critical")
    tape.took()
    view = tape.played(minutes=1)
    assert (view.deliveries, view.pages) == (1, 1)
    assert [one.reason for one in view.skipped] == [
        "$.receiver: expected text",
        "the source 'nobody' is not configured; configured: alertmanager",
        "$: not JSON",
    ]


def test_nothing_outside_is_asked(tell: Tell) -> None:
    # Nobody listens there: an attempt would be logged, and a reconciler would come back each minute.
    story = tell(sources='  - {name: alertmanager, kind: alertmanager, api_url: "http://127.0.0.1:9"}')
    tape = Tape(story)
    story.fires(severity="critical")
    tape.took()
    story.resolves(severity="critical")
    tape.took()
    story.fires(severity="critical", since=story.start)
    tape.took()
    assert tape.played(minutes=10).pages


def test_what_the_database_keeps_is_replayed(story: Story) -> None:
    tape = Tape(story)
    story.fires(severity="critical")
    story.advance(minutes=20)
    story.resolves(severity="critical")
    story.advance(minutes=10)
    hour = timedelta(hours=1)
    tape.deliveries = list(stored(story.context.store, start=story.start, end=story.start + hour))
    assert [story.minute(one.at) for one in tape.deliveries] == [0, 20]
    assert minutes_of(story, tape.played(minutes=30)) == story.paged()
    assert not list(stored(story.context.store, start=story.start + hour, end=story.start + 2 * hour))
