"""One OpenID Connect provider: where it is, which keys it signs with, and what a code that it gave is worth.

Authorization code flow with PKCE (S256). Each call is one attempt through `outgoing`, bounded in time and size. What a
token says counts only with a signature by a key that the provider publishes, made with a public-key algorithm.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from urllib.parse import quote_plus, urlencode, urlsplit

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from incident_bot.core.identity import Expected, wrong_claim
from incident_bot.core.model import Json
from incident_bot.outgoing import Answer, CallFailed, Client

ALGORITHMS: Final[Mapping[str, tuple[str, ...]]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA", "Ed25519"),
}
"""By kind of key: never `none`, and never one in which the public key would be the secret."""
PATIENCE_SECONDS: Final = 5.0
ANSWER_MOST: Final = 512 * 1024
TOKEN_MOST: Final = 64 * 1024
KEYS_MOST: Final = 100
KNOWN_FOR: Final = timedelta(hours=1)
"""How long the provider's own description and its keys are believed."""
KEYS_AGAIN: Final = timedelta(minutes=1)
"""An unknown key has them fetched anew no sooner than this after the last time."""


PublicKey: TypeAlias = RSAKey | ECKey | OKPKey


KINDS: Final[Mapping[str, type[PublicKey]]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


class Away(Exception):
    """The provider cannot be reached, or answers what nobody can use; the text has no secret."""


class Untrusted(Exception):
    """What came back does not prove who somebody is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What the provider says about itself."""

    authorize: str
    token: str
    keys: str
    methods: frozenset[str]
    """How a client may say its secret."""
    fetched_at: datetime


class Provider:
    """One provider; safe to share between threads."""

    def __init__(
        self, client: Client, *, issuer: str, client_id: str, client_secret: str, scopes: Sequence[str]
    ) -> None:
        """Take the shared HTTP client, who the provider is, and who we are to it."""
        self._client = client
        self.issuer = issuer
        self.client_id = client_id
        self._secret = client_secret
        self._scopes = " ".join(scopes)
        self._lock = threading.Lock()
        self._description: Description | None = None
        self._keys: list[PublicKey] = []
        self._keys_at: datetime | None = None

    def seal(self, purpose: str) -> bytes:
        """Give a key that only those know who know the client's secret: every replica, and nobody else."""
        return hashlib.sha256(f"{purpose}\x00{self.client_id}\x00{self._secret}".encode()).digest()

    def address(self, *, redirect: str, state: str, nonce: str, verifier: str, now: datetime) -> str:
        """Give where to send a browser; raises Away."""
        described = self._described(now)
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect,
            "scope": self._scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(described.authorize).query else "?"
        return f"{described.authorize}{joint}{urlencode(asked)}"

    def claims(
        self, code: str, *, redirect: str, verifier: str, nonce: str, now: datetime
    ) -> Mapping[str, Json]:
        """Exchange a code for what the provider says about whoever came; raises Away and Untrusted."""
        token = self._exchange(code, redirect=redirect, verifier=verifier, now=now)
        claims = self._verified(token, now=now)
        wrong = wrong_claim(
            claims, Expected(issuer=self.issuer, client_id=self.client_id, nonce=nonce), now=now
        )
        if wrong is not None:
            raise Untrusted(f"The provider's token does not count: {wrong}.")
        return claims

    def _exchange(self, code: str, *, redirect: str, verifier: str, now: datetime) -> str:
        described = self._described(now)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": verifier,
        }
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        if "client_secret_basic" in described.methods:
            # RFC 6749 2.3.1: both halves are written as in a form before they are joined.
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self._secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self.client_id, "client_secret": self._secret}
        answer = self._call("POST", described.token, headers=headers, content=urlencode(form).encode())
        if answer.status >= 500:  # noqa: PLR2004 -- the provider's own trouble
            raise Away(f"The provider answered {answer.status}.")
        told = _object(answer)
        token = told.get("id_token")
        if answer.status != 200 or not isinstance(token, str):  # noqa: PLR2004 -- what the protocol says
            # Only the short word of the protocol: a description is whatever the provider likes.
            word = told.get("error")
            said = (
                f" ({word[:60]})" if isinstance(word, str) and word.isascii() and word.isprintable() else ""
            )
            raise Untrusted(f"The provider does not take the sign-in any more{said}.")
        return token

    def _verified(self, token: str, *, now: datetime) -> Mapping[str, Json]:
        if len(token) > TOKEN_MOST:
            raise Untrusted("The provider's token is larger than any that is one.")
        try:
            header = jws.extract_compact(token.encode("ascii")).headers()
            algorithm, name = header.get("alg"), header.get("kid")
            for key in self._candidates(algorithm, name, now=now):
                try:
                    registry = JWSRegistry(algorithms=[str(algorithm)])
                    return jwt.decode(token, key, algorithms=[str(algorithm)], registry=registry).claims
                except JoseError:
                    continue
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise Untrusted("The provider's token cannot be read.") from error
        raise Untrusted("The provider's token is not signed with one of its keys.")

    def _candidates(self, algorithm: object, name: object, *, now: datetime) -> list[PublicKey]:
        """Give the keys that may have signed; they are fetched anew where none of that name is known."""
        kinds = [kind for kind, allowed in ALGORITHMS.items() if algorithm in allowed]
        if not kinds:
            raise Untrusted("The provider's token is signed in a way that proves nothing.")

        def fitting() -> list[PublicKey]:
            return [
                key
                for key in self._keys
                if key.key_type in kinds
                and (name is None or key.kid == name)
                and key.get("use", "sig") == "sig"
                and key.get("alg") in (None, algorithm)
            ]

        with self._lock:
            stale = self._keys_at is None or now - self._keys_at >= KNOWN_FOR
            if stale:
                self._fetch_keys(now)
            found = fitting()
            if not found and self._keys_at is not None and now - self._keys_at >= KEYS_AGAIN:
                self._fetch_keys(now)
                found = fitting()
        return found

    def _fetch_keys(self, now: datetime) -> None:
        described = self._described_locked(now)
        told = _object(self._good("GET", described.keys)).get("keys")
        # Noted before it is judged: a provider whose keys are no good is not asked again at once.
        self._keys_at = now
        if not isinstance(told, list):
            raise Away("The provider does not publish its keys as it should.")
        keys: list[PublicKey] = []
        for one in told[:KEYS_MOST]:
            kind = KINDS.get(str(one.get("kty"))) if isinstance(one, dict) else None
            # Providers publish kinds of keys that we do not know; those that we do know count.
            with suppress(JoseError, ValueError, TypeError, KeyError):
                keys.extend([kind.import_key(one)] if kind is not None else [])
        self._keys = keys

    def _described(self, now: datetime) -> Description:
        with self._lock:
            return self._described_locked(now)

    def _described_locked(self, now: datetime) -> Description:
        known = self._description
        if known is not None and now - known.fetched_at < KNOWN_FOR:
            return known
        told = _object(self._good("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"))
        if told.get("issuer") != self.issuer:
            raise Away(
                "The provider says that it is another one; is the issuer written exactly as it has it?"
            )
        methods = told.get("token_endpoint_auth_methods_supported")
        self._description = Description(
            authorize=self._place(told, "authorization_endpoint"),
            token=self._place(told, "token_endpoint"),
            keys=self._place(told, "jwks_uri"),
            # OpenID Connect Discovery 3: without a word of it, it is Basic.
            methods=frozenset(map(str, methods))
            if isinstance(methods, list)
            else frozenset({"client_secret_basic"}),
            fetched_at=now,
        )
        return self._description

    def _place(self, told: Mapping[str, Any], name: str) -> str:
        """Give an address of the description; nothing secret goes over a line that the issuer's own does not use."""
        value = told.get(name)
        safe = ("https://",) if self.issuer.startswith("https://") else ("https://", "http://")
        if not isinstance(value, str) or not value.startswith(safe) or not value.isprintable():
            raise Away(f"The provider's description has no good {name}.")
        return value

    def _good(self, method: str, url: str) -> Answer:
        answer = self._call(method, url, headers={"Accept": "application/json"}, content=None)
        if answer.status != 200:  # noqa: PLR2004 -- what the protocol says
            raise Away(f"The provider answered {answer.status}.")
        return answer

    def _call(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes | None) -> Answer:
        try:
            answer = self._client.call(method, url, headers=headers, content=content, within=PATIENCE_SECONDS)
        except CallFailed as error:
            raise Away("The provider does not answer.") from error
        if len(answer.body) > ANSWER_MOST:
            raise Away("The provider's answer is larger than any that is one.")
        return answer


def challenge(verifier: str) -> str:
    """Give what the provider is told of a verifier beforehand (RFC 7636, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _object(answer: Answer) -> Mapping[str, Any]:
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise Away("The provider's answer cannot be read.") from error
    if not isinstance(told, dict):
        raise Away("The provider's answer cannot be read.")
    return told
