"""An OpenID Connect provider in this process, on a real port, as strict as the real ones; it misbehaves on command.

It signs with real keys, checks PKCE, the redirect address, the client's secret, and takes each code once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

CLIENT, SECRET = "bot:1", "s3cret/+ %"
FORM = "application/x-www-form-urlencoded"
SIGNING = ("RS256", "PS256", "ES256")


@dataclass(frozen=True, kw_only=True)
class Code:
    """What was promised for one code."""

    challenge: str
    redirect: str
    nonce: str


@cache
def _rsa(_number: int) -> RSAKey:
    """A key takes a second to find; each of its number is the same for all tests."""
    return RSAKey.generate_key(2048, auto_kid=True)


class Provider:
    """The provider. `user` is who sits at its browser; `mischief` is what goes wrong, by name."""

    def __init__(self, now: Callable[[], datetime], *, redirect: str, host: str = "127.0.0.1") -> None:
        """Take the clock, the one address to which it hands people back, and under which name it is reached."""
        self.now = now
        self._host = host
        self.redirect = redirect
        self.user: dict[str, Any] = {"sub": "1", "email": "alice@example.com", "email_verified": True}
        self.claims: dict[str, Any] = {}
        """What its next tokens say instead of the truth."""
        self.mischief: set[str] = set()
        self.algorithm = "RS256"
        self.methods: list[str] | None = ["client_secret_basic", "client_secret_post"]
        self.requests: list[str] = []
        self.refused: list[str] = []
        self.rsa = _rsa(0)
        self.ec = ECKey.generate_key("P-256", auto_kid=True)
        self._codes: dict[str, Code] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.02), daemon=True)

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def new_keys(self) -> None:
        """Change the keys, as providers do now and then."""
        self.rsa = _rsa(1)

    def authorize(self, address: str) -> str:
        """Give where the browser goes that was sent to this address, with somebody at it who agrees."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        wrong = {
            "client_id": asked.get("client_id") == CLIENT,
            "redirect_uri": asked.get("redirect_uri") == self.redirect,
            "response_type": asked.get("response_type") == "code",
            "scope": "openid" in asked.get("scope", "").split(),
            "code_challenge_method": asked.get("code_challenge_method") == "S256",
            "code_challenge": len(asked.get("code_challenge", "")) == 43,
            "state": len(asked.get("state", "")) >= 20,
            "nonce": len(asked.get("nonce", "")) >= 20,
        }
        assert all(wrong.values()), wrong
        assert address.startswith(f"{self.url}/authorize?")
        code = secrets.token_urlsafe(16)
        self._codes[code] = Code(
            challenge=asked["code_challenge"], redirect=asked["redirect_uri"], nonce=asked["nonce"]
        )
        back = {"code": code, "state": asked["state"], "iss": self.url}
        return f"{self.redirect}?{urlencode(back)}"

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        self.requests.append(f"{method} {path}")
        if "down" in self.mischief:
            return 503, b"<h1>maintenance</h1>"
        if "giant" in self.mischief:
            return 200, b'{"x": "' + b"x" * (1024 * 1024) + b'"}'
        if "not json" in self.mischief:
            return 200, b"<html>"
        if "a list" in self.mischief:
            return 200, b"[[[[]]]]"
        if (method, path) == ("GET", "/.well-known/openid-configuration"):
            return 200, json.dumps(self._description()).encode()
        if (method, path) == ("GET", "/keys"):
            return 200, json.dumps(self._keys()).encode()
        if (method, path) == ("POST", "/token"):
            return self._token(headers, body)
        return 404, b"{}"

    def _description(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "issuer": "https://evil.example.com" if "another issuer" in self.mischief else self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        if "no token endpoint" in self.mischief:
            told["token_endpoint"] = "file:///etc/passwd"
        return (
            told if self.methods is None else {**told, "token_endpoint_auth_methods_supported": self.methods}
        )

    def _keys(self) -> dict[str, Any]:
        if "no keys" in self.mischief:
            return {"keys": "none"}
        good = [{**key.as_dict(private=False), "use": "sig"} for key in (self.rsa, self.ec)]
        return {"keys": [{"kty": "future", "kid": "x"}, "?", *good]}

    def _token(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        form = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        if headers.get("content-type") != FORM or form.get("grant_type") != "authorization_code":
            return self._refuse("invalid_request")
        if not self._knows(headers, form):
            return self._refuse("invalid_client", 401)
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.redirect != form.get("redirect_uri"):
            return self._refuse("invalid_grant")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != code.challenge:
            return self._refuse("invalid_grant")
        answer: dict[str, Any] = {"access_token": "a", "token_type": "Bearer", "expires_in": 300}
        if "no token" not in self.mischief:
            answer["id_token"] = self._signed(code.nonce)
        return 200, json.dumps(answer).encode()

    def _knows(self, headers: Mapping[str, str], form: Mapping[str, str]) -> bool:
        if "client_secret_basic" in (self.methods or ["client_secret_basic"]):
            scheme, _, rest = headers.get("authorization", "").partition(" ")
            name, _, secret = base64.b64decode(rest).decode().partition(":")
            given = (unquote_plus(name), unquote_plus(secret))
            return scheme == "Basic" and given == (CLIENT, SECRET) and "client_secret" not in form
        return "authorization" not in headers and (form.get("client_id"), form.get("client_secret")) == (
            CLIENT,
            SECRET,
        )

    def _refuse(self, error: str, status: int = 400) -> tuple[int, bytes]:
        self.refused.append(error)
        return status, json.dumps({"error": error}).encode()

    def _signed(self, nonce: str) -> str:
        made = self.now().timestamp()
        claims = {
            "iss": self.url, "aud": CLIENT, "nonce": nonce, "iat": made, "exp": made + 300, **self.user, **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        key: RSAKey | ECKey = self.ec if self.algorithm == "ES256" else self.rsa
        header = {"alg": self.algorithm, "kid": key.kid}
        if "unsigned" in self.mischief:
            return f"{_part({'alg': 'none', 'kid': key.kid})}.{_part(claims)}."
        if "public key as secret" in self.mischief:
            content = f"{_part({'alg': 'HS256', 'kid': key.kid})}.{_part(claims)}"
            forged = hmac.new(key.as_pem(private=False), content.encode(), "sha256").digest()
            return f"{content}.{base64.urlsafe_b64encode(forged).decode().rstrip('=')}"
        if "another key" in self.mischief:
            key = _rsa(2)
        if "unknown key" in self.mischief:
            key = _rsa(2)
            header["kid"] = key.kid
        if "not a token" in self.mischief:
            return "a.b.c"
        token = jwt.encode(header, claims, key, registry=JWSRegistry(algorithms=list(SIGNING)))
        if "changed afterwards" in self.mischief:
            head, _, seal = token.split(".")
            return f"{head}.{_part({**claims, 'email': 'bob@example.com'})}.{seal}"
        return token

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _do(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                there = ""
                if self.path.startswith("/authorize?"):
                    there = provider.authorize(f"{provider.url}{self.path}")
                status, content = (
                    (303, b"") if there else provider._answer(self.command, self.path, headers, body)
                )
                self.send_response(status)
                if there:
                    self.send_header("location", there)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _do  # noqa: N815 -- the library's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def _part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
