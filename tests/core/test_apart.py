"""What tells alerts of one title apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.apart import LABELS_MOST, VALUE_MOST, apart


@pytest.mark.parametrize(
    "labels, said",
    [
        ([], []),
        ([{"instance": "a"}], [""]),
        ([{}, {}], ["", ""]),
        ([{"instance": "a"}, {"instance": "a"}], ["", ""]),
        ([{"instance": "a"}, {"instance": "b"}], ["instance=a", "instance=b"]),
        # Equally good: the one that says where to look.
        ([{"app": "x", "pod": "a"}, {"app": "y", "pod": "b"}], ["pod=a", "pod=b"]),
        ([{"zone": "x", "app": "a"}, {"zone": "y", "app": "b"}], ["app=a", "app=b"]),
        # The one with the most values comes first, further ones only where they tell something more.
        (
            [{"host": "a", "disk": "1"}, {"host": "a", "disk": "2"}, {"host": "b", "disk": "3"}],
            ["disk=1", "disk=2", "disk=3"],
        ),
        (
            [{"host": "a", "disk": "1"}, {"host": "a", "disk": "2"}, {"host": "b", "disk": "1"}],
            ["host=a, disk=1", "host=a, disk=2", "host=b, disk=1"],
        ),
        ([{"host": "a"}, {}], ["host=a", ""]),
        ([{"host": "a"}, {"host": ""}], ["host=a", ""]),
        ([{"host": "a\n b"}, {"host": "x" * 99}], ["host=a b", f"host={'x' * (VALUE_MOST - 1)}…"]),
        (
            [dict.fromkeys("abcde", "0"), *({**dict.fromkeys("abcde", "0"), name: "1"} for name in "abcde")],
            ["a=0, b=0, c=0", "a=1, b=0, c=0", "a=0, b=1, c=0", "a=0, b=0, c=1", "a=0, b=0, c=0", "a=0, b=0, c=0"],
        ),
    ],
)  # fmt: skip
def test_of_one_title(labels: list[dict[str, str]], said: list[str]) -> None:
    assert apart([("Disk is filling", one) for one in labels]) == said


def test_only_alerts_of_one_title_are_told_apart() -> None:
    found = apart([("Disk", {"host": "a"}), ("Load", {"host": "b"}), ("Disk", {"host": "c"})])
    assert found == ["host=a", "", "host=c"]


words = st.sampled_from("abcd")


@given(st.lists(st.tuples(st.sampled_from(["Disk", "Load"]), st.dictionaries(words, words)), max_size=12))
def test_whatever_comes(alerts: list[tuple[str, dict[str, str]]]) -> None:
    found = apart(alerts)
    assert len(found) == len(alerts)
    for said, (_, labels) in zip(found, alerts, strict=True):
        parts = [one.split("=") for one in said.split(", ") if one]
        assert len(parts) <= LABELS_MOST
        assert all(labels[name] == value for name, value in parts)
    # Who has one label only that differs is told apart by it.
    alone = [(title, {"a": labels["a"]}) for title, labels in alerts if "a" in labels]
    told = apart(alone)
    for title in ("Disk", "Load"):
        values = {labels["a"] for one, labels in alone if one == title}
        assert {text for text, (one, _) in zip(told, alone, strict=True) if one == title} == (
            {f"a={value}" for value in values} if len(values) > 1 else {""} if values else set()
        )
