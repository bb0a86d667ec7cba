"""Key times as people correct them: in the words of the chat, with history, on the page, in the API and the draft."""

from __future__ import annotations

from datetime import timedelta

import pytest

from incident_bot.core.errors import Refused
from incident_bot.flow import export
from incident_bot.flow.views import IncidentView
from tests.plugins.story import Story, on_every_database


@pytest.fixture
def over(story: Story) -> Story:
    """Opened at 04:00 in Berlin, taken at 04:10, mitigated at 04:20, resolved at 04:30."""
    story.fires(service="shop", since=story.clock.now() - timedelta(minutes=5))
    story.advance(minutes=10)
    story.says("ack")
    story.advance(minutes=10)
    story.says("status monitoring")
    story.advance(minutes=10)
    story.resolves(service="shop")
    story.says("resolve fixed")
    story.advance(days=2)
    return story


def minutes(story: Story) -> dict[str, float]:
    found = story.incident().milestones
    return {one.milestone: story.minute(one.at) for one in found if one.at}


def lengths(one: IncidentView) -> tuple[float | None, ...]:
    assert one.measures is not None
    found = one.measures
    return (found.time_to_detect, found.time_to_acknowledge, found.time_to_mitigate, found.time_to_resolve)


@on_every_database
def test_what_was_recorded_and_the_durations(over: Story) -> None:
    assert minutes(over) == {
        "impact_started": -5, "detected": 0, "acknowledged": 10, "declared": 10, "mitigated": 20, "resolved": 30,
    }  # fmt: skip
    assert lengths(over.incident()) == (300, 600, 1200, 1800)


@on_every_database
def test_a_correction_counts_and_stays_on_the_record(over: Story) -> None:
    reply = over.says("milestone mitigated 04:15 the rollback was through", by="ana")
    assert reply == "“Mitigated” of INC-1 is 2026-03-03 03:15 UTC now."
    assert lengths(over.incident())[2] == 900
    told = over.entry("milestone_set")
    assert told.text == (
        "Ana Example set the time of “mitigated” to 2026-03-03 03:15 UTC; it was 2026-03-03 03:20 UTC: "
        "the rollback was through"
    )
    one = next(view for view in over.incident().milestones if view.corrected)
    assert (one.author_name, one.reason) == ("Ana Example", "the rollback was through")
    draft = export.postmortem(over.context, 1, now=over.clock.now())[0]
    assert "corrected by Ana Example: the rollback was through; the record has 2026-03-03 03:20 UTC" in draft

    over.says("milestone mitigated reset")
    assert lengths(over.incident())[2] == 1200
    assert over.kinds().count("milestone_set") == 2


TIMES = {
    "milestone impact 03:30": ("impact_started", -30),
    "milestone impact start 2026-03-02 23:00": ("impact_started", -300),
    "milestone impact_started 2026-03-02T23:00Z": ("impact_started", -240),
    "milestone first update 04:12 mail": ("first_update", 12),
    "milestone update 4:12": ("first_update", 12),
    "milestone first-update 2026-03-03T03:12:00Z": ("first_update", 12),
    "milestone lead 04:11": ("led", 11),
    "milestone ack 04:01": ("acknowledged", 1),
    "milestone resolved 05:00": ("resolved", 60),
    "milestone closed 2026-03-04 4:00": ("closed", 1440),
    "times detected 03:59": ("detected", -1),
}


@pytest.mark.parametrize("line", TIMES)
def test_the_words_there_are(over: Story, line: str) -> None:
    name, minute = TIMES[line]
    over.says(line)
    assert minutes(over)[name] == minute


def test_alone_it_lists_them_with_their_sources(over: Story) -> None:
    over.says("milestone led 04:11 she had it on the phone")
    lines = over.says("milestone").splitlines()
    assert lines[0].startswith("Key times of INC-1; `milestone mitigated 03:45")
    assert "Impact started: 2026-03-03 02:55 UTC [episode 1]" in lines
    led = next(line for line in lines if line.startswith("Led: "))
    assert led.endswith(", corrected by Ana Example: she had it on the phone")
    assert "First update: not recorded" in lines
    assert lines[-1] == "Time to resolve: 30 min"


def test_undo_puts_it_back(over: Story) -> None:
    over.says("milestone mitigated 04:15")
    over.says("undo")
    assert minutes(over)["mitigated"] == 20
    over.says("milestone mitigated 04:15")
    over.says("milestone mitigated 04:16")
    over.says("undo")
    assert minutes(over)["mitigated"] == 15


@pytest.mark.parametrize(
    "line, words",
    [
        ("milestone midnight 04:15", "is no key time; use one of impact_started, detected"),
        ("milestone mitigated", "When was that"),
        ("milestone mitigated soon", "is no time; write 03:45"),
        ("milestone mitigated 2026-02-30 04:00", "is no time"),
        ("milestone mitigated 2026-03-30 04:00", "lies ahead"),
        ("milestone impact 2020-03-30 04:00", "more than a year before"),
        # 23:20 has not come yet: it would be the evening before.
        ("milestone mitigated 23:20", "2026-03-02 22:20 UTC is before it began, 2026-03-03 02:55 UTC"),
        (
            "milestone detected 2026-03-02 15:40",
            r"in yours, Europe/Berlin; .*`milestone detected 2026-03-03T02:55Z`; if it",
        ),
        ("milestone impact 04:25", "03:25 UTC is after “mitigated”, 2026-03-03 03:20 UTC"),
    ],
)
def test_what_is_no_correction_is_refused(over: Story, line: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        over.says(line)


def test_an_open_incident_has_no_end_yet(story: Story) -> None:
    story.fires()
    with pytest.raises(Refused, match="still open; type `resolve`"):
        story.says("milestone resolved 03:59")
    assert story.incident().measures is not None
    assert lengths(story.incident()) == (None, None, None, None)
    assert "In no figure: nobody has taken it yet" in story.says("milestone")
