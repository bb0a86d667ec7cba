"""`why` says, from the record alone, how a page came about, and for each way of not paging which it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from incident_bot.core.errors import NotFound, Refused
from incident_bot.flow import commands, interventions
from incident_bot.flow.why import Chain, explain, explain_alert, explain_incident, explain_person
from incident_bot.notifiers.base import GiveUp, GiveUpReason
from tests.fakes.alertmanager import AlertmanagerApi
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]
INHIBIT = """
inhibit:
  - {source: ['alertname="NodeDown"'], target: ['alertname="HighErrorRate"'], equal: []}
"""
HOURS = """
hours:
  business: {time_zone: Europe/Berlin, windows: [{days: mon-fri, from: "09:00", to: "18:00"}]}
"""


def alert(story: Story, name: str = "HighErrorRate") -> Chain:
    return explain_alert(story.context, name, now=story.clock.now())


def of(story: Story, number: int = 1) -> Chain:
    return explain_incident(story.context, number, now=story.clock.now())


def about(story: Story, person: str, *, hours: float = 24) -> Chain:
    now = story.clock.now()
    return explain_person(story.context, person, start=now - timedelta(hours=hours), end=now, now=now)


def codes(chain: Chain) -> list[str]:
    return [one.code.value for one in chain.reasons]


@on_every_database
def test_the_chain_from_the_delivery_to_the_page(tell: Tell) -> None:
    story = tell(
        routes="""
  - {match: ['severity="warning"'], delay: 15m}
  - {match: ['alertname=~"High.*"', 'service="shop"'], team: web}
"""
    )
    story.fires(service="shop", number="1")
    story.advance(minutes=3)
    story.repeat()
    story.fires(service="shop", number="2")
    story.advance(minutes=13)
    found = of(story)
    assert found.answer[0].startswith(
        "Ana Example was paged by slack at 03:00 UTC: on call, web: layer week, turn 8"
    )
    assert found.answer[1] == "Ben Example was paged by slack at 03:15 UTC: lead of web, step 2 of 3 of P1."
    text = found.text
    for part in (
        "delivery 1 from alertmanager, received 03:00 UTC, no duplicate",
        "heard last at 03:03 UTC; a delivery that only repeats is a duplicate (I4)",
        "a new episode (I5)",
        "route 1 (routing.yaml:",
        "severity=\"warning\" does not match 'critical'",
        "route 2 (routing.yaml:",
        'alertname=~"High.*", service="shop" matches',
        "severity P1, from the label severity=critical",
        "team web, from the route routing.yaml:",
        "service shop, from the label service",
        "runbook: high-error-rate.md",
        "nothing held it back",
        'opened INC-1 [P1] HighErrorRate (shop) at 03:00 UTC, key alertmanager/web/{alertname="HighErrorRate"}',
        "joined INC-1 [P1] HighErrorRate (shop) at 03:03 UTC",
        "step 1 at 03:00 UTC: Ana Example, on call, web: layer week",
        "page to Ben Example by slack (step 2): sent, 03:15 UTC",
        "attempt 1 at 03:15 UTC: sent, slack-2",
        "Next: step 3 is due at 03:30 UTC, unless somebody takes it",
    ):
        assert part in text, part
    assert codes(found) == ["waiting"]
    first = alert(story, "1")
    assert first.kind == "alert"
    assert explain_alert(story.context, story.alerts()[-1].fingerprint, now=story.clock.now()).about == "1"
    assert alert(story).about == "2"
    stages = list(dict.fromkeys(link.stage for link in first.links))
    assert stages == ["delivery", "dedupe", "route", "enrich", "muting", "incident", "page", "attempt"]


def test_the_data_carries_what_the_text_says(story: Story) -> None:
    story.fires(service="shop")
    found = explain(story.context, 1, now=story.clock.now())
    assert found["kind"] == "incident"
    assert found["incident"] == found["about"] == "INC-1"
    chain = found["chain"]
    assert isinstance(chain, list)
    assert {link["stage"] for link in chain if isinstance(link, dict)} == {
        "alert", "delivery", "dedupe", "route", "enrich", "muting", "incident", "schedule", "page", "attempt",
    }  # fmt: skip
    delivery = next(link for link in chain if isinstance(link, dict) and link["stage"] == "delivery")
    assert delivery["data"] == {"id": 1, "source": "alertmanager", "receiver": "bot", "duplicate": False}
    schedule = next(link for link in chain if isinstance(link, dict) and link["stage"] == "schedule")
    assert schedule["data"]["revision"] == story.context.live.current.revision.id


def recorded(tell: Tell) -> Chain:
    story = tell(routes="[{match: ['alertname=\"HighErrorRate\"'], action: record}]")
    story.fires()
    return alert(story)


def told_to_the_channel(tell: Tell) -> Chain:
    story = tell(routes="[{match: ['alertname=\"HighErrorRate\"'], action: notify}]")
    story.fires()
    return alert(story)


def delayed(tell: Tell) -> Chain:
    story = tell(routes="[{match: [], delay: 15m}]")
    story.fires()
    return alert(story)


def out_of_hours(tell: Tell) -> Chain:
    story = tell(routes="[{match: [], hours: business}]", more=HOURS)
    story.fires()
    return alert(story)


def inhibited(tell: Tell) -> Chain:
    story = tell(more=INHIBIT)
    story.fires(alertname="NodeDown")
    story.fires()
    return alert(story)


def over_before_the_delay(tell: Tell) -> Chain:
    story = tell(routes="[{match: [], delay: 15m}]")
    story.fires()
    story.advance(minutes=5)
    story.resolves()
    return alert(story)


def over_before_it_was_heard_of(tell: Tell) -> Chain:
    story = tell()
    story.alertmanager.fire({"alertname": "HighErrorRate"}, {}, since=story.start)
    story.deliver(story.alertmanager.resolve({"alertname": "HighErrorRate"}, at=story.clock.now()))
    return alert(story)


def fires_with_the_start_of_what_ended(tell: Tell) -> Chain:
    story = tell()
    story.fires()
    late = story._last
    story.advance(seconds=10)
    story.resolves()
    story.advance(seconds=10)
    story.deliver(late[1])
    return alert(story)


@on_every_database
@pytest.mark.parametrize(
    "told, code, part",
    [
        (recorded, "recorded", "recorded only: routing.yaml:"),
        (told_to_the_channel, "channel_only", "told to the team's channel only"),
        (delayed, "held", "waits until 03:15 UTC: its route opens it only when it still fires 15 min"),
        (out_of_hours, "held", "waits until 08:00 UTC: its route holds it to the hours business"),
        (inhibited, "held", "inhibited at 03:00 UTC by NodeDown"),
        (over_before_the_delay, "ended_before", "ended before it was let through (waits until 03:15 UTC"),
        (over_before_it_was_heard_of, "ended_unseen", "ended before it was seen firing"),
    ],
)
def test_nobody_was_paged_for_an_alert_because(
    told: Callable[[Tell], Chain], code: str, part: str, tell: Tell
) -> None:
    found = told(tell)
    assert found.answer[0].startswith(f"Nobody was paged for it: {part}")
    assert codes(found)[0] == code
    assert f"no incident: {part}" in found.text


def test_a_refire_that_is_held_says_so(tell: Tell) -> None:
    found = fires_with_the_start_of_what_ended(tell)
    assert "held, then reopened unless a resolve comes (I6)" in found.text


def test_what_was_held_and_let_through_says_both(tell: Tell) -> None:
    story = tell(routes="[{match: [], delay: 15m}]")
    story.fires()
    story.advance(minutes=20)
    found = alert(story)
    assert found.answer[0].startswith("Ana Example was paged by slack at 03:15 UTC")
    assert "held: waits until 03:15 UTC" in found.text
    assert "; let through 03:15 UTC" in found.text


def maintenance(tell: Tell) -> Story:
    story = tell()
    interventions.add_maintenance(
        story.context, matchers=['alertname="HighErrorRate"'], start=story.start,
        end=story.start + timedelta(hours=1), reason="works", actor="ana", now=story.start,
    )  # fmt: skip
    story.fires()
    return story


def nobody_on_call(tell: Tell) -> Story:
    story = tell(
        layers=LAYER_OF_NOBODY, matrix={"P1": "[{page: [on_call]}]"}, fallback="[]", last_resort="[]"
    )
    story.fires()
    return story


def no_channel(tell: Tell) -> Story:
    story = tell(matrix={"P1": "[{page: [person/gus]}]"}, fallback="[]", last_resort="[]")
    story.fires()
    return story


def not_delivered(tell: Tell) -> Story:
    story = tell()
    story.slack.refuses["ana"] = GiveUp(GiveUpReason.REFUSED, "no such user")
    story.fires()
    return story


LAYER_OF_NOBODY = """
  - {name: week, priority: 10, turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}, people: [[]]}
"""


@on_every_database
@pytest.mark.parametrize(
    "told, code, part",
    [
        (maintenance, "maintenance", "maintenance: works"),
        (nobody_on_call, "nobody", "nobody stands behind on_call"),
        (no_channel, "nobody", "nobody stands behind person/gus"),
    ],
)
def test_nobody_was_paged_for_an_incident_because(
    told: Callable[[Tell], Story], code: str, part: str, tell: Tell
) -> None:
    found = of(told(tell))
    assert found.answer[0] == "Nobody was paged for this incident."
    assert part in found.answer[1]
    assert code in codes(found)
    not_paged = found.to_json()["not_paged"]
    assert isinstance(not_paged, list)
    assert not_paged[0] == found.answer[0]


def test_what_is_silenced_at_its_source_says_so(tell: Tell) -> None:
    story = tell()
    with AlertmanagerApi(story.alertmanager) as api:
        story.configure(
            sources=f'  - {{name: alertmanager, kind: alertmanager, api_url: "{api.url}"}}',
            matrix={"P1": "[{page: [on_call]}, {after: 15m, page: [lead]}]"},
        )
        story.reconciles()
        story.fires()
        story.alertmanager.find(alertname="HighErrorRate").silenced_by = ("s-1",)
        story.advance(minutes=20)
        assert story.paged() == [("ana", 0)]
        found = of(story)
        assert codes(found)[0] == "silenced"
        assert "every alert of it is silenced" in found.text
        assert "silenced at its source" in alert(story).text
        (mine,) = about(story, "ben").reasons
        assert "Ben Example is step 2; paging is paused: every alert of it is silenced" in mine.text


@on_every_database
def test_what_could_not_be_delivered_is_told(tell: Tell) -> None:
    story = not_delivered(tell)
    found = of(story)
    lost = next(one for one in found.reasons if one.code == "not_delivered")
    assert (lost.person, "no such user" in lost.text) == ("ana", True)
    (mine, *_) = about(story, "ana").reasons
    assert mine.code == "not_delivered"
    assert "the page by slack due 03:00 UTC could not be sent: refused: no such user" in mine.text


@pytest.mark.parametrize(
    "says, code",
    [
        ("ack", "acknowledged"),
        ("snooze 30m", "snoozed"),
        ("resolve it is fixed", "resolved"),
        ("cancel a mistake", "cancelled"),
    ],
)
def test_what_ended_paging_is_told(says: str, code: str, tell: Tell) -> None:
    story = tell(notify="{high: [{by: slack}, {by: sms, after: 5m}], low: [{by: slack}]}")
    story.fires()
    story.says(says, by="ben")
    found = of(story)
    assert code in codes(found)
    assert "taken_back" in codes(found)
    assert "page to Ana Example by sms (step 1): cancelled, due 03:05 UTC" in found.text
    cleo = about(story, "cleo").reasons[0]
    assert cleo.code == "not_reached"
    assert "Cleo Example is step 3, which was not due before: Ben Example" in cleo.text


@on_every_database
def test_what_a_person_was_sent_and_what_not(story: Story) -> None:
    story.fires()
    story.fires(alertname="Lake", service="lake")
    story.says("ack", by="dan", incident=2)
    story.advance(minutes=16)
    ana = about(story, "ana")
    assert ana.answer[0].startswith(
        "Ana Example was paged by slack at 03:00 UTC for INC-1 [P1] HighErrorRate: on call"
    )
    assert codes(ana) == ["not_on_call"]
    assert (
        "INC-2 [P1] Lake (lake): Ana Example was not on call for it; Dan Example was: on call, data"
        in ana.text
    )
    ben = about(story, "ben")
    assert ben.answer[0].startswith("Ben Example was paged by slack at 03:15 UTC for INC-1")
    assert "attempt 1 at 03:15 UTC: sent" in ben.text
    cleo = about(story, "cleo")
    assert cleo.answer[0] == "Cleo Example was not paged from 2026-03-02 03:16 UTC to 03:16 UTC."
    assert codes(cleo) == ["not_on_call", "waiting"]
    assert codes(about(story, "gus")) == ["inactive", "inactive"]
    story.advance(hours=5)
    story.says("ack", by="ana", incident=1)
    assert codes(about(story, "ben", hours=0.5))[-1] == "other_time"
    assert about(story, "ben", hours=0.5).to_json()["pages"] == []
    with pytest.raises(NotFound, match="There is nobody 'zoe' in"):
        about(story, "zoe")


def test_waiting_in_a_maintenance_is_a_reason_of_a_person(tell: Tell) -> None:
    story = maintenance(tell)
    (mine,) = about(story, "ana").reasons
    assert mine.code == "waiting"
    assert "Ana Example is step 1; paging is paused: maintenance: works" in mine.text


def test_a_declared_incident_has_no_alert(story: Story) -> None:
    commands.handle(
        story.context, "new P1 Odd things", incident=None, actor="ben", source="test", now=story.start
    )
    story.pump()
    assert "declared by Ben Example; no alert belongs to it" in of(story).text


def test_a_private_incident_keeps_its_title_to_its_own_page(story: Story) -> None:
    commands.declare(
        story.context, title="A leak of names", severity="P1", team="web", private=True, actor="ben", source="test",
        now=story.start,
    )  # fmt: skip
    story.pump()
    story.says("cancel a secret reason", by="ben")
    for person in ("ana", "cleo", "dan"):
        text = about(story, person).text
        assert "INC-1 (private)" in text
        assert "leak" not in text
        assert "secret" not in text
    assert "A leak of names" in of(story).text


@on_every_database
def test_the_past_is_told_by_the_configuration_of_then(story: Story) -> None:
    before = story.context.live.current.revision.id
    story.fires()
    story.advance(minutes=5)
    story.configure(layers=LAYER_OF_NOBODY)
    assert story.context.live.current.revision.id != before
    story.advance(minutes=1)
    text = of(story).text
    assert f"turn 8 (revision {before})" in text
    assert f"(configuration {before})" in text
    assert story.context.live.current.revision.id not in text


@pytest.mark.parametrize(
    "line, begins",
    [
        ("why", "Ana Example was paged by slack"),
        ("why INC-1", "Ana Example was paged by slack"),
        ("why 1", "Ana Example was paged by slack"),
        ("why alert HighErrorRate", "Ana Example was paged by slack"),
        ("why alert 1", "Ana Example was paged by slack"),
        ("why @ana", "Ana Example was paged by slack at 03:00 UTC for INC-1"),
        ("why me", "Ana Example was paged by slack"),
        ("why ana since 2h", "Ana Example was paged by slack"),
        ("why ana since 03:30", "Ana Example was paged by slack"),
        ("why ana at 04:10", "Ana Example was paged by slack"),
        ("why ana 2026-03-03T03:00Z", "Ana Example was paged by slack"),
        ("why ana since 2026-03-01", "Ana Example was paged by slack"),
        ("why cleo since 1m", "Cleo Example was not paged"),
    ],
)
def test_one_word_asks_for_all_of_it(line: str, begins: str, story: Story) -> None:
    story.fires()
    story.advance(minutes=10)
    assert story.says(line, by="ana").startswith(begins)


@pytest.mark.parametrize(
    "line, says",
    [
        ("why alert", "Which alert?"),
        ("why @zoe", "I know nobody called '@zoe'"),
        ("why @ana since", "Since when?"),
        ("why @ana since breakfast", "I do not understand the time 'breakfast'"),
        ("why @ana since 2026-13-01", "I do not understand the time"),
        ("why @ana since 2027-01-01", "'2027-01-01' is still to come"),
        ("why alert Nothing", "There is no alert 'Nothing'"),
        ("why alert 99", "There is no alert '99'"),
        ("why INC-9", "There is no INC-9"),
    ],
)
def test_a_refusal_says_what_to_type(line: str, says: str, story: Story) -> None:
    with pytest.raises((Refused, NotFound), match=says):
        story.says(line)


def test_why_without_anything_open_asks_what_is_meant(story: Story) -> None:
    with pytest.raises(Refused, match="Why what\\? Type for example `why INC-42`"):
        story.says("why")
