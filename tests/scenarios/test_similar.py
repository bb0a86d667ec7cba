"""What happened before is named wherever an incident is read, with what was to be done and is not."""

from __future__ import annotations

from incident_bot.flow import export
from incident_bot.flow.sight import known_as
from incident_bot.flow.similar import similar_to
from tests.plugins.story import Story, on_every_database


def over(story: Story, **labels: str) -> None:
    """An incident comes, is taken, ends, and time passes."""
    story.says("ack")
    story.resolves(**labels)
    story.says("resolve it was the deploy")
    story.advance(days=2)


@on_every_database
def test_we_said_we_would_fix_this(story: Story) -> None:
    story.fires(service="shop")
    for line in ("followup raise the limit @ben", "followup write a runbook", "done 2"):
        story.says(line)
    over(story, service="shop")
    story.fires(service="shop")
    (found,) = similar_to(story.context, 2)
    assert (found.id, found.why) == ("INC-1", "same alert HighErrorRate on shop, 2 days ago")
    assert [(one.text, one.owner_name) for one in found.promises] == [("raise the limit", "Ben Example")]
    promise = (
        "we said we would fix this: raise the limit (Ben Example) – INC-1, same alert HighErrorRate on shop"
    )
    assert promise in story.says("info")
    caught_up = story.says("catchup")
    assert promise in caught_up
    assert "it happened before: INC-1" in caught_up
    document, _ = export.postmortem(story.context, 2, now=story.clock.now())
    assert "After INC-1 we said we would: raise the limit (Ben Example). It is not done." in document
    assert similar_to(story.context, 1) == ()


def test_private_ones_are_named_only_to_those_who_see_them_and_in_no_document(story: Story) -> None:
    story.fires()
    story.says("followup hush it up")
    story.says("private", by="ana")
    over(story)
    story.fires()
    stranger = story.context.seen_by(known_as("dan"))
    assert similar_to(stranger, 2) == ()
    assert [one.id for one in similar_to(story.context.seen_by(known_as("ana")), 2)] == ["INC-1"]
    document, _ = export.postmortem(story.context, 2, now=story.clock.now())
    assert "hush" not in document


def test_drills_and_what_never_was_are_not_named(story: Story) -> None:
    story.says("drill ana")
    story.fires()
    story.says("cancel a test")
    story.resolves()
    story.advance(days=2)
    story.fires()
    assert similar_to(story.context, story.newest() or 0) == ()
