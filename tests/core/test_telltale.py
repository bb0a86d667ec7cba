"""What changed, by what series give away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from incident_bot.core.model.series import Series, SeriesRange
from incident_bot.core.telltale import (
    TOLD_MOST,
    Telltale,
    builds,
    container_restarts,
    reloads,
    restarts,
    selector,
    together,
)

START = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
AT = START.timestamp()
NONE: None = None


def ranged(*lines: tuple[Mapping[str, str], list[float | None]]) -> SeriesRange:
    made = tuple(Series(labels=labels, values=tuple(values)) for labels, values in lines)
    return SeriesRange(start=START, step=MINUTE, series=made)


def build(
    version: str, values: list[float | None], **labels: str
) -> tuple[dict[str, str], list[float | None]]:
    return {"__name__": "shop_build_info", "version": version, "job": "shop", **labels}, values


@pytest.mark.parametrize(
    "labels, expected",
    [
        pytest.param([{"job": "a", "instance": "i", "severity": "page"}], 'job="a",instance="i"', id="one"),
        pytest.param(
            [{"job": "a", "instance": "i"}, {"job": "a", "instance": "k"}], 'job="a"', id="what all have"
        ),
        pytest.param([{"job": 'a"\\\n}'}], 'job="a\\"\\\\\\n}"', id="hostile"),
        pytest.param([{"namespace": "prod", "cluster": "eu"}], "", id="too little"),
        pytest.param([{"job": "a"}, {"job": "b"}], "", id="nothing alike"),
        pytest.param([], "", id="no alert"),
    ],
)
def test_the_process_of_an_alert(labels: list[dict[str, str]], expected: str) -> None:
    assert selector(labels) == expected


def test_another_build() -> None:
    found = ranged(build("1.0", [1, 1, NONE, NONE]), build("1.1", [NONE, NONE, NONE, 1]))
    assert builds(found) == [
        Telltale(
            kind="deploy",
            what="build of shop: 1.0 → 1.1",
            at=START + 3 * MINUTE,
            labels={"job": "shop"},
            version="1.1",
        )
    ]


def test_the_same_build_and_one_that_says_nothing() -> None:
    nothing = ({"__name__": "app_info", "job": "shop"}, [1.0, NONE])
    assert builds(ranged(build("1.0", [1, 1]), build("2.0", [1, 1], instance="other"), nothing)) == []
    app = [({"revision": rev}, values) for rev, values in (("a", [1.0, NONE]), ("b", [NONE, 1.0]))]
    assert [one.what for one in builds(ranged(*app))] == ["build of app: a → b"]


def test_a_restart_is_when_the_process_says() -> None:
    found = ranged(({"job": "shop", "instance": "one"}, [AT - 9000, AT - 9000, AT + 100, AT + 100]))
    (told,) = restarts(found)
    assert (told.what, told.at) == ("process restarted", START + timedelta(seconds=100))
    assert together([told])[0].what == "process restarted (one)"


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([AT - 9000, AT - 9000.4], id="a clock read anew"),
        pytest.param([AT, 1e300], id="no time"),
        pytest.param([AT, 5], id="long ago"),
        pytest.param([AT, NONE, AT], id="the same after a gap"),
        pytest.param([], id="nothing"),
    ],
)
def test_what_is_no_restart(values: list[float | None]) -> None:
    assert restarts(ranged(({}, values))) == []


def test_a_reload() -> None:
    name = "prometheus_config_last_reload_success_timestamp_seconds"
    (told,) = reloads(ranged(({"__name__": name}, [AT - 500, AT + 30])))
    assert (told.kind, told.what) == ("config", "configuration of prometheus reloaded")
    assert together([told])[0].what == "configuration of prometheus reloaded"


def test_a_container() -> None:
    (told,) = container_restarts(ranged(({"pod": "shop-1"}, [3, 3, 4, 0])))
    assert (told.what, told.at, dict(told.labels)) == (
        "container restarted", START + 2 * MINUTE, {"pod": "shop-1"},
    )  # fmt: skip


def test_what_many_did_is_one_change() -> None:
    told = [
        Telltale(kind="infrastructure", what="process restarted", at=START + minute * MINUTE,
                 labels={"job": "shop", "instance": f"i{minute}"})
        for minute in (0, 3, 9, 30)
    ]  # fmt: skip
    late, early = together(reversed(told))
    assert (early.what, early.at, early.count, dict(early.labels)) == (
        "process restarted (3 instances)", START, 3, {"job": "shop"},
    )  # fmt: skip
    assert (late.what, late.at) == ("process restarted (i30)", START + 30 * MINUTE)


def test_no_more_than_a_few_are_told() -> None:
    told = [
        Telltale(kind="config", what=f"{number}", at=START + number * MINUTE, labels={"pod": "p"})
        for number in range(TOLD_MOST + 5)
    ]
    assert [one.what for one in together(told)][:2] == ["14 (p)", "13 (p)"]
    assert len(together(told)) == TOLD_MOST
