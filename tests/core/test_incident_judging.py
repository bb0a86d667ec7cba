"""Verdicts and what is said of runbooks: an entry each, nothing twice, and the owner of an outdated runbook is told."""

from __future__ import annotations

import pytest

from incident_bot.core.effects import Nudge
from incident_bot.core.incident import GiveVerdict, JudgeRunbook
from incident_bot.core.model import Judged, Kind, Verdict
from incident_bot.core.timeline import describe
from tests.core.incident_world import by, opened, resolved


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_for_each_alert(verdict: Verdict) -> None:
    before = resolved()
    decision = by("ana", GiveVerdict(verdict=verdict, alerts=("Down", "Slow"), reason="a deploy"), before)
    assert decision.incident == before
    assert [(event.kind, event.data["alert"]) for event in decision.events] == [
        (Kind.VERDICT_GIVEN, "Down"), (Kind.VERDICT_GIVEN, "Slow"),
    ]  # fmt: skip
    assert describe(decision.events[0]) == f"ana calls Down {verdict.label}: a deploy"
    assert verdict.label in decision.said


def test_only_what_was_worth_a_page_is_actionable() -> None:
    assert {one for one in Verdict if one.is_actionable} == {Verdict.ACTIONABLE, Verdict.RUNBOOK}


def test_a_verdict_that_stands_changes_nothing() -> None:
    decision = by("ana", GiveVerdict(verdict=Verdict.NOISE, alerts=()), opened())
    assert (decision.events, "nothing changed" in decision.said) == ((), True)


@pytest.mark.parametrize("judged", Judged)
@pytest.mark.parametrize("reason", [None, "the host is gone"])
def test_how_a_runbook_did(judged: Judged, reason: str | None) -> None:
    command = JudgeRunbook(path="a/b.md", judged=judged, reason=reason, tell="ben")
    decision = by("ana", command, opened())
    (event,) = decision.events
    tail = f" – {reason}" if reason else ""
    assert describe(event) == f"ana says of the runbook a/b.md: {judged.label}{tail}"
    nudges = [one for one in decision.effects if isinstance(one, Nudge)]
    assert [one.person for one in nudges] == (["ben"] if judged is Judged.OUTDATED else [])
    assert all((reason or "out of date") in one.text for one in nudges)


def test_nobody_is_told_where_nobody_is_to_be_and_what_is_said_already_changes_nothing() -> None:
    command = JudgeRunbook(path="a/b.md", judged=Judged.OUTDATED)
    assert by("ana", command, opened()).effects == ()
    again = JudgeRunbook(path="a/b.md", judged=Judged.WORKED, before=Judged.WORKED)
    assert by("ana", again, opened()).events == ()
