"""The post-mortem of a real story: its facts in all formats, and what people wrote outlives every refresh."""

from __future__ import annotations

import json

import pytest

from incident_bot.core.errors import NotFound, Refused
from incident_bot.flow import export
from incident_bot.flow.postmortems import documents
from incident_bot.store import interventions, papers
from tests.plugins.story import Story, on_every_database


@pytest.fixture
def told(story: Story) -> Story:
    """One incident from page to resolve, with everything that a draft is made of."""
    story.fires(annotations={"summary": "5xx above 5 % <b>now</b>"}, service="shop")
    story.advance(minutes=16)
    story.says("ack", by="ben")
    story.says("lead me", by="ben")
    story.says("impact one checkout in ten fails", by="ben")
    story.says("note 22:05 the deploy of shop began", by="ben")
    story.says("did rolled back to 41 undo: deploy 42 again", by="ben")
    story.says("update Rolled back, watching next 15m", by="ben")
    story.says("followup test the migration @dan 14d", by="ben")
    story.advance(minutes=10)
    story.resolves(service="shop")
    story.advance(minutes=5)
    story.says("resolve rolled back", by="ben")
    return story


def written(story: Story, form: str = "md") -> str:
    text, _ = export.postmortem(story.context, 1, format=form, now=story.clock.now())
    return text


@on_every_database
def test_the_markdown_draft_holds_the_facts_of_the_story(told: Story) -> None:
    text, media_type = export.postmortem(told.context, 1, now=told.clock.now())
    assert media_type == "text/markdown; charset=utf-8"
    for fact in (
        "INC-1",
        "one checkout in ten fails",
        "the deploy of shop began",
        "rolled back to 41",
        "Rolled back, watching",
        "test the migration",
        "Ben Example",
        "Ana Example",
        "High error rate",
    ):
        assert fact in text, fact
    assert "<b>now</b>" not in text, "foreign text is escaped"


def test_html_is_whole_and_runs_nothing(told: Story) -> None:
    text, media_type = export.postmortem(told.context, 1, format="html", now=told.clock.now())
    assert media_type == "text/html; charset=utf-8"
    assert text.lstrip().lower().startswith("<!doctype html>")
    assert "<b>now</b>" not in text
    assert "<script" not in text
    assert "one checkout in ten fails" in text


def test_json_is_the_same_in_data(told: Story) -> None:
    text, media_type = export.postmortem(told.context, 1, format="json", now=told.clock.now())
    assert media_type == "application/json"
    found = json.loads(text)
    assert "INC-1" in text
    assert found["questions"] is not None
    assert "one checkout in ten fails" in text


def test_the_draft_counts_what_is_filled(told: Story) -> None:
    draft = export.draft(told.context, 1, now=told.clock.now())
    assert 0 < draft.completeness.done <= draft.completeness.total


def test_another_format_is_refused_with_those_there_are(told: Story) -> None:
    with pytest.raises(Refused, match="comes as md, html, json, pdf; 'docx' is none"):
        written(told, "docx")


def test_what_people_wrote_survives_every_refresh(told: Story) -> None:
    draft = written(told)
    mine = draft + "\n## What I think\n\nThe canary was too small.\n"
    documents.save(told.context, 1, mine, after=None, actor="ben", now=told.clock.now())
    assert "The canary was too small." in written(told)
    told.says("note the migration was reverted for good")
    fresh = written(told)
    assert "The canary was too small." in fresh
    assert "the migration was reverted for good" in fresh
    assert "The canary was too small." in written(told, "html")

    edited = fresh.replace("one checkout in ten fails", "one checkout in nine fails")
    documents.save(told.context, 1, edited, after=None, actor="ana", now=told.clock.now())
    told.says("impact all checkouts fail")
    refreshed, conflicts = export.refreshed(told.context, 1, edited, now=told.clock.now())
    assert "one checkout in nine fails" in refreshed
    assert conflicts
    assert refreshed == written(told)


def test_what_people_wrote_is_in_the_json_too_and_without_names_where_that_is_asked(told: Story) -> None:
    text = written(told)
    mine = text.replace("## 5. Background", "## 5. Background\n\nAna Example knows the pool best.")
    documents.save(told.context, 1, mine, after=None, actor="ana", now=told.clock.now())
    read = json.loads(written(told, "json"))["text"]
    assert read == written(told)
    assert "Ana Example knows the pool best." in read
    hidden = export.postmortem(told.context, 1, format="json", view="blameless", now=told.clock.now())[0]
    assert "knows the pool best" in json.loads(hidden)["text"]
    assert "Ana" not in hidden


def test_every_version_that_was_saved_is_kept_and_audited(told: Story) -> None:
    for text in ("one", "two\x00"):
        documents.save(told.context, 1, text, after=None, actor="ben", now=told.clock.now())
    with told.context.store.read() as tx:
        saved = papers.newest(tx, 1)
        assert [entry.action for entry in interventions.audit(tx)] == ["postmortem.saved"] * 2
    assert saved is not None
    assert (saved.text, saved.version, saved.saved_by) == ("two", 3, "ben"), "the bot kept the draft before"


def test_the_first_text_that_is_saved_is_on_the_timeline(told: Story) -> None:
    told.configure(announce='[{on: [postmortem], channel: "#post-mortems"}]')
    for _ in range(2):
        text = f"{written(told)}\nMine.\n"
        documents.save(told.context, 1, text, after=None, actor="ben", now=told.clock.now())
    told.pump()
    assert told.said_to("#post-mortems") == [], "it is told when it is published"
    assert told.kinds().count("postmortem_saved") == 1
    assert told.entry("postmortem_saved").text == "Ben Example saved the post-mortem"


def test_what_is_too_long_or_about_nothing_is_refused(told: Story) -> None:
    with pytest.raises(Refused, match="at most"):
        documents.save(
            told.context,
            1,
            "x" * (documents.MARKDOWN_MOST + 1),
            after=None,
            actor="ben",
            now=told.clock.now(),
        )
    with pytest.raises(NotFound):
        documents.save(told.context, 2, "x", after=None, actor="ben", now=told.clock.now())
    with pytest.raises(NotFound):
        export.postmortem(told.context, 2, now=told.clock.now())


def test_an_open_incident_has_a_draft_already(story: Story) -> None:
    story.fires()
    assert "INC-1" in written(story)
    json.loads(written(story, "json"))
