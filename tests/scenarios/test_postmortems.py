"""A post-mortem from the end of its incident to its publication: its text, its versions, its review, its reminders."""

from __future__ import annotations

import pytest

from incident_bot.core.errors import NotFound, Refused
from incident_bot.flow.postmortems import documents
from incident_bot.flow.postmortems.documents import DRAFTED_BY, Clash
from tests.plugins.story import Story, on_every_database

PROMPT = "_To write: In three sentences: what broke, who felt it, what ended it._"


@pytest.fixture
def over(story: Story) -> Story:
    """One incident that ben led and that is over."""
    story.configure(announce='[{on: [postmortem], channel: "#post-mortems"}]')
    story.fires()
    story.says("ack", by="ana")
    story.says("lead me", by="ben")
    story.advance(minutes=20)
    story.resolves()
    story.says("resolve rolled back", by="ben")
    story.pump()
    return story


def text_of(story: Story) -> str:
    return documents.read(story.context, 1, now=story.clock.now()).text


def save(story: Story, text: str, after: int | None, by: str) -> int:
    return documents.save(story.context, 1, text, after=after, actor=by, now=story.clock.now()).version


@on_every_database
def test_the_draft_is_kept_when_its_incident_is_over(over: Story) -> None:
    found = documents.read(over.context, 1, now=over.clock.now())
    assert (found.version, found.saved_by) == (1, DRAFTED_BY)
    assert found.review is not None
    assert (found.review.state, found.review.owner) == ("draft", "ben")
    (kept,) = documents.history(over.context, 1)
    assert kept.total
    assert kept.missing
    assert documents.version(over.context, 1, 1).text.startswith("<!-- generated:title")
    with pytest.raises(NotFound):
        documents.version(over.context, 1, 7)


@on_every_database
def test_two_who_write_at_once_lose_nothing(over: Story) -> None:
    seen = text_of(over)
    mine = seen.replace(PROMPT, "Checkout was down for a quarter of an hour.")
    theirs = seen + "\n## What I think\n\nThe canary was too small.\n"
    assert save(over, theirs, 1, "ana") == 2
    with pytest.raises(Clash) as clean:
        save(over, mine, 1, "ben")
    assert clean.value.clashes == 0
    merged = clean.value.merged
    assert "Checkout was down" in merged
    assert "The canary was too small." in merged
    assert save(over, merged, clean.value.version, "ben") == 3
    third = merged.replace("Checkout was down", "The shop was down")
    fourth = merged.replace("Checkout was down", "Cards were refused")
    assert save(over, third, 3, "ana") == 4
    with pytest.raises(Clash) as clash:
        save(over, fourth, 3, "ben")
    assert clash.value.clashes == 1
    for words in ("The shop was down", "Cards were refused", "> The other version has:"):
        assert words in clash.value.merged
    assert clash.value.theirs == third
    assert save(over, third, 3, "ben") == 4, "the same text again is no clash"


def test_line_ends_of_a_browser_make_no_other_text(over: Story) -> None:
    mine = text_of(over) + "\nMine.\n"
    number = save(over, mine, 1, "ben")
    assert save(over, mine.replace("\n", "\r\n"), number, "ben") == number
    with pytest.raises(Refused, match="is empty"):
        save(over, " \r\n", number, "ben")


@on_every_database
def test_from_draft_to_published(over: Story) -> None:
    for who, line, said in (
        ("ana", "postmortem approve", "Nobody asked for a review"),
        ("ben", "postmortem publish", "not approved yet"),
        ("ben", "postmortem frobnicate", "after `postmortem` comes one of owner, review"),
        ("ben", "postmortem due soon", "is no date"),
    ):
        with pytest.raises(Refused, match=said):
            over.says(line, by=who)
    over.says("postmortem review @ana", by="ben")
    with pytest.raises(Refused, match="You own"):
        over.says("postmortem approve", by="ben")
    over.says("postmortem approve", by="ana")
    save(over, text_of(over) + "\nOne more thing.\n", 1, "ben")
    assert "in review: changed after it was approved" in over.says("postmortem")
    over.says("postmortem approve", by="cleo")
    over.says("postmortem publish", by="ben")
    over.pump()
    assert over.said_to("#post-mortems") == ["postmortem"]
    kinds = over.kinds()
    assert kinds.count("postmortem_moved") == 5
    assert over.entry("postmortem_moved").text == "Ben Example published the post-mortem"
    assert "published" in over.says("postmortem")


@pytest.mark.parametrize("story_url", ["sqlite", "postgresql"], indirect=True)
def test_its_owner_is_reminded_once_before_and_once_at_its_date(over: Story) -> None:
    over.says("postmortem owner @ana", by="ben")
    over.advance(hours=30)
    assert len(over.taken("reminder")) == 1
    over.restart()
    over.advance(hours=40)
    over.killed()
    over.advance(days=5)
    assert len(over.taken("reminder")) == 2
    assert "overdue" in over.says("postmortem")


def test_what_is_waived_reminds_nobody(over: Story) -> None:
    with pytest.raises(Refused, match="Why is none written"):
        over.says("postmortem waive", by="ben")
    over.says("postmortem waive same cause as INC-0", by="ben")
    over.advance(days=5)
    assert not over.taken("reminder")
    assert "waived: same cause" in over.says("postmortem")


def test_a_follow_up_has_a_type_and_a_condition(over: Story) -> None:
    over.says(
        "followup alert on pool saturation @dan 14d type:detect done when: max(pool_used[7d]) < 0.8", by="ben"
    )
    (item,) = over.incident().items
    assert (item.text, item.owner, item.type, item.done_when) == (
        "alert on pool saturation",
        "dan",
        "detect",
        "max(pool_used[7d]) < 0.8",
    )
    for line, said in (
        ("followup x type:magic", "is no type; use one of prevent"),
        ("followup x done when:", "comes a PromQL condition"),
    ):
        with pytest.raises(Refused, match=said):
            over.says(line, by="ben")
