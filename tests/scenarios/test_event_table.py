"""Every row of the event table of the life cycle, one short story each, on both databases.

The docstring of a test begins with its row; more about the row is told by the stories beside it.

| event | from | test here | more |
| --- | --- | --- | --- |
| first firing episode for an incident key | none | test_first_firing | test_paging, test_routes |
| more firing episodes | triggered | test_more_firing_while_triggered | test_paging |
| more firing episodes | acknowledged | test_more_firing_while_acknowledged | test_taking |
| step due | triggered | test_step_due | test_paging, test_replicas |
| step has no targets | triggered | test_step_without_targets | test_paging |
| every step empty | triggered | test_every_step_empty | test_paging |
| end of steps | triggered | test_end_of_steps | test_paging |
| downtime passed several due times | triggered | test_downtime | test_failures |
| ack by P | triggered | test_ack | test_paging, test_failures |
| ack by P, with `acks: each` | triggered | test_ack_where_each_is_to_answer | test_acks_each |
| ack | already acknowledged | test_second_ack | test_taking, test_replicas |
| ack timeout | acknowledged | test_ack_timeout | test_still_on_it |
| un-ack | acknowledged | test_unack | test_taking |
| escalate now | triggered/acknowledged | test_escalate_now | test_paging |
| snooze until T | triggered/acknowledged | test_snooze | test_taking |
| all episodes resolved | open | test_all_resolved | test_ending |
| firing within `reopen_window` of resolve | resolved | test_firing_soon_again | test_ending |
| firing later | resolved | test_firing_later | test_ending |
| resolve by hand while still firing | open | test_resolve_while_firing | test_ending |
| merge S into T | both open | test_merge | test_merging |
| unmerge | merged | test_unmerge | test_merging |
| silence seen by reconciler | triggered | test_silence | test_held_back |
| maintenance window | any | test_maintenance | test_held_back |
| responder added | open | test_responder_added | test_paging |
| policy or rotation edited | open | test_edited | test_edited_steps, test_configuration |
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from incident_bot.core.errors import Refused
from incident_bot.flow import interventions
from tests.fakes.alertmanager import AlertmanagerApi
from tests.plugins.story import Story
from tests.plugins.story_files import LAYERS, SEVERITIES

Tell = Callable[..., Story]

row = pytest.mark.parametrize("story_url", ["sqlite", "postgresql"], indirect=True)
"""Marks the story of a row: told on both databases."""

TELLS_ALL = '[{channel: "#incidents"}]'
TWO_WAYS = "{high: [{by: slack}, {by: webhook, after: 2m}], low: [{by: slack}]}"
NOBODY_ON_CALL = LAYERS.replace("[[ana]]", "[[]]")


def state(story: Story, number: int | None = None) -> tuple[str, int]:
    incident = story.incident(number)
    return incident.escalation, incident.epoch


@row
def test_first_firing(tell: Tell) -> None:
    """First firing episode for an incident key | none: epoch 1, step 0 now, the channel is told, timeline."""
    story = tell(announce=TELLS_ALL)
    story.fires()
    assert state(story) == ("triggered", 1)
    assert story.paged() == [("ana", 0)]
    assert story.said_to("#incidents") == ["opened"]
    assert story.kinds()[0] == "opened"
    story.fires(instance="another")
    assert len(story.incidents()) == 1, "the key is open"


@row
def test_more_firing_while_triggered(story: Story) -> None:
    """More firing episodes | triggered: attached; paging goes on as it was."""
    story.fires()
    story.advance(minutes=5)
    story.fires(instance="another")
    story.advance(minutes=10)
    assert story.incident().firing == 2
    assert "alert_attached" in story.kinds()
    assert story.paged() == [("ana", 0), ("ben", 15)]


@row
@pytest.mark.parametrize(
    "rule, severity, paged",
    [
        ("severity_up", "high", False),
        ("severity_up", "critical", True),
        ("never", "critical", False),
        ("always", "high", True),
    ],
)
def test_more_firing_while_acknowledged(tell: Tell, rule: str, severity: str, *, paged: bool) -> None:
    """More firing episodes | acknowledged: pages again above the peak, or as `repage` says; then epoch + 1."""
    story = tell(rules=f"repage: {rule}")
    story.fires(severity="high")
    story.says("ack")
    story.advance(minutes=1)
    story.fires(severity=severity, instance="another")
    assert (story.paged()[1:] == [("ana", 1)]) is paged
    assert state(story) == (("triggered", 2) if paged else ("acknowledged", 1))


@row
def test_step_due(tell: Tell) -> None:
    """Step due | triggered: targets asked now, every page of the step at once, the next one counts from now; once."""
    story = tell(notify=TWO_WAYS, matrix={"P1": "[{page: [on_call]}, {after: 15m, page: [on_call]}]"})
    story.fires()
    assert [(page.person, page.channel, story.minute(page.due_at)) for page in story.pages()] == [
        ("ana", "slack", 0),
        ("ana", "webhook", 2),
    ]
    story.configure(
        layers=LAYERS.replace("[[ana]]", "[[dan]]"),
        matrix={"P1": "[{page: [on_call]}, {after: 15m, page: [on_call]}]"},
    )
    story.advance(minutes=15)
    story.pump()
    assert [page.person for page in story.pages()] == ["ana", "ana", "dan"]


@row
def test_step_without_targets(tell: Tell) -> None:
    """Step has no targets | triggered: told, counted, fallback once an epoch, the next step at once."""
    nobody = "[{page: [on_call]}, {after: 15m, page: [on_call]}, {after: 30m, page: [lead]}]"
    story = tell(layers=NOBODY_ON_CALL, matrix={"P1": nobody})
    story.fires()
    assert story.paged() == [("ben", 0), ("fay", 0)]
    assert story.kinds().count("nobody") == 2
    assert story.kinds().count("fell_back") == 1
    assert counted(story, "nobody") == 2


def counted(story: Story, result: str) -> float:
    found = story.context.metrics.registry.get_sample_value("incident_bot_steps_total", {"result": result})
    return found or 0


@row
def test_every_step_empty(tell: Tell) -> None:
    """Every step empty | triggered: exhausted, the last resort is paged, and the bot tells of itself."""
    story = tell(
        layers=NOBODY_ON_CALL, matrix={"P1": "[{page: [on_call]}]"}, fallback="[]", announce=TELLS_ALL
    )
    story.fires()
    assert story.paged() == [("theo", 0)]
    assert story.incident().escalation_state == "exhausted"
    assert sorted(story.said_to("#incidents")) == ["meta", "opened"]
    (meta,) = story.taken("meta")
    assert "INC-1 (P1, team web) is exhausted: no step of P1 has anybody" in meta.message.text


@row
def test_end_of_steps(tell: Tell) -> None:
    """End of steps | triggered: another round if allowed, then exhausted, and again every `exhausted_repeat`."""
    story = tell(matrix={"P1": "[{page: [on_call]}]"}, repeat="{P1: 1}", rules="exhausted_repeat: 20m")
    story.fires()
    story.advance(minutes=50)
    assert story.paged() == [("ana", 0), ("ana", 5), ("theo", 10), ("theo", 30), ("theo", 50)]
    assert len(story.taken("meta")) == 1
    assert counted(story, "exhausted") == 3


@row
def test_downtime(story: Story) -> None:
    """Downtime passed several due times | triggered: the current step alone, the next one counts from now."""
    story.fires()
    story.sleep_through(hours=2)
    story.pump()
    assert story.paged() == [("ana", 0), ("ben", 120)]
    story.advance(minutes=15)
    assert story.paged()[2:] == [("cleo", 135)]


@row
def test_ack(tell: Tell) -> None:
    """Ack by P | triggered: acknowledged, what waits is cancelled, and P is asked later (the timer is set)."""
    story = tell(notify=TWO_WAYS, ack_timeout="{high: 30m}")
    story.fires()
    story.says("ack", by="ana")
    story.advance(minutes=29)
    assert story.paged() == [("ana", 0)]
    assert state(story) == ("acknowledged", 1)
    assert [page.state for page in story.pages()] == ["sent", "cancelled"]
    assert story.taken("ask") == []
    story.advance(minutes=1)
    assert [heard.message.recipient for heard in story.taken("ask")] == ["ana"]


@row
def test_ack_where_each_is_to_answer(tell: Tell) -> None:
    """Ack by P | triggered, with `acks: each`: P's pages alone; acknowledged by all, or when the step is over."""
    story = tell(
        severities=SEVERITIES.replace("respond_within: 5m", "acks: each, respond_within: 5m"),
        matrix={"P1": "[{page: [on_call, lead]}, {after: 15m, page: [manager]}]"},
        notify=TWO_WAYS,
    )
    story.fires()
    story.says("ack", by="ana")
    assert state(story) == ("triggered", 1)
    story.advance(minutes=15)
    assert story.paged() == [("ana", 0), ("ben", 0), ("ben", 2)]
    assert (state(story), story.incident().acknowledged_by) == (("acknowledged", 1), "ana")


@row
def test_second_ack(story: Story) -> None:
    """Ack | already acknowledged: noted as a second responder, idempotent."""
    story.fires()
    story.says("ack", by="ana")
    for _ in range(2):
        story.says("ack", by="ben")
    assert [kind for kind in story.kinds() if "ack" in kind] == ["acknowledged", "also_acknowledged"]
    assert story.incident().acknowledged_by == "ana"


@row
def test_ack_timeout(tell: Tell) -> None:
    """Ack timeout | acknowledged: asked; without an answer in 5 min epoch + 1, from the step that was acknowledged."""
    story = tell(ack_timeout="{high: 30m}")
    story.fires()
    story.advance(minutes=15)
    story.says("ack", by="ben")
    story.advance(minutes=35)
    assert story.paged() == [("ana", 0), ("ben", 15), ("ben", 50)]
    assert state(story) == ("triggered", 2)


@row
def test_unack(story: Story) -> None:
    """Un-ack | acknowledged: triggered, epoch + 1, step 0."""
    story.fires()
    story.advance(minutes=15)
    story.says("ack", by="ben")
    story.says("unack", by="ben")
    story.advance(minutes=15)
    assert story.paged() == [("ana", 0), ("ana", 15), ("ben", 15), ("ben", 30)]
    assert state(story) == ("triggered", 2)


@row
@pytest.mark.parametrize("taken", [False, True])
def test_escalate_now(story: Story, *, taken: bool) -> None:
    """Escalate now | triggered/acknowledged: triggered, epoch + 1, the next step."""
    story.fires()
    if taken:
        story.says("ack")
    story.advance(minutes=1)
    story.says("escalate", by="dan")
    assert story.paged() == [("ana", 0), ("ben", 1)]
    assert state(story) == ("triggered", 2)


@row
@pytest.mark.parametrize("taken", [False, True])
def test_snooze(tell: Tell, *, taken: bool) -> None:
    """Snooze until T | triggered/acknowledged: pages cancelled; at T epoch + 1, step 0, unless all is resolved."""
    story = tell(notify=TWO_WAYS)
    story.fires()
    if taken:
        story.says("ack")
    story.says("snooze 10m")
    story.advance(minutes=10)
    assert story.paged() == [("ana", 0), ("ana", 10)]
    assert state(story) == ("triggered", 2)
    story.says("snooze 10m")
    story.resolves()
    story.advance(minutes=12)
    assert story.paged() == [("ana", 0), ("ana", 10)]
    assert story.incident().phase == "resolved"


@row
@pytest.mark.parametrize(
    "rule, led, phase",
    [
        ("unattended", False, "resolved"),
        ("unattended", True, "monitoring"),
        ("always", True, "resolved"),
        ("never", False, "monitoring"),
    ],
)
def test_all_resolved(tell: Tell, rule: str, phase: str, *, led: bool) -> None:
    """All episodes resolved | open: after the hold resolved and told, or offered where somebody leads."""
    story = tell(rules=f"auto_resolve: {rule}", announce=TELLS_ALL, notify=TWO_WAYS)
    story.fires()
    if led:
        story.says("lead @ben")
    story.resolves()
    story.advance(seconds=89)
    assert story.incident().escalation == "triggered"
    story.advance(seconds=1)
    assert story.incident().phase == phase
    ended = phase == "resolved"
    assert ("resolved" in story.said_to("#incidents")) is ended
    story.advance(minutes=1)
    assert (story.paged() == [("ana", 0)]) is ended, "what waited was cancelled with the end alone"


@row
def test_firing_soon_again(tell: Tell) -> None:
    """Firing within `reopen_window` | resolved: the same incident, epoch + 1, step 0, whoever had it is named."""
    story = tell(announce=TELLS_ALL)
    story.fires()
    story.says("ack")
    story.resolves()
    story.advance(minutes=20)
    assert state(story) == ("resolved", 1)
    story.fires()
    assert len(story.incidents()) == 1
    assert story.paged() == [("ana", 0), ("ana", 20)]
    assert state(story) == ("triggered", 2)
    assert story.entry("reopened").data["had"] == "ana"
    assert "reopened" in story.said_to("#incidents")


@row
def test_firing_later(story: Story) -> None:
    """Firing later | resolved: a new incident that names the old one."""
    story.fires()
    story.resolves()
    story.advance(minutes=40)
    story.fires()
    assert [(one.id, one.previous) for one in story.incidents()] == [("INC-1", None), ("INC-2", "INC-1")]
    assert state(story) == ("triggered", 1)


@row
def test_resolve_while_firing(story: Story) -> None:
    """Resolve by hand while still firing | open: forced; repeats do not reopen it, a worse severity does."""
    story.fires(severity="high")
    with pytest.raises(Refused, match="still firing"):
        story.says("resolve")
    story.says("resolve the graph is wrong")
    assert story.incident().forced
    story.advance(minutes=1)
    story.repeat()
    assert state(story) == ("resolved", 1)
    story.fires(severity="critical", since=story.start)
    assert state(story) == ("triggered", 2)


@row
def test_merge(tell: Tell) -> None:
    """Merge S into T | both open: S's pages end, its alerts move, one notice, T untouched; a closed T is refused."""
    story = tell(routes="[{match: ['alertname=\"LakeSlow\"'], team: data}]", notify=TWO_WAYS)
    story.fires()
    story.advance(minutes=1)
    story.fires(alertname="LakeSlow")
    story.says("dup INC-1", by="ben", incident=2)
    story.advance(minutes=14)
    assert story.paged() == [("ana", 0), ("dan", 1), ("ana", 2), ("ben", 15)]
    assert [heard.message.recipient for heard in story.taken("note")] == ["dan"]
    assert state(story, 2) == ("merged", 2)
    assert story.incident(1).firing == 2
    story.resolves()
    story.advance(minutes=3)
    assert story.incident(1).escalation == "triggered", "it waits for every alert"
    story.says("resolve done", incident=1)
    story.fires(alertname="Third")
    with pytest.raises(Refused, match="INC-1 is resolved"):
        story.says("dup INC-1", incident=3)


@row
def test_unmerge(story: Story) -> None:
    """Unmerge | merged: a new incident for the episodes, paged for in epoch 1 while they fire."""
    story.fires()
    story.fires(alertname="Second")
    story.says("dup INC-1", incident=2)
    story.says("ack", incident=1)
    story.advance(minutes=5)
    story.says("unmerge", incident=2)
    assert story.newest() == 3
    assert state(story, 3) == ("triggered", 1)
    assert [page.person for page in story.pages(3)] == ["ana"]
    assert state(story, 1) == ("acknowledged", 1)


@row
def test_silence(tell: Tell) -> None:
    """Silence seen by reconciler | triggered: paused while every episode is silenced; then epoch + 1."""
    story = tell()
    with AlertmanagerApi(story.alertmanager) as api:
        story.configure(sources=f'  - {{name: alertmanager, kind: alertmanager, api_url: "{api.url}"}}')
        story.reconciles()
        story.fires(instance="a")
        story.alertmanager.find(instance="a").silenced_by = ("s-1",)
        story.advance(minutes=20)
        assert story.incident().escalation_state == "paused"
        assert story.paged() == [("ana", 0)]
        story.alertmanager.find(instance="a").silenced_by = ()
        story.advance(minutes=2)
    assert state(story) == ("triggered", 2)
    assert [person for person, _ in story.paged()] == ["ana", "ana"]


@row
def test_maintenance(story: Story) -> None:
    """Maintenance window | any: incidents open, paging waits; what still fires at the end starts as usual."""
    interventions.add_maintenance(
        story.context,
        matchers=['severity="critical"'],
        start=story.clock.now(),
        end=story.clock.now() + timedelta(hours=1),
        reason="new switch",
        actor="ben",
        now=story.clock.now(),
    )
    story.fires()
    story.advance(minutes=59)
    assert (story.paged(), story.incident().escalation_state) == ([], "paused")
    story.advance(minutes=16)
    assert story.paged() == [("ana", 60), ("ben", 75)]


@row
@pytest.mark.parametrize("by", ["dan", "ana"])
def test_responder_added(tell: Tell, by: str) -> None:
    """Responder added | open: pages for that person alone, stopped by their ack or the incident's."""
    story = tell(notify=TWO_WAYS, matrix={"P1": "[{page: [manager]}]"})
    story.fires()
    story.says("page @dan", by="ben")
    story.says("ack", by=by)
    story.advance(minutes=4)
    assert story.paged() == [("cleo", 0), ("dan", 0)]
    assert [page.step for page in story.pages() if page.person == "dan"] == ["direct", "direct"]


@row
def test_edited(tell: Tell) -> None:
    """Policy or rotation edited | open: executed steps stay, later ones with an id are the new ones; it is told."""
    story = tell(matrix={"P1": "[{page: [on_call], id: a}, {after: 15m, page: [lead], id: b}]"})
    story.fires()
    story.advance(minutes=1)
    story.configure(matrix={"P1": "[{page: [manager], id: a}, {after: 15m, page: [on_call], id: b}]"},
                    layers=LAYERS.replace("[[ana]]", "[[dan]]"))  # fmt: skip
    story.advance(minutes=14)
    assert story.paged() == [("ana", 0), ("dan", 15)]
    assert "those to come are the new ones: b" in story.entry("steps_edited").text


def test_every_row_has_its_story_here() -> None:
    """The table above names the tests that there are, and the files that tell more."""
    listed = re.findall(r"\| (test_\w+) \| ([\w, ]+) \|", __doc__ or "")
    here = {name for name, value in globals().items() if name.startswith("test_") and callable(value)}
    assert {test for test, _ in listed} == here - {"test_every_row_has_its_story_here"}
    beside = {path.stem for path in Path(__file__).parent.glob("test_*.py")}
    assert {name.strip() for _, more in listed for name in more.split(",")} <= beside
