"""`rotations/status.yaml`: what the page is, and what is wrong is named with its line."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from incident_bot.core.model import ComponentState
from tests.config.sets import BASE, changed, problems_of, revision_of

STATUS = "rotations/status.yaml"
SMALL = """\
status:
  name: Shop
  url: https://status.example.com/
  components:
    checkout:
      services: [shop]
"""
FULL = """\
status:
  name: Shop
  url: https://status.example.com/
  publish: auto
  severities: {critical: partial_outage}
  allow: [Example.com]
  drift_after: 5m
  components:
    checkout: {name: Checkout, description: Paying, group: Shop, services: [shop], since: 2026-01-31}
    rest: {teams: [core]}
"""


def test_without_the_file_there_is_no_page(tmp_path: Path) -> None:
    assert revision_of(tmp_path, BASE).status is None


def test_what_is_not_written_is_as_usual(tmp_path: Path) -> None:
    page = revision_of(tmp_path, {**BASE, STATUS: SMALL}).status
    assert page is not None
    assert (page.name, page.url, page.auto) == ("Shop", "https://status.example.com", False)
    assert page.severities == {"P1": ComponentState.MAJOR_OUTAGE, "P2": ComponentState.PARTIAL_OUTAGE}
    assert page.allow == {"status.example.com"}
    assert [one.name for one in page.components] == ["checkout"]


def test_what_is_written_counts(tmp_path: Path) -> None:
    page = revision_of(tmp_path, {**BASE, STATUS: FULL}).status
    assert page is not None
    assert page.auto
    assert page.severities == {"P1": ComponentState.PARTIAL_OUTAGE}
    assert page.allow == {"example.com", "status.example.com"}
    assert page.drift_after == timedelta(minutes=5)
    checkout, rest = page.components
    assert (checkout.name, checkout.group, checkout.since) == ("Checkout", "Shop", date(2026, 1, 31))
    assert (rest.name, rest.teams) == ("rest", frozenset({"core"}))


def test_a_service_may_name_its_component(tmp_path: Path) -> None:
    texts = changed("routing.yaml", "shop: {tier: 1,", "shop: {status_component: Checkout, tier: 1,")
    small = SMALL.replace("      services: [shop]\n", "      name: CHECKOUT\n")
    revision = revision_of(tmp_path, {**texts, STATUS: small})
    assert revision.status is not None
    assert revision.status.components[0].services == {"shop"}
    assert not [one for one in revision.problems if one.file == STATUS]


def test_a_component_that_stands_for_nothing_is_odd(tmp_path: Path) -> None:
    (found,) = [
        str(one)
        for one in problems_of(
            tmp_path, {**BASE, STATUS: SMALL.replace("      services: [shop]\n", "      name: X\n")}
        )
        if one.file == STATUS
    ]
    assert found.startswith(f"{STATUS}:5: warning: status.components.checkout: stands for nothing")


FAULTS = {
    "unknown key": ("  name: Shop", "  nam: Shop", 2, 'unknown key; did you mean "name"?'),
    "no name": ("  name: Shop\n", "", 1, "name: is missing"),
    "no web address": (
        "https://status.example.com/",
        "status.example.com",
        3,
        "begin with http:// or https://",
    ),
    "a query": (
        "https://status.example.com/",
        "https://status.example.com/?a=1",
        3,
        "an address with ? or #",
    ),
    "publish": ("publish: auto", "publish: always", 4, "publish"),
    "severity": ("{critical: ", "{critcal: ", 5, 'unknown severity "critcal"; did you mean "critical"?'),
    "state": ("partial_outage", "partial", 5, 'did you mean "partial_outage"?'),
    "operational": ("partial_outage", "operational", 5, "is not one of degraded_performance, partial_outage"),
    "allow": ("[Example.com]", "[https://x.y/z]", 6, "is not one word"),
    "drift": ("drift_after: 5m", "drift_after: 5", 7, "has no unit"),
    "no components": ("components:\n", "components: {}\n  x:\n", 8, "components"),
    "a key": ("    rest:", "    the rest:", 10, "use letters, digits, dots, dashes and underscores"),
    "two names": ("rest: {", "rest: {name: checkout, ", 10, 'checkout is called "checkout" already'),
    "service": ("services: [shop]", "services: [shp]", 9, 'unknown service "shp"; did you mean "shop"?'),
    "team": ("teams: [core]", "teams: [cor]", 10, 'unknown team "cor"; did you mean "core"?'),
    "since": ("since: 2026-01-31", "since: 2026-02-31", 9, "is not a date: day"),
    "no date": ("since: 2026-01-31", "since: soon", 9, "write one such as"),
    "a long name": ("name: Checkout", f"name: {'x' * 61}", 9, "is longer than 60 characters"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_every_fault_has_its_line(case: str, tmp_path: Path) -> None:
    old, new, line, said = FAULTS[case]
    assert FULL.count(old) >= 1
    problems = problems_of(tmp_path, {**BASE, STATUS: FULL.replace(old, new, 1)})
    told = [str(one) for one in problems if one.file == STATUS]
    assert any(one.startswith(f"{STATUS}:{line}:") and said in one for one in told), told
