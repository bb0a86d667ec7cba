"""How incidents end, and how they begin again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident_bot.core.errors import Refused
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]
ANNOUNCE = '[{channel: "#incidents"}, {severities: [P1], channel: "#critical"}]'


@on_every_database
def test_when_all_is_over_and_nobody_leads_it_resolves_after_the_hold(tell: Tell) -> None:
    story = tell(announce=ANNOUNCE)
    story.fires()
    story.says("ack")
    story.advance(minutes=10)
    story.resolves()
    story.advance(seconds=89)
    assert story.incident().escalation == "acknowledged"
    story.advance(seconds=1)
    incident = story.incident()
    assert (incident.escalation, incident.phase, incident.forced) == ("resolved", "resolved", False)
    assert incident.resolved_at == story.clock.now()
    assert story.said_to("#incidents") == ["opened", "resolved"]
    assert story.said_to("#critical") == ["opened", "resolved"]
    story.advance(hours=3)
    assert story.paged() == [("ana", 0)]
    story.says("postmortem waive a test of ours", by="ben")
    assert story.next_due() is None, "nothing waits behind a resolved incident that owes no post-mortem"


def test_what_nobody_took_is_not_paged_on_after_it_resolved(story: Story) -> None:
    story.fires()
    story.advance(minutes=14)
    story.resolves()
    story.advance(hours=3)
    # The step at minute 15 falls into the hold, in which the incident is still open.
    assert story.paged() == [("ana", 0), ("ben", 15)]
    assert story.incident().phase == "resolved"


def test_only_the_last_alert_starts_the_hold(story: Story) -> None:
    story.fires(instance="a")
    story.fires(instance="b")
    story.resolves(instance="a")
    story.advance(minutes=10)
    assert story.incident().escalation == "triggered"
    assert story.entry("alert_resolved").data["still_firing"] == 1
    story.resolves(instance="b")
    story.advance(minutes=2)
    assert story.incident().escalation == "resolved"


def test_when_somebody_leads_it_is_offered_and_waits_for_their_word(story: Story) -> None:
    story.fires()
    story.says("ack")
    story.says("lead me")
    story.resolves()
    story.advance(hours=2)
    assert (story.incident().phase, story.incident().escalation) == ("monitoring", "acknowledged")
    assert "resolve_offered" in story.kinds()
    assert "is resolved" in story.says("resolve")
    assert story.incident().phase == "resolved"


def test_an_update_counts_as_somebody_who_answers_for_it(story: Story) -> None:
    story.fires()
    story.says("ack")
    story.says("update We roll back")
    story.resolves()
    story.advance(minutes=5)
    assert story.incident().phase == "monitoring"


@pytest.mark.parametrize(
    "rule, led, phase",
    [
        ("always", True, "resolved"),
        ("unattended", True, "monitoring"),
        ("unattended", False, "resolved"),
        ("never", False, "monitoring"),
    ],
)
def test_the_rule_auto_resolve(tell: Tell, rule: str, led: bool, phase: str) -> None:
    story = tell(rules=f"auto_resolve: {rule}")
    story.fires()
    story.says("ack")
    if led:
        story.says("lead @ben")
    story.resolves()
    story.advance(minutes=5)
    assert story.incident().phase == phase


def test_what_fires_again_in_the_hold_goes_on_without_a_word(story: Story) -> None:
    story.fires()
    story.says("ack")
    story.resolves()
    story.advance(seconds=60)
    story.fires()
    story.advance(minutes=10)
    incident = story.incident()
    assert (incident.escalation, incident.acknowledged_by, incident.firing) == ("acknowledged", "ana", 1)
    assert story.paged() == [("ana", 0)]
    assert len(incident.alerts) == 2, "a new start is a new episode"


@on_every_database
def test_what_fires_again_within_half_an_hour_reopens_it(tell: Tell) -> None:
    story = tell(announce=ANNOUNCE)
    story.fires()
    story.says("ack")
    story.resolves()
    story.advance(minutes=31, seconds=29)
    story.fires()
    assert [one.id for one in story.incidents()] == ["INC-1"]
    incident = story.incident()
    assert (incident.escalation, incident.epoch, incident.phase) == ("triggered", 2, "triage")
    assert incident.resolved_at is None
    assert [person for person, _ in story.paged()] == ["ana", "ana"]
    assert story.entry("reopened").data["had"] == "ana"
    assert story.said_to("#incidents") == ["opened", "resolved", "reopened"]


def test_what_fires_later_is_a_new_incident_that_names_the_old_one(story: Story) -> None:
    story.fires()
    story.says("ack")
    story.resolves()
    story.advance(minutes=31, seconds=30)
    story.fires()
    old, new = story.incidents()
    assert (old.id, old.escalation) == ("INC-1", "resolved")
    assert (new.id, new.escalation, new.previous, new.epoch) == ("INC-2", "triggered", "INC-1", 1)


@on_every_database
def test_what_fires_on_after_a_forced_end_is_told_once_and_does_not_reopen(tell: Tell) -> None:
    story = tell()
    story.fires()
    assert "You are told if that goes on for 10 min" in story.says("resolve known noise")
    story.advance(minutes=10)
    assert story.incident().escalation == "resolved"
    (nudge,) = story.taken("nudge")
    assert nudge.message.recipient == "ana"
    assert "INC-1 was resolved by hand, and 1 alert fires on" in nudge.message.text
    assert "Type `reopen INC-1` if it is not over." in nudge.message.text
    story.advance(minutes=5)
    story.repeat()
    assert story.kinds().count("fires_on") == 1
    assert "INC-1 is open again" in story.says("reopen")


def test_a_forced_end_whose_alerts_end_too_is_not_told(story: Story) -> None:
    story.fires()
    story.says("resolve known noise")
    story.advance(minutes=3)
    story.resolves()
    story.advance(minutes=20)
    assert story.taken("nudge") == []


def test_resolving_while_it_fires_needs_a_reason(story: Story) -> None:
    story.fires(annotations={"summary": "5xx above 5 %"})
    story.says("ack")
    with pytest.raises(Refused, match=r"1 still firing: 5xx above 5 %.*type `resolve` and the reason"):
        story.says("resolve")
    assert story.incident().escalation == "acknowledged"


def test_resolved_while_it_fires_repeats_do_not_reopen_it_but_a_refire_does(story: Story) -> None:
    story.fires()
    story.says("ack")
    assert "does not reopen it by repeating" in story.says("resolve the check is wrong")
    incident = story.incident()
    assert (incident.escalation, incident.forced, incident.firing) == ("resolved", True, 1)

    story.advance(minutes=5)
    story.repeat()
    alert = story.alertmanager.find(alertname="HighErrorRate")
    story.told(alert, truncated=0)
    story.advance(minutes=5)
    assert story.incident().escalation == "resolved"

    story.fires()
    assert story.incident().escalation == "triggered"
    assert story.incident().epoch == 2
    assert story.paged() == [("ana", 0), ("ana", 10)]
    assert story.incident().alerts[0].refires == 1


def test_resolved_while_it_fires_a_refire_much_later_is_a_new_incident(story: Story) -> None:
    story.fires()
    story.says("resolve the check is wrong")
    story.advance(hours=2)
    assert story.fires().status == 200
    old, new = story.incidents()
    assert (old.escalation, new.escalation, new.previous) == ("resolved", "triggered", "INC-1")
    assert story.alert().incident == "INC-2"
    assert story.paged() == [("ana", 0), ("ana", 120)]
    story.resolves()
    story.advance(minutes=2)
    assert story.incident(2).escalation == "resolved"


def test_cancelled_while_it_fires_a_refire_is_a_new_incident(story: Story) -> None:
    story.fires()
    story.says("cancel staging")
    story.advance(minutes=5)
    story.fires()
    assert [one.id for one in story.incidents()] == ["INC-1", "INC-2"]
    assert story.paged() == [("ana", 0), ("ana", 5)]


def test_resolved_while_it_fires_a_worse_alert_reopens_it(story: Story) -> None:
    story.fires(severity="warning")
    story.says("resolve known", by="ben")
    story.advance(minutes=5)
    story.fires(severity="critical")
    assert story.incident().id == "INC-1"
    assert (story.incident().escalation, story.incident().severity) == ("triggered", "P1")


def test_reopen_by_hand_pages_again(story: Story) -> None:
    story.fires()
    story.says("ack")
    story.resolves()
    story.advance(hours=5)
    story.says("reopen it still fails for some")
    assert story.incident().escalation == "triggered"
    assert [person for person, _ in story.paged()] == ["ana", "ana"]
    assert story.incident().epoch == 2


def test_a_cancelled_incident_takes_no_more_alerts(story: Story) -> None:
    story.fires()
    story.says("cancel a test from staging")
    assert (story.incident().phase, story.incident().escalation) == ("cancelled", "resolved")
    story.advance(hours=1)
    assert story.paged() == [("ana", 0)]
    with pytest.raises(Refused, match="final"):
        story.says("reopen")
    story.fires(instance="another")
    assert [one.id for one in story.incidents()] == ["INC-1", "INC-2"]


def test_the_record_can_be_continued_after_the_end(story: Story) -> None:
    story.fires()
    story.says("ack")
    story.resolves()
    story.advance(minutes=5)
    story.says("note it was the certificate")
    story.says("followup renew it by itself @dan 14d")
    assert story.incident().items[0].owner == "dan"
    with pytest.raises(Refused, match="`reopen`"):
        story.says("ack")


def test_a_resolve_that_comes_again_changes_nothing(story: Story) -> None:
    story.fires()
    story.resolves()
    before = story.incident()
    story.advance(seconds=10)
    answer = story.repeat()
    assert answer.duplicate
    assert story.incident() == before


def test_the_timeline_is_whole_and_chained(story: Story) -> None:
    story.fires()
    story.advance(minutes=20)
    story.says("ack", by="ben")
    story.resolves()
    story.advance(minutes=5)
    entries = story.timeline()
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert [entry.kind for entry in entries] == [
        "opened", "runbook_found", "step", "page_sent", "step", "page_sent", "acknowledged", "alert_resolved",
        "resolved",
    ]  # fmt: skip
    assert len({entry.hash for entry in entries}) == len(entries)


def test_the_same_words_declared_again_while_the_clock_stands_still_are_another_incident(
    story: Story,
) -> None:
    assert story.says("new P3 Checkout rejects cards") == "INC-1 is open: Checkout rejects cards"
    assert story.says("new P3 Checkout rejects cards") == "INC-2 is open: Checkout rejects cards"


@on_every_database
def test_an_old_one_is_not_reopened_beside_a_newer_one_of_the_same_alerts(tell: Tell) -> None:
    story = tell()
    story.fires()
    story.says("resolve over")
    story.resolves()
    story.advance(hours=1)
    story.fires()
    assert [one.escalation for one in story.incidents()] == ["resolved", "triggered"]
    with pytest.raises(Refused, match="INC-2 is open for the same alerts"):
        story.says("reopen", incident=1)
