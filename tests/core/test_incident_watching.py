"""After a resolution by hand while alerts fired: reopening is offered once, and never done by itself."""

from __future__ import annotations

import pytest

from incident_bot.core.effects import Nudge, StopTimers, TimerKind
from incident_bot.core.incident import AlertsRepeated, Decision, Reopen, WatchOver
from incident_bot.core.model import Incident, Kind, Paging
from tests.core.incident_world import MINUTE, NOW, alert, by, opened, resolved, seen

REPEATED = AlertsRepeated(alerts=(alert(),))
OVER = WatchOver(still_firing=2)


def told(decision: Decision) -> list[str]:
    return [effect.person for effect in decision.effects if isinstance(effect, Nudge)]


def test_only_a_forced_end_is_watched() -> None:
    from_hand = by("alice", Reopen(), resolved(firing=1)).incident
    assert from_hand.resolver is None
    assert resolved().resolver is None
    assert resolved(firing=1).resolver == "alice"


@pytest.mark.parametrize(
    "what, minutes", [(REPEATED, 4), (OVER, 10)], ids=["a repeat", "the end of the watch"]
)
def test_what_fires_on_is_told_to_whoever_ended_it(what: AlertsRepeated | WatchOver, minutes: int) -> None:
    decision = seen(what, resolved(firing=1), at=NOW + minutes * MINUTE)
    assert [event.kind for event in decision.events] == [Kind.FIRES_ON]
    assert told(decision) == ["alice"]
    assert decision.incident.paging is Paging.RESOLVED
    assert StopTimers(kinds=(TimerKind.WATCH,)) in decision.effects
    again = seen(what, decision.incident, at=NOW + minutes * MINUTE)
    assert (again.events, told(again)) == ((), []), "once"


def test_how_many_fire_is_said() -> None:
    for what, words in ((REPEATED, "1 alert fires on"), (OVER, "2 alerts fire on")):
        (nudge, _) = seen(what, resolved(firing=1), at=NOW + MINUTE).effects
        assert isinstance(nudge, Nudge)
        assert words in nudge.text


@pytest.mark.parametrize(
    "incident, what, minutes",
    [
        (resolved(firing=1), REPEATED, 10),
        (resolved(firing=1), WatchOver(still_firing=0), 10),
        (by("bob", Reopen(), resolved(firing=1)).incident, OVER, 10),
        (opened(), OVER, 10),
        (resolved(), OVER, 10),
    ],
    ids=["a repeat after the watch", "it ended", "it was reopened", "it is open", "nothing fired then"],
)
def test_otherwise_nobody_is_told(incident: Incident, what: AlertsRepeated | WatchOver, minutes: int) -> None:
    decision = seen(what, incident, at=NOW + minutes * MINUTE)
    assert (decision.events, decision.effects if isinstance(what, WatchOver) else ()) == ((), ())
