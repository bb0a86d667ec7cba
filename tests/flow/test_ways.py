"""What is remembered of a decision is what would be decided anew."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from incident_bot.config.loader import load
from incident_bot.config.revision import Revision
from incident_bot.core.enrich import find_runbook
from incident_bot.core.model import Episode, Labels, Status
from incident_bot.core.routing import incident_key, route
from incident_bot.flow.ways import REMEMBERED_MOST, Ways

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 21, tzinfo=UTC)
VALUES: dict[str, tuple[str | None, ...]] = {
    "alertname": ("DatabaseDown", "Unheard", "\x00", "", None),
    "severity": ("critical", "warning", "info", "none", None),
    "service": ("checkout", "other", None),
    "team": ("payments", "nobody", None),
    "instance": ("a", "b"),
}


@pytest.fixture(scope="module")
def revision() -> Revision:
    return load(ROOT, now=NOW)


def episode(labels: Labels, annotations: Labels) -> Episode:
    return Episode(
        source="alertmanager", key="k", fingerprint="f", labels=labels, annotations=annotations,
        status=Status.FIRING, starts_at=NOW, opened_at=NOW, updated_at=NOW,
    )  # fmt: skip


def test_remembered_is_decided_anew(revision: Revision) -> None:
    ways = Ways(revision)
    for number, values in enumerate(product(*VALUES.values())):
        labels = {name: value for name, value in zip(VALUES, values, strict=True) if value is not None}
        annotations = {"runbook_url": "https://runbooks.example.com"} if number % 2 else {}
        alert = episode(labels, annotations)
        routed = route(labels, revision.routing, revision.ladder, revision.teams)
        found = find_runbook(labels, annotations, revision.runbooks)
        for way in (ways.of(alert), ways.of(alert)):
            assert way.routed == routed
            assert way.key_of(alert) == incident_key("alertmanager", routed, labels)
            assert way.runbook == (found.runbook.path if found.runbook else None)
            assert (way.why["runbook"], way.why["runbook_url"]) == (found.reason, found.url)


def test_alerts_that_differ_elsewhere_share_one_decision(revision: Revision) -> None:
    ways = Ways(revision)
    first, second = ({"alertname": "A", "severity": "critical", "pod": pod} for pod in ("x", "y"))
    assert ways.of(episode(first, {})) is ways.of(episode(second, {}))
    other = ways.of(episode({**first, "severity": "warning"}, {}))
    assert other is not ways.of(episode(first, {}))


def test_memory_is_bounded(revision: Revision) -> None:
    ways = Ways(revision)
    for number in range(REMEMBERED_MOST + 10):
        ways.of(episode({"alertname": f"A{number}"}, {}))
    assert len(ways._known) <= REMEMBERED_MOST
