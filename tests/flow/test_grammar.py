"""The grammar: every verb and synonym, where the incident's name may stand, and what a wrong word is answered."""

from __future__ import annotations

import pytest

from incident_bot.core.errors import Refused
from incident_bot.flow.commands import JOINING
from incident_bot.flow.commands.changing import CHANGES
from incident_bot.flow.commands.reading import READERS, help_on
from incident_bot.flow.grammar import VERBS, Verb, parse, verb_named

WORDS = [(word, verb.name) for verb in VERBS for word in (verb.name, *verb.synonyms)]


@pytest.mark.parametrize("word, name", WORDS, ids=[word for word, _ in WORDS])
def test_every_word_means_its_verb_in_any_case(word: str, name: str) -> None:
    for written in (word, word.upper(), word.capitalize()):
        line = parse(f"{written} Some Text")
        assert (line.verb.name, line.rest, line.incident) == (name, "Some Text", None)


def test_no_word_means_two_verbs() -> None:
    assert len({word for word, _ in WORDS}) == len(WORDS)


@pytest.mark.parametrize("verb", VERBS, ids=[verb.name for verb in VERBS])
def test_every_verb_is_handled_and_helped(verb: Verb) -> None:
    assert verb.usage.startswith(verb.name)
    assert verb.help
    assert verb.usage in help_on(verb.name).text
    assert verb.usage in help_on("").text
    if verb.about_one:
        # What only looks may change something when words follow it.
        looks_or_changes = not verb.changes and "[" in verb.usage
        assert (verb.name in CHANGES or verb.name in JOINING) == verb.changes or looks_or_changes
        assert (verb.name in READERS) == (not verb.changes)


def test_nothing_is_handled_that_is_no_verb() -> None:
    assert {*CHANGES, *JOINING, *READERS} <= {verb.name for verb in VERBS}


@pytest.mark.parametrize(
    "text, verb, rest, incident",
    [
        ("ack INC-42", "ack", "", 42),
        ("INC-42 ack", "ack", "", 42),
        ("inc-42 Ack", "ack", "", 42),
        ("snooze INC-7 30m", "snooze", "30m", 7),
        ("INC-7 snooze 30m", "snooze", "30m", 7),
        ("INC-7", "info", "", 7),
        ("", "list", "", None),
        ("   ", "list", "", None),
        ("/incident ack", "ack", "", None),
        ("/inc INC-3 ack", "ack", "", 3),
        ("incident sev P2 why not", "sev", "P2 why not", None),
        ("/incident", "list", "", None),
        ("note it looks like INC-12 of last week", "note", "it looks like INC-12 of last week", None),
        ("note 14:05 see INC-12", "note", "14:05 see INC-12", None),
        ("  ack   INC-42  ", "ack", "", 42),
        ("dup INC-1", "dup", "INC-1", None),
        ("dup INC-1 the same disk", "dup", "INC-1 the same disk", None),
        ("merge into INC-1", "dup", "into INC-1", None),
        ("INC-3 dup INC-1", "dup", "INC-1", 3),
        ("dup INC-3 INC-1 the same disk", "dup", "INC-1 the same disk", 3),
        ("merge INC-3 into INC-1", "dup", "into INC-1", 3),
        ("unmerge INC-3", "unmerge", "", 3),
        ("ack\tINC-42", "ack", "", 42),
        ("snooze  INC-7   30m", "snooze", "30m", 7),
        ("note one\ntwo", "note", "one two", None),
        ("ack\x00", "ack", "", None),
        ("note \u202egnp.exe\u202c is\u200b gone", "note", "gnp.exe is gone", None),
        ("declare  Checkout is down", "new", "Checkout is down", None),
        ("INC-42: ack", "ack", "", 42),
        ("ack INC-42.", "ack", "", 42),
        ("new INC-42 is back", "new", "INC-42 is back", None),
        ("note (INC-42) was like this", "note", "(INC-42) was like this", None),
        ("note INC-42b is no name", "note", "INC-42b is no name", None),
    ],
)  # fmt: skip
def test_a_line_is_cut_up(text: str, verb: str, rest: str, incident: int | None) -> None:
    line = parse(text)
    assert (line.verb.name, line.rest, line.incident) == (verb, rest, incident)


@pytest.mark.parametrize(
    "text, answer",
    [
        ("akc", "Did you mean `ack`?"),
        ("acknowlege", "Did you mean `ack`?"),
        ("snoze 30m", "Did you mean `snooze 30m`?"),
        ("resolv", "Did you mean `resolve`?"),
        ("postmortm", "Did you mean `postmortem`?"),
        ("INC-4 escalte", "Did you mean `escalate`?"),
        ("xyzzy", "Type `help` for all words"),
        ("🔥", "Type `help` for all words"),
    ],
)
def test_an_unknown_word_is_answered_with_the_nearest(text: str, answer: str) -> None:
    with pytest.raises(Refused) as refusal:
        parse(text)
    assert answer in str(refusal.value)


def test_help_knows_synonyms_and_refuses_like_the_rest() -> None:
    assert verb_named(" TAKE ").name == "ack"
    assert "also: acknowledge, mine, take" in help_on("ack").text
    with pytest.raises(Refused, match="Did you mean `resolve"):
        help_on("reslve")


def test_a_text_without_end_is_refused() -> None:
    with pytest.raises(Refused, match="4000 characters; say it in several pieces"):
        parse("note " + "x" * 4000)


def test_a_long_word_is_not_echoed_whole() -> None:
    with pytest.raises(Refused) as refusal:
        parse("y" * 3000)
    assert len(str(refusal.value)) < 200
