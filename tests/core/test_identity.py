"""Who signed in elsewhere: claims that hold and claims that do not, and which person they mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from incident_bot.core.identity import Expected, Identity, Unknown, by_mail, by_slack, person_of, wrong_claim
from incident_bot.core.model import Person

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECONDS = NOON.timestamp()
EXPECTED = Expected(issuer="https://id.example.com", client_id="bot", nonce="n1")
GOOD: dict[str, Any] = {
    "iss": "https://id.example.com",
    "aud": "bot",
    "nonce": "n1",
    "exp": SECONDS + 300,
    "iat": SECONDS - 1,
}
CLAIMS: dict[str, tuple[dict[str, Any], str | None]] = {
    "as they should be": ({}, None),
    "several clients, and we asked": ({"aud": ["bot", "other"], "azp": "bot"}, None),
    "one client in a list": ({"aud": ["bot"]}, None),
    "clocks that differ a little": ({"exp": SECONDS - 59, "iat": SECONDS + 30}, None),
    "another issuer": ({"iss": "https://evil.example.com"}, "issuer"),
    "no issuer": ({"iss": None}, "issuer"),
    "another client": ({"aud": "other"}, "another client"),
    "no client": ({"aud": None}, "another client"),
    "a client that only contains ours": ({"aud": "robot"}, "another client"),
    "several clients, and nobody says who asked": ({"aud": ["bot", "other"]}, "given to another"),
    "asked for by another client": ({"azp": "other"}, "given to another"),
    "another sign-in": ({"nonce": "n2"}, "another sign-in"),
    "no nonce": ({"nonce": None}, "another sign-in"),
    "expired": ({"exp": SECONDS - 61}, "expired"),
    "no end": ({"exp": None}, "how long"),
    "an end that is no number": ({"exp": True}, "how long"),
    "no beginning": ({"iat": "now"}, "how long"),
    "made yesterday": ({"iat": SECONDS - 86400}, "another time"),
    "made tomorrow": ({"iat": SECONDS + 86400}, "another time"),
}


@pytest.mark.parametrize("case", CLAIMS)
def test_a_token_has_to_be_about_this_sign_in(case: str) -> None:
    changed, expected = CLAIMS[case]
    said = wrong_claim({**GOOD, **changed}, EXPECTED, now=NOON)
    assert (said is None) if expected is None else (said is not None and expected in said)


MAILS: dict[str, tuple[dict[str, Any], Identity | str]] = {
    "verified": ({"email": "a@x.org", "email_verified": True}, Identity(email="a@x.org")),
    "verified, in words": (
        {"email": "a@x.org", "email_verified": "true", "name": "A"}, Identity(email="a@x.org", name="A")
    ),
    "not verified": ({"email": "a@x.org", "email_verified": False}, "not verified the address a@x.org"),
    "not said": ({"email": "a@x.org"}, "not verified"),
    "no address": ({"email_verified": True}, "does not tell"),
    "an empty one": ({"email": "", "email_verified": True, "name": 1}, "does not tell"),
}  # fmt: skip


@pytest.mark.parametrize("case", MAILS)
def test_only_a_verified_address_says_who_somebody_is(case: str) -> None:
    claims, expected = MAILS[case]
    found = by_mail(claims)
    if isinstance(expected, Identity):
        assert found == expected
    else:
        assert isinstance(found, Unknown)
        assert expected in found.reason


SLACK = {"https://slack.com/user_id": "U1", "https://slack.com/team_id": "T1"}


def test_slack_says_who_somebody_is_in_its_workspace_alone() -> None:
    assert by_slack({**SLACK, "name": "A"}, team="T1") == Identity(slack="U1", name="A")
    assert by_slack(SLACK, team="T1") == Identity(slack="U1")
    other = by_slack(SLACK, team="T2")
    assert isinstance(other, Unknown)
    assert "another Slack workspace" in other.reason
    nobody = by_slack({**SLACK, "https://slack.com/user_id": ""}, team="T1")
    assert isinstance(nobody, Unknown)


PEOPLE = (
    Person(id="ana", name="Ana", contacts={"mail": "Ana@Example.com", "slack": "U1"}),
    Person(id="old", name="Old", contacts={"mail": "old@example.com"}, active=False),
    Person(id="one", name="One", contacts={"mail": "both@example.com"}),
    Person(id="two", name="Two", contacts={"mail": "both@example.com"}),
    Person(id="bare", name="Bare"),
)
FOUND: dict[str, tuple[Identity, str]] = {
    "by mail, whatever its case": (Identity(email="ana@example.COM"), "ana"),
    "by Slack": (Identity(slack="U1"), "ana"),
    "inactive": (Identity(email="old@example.com"), "Old is not active any more"),
    "two of one address": (Identity(email="both@example.com"), "one and two have the same entry"),
    "nobody": (Identity(email="eve@example.com"), "`email: eve@example.com`"),
    "nobody of that id": (Identity(slack="U9"), "`slack: U9`"),
}


@pytest.mark.parametrize("case", FOUND)
def test_an_identity_is_one_active_person_or_a_reason(case: str) -> None:
    identity, expected = FOUND[case]
    found = person_of(identity, PEOPLE)
    if isinstance(found, Person):
        assert found.id == expected
    else:
        assert expected in found.reason
