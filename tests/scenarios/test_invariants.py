"""Whatever happens in whatever order: the invariants of semantics, section 5, hold after every single thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incident_bot.core.effects import TimerKind
from incident_bot.core.errors import Refused
from incident_bot.flow.views import IncidentView
from incident_bot.notifiers.base import GiveUp, GiveUpReason, RetryLater
from incident_bot.store import incidents, timers
from tests.plugins.story import Story
from tests.plugins.story_files import documents

Step = Callable[[Story], object]
NAMES = ("One", "Two")
FILES = documents(
    repeat="{P1: 1}",
    notify="{high: [{by: slack}, {by: sms, after: 2m}], low: [{by: slack}]}",
    routes="[{match: ['severity=\"info\"'], delay: 10m}]",
)


def fires(name: str, severity: str) -> Step:
    return lambda story: story.fires(alertname=name, severity=severity)


def resolves(name: str, severity: str) -> Step:
    def step(story: Story) -> None:
        labels = {"alertname": name, "severity": severity}
        if any(labels.items() <= alert.labels.items() for alert in story.alertmanager.active()):
            story.resolves(**labels)

    return step


def comes_again_late(name: str, severity: str) -> Step:
    """A copy of what ended some time ago, with the start that it had then."""

    def step(story: Story) -> None:
        labels = {"alertname": name, "severity": severity}
        ended = [one for one in story.alerts() if labels.items() <= one.labels.items()]
        if ended and not any(labels.items() <= one.labels.items() for one in story.alertmanager.active()):
            story.fires(since=ended[0].starts_at, alertname=name, severity=severity)

    return step


def says(text: str, by: str) -> Step:
    def step(story: Story) -> None:
        number = story.newest()
        if number is not None:
            with suppress(Refused):
                story.says(text, by=by)

    return step


def passes(minutes: float) -> Step:
    return lambda story: story.advance(minutes=minutes)


def is_down(minutes: float) -> Step:
    def step(story: Story) -> None:
        story.sleep_through(minutes=minutes)
        story.pump()

    return step


def provider_fails(problem: Exception, times: int) -> Step:
    return lambda story: story.slack.fails.extend([problem] * times)


COMMANDS = (
    "ack", "unack", "snooze 20m", "escalate", "sev P1", "sev P3", "lead me", "update x", "page @dan", "reopen",
    "resolve because", "resolve", "cancel no", "status mitigating",
)  # fmt: skip
PROBLEMS = (RetryLater("busy"), GiveUp(GiveUpReason.ADDRESS, "gone"), KeyError("a bug"))
SEVERITIES = st.sampled_from(["critical", "warning", "info"])
MINUTES = st.sampled_from([0.5, 1, 2, 5, 15, 31, 100])
FIRES = st.builds(fires, st.sampled_from(NAMES), SEVERITIES)
PASSES = st.builds(passes, MINUTES)
STEPS: st.SearchStrategy[Step] = st.one_of(
    FIRES,
    FIRES,
    st.builds(resolves, st.sampled_from(NAMES), SEVERITIES),
    st.builds(comes_again_late, st.sampled_from(NAMES), SEVERITIES),
    st.builds(says, st.sampled_from(COMMANDS), st.sampled_from(["ana", "ben"])),
    PASSES,
    PASSES,
    st.builds(is_down, MINUTES),
    st.builds(provider_fails, st.sampled_from(PROBLEMS), st.integers(1, 3)),
)


@given(steps=st.lists(STEPS, min_size=6, max_size=25))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_they_hold_after_every_step(steps: list[Step]) -> None:
    with TemporaryDirectory() as folder:
        story = Story(Path(folder), "sqlite://", FILES)
        try:
            epochs: dict[str, int] = {}
            for step in steps:
                step(story)
                for incident in story.incidents():
                    holds(story, story.incident(incident.number), epochs)
                assert_no_page_twice(story)
                assert_every_alert_has_its_place(story)
        finally:
            story.close()


def holds(story: Story, incident: IncidentView, epochs: dict[str, int]) -> None:
    assert incident.epoch >= epochs.get(incident.id, 0), "P6: the epoch only grows"
    epochs[incident.id] = incident.epoch
    with story.context.store.read() as tx:
        assert incidents.verify_chain(tx, incident.number) is None, "P14: the timeline is chained"
        waiting = {timer.kind: timer for timer in timers.timers_of(tx, incident.number)}
    step = waiting.get(TimerKind.STEP)
    if incident.escalation == "triggered":
        assert incident.next_step_at is not None, "nobody would ever be paged again"
        assert incident.next_step_at > story.clock.now()
        assert step is not None, "P2: what is due next has a timer"
        assert (step.due_at, step.epoch) == (incident.next_step_at, incident.epoch)
    else:
        assert step is None, "P3: nothing of the escalation falls due"
        pending = [page for page in story.pages(incident.number) if page.state == "pending"]
        assert all(page.step == "direct" for page in pending)
        assert not pending or incident.escalation != "resolved"
    if incident.escalation == "snoozed":
        over = [waiting[kind].due_at for kind in (TimerKind.SNOOZE, TimerKind.HOLD) if kind in waiting]
        assert over, "a snooze ends"
    was_reopened_by_hand = any(
        entry.kind == "reopened" and entry.actor in ("ana", "ben")
        for entry in story.timeline(incident.number)
    )
    if incident.escalation in ("triggered", "acknowledged", "snoozed") and not incident.firing:
        # P15: the hold is running, or it was offered to somebody who leads.
        offered = "resolve_offered" in story.kinds(incident.number)
        assert TimerKind.HOLD in waiting or TimerKind.SNOOZE in waiting or offered or was_reopened_by_hand
    for page in story.pages(incident.number):
        assert page.state != "sending", "everything that was begun is settled"
        assert page.epoch <= incident.epoch


def assert_no_page_twice(story: Story) -> None:
    keys = Counter(heard.message.key for heard in story.taken("page"))
    assert set(keys.values()) <= {1}, "P4: at most one page of one step by one channel"


def assert_every_alert_has_its_place(story: Story) -> None:
    for alert in story.alerts():
        assert (alert.incident is None) == (alert.reason is not None), "P1: an incident, or a reason"
        if alert.disposition == "held" and alert.status == "firing":
            assert alert.opened_at + timedelta(minutes=10) > story.clock.now()
    firing = {alert.fingerprint for alert in story.alerts() if alert.status == "firing"}
    held = {alert.fingerprint for alert in story.alerts() if "held_refire" in alert.flags}
    there = {alert.fingerprint for alert in story.alertmanager.active()}
    assert firing | held == there | (firing & held)
