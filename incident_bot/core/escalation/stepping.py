"""Stage 5: whom next, when next. Works out one look at one escalation; sends nothing, reads no clock.

Six rules hold here, from the table of semantics, section 3:

- A look runs at most one step that has somebody; steps without anybody are passed over in the same look, the
  fallback being paged once per epoch. So downtime over several due times gives no burst.
- The step due is the progress's own, and progress only moves forward: a clock set back repeats nothing (P16).
- After a step that reached somebody, what follows waits `Policy.wait_after` from *now* (P7).
- After the last round, or a whole round without anybody, comes the last resort, again at each re-check.
- Within one look nobody is told twice by one channel.
- A step whose people all have quiet hours begins when the first of them may be told (`quiet`); only low urgency waits.

A step whose people take turns (`round_robin`) pages one of them: the next who can be reached and is not away, after the
one whom it paged last. Whose turn it was is handed in and given back by `Policy.turn_of`; it moves only with a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

from incident_bot.core.effects import PAGE_PATIENCE, Page, PageKind
from incident_bot.core.escalation.policy import Policy
from incident_bot.core.escalation.quiet import QuietHours, Waiting, wait_for
from incident_bot.core.incident.facts import progress_to_json
from incident_bot.core.model import (
    Acks,
    ContactRule,
    Json,
    JsonObject,
    Kind,
    Progress,
    Running,
    Target,
    Urgency,
)

RECHECK_LEAST: Final = timedelta(minutes=1)
"""An exhausted escalation never pages the last resort more often than this, whatever the policy says."""

NO_TURNS: Final[Mapping[str, str]] = MappingProxyType({})

Told: TypeAlias = tuple[Kind, JsonObject]
"""An event to be: its kind and its data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A person behind a target, and why: `on call for payments-primary (layer week, turn 3)`."""

    person: str
    why: str


class Directory(Protocol):
    """Who stands behind a target, and how a person wants to be told; bound to one incident's team."""

    def reach(self, target: Target, *, now: datetime) -> tuple[Reached, ...]:
        """Give the people behind a target at an instant, by R1; nobody is an empty answer (R14)."""
        ...

    def rules(self, person: str, urgency: Urgency) -> tuple[ContactRule, ...]:
        """Give a person's rules with wired channels only; empty means that nothing reaches this person."""
        ...

    def quiet(self, person: str) -> QuietHours | None:
        """Give when pages of low urgency have to wait for this person; None means never."""
        ...

    def away(self, person: str, *, now: datetime) -> bool:
        """Say whether a person is absent at an instant: then others of a step that takes turns come first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """What one look gave; nothing due gives the same progress, no pages and no events."""

    progress: Progress
    pages: tuple[Page, ...] = ()
    events: tuple[Told, ...] = ()
    """In order; the last one carries the progress, so the fold of the events gives it too."""
    turns: Mapping[str, str] = field(default_factory=dict)
    """Whose turn it was, of the steps that moved theirs on."""


def advance(
    policy: Policy,
    progress: Progress,
    directory: Directory,
    *,
    turns: Mapping[str, str] = NO_TURNS,
    now: datetime,
) -> Advance:
    """Run the step that is due, if one is (rows "step due" to "downtime passed several due times").

    `turns` says by `Policy.turn_of` whom each step paged last whose people take turns.
    """
    if (
        progress.next_at is None
        or now < progress.next_at
        or progress.state in (Running.PAUSED, Running.STOPPED)
    ):
        return Advance(progress=progress)
    # Somebody who types `escalate` at night means it.
    waits = policy.urgency is Urgency.LOW and not progress.forced
    look = _Look(policy=policy, directory=directory, turns=turns, now=now, waits=waits)
    if progress.state is Running.EXHAUSTED:
        return look.finished(look.exhausted(progress))
    wait = _first_wait(policy, progress)
    if wait is not None and now < wait:
        return Advance(progress=replace(progress, next_at=wait))
    if progress.forced and progress.step >= len(policy.steps):
        progress = replace(progress, loop=0, step=0)
    return look.finished(look.round(replace(progress, forced=False)))


def _first_wait(policy: Policy, progress: Progress) -> datetime | None:
    # Only the very first step has a wait of its own: later ones have theirs in `next_at`, force has none.
    if progress.forced or progress.loop or progress.step or not policy.steps:
        return None
    return progress.started_at + policy.steps[0].after


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """The people behind some targets, each once."""

    people: tuple[tuple[Reached, tuple[ContactRule, ...]], ...]
    unreachable: tuple[str, ...]
    ring: tuple[str, ...]
    """All of them in the order of the targets, reachable or not."""
    away: tuple[str, ...] = ()
    """Who was passed over for being absent."""


@dataclass(slots=True, kw_only=True)
class _Look:
    """What one look has planned so far; lives inside one call of `advance`."""

    policy: Policy
    directory: Directory
    turns: Mapping[str, str]
    now: datetime
    waits: bool
    """Whether quiet hours count."""
    moved: dict[str, str] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)
    events: list[Told] = field(default_factory=list)

    def round(self, progress: Progress) -> Progress:
        """Run the first step from here on that has somebody, passing over those that have nobody."""
        steps, passed = self.policy.steps, 0
        while True:
            if progress.step >= len(steps):
                if passed >= len(steps) or progress.loop >= self.policy.repeat:
                    return self.exhausted(progress)
                if passed and progress.reached:
                    # Those paged in this round keep the whole gap to answer.
                    return replace(progress, next_at=self.now + self.policy.gap)
                progress = replace(progress, loop=progress.loop + 1, step=0)
            found = self._behind(progress)
            if found.people:
                return self._step(progress, found)
            progress = self._nobody(progress, found)
            passed += 1

    def exhausted(self, progress: Progress) -> Progress:
        """Page the last resort, and look again later (rows "every step empty", "end of steps")."""
        again = progress.state is Running.EXHAUSTED
        recheck = max(self.policy.exhausted_repeat, RECHECK_LEAST)
        after = replace(
            progress,
            loop=progress.loop + 1,
            step=len(self.policy.steps),
            state=Running.EXHAUSTED,
            next_at=self.now + recheck,
            forced=False,
        )
        severity = self.policy.severity
        reason = (
            f"nobody answered any step of {severity}"
            if progress.reached
            else f"no step of {severity} has anybody"
        )
        told: list[Json] = []
        # The fallback may have led here in this very look: then the last resort knows already.
        if not any(page.kind is PageKind.LAST_RESORT for page in self.pages):
            found = self._find(self.policy.last_resort)
            patience = min(recheck, PAGE_PATIENCE)
            place = f"last resort because {reason}"
            told = self._page(PageKind.LAST_RESORT, after, found, place, patience=patience)
        self._tell(Kind.EXHAUSTED, after, {"people": told, "reason": reason, "again": again})
        return after

    def finished(self, progress: Progress) -> Advance:
        """Give what was planned: each person once per channel, and the progress on the last event."""
        kind, data = self.events[-1]
        events = (*self.events[:-1], (kind, {**data, "progress": progress_to_json(progress)}))
        return Advance(progress=progress, pages=_once(self.pages), events=events, turns=self.moved)

    def _step(self, progress: Progress, found: _Found) -> Progress:
        patience = self.policy.patience(progress.step)
        told = self._page(PageKind.STEP, progress, found, self._place(progress), patience=patience)
        data: dict[str, Json] = {"people": told, "unreachable": list(found.unreachable)}
        if found.away:
            data["away"] = list(found.away)
        self._tell(Kind.STEP, progress, {**data, **self._held(PageKind.STEP, found)})
        if self.policy.steps[progress.step].round_robin:
            self.moved[self.policy.turn_of(progress.step)] = found.people[0][0].person
        if self.policy.acks is Acks.EACH:
            called = (*progress.called, *(reached.person for reached, _ in found.people))
            progress = replace(progress, called=tuple(dict.fromkeys(called)))
        return replace(
            progress,
            step=progress.step + 1,
            next_at=self._begins(found) + self.policy.wait_after(progress.step),
            reached=True,
        )

    def _nobody(self, progress: Progress, found: _Found) -> Progress:
        targets = [str(target) for target in self.policy.steps[progress.step].targets]
        reason = f"nobody stands behind {', '.join(targets) or 'it'}"
        if found.unreachable:
            reason = f"no channel reaches {', '.join(found.unreachable)}"
        if found.away:
            reason = f"{', '.join(found.away)} {'is' if len(found.away) == 1 else 'are'} away"
        data: dict[str, Json] = {
            "targets": targets,
            "unreachable": list(found.unreachable),
            "reason": reason,
        }
        self._tell(Kind.NOBODY, progress, data)
        if not progress.fell_back:
            self._fall_back(progress)
        return replace(progress, step=progress.step + 1, fell_back=True)

    def _fall_back(self, progress: Progress) -> None:
        because = f"because {self._place(progress)} has nobody"
        kind, found = PageKind.FALLBACK, self._find(self.policy.fallback)
        if not found.people:
            kind, found = PageKind.LAST_RESORT, self._find(self.policy.last_resort)
        told = self._page(kind, progress, found, f"{kind.value.replace('_', ' ')} {because}")
        data: JsonObject = {"people": told, "to": kind.value, "reason": because}
        self._tell(Kind.FELL_BACK, progress, {**data, **self._held(kind, found)})

    def _behind(self, progress: Progress) -> _Found:
        """Find whom the step due pages: all behind its targets, or one of them in turn."""
        step = self.policy.steps[progress.step]
        found = self._find(step.targets)
        if not step.round_robin or not found.people:
            return found
        last = self.turns.get(self.policy.turn_of(progress.step))
        begin = found.ring.index(last) + 1 if last in found.ring else 0
        reachable = {reached.person: (reached, rules) for reached, rules in found.people}
        passed: list[str] = []
        away: list[str] = []
        for person in (*found.ring[begin:], *found.ring[:begin]):
            if person not in reachable:
                passed.append(person)
            elif self.directory.away(person, now=self.now):
                away.append(person)
            else:
                reached, rules = reachable[person]
                why = f"{reached.why}, next in turn" + (f" after {last}" if last else "")
                return replace(
                    found,
                    people=((replace(reached, why=why), rules),),
                    unreachable=tuple(passed),
                    away=tuple(away),
                )
        return replace(found, people=(), away=tuple(away))

    def _find(self, targets: tuple[Target, ...]) -> _Found:
        behind: dict[str, Reached] = {}
        for target in targets:
            for reached in self.directory.reach(target, now=self.now):
                behind.setdefault(reached.person, reached)
        rules = {person: self.directory.rules(person, self.policy.urgency) for person in behind}
        return _Found(
            people=tuple((reached, rules[person]) for person, reached in behind.items() if rules[person]),
            unreachable=tuple(person for person in behind if not rules[person]),
            ring=tuple(behind),
        )

    def _page(
        self,
        kind: PageKind,
        progress: Progress,
        found: _Found,
        place: str,
        *,
        patience: timedelta = PAGE_PATIENCE,
    ) -> list[Json]:
        """Plan one page per person and rule; give the people as events tell them."""
        told: list[Json] = []
        for reached, rules in found.people:
            reason = f"{reached.why}, {place}"
            waiting = self._waiting(kind, reached.person, rules)
            self.pages += [
                Page(
                    person=reached.person,
                    via=rule.by,
                    kind=kind,
                    epoch=progress.epoch,
                    loop=progress.loop,
                    step=progress.step,
                    due_at=at,
                    urgency=self.policy.urgency,
                    reason=f"{reason}, {self._wait(reached.person, at)}" if held else reason,
                    patience=patience,
                )
                for rule, at, held in zip(rules, waiting.at, waiting.held, strict=True)
            ]
            via: list[Json] = [
                {"by": rule.by, "at": at.isoformat()} for rule, at in zip(rules, waiting.at, strict=True)
            ]
            told.append({"person": reached.person, "why": reached.why, "via": via})
        return told

    def _waiting(self, kind: PageKind, person: str, rules: tuple[ContactRule, ...]) -> Waiting:
        waits = self.waits and kind is not PageKind.LAST_RESORT
        return wait_for(rules, self.directory.quiet(person) if waits else None, now=self.now)

    def _wait(self, person: str, until: datetime) -> str:
        quiet = self.directory.quiet(person)
        shown = quiet.shown(until, self.now) if quiet else ""
        return f"waits until {shown} ({person}'s quiet hours)"

    def _begins(self, found: _Found) -> datetime:
        """Say from when on the people of a step are given time to answer."""
        return min(
            self._waiting(PageKind.STEP, reached.person, rules).begins for reached, rules in found.people
        )

    def _held(self, kind: PageKind, found: _Found) -> JsonObject:
        """Tell who is not told before their quiet hours end."""
        waits = {
            reached.person: self._waiting(kind, reached.person, rules) for reached, rules in found.people
        }
        held: list[Json] = [
            {"person": person, "until": wait.begins.isoformat()}
            for person, wait in waits.items()
            if wait.begins > self.now
        ]
        return {"held": held} if held else {}

    def _tell(self, kind: Kind, progress: Progress, data: JsonObject) -> None:
        place: JsonObject = {
            "epoch": progress.epoch,
            "loop": progress.loop,
            "step": progress.step,
            "of": len(self.policy.steps),
            "severity": self.policy.severity,
        }
        self.events.append((kind, {**place, **data}))

    def _place(self, progress: Progress) -> str:
        place = f"step {progress.step + 1} of {len(self.policy.steps)} of {self.policy.severity}"
        return f"{place}, round {progress.loop + 1}" if progress.loop else place


def _once(pages: list[Page]) -> tuple[Page, ...]:
    # The page of the step wins over the others: it says best why this person is called (P13). What goes out
    # soonest wins before that: a page that waits for the end of quiet hours must not stand in for one that does not.
    rank = {PageKind.STEP: 0, PageKind.FALLBACK: 1, PageKind.LAST_RESORT: 2}
    kept: dict[tuple[str, str], Page] = {}
    for page in sorted(pages, key=lambda page: (page.due_at, rank[page.kind])):
        kept.setdefault((page.person, page.via), page)
    return tuple(page for page in pages if kept[page.person, page.via] is page)
