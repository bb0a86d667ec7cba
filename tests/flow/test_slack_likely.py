"""Which open incident may be the one that is about to be declared."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from incident_bot.core.model import Incident, Progress
from incident_bot.flow.slack.likely import likely, why_likely

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OPEN = Incident(
    id=1,
    key="k",
    title="Checkout rejects every card",
    severity="P2",
    peak="P2",
    team="web",
    service="shop",
    progress=Progress(started_at=NOW),
    opened_at=NOW,
    opened_by="ana",
)


@pytest.mark.parametrize(
    "title, service, why",
    [
        ("Checkout rejects cards", None, "also says “checkout”, “rejects”"),
        ("CHECKOUT: rejects every card!", None, "also says “card”, “checkout”, “every”"),
        ("Something else", "shop", "also about shop"),
        ("Something else", "lake", None),
        ("Something else", None, None),
        ("Checkout of the library burns down", None, None),
        ("The car is red", None, None),
        ("", None, None),
        ("2026 404", None, None),
        ("الدفع متوقف", None, None),
    ],
)
def test_the_same_service_or_half_of_the_words(title: str, service: str | None, why: str | None) -> None:
    assert why_likely(OPEN, title=title, service=service) == why


def test_every_script_has_words() -> None:
    there = replace(OPEN, title="Оплата картой не работает")
    assert why_likely(there, title="не работает оплата", service=None) is not None


def test_those_are_given_that_are_likely() -> None:
    other = replace(OPEN, id=2, title="The lake is dry", service="lake")
    assert [one.id for one, _ in likely([OPEN, other], title="Checkout rejects", service=None)] == [1]
