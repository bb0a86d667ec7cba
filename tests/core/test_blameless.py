"""Roles instead of names, one for each person throughout; and words that blame, found where they stand."""

from __future__ import annotations

import pytest

from incident_bot.core.incident import AddItem, AssignLead, AssignRole
from incident_bot.core.model import ItemKind, Person
from incident_bot.core.postmortem import blaming, escape, fenced, roles, without_names
from incident_bot.core.timeline import entries
from tests.render.stories import Tale, whole_tale

PEOPLE = {
    "alice": Person(
        id="alice", name="Alice Ängström", contacts={"email": "alice@example.com", "slack": "U0ALICE"}
    ),
    "bob": Person(id="bob", name="Bob Example", contacts={"phone": "+49 151 1"}),
    "dora": Person(id="dora", name="Dora Example"),
    "will": Person(id="will", name="Will Power"),
    "zoe": Person(id="zoe", name="Zoe Nobody"),
    "x": Person(id="x", name=" "),
    "slack:U0GUEST": Person(id="slack:U0GUEST", name="Guest Writer"),
}


def named(tale: Tale) -> dict[str, str]:
    return roles(tale.incident, entries(tale.events, {}), PEOPLE)


def test_everybody_who_had_a_part_has_one_role() -> None:
    tale = whole_tale().does(AssignRole(role="scribe", person="zoe"))
    found = named(tale)
    assert found["dora"] == "incident commander"
    assert found["zoe"] == "scribe"
    assert sorted(found.values()).count("responder 1") == 1
    assert len(set(found.values())) == len(found)


def test_several_commanders_are_told_apart_and_owners_have_a_part() -> None:
    tale = Tale().at(3).does(AssignLead(person="alice")).does(AssignLead(person="bob"))
    tale.does(AddItem(kind=ItemKind.FOLLOWUP, text="x", owner="zoe"))
    found = named(tale)
    assert (found["alice"], found["bob"]) == ("incident commander", "incident commander 2")
    assert found["zoe"].startswith("responder")
    assert "alertmanager" not in found


ROLES = {
    "alice": "incident commander",
    "bob": "responder 1",
    "will": "responder 2",
    "slack:U0GUEST": "responder 3",
}


@pytest.mark.parametrize(
    "text,shown",
    [
        ("Then Alice Ängström rolled back.", "Then incident commander rolled back."),
        ("Alice Ängström rolled back. Bob watched.", "Incident commander rolled back. Responder 1 watched."),
        ("- Bob: looking", "- Responder 1: looking"),
        ("| Bob Example | slack |", "| Responder 1 | slack |"),
        ("ask @bob or <@U0ALICE>", "ask responder 1 or incident commander"),
        ("mail ALICE@example.com now", "mail incident commander now"),
        ("call +49 151 1 at once", "call responder 1 at once"),
        ("Bob's change", "Responder 1's change"),
        ("we bob up and down in Bobsville", "we bob up and down in Bobsville"),
        ("Will it hold? @will knows", "Will it hold? Responder 2 knows"),
        ("Zoe Nobody was not there; Zoe is a name", "A colleague was not there; Zoe is a name"),
        ("slack:U0GUEST said so", "Responder 3 said so"),
        ("bob@example.org", "bob@example.org"),
    ],
)
def test_names_mentions_and_addresses_become_roles(text: str, shown: str) -> None:
    assert without_names(PEOPLE, ROLES)(text) == shown


def test_without_people_nothing_is_replaced() -> None:
    assert without_names({}, {})("Bob") == "Bob"


@pytest.mark.parametrize(
    "text",
    [
        "It was human error.", "He should have checked.", "They failed to notice it.", "Bob forgot to say so.",
        "a careless change", "That was stupid.", "It is Bob's fault.", "nobody is to blame",
        "Obviously the pool was full.",
        "One could simply roll back.", "They ignored the alert.", "By mistake the flag was on.", "She refused to look.",
        "The root cause was the engineer.",
    ],
)  # fmt: skip
def test_words_that_blame_are_found_with_better_ones(text: str) -> None:
    found = blaming(f"# INC-1\n\n{text}\n")
    assert found, text
    assert found[0].line == 3
    assert found[0].instead


@pytest.mark.parametrize(
    "text",
    [
        "The pool was exhausted.",
        "a fault in the disk",
        "default settings",
        "We justified it.",
        "shoulder haven",
        "unclearly",
    ],
)
def test_other_words_are_left_alone(text: str) -> None:
    assert blaming(text) == ()


def test_only_what_people_wrote_is_looked_at() -> None:
    part = fenced("- Nobody should have paged", "paging")
    assert blaming(f"{part}\n\n_To write: whose fault was it?_\n") == ()
    edited = part.replace("Nobody should have paged", "Bob should have paged")
    assert [one.line for one in blaming(f"# x\n{edited}")] == [3]


@pytest.mark.parametrize(
    "name", ["Ana [SRE]", "X|Y Z", "bob_", "<Eve>", "~tilde", "Ann *star*", "A & B", "Zo\u202ee"]
)
def test_a_name_is_replaced_as_it_stands_in_a_document(name: str) -> None:
    say = without_names({"x1": Person(id="x1", name=name)}, {"x1": "responder 1"})
    for written in (name, escape(name)):
        assert say(f"Told {written} at once") == "Told responder 1 at once"


def test_a_name_with_a_bracket_at_its_end_is_a_name_like_others() -> None:
    bob = Person(id="bob", name="Bob <b>Example</b>")
    say = without_names({"bob": bob}, {"bob": "responder 1"})
    assert say("Told Bob <b>Example</b> at once") == "Told responder 1 at once"
