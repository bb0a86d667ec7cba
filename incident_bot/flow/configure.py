"""Keeps one configuration revision in force, and applies a new one whole or not at all.

A bad set changes nothing: the old revision stays, and health, metrics and the reload's answer show the problems.

Calendars that layers are fed from, and a country's holidays, are counted out so far ahead of the load. So the
revision in force is read again from its own texts once a week, and by every reload: its id stays, as they are equal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
import watchfiles

from incident_bot.config.loader import LookAhead, load, load_texts
from incident_bot.config.revision import PushChannel, Revision
from incident_bot.core.errors import BadConfiguration, Problem
from incident_bot.flow import standings
from incident_bot.flow.ways import Ways
from incident_bot.render.push import PushTemplates
from incident_bot.render.templates import Templates
from incident_bot.store import interventions
from incident_bot.store.engine import Store
from incident_bot.store.transaction import Unavailable
from incident_bot.telemetry import Metrics

WATCHED: Final = ("rotations", "runbooks", "templates")
DEBOUNCE_MILLISECONDS: Final = 400
AGAIN_SECONDS: Final = 1.0
FILES: Final = "the files"
"""Who changed something that nobody asked for: the files did."""
COUNTED_FOR: Final = timedelta(days=7)
"""How long what is counted out from the load's instant is left as it is."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """One revision in force, with its templates compiled."""

    revision: Revision
    templates: Templates
    activated_at: datetime
    ways: Ways


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What a reload did."""

    ok: bool
    changed: bool
    revision: str
    problems: tuple[str, ...]


def prepare(
    directory: Path, *, now: datetime, ahead: LookAhead = LookAhead.FEW, try_templates: bool = True
) -> Current:
    """Read and check a whole set; raises BadConfiguration with every problem.

    Each template is tried on a sample, which takes longer than all the rest: whoever writes nothing leaves it out.
    """
    revision = load(directory, now=now, ahead=ahead)
    templates = Templates(revision.templates)
    channels = revision.channels.values()
    pushes = [problem for one in channels for problem in _push_problems(one)]
    problems = (*(templates.problems() if try_templates else ()), *pushes)
    if any(problem.severity == "error" for problem in problems):
        raise BadConfiguration((*revision.problems, *problems))
    return Current(revision=revision, templates=templates, activated_at=now, ways=Ways(revision))


def _push_problems(channel: PushChannel) -> Iterable[Problem]:
    return PushTemplates(channel.body, channel.headers).problems(file=channel.file, line=channel.line)


class Live:
    """Holds the revision in force; reading it never waits for a reload."""

    def __init__(self, current: Current, *, directory: Path, store: Store, metrics: Metrics) -> None:
        """Start with a set that was already checked."""
        self._current = current
        self._directory = directory
        self._store = store
        self._metrics = metrics
        self._lock = threading.Lock()
        self._problems: tuple[Problem, ...] = ()
        self._counted_at = current.activated_at
        metrics.configuration_applied(current.activated_at)

    @property
    def current(self) -> Current:
        """The revision in force."""
        return self._current

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why the newest set on disk was refused; empty when it is the one in force."""
        return self._problems

    def record(self, *, now: datetime) -> None:
        """Store the revision in force, once, with its activation instant (R15)."""
        self._record(self._current, now=now)

    def _record(
        self, current: Current, *, before: Revision | None = None, by: str = FILES, now: datetime
    ) -> None:
        revision = current.revision
        roles = standings.changed(before, revision) if before is not None else None
        with self._store.write() as tx:
            interventions.save_revision(tx, revision.id, revision.digest, revision.documents, now=now)
            if roles is not None:
                was, are = roles
                data = {"revision": revision.id}
                interventions.record(tx, by, "access.changed", data, before=was, after=are, now=now)

    def reload(self, *, now: datetime, by: str = FILES) -> Reloaded:
        """Apply the set on disk whole; a bad one is refused whole and the old one stays.

        Whose roles it changes is in the audit, under whoever asked for it.
        """
        with self._lock:
            try:
                fresh = prepare(self._directory, now=now)
            except BadConfiguration as error:
                # What refuses the set stands before what is merely odd: the health page shows the first.
                self._problems = tuple(
                    sorted(error.problems, key=lambda problem: problem.severity != "error")
                )
                self._metrics.configuration_refused()
                lines = tuple(str(problem) for problem in error.problems)
                # The problems are the message; where our loader raised them is nobody's concern.
                log.error(  # noqa: TRY400
                    "configuration refused; the old one stays", problems=lines[:20], count=len(lines)
                )
                return Reloaded(ok=False, changed=False, revision=self._current.revision.id, problems=lines)
            self._problems = ()
            changed = fresh.revision.id != self._current.revision.id
            if changed:
                # Recorded first: what is in force is always on record (R15).
                self._record(fresh, before=self._current.revision, by=by, now=now)
                self._current = fresh
                log.info("configuration applied", revision=fresh.revision.id)
            else:
                self._current = replace(fresh, activated_at=self._current.activated_at)
            self._counted_at = now
            self._metrics.configuration_applied(now)
            warnings = tuple(str(problem) for problem in fresh.revision.problems)
            return Reloaded(ok=True, changed=changed, revision=fresh.revision.id, problems=warnings)

    def count_anew(self, *, now: datetime) -> bool:
        """Read the revision in force again where that was a week ago; say whether it was done.

        What depends on the instant of the load then reaches as far ahead as it should. The files on disk are not
        looked at. Where the texts are refused by now, what was counted out stays until a reload or the next week.
        """
        if now - self._counted_at < COUNTED_FOR or not self._lock.acquire(blocking=False):
            return False
        try:
            current = self._current
            self._counted_at = now
            fresh = load_texts(current.revision.documents, now=now)
            kept = replace(fresh, problems=current.revision.problems, notes=current.revision.notes)
            self._current = replace(current, revision=kept, ways=Ways(kept))
        except BadConfiguration as error:
            lines = [str(problem) for problem in error.problems]
            # The problems are the message, as in a reload.
            log.error("the calendars cannot be counted out anew", problems=lines[:20])  # noqa: TRY400
            return False
        finally:
            self._lock.release()
        log.info("calendars counted out anew", revision=current.revision.id)
        return True

    def watch(self, stop: threading.Event, clock_now: Callable[[], datetime]) -> None:
        """Reload whenever the directories change, until `stop` is set; directories, as editors replace files."""
        folders: Iterable[Path] = [
            self._directory / name for name in WATCHED if (self._directory / name).is_dir()
        ]
        changes = watchfiles.watch(
            *folders,
            stop_event=stop,
            debounce=DEBOUNCE_MILLISECONDS,
            rust_timeout=1000,
            raise_interrupt=False,
        )
        for _ in changes:
            self._reload_until_recorded(stop, clock_now)

    def _reload_until_recorded(self, stop: threading.Event, clock_now: Callable[[], datetime]) -> None:
        while not stop.is_set():
            try:
                self.reload(now=clock_now())
            except Unavailable as problem:
                log.warning("a configuration cannot be recorded; trying again", error=str(problem))
                stop.wait(AGAIN_SECONDS)
            else:
                return
