"""The promise keeper: who is reminded of what, when, how often at most, and what ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.effects import Announce, Moment
from incident_bot.core.incident import (
    AddItem,
    Around,
    AssignLead,
    AssignRole,
    Cancel,
    Command,
    FinishItem,
    PostUpdate,
    Reopen,
    Resolve,
    Rules,
    SetReminders,
    Snooze,
    Unacknowledge,
    evolve,
    is_overdue,
    remind,
    upcoming,
)
from incident_bot.core.model import (
    Event,
    Incident,
    ItemKind,
    Kind,
    Ladder,
    Person,
    PromiseRules,
    Severity,
    Urgency,
)
from tests.core.incident_world import MINUTE, NOW, P2, P3, acknowledged, by, opened

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LADDER = Ladder(
    (
        Severity(name="P2", rank=1, update_every=timedelta(minutes=30)),
        Severity(name="P3", rank=2, urgency=Urgency.LOW),
    )
)
PEOPLE = {
    name: Person(id=name, name=name.title(), time_zone=zone)
    for name, zone in (
        ("alice", "UTC"),
        ("bob", "Europe/Berlin"),
        ("cara", "UTC"),
        ("dora", "UTC"),
        ("eve", "UTC"),
    )
}
PEOPLE["gone"] = Person(id="gone", name="Gone", active=False)


def around(
    *, before: timedelta = 5 * MINUTE, nag: bool = True, quiet: Callable[..., datetime | None] | None = None
) -> Around:
    rules = Rules(ladder=LADDER, promises=PromiseRules(remind_before=before, nag=nag))
    found = Around(rules=rules, people=PEOPLE, deputy="dora")
    return replace(found, quiet=quiet) if quiet else found


PROMISES = around(nag=False)


def did(incident: Incident, *commands: Command, by_whom: str = "alice", at: datetime = NOW) -> Incident:
    for command in commands:
        incident = by(by_whom, command, incident, at=at).incident
    return incident


def promised(*commands: Command, length: timedelta = 30 * MINUTE, start: Incident | None = None) -> Incident:
    """Give an incident that alice has, who promised an update."""
    begun = acknowledged() if start is None else start
    return did(begun, *commands, PostUpdate(text="looking", next_update_at=NOW + length))


def said(
    incident: Incident, around: Around, *, until: datetime, step: timedelta = MINUTE
) -> list[tuple[str, str | None, float]]:
    """Let the timer fire until then: what was recorded, for whom, at which minute."""
    found: list[tuple[str, str | None, float]] = []
    now = NOW
    while True:
        due = upcoming(incident, around, now=now)
        now = max(now, due[0].due_at) if due else until
        if now >= until:
            return found
        decision, told = remind(incident, around, now=now)
        assert decision.events, "what is due is not being done"
        assert {one.person for one in told} == {
            str(e.data["person"]) for e in decision.events if e.data["person"]
        }
        incident = decision.incident
        for event in decision.events:
            person = event.data["person"]
            found.append((event.kind.value, str(person) if person else None, (now - NOW) / MINUTE))


END = NOW + 3 * DAY


class TestPromises:
    @pytest.mark.parametrize(
        "length, minute", [(30 * MINUTE, 25), (15 * MINUTE, 10), (6 * MINUTE, 4), (MINUTE, 40 / 60)]
    )
    def test_its_keeper_is_reminded_five_minutes_or_a_third_before(
        self, length: timedelta, minute: float
    ) -> None:
        first = said(promised(length=length), PROMISES, until=NOW + length)
        assert first == [("promise_due", "alice", minute)]

    def test_a_promise_from_before_this_release_has_the_rule_s_time_alone(self) -> None:
        before = promised()
        old = replace(before, reminders=replace(before.reminders, promised_at=None, promised_by=None))
        assert said(old, PROMISES, until=NOW + 26 * MINUTE) == [("promise_due", "alice", 25)]

    def test_a_rule_of_zero_reminds_nobody_before(self) -> None:
        never = around(before=timedelta(0), nag=False)
        assert said(promised(), never, until=NOW + 31 * MINUTE) == [("promise_missed", "alice", 30)]

    @pytest.mark.parametrize(
        "commands, climb",
        [
            ((), ["alice", "dora"]),
            ((AssignLead(person="bob"),), ["bob", "dora"]),
            ((AssignRole(role="comms", person="cara"),), ["cara", "alice", "dora"]),
            (
                (
                    AssignRole(role="Communications", person="cara"),
                    AssignLead(person="bob"),
                    AssignRole(role="deputy", person="eve"),
                ),
                ["cara", "bob", "eve"],
            ),
            ((AssignRole(role="comms", person="alice"),), ["alice", "dora"]),
            ((AssignLead(person="dora"),), ["dora"]),
            ((AssignLead(person="gone"),), ["alice", "dora"]),
        ],
    )
    def test_a_miss_climbs_each_once(self, commands: tuple[Command, ...], climb: list[str]) -> None:
        told = [one for one in said(promised(*commands), PROMISES, until=END) if one[0] == "promise_missed"]
        assert told == [("promise_missed", person, 30 + 5 * place) for place, person in enumerate(climb)]

    def test_nobody_hears_of_one_promise_after_three_have(self) -> None:
        incident = promised(AssignRole(role="comms", person="cara"), AssignRole(role="deputy", person="eve"))
        for person in ("bob", "alice"):
            now = NOW + 60 * MINUTE
            incident = remind(incident, PROMISES, now=now)[0].incident
            incident = did(incident, AssignLead(person=person), at=now)
        told = [one for one in said(incident, PROMISES, until=END) if one[0] == "promise_missed"]
        assert len(incident.reminders.told["missed"].people) + len(told) == 3

    def test_the_first_to_be_told_is_whoever_promised_where_nobody_has_it(self) -> None:
        incident = did(promised(), Unacknowledge())
        told = said(incident, PROMISES, until=NOW + 31 * MINUTE)
        assert told == [("promise_due", "alice", 25), ("promise_missed", "alice", 30)]

    def test_a_miss_is_recorded_and_announced_once_even_where_nobody_can_be_told(self) -> None:
        alone = replace(PROMISES, people={}, deputy=None)
        assert said(promised(), alone, until=END) == [("promise_missed", None, 30)]
        decision, told = remind(promised(), alone, now=NOW + 31 * MINUTE)
        assert told == ()
        (announced,) = decision.effects
        assert isinstance(announced, Announce)
        assert (announced.moment, announced.data["by"]) == (Moment.MISSED, "alice")
        assert remind(decision.incident, alone, now=NOW + 40 * MINUTE)[0].events == ()
        assert is_overdue(decision.incident)
        assert not is_overdue(did(decision.incident, Resolve()))
        assert not is_overdue(promised())

    def test_a_private_incident_is_told_to_those_who_are_on_it_and_to_no_channel(self) -> None:
        incident = replace(promised(), private=True)
        assert said(incident, PROMISES, until=END)[-1] == ("promise_missed", "alice", 30)
        assert remind(incident, PROMISES, now=NOW + HOUR)[0].effects == ()

    def test_a_new_promise_replaces_the_old_one(self) -> None:
        incident = remind(promised(), PROMISES, now=NOW + 31 * MINUTE)[0].incident
        again = did(
            incident, PostUpdate(text="still", next_update_at=NOW + 60 * MINUTE), at=NOW + 32 * MINUTE
        )
        told = said(again, PROMISES, until=NOW + 61 * MINUTE)
        assert told == [("promise_due", "alice", 55), ("promise_missed", "alice", 60)]
        assert said(did(incident, PostUpdate(text="last")), PROMISES, until=END) == []

    @pytest.mark.parametrize(
        "end",
        [Snooze(until=END + DAY), Resolve(), Cancel(reason="a test")],
        ids=["snoozed", "resolved", "cancelled"],
    )
    def test_what_is_quiet_or_over_owes_nothing(self, end: Command) -> None:
        assert said(did(promised(), end), around(), until=END) == []

    def test_a_drill_reminds_nobody(self) -> None:
        assert said(replace(promised(), drill=True), around(), until=END) == []

    def test_after_a_downtime_only_the_miss_is_told_and_the_climb_begins_then(self) -> None:
        late = NOW + 2 * HOUR
        decision, told = remind(promised(), PROMISES, now=late)
        assert [(one.kind, one.person) for one in told] == [(Kind.PROMISE_MISSED, "alice")]
        assert upcoming(decision.incident, PROMISES, now=late)[0].due_at == late + 5 * MINUTE

    def test_nothing_is_said_before_its_time(self) -> None:
        decision, told = remind(promised(), PROMISES, now=NOW + 24 * MINUTE)
        assert (decision.events, told) == ((), ())
        assert decision.said == "INC-42: nobody is to be reminded of anything now."


class TestNags:
    def test_nobody_leads_is_told_three_times_at_most_and_so_is_that_there_is_no_update(self) -> None:
        told = said(acknowledged(), around(), until=END)
        assert told == [
            ("nagged", "alice", 10),
            ("nagged", "alice", 30),
            ("nagged", "alice", 40),
            ("nagged", "alice", 60),
            ("nagged", "alice", 70),
            ("nagged", "alice", 90),
        ]

    def test_a_lead_and_an_update_end_it(self) -> None:
        led = did(acknowledged(), AssignLead(person="bob"))
        assert said(led, around(), until=END)[0] == ("nagged", "bob", 30)
        assert said(did(led, PostUpdate(text="x")), around(), until=END) == []

    def test_whoever_took_it_late_is_left_alone_for_a_moment(self) -> None:
        late = replace(acknowledged(), acknowledged_at=NOW + 2 * HOUR)
        assert said(late, around(), until=END)[0] == ("nagged", "alice", 125)

    def test_low_urgency_needs_no_lead_and_no_interval_no_update(self) -> None:
        assert said(did(opened(P3)), around(), until=END) == []
        low = replace(acknowledged(), severity="P3", policy={"urgency": "low"})
        assert said(low, around(), until=END) == []
        assert said(replace(low, severity="gone from the ladder"), around(), until=END) == []

    def test_what_nobody_has_nags_nobody_and_neither_does_a_stranger(self) -> None:
        assert said(opened(P2), around(), until=END) == []
        stranger = replace(acknowledged(), acknowledged_by="slack:U0123", lead=None)
        assert said(stranger, around(), until=END) == []

    def test_off_is_off(self) -> None:
        assert said(acknowledged(), around(nag=False), until=END) == []

    def test_what_is_reopened_is_counted_anew(self) -> None:
        now = NOW + 40 * MINUTE
        nagged = remind(acknowledged(), around(), now=now)[0].incident
        again = did(nagged, Resolve(), Reopen(), at=now)
        assert set(nagged.reminders.told) == {"lead", "update"}
        assert again.reminders.told == {}


def item(
    kind: ItemKind, due: datetime | None, owner: str | None = "bob", *, start: Incident | None = None
) -> Incident:
    return did(start or opened(P2), AddItem(kind=kind, text="look", owner=owner, due=due))


class TestItems:
    def test_the_owner_of_a_task_hears_of_it_once_when_it_is_due(self) -> None:
        told = said(item(ItemKind.TASK, NOW + HOUR), PROMISES, until=END)
        assert told == [("nagged", "bob", 60)]

    @pytest.mark.parametrize(
        "incident",
        [
            item(ItemKind.TASK, None),
            item(ItemKind.TASK, NOW + HOUR, owner=None),
            item(ItemKind.CHANGE, NOW + HOUR),
            did(item(ItemKind.TASK, NOW + HOUR), FinishItem(number=1)),
            did(item(ItemKind.TASK, NOW + HOUR), Resolve()),
            did(item(ItemKind.FOLLOWUP, NOW + DAY), Cancel(reason="a test")),
        ],
        ids=["no date", "no owner", "a change", "done", "a task of what is over", "cancelled"],
    )
    def test_who_is_not_reminded(self, incident: Incident) -> None:
        assert said(incident, PROMISES, until=END) == []

    def test_a_follow_up_is_brought_to_mind_at_nine_where_its_owner_is_though_all_is_over(self) -> None:
        evening = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)
        incident = did(item(ItemKind.FOLLOWUP, evening), Resolve())
        ((_, person, minute),) = said(incident, PROMISES, until=END)
        assert (person, NOW + minute * MINUTE) == ("bob", datetime(2026, 11, 21, 8, 0, tzinfo=UTC))

    @pytest.mark.parametrize("due", [datetime(2026, 11, 21, 7, 0, tzinfo=UTC), NOW + MINUTE])
    def test_a_follow_up_for_the_early_morning_waits_for_its_time(self, due: datetime) -> None:
        assert upcoming(item(ItemKind.FOLLOWUP, due), PROMISES, now=NOW)[0].due_at == due

    def test_a_follow_up_of_this_afternoon_that_was_asked_for_at_noon(self) -> None:
        noon, due = NOW + 9 * HOUR, NOW + 12 * HOUR
        incident = did(opened(), AddItem(kind=ItemKind.FOLLOWUP, text="x", owner="alice", due=due), at=noon)
        assert upcoming(incident, PROMISES, now=noon)[0].due_at == due


class TestQuiet:
    MORNING = NOW + 4 * HOUR

    def until_morning(self, _person: str, at: datetime) -> datetime | None:
        return self.MORNING if at < self.MORNING else None

    def test_what_is_urgent_is_not_held(self) -> None:
        held = around(nag=False, quiet=self.until_morning)
        assert said(promised(), held, until=END)[:2] == [
            ("promise_due", "alice", 25),
            ("promise_missed", "alice", 30),
        ]

    def test_what_is_not_waits_for_the_morning_and_the_miss_is_recorded_all_the_same(self) -> None:
        held = around(quiet=self.until_morning)
        low = replace(promised(), policy={"urgency": "low"})
        assert said(low, held, until=END) == [
            ("promise_missed", None, 30),
            ("promise_missed", "alice", 240),
            ("promise_missed", "dora", 245),
        ]

    def test_a_follow_up_never_wakes_anybody(self) -> None:
        held = around(quiet=self.until_morning)
        incident = item(ItemKind.FOLLOWUP, NOW + HOUR)
        assert upcoming(incident, held, now=NOW)[0].due_at == self.MORNING
        assert upcoming(item(ItemKind.TASK, NOW + HOUR), held, now=NOW)[0].due_at == NOW + HOUR


class TestSwitching:
    def test_off_tells_nobody_and_on_goes_on(self) -> None:
        decision = by("bob", SetReminders(off=True), promised())
        assert decision.said == "The reminders of INC-42 are switched off. `remind on` brings them back."
        assert said(decision.incident, around(), until=END) == [("promise_missed", None, 30)]
        off = item(ItemKind.TASK, NOW + HOUR, start=decision.incident)
        assert said(off, around(), until=END) == [("promise_missed", None, 30)]
        silent = did(acknowledged(), SetReminders(off=True))
        assert said(silent, around(), until=END) == []
        on = by("bob", SetReminders(), decision.incident)
        assert on.said == "The reminders of INC-42 are switched on."
        assert said(on.incident, PROMISES, until=NOW + 26 * MINUTE) == [("promise_due", "alice", 25)]

    def test_snoozed_they_wait(self) -> None:
        decision = by("bob", SetReminders(until=NOW + 32 * MINUTE), promised())
        assert decision.said.endswith("are snoozed until 03:32 UTC. `remind on` brings them back.")
        assert said(decision.incident, PROMISES, until=NOW + 34 * MINUTE) == [
            ("promise_missed", None, 30),
            ("promise_missed", "alice", 32),
        ]

    def test_asked_twice_is_asked_once(self) -> None:
        off = did(acknowledged(), SetReminders(off=True))
        again = by("bob", SetReminders(off=True), off)
        assert again.events == ()
        assert again.said == "The reminders of INC-42 are so already; nothing changed."


@given(
    acts=st.lists(
        st.tuples(
            st.integers(0, 90),
            st.sampled_from(
                [
                    PostUpdate(text="x"),
                    AssignLead(person="bob"),
                    AssignRole(role="comms", person="cara"),
                    AssignRole(role="deputy", person="eve"),
                    SetReminders(off=True),
                    SetReminders(),
                    AddItem(kind=ItemKind.TASK, text="t", owner="bob", due=NOW + HOUR),
                ]
            ),
            st.integers(1, 60),
        ),
        max_size=6,
    ),
    pauses=st.lists(st.integers(0, 40), max_size=8),
)
def test_never_before_its_time_never_more_than_the_cap_and_a_restart_changes_nothing(
    acts: list[tuple[int, Command, int]], pauses: list[int]
) -> None:
    incident, now, events = acknowledged(), NOW, list[Event]()
    steps = [*acts, *((pause, None, 0) for pause in pauses)]
    for wait, command, length in steps:
        now += wait * MINUTE
        due = {
            (one.subject, one.person) for one in upcoming(incident, around(), now=now) if one.due_at <= now
        }
        decision, _ = remind(incident, around(), now=now)
        assert {(str(e.data["subject"]), e.data["person"]) for e in decision.events} == due
        events += decision.events
        incident = decision.incident
        assert all(one.due_at > now for one in upcoming(incident, around(), now=now))
        if isinstance(command, PostUpdate):
            wanted: Command | None = replace(command, next_update_at=now + length * MINUTE)
        else:
            wanted = command
        if wanted is not None:
            made = by("alice", wanted, incident, at=now)
            events += made.events
            incident = made.incident
        for subject, told in incident.reminders.told.items():
            people = told.people
            assert len(people) <= (1 if subject in ("due", "item:1") else 3)
            assert subject != "missed" or len(set(people)) == len(people)
    begun = acknowledged()
    rest = replay_on(begun, events)
    assert rest.reminders == incident.reminders


def replay_on(incident: Incident, events: list[Event]) -> Incident:
    for event in events:
        incident = evolve(incident, event)
    return incident
