"""A model of the flow driven at random: life cycle and escalation keep P3, P4, P6, P7 and P16."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from incident_bot.core.effects import Effect, Page, PageKind, SetTimer, StopTimers, TimerKind
from incident_bot.core.escalation import Matrix, Policy, advance, freeze
from incident_bot.core.incident import (
    Acknowledge,
    AlertsAttached,
    AlertsRefired,
    AlertsResolved,
    AssignLead,
    Command,
    Decision,
    Escalate,
    HoldOver,
    Merge,
    MergeHere,
    Observation,
    PageFailed,
    PageSomebody,
    Paused,
    PostUpdate,
    Reopen,
    Resolve,
    Resumed,
    Rules,
    SetSeverity,
    Snooze,
    SnoozeOver,
    Unacknowledge,
    Unmerge,
    WatchOver,
    decide,
    observe,
    open_incident,
    replay,
    takes_alerts,
)
from incident_bot.core.model import Event, Incident, Paging, Running, Severity
from tests.core.incident_world import (
    EVERYBODY,
    LADDER,
    MINUTE,
    NOW,
    P1,
    P2,
    P3,
    World,
    alert,
    direct,
    opening,
    other,
    steps,
    stored,
    through_json,
)

MATRIX = Matrix(
    rows={
        "P1": steps((0, "on_call"), (5, "lead"), (15, "person/cto")),
        "P2": steps((0, "on_call"), (30, "lead")),
        "P3": steps((0, "lead")),
    },
    repeat={"P1": 2, "P2": 1},
    fallback=steps((0, "schedule/platform"))[0].targets,
    last_resort=steps((0, "person/cto"))[0].targets,
)
LIVED = 20
"""How many events an incident has had before it may be merged, which is final."""
PEOPLE = st.sampled_from(["alice", "bob", "dora"])
SEVERITIES = st.sampled_from([P1, P2, P3])
MINUTES = st.integers(min_value=1, max_value=45)
RULES = st.builds(
    Rules,
    ladder=st.just(LADDER),
    auto_resolve=st.sampled_from(["always", "unattended", "never"]),
    repage=st.sampled_from(["severity_up", "never", "always"]),
)


def policy_of(severity: Severity) -> Policy:
    return freeze(MATRIX, severity, "payments")


class Flow(RuleBasedStateMachine):
    """One incident, its timers and its pages, as a flow would keep them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.world = World()
        self.timers: dict[TimerKind, datetime] = {}
        self.keys: set[str] = set()
        self.events: list[Event] = []
        self.ran: dict[tuple[int, int], list[tuple[int, datetime]]] = {}
        self.epochs: list[int] = []
        self.firing = 1

    @initialize(severity=SEVERITIES, rules=RULES, upgrade=st.booleans())
    def opens(self, severity: Severity, rules: Rules, *, upgrade: bool) -> None:
        self.law = rules
        reason = "upgrade" if upgrade else None
        first = replace(
            opening(severity),
            policy=policy_of(severity).to_json(),
            paused_reason=reason,
            paused_until=NOW + 20 * MINUTE if upgrade else None,
        )
        decision = open_incident(first, now=self.now)
        self.keep(replace(decision, incident=stored(decision.incident)))

    def keep(self, decision: Decision) -> None:
        """Store what was decided, then let whatever is due now happen, as one transaction does."""
        assert decision.said.strip()
        self.incident: Incident = replace(decision.incident, seq=decision.incident.seq + len(decision.events))
        self.events += decision.events
        for effect in decision.effects:
            self.apply(effect)
        self.steps_due()

    def apply(self, effect: Effect) -> None:
        if isinstance(effect, SetTimer):
            self.timers[effect.kind] = effect.due_at
        elif isinstance(effect, StopTimers):
            for kind in effect.kinds:
                self.timers.pop(kind, None)
        elif isinstance(effect, Page):
            self.add(effect)

    def add(self, page: Page) -> None:
        assert page.epoch == self.incident.epoch
        assert page.due_at >= self.now or page.kind is PageKind.DIRECT
        key = page.key(self.incident.id)
        assert key not in self.keys  # P4
        self.keys.add(key)

    def steps_due(self) -> None:
        while self.timers.get(TimerKind.STEP, self.now + MINUTE) <= self.now:
            del self.timers[TimerKind.STEP]
            if self.incident.progress.state is Running.PAUSED:
                self.keep(self.seen(Resumed(reason="maintenance is over", still_firing=self.firing)))
            elif self.incident.paging is Paging.TRIGGERED:
                self.look()

    def look(self) -> None:
        before, policy = self.incident.progress, Policy.from_json(self.incident.policy)
        found = advance(policy, before, self.world, now=self.now)
        for page in found.pages:
            self.add(page)
            if page.kind is PageKind.STEP:
                self.note(page)
        if found.events:
            assert before.next_at is not None
            assert before.next_at <= self.now  # nothing is paged early
        told = [
            Event(kind=kind, actor="escalation", source="worker", happened_at=self.now, data=data)
            for kind, data in found.events
        ]
        self.events += told
        self.incident = replace(
            self.incident,
            progress=found.progress,
            seq=self.incident.seq + len(told),
        )
        if found.progress.next_at is not None:
            self.timers[TimerKind.STEP] = found.progress.next_at

    def note(self, page: Page) -> None:
        place = (page.epoch, page.loop)
        before = self.ran.setdefault(place, [])
        if (page.step, self.now) not in before:
            assert all(step < page.step for step, _ in before)  # P7, P16: in order, each at most once
            before.append((page.step, self.now))
        assert (page.epoch, page.loop) == max(self.ran)

    def seen(self, observation: Observation) -> Decision:
        return observe(observation, self.incident, rules=self.law, now=self.now)

    def say(self, actor: str, command: Command) -> None:
        self.keep(decide(command, self.incident, actor=actor, source="slack", rules=self.law, now=self.now))

    def is_open(self) -> bool:
        return self.incident.paging.is_open

    def has_somebody(self) -> bool:
        return self.incident.paging is Paging.ACKNOWLEDGED

    @rule(minutes=MINUTES)
    def time_passes(self, minutes: int) -> None:
        end = self.now + minutes * MINUTE
        while self.timers and min(self.timers.values()) <= end:
            kind = min(self.timers, key=lambda kind: self.timers[kind])
            self.now = max(self.now, self.timers[kind])
            if kind is TimerKind.STEP:
                self.steps_due()
                continue
            del self.timers[kind]
            over: Observation = SnoozeOver(still_firing=self.firing)
            if kind in (TimerKind.HOLD, TimerKind.WATCH):
                over = (HoldOver if kind is TimerKind.HOLD else WatchOver)(still_firing=self.firing)
            self.keep(self.seen(over))
        self.now = max(self.now, end)
        self.steps_due()

    @rule(minutes=MINUTES)
    def process_was_down(self, minutes: int) -> None:
        self.now += 3 * minutes * MINUTE
        looks = len(self.ran)
        self.steps_due()
        assert len(self.ran) <= looks + 1  # no burst

    @rule(minutes=st.integers(min_value=1, max_value=120))
    def clock_is_set_back(self, minutes: int) -> None:
        self.now -= timedelta(minutes=minutes)
        pages = set(self.keys)
        self.steps_due()
        found = advance(
            Policy.from_json(self.incident.policy), self.incident.progress, self.world, now=self.now
        )
        assert self.keys == pages  # P16
        assert found.pages == ()

    @rule(people=st.sets(st.sampled_from(sorted(EVERYBODY))))
    def shifts_change(self, people: set[str]) -> None:
        self.world.people = {target: EVERYBODY[target] for target in people}

    @rule(person=PEOPLE)
    @precondition(is_open)
    def ack(self, person: str) -> None:
        pages, epoch = set(self.keys), self.incident.epoch
        self.say(person, Acknowledge())
        assert self.incident.paging is Paging.ACKNOWLEDGED
        assert (self.keys, self.incident.epoch) == (pages, epoch)

    @rule(person=PEOPLE)
    @precondition(has_somebody)
    def unack(self, person: str) -> None:
        self.say(person, Unacknowledge())

    @rule(person=PEOPLE)
    @precondition(is_open)
    def escalate(self, person: str) -> None:
        self.say(person, Escalate())

    @rule(person=PEOPLE, minutes=MINUTES)
    @precondition(is_open)
    def snooze(self, person: str, minutes: int) -> None:
        self.say(person, Snooze(until=self.now + minutes * MINUTE))

    @rule(person=PEOPLE)
    @precondition(is_open)
    def page_somebody(self, person: str) -> None:
        self.say(person, PageSomebody(people=(direct("zoe"),)))

    @rule(person=PEOPLE, severity=SEVERITIES)
    @precondition(lambda self: self.incident.paging is not Paging.MERGED)
    def set_severity(self, person: str, severity: Severity) -> None:
        self.say(person, SetSeverity(severity=severity, policy=policy_of(severity).to_json()))

    @rule(person=PEOPLE, lead=st.booleans())
    @precondition(is_open)
    def attend(self, person: str, *, lead: bool) -> None:
        self.say(person, AssignLead(person=person) if lead else PostUpdate(text="on it"))

    @rule(person=PEOPLE)
    @precondition(is_open)
    def resolve(self, person: str) -> None:
        self.say(person, Resolve(reason="fixed", firing=self.firing))

    @rule(person=PEOPLE)
    @precondition(lambda self: self.incident.paging is Paging.RESOLVED)
    def reopen(self, person: str) -> None:
        self.say(person, Reopen())

    @rule(person=PEOPLE, severity=SEVERITIES)
    @precondition(lambda self: self.incident.paging in (Paging.TRIGGERED, Paging.ACKNOWLEDGED))
    def another_is_merged_into_it(self, person: str, severity: Severity) -> None:
        self.firing += 1
        before, pages, due = self.incident, set(self.keys), dict(self.timers)
        self.say(person, MergeHere(of=other(severity), alerts=(alert(severity.name),), firing=1))
        assert (self.keys, self.timers) == (pages, due)
        assert (self.incident.paging, self.incident.progress) == (before.paging, before.progress)

    @rule(person=PEOPLE)
    @precondition(lambda self: self.is_open() and len(self.events) > LIVED)
    def merge(self, person: str) -> None:
        epoch = self.incident.epoch
        self.say(person, Merge(into=other()))
        assert self.incident.epoch == epoch + 1
        assert self.timers.keys() <= {TimerKind.WATCH}, "nothing that pages"

    @rule(person=PEOPLE)
    @precondition(lambda self: self.incident.paging is Paging.MERGED)
    def unmerge(self, person: str) -> None:
        self.say(person, Unmerge(into=9, out_of=7))
        assert self.timers.keys() <= {TimerKind.WATCH}, "nothing that pages"

    @rule(severity=SEVERITIES)
    @precondition(lambda self: takes_alerts(self.incident, rules=self.law, now=self.now))
    def alert_fires(self, severity: Severity) -> None:
        self.firing += 1
        self.keep(
            self.seen(AlertsAttached(alerts=(alert(severity.name),), policy=policy_of(severity).to_json()))
        )

    @rule()
    @precondition(lambda self: self.firing and takes_alerts(self.incident, rules=self.law, now=self.now))
    def alert_refires(self) -> None:
        self.keep(self.seen(AlertsRefired(alerts=(alert(),))))

    @rule()
    @precondition(lambda self: self.firing)
    def alert_ends(self) -> None:
        self.firing -= 1
        self.keep(self.seen(AlertsResolved(alerts=(alert(),), still_firing=self.firing)))

    @rule(minutes=MINUTES)
    def maintenance(self, minutes: int) -> None:
        self.keep(self.seen(Paused(reason="upgrade", until=self.now + minutes * MINUTE)))

    @rule()
    def step_dies(self) -> None:
        progress = self.incident.progress
        self.keep(
            self.seen(
                PageFailed(
                    person="alice",
                    via="sms",
                    kind=PageKind.STEP,
                    epoch=progress.epoch,
                    loop=progress.loop,
                    step=progress.step - 1,
                    reason="no such number",
                    step_dead=True,
                )
            )
        )

    @invariant()
    def epochs_only_grow(self) -> None:
        self.epochs.append(self.incident.epoch)
        assert self.epochs == sorted(self.epochs)  # P6

    @invariant()
    def nobody_is_paged_for_what_is_taken(self) -> None:
        if self.incident.paging is Paging.TRIGGERED:
            return
        far = self.now + timedelta(days=9)
        found = advance(Policy.from_json(self.incident.policy), self.incident.progress, self.world, now=far)
        assert (found.pages, found.events) == ((), ())  # P3

    @invariant()
    def whatever_is_to_be_found_out_has_a_due_time(self) -> None:
        if self.incident.paging is Paging.TRIGGERED:
            assert self.timers[TimerKind.STEP] == self.incident.progress.next_at
        if self.incident.paging is Paging.SNOOZED:
            assert self.timers.keys() & {TimerKind.SNOOZE, TimerKind.HOLD}

    def teardown(self) -> None:
        if self.events:
            again = replay(through_json(event) for event in self.events)
            assert replace(again, id=self.incident.id, seq=self.incident.seq) == self.incident


TestFlow = Flow.TestCase
TestFlow.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
