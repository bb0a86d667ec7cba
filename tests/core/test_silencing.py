"""Which labels silence an incident's alerts, and whom that hides: tables and what holds for any labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.model import Episode, Labels, SilenceMatchers, Status, matchers_text
from incident_bot.core.silencing import Hidden, Wanted, covers, hidden, matchers_of, told

NOW = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
DOWN = {"alertname": "Down", "cluster": "eu", "service": "shop", "severity": "critical", "instance": "a:9100"}
EPISODE = Episode(
    source="am", key="k", fingerprint="f", labels=DOWN, annotations={}, status=Status.FIRING,
    starts_at=NOW, opened_at=NOW, updated_at=NOW,
)  # fmt: skip

TABLE: list[tuple[Labels, tuple[str, ...], tuple[str, ...], tuple[str, ...], dict[str, str]]] = [
    # The grouping labels; the instance is not among them, so the next one falls silent, too.
    (DOWN, ("alertname", "cluster"), (), (), {"alertname": "Down", "cluster": "eu"}),
    # The name always belongs to it: an alert of another name is something else.
    (DOWN, ("cluster",), (), (), {"alertname": "Down", "cluster": "eu"}),
    # What its route asks for: alerts of other severities go elsewhere.
    (DOWN, ("alertname",), ("severity",), (), {"alertname": "Down", "severity": "critical"}),
    # A label that it lacks has to be missing.
    (DOWN, ("alertname", "region"), ("team",), (), {"alertname": "Down", "region": "", "team": ""}),
    # … unless an older Alertmanager would refuse its name.
    (DOWN, ("alertname", "data-center"), (), (), {"alertname": "Down"}),
    ({**DOWN, "data-center": "x"}, ("data-center",), (), (), {"alertname": "Down", "data-center": "x"}),
    # Labels that the source ignores are never looked at.
    ({**DOWN, "replica": "1"}, ("alertname", "replica"), ("replica",), ("replica",), {"alertname": "Down"}),
    # Every label groups: then every label silences.
    ({**DOWN, "replica": "1"}, ("...",), (), ("replica",), DOWN),
    # Nothing names it: it is silenced alone.
    ({"severity": "critical", "job": "x"}, ("cluster",), ("severity",), (), {"severity": "critical", "job": "x"}),
    ({"alertname": "", "job": "x"}, ("alertname",), (), (), {"job": "x"}),
    # Nothing at all names it: that would be everything.
    ({"replica": "1"}, ("alertname",), (), ("replica",), {}),
    ({}, ("...",), (), (), {}),
]  # fmt: skip


@pytest.mark.parametrize("labels, group_by, routed_by, ignored, wanted", TABLE)
def test_the_labels_that_silence(
    labels: Labels,
    group_by: tuple[str, ...],
    routed_by: tuple[str, ...],
    ignored: tuple[str, ...],
    wanted: Mapping[str, str],
) -> None:
    found = matchers_of(labels, group_by, routed_by, ignored)
    assert dict(found) == wanted
    assert list(found) == sorted(found)


NAMES = st.sampled_from(["alertname", "cluster", "service", "severity", "instance", "replica", "data-center"])
LABELS = st.dictionaries(NAMES, st.sampled_from(["", "a", "b"]), max_size=5)
SETS = st.lists(NAMES, max_size=3)


@given(LABELS, SETS, SETS, SETS)
def test_a_silence_hides_its_own_alert_and_never_everything(
    labels: Labels, group_by: list[str], routed_by: list[str], ignored: list[str]
) -> None:
    found = matchers_of(labels, group_by, routed_by, ignored)
    assert covers(found, labels)
    assert not found or any(value for _, value in found)
    assert not {name for name, _ in found} & set(ignored)
    if found:
        assert not covers(found, {})


@given(st.lists(st.tuples(LABELS, st.sampled_from([None, 1, 2, 3])), max_size=8), LABELS, SETS)
def test_each_alert_is_counted_once_and_only_what_is_covered(
    firing: list[tuple[Labels, int | None]], labels: Labels, group_by: list[str]
) -> None:
    wanted: list[Wanted] = [("am", matchers_of(labels, group_by, ()))]
    episodes = [
        replace(EPISODE, id=number, labels=one, incident_id=incident)
        for number, (one, incident) in enumerate(firing)
    ]
    found = hidden(wanted * 2, episodes, 1)
    assert found.total == sum(covers(wanted[0][1], one.labels) for one in episodes)
    assert found.firing == sum(one.incident_id == 1 for one in episodes)
    assert found.mine <= found.firing
    narrower: list[Wanted] = [("am", (*wanted[0][1], ("extra", "x")))]
    assert hidden(narrower, episodes, 1).total == 0
    assert hidden([("other", wanted[0][1])], episodes, 1).total == 0
    assert told(found)


SENTENCES = [
    (Hidden(), "It hides nothing that fires now, and what fires later with these labels."),
    (Hidden(mine=1, firing=1), "It hides 1 alert that fires now."),
    (
        Hidden(mine=2, firing=3),
        "It hides 2 alerts that fire now. 1 alert of this incident goes on unsilenced.",
    ),
    (
        Hidden(mine=1, firing=3, others={7: 2, 9: 1}, loose=1),
        (
            "It hides 5 alerts that fire now, 3 of them of other incidents: 2 of INC-7, 1 of INC-9, 1 of them of no "
            "incident. 2 alerts of this incident go on unsilenced."
        ),
    ),
    (
        Hidden(mine=1, firing=1, others=dict.fromkeys(range(1, 8), 1)),
        (
            "It hides 8 alerts that fire now, 7 of them of other incidents: 1 of INC-1, 1 of INC-2, 1 of INC-3, 1 of "
            "INC-4, 1 of INC-5 and of 2 more."
        ),
    ),
]


@pytest.mark.parametrize("found, sentence", SENTENCES)
def test_the_blast_radius_in_words(found: Hidden, sentence: str) -> None:
    assert told(found) == sentence


def test_matchers_are_written_as_alertmanager_does() -> None:
    matchers: SilenceMatchers = (("alertname", 'a "b" \\'), ("region", ""))
    assert matchers_text(matchers) == 'alertname="a \\"b\\" \\\\", region=""'
