"""What changes for an incident whose alerts flap, and how alerts leave a storm (I11, I12)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from incident_bot.core.effects import Announce, Moment, SetTimer, StopTimers, TimerKind
from incident_bot.core.errors import Refused
from incident_bot.core.incident import (
    AlertsAttached,
    AlertsRefired,
    AlertsResolved,
    AttachedAlert,
    Decision,
    FlappingOver,
    Opening,
    Paused,
    Resumed,
    SnoozeOver,
    SplitOff,
    need_storm,
    open_incident,
)
from incident_bot.core.model import Flapping, FlappingRule, Incident, Kind, Paging
from tests.core.incident_world import (
    MINUTE,
    NOW,
    P2,
    RULES,
    acknowledged,
    alert,
    by,
    opened,
    opening,
    paused,
    resolved,
    seen,
    snoozed,
    through_json,
)

RULE = FlappingRule()


def flappy(severity: str = "P2", episode: int = 1, rule: FlappingRule = RULE) -> AttachedAlert:
    return replace(alert(severity, episode), flapping=rule)


def timers(decision: Decision) -> dict[TimerKind, timedelta]:
    return {effect.kind: effect.due_at - NOW for effect in decision.effects if isinstance(effect, SetTimer)}


def kinds(decision: Decision) -> list[Kind]:
    return [event.kind for event in decision.events]


def over(*alerts: AttachedAlert, firing: int = 0) -> AlertsResolved:
    return AlertsResolved(alerts=alerts or (flappy(),), still_firing=firing)


def again(*alerts: AttachedAlert) -> AlertsAttached:
    return AlertsAttached(alerts=alerts or (flappy(),))


def quiet() -> Incident:
    """One that was resolved, and that a re-fire opened again without a page."""
    return seen(again(), resolved()).incident


def test_it_begins_with_the_first_alert_that_flaps_and_is_told_once() -> None:
    first = seen(over(alert(), flappy(episode=2), firing=1), opened())
    assert kinds(first) == [Kind.ALERT_RESOLVED, Kind.FLAPPING]
    assert first.incident.flapping == Flapping(since=NOW, rule=RULE)
    assert [effect.moment for effect in first.effects if isinstance(effect, Announce)] == [Moment.FLAPPING]
    assert timers(first) == {TimerKind.FLAPPING: 30 * MINUTE}
    second = seen(over(firing=1), first.incident)
    assert kinds(second) == [Kind.ALERT_RESOLVED]
    assert timers(second) == {TimerKind.FLAPPING: 30 * MINUTE}
    assert through_json(first.events[1]) == first.events[1]


def test_its_end_is_held_as_long_as_its_rule_says() -> None:
    assert timers(seen(over(), opened()))[TimerKind.HOLD] == 10 * MINUTE
    assert timers(seen(over(alert()), opened()))[TimerKind.HOLD] == RULES.resolve_hold
    known = seen(again(), opened()).incident
    assert timers(seen(over(alert()), known))[TimerKind.HOLD] == 10 * MINUTE


@pytest.mark.parametrize("refire", [again(), AlertsRefired(alerts=(flappy(),))], ids=["new", "unseen"])
def test_a_re_fire_opens_it_again_without_a_page(refire: AlertsAttached | AlertsRefired) -> None:
    decision = seen(refire, resolved())
    incident = decision.incident
    assert (incident.paging, incident.progress.next_at) == (Paging.TRIGGERED, NOW + 30 * MINUTE)
    assert incident.flapping == Flapping(since=NOW, rule=RULE, quiet_epoch=incident.epoch)
    assert timers(decision)[TimerKind.STEP] == 30 * MINUTE
    assert "nobody is paged unless it fires on until 03:30 UTC" in decision.said


def test_the_first_step_waits_anew_with_each_re_fire_and_for_the_hold_with_each_end() -> None:
    later = NOW + 5 * MINUTE
    refired = seen(again(), quiet(), at=later)
    assert refired.incident.progress.next_at == later + 30 * MINUTE
    assert refired.incident.epoch == quiet().epoch
    ended = seen(over(), quiet(), at=later)
    assert ended.incident.progress.next_at == later + 20 * MINUTE
    assert ended.incident.paging is Paging.TRIGGERED


@pytest.mark.parametrize(
    "firing",
    [again(flappy(), alert("P3", 2)), again(flappy("P1"))],
    ids=["one that does not flap", "a worse one"],
)
def test_what_is_new_is_paged_for_at_once(firing: AlertsAttached) -> None:
    for before in (quiet(), resolved()):
        after = seen(firing, before).incident
        assert (after.paging, after.progress.next_at) == (Paging.TRIGGERED, NOW)
        assert after.epoch == before.epoch + 1


def test_a_worse_one_that_may_not_page_again_does_where_nobody_was_paged() -> None:
    rules = replace(RULES, repage="never")
    after = seen(again(flappy("P1")), quiet(), rules=rules)
    assert after.incident.progress.next_at == NOW
    assert "P1, worse than P2" in after.said


def test_whoever_has_it_is_not_paged_for_each_turn() -> None:
    rules = replace(RULES, repage="always")
    assert seen(again(), acknowledged(), rules=rules).incident.paging is Paging.ACKNOWLEDGED
    assert seen(again(alert()), acknowledged(), rules=rules).incident.paging is Paging.TRIGGERED


def test_a_snooze_that_ends_pages_as_ever_or_leaves_it_to_the_longer_hold() -> None:
    incident = seen(again(), snoozed()).incident
    end = NOW + 30 * MINUTE
    assert seen(SnoozeOver(still_firing=1), incident, at=end).incident.progress.next_at == end
    assert timers(seen(SnoozeOver(still_firing=0), incident, at=end))[TimerKind.HOLD] == 40 * MINUTE
    late = seen(SnoozeOver(still_firing=0), incident, at=end).incident
    assert seen(again(), late, at=end).incident.progress.next_at == end


def test_a_maintenance_that_ends_pages_for_what_nobody_was_paged_for() -> None:
    held = seen(again(), paused()).incident
    after = seen(Resumed(reason="over", still_firing=0), held)
    assert timers(after)[TimerKind.HOLD] == 10 * MINUTE
    assert after.incident.progress.next_at == NOW + 20 * MINUTE
    # Nobody was paged yet for this one, so a re-fire does not put its first step off.
    assert seen(again(), after.incident).incident.progress.next_at == NOW + 20 * MINUTE
    silent = seen(Paused(reason="maintenance"), quiet()).incident
    assert seen(Resumed(reason="over", still_firing=1), silent).incident.progress.next_at == NOW


def test_it_ends_after_a_quiet_time_and_says_so() -> None:
    incident = quiet()
    fires = seen(FlappingOver(still_firing=1), incident, at=NOW + 30 * MINUTE)
    assert fires.incident.flapping is None
    assert fires.incident.progress == incident.progress
    assert fires.events[0].data["reason"] == "no change for 30 min, it fires on"
    assert fires.effects == (StopTimers(kinds=(TimerKind.FLAPPING,)),)
    calm = seen(FlappingOver(still_firing=0), incident)
    assert calm.events[0].data["reason"] == "no change for 30 min, nothing of it fires"
    assert seen(FlappingOver(still_firing=0), opened()).events == ()


def test_one_that_opens_for_an_alert_that_flaps_pages_and_is_marked() -> None:
    decision = open_incident(replace(opening(), alerts=(alert(), flappy(episode=2))), now=NOW)
    assert kinds(decision) == [Kind.OPENED, Kind.FLAPPING]
    assert timers(decision) == {TimerKind.STEP: timedelta(0), TimerKind.FLAPPING: 30 * MINUTE}


def storm() -> Incident:
    first: Opening = replace(opening(), storm="default", reason="route default opened more than 20")
    incident = opened(P2, first=first)
    assert incident.storm == "default"
    return incident


def test_what_a_storm_adopts_is_counted_on_its_timeline() -> None:
    event = seen(AlertsAttached(alerts=(alert(),), adopted=3), storm()).events[0]
    assert event.data["adopted"] == 3
    assert "adopted" not in seen(AlertsAttached(alerts=(alert(),)), storm()).events[0].data
    data = open_incident(replace(opening(), storm="default", reason="many"), now=NOW).events[0].data
    assert (data["storm"], data["reason"]) == ("default", "many")
    assert "storm" not in open_incident(opening(), now=NOW).events[0].data


@pytest.mark.parametrize("left,alerts,said", [(2, 1, "1 alert goes on"), (0, 2, "2 alerts go on")])
def test_alerts_leave_a_storm(left: int, alerts: int, said: str) -> None:
    went = tuple(alert(episode=number) for number in range(alerts))
    decision = by("bob", SplitOff(into=9, alerts=went, still_firing=left, reason=" ours "), storm())
    assert kinds(decision) == [Kind.SPLIT_OFF]
    assert decision.events[0].data["reason"] == "ours"
    assert timers(decision) == ({} if left else {TimerKind.HOLD: RULES.resolve_hold})
    assert decision.said.startswith(f"{said} as INC-9")


def test_only_an_open_storm_lets_alerts_go() -> None:
    with pytest.raises(Refused, match="INC-42 is no alert storm"):
        need_storm(opened())
    ended = replace(storm(), paging=Paging.RESOLVED)
    with pytest.raises(Refused, match="INC-42 is resolved"):
        by("bob", SplitOff(into=9, alerts=(), still_firing=0), ended)
