"""The draft as its lead reads it two days later: every name, source, time and figure in it fits the record."""

from __future__ import annotations

import re

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
