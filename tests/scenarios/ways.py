"""What stories of many incidents have in common."""

from __future__ import annotations

from collections.abc import Sequence

from tests.fakes.alertmanager import Firing, body_of
from tests.plugins.story import Story


def burst(story: Story, count: int, *, first: int = 1, severities: Sequence[str] = ("critical",)) -> None:
    """Open so many incidents at once, of these severities in turn; what is due at once is done afterwards."""
    names = [f"Alert{number:04}" for number in range(first, first + count)]
    waiting = []
    for number, name in enumerate(names):
        labels = {"alertname": name, "severity": severities[number % len(severities)]}
        alert = Firing(labels=labels, annotations={}, starts_at=story.clock.now())
        waiting.append(story.application.intake.submit("alertmanager", body_of(name, [alert])))
    for future in waiting:
        future.result(timeout=60)
    story.pump()


def one_and_then(story: Story, count: int, *, severities: Sequence[str] = ("critical",)) -> None:
    """Open one incident, whose page goes out, and then the others at once."""
    burst(story, 1, severities=severities)
    burst(story, count - 1, first=2, severities=severities)
