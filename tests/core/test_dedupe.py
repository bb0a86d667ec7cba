"""Episodes: what one told alert, its absence and the source's own list mean (I2 to I10, P8, P9)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.dedupe import (
    HORIZON,
    MARGIN,
    REFIRE_HOLD,
    Judgement,
    Listed,
    ListedState,
    Verdict,
    alert_key,
    delivery_digest,
    judge,
    missing,
    reconcile,
    reopen,
)
from incident_bot.core.model import Alert, Disposition, Episode, Flag, Status

TEN = datetime(2026, 1, 5, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LABELS = {"alertname": "A", "instance": "i"}
NEW, REPEAT, REFIRE, EARLIER, CLOSED, UNSEEN, LATE, HELD, REOPENED = Verdict


def at(minutes: float) -> datetime:
    return TEN + timedelta(minutes=minutes)


def fires(start: float, *, key: str = "k", text: str = "t") -> Alert:
    return Alert(
        source="am",
        key=key,
        fingerprint=f"f{key}",
        labels=LABELS,
        annotations={"summary": text},
        status=Status.FIRING,
        starts_at=at(start),
        ends_at=None,
        generator_url="http://g",
    )


def ends(start: float, end: float | None, *, key: str = "k", text: str = "t") -> Alert:
    told = fires(start, key=key, text=text)
    return replace(told, status=Status.RESOLVED, ends_at=None if end is None else at(end))


def tell(
    alert: Alert, last: Episode | None, when: float, *, group: str = "g", truncated: bool = False
) -> Judgement:
    return judge(alert, last, group_hash=group, truncated=truncated, now=at(when))


def story(*told: tuple[Alert, float]) -> tuple[list[Verdict], Episode]:
    """Tell a key's alerts in order, and give the verdicts and the newest episode."""
    last: Episode | None = None
    verdicts = []
    for alert, when in told:
        judgement = tell(alert, last, when)
        assert judgement.reason
        verdicts.append(judgement.verdict)
        last = judgement.episode
    assert last is not None
    return verdicts, last


OPEN = story((fires(0), 1))[1]
SHUT = story((fires(0), 1), (ends(0, 5), 5))[1]
HOLDING = story((fires(0), 1), (ends(0, 5), 5), (fires(0), 6))[1]

STORIES: dict[str, tuple[list[tuple[Alert, float]], list[Verdict], bool]] = {
    "first firing": ([(fires(0), 1)], [NEW], True),
    "start in the future": ([(fires(60), 1)], [NEW], True),
    "told again": ([(fires(0), 1), (fires(0), 2)], [NEW, REPEAT], True),
    "earlier start": ([(fires(0), 1), (fires(-1), 2)], [NEW, EARLIER], True),
    "earlier start, then the known one": (
        [(fires(0), 1), (fires(-1), 2), (fires(0), 3)],
        [NEW, EARLIER, REPEAT],
        True,
    ),
    "between the two starts known": (
        [(fires(0), 1), (fires(2), 2), (fires(1), 3)],
        [NEW, REFIRE, REPEAT],
        True,
    ),
    "restarted unseen": ([(fires(0), 1), (fires(2), 3), (fires(2), 4)], [NEW, REFIRE, REPEAT], True),
    "HA peers with times of their own": (
        [(fires(0), 1), (fires(0.1), 1), (fires(0), 2), (fires(0.1), 2)],
        [NEW, REFIRE, REPEAT, REPEAT],
        True,
    ),
    "resolved": ([(fires(0), 1), (ends(0, 5), 5)], [NEW, CLOSED], False),
    "resolved with a start never seen": ([(fires(0), 1), (ends(3, 5), 5)], [NEW, CLOSED], False),
    "resolved with an earlier start": ([(fires(0), 1), (ends(-3, 5), 5)], [NEW, CLOSED], False),
    "resolved without an end": ([(fires(0), 1), (ends(0, None), 5)], [NEW, CLOSED], False),
    "resolved at its very start": ([(fires(0), 1), (ends(0, 0), 5)], [NEW, CLOSED], False),
    "resolved before its start": ([(fires(0), 1), (ends(0, -5), 5)], [NEW, CLOSED], False),
    "late resolve of an earlier episode": ([(fires(0), 1), (ends(-9, -5), 5)], [NEW, LATE], True),
    "an earlier episode that ended as this one began": ([(fires(0), 1), (ends(-9, 0), 5)], [NEW, LATE], True),
    "late resolve of what came before a re-fire": (
        [(fires(0), 1), (fires(4), 5), (ends(0, 3), 6)],
        [NEW, REFIRE, LATE],
        True,
    ),
    "resolved though its start lay in the future": (
        [(fires(60), 1), (ends(4, 5), 5)],
        [NEW, CLOSED],
        False,
    ),
    "first seen as resolved": ([(ends(0, 1), 2)], [UNSEEN], False),
    "first seen as resolved, told again": ([(ends(0, 1), 2), (ends(0, 1), 3)], [UNSEEN, LATE], False),
    "first seen as resolved, without an end": ([(ends(0, None), 2)], [UNSEEN], False),
    "resolved twice": ([(fires(0), 1), (ends(0, 5), 5), (ends(0, 5), 6)], [NEW, CLOSED, LATE], False),
    "resolved twice, by peers with times of their own": (
        [(fires(0), 1), (ends(0, 5), 5), (ends(0.1, 5.1), 6)],
        [NEW, CLOSED, LATE],
        False,
    ),
    "resolve of a second episode never seen": (
        [(fires(0), 1), (ends(0, 5), 5), (ends(6, 7), 8)],
        [NEW, CLOSED, UNSEEN],
        False,
    ),
    "its stale firing after that is held": (
        [(fires(0), 1), (ends(0, 5), 5), (ends(6, 7), 8), (fires(6), 8)],
        [NEW, CLOSED, UNSEEN, HELD],
        False,
    ),
    "fires anew": ([(fires(0), 1), (ends(0, 5), 5), (fires(6), 7)], [NEW, CLOSED, NEW], True),
    "stale firing after the resolve": (
        [(fires(0), 1), (ends(0, 5), 5), (fires(0), 6)],
        [NEW, CLOSED, HELD],
        False,
    ),
    "stale firing of a start that only the resolve told": (
        [(fires(0), 1), (ends(3, 5), 5), (fires(3), 6)],
        [NEW, CLOSED, HELD],
        False,
    ),
    "stale firing of a re-fire": (
        [(fires(0), 1), (fires(3), 4), (ends(3, 5), 5), (fires(3), 6)],
        [NEW, REFIRE, CLOSED, HELD],
        False,
    ),
    "earlier firing after the resolve": (
        [(fires(0), 1), (ends(0, 5), 5), (fires(-3), 6)],
        [NEW, CLOSED, HELD],
        False,
    ),
    "held, told again": (
        [(fires(0), 1), (ends(0, 5), 5), (fires(0), 6), (fires(0, text="new"), 6.5)],
        [NEW, CLOSED, HELD, REPEAT],
        False,
    ),
    "held, told again when the hold is over": (
        [(fires(0), 1), (ends(0, 5), 5), (fires(0), 6), (fires(0, text="new"), 6.5), (fires(0), 7)],
        [NEW, CLOSED, HELD, REPEAT, REOPENED],
        True,
    ),
    "held, then a later start": (
        [(fires(0), 1), (ends(0, 5), 5), (fires(0), 6), (fires(6), 6.1), (fires(6), 6.2)],
        [NEW, CLOSED, HELD, REOPENED, REPEAT],
        True,
    ),
    "held, then resolved": (
        [(fires(0), 1), (ends(0, 5), 5), (fires(0), 6), (ends(0, 5), 6.1), (ends(0, 5), 6.2)],
        [NEW, CLOSED, HELD, LATE, LATE],
        False,
    ),
    "the last moment of the horizon": (
        [(fires(0), 1), (ends(0, 5), 5), (fires(0), 10)],
        [NEW, CLOSED, HELD],
        False,
    ),
    "beyond the horizon": ([(fires(0), 1), (ends(0, 5), 5), (fires(0), 10.1)], [NEW, CLOSED, NEW], True),
}


@pytest.mark.parametrize("told, verdicts, still_open", STORIES.values(), ids=STORIES)
def test_stories(told: list[tuple[Alert, float]], verdicts: list[Verdict], still_open: bool) -> None:
    found, last = story(*told)
    assert found == verdicts
    assert (last.status is Status.FIRING) is still_open
    assert (last.closed_at is None) is (last.ends_at is None) is still_open
    assert last.ends_at is None or last.ends_at >= last.starts_at


def test_a_new_episode_has_what_was_told() -> None:
    assert tell(fires(0), None, 1).episode == Episode(
        source="am",
        key="k",
        fingerprint="fk",
        labels=LABELS,
        annotations={"summary": "t"},
        generator_url="http://g",
        status=Status.FIRING,
        starts_at=at(0),
        opened_at=at(1),
        updated_at=at(1),
        disposition=Disposition.RECORD,
        group_hash="g",
    )


def test_a_second_episode_is_a_new_one() -> None:
    again = tell(fires(6), replace(SHUT, id=7), 7).episode
    assert (again.id, again.starts_at, again.opened_at) == (0, at(6), at(7))


def test_an_unseen_end_is_recorded_with_its_reason() -> None:
    found = tell(ends(0, 1), None, 2)
    assert found.episode.reason == found.reason == "ended before it was seen firing"
    assert (found.episode.ends_at, found.episode.closed_at) == (at(1), at(2))


def test_a_repeat_is_the_same_object() -> None:
    assert tell(fires(0), OPEN, 9).episode is OPEN
    assert tell(fires(0), HOLDING, 6.1).episode is HOLDING
    assert tell(ends(0, 5), SHUT, 9).episode is SHUT


def test_what_stays_and_what_moves() -> None:
    kept = replace(OPEN, id=7, runbook="r.md", incident_id=3, why={"place": "routing.yaml:1"})
    found = tell(fires(0, text="new"), kept, 3)
    assert found.verdict is REPEAT
    assert found.episode == replace(kept, annotations={"summary": "new"}, updated_at=at(3))
    earlier = tell(fires(-1, text="new"), kept, 3).episode
    assert (earlier.starts_at, earlier.refires, earlier.annotations) == (at(-1), 0, {"summary": "new"})
    later = tell(fires(2), kept, 3).episode
    assert (later.starts_at, later.refires, later.updated_at) == (at(0), 1, at(3))
    assert later.why == {"place": "routing.yaml:1", "latest_start": at(2).isoformat()}
    closed = tell(ends(0, 5, text="new"), kept, 5).episode
    assert closed == replace(
        kept,
        status=Status.RESOLVED,
        ends_at=at(5),
        closed_at=at(5),
        updated_at=at(5),
        annotations={"summary": "new"},
    )


def test_another_group_is_no_news() -> None:
    found = tell(fires(0), OPEN, 9, group="h")
    assert found.episode == replace(OPEN, group_hash="h")
    both = tell(fires(0, text="new"), OPEN, 9, group="h").episode
    assert both == replace(OPEN, group_hash="h", annotations={"summary": "new"}, updated_at=at(9))


def test_a_new_text_does_not_prolong_a_hold() -> None:
    found = tell(fires(0, text="new"), HOLDING, 6.9).episode
    assert found == replace(HOLDING, annotations={"summary": "new"})


def flagged(*flags: Flag) -> Episode:
    return replace(OPEN, flags=frozenset(flags))


FLAGS: dict[str, tuple[Episode | None, Alert, bool, set[Flag]]] = {
    "new, truncated": (None, fires(0), True, {Flag.PARTIAL}),
    "new, whole": (None, fires(0), False, set()),
    "repeat, truncated": (OPEN, fires(0), True, {Flag.PARTIAL}),
    "repeat, whole again": (flagged(Flag.PARTIAL), fires(0), False, set()),
    "seen again": (flagged(Flag.UNCONFIRMED, Flag.SILENCED), fires(0), False, {Flag.SILENCED}),
    "seen again, truncated": (flagged(Flag.UNCONFIRMED), fires(0), True, {Flag.PARTIAL}),
    "re-fired": (flagged(Flag.UNCONFIRMED), fires(1), False, set()),
    "closed": (flagged(Flag.UNCONFIRMED, Flag.SILENCED, Flag.INHIBITED), ends(0, 5), False, set()),
    "closed, truncated": (flagged(Flag.UNCONFIRMED), ends(0, 5), True, {Flag.PARTIAL}),
    "held": (SHUT, fires(0), False, {Flag.HELD_REFIRE}),
    "held, truncated": (SHUT, fires(0), True, {Flag.HELD_REFIRE, Flag.PARTIAL}),
    "held, resolved": (HOLDING, ends(0, 5), False, set()),
    "held, reopened": (HOLDING, fires(6), False, set()),
}


@pytest.mark.parametrize("last, alert, truncated, expected", FLAGS.values(), ids=FLAGS)
def test_flags(last: Episode | None, alert: Alert, truncated: bool, expected: set[Flag]) -> None:
    assert tell(alert, last, 6, truncated=truncated).episode.flags == expected


def test_times_in_reasons_are_utc_clock_times() -> None:
    assert tell(fires(0), SHUT, 6).reason == (
        "fires with the start of what just ended: reopens at 10:07:00 UTC unless a resolve comes"
    )
    assert timedelta(minutes=1) == REFIRE_HOLD
    assert timedelta(minutes=5) == HORIZON


def test_the_horizon_is_configurable_and_counts_from_the_closing() -> None:
    def verdict(last: Episode, horizon: timedelta) -> Verdict:
        return judge(fires(0), last, group_hash="g", truncated=False, horizon=horizon, now=at(6)).verdict

    assert verdict(SHUT, timedelta(minutes=1)) is HELD
    assert verdict(SHUT, timedelta(seconds=59)) is NEW
    assert verdict(replace(SHUT, closed_at=None), timedelta(minutes=1)) is HELD


def test_reopening() -> None:
    again = reopen(HOLDING, now=at(7))
    assert again == replace(
        HOLDING,
        status=Status.FIRING,
        ends_at=None,
        closed_at=None,
        refires=1,
        flags=frozenset(),
        updated_at=at(7),
    )
    assert reopen(again, now=at(8)) is again


def test_absence_marks_and_does_not_close() -> None:
    there, gone = replace(OPEN, key="a"), replace(OPEN, key="b")
    known = replace(OPEN, key="c", flags=frozenset({Flag.UNCONFIRMED}))
    found = missing({"a"}, [there, gone, known, replace(SHUT, key="d")], truncated=False)
    assert found == (replace(gone, flags=frozenset({Flag.UNCONFIRMED})),)
    assert missing({"a"}, [there, gone], truncated=True) == ()


KEYS: dict[str, tuple[tuple[str, dict[str, str]], tuple[str, dict[str, str]], bool]] = {
    "order": (("s", {"a": "1", "b": "2"}), ("s", {"b": "2", "a": "1"}), True),
    "source": (("s", {"a": "1"}), ("t", {"a": "1"}), False),
    "value": (("s", {"a": "1"}), ("s", {"a": "2"}), False),
    "name": (("s", {"a": "1"}), ("s", {"b": "1"}), False),
    "ignored": (("s", {"a": "1", "replica": "x"}), ("s", {"a": "1", "replica": "y"}), True),
    "empty is missing": (("s", {"a": "1", "b": ""}), ("s", {"a": "1"}), True),
    "shifted": (("s", {"ab": "c"}), ("s", {"a": "bc"}), False),
    "separator within": (("s", {"a": "1\xffb\xff2"}), ("s", {"a": "1", "b": "2"}), False),
    "source runs over": (("s\xffa", {}), ("s", {"a": "1"}), False),
    "lone surrogates": (("s", {"a": "\ud800"}), ("s", {"a": "\ud801"}), False),
}


@pytest.mark.parametrize("one, other, same", KEYS.values(), ids=KEYS)
def test_alert_keys(one: tuple[str, dict[str, str]], other: tuple[str, dict[str, str]], same: bool) -> None:
    ignore = frozenset({"replica"})
    assert (alert_key(*one, ignore) == alert_key(*other, ignore)) is same
    assert len(alert_key(*one)) == 32


def test_the_key_never_changes_between_releases() -> None:
    # Open episodes are found by it after an upgrade. The hash is from elsewhere:
    # printf 'alertmanager\xffalertname\xffA\xff\xc3\xbc\xffx' | b2sum -l 128
    assert alert_key("alertmanager", {"alertname": "A", "ü": "x"}) == "281a912c02d76c5d2868e09d8e9a0c17"


def digest(*alerts: Alert, receiver: str = "r", group: str = "g", truncated: int = 0) -> str:
    return delivery_digest(receiver, group, alerts, truncated)


A, B = fires(0, key="a"), ends(0, 5, key="b")
DIGESTS: dict[str, tuple[str, str, bool]] = {
    "order": (digest(A, B), digest(B, A), True),
    "annotations": (digest(A), digest(replace(A, annotations={})), True),
    "end of a firing alert": (digest(A), digest(replace(A, ends_at=datetime(1, 1, 1, tzinfo=UTC))), True),
    "zone of a time": (
        digest(A),
        digest(replace(A, starts_at=at(0).astimezone(ZoneInfo("Asia/Kolkata")))),
        True,
    ),
    "end of a resolved alert": (digest(B), digest(replace(B, ends_at=at(6))), False),
    "microsecond": (digest(A), digest(replace(A, starts_at=at(0) + timedelta.resolution)), False),
    "status": (digest(A), digest(replace(A, status=Status.RESOLVED)), False),
    "fingerprint": (digest(A), digest(replace(A, fingerprint="x")), False),
    "one more": (digest(A), digest(A, B), False),
    "twice": (digest(A), digest(A, A), False),
    "receiver": (digest(A), digest(A, receiver="x"), False),
    "group": (digest(A), digest(A, group="x"), False),
    "shifted": (digest(receiver="r g"), digest(receiver="r", group="g g"), False),
    "truncated": (digest(A), digest(A, truncated=1), False),
    "no alerts": (digest(), digest(), True),
}


@pytest.mark.parametrize("one, other, same", DIGESTS.values(), ids=DIGESTS)
def test_delivery_digests(one: str, other: str, same: bool) -> None:
    assert (one == other) is same


def lists(key: str, start: float = 0, *, silenced: bool = False, inhibited: bool = False) -> Listed:
    return Listed(
        key=key,
        fingerprint=f"f{key}",
        labels=LABELS,
        annotations={"summary": "t"},
        starts_at=at(start),
        ends_at=at(99),
        updated_at=at(start),
        state=ListedState.SUPPRESSED if silenced or inhibited else ListedState.ACTIVE,
        silenced_by=("s1",) if silenced else (),
        inhibited_by=("x",) if inhibited else (),
        generator_url="http://g",
    )


def drift(
    episodes: Iterable[Episode], *listed: Listed, when: float = 20
) -> tuple[list[str], list[str], dict[str, set[Flag]]]:
    found = reconcile(episodes, listed, now=at(when))
    return (
        [one.key for one in found.close],
        [one.key for one in found.open],
        {one.key: set(one.flags) for one in found.mark},
    )


def known(key: str, *flags: Flag, heard: float = 1) -> Episode:
    return replace(OPEN, key=key, flags=frozenset(flags), updated_at=at(heard))


DRIFT: dict[str, tuple[list[Episode], list[Listed], tuple[list[str], list[str], dict[str, set[Flag]]]]] = {
    "agree": ([known("a")], [lists("a")], ([], [], {})),
    "nothing anywhere": ([], [], ([], [], {})),
    "gone there": ([known("a"), known("b")], [lists("b")], (["a"], [], {})),
    "gone there, but heard of just now": (
        [known("a", heard=19.5)],
        [],
        ([], [], {"a": {Flag.UNCONFIRMED}}),
    ),
    "the same, marked already": ([known("a", Flag.UNCONFIRMED, heard=19.6)], [], ([], [], {})),
    "unknown here": ([], [lists("a"), lists("b")], ([], ["a", "b"], {})),
    "unknown here, but waits in its group": ([], [lists("a", 19.5)], ([], [], {})),
    "unknown here and silenced": ([], [lists("a", silenced=True)], ([], [], {})),
    "unknown here, one of two copies silenced": (
        [],
        [lists("a", silenced=True), lists("a", 5), lists("a", 3)],
        ([], ["a"], {}),
    ),
    "silenced": ([known("a")], [lists("a", silenced=True)], ([], [], {"a": {Flag.SILENCED}})),
    "inhibited": ([known("a")], [lists("a", inhibited=True)], ([], [], {"a": {Flag.INHIBITED}})),
    "one of two copies silenced": ([known("a")], [lists("a", silenced=True), lists("a")], ([], [], {})),
    "marked already": ([known("a", Flag.SILENCED)], [lists("a", silenced=True)], ([], [], {})),
    "marks that no longer hold": (
        [known("a", Flag.SILENCED, Flag.INHIBITED, Flag.UNCONFIRMED, Flag.PARTIAL)],
        [lists("a")],
        ([], [], {"a": {Flag.PARTIAL}}),
    ),
}


@pytest.mark.parametrize("episodes, listed, expected", DRIFT.values(), ids=DRIFT)
def test_reconcile(
    episodes: list[Episode],
    listed: list[Listed],
    expected: tuple[list[str], list[str], dict[str, set[Flag]]],
) -> None:
    assert drift(episodes, *listed) == expected


def test_reconciled_episodes_are_changed_values() -> None:
    found = reconcile([known("a"), known("b")], [lists("b", silenced=True)], now=at(20))
    assert found.close == (
        replace(known("a"), status=Status.RESOLVED, ends_at=at(20), closed_at=at(20), updated_at=at(20)),
    )
    assert found.mark == (known("b", Flag.SILENCED),)
    assert timedelta(seconds=30) == MARGIN


def test_the_earliest_active_copy_is_opened_as_its_webhook_would_have_been() -> None:
    found = reconcile([], [lists("a", 5), lists("a", 3)], margin=timedelta(0), now=at(20))
    assert [one.as_alert("am") for one in found.open] == [fires(3, key="a")]


minutes = st.integers(min_value=-30, max_value=30).map(float)
alerts = st.one_of(
    st.builds(fires, minutes, text=st.sampled_from("tu")),
    st.builds(ends, minutes, st.one_of(st.none(), minutes), text=st.sampled_from("tu")),
)
tellings = st.lists(st.tuples(alerts, st.booleans(), st.sampled_from("gh")), min_size=1, max_size=8)


@given(told=tellings)
def test_told_twice_nothing_changes(told: list[tuple[Alert, bool, str]]) -> None:
    last: Episode | None = None
    for step, (alert, truncated, group) in enumerate(told):
        once = tell(alert, last, step * 0.7, group=group, truncated=truncated)
        twice = tell(alert, once.episode, step * 0.7, group=group, truncated=truncated)
        assert twice.verdict in {REPEAT, LATE}
        assert twice.episode is once.episode
        last = once.episode


@given(told=tellings)
def test_a_firing_is_never_dropped(told: list[tuple[Alert, bool, str]]) -> None:
    last: Episode | None = None
    for step, (alert, truncated, group) in enumerate(told):
        last = tell(alert, last, step * 0.7, group=group, truncated=truncated).episode
        if alert.status is Status.FIRING:
            assert last.status is Status.FIRING or Flag.HELD_REFIRE in last.flags


@given(
    told=st.lists(st.tuples(st.sampled_from("abc"), alerts), max_size=8).flatmap(st.permutations),
    active=st.sets(st.sampled_from("abcd")),
)
def test_in_any_order_it_ends_as_the_source_has_it(told: list[tuple[str, Alert]], active: set[str]) -> None:
    newest: dict[str, Episode] = {}
    for key, alert in told:
        newest[key] = tell(replace(alert, key=key), newest.get(key), 30).episode
    listed = [lists(key) for key in sorted(active)]
    # Long after the last news; a firing of what just ended takes one more round, as it is held.
    for now in (60.0, 62.0):
        open_here = [one for one in newest.values() if one.status is Status.FIRING]
        found = reconcile(open_here, listed, now=at(now))
        newest.update({one.key: one for one in (*found.close, *found.mark)})
        for one in found.open:
            newest[one.key] = tell(one.as_alert("am"), newest.get(one.key), now).episode
    assert {key for key, one in newest.items() if one.status is Status.FIRING} == active


names = st.text(max_size=3)
label_sets = st.dictionaries(names, names, max_size=3)


@given(one=label_sets, other=label_sets)
def test_keys_are_equal_exactly_when_the_labels_are(one: dict[str, str], other: dict[str, str]) -> None:
    def told(labels: dict[str, str]) -> str:
        return json.dumps({name: value for name, value in labels.items() if value}, sort_keys=True)

    assert (alert_key("s", one) == alert_key("s", other)) is (told(one) == told(other))
