"""One incident, told by the real decisions: paged, unanswered, escalated, taken, led, repaired, resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from incident_bot.core.effects import Page, PageKind
from incident_bot.core.enrich import Runbook, sections
from incident_bot.core.escalation import Policy, QuietHours, Reached, Step, advance
from incident_bot.core.incident import (
    Acknowledge,
    AddItem,
    AddNote,
    AlertsAttached,
    AlertsResolved,
    AssignLead,
    AttachedAlert,
    Command,
    Decision,
    Observation,
    Opening,
    PageFailed,
    PageSent,
    PostUpdate,
    Resolve,
    Rules,
    SetImpact,
    SetPhase,
    SetSeverity,
    decide,
    evolve,
    observe,
    open_incident,
)
from incident_bot.core.model import (
    ContactRule,
    Episode,
    Event,
    Incident,
    ItemKind,
    Ladder,
    Person,
    Phase,
    Severity,
    Status,
    Target,
    Urgency,
)
from incident_bot.core.nearby import Nearby
from incident_bot.core.postmortem import Draft, GraphFact, PageFact, build

START = datetime(2026, 11, 21, 2, 5, tzinfo=UTC)
LADDER = Ladder(
    (
        Severity(
            name="P1",
            rank=0,
            respond_within=timedelta(minutes=5),
            update_every=timedelta(minutes=15),
            postmortem_within=timedelta(hours=48),
        ),
        Severity(name="P2", rank=1, respond_within=timedelta(minutes=15), update_every=timedelta(minutes=30)),
        Severity(name="P3", rank=2),
    )
)
RULES = Rules(ladder=LADDER)
PEOPLE = {
    "alice": Person(id="alice", name="Alice Example", time_zone="Europe/Berlin"),
    "bob": Person(id="bob", name="Bob Example"),
    "dora": Person(id="dora", name="Dora Example", time_zone="America/New_York"),
}
RUNBOOK_TEXT = """# High error rate
## Detection
1. Look at the graph.
## Investigation
1. Look at the last deployment: `kubectl rollout history deployment/checkout`
2. Read the log.
"""
RUNBOOK = Runbook(
    path="services/high-error-rate.md", title="High error rate", sections=sections(RUNBOOK_TEXT)
)
POLICY = Policy(
    severity="P2",
    urgency=Urgency.HIGH,
    steps=(
        Step(after=timedelta(0), targets=(Target.parse("on_call"),)),
        Step(after=timedelta(minutes=15), targets=(Target.parse("lead"),)),
    ),
    fallback=(Target.parse("person/dora"),),
    last_resort=(Target.parse("person/dora"),),
)


class Desk:
    """Who stands behind a target in these stories."""

    def __init__(self, behind: dict[str, tuple[str, ...]] | None = None) -> None:
        self.behind = (
            {"on_call": ("alice",), "lead": ("bob",), "person/dora": ("dora",)} if behind is None else behind
        )

    def reach(self, target: Target, *, now: datetime) -> tuple[Reached, ...]:
        people = self.behind.get(str(target), ())
        return tuple(
            Reached(person=person, why=f"on call for payments-primary at {now:%H:%M}") for person in people
        )

    def rules(self, person: str, urgency: Urgency) -> tuple[ContactRule, ...]:
        return (ContactRule(by="slack"),) if person and urgency else ()

    def quiet(self, person: str) -> QuietHours | None:
        asleep: dict[str, QuietHours] = {}
        return asleep.get(person)

    def away(self, person: str, *, now: datetime) -> bool:
        del person, now
        return False


@dataclass
class Tale:
    """An incident that is being told; every word of it goes through the real decisions."""

    title: str = "High error rate on checkout"
    severity: str = "P2"
    desk: Desk = field(default_factory=Desk)
    opened_after: timedelta = timedelta(minutes=2)
    runbook: str | None = "services/high-error-rate.md"
    events: list[Event] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = START + self.opened_after
        alert = AttachedAlert(
            episode_id=3, title=f"HighErrorRate: {self.title}", severity=self.severity, fingerprint="f1"
        )
        opening = Opening(
            key="k",
            title=self.title,
            severity=self.severity,
            team="payments",
            service="checkout",
            runbook=self.runbook,
            policy=POLICY.to_json(),
            opened_by="alertmanager",
            source="alertmanager",
            alerts=(alert,),
        )
        decision = open_incident(opening, now=self.now)
        self.incident = replace(decision.incident, id=42)
        self._keep(decision.events)

    def at(self, minutes: float) -> Tale:
        self.now = START + timedelta(minutes=minutes)
        return self

    def does(self, command: Command, actor: str = "alice") -> Tale:
        return self._take(
            decide(command, self.incident, actor=actor, source="console", rules=RULES, now=self.now)
        )

    def sees(self, observation: Observation) -> Tale:
        return self._take(observe(observation, self.incident, rules=RULES, now=self.now))

    def steps(self) -> Tale:
        step = advance(
            Policy.from_json(self.incident.policy), self.incident.progress, self.desk, now=self.now
        )
        self.pages.extend(step.pages)
        told = [
            Event(kind=kind, actor="escalation", source="worker", happened_at=self.now, data=data)
            for kind, data in step.events
        ]
        for event in told:
            self.incident = evolve(self.incident, event)
        self._keep(told)
        return self

    def _take(self, decision: Decision) -> Tale:
        self.incident = decision.incident
        self._keep(decision.events)
        return self

    def _keep(self, events: Sequence[Event]) -> None:
        for event in events:
            seq = len(self.events) + 1
            self.events.append(replace(event, seq=seq, recorded_at=self.now, hash=f"h{seq}"))
        self.incident = replace(self.incident, seq=len(self.events))


def episode(number: int = 3, minutes: float | None = 41, **changes: object) -> Episode:
    """Give an alert that ends so many minutes after the start; None is firing still."""
    plain = Episode(
        id=number,
        source="alertmanager",
        key=f"key{number}",
        fingerprint=f"f{number}",
        labels={"alertname": "HighErrorRate", "service": "checkout", "instance": "checkout-1"},
        annotations={
            "summary": "12 % of requests fail",
            "runbook_url": "https://wiki.example.com/high-error-rate",
        },
        status=Status.FIRING if minutes is None else Status.RESOLVED,
        starts_at=START,
        ends_at=None if minutes is None else START + timedelta(minutes=minutes),
        opened_at=START + timedelta(minutes=2),
        updated_at=START + timedelta(minutes=2),
        service="checkout",
        severity="P2",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # the tests name real fields


def page_sent(person: str, step: int = 0) -> PageSent:
    return PageSent(
        person=person, via="slack", kind=PageKind.STEP, epoch=1, loop=0, step=step, provider_id="m1"
    )


def page_failed(person: str, step: int = 0) -> PageFailed:
    return PageFailed(
        person=person, via="sms", kind=PageKind.STEP, epoch=1, loop=0, step=step, reason="no phone", attempt=3
    )


def whole_tale() -> Tale:
    """Tell the usual story from the first alert to the resolution."""
    tale = Tale().steps().sees(page_sent("alice")).at(17.5).steps().at(18).sees(page_sent("bob", 1))
    tale.sees(page_failed("bob", 1)).at(20).does(Acknowledge(), "bob").does(AssignLead(person="dora"), "bob")
    more = AttachedAlert(episode_id=4, title="HighLatency on checkout", severity="P2", fingerprint="f2")
    tale.at(21).sees(AlertsAttached(alerts=(more,)))
    tale.at(22).does(SetSeverity(severity=LADDER.rungs[0], reason="nobody can pay", policy=None), "dora")
    tale.at(23).does(SetImpact(text="Customers cannot pay <script>alert(1)</script>"), "dora")
    promise = tale.now + timedelta(minutes=15)
    tale.at(24).does(PostUpdate(text="Rolling back to version 41", next_update_at=promise), "dora")
    tale.at(26).does(AddItem(kind=ItemKind.CHANGE, text="Rate limit at 100/s", undo="remove it"), "bob")
    tale.at(27).does(AddItem(kind=ItemKind.FOLLOWUP, text="Test the migration"), "dora")
    tale.does(AddItem(kind=ItemKind.TASK, text="Ask support"), "dora")
    tale.at(28).does(AddNote(text="Deploy 42 went out", happened_at=START - timedelta(minutes=3)), "bob")
    tale.at(36).does(SetPhase(phase=Phase.MONITORING), "dora")
    gone = AttachedAlert(episode_id=3, title="HighErrorRate", severity="P2", fingerprint="f1")
    tale.at(41).sees(AlertsResolved(alerts=(gone,), still_firing=0))
    return tale.at(44).does(Resolve(reason="Rolled back"), "dora")


PAGES = (
    PageFact(
        id=5,
        person="alice",
        name="Alice Example",
        via="slack",
        due_at=START + timedelta(minutes=2),
        state="sent",
        sent_at=START + timedelta(minutes=2),
        attempts=1,
    ),
    PageFact(
        id=6,
        person="bob",
        name="Bob Example",
        via="sms",
        step=1,
        due_at=START + timedelta(minutes=17),
        state="failed",
        attempts=3,
        reason="no phone",
    ),
)


def draft_of(
    tale: Tale,
    *,
    pages: Sequence[PageFact] = PAGES,
    written: str = "",
    graphs: Sequence[GraphFact] = (),
    changes: Sequence[Nearby] = (),
    ladder: Ladder = LADDER,
    previous: int | None = None,
    now: datetime | None = None,
) -> Draft:
    """Build the draft of a story an hour after it ended."""
    return build(
        replace(tale.incident, previous=previous) if previous else tale.incident,
        tale.events,
        (episode(), episode(4, 30)),
        pages,
        people=PEOPLE,
        ladder=ladder,
        runbook=RUNBOOK if tale.runbook else None,
        written=written,
        graphs=graphs,
        changes=changes,
        now=now or tale.now + timedelta(hours=1),
    )


def first_page(incident: Incident, reason: str = "on call for payments-primary (layer week, turn 3)") -> Page:
    return Page(
        person="alice",
        via="slack",
        kind=PageKind.STEP,
        epoch=incident.epoch,
        loop=0,
        step=0,
        due_at=START,
        urgency=Urgency.HIGH,
        reason=reason,
    )
