"""The status page as people use it: what goes on it, what never does, and what the public reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from incident_bot.core.errors import Refused
from incident_bot.core.status import Board, Indicator
from incident_bot.flow.status import drift
from incident_bot.flow.status.folder import MANIFEST, Folder
from incident_bot.flow.status.keeping import Caretaker
from incident_bot.flow.status.reading import read_board
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
    assert firing.incident().public == "Checkout: major outage"
    assert "“Checkout: major outage”; `publish <text>` says more" in firing.says("info")
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


# What the page says, in a folder and against the alerts.


def shown(story: Story) -> Board:
    current = story.context.live.current
    assert current.revision.status is not None
    return read_board(story.context, current, current.revision.status, now=story.clock.now())


@on_every_database
def test_the_page_follows_the_incident(tell: Callable[..., Story]) -> None:
    story = with_page(tell(), STATUS.replace("confirm", "auto"))
    story.fires(service="shop")
    story.advance(minutes=10)
    assert shown(story).indicator is Indicator.NONE
    story.says("publish Some payments fail. next 20m")
    assert shown(story).indicator is Indicator.CRITICAL
    (public,) = shown(story).open
    assert (public.started_at, public.published_at) == (story.start, story.start + 10 * MINUTE)
    story.says("ack")
    story.resolves(service="shop")
    story.advance(minutes=5)
    story.says("resolve")
    after = shown(story)
    assert (after.indicator, after.open) == (Indicator.NONE, ())
    assert after.past[0].updates[-1].text.startswith("The problem with Checkout is over.")
    assert after.components[0].days[-1].out > 10 * MINUTE


def test_what_is_merged_ends_with_the_other_one(story: Story) -> None:
    with_page(story, STATUS.replace("confirm", "auto"))
    story.fires(service="shop")
    story.says("publish Some payments fail. next 20m")
    story.fires(alertname="Other", service="shop")
    story.says("dup INC-2", incident=1)
    assert len(shown(story).open) == 1
    story.says("resolve enough", incident=2)
    assert shown(story).open == ()


class Served:
    """The folder that a web server would show."""

    def __init__(self, story: Story, path: Path) -> None:
        settings = story.context.settings.model_copy(update={"status_dir": path})
        self.context = replace(story.context, settings=settings)
        self.path = path
        self.folder = Folder(self.context, path)

    def names(self) -> list[str]:
        return sorted(one.relative_to(self.path).as_posix() for one in self.path.rglob("*") if one.is_file())


def test_the_folder_is_written_on_each_change_and_holds_all_of_it(firing: Story, tmp_path: Path) -> None:
    served = Served(firing, tmp_path / "public")
    assert served.folder.write(now=firing.clock.now())
    assert not served.folder.write(now=firing.clock.now())
    usual = [".incident-bot-status.json", "badge.svg", "components/checkout.svg", "components/website.svg",
             "index.html", "status.atom", "status.json"]  # fmt: skip
    assert served.names() == usual
    firing.advance(minutes=30)
    assert not served.folder.write(now=firing.clock.now())
    # Another day without anything to say looks the same.
    firing.advance(days=1)
    assert not served.folder.write(now=firing.clock.now())
    firing.says("publish Some payments fail. next 20m")
    assert not served.folder.write(now=firing.clock.now())
    firing.says("publish yes")
    assert served.folder.write(now=firing.clock.now())
    assert not served.folder.write(now=firing.clock.now())
    firing.clock.advance(20 * MINUTE)
    assert served.folder.write(now=firing.clock.now())
    assert "has not come yet" in (served.path / "index.html").read_text()
    (page,) = [name for name in served.names() if name.startswith("incidents/")]
    index = (served.path / "index.html").read_text()
    assert f'href="{page}"' in index
    assert "Content-Security-Policy" in index
    assert 'href="../index.html"' in (served.path / page).read_text()
    assert f"https://status.example.com/{page}" in (served.path / "status.json").read_text()
    assert oct((served.path / "index.html").stat().st_mode)[-3:] == "644"
    firing.says("unpublish")
    assert firing.incident().public is None
    # Another process goes on where this one ended.
    assert Folder(served.context, served.path).write(now=firing.clock.now())
    assert served.names() == usual


def test_a_folder_of_somebody_else_is_left_alone(firing: Story, tmp_path: Path) -> None:
    served = Served(firing, tmp_path)
    (tmp_path / "index.html").write_text("mine")
    assert not served.folder.write(now=firing.clock.now())
    assert (tmp_path / "index.html").read_text() == "mine"
    count = firing.context.metrics.registry.get_sample_value
    assert count("incident_bot_status_writes_total", {"result": "failed"}) == 1


def test_a_manifest_cannot_lead_out_of_the_folder(firing: Story, tmp_path: Path) -> None:
    served = Served(firing, tmp_path / "public")
    outside = tmp_path / "outside.txt"
    outside.write_text("mine")
    served.path.mkdir()
    (served.path / MANIFEST).write_text('["../outside.txt", "/etc/passwd", 3, "gone.html"]')
    assert served.folder.write(now=firing.clock.now())
    assert outside.exists()


def drifts(story: Story) -> list[tuple[str, str]]:
    found = [(one.component, one.kind) for one in drift.watch(story.context, now=story.clock.now())]
    story.pump()
    return found


def test_alerts_that_the_page_says_nothing_of_are_told_once(firing: Story) -> None:
    firing.advance(minutes=14)
    assert drifts(firing) == []
    firing.advance(minutes=1)
    assert drifts(firing) == [("checkout", "silent")]
    assert drifts(firing) == [("checkout", "silent")]
    (notice,) = firing.taken("meta")
    assert "says that Checkout is operational, and INC-1 has fired for over 15 min" in notice.message.text
    value = firing.context.metrics.registry.get_sample_value
    labels = {"component": "checkout", "kind": "silent"}
    assert value("incident_bot_status_drift", labels) == 1
    firing.says("publish Some payments fail.")
    firing.says("publish yes")
    assert drifts(firing) == []
    assert value("incident_bot_status_drift", labels) == 0


def test_a_page_that_is_red_while_nothing_fires_is_told(firing: Story) -> None:
    firing.says("publish Some payments fail.")
    firing.says("publish yes")
    firing.says("ack")
    firing.says("lead me")
    firing.resolves(service="shop", instance="kestrel:9100")
    firing.advance(minutes=10)
    assert drifts(firing) == []
    firing.advance(minutes=10)
    assert drifts(firing) == [("checkout", "stale")]
    assert "nothing of INC-1 has fired for over 15 min" in firing.taken("meta")[-1].message.text


def test_what_is_made_private_is_off_the_page_and_says_so(firing: Story) -> None:
    firing.says("publish Payments fail for some customers. next 30m")
    firing.says("publish yes")
    assert firing.incident().public == "Checkout: major outage"
    firing.says("private")
    assert firing.incident().public is None


def test_what_does_not_show_and_what_is_private_does_not_drift(story: Story) -> None:
    assert drifts(story) == []
    with_page(story)
    story.fires(service="shop", severity="warning")
    story.advance(minutes=30)
    assert drifts(story) == []


def test_the_caretaker_does_both(firing: Story, tmp_path: Path) -> None:
    served = Served(firing, tmp_path / "public")
    firing.advance(minutes=30)
    caretaker = Caretaker(served.context)
    caretaker.step(now=firing.clock.now())
    assert (served.path / "index.html").exists()
    caretaker.step(now=firing.clock.now())
    firing.pump()
    assert len(firing.taken("meta")) == 1
