"""Takes the graphs that are due: claims a look, asks Prometheus without a transaction, keeps what came of it.

Its own thread, one look at a time: however slow or hostile a Prometheus is, pages go out. What went wrong for a while
is tried again a few times; then the look says why there is nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from incident_bot.core.impact import Window, window_of
from incident_bot.core.model import Episode, Incident
from incident_bot.core.nearby import began
from incident_bot.core.timeline import one_line, redact
from incident_bot.flow.context import Context
from incident_bot.flow.graphs import beginning, changed
from incident_bot.flow.graphs.keeping import written
from incident_bot.flow.graphs.questions import Answers, Question, answered, questions
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.sight import load
from incident_bot.store import alerts, graphs, rooms
from incident_bot.store.graphs import Capture

LOOK_MOST: Final = timedelta(seconds=60)
"""After so long no further question of a look is put; the last one may take 20 seconds (`Client.call`)."""
LEASE: Final = timedelta(seconds=100)
"""Longer than a look takes. One that takes longer all the same is taken twice, and the first owner's is not kept."""
AGAIN: Final = (timedelta(seconds=15), timedelta(minutes=1), timedelta(minutes=4))
"""How long after a failure it is tried again."""
REST: Final = timedelta(seconds=5)
"""How long a Prometheus that did not answer is left alone."""
NOTHING: Final = "no alert comes from a source with prometheus_url, and its service has no sli"
_ERROR_MOST: Final = 500

log = structlog.get_logger(__name__)


class Taker:
    """Takes graphs; safe to have one in each process."""

    def __init__(self, context: Context, now: Callable[[], datetime]) -> None:
        """Take the wired parts and what reads the clock."""
        self._context = context
        self._now = now
        self._resting: dict[str, datetime] = {}
        """Until when a source's Prometheus is left alone: in a storm each look would wait for it anew."""

    def step(self) -> bool:
        """Take the next look that is due; says whether there was one."""
        if self._context.sealed:
            return False
        with self._context.store.write() as tx:
            capture = graphs.claim(tx, owner=self._context.owner, lease=LEASE, now=self._now())
        if capture is None:
            return False
        with self._context.store.read() as tx:
            incident = load(tx, capture.incident_id)
            episodes = alerts.episodes_of_incident(tx, capture.incident_id)
        begun = self._now()
        window = _window(incident, episodes, now=begun)
        asked = questions(self._context.live.current.revision, incident, episodes)
        resting = {name for name, until in self._resting.items() if until > begun}

        def over() -> bool:
            return self._now() - begun >= LOOK_MOST

        answers = answered(self._context.client, asked, window, resting=resting, over=over)
        self._context.wellbeing.note(answers.heard, now=self._now())
        self._resting |= dict.fromkeys(answers.unwell - resting, self._now() + REST)
        if capture.moment == "opened" and answers.found:
            changed.note(self._context, incident, episodes, over=over, now=self._now())
        self._settle(capture, asked, answers, episodes)
        self._context.signals.changed()
        return True

    def work(self, *, due: bool) -> bool:
        """Do a step where a look is due."""
        return due and self.step()

    def _settle(
        self, capture: Capture, asked: Sequence[Question], answers: Answers, episodes: Sequence[Episode]
    ) -> None:
        now = self._now()
        error = None if asked else NOTHING
        if answers.failures:
            error = one_line(redact("; ".join(answers.failures)))[:_ERROR_MOST]
        again = answers.passing and capture.attempts < len(AGAIN)
        with self._context.store.write() as tx:
            if again:
                wait = AGAIN[capture.attempts] * (0.5 + self._context.chance() / 2)
                graphs.later(tx, capture, owner=self._context.owner, due_at=now + wait, error=error or "")
            elif not answers.found:
                graphs.later(tx, capture, owner=self._context.owner, due_at=None, error=error or "")
            else:
                incident = load(tx, capture.incident_id, lock=True)
                kept = [written(answer) for answer in answers.found]
                if graphs.taken(tx, capture, kept, owner=self._context.owner, error=error, now=now):
                    ledger = Ledger(self._context, tx, now=now)
                    beginning.note(ledger, ledger.incident(incident), episodes, answers.found)
                    ledger.flush()
                    if self._context.slack is not None:
                        rooms.touch(tx, {incident.id: self._rank(incident)}, now=now)
        result = "again" if again else "taken" if answers.found else "failed"
        self._context.metrics.graphs.labels(result=result).inc()
        if answers.failures:
            log.warning("graphs could not be taken", incident=capture.incident_id, result=result, error=error)

    def _rank(self, incident: Incident) -> int:
        severity = self._context.live.current.revision.ladder.named(incident.severity)
        return severity.rank if severity else 0


def _window(incident: Incident, episodes: Sequence[Episode], *, now: datetime) -> Window:
    start = began(incident, episodes)
    return window_of(min(start, now), min(incident.resolved_at or now, now))
