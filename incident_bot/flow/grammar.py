"""The grammar that Slack, console, API and command line share: verbs, their synonyms, and how a line is cut up.

Pure: knows no incident and no person.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.core.timeline import visible

LINE_MOST: Final = 4000
_ROOTS: Final = ("/incident", "/inc", "incident", "inc")
_OTHER: Final = re.compile(r"\s*(?:(?:in|into|of|to|with)\s+)?inc-\d", re.IGNORECASE)
_NUMBER: Final = re.compile(r"(\S+\s+)??inc-(\d{1,9})[.,:;]?(?:\s+|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One word of the grammar."""

    name: str
    usage: str
    help: str
    synonyms: tuple[str, ...] = ()
    about_one: bool = True
    """Whether it is about one incident."""
    changes: bool = True
    """Whether it changes something, or only looks where nothing follows it."""
    names_other: bool = False
    """Whether the one incident that follows it is not the one it is about: of two, the first is."""


VERBS: Final[tuple[Verb, ...]] = (
    Verb(name="new", usage="new [P2] [--private] <title>", help="declare an incident",
         synonyms=("declare", "start", "open"), about_one=False),
    Verb(name="list", usage="list [all]", help="what is open", synonyms=("ls",), about_one=False, changes=False),
    Verb(name="info", usage="info", help="this incident on one card", synonyms=("show", "card"), changes=False),
    Verb(name="firing", usage="firing", help="what fires now", synonyms=("alerts",), changes=False),
    Verb(name="ack", usage="ack [until 14:30 | for 2h] [waiting for <what>]", help="I have it: stops the escalation",
         synonyms=("acknowledge", "mine", "take")),
    Verb(name="unack", usage="unack", help="give it back: paging begins again", synonyms=("unacknowledge", "release")),
    Verb(name="snooze", usage="snooze 30m", help="no pages until then", synonyms=("sleep",)),
    Verb(name="escalate", usage="escalate", help="page the next step now", synonyms=("next",)),
    Verb(name="cannot", usage="cannot [reason]",
         help="I was paged and cannot take it: the next step is paged where nobody else is awaited",
         synonyms=("can't", "pass")),
    Verb(name="page", usage="page <person|team>", help="page somebody in particular", synonyms=("call", "notify")),
    Verb(name="sev", usage="sev P2 [reason]", help="change the severity", synonyms=("severity",)),
    Verb(name="status", usage="status <phase>",
         help="where the work stands: triage, investigating, mitigating, monitoring, closed", synonyms=("phase",)),
    Verb(name="update", usage="update <text> [next 30m]", help="tell everybody, and promise the next update"),
    Verb(name="lead", usage="lead @person", help="who leads", synonyms=("ic", "commander")),
    Verb(name="handoff", usage="handoff @person", help="offer the lead: until they accept, you lead",
         synonyms=("handover",)),
    Verb(name="accept", usage="accept", help="take the lead that you were offered"),
    Verb(name="decline", usage="decline", help="do not take the lead, or take your offer back"),
    Verb(name="role", usage="role <role> @person", help="who is communications, scribe, subject expert …"),
    Verb(name="note", usage="note [HH:MM] <text>", help="an entry on the timeline, at the time it happened",
         synonyms=("timeline", "log")),
    Verb(name="edit", usage="edit <number>|last <text>", help="a note reads otherwise now; the record keeps both",
         synonyms=("amend",)),
    Verb(name="retract", usage="retract <number>|last [reason]", help="take a note back; the record keeps it"),
    Verb(name="impact", usage="impact <text>", help="what users notice"),
    Verb(name="title", usage="title <text>", help="a better title"),
    Verb(name="private", usage="private", help="only those who work on it see it", synonyms=("hide", "secret")),
    Verb(name="public", usage="public yes", help="everybody sees it; asks first, as it cannot be taken back",
         synonyms=("unprivate",)),
    Verb(name="task", usage="task <text> [@person]", help="something to do now", synonyms=("todo",)),
    Verb(name="followup", usage="followup <text> [@person] [YYYY-MM-DD|7d] [type:detect] [done when: <PromQL>]",
         help="something to do afterwards; a condition is checked each week",
         synonyms=("action",)),
    Verb(name="done", usage="done <number>", help="a task, follow-up or change is finished", synonyms=("finish",)),
    Verb(name="did", usage="did <text> [undo: <text>]", help="what I changed, and how to undo it"),
    Verb(name="theory", usage="theory <text>", help="what we believe the cause to be", synonyms=("hypothesis",)),
    Verb(name="ruledout", usage="ruledout <number> [why]", help="a theory is wrong", synonyms=("disproved",)),
    Verb(name="confirmed", usage="confirmed <number> [why]", help="a theory is right", synonyms=("proved",)),
    Verb(name="decide", usage="decide <text>", help="what we decided", synonyms=("decision", "decided")),
    Verb(name="runbook", usage="runbook [path | worked | failed | outdated [reason]]",
         help="what to do and what is done; with a path: follow that one; with a word: how it did", changes=False),
    Verb(name="tick", usage="tick <number>", help="a step of the runbook is done", synonyms=("check",)),
    Verb(name="untick", usage="untick <number>", help="it is not done after all", synonyms=("uncheck",)),
    Verb(name="undo", usage="undo", help="take back what you said last, for a minute"),
    Verb(name="remind", usage="remind off|on|snooze 30m", help="whether people are reminded of what this incident owes",
         synonyms=("reminders",)),
    Verb(name="silence", usage="silence 2h [reason]",
         help="silence its alerts in Alertmanager; says what else that hides, and is lifted when it is over",
         synonyms=("mute",)),
    Verb(name="unsilence", usage="unsilence [number]", help="lift its silences", synonyms=("unmute",)),
    Verb(name="publish", usage="publish [text] [title: …] [on: Checkout] [as: partial] [next 30m], publish yes",
         help="what the status page says: shows it first, `publish yes` sends it"),
    Verb(name="unpublish", usage="unpublish [reason]", help="off the status page, with all that it said there"),
    Verb(name="milestone", usage="milestone [<name> <time> [reason]]",
         help="the key times; with a name and a time: correct one", synonyms=("milestones", "times"), changes=False),
    Verb(name="graph", usage="graph", help="take the graphs of its alerts now", synonyms=("graphs", "chart")),
    Verb(name="verdict", usage="verdict [actionable|noise|duplicate|threshold|runbook [alert] [reason]]",
         help="what its alerts were worth; with a word: say it", synonyms=("verdicts", "worth"), changes=False),
    Verb(name="resolve", usage="resolve [reason]", help="it is over", synonyms=("close", "fixed")),
    Verb(name="reopen", usage="reopen [reason]", help="it is not over"),
    Verb(name="dup", usage="dup INC-n [reason]", help="this is a part of INC-n: merge it into that one",
         synonyms=("merge", "duplicate"), names_other=True),
    Verb(name="unmerge", usage="unmerge [reason]", help="take it out again: what fires goes on as a new incident",
         synonyms=("undup",)),
    Verb(name="split", usage="split <alert> [reason]",
         help="take an alert, by name or number, out of an alert storm: it goes on as an incident of its own"),
    Verb(name="cancel", usage="cancel <reason>", help="it never was one"),
    Verb(name="postmortem", usage="postmortem [owner @person|review @person|approve|publish|waive <reason>|due 3d]",
         help="where it stands; with a word: move it on", synonyms=("pm", "draft"), changes=False),
    Verb(name="catchup", usage="catchup", help="all that a late joiner needs", synonyms=("summary",), changes=False),
    Verb(name="why", usage="why [INC-n | alert <name> | @person [since 22:00]]",
         help="how it came to this: delivery, route, people, pages; and why nobody was paged", changes=False),
    Verb(name="drill", usage="drill <person>", help="page somebody willing, to see that it works and how long it takes",
         about_one=False),
    Verb(name="help", usage="help [verb]", help="the words there are", synonyms=("?", "commands"), about_one=False,
         changes=False),
)  # fmt: skip
"""Every verb, in the order in which `help` lists them."""

_BY_WORD: Final = {word: verb for verb in VERBS for word in (verb.name, *verb.synonyms)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line, cut up."""

    verb: Verb
    rest: str
    """What follows the verb, without the incident's name."""
    incident: int | None
    """The incident that the line names itself."""


def parse(text: str) -> Line:
    """Cut up one line; raises Refused, with the nearest verb, where there is none in it."""
    if len(text) > LINE_MOST:
        message = (
            f"That is longer than {LINE_MOST} characters; say it in several pieces, each a `note` of its own."
        )
        raise Refused(message)
    words = " ".join(visible(text).split("\n")).strip()
    for root in _ROOTS:
        if words.casefold() == root or words.casefold().startswith(root + " "):
            words = words[len(root) :].strip()
            break
    words, number = _take_number(words)
    first, rest = (*words.split(None, 1), "", "")[:2]
    if not first:
        return Line(verb=_BY_WORD["list"] if number is None else _BY_WORD["info"], rest="", incident=number)
    verb = _BY_WORD.get(first.casefold())
    if verb is None:
        raise Refused(_unknown(first))
    return Line(verb=verb, rest=rest.strip(), incident=number)


def verb_named(word: str) -> Verb:
    """Give the verb of a word or synonym; raises Refused with the nearest one."""
    verb = _BY_WORD.get(word.strip().casefold())
    if verb is None:
        raise Refused(_unknown(word.strip()))
    return verb


def _take_number(words: str) -> tuple[str, int | None]:
    """Take an incident's name from the first two words: elsewhere, and in a new title, it is part of a text."""
    found = _NUMBER.match(words)
    verb = _BY_WORD.get(found[1].strip().casefold()) if found and found[1] else None
    if found is None or (verb is not None and not verb.about_one):
        return words, None
    if verb is not None and verb.names_other and not _OTHER.match(words, found.end()):
        return words, None
    return (found[1] or "") + words[found.end() :], int(found[2])


def _unknown(word: str) -> str:
    near = difflib.get_close_matches(word.casefold(), _BY_WORD, n=1, cutoff=0.6)
    shown = word[:40]
    if near:
        # The shortest line that works: what may be left out is left out.
        meant = _BY_WORD[near[0]].usage.partition(" [")[0]
        return f"I do not know {shown!r}. Did you mean `{meant}`? `help` lists all words."
    return f"I do not know {shown!r}. Type `help` for all words, or `ack` to take the incident."
