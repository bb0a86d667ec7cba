"""What an alert was worth and how a runbook did: said in words, on the record, counted, and its owner told."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from incident_bot.core.errors import Refused
from incident_bot.flow import opinions
from incident_bot.flow.insights import InsightsView, asked, insights
from tests.plugins.story import Story, on_every_database
from tests.plugins.story_files import documents

RUNBOOK = """---
title: High error rate
alerts: [HighErrorRate]
owner: {owner}
---
## Mitigation

1. Roll back
"""


def seen(story: Story) -> InsightsView:
    now = story.clock.now()
    return insights(story.context, asked(zone=ZoneInfo("UTC"), now=now), now=now)


@on_every_database
def test_a_verdict_goes_over_what_it_looks_like(story: Story) -> None:
    story.fires(instance="a")
    story.fires(alertname="SlowDisk", instance="b", severity="critical")
    for number in (1, 2):
        story.says("ack", incident=number)
        story.says("resolve it was the deploy", incident=number)
    story.advance(minutes=1)
    assert [(one.alert, one.share) for one in seen(story).noise] == [
        ("HighErrorRate", 1.0),
        ("SlowDisk", 1.0),
    ]
    said = story.says("verdict noise HighErrorRate it was the deploy", incident=1)
    assert said == "Noted for INC-1: HighErrorRate – noise."
    assert story.entry("verdict_given", 1).text.endswith("calls HighErrorRate noise: it was the deploy")
    story.says("verdict wrong threshold", incident=2)
    noise = {one.alert: one for one in seen(story).noise}
    assert (noise["HighErrorRate"].share, noise["HighErrorRate"].verdicts) == (0.0, {"noise": 1})
    assert noise["SlowDisk"].verdicts == {"wrong threshold": 1}
    assert "nothing changed" in story.says("verdict noise", incident=1)
    story.says("verdict needs runbook nobody knew what to do", incident=1)
    assert {one.alert: one.share for one in seen(story).noise}["HighErrorRate"] == 1.0
    assert "HighErrorRate: needs a runbook (nobody knew what to do)" in story.says("verdict", incident=1)


def test_what_came_and_went_is_probably_noise_until_somebody_says(story: Story) -> None:
    story.fires()
    story.advance(minutes=2)
    story.resolves()
    story.advance(minutes=5)
    assert story.incident().escalation == "resolved"
    assert "probably noise: over by itself" in story.says("verdict")
    (noise,) = seen(story).noise
    assert (noise.share, noise.judged) == (0.0, 1)
    story.says("verdict actionable")
    (view,) = opinions.of_incident(story.context, 1).alerts
    assert (view.verdict, view.hint) == ("actionable", None)


@pytest.mark.parametrize(
    "line, says",
    [
        ("verdict rubbish", "is no verdict; use one of actionable"),
        ("verdict nois", "Did you mean `verdict noise`"),
    ],
)
def test_what_is_no_verdict(story: Story, line: str, says: str) -> None:
    story.fires()
    with pytest.raises(Refused, match=says):
        story.says(line)


def test_a_declared_incident_has_neither_alerts_nor_a_runbook_to_judge(story: Story) -> None:
    story.says("new Checkout is slow")
    with pytest.raises(Refused, match="has no runbook"):
        story.says("runbook worked")
    assert "has no alerts" in story.says("verdict")
    with pytest.raises(Refused, match="has no alerts"):
        story.says("verdict noise")


@pytest.mark.parametrize("owner", ["ben", "web"])
def test_the_owner_of_an_outdated_runbook_is_told_once(story: Story, owner: str) -> None:
    path = "high-error-rate.md"
    assert story.reload(documents() | {f"runbooks/{path}": RUNBOOK.format(owner=owner)}).ok
    for number in (1, 2, 3):
        story.says(f"new Errors {number}")
        story.says(f"runbook {path}", incident=number)
        said = story.says("runbook outdated the host is gone", incident=number)
        assert ("is told" in said) is (number == 1)
        assert story.entry("runbook_judged", number).text.endswith("out of date – the host is gone")
    assert [heard.message.recipient for heard in story.taken("nudge")] == ["ben"]
    assert "nothing changed" in story.says("runbook outdated", incident=3)
    story.says("runbook worked", incident=3)
    story.says("new Errors 4")
    story.says(f"runbook {path}", incident=4)
    assert "is told" in story.says("runbook outdated", incident=4), "it had worked meanwhile"
    (record,) = seen(story).runbooks
    assert (record.worked, record.failed, record.outdated, record.said) == (1, 0, 3, 4)
    assert (record.last, record.last_incident, record.last_reason) == ("out of date", "INC-4", None)
    assert opinions.record(story.context, "no/such.md") is None
