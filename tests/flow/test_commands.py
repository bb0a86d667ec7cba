"""Every command: what it answers, what it changes, what stands on the timeline, and that a key makes it happen once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from incident_bot.core.errors import NotFound, Refused
from incident_bot.flow import commands
from incident_bot.flow.grammar import VERBS
from tests.plugins.story import Story, on_every_database
from tests.plugins.story_files import documents

Tell = Callable[..., Story]


@pytest.fixture
def firing(story: Story) -> Story:
    """One incident that nobody has yet."""
    story.fires(annotations={"summary": "5xx above 5 %"}, service="shop", instance="shop-1")
    return story


COMMANDS: list[tuple[str, str, str, dict[str, object]]] = [
    # What is typed, the entry it makes, a part of the answer, and what is different in the incident.
    ("ack", "acknowledged", "You have INC-1", {"escalation": "acknowledged", "acknowledged_by": "ana"}),
    ("snooze 30m", "snoozed", "quiet until 03:30 UTC", {"escalation": "snoozed"}),
    ("escalate", "escalated", "the next step is paged now", {"epoch": 2}),
    ("page @dan", "paged", "Paging dan for INC-1", {}),
    ("page data", "paged", "Paging dan for INC-1", {}),
    ("page schedule/data", "paged", "Paging dan for INC-1", {}),
    ("page lead", "paged", "Paging ben for INC-1", {}),
    ("sev P2 one region", "severity_changed", "INC-1 is P2 now, it was P1", {"severity": "P2"}),
    ("sev high", "severity_changed", "INC-1 is P2 now", {"severity": "P2"}),
    ("status mitigating", "phase_changed", "INC-1 is mitigating now", {"phase": "mitigating"}),
    ("status miti", "phase_changed", "INC-1 is mitigating now", {"phase": "mitigating"}),
    ("update Rolled back", "update_posted", "next one is promised for 03:15 UTC", {}),
    ("lead me", "lead_assigned", "ana leads INC-1 now", {"lead": "ana"}),
    ("ic @ben", "lead_assigned", "ben leads INC-1 now", {"lead": "ben"}),
    ("role scribe @ben", "role_assigned", "ben is scribe", {"roles": {"scribe": "ben"}}),
    ("role subject expert @dan", "role_assigned", "dan is", {"roles": {"subject expert": "dan"}}),
    ("role lead @dan", "lead_assigned", "dan leads INC-1 now", {"lead": "dan"}),
    ("note traffic doubled", "note", "Noted on INC-1 at 03:00 UTC", {}),
    ("impact one checkout in ten", "impact_changed", "Impact of INC-1", {"impact": "one checkout in ten"}),
    ("title Checkout rejects cards", "title_changed", "is called", {"title": "Checkout rejects cards"}),
    ("private", "made_private", "INC-1 is private now", {"private": True}),
    ("task check the lag @ben", "item_added", "Task 1 of INC-1 noted for ben", {}),
    ("followup alert on the pool 14d", "item_added", "Follow-up 1 of INC-1 noted", {}),
    ("did scaled to 12 undo: scale to 6", "item_added", "Change 1 of INC-1 noted for ana", {}),
    (
        "theory the cache is cold",
        "item_added",
        "Theory 1 of INC-1 noted; `confirmed 1` or `ruledout 1 <why>`",
        {},
    ),
    ("decide roll back to 41", "item_added", "Decision 1 of INC-1 noted.", {}),
    ("tick 2", "step_ticked", "Step 2 is done: Roll it back (1 of 3 done).", {}),
    ("remind off", "reminders_set", "The reminders of INC-1 are switched off", {"reminders_off": True}),
    ("resolve false alarm", "resolved", "INC-1 is resolved", {"escalation": "resolved", "forced": True}),
    ("cancel a test", "cancelled", "This is final", {"phase": "cancelled"}),
]


@pytest.mark.parametrize("typed, kind, answer, changed", COMMANDS, ids=[row[0] for row in COMMANDS])
def test_a_command_changes_the_incident_and_stands_on_its_timeline(
    firing: Story, typed: str, kind: str, answer: str, changed: dict[str, object]
) -> None:
    before = firing.incident()
    assert answer in firing.says(typed)
    after = firing.incident()
    for name, value in changed.items():
        assert getattr(after, name) == value
    entry = firing.entry(kind)
    assert (entry.actor, entry.source) == ("ana", "test")
    assert after.seq > before.seq


def test_every_verb_that_changes_is_in_the_table() -> None:
    typed = {row[0].split()[0] for row in COMMANDS}
    synonyms = {"ic": "lead"}
    elsewhere = {
        "new",
        "public",
        "unack",
        "done",
        "ruledout",
        "confirmed",
        "reopen",
        "drill",
        "dup",
        "unmerge",
        "split",
        "graph",
        "handoff",
        "undo",
        "untick",
        "accept",
        "decline",
        "cannot",
        "silence",
        "unsilence",
        "publish",
        "unpublish",
        "edit",
        "retract",
    }
    assert {synonyms.get(word, word) for word in typed} | elsewhere == {
        verb.name for verb in VERBS if verb.changes
    }


def test_the_details_of_an_update_a_note_and_a_promise(firing: Story) -> None:
    firing.says("update Rolled back, watching next 45m")
    assert firing.incident().next_update_at == firing.start + timedelta(minutes=45)
    assert firing.entry("update_posted").data["text"] == "Rolled back, watching"
    firing.says("note 03:30 the deploy began")
    note = firing.entry("note")
    # Ana's clock is Berlin's.
    assert note.happened_at == datetime(2026, 3, 3, 2, 30, tzinfo=UTC)
    assert note.recorded_at == firing.start
    firing.says("note 22:00 the deploy began", by="ben")
    assert firing.entry("note").happened_at == datetime(2026, 3, 3, 3, 0, tzinfo=UTC)


def test_snooze_until_is_in_the_zone_of_whoever_says_it(firing: Story) -> None:
    firing.says("snooze until 05:15")
    assert firing.incident().snoozed_until == datetime(2026, 3, 3, 4, 15, tzinfo=UTC)
    firing.says("snooze until 22:30", by="ben")
    assert firing.incident().snoozed_until == datetime(2026, 3, 3, 3, 30, tzinfo=UTC)
    firing.says("snooze until 12:00", by="automation")
    assert firing.incident().snoozed_until == datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def test_items_are_numbered_finished_and_asked_for(firing: Story) -> None:
    firing.says("task check the lag @ben")
    firing.says("did scaled to 12 undo: scale to 6")
    firing.says("followup alert on the pool @dan 2026-03-31")
    task, change, followup = firing.incident().items
    assert (task.kind, task.text, task.owner) == ("task", "check the lag", "ben")
    assert (change.kind, change.owner, change.undo) == ("change", "ana", "scale to 6")
    assert (followup.kind, followup.owner) == ("followup", "dan")
    assert followup.due == datetime(2026, 3, 31, 16, 0, tzinfo=UTC)
    assert "Item 1 of INC-1 is done: check the lag" in firing.says("done #1", by="ben")
    assert "nothing changed" in firing.says("done 1")
    with pytest.raises(Refused, match="open are: 2 and 3"):
        firing.says("done 7")
    with pytest.raises(Refused, match=r"Still in force: 2\. scaled to 12 \(undo: scale to 6\)"):
        firing.says("resolve")
    assert "Still in force: 2. scaled to 12 (undo: scale to 6)" in firing.says("resolve enough")
    assert "Item 2 of INC-1 is done" in firing.says("done 2"), "what was left in force is undone later"


def test_new_takes_a_severity_first(story: Story) -> None:
    assert story.says("new critical Checkout rejects cards").startswith("INC-1 is open")
    assert story.incident().severity == "P1"
    story.says("declare Something is slow", incident=None)
    assert (story.incident().id, story.incident().severity) == ("INC-2", "P1")
    story.says("new P3")
    assert story.incident().title == "P3", "a single word is the title"


def test_a_form_declares_with_all_its_fields(story: Story) -> None:
    def declare(**fields: Any) -> str:
        reply = commands.declare(
            story.context,
            actor="dan",
            source="api",
            now=story.clock.now(),
            **{"title": "Lake is empty", **fields},
        )
        story.pump()
        return reply.text

    assert (
        declare(severity="P2", service="lake", impact="no reports", private=True)
        == "INC-1 is open: Lake is empty"
    )
    incident = story.incident()
    assert (incident.severity, incident.team, incident.service) == ("P2", "data", "lake")
    assert (incident.impact, incident.private) == ("no reports", True)
    assert story.paged() == [("dan", 0)]
    declare(title="\u202ekcehc\u202c\nit", service="la\u200bke\nTake it: call me", impact="no\u202e reports")
    incident = story.incident()
    assert (incident.title, incident.service, incident.impact) == (
        "kcehc it",
        "lake Take it: call me",
        "no reports",
    )
    with pytest.raises(Refused, match="needs a title"):
        declare(title="\u200b\u202e \n")
    with pytest.raises(Refused, match="no team 'nobody'; use one of data, web"):
        declare(team="nobody")
    with pytest.raises(Refused, match="'P9' is no severity; use one of P1, P2, P3, P4"):
        declare(severity="P9")
    with pytest.raises(Refused, match="needs a title"):
        commands.declare(story.context, title=" ", actor="dan", source="api", now=story.clock.now())
    assert len(story.incidents()) == 2


def test_what_is_private_is_told_to_no_channel(tell: Tell) -> None:
    story = tell(announce='[{channel: "#incidents"}]')
    commands.declare(
        story.context, title="Leak", actor="dan", source="api", private=True, now=story.clock.now()
    )
    story.says("update it is contained")
    story.says("resolve done")
    assert story.said_to("#incidents") == []


REFUSED = [
    ("ack INC-99", "There is no INC-99"),
    ("ack INC-0", "There is no INC-0"),
    ("ack INC-999999999", "There is no INC-999999999"),
    ("sev", "type for example `sev P2"),
    ("sev P9", "use one of P1, P2, P3, P4"),
    ("status", "status mitigating"),
    ("status nonsense", "use triage, investigating, mitigating, monitoring"),
    ("update", "type for example `update"),
    ("update next 30m", "type for example `update"),
    ("lead", "type for example `lead @alice`"),
    ("lead @bem", "Did you mean @ben?"),
    ("role scribe", "`role scribe @bob`"),
    ("note", "note 14:05"),
    ("impact", "impact one checkout"),
    ("title", "title Checkout"),
    ("task @ben", "task check"),
    ("task x @nobody", "I know nobody"),
    ("did undo: x", "did scaled"),
    ("done", "done 2"),
    ("done soon", "`info` lists the numbers"),
    ("page", "page @alice"),
    ("page nobody", "I know nobody"),
    ("page team/nobody", "I know no team called 'nobody'"),
    ("page pagerduty/x", "Nobody behind pagerduty/x can be reached"),
    ("page nonsense/x", "unknown target"),
    ("page @gus", "Nobody behind @gus can be reached"),
    ("unack", "type `ack`"),
    ("snooze", "snooze until 14:30"),
    ("tick 9", "The runbook of INC-1 has 3 steps; `runbook` lists them"),
    ("tick", "type for example `tick 2`"),
    ("resolve", "1 still firing: 5xx above 5 %. To close it anyway, type `resolve` and the reason."),
    ("cancel", "cancel test alert"),
    ("new", "new P2 Checkout"),
]  # fmt: skip


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """One firing incident that no test of this table changes."""
    one = Story(tmp_path_factory.mktemp("settled"), "sqlite://", documents())
    one.fires(annotations={"summary": "5xx above 5 %"})
    return one


@pytest.mark.parametrize("typed, what_to_type", REFUSED, ids=[row[0] for row in REFUSED])
def test_a_refusal_says_what_to_type_and_changes_nothing(
    settled: Story, typed: str, what_to_type: str
) -> None:
    before = (settled.incident(), len(settled.incidents()))
    with pytest.raises(Refused) as refusal:
        settled.says(typed)
    assert what_to_type in str(refusal.value)
    assert (settled.incident(), len(settled.incidents())) == before


def test_without_an_incident_it_asks_which(story: Story) -> None:
    with pytest.raises(Refused, match="Which incident\\? Type for example `ack INC-42`"):
        story.says("ack")
    with pytest.raises(NotFound):
        story.says("info", incident=7)


def test_the_name_in_the_line_wins_over_the_room(story: Story) -> None:
    story.fires(alertname="First")
    story.fires(alertname="Second")
    story.says("INC-1 ack", incident=2)
    assert [one.escalation for one in story.incidents()] == ["acknowledged", "triggered"]


@on_every_database
def test_the_same_key_answers_the_same_and_changes_nothing_twice(firing: Story) -> None:
    first = firing.says("note traffic doubled", key="click-1")
    before = firing.timeline()
    firing.advance(minutes=1)
    assert firing.says("note traffic doubled", key="click-1") == first
    assert firing.timeline() == before
    firing.says("note traffic doubled", key="click-2")
    assert firing.kinds().count("note") == 2


def test_a_key_is_one_persons_and_one_commands(firing: Story) -> None:
    firing.says("note one", key="k")
    with pytest.raises(Refused, match="used for another command"):
        firing.says("note two", key="k")
    firing.says("note one", key="k", by="ben")
    assert firing.kinds().count("note") == 2
    for key in ("", "x" * 201):
        with pytest.raises(Refused, match="1 to 200 characters"):
            firing.says("ack", key=key)
    assert firing.incident().escalation == "triggered"


def test_the_key_of_a_declaration_counts_wherever_it_was_typed(firing: Story) -> None:
    first = firing.says("new P1 Lake is empty", key="k", incident=1)
    assert firing.says("new P1 Lake is empty", key="k", incident=2) == first
    assert len(firing.incidents()) == 2


def test_a_refused_command_does_not_use_up_its_key(firing: Story) -> None:
    with pytest.raises(Refused):
        firing.says("resolve", key="k")
    firing.says("ack", key="k")
    assert firing.incident().escalation == "acknowledged"


@pytest.mark.parametrize("story_url", ["sqlite", "postgresql"], indirect=True)
def test_a_form_that_is_sent_twice_at_the_same_moment_declares_once(story: Story) -> None:
    gate = Barrier(2)

    def declare() -> str | None:
        gate.wait(timeout=30)
        return commands.declare(
            story.context, title="Lake is empty", actor="dan", source="api", key="k", now=story.clock.now()
        ).incident

    with ThreadPoolExecutor(2) as pool:
        named = {future.result(timeout=60) for future in [pool.submit(declare) for _ in range(2)]}
    assert named == {one.id for one in story.incidents()}
    assert len(named) == 1


def test_the_readers_answer_in_words(firing: Story) -> None:
    assert (
        "1 open:\nINC-1 [P1] 5xx above 5 % – nobody has it yet; step 2 at 2026-03-03 03:15 UTC"
        in firing.says("list")
    )
    info = firing.says("info")
    for part in ("INC-1 [P1] 5xx above 5 %", "Service: shop", "Lead: nobody: `lead @you`", "Firing now: 1"):
        assert part in info, part
    assert "[P1] 5xx above 5 % – since 2026-03-03 03:00 UTC" in firing.says("firing")
    runbook = firing.says("runbook")
    assert "High error rate (runbooks/high-error-rate.md)" in runbook
    assert "Mitigation:\n  ☐ 2. Roll it back\n  ☐ 3. Scale out" in runbook
    why = firing.says("why")
    for part in (
        "route: default → incident, team web",
        "page to Ana Example by slack (step 1): sent",
        "on call",
    ):
        assert part in why, part
    draft = firing.says("postmortem")
    assert "/incidents/INC-1/postmortem" in draft
    assert "% filled:" in draft
    assert "[waiting for <what>]` – I have it" in firing.says("help ack")


def test_catchup_tells_a_late_joiner_everything(firing: Story) -> None:
    assert "Last update: none yet" in firing.says("catchup")
    firing.says("ack")
    firing.says("impact one checkout in ten")
    firing.says("update Rolled back")
    firing.says("did scaled to 12 undo: scale to 6")
    firing.says("task check the lag @ben")
    firing.says("theory the cache is cold")
    firing.says("ruledout #3 it is warm", by="ben")
    firing.says("decide roll back", by="ben")
    firing.advance(minutes=5)
    assert firing.says("summary").splitlines() == [
        "INC-1 [P1] 5xx above 5 %",
        "Severity: P1 since 03:00 UTC (5 min)",
        "Phase: investigating since 03:00 UTC (5 min)",
        "Paging: Ana Example on it",
        "Lead: nobody: `lead @you`",
        "Impact: one checkout in ten",
        "Last update: 03:00 UTC: Rolled back",
        "Next update: 03:15 UTC (in 10 min)",
        "Firing now (1):",
        "  5xx above 5 % since 03:00 UTC",
        "Theories:",
        "  3. the cache is cold – ruled out: it is warm",
        "Decisions:",
        "  4. roll back",
        "Changes in force:",
        "  1. scaled to 12 (undo: scale to 6)",
        "Open tasks:",
        "  2. check the lag – Ben Example",
        "Lately:",
        "  03:00 UTC Ana Example recorded temporary change 1: scaled to 12 (for Ana Example); to undo: scale to 6",
        "  03:00 UTC Ana Example recorded task 2: check the lag (for Ben Example)",
        "  03:00 UTC Ana Example recorded theory 3: the cache is cold",
        "  03:00 UTC Ben Example ruled out theory 3: the cache is cold; it is warm",
        "  03:00 UTC Ben Example recorded decision 4: roll back",
    ]
    assert firing.incident().seq == firing.timeline()[-1].seq, "whoever looks changes nothing"


def test_the_readers_of_what_is_over_or_empty(story: Story) -> None:
    assert "Nothing is open. Declare one with `new <title>`." in story.says("list")
    assert "There has been no incident yet" in story.says("list all")
    story.fires(alertname="NoRunbook")
    assert "has no runbook. Add one under runbooks/" in story.says("runbook")
    story.says("snooze 30m")
    assert "snoozed until 2026-03-03 03:30 UTC" in story.says("info")
    story.resolves(alertname="NoRunbook")
    assert "Nothing of INC-1 fires now" in story.says("firing")
    story.advance(minutes=2)
    assert "Nothing is open" in story.says("list")
    assert "INC-1" in story.says("list all")


@pytest.mark.parametrize("named", ["high-error-rate.md", "runbooks/high-error-rate.md", "High Error Rate"])
def test_another_runbook_is_followed(story: Story, named: str) -> None:
    story.fires(alertname="Other")
    assert "INC-1 follows high-error-rate.md now." in story.says(f"runbook {named}")
    assert "Roll it back" in story.says("runbook")
    assert "has that runbook already" in story.says(f"runbook {named}")


def test_a_runbook_that_is_not_there_is_refused_with_the_nearest(story: Story) -> None:
    story.fires(alertname="Other")
    with pytest.raises(Refused, match=r"Did you mean `runbook high-error-rate\.md`"):
        story.says("runbook high-eror-rate.md")
    with pytest.raises(Refused, match="Its path below runbooks/, or its title"):
        story.says("runbook nothing like it")


def test_the_runbook_that_an_alert_names_is_offered(story: Story) -> None:
    story.fires(alertname="Other", annotations={"runbook_url": "https://wiki.example.com/other"})
    assert "The alert names https://wiki.example.com/other" in story.says("runbook")
