"""A drill ends by itself: with the answer, or without one after a while; and it keeps its own policy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from incident_bot.core.effects import SetTimer, TimerKind
from incident_bot.core.errors import Refused
from incident_bot.core.incident import (
    Acknowledge,
    AutoResolve,
    HoldOver,
    Reopen,
    Rules,
    SetSeverity,
    Snooze,
    open_incident,
)
from incident_bot.core.model import Incident, Kind, Paging, Phase
from tests.core.incident_world import LADDER, MINUTE, NOW, P1, by, opened, opening, seen

FIRST = replace(opening(), declared=True, drill=True, alerts=())
ENDS = SetTimer(kind=TimerKind.HOLD, due_at=NOW + 15 * MINUTE)


def drill() -> Incident:
    return opened(first=FIRST)


def test_it_has_an_end_from_the_beginning() -> None:
    assert open_incident(FIRST, now=NOW).effects[-1] == ENDS
    assert ENDS not in open_incident(replace(FIRST, drill=False), now=NOW).effects


@pytest.mark.parametrize("rule", ["always", "unattended", "never"])
def test_an_answer_ends_it_whatever_the_rule(rule: AutoResolve) -> None:
    rules = Rules(ladder=LADDER, auto_resolve=rule)
    taken = by("alice", Acknowledge(), drill(), rules=rules)
    assert taken.effects[-1] == SetTimer(kind=TimerKind.HOLD, due_at=NOW)
    assert "drill" in taken.said
    over = seen(HoldOver(still_firing=0), replace(taken.incident, lead="alice"), rules=rules)
    (event,) = over.events
    assert (event.kind, over.incident.paging, over.incident.phase) == (
        Kind.RESOLVED,
        Paging.RESOLVED,
        Phase.RESOLVED,
    )
    assert event.data["reason"] == "the drill was answered by alice after 0 s"


@pytest.mark.parametrize("quiet", [False, True], ids=["triggered", "snoozed"])
def test_without_an_answer_it_ends_and_says_so(*, quiet: bool) -> None:
    before = by("alice", Snooze(until=NOW + 60 * MINUTE), drill()).incident if quiet else drill()
    (event,) = seen(HoldOver(still_firing=0), before).events
    assert event.kind is Kind.RESOLVED
    assert event.data["reason"] == "nobody answered the drill within 15 min"


def test_what_is_over_stays_over() -> None:
    over = seen(HoldOver(still_firing=0), drill()).incident
    with pytest.raises(Refused, match="was a drill and is over; type `drill <person>`"):
        by("alice", Reopen(), over)


def test_a_worse_severity_does_not_bring_the_matrix_in() -> None:
    before = drill()
    after = by("bob", SetSeverity(severity=P1, policy={"severity": "P1"}), before).incident
    assert (after.severity, after.policy) == ("P1", before.policy)
