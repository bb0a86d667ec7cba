"""Who somebody is who signed in elsewhere: whether what their provider says holds, and which person it means.

Pure: the claims of a token whose signature was checked come in; a person or a reason that can be shown goes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.model import Json, Person

LEEWAY: Final = timedelta(seconds=60)
"""So far two clocks may differ."""
OLDEST: Final = timedelta(minutes=10)
"""A token that was made longer ago was not made for this sign-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token has to say to be about this sign-in."""

    issuer: str
    client_id: str
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody, as their provider knows them."""

    email: str | None = None
    """Only where the provider has verified it."""
    slack: str | None = None
    """Slack's id of a member."""
    name: str = ""
    """What the provider calls them; for messages alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Nobody who may come in, with what to do about it."""

    reason: str


def wrong_claim(claims: Mapping[str, Json], expected: Expected, *, now: datetime) -> str | None:
    """Say what keeps a token's claims from being about this sign-in; None where all of them fit."""
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if claims.get("iss") != expected.issuer:
        return "it was made by another issuer"
    if not isinstance(audiences, list) or expected.client_id not in audiences:
        return "it was made for another client"
    # A token for several clients says which of them asked for it (OpenID Connect Core 3.1.3.7).
    party = claims.get("azp")
    if party != expected.client_id and (party is not None or len(audiences) > 1):
        return "it was given to another client"
    if claims.get("nonce") != expected.nonce:
        return "it belongs to another sign-in"
    return _wrong_time(claims, now)


def _wrong_time(claims: Mapping[str, Json], now: datetime) -> str | None:
    expires, made = _seconds(claims.get("exp")), _seconds(claims.get("iat"))
    if expires is None or made is None:
        return "it does not say how long it holds"
    if expires + LEEWAY.total_seconds() <= now.timestamp():
        return "it has expired"
    if abs(now.timestamp() - made) > (OLDEST + LEEWAY).total_seconds():
        return "it was made at another time; do the clocks of both machines agree?"
    return None


def _seconds(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def by_mail(claims: Mapping[str, Json]) -> Identity | Unknown:
    """Give whom the claims of a provider mean: by their address, where it was verified."""
    email, name = claims.get("email"), claims.get("name")
    called = name if isinstance(name, str) else ""
    if not isinstance(email, str) or not email:
        return Unknown(
            reason="Your provider does not tell your mail address; have it release the claim `email` to this bot."
        )
    # Some providers write the flag as a word.
    if claims.get("email_verified") not in (True, "true"):
        return Unknown(
            reason=f"Your provider has not verified the address {email}; verify it there, then sign in again."
        )
    return Identity(email=email, name=called)


def by_slack(claims: Mapping[str, Json], *, team: str) -> Identity | Unknown:
    """Give whom Slack's claims mean: by the member's id, in the one workspace that counts."""
    user, workspace = claims.get("https://slack.com/user_id"), claims.get("https://slack.com/team_id")
    name = claims.get("name")
    if workspace != team:
        return Unknown(
            reason="You signed in with another Slack workspace; choose the one that the bot is in."
        )
    if not isinstance(user, str) or not user:
        return Unknown(reason="Slack did not say who you are; try again.")
    return Identity(slack=user, name=name if isinstance(name, str) else "")


def person_of(identity: Identity, people: Iterable[Person]) -> Person | Unknown:
    """Give the one active person of people.yaml behind an identity, or say what to write there."""
    known = [one for one in people if _is(identity, one)]
    active = [one for one in known if one.active]
    if len(active) > 1:
        both = " and ".join(sorted(one.id for one in active))
        return Unknown(reason=f"{both} have the same entry in people.yaml; one of them has to go.")
    if active:
        return active[0]
    if known:
        return Unknown(reason=f"{known[0].name} is not active any more (active: false in people.yaml).")
    line = f"email: {identity.email}" if identity.email is not None else f"slack: {identity.slack}"
    return Unknown(
        reason=f"Nobody in people.yaml is you. Ask whoever keeps it to give your entry `{line}`, then sign in again."
    )


def _is(identity: Identity, person: Person) -> bool:
    if identity.slack is not None:
        return person.contacts.get("slack") == identity.slack
    return (
        identity.email is not None and person.contacts.get("mail", "").casefold() == identity.email.casefold()
    )
