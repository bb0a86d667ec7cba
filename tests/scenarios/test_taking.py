"""Who has it: ack, un-ack, snooze, and what may page again after somebody took it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident_bot.core.errors import Refused
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]


def test_a_worse_severity_pages_again_after_an_ack(story: Story) -> None:
    story.fires(severity="warning")
    story.advance(minutes=4)
    assert story.paged() == [("ben", 0)]
    story.says("ack", by="ben")
    story.advance(minutes=1)
    story.fires(severity="critical")

    assert story.paged() == [("ben", 0), ("ana", 5)]
    incident = story.incident()
    assert (incident.escalation, incident.severity, incident.epoch) == ("triggered", "P1", 2)
    assert story.entry("repaged").data["reason"] == "an alert is P1, worse than P3"
    story.advance(minutes=15)
    assert story.paged()[2:] == [("ben", 20)], "the steps are those of the new severity"


@pytest.mark.parametrize("severity", ["warning", "high"])
def test_the_same_or_a_lesser_severity_pages_nobody_after_an_ack(story: Story, severity: str) -> None:
    story.fires(severity="high")
    story.says("ack")
    story.fires(severity=severity, instance="another")
    story.advance(hours=3)
    assert story.paged() == [("ana", 0)]
    assert story.incident().escalation == "acknowledged"
    assert story.incident().firing == 2


def test_a_severity_it_had_before_is_no_rise(story: Story) -> None:
    story.fires(severity="critical")
    story.says("ack")
    story.says("sev P3 only one region")
    story.fires(severity="high", instance="another")
    story.advance(hours=3)
    assert story.paged() == [("ana", 0)], "the peak is P1"


def test_the_rule_never_keeps_an_acknowledged_incident_quiet(tell: Tell) -> None:
    story = tell(rules="repage: never")
    story.fires(severity="warning")
    story.says("ack", by="ben")
    story.fires(severity="critical")
    story.advance(hours=1)
    assert story.paged() == [("ben", 0)]
    assert story.incident().severity == "P1"


def test_the_rule_always_pages_for_each_alert_that_joins(tell: Tell) -> None:
    story = tell(rules="repage: always")
    story.fires()
    story.says("ack")
    story.advance(minutes=2)
    story.fires(instance="another")
    assert story.paged() == [("ana", 0), ("ana", 2)]


def test_raising_the_severity_by_hand_pages_again(story: Story) -> None:
    story.fires(severity="warning")
    story.says("ack", by="ben")
    story.advance(minutes=1)
    assert "Paging starts again with P1's first step" in story.says("sev P1 all regions", by="ben")
    assert story.paged() == [("ben", 0), ("ana", 1)]
    assert story.entry("severity_changed").data["reason"] == "all regions"


def test_lowering_it_while_nobody_has_it_goes_on_with_the_lower_steps(story: Story) -> None:
    story.fires(severity="critical")
    story.says("sev P3")
    story.advance(hours=1)
    assert ("cleo", 30) not in story.paged()


def test_unack_starts_again_with_the_first_step(story: Story) -> None:
    story.fires()
    story.advance(minutes=20)
    story.says("ack", by="ben")
    story.advance(minutes=10)
    story.says("unack", by="ben")
    assert story.paged() == [("ana", 0), ("ben", 15), ("ana", 30)]
    story.advance(minutes=15)
    assert story.paged()[3:] == [("ben", 45)]
    assert story.incident().epoch == 2
    assert story.incident().acknowledged_at is None


def test_a_second_ack_is_a_second_responder_and_a_third_time_changes_nothing(story: Story) -> None:
    story.fires()
    story.says("ack")
    assert "ana has INC-1 already; you are noted as responding too" in story.says("ack", by="ben")
    assert "nothing changed" in story.says("ack")
    assert story.incident().acknowledged_by == "ana"
    assert [kind for kind in story.kinds() if "ack" in kind] == ["acknowledged", "also_acknowledged"]


@on_every_database
def test_a_snooze_is_quiet_until_its_minute_and_then_starts_again(story: Story) -> None:
    story.fires()
    story.advance(minutes=5)
    assert "quiet until 03:35 UTC" in story.says("snooze 30m")
    story.advance(minutes=29)
    assert story.paged() == [("ana", 0)]
    assert story.incident().escalation == "snoozed"
    story.advance(minutes=1)
    assert story.paged() == [("ana", 0), ("ana", 35)]
    story.advance(minutes=15)
    assert story.paged()[2:] == [("ben", 50)]
    assert "woken" in story.kinds()


def test_a_second_snooze_replaces_the_first(story: Story) -> None:
    story.fires()
    story.says("snooze 10m")
    story.advance(minutes=5)
    story.says("snooze 10m")
    story.advance(minutes=9)
    assert story.paged() == [("ana", 0)]
    story.advance(minutes=1)
    assert story.paged() == [("ana", 0), ("ana", 15)]


def test_an_ack_ends_a_snooze_for_good(story: Story) -> None:
    story.fires()
    story.says("snooze 10m")
    story.says("ack")
    story.advance(hours=1)
    assert story.paged() == [("ana", 0)]


def test_what_resolves_in_a_snooze_wakes_nobody(story: Story) -> None:
    story.fires()
    story.says("snooze 30m")
    story.advance(minutes=10)
    story.resolves()
    story.advance(hours=2)
    assert story.paged() == [("ana", 0)]
    assert story.incident().phase == "resolved"


def test_what_ends_just_before_the_snooze_does_wakes_nobody(story: Story) -> None:
    story.fires()
    story.says("snooze 30m")
    story.advance(minutes=29, seconds=30)
    story.resolves()
    story.advance(hours=2)
    assert story.paged() == [("ana", 0)]
    assert story.incident().phase == "resolved"


def test_a_declared_incident_wakes_whatever_fires(story: Story) -> None:
    story.says("new P1 Checkout rejects cards")
    story.says("snooze 10m")
    story.advance(minutes=10)
    assert story.paged() == [("ana", 0), ("ana", 10)]


def test_a_worse_severity_ends_a_snooze(story: Story) -> None:
    story.fires(severity="high")
    story.says("snooze 1h")
    story.advance(minutes=1)
    story.fires(severity="critical")
    assert story.paged() == [("ana", 0), ("ana", 1)]


@pytest.mark.parametrize(
    "said, what_to_type",
    [
        ("unack", "type `ack` to take it"),
        ("reopen", "`info`"),
        ("snooze 0m", "`snooze 30m`"),
        ("status resolved", "`resolve`"),
    ],
)
def test_a_refusal_says_what_to_type_and_changes_nothing(story: Story, said: str, what_to_type: str) -> None:
    story.fires()
    before = story.incident()
    with pytest.raises(Refused) as refusal:
        story.says(said)
    assert what_to_type in str(refusal.value)
    assert story.incident() == before
