"""The draft as its lead reads it two days later: every name, source, time and figure in it fits the record."""

from __future__ import annotations

import re
from collections.abc import Callable

from incident_bot.core.nearby import ChangeEvent
from incident_bot.flow import change_events, export
from tests.plugins.story import (  # noqa: F401 - fixtures are found by their names here
    Story,
    _sqlite_template,
    plain_logs,
    sqlite_url,
    story,
    story_url,
    tell,
)


def draft(story: Story, view: export.View = "names") -> str:  # noqa: F811
    return export.postmortem(story.context, 1, view=view, now=story.clock.now())[0]


def part(text: str, name: str) -> str:
    found = re.search(rf"<!-- generated:{name} hash:\w+ -->\n(.*?)<!-- end:{name} -->", text, re.DOTALL)
    assert found, name
    return found[1]


def test_a_draft_without_names_has_no_id_of_a_person_either(story: Story) -> None:  # noqa: F811
    done = story.clock.now()
    change = ChangeEvent(
        kind="deploy", what="shop 41", service="shop", who="ben", at=done, told_by="ci", told_at=done
    )
    change_events.tell(story.context, change, now=done)
    story.fires(severity="high", service="shop")
    story.advance(minutes=2)
    story.says("page @ben", by="ana")
    story.says("sev P1 nobody can pay", by="ana")
    story.advance(minutes=1)
    story.says("ack", by="ben")
    story.says("ack", by="ana")
    named = draft(story)
    assert "asked for by Ana Example)" in part(named, "paging")
    assert "Paging began again: Ana Example raised it to P1" in named
    assert "| shop 41 | Ben Example |" in part(named, "changes-before")
    hidden = draft(story, view="blameless")
    assert not re.findall(r"\b(?:ana|ben)\b", hidden, re.IGNORECASE)


def test_why_paging_went_on_stands_there_and_what_was_taken_back_only_in_the_appendix(
    tell: Callable[..., Story],  # noqa: F811
) -> None:
    story = tell(ack_timeout="{high: 30m}")  # noqa: F811
    story.fires(severity="high", service="shop")
    story.advance(minutes=2)
    story.says("ack", by="ana")
    story.says("note it was the intern", by="ana")
    story.says("note a wrong word", by="ana")
    story.advance(minutes=3)
    story.says("edit last a right word", by="ana")
    story.says(f"retract {story.entry('note').seq - 1}", by="ana")
    story.says("did a slip", by="ana")
    story.says("undo", by="ana")
    story.advance(minutes=40)
    text = draft(story)
    told = [line.split(": ", 1)[1].rpartition(" [")[0] for line in part(text, "escalation").splitlines()]
    assert told[1:4] == [
        "Ana Example acknowledged",
        "Ana Example was asked whether they still have it",
        "Nobody answered whether they still have it; paging goes on",
    ]
    notes, aside = part(text, "notes"), part(text, "rest-of-record")
    assert "a right word (edited)" in notes
    for shown in (notes, part(text, "timeline")):
        assert not re.search("intern|a wrong word|a slip", shown)
    for words in ("Taken back: Ana Example noted: it was the intern", "it was: a wrong word", "a slip"):
        assert words in aside
