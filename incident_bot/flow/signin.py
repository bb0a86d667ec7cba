"""How people sign in: with a provider, with a one-time link of the command line, with an API token.

Nothing of a sign-in under way is kept here: a short-lived cookie, sealed, has what is needed to know it again, so any
replica may answer. What comes back counts once. Every sign-in, and every one that was refused, is in the audit.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incident_bot.config.settings import Settings
from incident_bot.core.access import Role
from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.identity import Identity, Unknown, by_mail, by_slack, person_of
from incident_bot.core.model import JsonObject, rfc3339
from incident_bot.flow import access, sessions
from incident_bot.flow.context import Context
from incident_bot.flow.sessions import LINK, TOKEN, Opening
from incident_bot.openid import Away, Provider, Untrusted
from incident_bot.slack_api import SlackError
from incident_bot.store import interventions
from incident_bot.store import sessions as rows
from incident_bot.store.sessions import OneTime
from incident_bot.store.transaction import LostRace
from incident_bot.telemetry import asked, logger

OIDC: Final = "oidc"
SLACK: Final = "slack"
UNDER_WAY: Final = timedelta(minutes=10)
"""So long somebody may take at their provider."""
LINK_HOLDS: Final = timedelta(minutes=15)
"""So long a link of the command line may be opened."""
MINUTES_MOST: Final = 24 * 60
REFUSALS_MOST: Final = 10
"""So many refused sign-ins a minute and process are written into the audit; more are in the log alone."""
ADDRESS_MOST: Final = 500
CODE_MOST: Final = 4000
AGAIN: Final = "Start again from the sign-in page."

log = logger(__name__)


class SignInRefused(Refused):
    """Whoever came is not let in; the text says why, and what to do."""


class ProviderAway(Refused):
    """Nobody can sign in this way just now; the text says what else there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A sign-in under way."""

    address: str
    """Where the browser goes."""
    cookie: str
    """What it brings back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A sign-in that worked."""

    secret: str
    """For the session's cookie."""
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """What a one-time link would open."""

    name: str
    role: str | None
    minutes: int
    expires_at: datetime


class Refusals:
    """Writes down who was refused, sparingly: nobody can fill the audit from outside. Safe to share between threads."""

    def __init__(self, context: Context) -> None:
        """Begin with none."""
        self._context = context
        self._lock = threading.Lock()
        self._recent: list[datetime] = []

    def note(self, how: str, reason: str, *, who: str = "", now: datetime) -> None:
        """Note one refused sign-in."""
        log.warning("sign-in refused", how=how, reason=reason)
        with self._lock:
            self._recent = [at for at in self._recent if now - at < timedelta(minutes=1)]
            if len(self._recent) >= REFUSALS_MOST:
                return
            self._recent.append(now)
        asked().how = how
        with self._context.store.write() as tx:
            data: JsonObject = {"how": how, "who": who, "reason": reason}
            interventions.record(tx, "nobody", "sign_in.refused", data, now=now)


def offered(context: Context) -> tuple[tuple[str, str], ...]:
    """Give the providers that people may sign in with: the word in the address, and what the button says."""
    words = {OIDC: "Sign in", SLACK: "Sign in with Slack"}
    return tuple((name, words[name]) for name in words if name in context.openid)


def begin(context: Context, name: str, *, next_page: str, now: datetime) -> Begun:
    """Begin a sign-in with a provider; raises NotFound where there is no such one, and ProviderAway."""
    provider = _provider(context, name)
    state = secrets.token_urlsafe(24)
    expires = int((now + UNDER_WAY).timestamp())
    page = base64.urlsafe_b64encode(next_page[:ADDRESS_MOST].encode()).decode()
    try:
        address = provider.address(
            redirect=redirect(context, name),
            state=state,
            nonce=_derived(provider, "nonce", state),
            verifier=_derived(provider, "verifier", state),
            now=now,
        )
    except Away as problem:
        log.warning("a sign-in provider is away", provider=name, error=str(problem))
        raise ProviderAway(_away(problem)) from problem
    return Begun(address=address, cookie=_sealed(provider, f"{expires}.{name}.{state}.{page}"))


def finish(
    context: Context,
    name: str,
    answer: Mapping[str, str],
    cookie: str,
    *,
    agent: str,
    refusals: Refusals,
    now: datetime,
) -> Done:
    """Let in whoever comes back from a provider; raises SignInRefused, ProviderAway and NotFound.

    The answer has to belong to the cookie, both count once, and the token has to be about this very sign-in.
    """
    provider = _provider(context, name)
    state, next_page = _unsealed(provider, name, cookie, now)
    if not hmac.compare_digest(answer.get("state", "").encode(errors="replace"), state.encode()):
        raise SignInRefused(f"This answer belongs to another sign-in. {AGAIN}")
    if answer.get("iss", provider.issuer) != provider.issuer:
        raise SignInRefused(f"This answer comes from another provider. {AGAIN}")
    if "error" in answer:
        raise SignInRefused(f"Your provider did not let you in. {AGAIN}")
    code = answer.get("code", "")
    if not 0 < len(code) <= CODE_MOST:
        raise SignInRefused(f"Your provider's answer is incomplete. {AGAIN}")
    _spend(context, provider, state, now)
    identity = _identity(context, provider, name, code, state, refusals, now)
    found = person_of(identity, context.live.current.revision.people.values())
    if isinstance(found, Unknown):
        who = identity.email or identity.slack or ""
        refusals.note(name, found.reason, who=who, now=now)
        raise SignInRefused(found.reason)
    asked().how = name
    with context.store.write() as tx:
        opening = Opening(person=found.id, how=name, agent=agent)
        return Done(secret=sessions.open_session(context, tx, opening, now=now), next=next_page)


def with_token(context: Context, token: str, *, agent: str, refusals: Refusals, now: datetime) -> str | None:
    """Open a session for a token that holds, and give the cookie's secret; None for any other."""
    caller = access.identify(context, token)
    if caller is None:
        refusals.note(TOKEN, "not a token that holds", now=now)
        return None
    asked().how = caller.how
    with context.store.write() as tx:
        opening = Opening(token_id=access.token_number(tx, token), how=TOKEN, agent=agent)
        return sessions.open_session(context, tx, opening, now=now)


def make_link(
    context: Context, *, person: str | None, role: Role | None, minutes: int, by: str, now: datetime
) -> str:
    """Make a link that opens one session once, and give its address; raises Refused and NotFound. Audited."""
    if not 0 < minutes <= MINUTES_MOST:
        raise Refused(f"A session of this kind lasts 1 to {MINUTES_MOST} minutes.")
    found = context.live.current.revision.people.get(person or "")
    if person is not None and (found is None or not found.active):
        raise NotFound(
            f"There is no active person {person[:64]!r} in people.yaml; leave the name out for nobody's."
        )
    secret = secrets.token_urlsafe(32)
    link = OneTime(
        person=person, role=role.value if role else None, minutes=minutes, expires_at=now + LINK_HOLDS
    )
    with context.store.write() as tx:
        rows.add_link(tx, _digest(secret), link, now=now)
        data: JsonObject = {
            "person": person,
            "role": link.role,
            "minutes": minutes,
            "until": rfc3339(link.expires_at),
        }
        interventions.record(tx, by, "sign_in.link_made", data, now=now)
    return f"{context.settings.public_url}/sign-in/link/{secret}"


def look_link(context: Context, secret: str, *, now: datetime) -> LinkView:
    """Say what a link would open; changes nothing. Raises NotFound where it opens nothing, or not any more."""
    with context.store.read() as tx:
        link = rows.find_link(tx, _digest(secret))
    if link is None or link.used_at is not None or link.expires_at <= now:
        raise NotFound(_NO_LINK)
    person = context.live.current.revision.people.get(link.person or "")
    name = person.name if person else "the operator"
    return LinkView(name=name, role=link.role, minutes=link.minutes, expires_at=link.expires_at)


def use_link(context: Context, secret: str, *, agent: str, now: datetime) -> str:
    """Open the session of a link, and give the cookie's secret; raises NotFound for the second who comes."""
    digest = _digest(secret)
    asked().how = LINK
    with context.store.write() as tx:
        link = rows.find_link(tx, digest)
        if link is None or not rows.use_link(tx, digest, now=now):
            raise NotFound(_NO_LINK)
        opening = Opening(
            person=link.person,
            role=Role(link.role) if link.role else None,
            how=LINK,
            lasts=timedelta(minutes=link.minutes),
            agent=agent,
        )
        return sessions.open_session(context, tx, opening, now=now)


def redirect(context: Context, name: str) -> str:
    """Give the address at which a provider hands people back: what stands at the provider, too."""
    return callback(context.settings, name)


def callback(settings: Settings, name: str) -> str:
    """Give the same of a bot that is not running."""
    return f"{settings.public_url}/sign-in/{name}/callback"


_NO_LINK: Final = (
    "This link opens nothing any more: it was used, or is too old. `incident-bot user sign-in` makes another."
)


def _provider(context: Context, name: str) -> Provider:
    found = context.openid.get(name)
    if found is None:
        raise NotFound("There is no such way to sign in here.")
    return found


def _identity(
    context: Context, provider: Provider, name: str, code: str, state: str, refusals: Refusals, now: datetime
) -> Identity:
    try:
        team = _team(context) if name == SLACK else ""
        claims = provider.claims(
            code,
            redirect=redirect(context, name),
            verifier=_derived(provider, "verifier", state),
            nonce=_derived(provider, "nonce", state),
            now=now,
        )
    except Away as problem:
        log.warning("a sign-in provider is away", provider=name, error=str(problem))
        raise ProviderAway(_away(problem)) from problem
    except Untrusted as problem:
        refusals.note(name, str(problem), now=now)
        raise SignInRefused(f"{problem} {AGAIN}") from problem
    found = by_slack(claims, team=team) if name == SLACK else by_mail(claims)
    if isinstance(found, Unknown):
        email = claims.get("email")
        refusals.note(name, found.reason, who=email if isinstance(email, str) else "", now=now)
        raise SignInRefused(found.reason)
    return found


def _team(context: Context) -> str:
    """Give the one workspace whose members may sign in: the one that is set, else the bot's own."""
    if context.settings.slack_team_id is not None:
        return context.settings.slack_team_id
    if context.slack is None:
        raise Away("Slack is not set up.")
    try:
        found = context.slack.call("auth.test").get("team_id")
    except SlackError as problem:
        raise Away("Slack does not say which workspace the bot is in.") from problem
    if not isinstance(found, str) or not found:
        raise Away("Slack does not say which workspace the bot is in.")
    return found


def _spend(context: Context, provider: Provider, state: str, now: datetime) -> None:
    """Have this answer count once: a second copy of it is refused whatever becomes of the first."""
    spent = OneTime(person=None, role=None, minutes=0, expires_at=now + UNDER_WAY, used_at=now)
    try:
        with context.store.write() as tx:
            rows.add_link(tx, _digest(_derived(provider, "spent", state)), spent, now=now)
    except LostRace as race:
        raise SignInRefused(f"This answer was used already. {AGAIN}") from race


def _derived(provider: Provider, purpose: str, state: str) -> str:
    """Give a secret of this sign-in, which only we can work out again from its state."""
    whole = hmac.new(provider.seal("sign-in"), f"{purpose} {state}".encode(), "sha256").digest()
    return base64.urlsafe_b64encode(whole).decode().rstrip("=")


def _sealed(provider: Provider, content: str) -> str:
    return f"{content}.{hmac.new(provider.seal('cookie'), content.encode(), 'sha256').hexdigest()}"


def _unsealed(provider: Provider, name: str, cookie: str, now: datetime) -> tuple[str, str]:
    content, _, _seal = cookie.rpartition(".")
    whole = hmac.compare_digest(
        _sealed(provider, content).encode(errors="replace"), cookie.encode(errors="replace")
    )
    parts = content.split(".")
    if not cookie or not whole or len(parts) != 4 or parts[1] != name:  # noqa: PLR2004 -- as `begin` writes it
        raise SignInRefused(f"This browser has no such sign-in under way. {AGAIN}")
    if now.timestamp() >= int(parts[0]):
        raise SignInRefused(f"This sign-in took too long. {AGAIN}")
    try:
        return parts[2], base64.urlsafe_b64decode(parts[3]).decode()
    except (binascii.Error, ValueError):
        return parts[2], "/"


def _away(problem: Away) -> str:
    return (
        f"{problem} Try again in a moment; whoever runs the bot can let you in meanwhile: "
        "`incident-bot user sign-in NAME` on its machine."
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(f"sign-in {secret}".encode(errors="surrogatepass")).hexdigest()
