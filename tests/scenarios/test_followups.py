"""Follow-ups that prove themselves: asked at a real HTTP interface, once a week, and opened again when they fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from incident_bot.flow.postmortems import listing
from incident_bot.flow.postmortems.listing import FollowUpRow
from incident_bot.flow.postmortems.proofs import NOWHERE
from tests.fakes.prometheus import FakePrometheus
from tests.fakes.webhook import answers
from tests.plugins.story import Story

QUERY = "max_over_time(pool_used_ratio[7d]) < 0.8"
Tell = Callable[..., Story]


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    """A Prometheus that knows nothing yet."""
    with FakePrometheus() as fake:
        yield fake


@pytest.fixture(params=["sqlite", "postgresql"])
def story_url(request: pytest.FixtureRequest) -> str:
    """A database that outlives its process."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def over(tell: Tell, prometheus: FakePrometheus) -> Story:
    """An incident that is over, before it has follow-ups."""
    story = tell(
        sources=f'  - {{name: alertmanager, kind: alertmanager, prometheus_url: "{prometheus.url}"}}'
    )
    story.fires()
    story.says("ack", by="ana")
    story.says("resolve rolled back", by="ana")
    story.says("postmortem waive a test of ours", by="ben")
    return story


def rows(story: Story, **filters: object) -> list[FollowUpRow]:
    return listing.followups(story.context, limit=50, now=story.clock.now(), **{"state": "all", **filters})  # type: ignore[arg-type] # filters


def test_a_condition_is_asked_each_week_and_opens_again_what_fails(
    over: Story, prometheus: FakePrometheus
) -> None:
    over.says(f"followup watch the pool @dan 3d type:detect done when: {QUERY}", by="ben")
    (row,) = rows(over)
    assert (row.state, row.checked) == ("open", "it gives nothing")
    prometheus.teach(QUERY, {"pool": "a"}, 0.4)
    over.advance(days=6)
    assert rows(over)[0].state == "overdue"
    over.restart()
    over.advance(days=2)
    (row,) = rows(over)
    assert (row.state, row.checked) == ("proven", "it gives 0.4")
    assert over.entry("followup_proven").text.startswith("Follow-up 1 is proven")
    prometheus.teach(QUERY, {"pool": "a"}, 0.0)
    over.advance(days=8)
    (row,) = rows(over)
    assert (row.state, row.proven_at) == ("overdue", None)
    nudges = [heard.message for heard in over.taken("nudge") if heard.message.recipient == "dan"]
    assert len(nudges) == 1
    assert "is open again" in nudges[0].text
    assert over.kinds().count("followup_reopened") == 1
    asked = len(prometheus.asked)
    over.killed()
    over.advance(days=1)
    assert len(prometheus.asked) == asked


def test_where_no_answer_comes_nothing_changes_and_it_is_tried_again(
    over: Story, prometheus: FakePrometheus
) -> None:
    prometheus.usual = answers(503, b"not now")
    over.says(f"followup watch the pool @dan done when: {QUERY}", by="ben")
    assert rows(over)[0].state == "open"
    asked = len(prometheus.asked)
    over.advance(hours=2)
    assert len(prometheus.asked) == asked + 2
    over.says("followup nonsense @dan", by="ben")
    assert [one.done_when for one in rows(over)] == [QUERY, None]


def test_what_was_taken_back_is_not_asked_any_more(over: Story, prometheus: FakePrometheus) -> None:
    over.says(f"followup watch the pool done when: {QUERY}", by="ben")
    over.says("undo", by="ben")
    asked = len(prometheus.asked)
    over.advance(days=20)
    assert len(prometheus.asked) == asked
    assert over.next_due() is None


def test_without_a_prometheus_the_list_says_so(tell: Tell) -> None:
    story = tell()
    story.fires()
    story.says(f"followup watch the pool @dan done when: {QUERY}", by="ben")
    assert rows(story)[0].checked == NOWHERE


def test_the_lists_filter_and_keep_what_is_private(over: Story) -> None:
    over.says("followup first @dan 3d", by="ben")
    over.says("followup second @ana", by="ben")
    over.says("done 2", by="ana")
    over.advance(days=4)
    for filters, texts in (
        ({}, ["first", "second"]),
        ({"state": "open"}, ["first"]),
        ({"state": "overdue"}, ["first"]),
        ({"state": "done"}, ["second"]),
        ({"owner": "dan"}, ["first"]),
        ({"team": "data"}, []),
    ):
        assert [one.text for one in rows(over, **filters)] == texts, filters
    found = listing.postmortems(over.context, state="waived", limit=5, now=over.clock.now())
    assert [(one.incident, one.overdue) for one in found] == [("INC-1", False)]
    assert listing.postmortems(over.context, state="open", limit=5, now=over.clock.now()) == []
    over.says("postmortem draft we write it after all", by="ben")
    (late,) = listing.postmortems(over.context, overdue=True, limit=5, now=over.clock.now())
    assert late.overdue
    assert late.percent is not None


@pytest.mark.parametrize(
    "typed, text, kind",
    [
        ("add a canary @dan 2026-12-01 type: prevent", "add a canary", "prevent"),
        ("add a canary type:Prevent @dan 2026-12-01", "add a canary", "prevent"),
        ("log the type: of each error @dan 2026-12-01", "log the type: of each error", None),
    ],
)
def test_the_type_may_stand_apart_from_its_word(
    story: Story, typed: str, text: str, kind: str | None
) -> None:
    story.fires(service="shop")
    story.says(f"followup {typed}")
    (item,) = story.incident().items
    assert (item.text, item.type, item.owner) == (text, kind, "dan")
    assert item.due is not None
