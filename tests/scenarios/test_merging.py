"""Two incidents that are one: `dup` and `unmerge`, with their alerts, their pages and everything that lists them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.incident import Paused, observe, replay
from incident_bot.core.model import Incident
from incident_bot.flow import export
from incident_bot.store import incidents
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]

shared = pytest.mark.parametrize("story_url", ["sqlite", "postgresql"], indirect=True)
DATA = "[{match: ['alertname=\"LakeSlow\"'], team: data}]"
TO_CHANNEL = '[{channel: "#incidents", on: [open, resolve]}]'


@pytest.fixture
def two(tell: Tell) -> Story:
    """INC-1 of the team web, which ana has, and INC-2 of the team data, for which dan is paged."""
    return both(tell)


def both(tell: Tell, **changes: str) -> Story:
    story = tell(**{"routes": DATA, **changes})
    story.fires(severity="high")
    story.says("ack", by="ana")
    story.fires(alertname="LakeSlow", severity="high")
    return story


def stored(story: Story, number: int) -> Incident:
    with story.context.store.read() as tx:
        found = incidents.get(tx, number)
        assert found is not None
        assert incidents.verify_chain(tx, number) is None
    return found


def same_after_replay(story: Story, number: int) -> bool:
    with story.context.store.read() as tx:
        folded = replay(incidents.events(tx, number))
    kept = stored(story, number)
    fields = set(Incident.__dataclass_fields__) - {"id", "seq", "last_hash", "progress"}
    return all(getattr(folded, name) == getattr(kept, name) for name in fields)


def notices(story: Story) -> list[tuple[str, str]]:
    return [(heard.message.recipient, heard.message.text) for heard in story.taken("note")]


@on_every_database
def test_one_incident_goes_on_and_the_other_is_quiet(tell: Tell) -> None:
    story = both(tell)
    assert story.paged() == [("ana", 0), ("dan", 0)]
    said = story.says("dup INC-1 one disk", by="ana", incident=2)
    assert said == (
        "INC-2 is merged into INC-1; nobody is paged for INC-2 any more. 1 alert came along. ana has INC-1. "
        "Undo: `unmerge INC-2`."
    )
    story.advance(hours=3)
    assert story.paged() == [("ana", 0), ("dan", 0)]
    gone, kept = story.incident(2), story.incident(1)
    assert (gone.escalation, gone.phase, gone.merged_into) == ("merged", "cancelled", "INC-1")
    assert (gone.firing, gone.alerts) == (0, ())
    assert (kept.escalation, kept.firing, kept.merged_into) == ("acknowledged", 2, None)
    assert [one.id for one in story.incidents()] == ["INC-1", "INC-2"]
    assert story.entry("merged", 2).text == "Ana Example merged this into INC-1: one disk"
    assert story.entry("merged_here", 1).text == (
        "INC-2 was merged into this: LakeSlow, with LakeSlow (P2); one disk"
    )
    assert story.entry("merged", 2).data["alerts"]
    assert same_after_replay(story, 1)
    assert same_after_replay(story, 2)


@on_every_database
def test_whoever_was_paged_for_the_one_alone_gets_one_notice(tell: Tell) -> None:
    story = both(tell)
    story.says("dup INC-1", by="ana", incident=2)
    story.advance(hours=1)
    ((person, text),) = notices(story)
    assert person == "dan"
    assert text.startswith("INC-2 was merged into INC-1: ana has it.")
    assert "/incidents/INC-1" in text
    (heard,) = story.taken("note")
    assert heard.message.subject.startswith("Merged: ")
    assert not heard.message.urgent
    assert story.entry("merged", 2).data["told"] == ["dan"]


def test_no_notice_for_who_knows_of_the_other_one(tell: Tell) -> None:
    story = tell()
    story.fires(severity="critical")
    story.fires(alertname="DiskFull", severity="critical")
    story.says("dup INC-1", by="cleo", incident=2)
    story.advance(minutes=1)
    # ana was paged for both.
    assert notices(story) == []
    other = tell(routes=DATA)
    other.fires(severity="high")
    other.fires(alertname="LakeSlow", severity="high")
    other.says("ack", by="dan", incident=1)
    other.says("dup INC-1", by="ben", incident=2)
    assert notices(other) == []


def test_the_one_who_merges_needs_no_notice(two: Story) -> None:
    two.says("dup INC-1", by="dan", incident=2)
    assert notices(two) == []


def test_what_nobody_has_is_paged_for_as_before(tell: Tell) -> None:
    story = tell(routes=DATA)
    story.fires(severity="critical")
    story.fires(alertname="LakeSlow", severity="high")
    story.advance(minutes=10)
    assert "Nobody has INC-1 yet; its paging goes on." in story.says("dup INC-1", by="dan", incident=2)
    story.advance(minutes=21)
    assert story.paged() == [("ana", 0), ("dan", 0), ("ben", 15), ("cleo", 30)]


def test_waiting_pages_are_taken_back(tell: Tell) -> None:
    story = both(tell, notify="{high: [{by: slack}, {by: sms, after: 5m}], low: [{by: slack}]}")
    story.says("dup INC-1", by="ana", incident=2)
    assert "pages_cancelled" in story.kinds(2)
    states = {(page.channel, page.state) for page in story.pages(2)}
    assert ("sms", "cancelled") in states


@on_every_database
def test_the_end_waits_for_every_alert(tell: Tell) -> None:
    story = both(tell)
    story.says("dup INC-1", incident=2)
    story.resolves(severity="high")
    story.advance(minutes=10)
    assert story.incident(1).escalation == "acknowledged"
    with pytest.raises(Refused, match="1 still firing: LakeSlow"):
        story.says("resolve", incident=1)
    story.resolves(alertname="LakeSlow", severity="high")
    story.advance(minutes=10)
    assert story.incident(1).escalation == "resolved"
    assert story.incident(2).escalation == "merged"


@on_every_database
def test_a_later_alert_of_the_merged_one_joins_the_other_and_pages_nobody(tell: Tell) -> None:
    story = both(tell)
    story.says("dup INC-1", incident=2)
    story.fires(alertname="LakeSlow", severity="high", instance="two")
    story.resolves(alertname="LakeSlow", severity="high")
    story.advance(minutes=30)
    story.fires(alertname="LakeSlow", severity="high")
    story.advance(hours=1)
    assert len(story.incidents()) == 2
    assert {one.incident for one in story.alerts()} == {"INC-1"}
    assert story.incident(1).firing == 3
    assert story.paged() == [("ana", 0), ("dan", 0)]


def test_alerts_of_both_keys_in_one_delivery_join_the_same(two: Story) -> None:
    two.says("dup INC-1", incident=2)
    two.fires(severity="high", instance="two")
    two.fires(alertname="LakeSlow", severity="high", instance="two")
    assert two.incident(1).firing == 4
    assert two.kinds(1).count("alert_attached") == 2


def test_a_chain_that_ends_at_an_older_incident_of_the_same_key_loses_nothing(story: Story) -> None:
    story.fires()
    story.says("resolve a test")
    story.resolves()
    story.advance(minutes=40)
    story.fires()
    story.fires(alertname="DiskFull")
    story.says("dup INC-2 INC-3")
    story.says("reopen INC-1")
    story.says("dup INC-3 INC-1")
    assert story.incident(1).firing == 2
    story.says("resolve another test", incident=1)
    story.resolves()
    story.advance(minutes=10)
    story.fires()
    assert (story.incident(1).escalation, story.incident(1).firing) == ("triggered", 2)
    assert len(story.incidents()) == 3


def over(story: Story) -> None:
    """Both alerts end, and with them INC-1."""
    story.says("dup INC-1", incident=2)
    story.resolves(severity="high")
    story.resolves(alertname="LakeSlow", severity="high")
    story.advance(minutes=5)
    assert story.incident(1).escalation == "resolved"


def test_firing_again_soon_after_the_end_reopens_the_one_that_went_on(two: Story) -> None:
    over(two)
    two.fires(alertname="LakeSlow", severity="high")
    assert len(two.incidents()) == 2
    assert two.incident(1).escalation == "triggered"
    assert two.alert(alertname="LakeSlow").incident == "INC-1"


def test_firing_again_later_is_a_new_incident_that_names_the_one_that_went_on(two: Story) -> None:
    over(two)
    two.advance(minutes=40)
    two.fires(alertname="LakeSlow", severity="high")
    new = two.incident(3)
    assert (new.escalation, new.team, new.previous) == ("triggered", "data", "INC-1")
    assert two.paged()[-1][0] == "dan"
    # From then on its own past counts.
    two.says("resolve done", incident=3)
    two.resolves(alertname="LakeSlow", severity="high")
    two.advance(minutes=1)
    two.fires(alertname="LakeSlow", severity="high")
    assert two.incident(3).escalation == "triggered"


def test_the_other_one_cancelled_takes_nothing(two: Story) -> None:
    two.says("dup INC-1", incident=2)
    two.says("cancel a test", incident=1)
    two.resolves(alertname="LakeSlow", severity="high")
    two.advance(minutes=10)
    two.fires(alertname="LakeSlow", severity="high")
    assert two.incident(3).previous == "INC-1"


def test_a_newer_incident_of_the_other_key_takes_them(two: Story) -> None:
    over(two)
    two.advance(minutes=40)
    two.fires(severity="high")
    two.fires(alertname="LakeSlow", severity="high")
    assert two.alert(alertname="LakeSlow").incident == "INC-3"
    assert len(two.incidents()) == 3


def test_the_severity_rises_and_later_alerts_as_bad_page_nobody(tell: Tell) -> None:
    story = tell(routes=DATA)
    story.fires(severity="high")
    story.says("ack", by="ana")
    story.fires(alertname="LakeSlow", severity="critical")
    said = story.says("dup INC-1", incident=2)
    assert "It is P1 now, as INC-2 was." in said
    assert story.incident(1).severity == "P1"
    story.fires(alertname="LakeSlow", severity="critical", instance="two")
    story.advance(hours=2)
    assert story.incident(1).escalation == "acknowledged"
    assert story.paged() == [("ana", 0), ("dan", 0)]


def test_an_incident_held_back_goes_on_with_alerts_that_nothing_holds_back(tell: Tell) -> None:
    story = tell(routes=DATA)
    story.fires(severity="high")
    story.fires(alertname="LakeSlow", severity="high")
    with story.context.store.write() as tx:
        found = incidents.get(tx, 1, lock=True)
        assert found is not None
        rules = story.context.live.current.revision.rules
        held = observe(Paused(reason="upgrade"), found, rules=rules, now=story.clock.now())
        incidents.save(tx, [(held.incident, held.events)], now=story.clock.now())
    story.says("dup INC-1", incident=2)
    assert story.incident(1).escalation_state == "running"
    assert "resumed" in story.kinds(1)


@pytest.mark.parametrize(
    "line,says",
    [
        ("dup", "Type for example `dup INC-1`; `list` shows what is open."),
        ("dup that one", "Into which incident?"),
        ("dup INC-2", "INC-2 cannot be merged into itself"),
    ],
)
def test_a_refusal_says_what_to_type(two: Story, line: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        two.says(line, incident=2)
    with pytest.raises(NotFound, match="There is no INC-77"):
        two.says("dup INC-77", incident=2)
    assert two.incident(2).escalation == "triggered"


def test_one_that_is_over_is_refused_as_either(two: Story) -> None:
    two.says("resolve enough", incident=1)
    with pytest.raises(
        Refused, match="INC-1 is resolved; only an open one takes others: `reopen INC-1` first"
    ):
        two.says("dup INC-1", incident=2)
    with pytest.raises(Refused, match="INC-1 is resolved; there is nothing to merge"):
        two.says("dup INC-2", incident=1)


def test_the_same_again_changes_nothing_and_a_chain_names_its_end(two: Story) -> None:
    two.fires(alertname="DiskFull", severity="high")
    two.says("dup INC-1", incident=2)
    before = stored(two, 1).seq
    assert two.says("dup INC-1", incident=2) == "INC-2 is merged into INC-1 already; nothing changed."
    assert stored(two, 1).seq == before
    with pytest.raises(Refused, match="INC-2 was merged into INC-1; type `dup INC-3 INC-1`"):
        two.says("dup INC-2", incident=3)
    with pytest.raises(Refused, match="INC-2 was merged into INC-1; say it there"):
        two.says("ack", incident=2)
    two.says("dup INC-3 INC-1")
    assert two.incident(1).firing == 3


def test_the_same_click_twice_is_one(two: Story) -> None:
    first = two.says("dup INC-1", incident=2, key="click-1")
    assert two.says("dup INC-1", incident=2, key="click-1") == first
    assert two.kinds(1).count("merged_here") == 1


@on_every_database
def test_taken_out_again_it_is_paged_for_as_a_new_incident(tell: Tell) -> None:
    story = both(tell)
    story.says("dup INC-1", by="ana", incident=2)
    story.fires(alertname="LakeSlow", severity="high", instance="two")
    story.advance(minutes=10)
    said = story.says("unmerge", by="ana", incident=2)
    assert said == "INC-2 is taken out of INC-1 again: it goes on as INC-3. Undo: `dup INC-3 INC-1`."
    new = story.incident(3)
    assert (new.escalation, new.epoch, new.firing, new.previous) == ("triggered", 1, 2, "INC-2")
    assert (new.title, new.team, new.severity) == ("LakeSlow", "data", "P2")
    assert story.paged() == [("ana", 0), ("dan", 0), ("dan", 10)]
    gone, kept = story.incident(2), story.incident(1)
    assert (gone.escalation, gone.merged_into) == ("merged", "INC-3")
    assert (kept.escalation, kept.firing) == ("acknowledged", 1)
    assert story.entry("unmerged", 2).text == (
        "Ana Example took this out of INC-1 again; it goes on as INC-3"
    )
    assert "goes on as INC-3" in story.entry("unmerged_here", 1).text
    assert story.says("unmerge", incident=2) == (
        "INC-2 was taken out again already: it goes on as INC-3; nothing changed."
    )
    # What fires for its key later is the new one's, and the new one may be merged back.
    story.fires(alertname="LakeSlow", severity="high", instance="three")
    assert story.incident(3).firing == 3
    story.says("dup INC-3 INC-1")
    assert story.incident(1).firing == 4
    for number in (1, 2, 3):
        assert same_after_replay(story, number)


def test_said_on_the_one_that_went_on_it_takes_a_name(two: Story) -> None:
    with pytest.raises(Refused, match="INC-1 is not merged into another, and none into it"):
        two.says("unmerge", incident=1)
    two.says("dup INC-1", incident=2)
    with pytest.raises(Refused, match="type `unmerge INC-2`"):
        two.says("unmerge", incident=1)
    assert "goes on as INC-3" in two.says("INC-1 unmerge INC-2 not one disk")
    assert two.entry("unmerged", 2).data["reason"] == "not one disk"
    assert two.incident(3).firing == 1


def test_what_no_longer_fires_is_not_taken_out(two: Story) -> None:
    two.says("dup INC-1", incident=2)
    two.resolves(alertname="LakeSlow", severity="high")
    with pytest.raises(Refused, match="Nothing that came from INC-2 fires any more"):
        two.says("unmerge", incident=2)
    assert len(two.incidents()) == 2


def test_what_is_left_ends_by_itself(two: Story) -> None:
    two.says("dup INC-1", incident=2)
    two.resolves(severity="high")
    two.says("unmerge", incident=2)
    two.advance(minutes=5)
    assert two.incident(1).escalation == "resolved"
    assert two.incident(3).escalation == "triggered"


def test_one_that_people_declared_can_be_taken_out_too(two: Story) -> None:
    two.says("new P2 Shop is slow", by="ben")
    two.says("dup INC-3 INC-1", by="ben")
    assert "goes on as INC-4" in two.says("unmerge INC-3", by="ben")
    assert (two.incident(4).title, two.incident(4).escalation) == ("Shop is slow", "triggered")


def test_with_what_had_been_merged_into_it(two: Story) -> None:
    two.fires(alertname="DiskFull", severity="high")
    two.says("dup INC-3 INC-2")
    two.says("dup INC-2 INC-1")
    two.fires(alertname="DiskFull", severity="high", instance="two")
    assert two.incident(1).firing == 4
    two.says("unmerge INC-2")
    assert (two.incident(1).firing, two.incident(4).firing) == (1, 3)
    two.fires(alertname="DiskFull", severity="high", instance="three")
    assert two.incident(4).firing == 4
    assert len(two.incidents()) == 4


def test_a_new_incident_of_its_key_goes_first(two: Story) -> None:
    two.says("dup INC-1", incident=2)
    two.says("cancel a test", incident=1)
    two.fires(alertname="LakeSlow", severity="high", instance="two")
    assert two.incident(3).previous == "INC-1"
    with pytest.raises(Refused, match="INC-3 is open for the alerts of INC-2 already"):
        two.says("unmerge", incident=2)


@shared
def test_of_two_merges_that_cross_one_wins(tell: Tell) -> None:
    story = both(tell)
    gate = Barrier(2)

    def merge(line: str) -> str:
        gate.wait(timeout=30)
        try:
            return story.says(line)
        except Refused as refused:
            return f"refused: {refused}"

    for _ in range(3):
        open_now = [one.number for one in story.incidents() if one.escalation != "merged"]
        first, second = open_now
        lines = [f"dup INC-{first} INC-{second}", f"dup INC-{second} INC-{first}"]
        with ThreadPoolExecutor(2) as pool:
            replies = [done.result(timeout=60) for done in [pool.submit(merge, line) for line in lines]]
        assert sorted(reply.startswith("refused: ") for reply in replies) == [False, True]
        refused = next(reply for reply in replies if reply.startswith("refused: "))
        assert "was merged into" in refused
        (kept,) = [one for one in story.incidents() if one.escalation != "merged"]
        assert kept.firing == 2
        merged = first if kept.number == second else second
        story.says(f"unmerge INC-{merged}")


@shared
def test_alerts_that_come_while_it_is_merged_are_not_lost(tell: Tell) -> None:
    story = both(tell)
    gate = Barrier(2)

    def fires() -> None:
        gate.wait(timeout=30)
        for number in range(5):
            story.fires(alertname="LakeSlow", severity="high", instance=f"i{number}")

    def merge() -> str:
        gate.wait(timeout=30)
        return story.says("dup INC-1", incident=2)

    with ThreadPoolExecutor(2) as pool:
        coming, merging = pool.submit(fires), pool.submit(merge)
        coming.result(timeout=60)
        merging.result(timeout=60)
    assert {one.incident for one in story.alerts()} == {"INC-1"}
    assert story.incident(1).firing == 7
    assert len(story.incidents()) == 2


def test_everything_that_lists_it_reads_well(tell: Tell) -> None:
    story = both(tell, announce=TO_CHANNEL)
    story.says("dup INC-1 one disk", incident=2)
    assert "INC-2" not in story.says("list")
    assert "merged into INC-1" in story.says("list all")
    card = story.says("info", incident=2)
    assert "Paging: merged into INC-1" in card
    assert story.said_to("#incidents") == ["opened", "opened", "resolved"]
    told = story.taken("resolved")[-1].message.text
    assert told.startswith("*INCIDENT MERGED [P2]*: LakeSlow")
    assert "*Why*: merged into INC-1: one disk" in told
    now = story.clock.now()
    kept, _ = export.postmortem(story.context, 1, format="md", now=now)
    gone, _ = export.postmortem(story.context, 2, format="md", now=now)
    assert "Merged incidents" in str(kept)
    assert "INC-2 “LakeSlow”" in str(kept)
    assert "Merged into" in str(gone)
    story.says("unmerge", incident=2)
    kept, _ = export.postmortem(story.context, 1, format="md", now=now)
    assert "Merged incidents" not in str(kept)
