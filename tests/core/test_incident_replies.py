"""What every command says: each refusal names what to type instead, and nothing is ignored in silence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from incident_bot.core.errors import Refused
from incident_bot.core.incident import (
    Acknowledge,
    AddItem,
    AddNote,
    AssignLead,
    AssignRole,
    AttachRunbook,
    Cancel,
    Command,
    Escalate,
    FinishItem,
    PageSomebody,
    PostUpdate,
    Reopen,
    Resolve,
    SavePostmortem,
    SetImpact,
    SetPhase,
    SetSeverity,
    SetTitle,
    SettleTheory,
    Snooze,
    TickStep,
    Unacknowledge,
)
from incident_bot.core.model import Incident, ItemKind, Outcome, Paging, Phase
from tests.core.incident_world import (
    MINUTE,
    NOW,
    P1,
    P2,
    P3,
    acknowledged,
    believing,
    by,
    cancelled,
    direct,
    merged,
    opened,
    opening,
    resolved,
    snoozed,
    ticked,
    with_items,
)

LATER = NOW + 10 * MINUTE

REFUSALS: dict[str, tuple[Callable[[], Incident], Command, str]] = {
    "ack, resolved": (resolved, Acknowledge(), "INC-42 is resolved; type `reopen` to work on it again."),
    "ack, cancelled": (
        cancelled,
        Acknowledge(),
        "INC-42 is cancelled; type `new <title>` if there is work after all.",
    ),
    "unack, resolved": (
        resolved,
        Unacknowledge(),
        "INC-42 is resolved; type `reopen` to have it paged again.",
    ),
    "unack, nobody has it": (opened, Unacknowledge(), "Nobody has INC-42; type `ack` to take it."),
    "unack, snoozed": (
        snoozed,
        Unacknowledge(),
        "INC-42 is snoozed; type `escalate` to page now, or `ack` to take it.",
    ),
    "snooze, resolved": (
        resolved,
        Snooze(until=LATER),
        "INC-42 is resolved; there is nothing to snooze; type `reopen` to work on it again.",
    ),
    "snooze, past": (
        opened,
        Snooze(until=NOW),
        "03:00 UTC has passed; give a time to come: `snooze 30m`.",
    ),
    "escalate, resolved": (resolved, Escalate(), "INC-42 is resolved; type `reopen` to have it paged again."),
    "page, resolved": (
        resolved,
        PageSomebody(people=(direct("bob"),)),
        "INC-42 is resolved; type `reopen` before you page somebody.",
    ),
    "page, nobody reachable": (
        opened,
        PageSomebody(people=(), wanted="team/db"),
        "Nobody behind team/db can be reached; name a person, a schedule or a team: `page person/NAME`.",
    ),
    "phase, resolved by that name": (
        opened,
        SetPhase(phase=Phase.RESOLVED),
        "To resolve INC-42 type `resolve`.",
    ),
    "phase, cancelled by that name": (
        opened,
        SetPhase(phase=Phase.CANCELLED),
        "To cancel INC-42 type `cancel <reason>`.",
    ),
    "phase, closed too early": (
        opened,
        SetPhase(phase=Phase.CLOSED),
        "INC-42 is not resolved yet; type `resolve` first, then `status closed`.",
    ),
    "phase, work on what is resolved": (
        resolved,
        SetPhase(phase=Phase.MITIGATING),
        "INC-42 is resolved; type `reopen` to work on it again.",
    ),
    "phase, cancelled": (
        cancelled,
        SetPhase(phase=Phase.CLOSED),
        "INC-42 is cancelled, which is final; type `new <title>` for what is still to do.",
    ),
    "title, blank": (opened, SetTitle(title=" "), "Something is missing; type `title <text>`."),
    "impact, blank": (opened, SetImpact(text=""), "Something is missing; type `impact <text>`."),
    "update, blank": (opened, PostUpdate(text=""), "Something is missing; type `update <text>`."),
    "update, promise in the past": (
        opened,
        PostUpdate(text="on it", next_update_at=NOW - timedelta(days=1)),
        "2026-11-19 03:00 UTC has passed; promise the next update for a time to come.",
    ),
    "note, in the future": (
        opened,
        AddNote(text="x", happened_at=LATER),
        "03:10 UTC is still to come; a note tells what has happened: `note <text>`.",
    ),
    "done, unknown number": (
        opened,
        FinishItem(number=3),
        "INC-42 has no item 3; open are: none.",
    ),
    "resolve, resolved": (resolved, Resolve(), "INC-42 is resolved; type `reopen` if it is not over."),
    "done, a theory": (
        believing,
        FinishItem(number=3),
        "Item 3 of INC-42 is a theory, which is not done; type `confirmed 3` or `ruledout 3 <why>`.",
    ),
    "done, a decision": (
        believing,
        FinishItem(number=4),
        "Item 4 of INC-42 is a decision, which is not done; it stands on the record.",
    ),
    "done, unknown beside theories": (
        believing,
        FinishItem(number=9),
        "INC-42 has no item 9; open are: 1.",
    ),
    "confirmed, no theory": (
        believing,
        SettleTheory(number=1, outcome=Outcome.CONFIRMED),
        "INC-42 has no theory 1; its theories are 2 and 3.",
    ),
    "ruled out, without any": (
        opened,
        SettleTheory(number=1, outcome=Outcome.RULED_OUT),
        "INC-42 has no theory 1; `theory <text>` notes one.",
    ),
    "theory, blank": (
        opened,
        AddItem(kind=ItemKind.THEORY, text=" "),
        "Something is missing; type `theory <text>`.",
    ),
    "resolve, changes in force": (
        lambda: by("bob", AddItem(kind=ItemKind.CHANGE, text="scaled", undo="scale back"), opened()).incident,
        Resolve(),
        (
            "INC-42: Still in force: 1. scaled (undo: scale back) – `done 1` when undone."
            " To close it anyway, type `resolve` and the reason."
        ),
    ),
    "resolve, all against it": (
        with_items,
        Resolve(firing=3, named=("HighErrorRate", "Slow")),
        (
            "INC-42: 3 still firing: HighErrorRate; Slow and 1 more."
            " Still in force: 2. a change; 3. a change – `done 2` when undone."
            " To close it anyway, type `resolve` and the reason."
        ),
    ),
    "resolve, all named": (
        opened,
        Resolve(firing=1, named=("HighErrorRate",)),
        "INC-42: 1 still firing: HighErrorRate. To close it anyway, type `resolve` and the reason.",
    ),
    "resolve, still firing": (
        opened,
        Resolve(reason=" ", firing=3),
        "INC-42: 3 still firing. To close it anyway, type `resolve` and the reason.",
    ),
    "resolve, one still firing": (
        opened,
        Resolve(firing=1),
        "INC-42: 1 still firing. To close it anyway, type `resolve` and the reason.",
    ),
    "reopen, open": (opened, Reopen(), "INC-42 is open already; type `info` to see where it stands."),
    "reopen, cancelled": (
        cancelled,
        Reopen(),
        "INC-42 was cancelled, which is final; type `new <title>` to declare it anew.",
    ),
    "cancel, no reason": (
        opened,
        Cancel(reason=" "),
        "Say why INC-42 is none, for whoever reads it later: `cancel <reason>`.",
    ),
    "cancel, resolved": (
        resolved,
        Cancel(reason="x"),
        "INC-42 is resolved; it cannot be cancelled any more; `note <text>` says what it was.",
    ),
    "merged": (
        merged,
        Acknowledge(),
        "INC-42 was merged into INC-7; say it there: put INC-7 into the command.",
    ),
    "merged, unknown where": (
        lambda: merged(None),
        AddNote(text="x"),
        "INC-42 was merged into another incident; type `list` to find it and say it there.",
    ),
}


@pytest.mark.parametrize("start,command,text", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_says_what_to_type_instead(
    start: Callable[[], Incident], command: Command, text: str
) -> None:
    with pytest.raises(Refused) as refused:
        by("bob", command, start())
    assert str(refused.value) == text


WATCHED = " You are told if that goes on for 10 min; `reopen` opens it again."
SAID: dict[str, tuple[Callable[[], Incident], Command, str]] = {
    "ack": (
        opened,
        Acknowledge(pending=3),
        "You have INC-42. 3 pages taken back. Next: `lead @bob`, `update …`, `resolve`.",
    ),
    "ack, one page": (
        lambda: replace(opened(), lead="carol"),
        Acknowledge(pending=1),
        "You have INC-42. 1 page taken back. Next: `update …`, `resolve`.",
    ),
    "ack, no page": (
        lambda: replace(opened(), lead="carol"),
        Acknowledge(pending=0),
        "You have INC-42. No page was waiting. Next: `update …`, `resolve`.",
    ),
    "ack, not counted": (
        lambda: replace(opened(), lead="carol"),
        Acknowledge(),
        "You have INC-42. Pages not yet sent are taken back. Next: `update …`, `resolve`.",
    ),
    "second ack": (
        acknowledged,
        Acknowledge(),
        "alice has INC-42 already; you are noted as responding too.",
    ),
    "ack after an offer ended a snooze": (
        lambda: replace(opened(), paging=Paging.ACKNOWLEDGED),
        Acknowledge(),
        "somebody has INC-42 already; you are noted as responding too.",
    ),
    "unack": (acknowledged, Unacknowledge(), "Nobody has INC-42 now. Paging starts again at the first step."),
    "snooze": (
        opened,
        Snooze(until=LATER),
        "INC-42 is quiet until 03:10 UTC; then paging starts again. `escalate` wakes it sooner.",
    ),
    "escalate": (
        opened,
        Escalate(),
        "INC-42 is escalated: the next step is paged now. Type `ack` to stop it.",
    ),
    "escalate, acknowledged": (
        acknowledged,
        Escalate(),
        (
            "INC-42 is escalated: the next step is paged now. alice no longer has it; "
            "whoever answers types `ack`."
        ),
    ),
    "page": (
        opened,
        PageSomebody(people=(direct("bob"), direct("bob", "voice"), direct("carol"), direct("dora"))),
        "Paging bob, carol and dora for INC-42. Their `ack`, or anybody's, stops it.",
    ),
    "severity, same": (opened, SetSeverity(severity=P2), "INC-42 is P2 already; nothing changed."),
    "severity, up": (
        acknowledged,
        SetSeverity(severity=P1),
        "INC-42 is P1 now, it was P2. Paging starts again with P1's first step.",
    ),
    "severity, down, triggered, new policy": (
        opened,
        SetSeverity(severity=P3, policy={}),
        "INC-42 is P3 now, it was P2. Paging goes on with P3's steps.",
    ),
    "severity, down, triggered": (
        opened,
        SetSeverity(severity=P3),
        "INC-42 is P3 now, it was P2. Paging goes on with the steps it had.",
    ),
    "severity, down, acknowledged": (
        acknowledged,
        SetSeverity(severity=P3, policy={}),
        "INC-42 is P3 now, it was P2. Nobody is paged for that; `escalate` does.",
    ),
    "phase": (acknowledged, SetPhase(phase=Phase.MITIGATING), "INC-42 is mitigating now."),
    "phase, triggered": (
        opened,
        SetPhase(phase=Phase.MITIGATING),
        "INC-42 is mitigating now. Nobody has acknowledged it; type `ack`.",
    ),
    "phase, same": (opened, SetPhase(phase=Phase.TRIAGE), "INC-42 is triage already; nothing changed."),
    "phase, closed": (resolved, SetPhase(phase=Phase.CLOSED), "INC-42 is closed now."),
    "title": (opened, SetTitle(title="Checkout down "), "INC-42 is called “Checkout down” now."),
    "title, same": (
        opened,
        SetTitle(title="High error rate"),
        "INC-42 is called that already; nothing changed.",
    ),
    "impact": (opened, SetImpact(text="no checkout"), "Impact of INC-42 noted."),
    "impact, same": (
        lambda: replace(opened(), impact="no checkout"),
        SetImpact(text="no checkout"),
        "That is the impact of INC-42 already; nothing changed.",
    ),
    "update": (opened, PostUpdate(text="on it"), "Update of INC-42 goes to the channels."),
    "update, with a promise, private": (
        lambda: opened(first=replace(opening(), private=True)),
        PostUpdate(text="on it", next_update_at=LATER),
        "Update of INC-42 is kept here, the incident is private. The next one is promised for 03:10 UTC.",
    ),
    "lead": (acknowledged, AssignLead(person="alice"), "alice leads INC-42 now."),
    "lead, after somebody, triggered": (
        lambda: replace(opened(), lead="bob"),
        AssignLead(person="alice"),
        "alice leads INC-42 now, after bob. Paging goes on until somebody types `ack`.",
    ),
    "lead, same": (
        lambda: replace(opened(), lead="alice"),
        AssignRole(role="IC", person="alice"),
        "alice leads INC-42 already; nothing changed.",
    ),
    "role": (opened, AssignRole(role="Comms", person="carol"), "carol is comms of INC-42 now."),
    "role, after somebody": (
        lambda: replace(opened(), roles={"comms": "bob"}),
        AssignRole(role="comms", person="carol"),
        "carol is comms of INC-42 now, after bob.",
    ),
    "role, same": (
        lambda: replace(opened(), roles={"comms": "carol"}),
        AssignRole(role="comms", person="carol"),
        "carol is comms of INC-42 already; nothing changed.",
    ),
    "note": (opened, AddNote(text="saw it"), "Noted on INC-42 at 03:00 UTC."),
    "task": (
        with_items,
        AddItem(kind=ItemKind.TASK, text="ask the bank", owner="bob"),
        "Task 5 of INC-42 noted for bob; `done 5` ends it.",
    ),
    "change": (
        opened,
        AddItem(kind=ItemKind.CHANGE, text="raised the limit", undo="lower it"),
        "Change 1 of INC-42 noted; `done 1` ends it.",
    ),
    "done": (with_items, FinishItem(number=2), "Item 2 of INC-42 is done: a change."),
    "done, twice": (
        lambda: by("carol", FinishItem(number=2), with_items()).incident,
        FinishItem(number=2),
        "Item 2 of INC-42 was done already, by carol; nothing changed.",
    ),
    "resolve": (opened, Resolve(), "INC-42 is resolved."),
    "theory": (
        opened,
        AddItem(kind=ItemKind.THEORY, text="cold cache"),
        "Theory 1 of INC-42 noted; `confirmed 1` or `ruledout 1 <why>` settles it.",
    ),
    "decision": (opened, AddItem(kind=ItemKind.DECISION, text="roll back"), "Decision 1 of INC-42 noted."),
    "confirmed": (
        believing,
        SettleTheory(number=2, outcome=Outcome.CONFIRMED),
        "Theory 2 of INC-42 is confirmed: a theory.",
    ),
    "confirmed, twice": (
        lambda: (
            by("bob", SettleTheory(number=2, outcome=Outcome.CONFIRMED, why="seen"), believing()).incident
        ),
        SettleTheory(number=2, outcome=Outcome.CONFIRMED),
        "Theory 2 of INC-42 is confirmed already; nothing changed.",
    ),
    "ruled out, though it was confirmed": (
        lambda: by("bob", SettleTheory(number=2, outcome=Outcome.CONFIRMED), believing()).incident,
        SettleTheory(number=2, outcome=Outcome.RULED_OUT, why="it came back"),
        "Theory 2 of INC-42 is ruled out: a theory.",
    ),
    "resolve, changes in force": (
        with_items,
        Resolve(reason="for now"),
        "INC-42 is resolved. Still in force: 2. a change; 3. a change – `done 2` when undone.",
    ),
    "resolve, one firing": (
        opened,
        Resolve(reason="known", firing=1),
        f"INC-42 is resolved. 1 alert still fires and does not reopen it by repeating.{WATCHED}",
    ),
    "resolve, two firing": (
        opened,
        Resolve(reason="known", firing=2),
        f"INC-42 is resolved. 2 alerts still fire and do not reopen it by repeating.{WATCHED}",
    ),
    "reopen": (
        resolved,
        Reopen(),
        "INC-42 is open again and its first step is paged now. Type `ack` to take it.",
    ),
    "cancel": (opened, Cancel(reason="a test"), "INC-42 is cancelled: a test. This is final."),
    "runbook": (opened, AttachRunbook(path="db/full.md"), "INC-42 follows db/full.md now."),
    "runbook, same": (
        lambda: replace(opened(), runbook="db/full.md"),
        AttachRunbook(path="db/full.md"),
        "INC-42 has that runbook already; nothing changed.",
    ),
    "tick": (
        opened,
        TickStep(number=2, text="Roll it back", of=3),
        "Step 2 is done: Roll it back (1 of 3 done).",
    ),
    "tick, twice": (
        ticked,
        TickStep(number=2, text="Roll it back", of=3),
        "Step 2 is done already, 1 of 3 done; nothing changed.",
    ),
    "tick, the runbook changed": (
        ticked,
        TickStep(number=2, text="Scale out", of=4),
        "Step 2 is done: Scale out (1 of 4 done).",
    ),
    "untick": (
        ticked,
        TickStep(number=2, text="Roll it back", of=3, done=False),
        "Step 2 is open again: Roll it back (0 of 3 done).",
    ),
    "untick, not ticked": (
        ticked,
        TickStep(number=1, text="Look", of=3, done=False),
        "Step 1 is not ticked, 1 of 3 done; nothing changed.",
    ),
    "postmortem": (resolved, SavePostmortem(), "The post-mortem of INC-42 is saved."),
}


@pytest.mark.parametrize("start,command,text", SAID.values(), ids=SAID.keys())
def test_no_command_is_silently_ignored(start: Callable[[], Incident], command: Command, text: str) -> None:
    before = start()
    decision = by("bob", command, before)
    assert decision.said == text
    if text.endswith("nothing changed."):
        assert (decision.incident, decision.events) == (before, ())
    else:
        assert decision.events != ()
