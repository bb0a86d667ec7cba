"""The templates of `channels.yaml`: what a push service is sent, in the fence around all templates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from jinja2 import TemplateError, TemplateSyntaxError, meta
from markupsafe import Markup

from incident_bot.core.errors import Problem
from incident_bot.core.timeline import one_line
from incident_bot.render.sandbox import Sandbox

BODY: Final = "body"
BODY_MOST: Final = 100_000
JSON_TYPE: Final = "application/json"

FACTS: Final[Mapping[str, object]] = {
    "subject": "P1: Checkout answers with errors",
    "text": 'INC-42 [P1] Checkout "answers" with errors\nCPU 12 % → 97 %',
    "url": "https://bot.example.com/incidents/INC-42",
    "ack_url": "https://bot.example.com/ack/0123456789abcdef",
    "kind": "page",
    "urgent": True,
    "attempt": 1,
    "key": "page:42:1:0:0:alice:ntfy",
    "person": {"id": "alice", "name": "Alice Example", "time_zone": "Europe/Berlin"},
    "address": "alice-pages",
    "token": "tk_0123456789",
    "facts": {"incident": "INC-42", "severity": "P1", "step": 0},
}
"""What a template is given, with examples; `ack_url`, `url` and `token` may be empty."""
_BREAKS: Final = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


class PushTemplates:
    """The body and the headers of one channel."""

    def __init__(self, body: str | None, headers: Mapping[str, str]) -> None:
        """Take the texts; None for the body where there is no template for it."""
        self._texts = {name: text for name, text in ((BODY, body), *headers.items()) if text is not None}
        self._sandbox = Sandbox(self._texts)
        self._sandbox.filters["tojson"] = _tojson

    def body(self, facts: Mapping[str, object]) -> str:
        """Write the body; raises ValueError with what is wrong."""
        return self._written(BODY, facts)

    def header(self, name: str, facts: Mapping[str, object]) -> str:
        """Write one header; raises ValueError with what is wrong."""
        return self._written(name, facts).strip()

    def problems(self, *, file: str, line: int) -> Iterator[Problem]:
        """Give what is wrong with the templates; `line` is where the body is written."""
        for name, text in self._texts.items():
            wrong = self._wrong(name, text)
            if wrong is not None:
                yield Problem(file, line, f"{'' if name == BODY else f'header {name}: '}{wrong}")

    def _wrong(self, name: str, text: str) -> str | None:
        try:
            unknown = meta.find_undeclared_variables(self._sandbox.parse(text)) - FACTS.keys() - {"range"}
        except TemplateSyntaxError as error:
            return f"line {error.lineno} of the template: {_said(error)}"
        if unknown:
            return f"there is no {min(unknown)!r} here; there are {', '.join(sorted(FACTS))}"
        for facts in (FACTS, {**FACTS, "ack_url": None, "url": None, "urgent": False}):
            try:
                written = self._written(name, facts)
                if name == BODY and self._is_json():
                    json.loads(written)
            except json.JSONDecodeError as error:
                return f"gives no JSON with the example facts: {error}; write texts as {{{{ subject | tojson }}}}"
            except ValueError as error:
                return f"fails with the example facts: {error}"
        return None

    def _is_json(self) -> bool:
        types = [text for name, text in self._texts.items() if name.lower() == "content-type"]
        return not types or "json" in types[0].lower()

    def _written(self, name: str, facts: Mapping[str, object]) -> str:
        self._sandbox.begin()
        try:
            written = self._sandbox.get_template(name).render(**facts)
        except _BREAKS as error:
            raise ValueError(_said(error)) from error
        if len(written) > BODY_MOST:
            message = f"is longer than {BODY_MOST} characters"
            raise ValueError(message)
        return written


def _tojson(value: object) -> Markup:
    """Write a value as JSON, so that nothing in a text can end it."""
    # Half of a surrogate pair, which JSON may bring in, stays an escape: every receiver reads it.
    return Markup(json.dumps(value, default=str))  # noqa: S704 -- nothing reads markup here


def _said(error: BaseException) -> str:
    return one_line(str(error) or type(error).__name__, 300)
