"""The status page as people use it: what goes on it, what never does, and what the public reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from incident_bot.core.errors import Refused
from tests.plugins.story import Story, on_every_database
from tests.plugins.story_files import documents

MINUTE = timedelta(minutes=1)
STATUS = """
status:
  name: Shop status
  url: https://status.example.com
  publish: confirm
  severities: {P1: major_outage, P2: partial_outage}
  components:
    checkout: {name: Checkout, services: [shop], description: Paying}
    website: {name: Website, teams: [data]}
"""


def with_page(story: Story, text: str = STATUS) -> Story:
    answer = story.reload({**documents(), "rotations/status.yaml": text})
    assert answer.ok, answer.problems
    return story


@pytest.fixture
def firing(story: Story) -> Story:
    """A status page, and one incident that nobody has published."""
    with_page(story).fires(
        service="shop", instance="kestrel:9100", annotations={"summary": "kestrel is full"}
    )
    return story


def test_nothing_is_published_until_somebody_says_yes(firing: Story) -> None:
    said = firing.says("publish One payment in ten fails. next 20m")
    assert said == (
        "Not published yet. The public would read: “Checkout: major outage” (Checkout: major outage): "
        "“One payment in ten fails.” Next update by 03:20 UTC. `publish yes` publishes it."
    )
    assert firing.entry("public_drafted").text.endswith(
        "drafted a message for the status page: One payment in ten fails."
    )
    assert firing.says("publish yes", by="ben").startswith(
        "INC-1 is on the status page: Checkout: major outage."
    )
    assert firing.entry("published").actor == "ben"
    with pytest.raises(Refused, match="Nothing waits to be published"):
        firing.says("publish yes")
    assert firing.says("unpublish wrong one").startswith("INC-1 is off the status page")


def test_the_words_come_from_templates_and_what_lacks_is_told(firing: Story) -> None:
    firing.says("impact Customers cannot pay")
    said = firing.says("publish")
    assert "“We are looking into a problem with Checkout. Customers cannot pay.”" in " ".join(said.split())
    said = firing.says("publish It is perhaps over. on: website, Checkout as: degraded title: Pages")
    assert "“Pages” (Checkout, Website: degraded performance)" in said
    assert "Look at this: it does not say what people notice" in said
    assert "“perhaps” sounds like a guess" in said


REFUSED = {
    "a machine": ("publish kestrel fails", "“kestrel” is the name of a machine"),
    "a person": ("publish ben broke it", "“ben” is the name of a person"),
    "a component": ("publish It fails on: Basket", "no component 'Basket'; there are Checkout, Website"),
    "a state": ("publish It fails as: fine", "'fine' is no state; use `as: degraded`"),
    "nothing after a part": ("publish It fails on:", "Something is missing after `on:`"),
    "nothing drafted": ("publish yes", "Nothing waits to be published"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_says_what_to_do(firing: Story, case: str) -> None:
    typed, said = REFUSED[case]
    with pytest.raises(Refused, match=said.replace("?", r"\?")):
        firing.says(typed)
    assert firing.kinds()[-1] != "public_drafted"


def test_a_severity_that_does_not_show_is_refused(firing: Story) -> None:
    firing.says("sev P3")
    with pytest.raises(Refused, match="lets P1, P2 be published; INC-1 is P3"):
        firing.says("publish It fails.")


def test_without_a_page_nothing_can_be_published(story: Story) -> None:
    story.fires(service="shop")
    with pytest.raises(Refused, match="No status page is set up"):
        story.says("publish It fails.")


def test_a_drill_is_never_published(story: Story) -> None:
    with_page(story)
    story.says("new Payments fail", incident=0)
    drill = story.says("drill ana")
    assert "INC-2" in drill
    with pytest.raises(Refused, match="drills are never on the status page"):
        story.says("publish It fails.", incident=2)


@on_every_database
def test_with_auto_what_the_check_passes_goes_out_at_once(tell: Callable[..., Story]) -> None:
    story = with_page(tell(), STATUS.replace("confirm", "auto"))
    story.fires(service="shop", instance="kestrel")
    assert "not on the status page" not in story.says("update looking")
    assert story.says("publish Some payments fail. next 20m").startswith("INC-1 is on the status page")
    assert "and to the status page." in story.says("update A fix is on its way next 30m")
    said = story.says("update kestrel is back next 30m")
    assert "It is not on the status page: “kestrel” is the name of a machine" in said
    assert "public" not in story.entry("update_posted").data
    assert story.says("publish It may be over.").startswith("Not published yet.")
    assert story.incident().next_update_at == story.start + 30 * MINUTE
    assert story.says("unpublish").startswith("INC-1 is off the status page")


def test_with_confirm_an_update_stays_inside_and_says_so(firing: Story) -> None:
    firing.says("publish Some payments fail.")
    firing.says("publish yes")
    assert "`publish <text>` tells the public" in firing.says("update A fix is on its way")
