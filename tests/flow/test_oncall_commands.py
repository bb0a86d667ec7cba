"""`/oncall` as people type it: who, my shifts, overrides, and shifts that are offered, taken and covered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_bot.core.errors import NotFound, Refused
from incident_bot.flow import roster
from incident_bot.flow.oncall import swaps
from incident_bot.flow.oncall.run import RACES_MOST, run
from incident_bot.flow.roster import Wanted
from incident_bot.store import handoffs, interventions
from incident_bot.store.transaction import LostRace, Unavailable
from tests.plugins.story import Story, on_every_database
from tests.plugins.story_files import PEOPLE, TEAMS

Tell = Callable[..., Story]
HOUR = timedelta(hours=1)
START = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
DAILY = """
  - {name: day, priority: 10, turn: {unit: days, every: 1, anchor: "2026-03-02T09:00"}, people: [[ana], [ben], [cleo]]}
"""
"""ana until Tuesday 09:00 UTC, then ben, cleo, ana: Thursday 5 March, Sunday 8 March …"""


@pytest.fixture
def days(tell: Tell) -> Story:
    return tell(layers=DAILY)


def say(story: Story, line: str, by: str = "ana", key: str | None = None) -> str:
    text = run(story.context, line, by, key=key, now=story.clock.now()).text
    story.pump()
    return text


def refused(story: Story, line: str, by: str = "ana") -> str:
    with pytest.raises(Refused) as told:
        say(story, line, by)
    return str(told.value)


def who(story: Story, hours: float, schedule: str = "web") -> str:
    """Who is on call so many hours after Tuesday 09:00 UTC."""
    at = START + (6 + hours) * HOUR
    return " ".join(one.person for one in roster.on_call(story.context, schedule=schedule, at=at))


def told(story: Story, person: str) -> list[str]:
    return [one.message.text for one in story.taken("swap") if one.message.recipient == person]


def audit(story: Story) -> list[tuple[str, str]]:
    with story.context.store.read() as tx:
        return [(one.actor, one.action) for one in reversed(interventions.audit(tx))]


# Who is on call.


def test_who_is_on_call_now_until_when_and_why(days: Story) -> None:
    text = say(days, "")
    assert text.splitlines()[1].startswith(
        "web: Ana Example (ana) until Tue 3 Mar 10:00 CET – web: layer day, turn 0 (revision "
    )
    assert text.splitlines()[0].startswith("data: Dan Example (dan) – data: layer week")
    assert say(days, "web", "ben").startswith("web: Ana Example (ana) until Tue 3 Mar 04:00 EST – ")
    assert say(days, "WEB", "operator").startswith("web: Ana Example (ana) until Tue 3 Mar 09:00 UTC – ")


@pytest.mark.parametrize(
    "line, answer",
    [
        ("web 10:00", "web: Ben Example (ben) until Wed 4 Mar 10:00 CET"),
        ("web tomorrow 18:00", "web: Cleo Example (cleo) until Thu 5 Mar 10:00 CET"),
        ("web at fri 20:00", "web: Ben Example (ben) until Sat 7 Mar 10:00 CET"),
        ("fri 20:00 web", "web: Ben Example (ben) until"),
        ("web 2026-03-08 09:59", "web: Cleo Example (cleo) until Sun 8 Mar 10:00 CET"),
        ("who web in 30h", "web: Cleo Example (cleo)"),
        ("web yesterday 12:00", "web: Ana Example (ana) until Tue 3 Mar 10:00 CET"),
    ],
)
def test_who_is_on_call_at_a_time(days: Story, line: str, answer: str) -> None:
    assert say(days, line).startswith(answer)


def test_who_is_on_call_through_a_day(days: Story) -> None:
    assert say(days, "web tomorrow") == (
        "web: Wed 4 Mar 00:00 – 10:00 CET  Ben Example\nweb: Wed 4 Mar 10:00 – Thu 5 Mar 00:00 CET  Cleo Example"
    )
    reply = run(days.context, "web 2026-03-29", "ana", now=days.clock.now())
    assert reply.title == "On call on Sun 29 Mar"
    assert reply.lines[0] == "web: Sun 29 Mar 00:00 CET – 11:00 CEST  Cleo Example"


def test_nobody_is_an_answer(tell: Tell) -> None:
    office = DAILY.replace(
        "people: [[ana], [ben], [cleo]]",
        'people: [[ana]], windows: [{days: mon, from: "09:00", to: "17:00"}]',
    )
    story = tell(layers=office)
    assert say(story, "web") == "web: nobody until Mon 9 Mar 10:00 CET"
    assert say(story, "web wed") == "web: nobody all day"


def test_what_is_not_known_is_answered_with_what_is(days: Story) -> None:
    assert refused(days, "wbe") == (
        "I do not know 'wbe'; did you mean \"web\"? Type for example `data`, `tomorrow 18:00` or `help`."
    )
    assert 'did you mean "override"?' in refused(days, "overide @dan now 4h")
    assert 'did you mean "tomorrow"?' in refused(days, "tomorow")
    assert refused(days, "xyzzy") == (
        "I do not know 'xyzzy'. Type for example `data`, `tomorrow 18:00` or `help`."
    )
    assert "I do not know 'please'" in refused(days, "web now please")


def test_help_names_every_word(days: Story) -> None:
    text = say(days, "help")
    for word in ("override @dan", "swap accept", "cover me", "here", "take <number>", "2026-12-24 20:00"):
        assert word in text


# My shifts.


def test_my_shifts_on_my_own_clock_with_the_names_that_other_words_take(days: Story) -> None:
    assert say(days, "me 1w") == (
        "Your shifts (Europe/Berlin):\n"
        "web 2026-03-02  Mon 2 Mar 10:00 – Tue 3 Mar 10:00 CET  (now)\n"
        "web 2026-03-05  Thu 5 Mar 10:00 – Fri 6 Mar 10:00 CET\n"
        "web 2026-03-08  Sun 8 Mar 10:00 – Mon 9 Mar 10:00 CET\n"
        "Give one away: `swap web 2026-03-05 with @name`"
    )
    assert "web 2026-03-29  Sun 29 Mar 11:00 – Mon 30 Mar 11:00 CEST" in say(days, "me 8w")
    assert say(days, "me", "dan") == "Your shifts (UTC):\ndata  now, with no end in sight"
    assert say(days, "me", "fay").startswith("You have no shift before Tue 31 Mar 05:00 CEST") is False
    assert (
        say(days, "me", "fay") == "You have no shift before Tue 31 Mar 03:00 UTC. Look further with `me 12w`."
    )
    assert "I look 400 days ahead at most" in refused(days, "me 500d")
    assert "is not a length of time" in refused(days, "me later")
    assert "'now'" in refused(days, "me 8w now")


def test_two_shifts_that_begin_on_one_day_are_told_apart_by_the_hour(tell: Tell) -> None:
    halves = DAILY.replace("unit: days, every: 1", "unit: hours, every: 6").replace("[cleo]", "[ana], [ben]")
    story = tell(layers=halves)
    assert "web 2026-03-03 09:00  Tue 3 Mar 10:00 – 16:00 CET" in say(story, "me")
    text = refused(story, "swap web 2026-03-03 with @ben")
    assert text.startswith(
        "'2026-03-03' may be several: `web 2026-03-03 09:00` (ana); `web 2026-03-03 21:00` (ana)."
    )
    assert say(story, "swap web 2026-03-03 09:00 with @ben").startswith("Offered to Ben Example (number 1)")
    assert "web 2026-03-03 21:00" in refused(story, "cover web 2026-03-03 for @ana", "ben")


def test_who_is_nobody_has_no_shifts(days: Story) -> None:
    text = refused(days, "me", "operator")
    assert text.startswith("You are 'operator' here, who is nobody in people.yaml; choose your name")


# Overrides.


@on_every_database
def test_an_override_is_made_listed_and_ended(tell: Tell) -> None:
    days = tell(layers=DAILY)
    text = say(days, "override @dan fri 18:00 mon 09:00 web away for the weekend", "ben")
    assert text == (
        "Dan Example covers web: Fri 6 Mar 18:00 – Mon 9 Mar 09:00 EDT (override 1). Undo: `override end 1`"
    ).replace("Fri 6 Mar 18:00 – ", "Fri 6 Mar 18:00 EST – ")
    assert told(days, "dan") == [
        (
            "Ben Example put you on call for web: Fri 6 Mar 23:00 – Mon 9 Mar 13:00 UTC\n"
            "- away for the weekend\n"
            "Cannot take it? Type: oncall override end 1\n"
            "http://127.0.0.1:8080/oncall"
        )
    ]
    assert "1. web: Dan Example instead of everybody, Sat 7 Mar 00:00 – Mon 9 Mar 14:00 CET – away" in say(
        days, "override list"
    )
    assert say(days, "override end 1") == (
        "Override 1 is taken back; it never counted. On call for web now: Ana Example."
    )
    assert say(days, "override list web").startswith("No override runs or is to come.")
    assert "was taken back by" in refused(days, "override end 1")
    assert audit(days) == [("ben", "override.added"), ("ana", "override.cancelled")]


@pytest.mark.parametrize(
    "line, span",
    [
        ("override me now 4h web", "Tue 3 Mar 04:00 – 08:00 CET"),
        ("override @ana web now until 20:00", "Tue 3 Mar 04:00 – 20:00 CET"),
        ("override @ana today web", "Tue 3 Mar 04:00 – Wed 4 Mar 00:00 CET"),
        ("override @ana 2026-12-24 2026-12-26 web", "Thu 24 Dec 00:00 – Sun 27 Dec 00:00 CET"),
        ("override @ana from 2026-03-29 00:00 to 2026-03-29 02:30 web", "Sun 29 Mar 00:00 CET – 03:00 CEST"),
        ("override @ana 2026-10-25 02:30 2h web", "Sun 25 Oct 02:30 CEST – 03:30 CET"),
        (
            "override @ana 2026-12-31 20:00 2027-01-01 08:00 web",
            "Thu 31 Dec 20:00 – Fri 1 Jan 2027 08:00 CET",
        ),
        ("override @ana in 2h 1h", "Tue 3 Mar 06:00 – 07:00 CET"),
    ],
)
def test_the_times_of_an_override(days: Story, line: str, span: str) -> None:
    assert say(days, line) == f"Ana Example covers web: {span} (override 1). Undo: `override end 1`"
    assert told(days, "ana") == []


@pytest.mark.parametrize(
    "line, answer",
    [
        ("override", "Whom, and when? Type for example `override @dan fri 18:00 mon 09:00 web`"),
        ("override @dnn now 4h web", "I know nobody called '@dnn'. Did you mean @dan?"),
        ("override @gus now 4h web", "Gus Gone is not active"),
        ("override @ana", "From when?"),
        ("override @ana fri 18:00", "Until when? Type for example"),
        ("override @ana fri 18:00 because", "Until when?"),
        ("override @ana 2026-03-02 09:00 2026-03-02 10:00 web", "That is over already"),
        ("override @ana 2026-03-02 09:00 3d web", "cannot begin in the past; write `now` to begin now"),
        ("override @ana now 500d web", "longer than 366 days"),
        ("override @fay now 4h", "On which schedule? Name it after the times: `data`, `web`."),
        ("override end 99", "There is no override 99"),
        ("override list nowhere", "I know no schedule or team 'nowhere'"),
    ],
)
def test_what_is_refused_says_what_to_type(days: Story, line: str, answer: str) -> None:
    assert answer in refused(days, line)
    assert audit(days) == []


# Offers.


@on_every_database
def test_a_shift_is_offered_and_taken(tell: Tell) -> None:
    days = tell(layers=DAILY)
    assert say(days, "swap web 2026-03-05 with @ben dentist") == (
        "Offered to Ben Example (number 1): web Thu 5 Mar 10:00 – Fri 6 Mar 10:00 CET. Nothing changes before they "
        "take it; take it back: `swap withdraw 1`."
    )
    assert told(days, "ben") == [
        (
            "Ana Example offers you a shift: web Thu 5 Mar 04:00 – Fri 6 Mar 04:00 EST\n"
            "- dentist\n"
            "Take it: oncall swap accept 1 – or say no: oncall swap decline 1\n"
            "http://127.0.0.1:8080/oncall"
        )
    ]
    assert say(days, "swap", "ben").startswith("1. Ana Example to Ben Example: web Thu 5 Mar 04:00")
    assert "`swap accept 1` or `swap decline 1`" in say(days, "swap", "ben")
    assert "withdraw: `swap withdraw 1`" in say(days, "swap")
    assert who(days, 48) == "ana"
    assert say(days, "swap accept 1", "ben") == (
        "It is yours: web Thu 5 Mar 04:00 – Fri 6 Mar 04:00 EST. Undo: `override end 1`"
    )
    assert [who(days, hours) for hours in (47, 48, 71, 72)] == ["cleo", "ben", "ben", "ben"]
    assert told(days, "ana") == [
        (
            "Ben Example took your shift: web Thu 5 Mar 10:00 – Fri 6 Mar 10:00 CET\n- dentist\n"
            "http://127.0.0.1:8080/oncall"
        )
    ]
    assert refused(days, "swap accept 1", "ben") == (
        "Offer 1 was taken by you already; `swap` shows those that wait."
    )
    assert audit(days) == [("ana", "swap.offered"), ("ben", "override.added"), ("ben", "swap.taken")]
    with days.context.store.read() as tx:
        found = handoffs.offer(tx, 1)
    assert found is not None
    assert (found.settled_by, found.overrides) == ("ben", (1,))


@on_every_database
def test_two_shifts_change_hands_together_or_not_at_all(tell: Tell) -> None:
    days = tell(layers=DAILY)
    say(days, "swap web 2026-03-05 with cleo for web 2026-03-10")
    assert "- in return for web Tue 10 Mar 09:00 – Wed 11 Mar 09:00 UTC" in told(days, "cleo")[0]
    made = Wanted(cover=("ben",), start=START + 8 * 24 * HOUR, end=START + 9 * 24 * HOUR)
    roster.make_override(days.context, "web", made, actor="ben", now=days.clock.now())
    assert "That time is not Cleo Example's any more" in refused(days, "take 1", "cleo")
    assert [who(days, hours) for hours in (48, 168)] == ["ana", "cleo"]
    say(days, "override end 1")
    text = say(days, "take 1", "cleo")
    undo = text.partition("Undo: ")[2]
    assert undo.count("`override end ") == 2
    assert text == (
        "It is yours: web Thu 5 Mar 09:00 – Fri 6 Mar 09:00 UTC, and Ana Example has web Tue 10 Mar 09:00 – "
        f"Wed 11 Mar 09:00 UTC. Undo: {undo}"
    )
    assert [who(days, hours) for hours in (48, 168)] == ["cleo", "ana"]


def test_a_shift_comes_back_to_whose_it_was(days: Story) -> None:
    say(days, "cover web 2026-03-03")
    assert who(days, 0) == "ana"
    say(days, "swap web 2026-03-03 with @ben") if "2026-03-03" in say(days, "me") else None
    say(days, "cover me 2026-03-03 10:00 24h")
    assert say(days, "take 1", "ben").startswith("It is yours: web Tue 3 Mar 04:00 – Wed 4 Mar 04:00 EST")
    assert [who(days, hours) for hours in (-1, 0, 23, 24)] == ["ana", "ben", "ben", "cleo"]


@pytest.mark.parametrize(
    "by, line, answer",
    [
        ("ana", "swap accept 1", "Offer 1 is your own; take it back with `swap withdraw 1`"),
        ("cleo", "swap accept 1", "Offer 1 is for Ben Example: nobody can take it for them"),
        ("cleo", "swap decline 1", "Offer 1 is for Ben Example: nobody can answer for them"),
        ("cleo", "swap withdraw 1", "Offer 1 is Ana Example's: only they can take it back"),
        ("operator", "swap accept 1", "You are 'operator' here"),
        ("ben", "swap accept 2", "There is no offer 2; `swap` shows those that wait"),
        ("ben", "swap accept 999999999999999", "There is no offer 999999999999999"),
    ],
)
def test_nobody_takes_answers_or_withdraws_for_another(days: Story, by: str, line: str, answer: str) -> None:
    say(days, "swap web 2026-03-05 with @ben")
    assert answer in refused(days, line, by)
    assert who(days, 48) == "ana"


def test_an_offer_is_declined_or_withdrawn_and_then_settled(days: Story) -> None:
    say(days, "swap web 2026-03-05 with @ben")
    assert say(days, "swap decline 1", "ben") == "Declined; Ana Example is told and keeps the shift."
    assert told(days, "ana")[0].startswith("Ben Example cannot take your shift: web Thu 5 Mar 10:00")
    assert refused(days, "take 1", "ben").startswith("Offer 1 was declined by you already")
    say(days, "swap web 2026-03-05 with @ben")
    assert say(days, "swap withdraw 2") == "Offer 2 is withdrawn; the shift stays yours."
    assert told(days, "ben")[-1].startswith("Ana Example took an offer back")
    assert refused(days, "take 2", "ben").startswith("Offer 2 was withdrawn by Ana Example already")
    assert "No offer waits for you" in say(days, "swap", "ben")


def test_a_shift_that_has_begun_is_taken_from_now_on_and_one_that_is_over_not_at_all(days: Story) -> None:
    say(days, "swap now with @ben")
    days.advance(hours=3)
    assert say(days, "take 1", "ben").startswith("It is yours: web Tue 3 Mar 01:00 – 04:00 EST")
    assert [who(days, hours) for hours in (-4, -3, -1)] == ["ana", "ben", "ben"]
    say(days, "swap web 2026-03-05 with @cleo")
    days.until(START + 79 * HOUR)
    assert refused(days, "take 2", "cleo").startswith("Offer 2 expired Fri 6 Mar 09:00 UTC")
    assert "No offer waits" in say(days, "swap", "cleo")


def test_a_swap_of_two_expires_when_the_first_begins(days: Story) -> None:
    say(days, "swap next with @cleo for web 2026-03-10")
    days.until(START + 54 * HOUR)
    assert refused(days, "take 1", "cleo").startswith("Offer 1 expired Thu 5 Mar 09:00 UTC")


@on_every_database
def test_everybody_is_asked_and_the_first_has_it(tell: Tell) -> None:
    days = tell(layers=DAILY)
    assert say(days, "cover me thu 12:00 fri 08:00 school play").startswith(
        "Asked everybody on web (number 1): web Thu 5 Mar 12:00 – Fri 6 Mar 08:00 CET. You stay on call until"
    )
    assert told(days, "ben")[0].splitlines()[0] == (
        "Ana Example asks whether you can take: web Thu 5 Mar 06:00 – Fri 6 Mar 02:00 EST"
    )
    assert (len(told(days, "cleo")), told(days, "dan")) == (1, [])
    assert "`take 1`" in say(days, "swap", "cleo")
    assert "Offer 1 is for the people of web, and you are none of them" in refused(days, "take 1", "dan")
    assert "there is nothing to decline" in refused(days, "swap decline 1", "ben")
    assert say(days, "take 1", "cleo").startswith("It is yours: web Thu 5 Mar 11:00 – Fri 6 Mar 07:00 UTC")
    assert refused(days, "take 1", "ben").startswith("Offer 1 was taken by Cleo Example already")
    assert [who(days, hours) for hours in (48, 50, 69, 70)] == ["ana", "cleo", "cleo", "ana"]


def test_asking_takes_only_what_is_ones_own(days: Story) -> None:
    assert "web Thu 5 Mar 10:00 – Fri 6 Mar 10:00 CET. You stay" in say(
        days, "cover me web 2026-03-04 2026-03-06"
    )
    assert "You are not on call for data in" in refused(days, "cover me thu 12:00 8h data")
    assert "You are not on call in Wed 4 Mar 12:00" in refused(days, "cover me wed 12:00 8h")
    say(days, "override @dan thu 12:00 8h web")
    assert "You are on call for several then; name one after the times: `data` or `web`" in refused(
        days, "cover me thu 11:30 2h", "dan"
    )


def test_an_offer_whose_time_went_to_somebody_else_is_not_shown(days: Story) -> None:
    say(days, "cover me thu 12:00 8h")
    say(days, "swap web 2026-03-05 with @ben")
    say(days, "take 2", "ben")
    assert "No offer waits for you" in say(days, "swap", "cleo")
    assert "That time is not Ana Example's any more" in refused(days, "take 1", "cleo")


# Covering.


def test_a_shift_is_covered_and_its_holder_told(days: Story) -> None:
    assert say(days, "cover web 2026-03-04", "ben") == (
        "You cover Cleo Example: web Wed 4 Mar 04:00 – Thu 5 Mar 04:00 EST. Cleo Example is told. "
        "Undo: `override end 1`"
    )
    assert told(days, "cleo") == [
        (
            "Ben Example covers your shift: web Wed 4 Mar 09:00 – Thu 5 Mar 09:00 UTC\n"
            "Not what you want? Type: oncall override end 1\nhttp://127.0.0.1:8080/oncall"
        )
    ]
    assert [who(days, hours) for hours in (24, 47, 48)] == ["ben", "ben", "ana"]


@pytest.mark.parametrize(
    "line, answer",
    [
        ("cover", "Which schedule? Type for example `cover web 2026-12-24`"),
        ("cover tomorrow", "Which schedule?"),
        ("cover wbe 2026-03-04", "I know no schedule or team 'wbe'; did you mean \"web\"?"),
        ("cover web", "Which shift? Name its schedule and the day it begins"),
        ("cover web 2026-03-05", "`web 2026-03-05` is your own shift"),
        ("cover data now", "Dan Example is on call for data with no end in sight"),
        (
            "cover web 2026-03-04 10:30",
            "There is no shift to come that begins at '2026-03-04 10:30'. There are `web",
        ),
        ("cover web 2026-03-01", "There is no shift to come that begins at '2026-03-01'"),
        ("swap web 2026-03-05", "With whom? Type for example"),
        ("swap web 2026-03-05 with", "With whom?"),
        ("swap web 2026-03-05 with me", "You cannot swap with yourself"),
        (
            "swap web 2026-03-04 with ben",
            "Ana Example has no shift to come that begins at '2026-03-04'. There are `web",
        ),
        ("swap web 2026-03-05 please with ben", "I do not know 'please'"),
        ("swap next with ben for web 2026-03-05", "Ben Example has no shift to come that begins at"),
        ("swap with ben", "Which shift?"),
    ],
)
def test_what_names_no_shift_is_refused_with_those_that_there_are(
    days: Story, line: str, answer: str
) -> None:
    assert answer in refused(days, line)
    assert audit(days) == []


def test_who_was_added_keeps_that_and_is_told_how(days: Story) -> None:
    added = Wanted(add=("dan",), start=START + 7 * HOUR, end=START + 9 * HOUR)
    made = roster.make_override(days.context, "web", added, actor="ben", now=days.clock.now())
    answer = refused(days, "cover web 2026-03-03 11:00 for @dan", "cleo")
    assert (
        answer
        == (f"dan was added by override {made.id}; end that one and add cleo instead; nothing has changed.")
        or "begins at" in answer
    )


def test_who_is_on_call_then_already_cannot_take_it(tell: Tell) -> None:
    story = tell(layers=DAILY.replace("[cleo]", "[ana, cleo], [dan]"))
    assert "cleo is on call for web in that time already; nothing has changed." in refused(
        story, "cover web 2026-03-04 for @ana", "cleo"
    )


# Once.


@on_every_database
def test_a_key_does_it_once(tell: Tell) -> None:
    days = tell(layers=DAILY)
    first = say(days, "override @ana now 4h web", key="a")
    assert say(days, "override @ana now 4h web", key="a") == first
    assert say(days, "swap web 2026-03-05 with ben", key="b") == say(
        days, "swap web 2026-03-05 with ben", key="b"
    )
    assert audit(days) == [("ana", "override.added"), ("ana", "swap.offered")]
    with pytest.raises(Refused, match="used for another command"):
        say(days, "override @ana now 5h web", key="a")
    with pytest.raises(Refused, match="1 to 200 characters"):
        say(days, "override @ana now 5h web", key="")


def test_a_lost_race_is_run_again_and_many_are_told(days: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[int] = []
    real = swaps.offer

    def race(*args: Any) -> Any:
        lost.append(1)
        if len(lost) % (RACES_MOST + 1):
            raise LostRace
        return real(*args)

    monkeypatch.setattr(swaps, "offer", race)
    with pytest.raises(Unavailable, match="being changed by others"):
        say(days, "swap web 2026-03-05 with ben")
    assert say(days, "swap web 2026-03-05 with ben").startswith("Offered to Ben")


def test_an_unknown_offer_is_not_found(days: Story) -> None:
    with pytest.raises(NotFound):
        say(days, "take 5")


def test_a_team_names_its_schedule(tell: Tell) -> None:
    teams = TEAMS.replace("web: {schedule", "web: {name: Shop, schedule")
    story = tell(layers=DAILY, teams=teams)
    assert say(story, "SHOP").startswith("web: Ana Example")
    assert say(story, "override @cleo now 1h shop").startswith("Cleo Example covers web")


def test_a_zone_beside_the_schedules_still_names_the_day(tell: Tell) -> None:
    people = PEOPLE.replace("Europe/Berlin", "Pacific/Auckland")
    story = tell(layers=DAILY.replace("T09:00", "T20:00"), people=people)
    text = say(story, "me 1w")
    assert "web 2026-03-05  Fri 6 Mar 09:00 – Sat 7 Mar 09:00 NZDT" in text
    assert say(story, "swap web 2026-03-05 with ben").startswith(
        "Offered to Ben Example (number 1): web Fri 6 Mar"
    )
    assert say(story, "swap web 2026-03-06 with ben").startswith(
        "Offered to Ben Example (number 2): web Fri 6 Mar"
    )
