"""The runbook in its modal: ticked with a thumb, and the same ticks for whoever types, reads or asks the API."""

from __future__ import annotations

from collections.abc import Callable

from tests.fakes.slack.state import View
from tests.plugins.slack_story import (  # noqa: F401 - fixtures are found by their names here
    ROOMS,
    SlackStory,
    slack_story,
)
from tests.plugins.story import on_every_database
from tests.plugins.story_files import RUNBOOK, documents
from tests.scenarios.test_slack_modals import begun, opened, press, shown

Begin = Callable[..., SlackStory]


def pressed(story: SlackStory, number: int, *, by: str = "U0ANA", view: View | None = None) -> str:
    """Press the button of a step; gives what the modal shows then."""
    modal = view or opened(story)
    story.slack_client.click(by, modal, "inc:tick", block_id=f"step:{number}")
    return shown(opened(story))


def button_of(view: View, number: int) -> str:
    block = next(one for one in view.view["blocks"] if one.get("block_id") == f"step:{number}")
    return str(block["accessory"]["text"]["text"])


@on_every_database
def test_a_step_is_ticked_and_unticked_for_everybody(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    view = press(story, "inc:runbook", by="U0BEN")
    assert "0 of 3 done" in shown(view)
    said = pressed(story, 2, by="U0BEN")
    assert "1 of 3 done" in said
    assert "✅ 2. Roll it back\n_<@U0BEN>, <!date^" in said
    assert button_of(view, 2) == "Not done"
    assert "1 of 3 done" in story.says("runbook")
    assert story.entry("step_ticked").text == "Ben Example did step 2 of the runbook: Roll it back (1 of 3)"
    (step,) = [one for one in story.incident().steps if one.done_by]
    assert (step.number, step.done_by) == (2, "ben")
    story.says("tick 1", by="ana")
    story.slack_client.click("U0CLEO", story.card(), "inc:runbook")
    assert "2 of 3 done" in shown(opened(story))
    assert "✅ 1. Look at the newest deploy\n_<@U0ANA>" in shown(opened(story))
    assert "1 of 3 done" in pressed(story, 2, by="U0CLEO")
    assert button_of(opened(story), 2) == "Done"


def test_two_who_press_at_once_tick_it_once(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    view = press(story, "inc:runbook")
    before = View(view.id, view.user, view.view, view.hash, view.root)
    for user in ("U0ANA", "U0BEN"):
        story.slack_client.click(user, before, "inc:tick", block_id="step:2")
    assert story.kinds().count("step_ticked") == 1
    assert "_<@U0ANA>" in shown(opened(story))


def test_a_step_that_became_another_one_is_not_ticked(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    press(story, "inc:runbook")
    changed = RUNBOOK.replace("Roll it back", "Fail over to the other region")
    assert story.reload({**documents(severities=ROOMS), "runbooks/high-error-rate.md": changed}).ok
    said = pressed(story, 2)
    assert "The runbook was changed since this was shown" in said
    assert "2. Fail over to the other region" in said
    assert "step_ticked" not in story.kinds()
    assert "1 of 3 done" in pressed(story, 2)


def test_a_long_runbook_ends_with_a_link(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    steps = "\n".join(f"1. Restart node {number}" for number in range(1, 151))
    long = RUNBOOK.replace("1. Look at the newest deploy", steps)
    assert story.reload({**documents(severities=ROOMS), "runbooks/high-error-rate.md": long}).ok
    view = press(story, "inc:runbook")
    assert len(view.view["blocks"]) <= 100
    assert "0 of 152 done" in shown(view)
    assert "… and 63 more, from step 90 on; `tick 90` works for them as well." in shown(view)
    assert "#runbook|Read them all>" in shown(view)
    story.says("tick 152")
    assert "2 of 152 done" in pressed(story, 1)


def test_what_is_merged_away_takes_no_ticks_and_says_so(slack_story: Begin) -> None:  # noqa: F811
    story = begun(slack_story)
    view = press(story, "inc:runbook")
    story.says("new P2 The one that stays")
    story.says("dup INC-2", incident=1)
    assert "INC-2" in pressed(story, 2, view=view)
    assert "step_ticked" not in story.kinds(1)
