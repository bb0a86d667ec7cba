"""Which expression an alert stands for, and what of a comparison is drawn: its left side, with a line at its right.

Reads PromQL only as far as it is sure; an expression that it is not sure of is drawn whole. Asks nobody.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qs, urlsplit

from incident_bot.core.model.series import agree

EXPRESSION_MOST: Final = 8000
"""Longer ones are not read."""
_TOKENS: Final = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<text>"(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | `[^`]*`)
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.:]))
      | (?P<word>[\w:.@$]+)
      | (?P<compare>[=!<>]=|[<>])
      | (?P<open>[(\[{])
      | (?P<close>[)\]}])
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_HOLDS: Final[Mapping[str, Callable[[float, float], bool]]] = MappingProxyType(
    {
        ">": operator.gt,
        ">=": operator.ge,
        "<": operator.lt,
        "<=": operator.le,
        "==": operator.eq,
        "!=": operator.ne,
    }
)
_TURNED: Final[Mapping[str, str]] = MappingProxyType({">": "<", ">=": "<=", "<": ">", "<=": ">="})
_PAIRS: Final[Mapping[str, str]] = MappingProxyType({"(": ")", "[": "]", "{": "}"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """What a value is compared with."""

    compare: str
    """One of `>`, `>=`, `<`, `<=`, `==`, `!=`."""
    value: float

    def holds(self, value: float) -> bool:
        """Tell whether the condition is met by a value."""
        return _HOLDS[self.compare](value, self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What is asked and drawn for an expression."""

    expression: str
    threshold: Threshold | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One alerting rule of the alert's name."""

    expression: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int
    depth: int


def split(expression: str) -> Drawn:
    """Give the side of a comparison that varies, with the number on the other side as the threshold.

    Of `a > 5 and b` that is `a`: its values are what comes through. Anything else is given whole.
    """
    whole = Drawn(expression=expression.strip())
    tokens = _read(expression)
    if not tokens:
        return whole
    tokens = _bare(tokens)
    words = [token.text.casefold() for token in tokens if token.depth == 0 and token.kind == "word"]
    if "or" in words:
        return whole
    for place, token in enumerate(tokens):
        if token.depth == 0 and token.kind == "word" and token.text.casefold() in ("and", "unless"):
            tokens = _bare(tokens[:place])
            break
    compared = [place for place, token in enumerate(tokens) if token.depth == 0 and token.kind == "compare"]
    if len(compared) != 1:
        return whole
    left, right = _bare(tokens[: compared[0]]), _bare(tokens[compared[0] + 1 :])
    compare = tokens[compared[0]].text
    if left and (limit := _number(right)) is not None and _number(left) is None:
        return Drawn(expression=_text(expression, left), threshold=Threshold(compare=compare, value=limit))
    if right and (limit := _number(left)) is not None and _number(right) is None and _plain(right):
        turned = _TURNED.get(compare, compare)
        return Drawn(expression=_text(expression, right), threshold=Threshold(compare=turned, value=limit))
    return whole


def choose(rules: Iterable[Rule], labels: Mapping[str, str], told: str | None) -> str | None:
    """Give the expression of the rule that an alert comes from; `told` is what the alert itself says of it.

    Of several rules of one name the one whose fixed labels the alert has, and most of them; what the alert says
    decides between equals.
    """
    fitting = [rule for rule in rules if agree(_fixed(rule.labels), labels)]
    if not fitting:
        return told
    most = max(len(_fixed(rule.labels).items() & labels.items()) for rule in fitting)
    best = [rule for rule in fitting if len(_fixed(rule.labels).items() & labels.items()) == most]
    named = (rule.expression for rule in best if rule.expression == told)
    return next(named, best[0].expression)


def told_by(generator_url: str) -> str | None:
    """Give the expression in the address that Prometheus puts into an alert; its text alone, never the address."""
    try:
        query = parse_qs(urlsplit(generator_url).query, max_num_fields=50)
    except ValueError:
        return None
    found = query.get("g0.expr", [""])[0].strip()
    return found if 0 < len(found) <= EXPRESSION_MOST else None


def _read(expression: str) -> list[_Token]:
    """Give the tokens without blanks and comments; none where brackets or texts do not end."""
    if len(expression) > EXPRESSION_MOST:
        return []
    found: list[_Token] = []
    awaited: list[str] = []
    for match in _TOKENS.finditer(expression):
        kind, text = str(match.lastgroup), match.group()
        if kind == "space":
            continue
        if kind == "other" and text in "\"'`":
            return []
        if kind == "close" and (not awaited or awaited.pop() != text):
            return []
        found.append(_Token(kind, text, match.start(), match.end(), len(awaited)))
        if kind == "open":
            awaited.append(_PAIRS[text])
    return [] if awaited else found


def _bare(tokens: list[_Token]) -> list[_Token]:
    """Take off the brackets that enclose everything; depths are those within."""
    while (
        tokens
        and tokens[0].text == "("
        and tokens[-1].text == ")"
        and all(token.depth > tokens[0].depth for token in tokens[1:-1])
    ):
        tokens = [
            _Token(token.kind, token.text, token.start, token.end, token.depth - 1) for token in tokens[1:-1]
        ]
    return tokens


def _number(tokens: list[_Token]) -> float | None:
    """Read a number, or a product or quotient of numbers such as `1024 * 1024`."""
    result: float | None = None
    wanted, sign, divide = True, 1.0, False
    for token in tokens:
        if wanted and token.text in "+-":
            sign = -sign if token.text == "-" else sign
        elif wanted and token.kind == "number":
            value = sign * float(token.text)
            if divide and not value:
                return None
            result = value if result is None else result / value if divide else result * value
            wanted, sign = False, 1.0
        elif not wanted and token.text in "*/":
            wanted, divide = True, token.text == "/"
        else:
            return None
    return None if wanted else result


def _plain(tokens: list[_Token]) -> bool:
    """Tell whether what follows an operator is no modifier of it, such as `bool` or `on (…)`."""
    return tokens[0].text.casefold() not in ("bool", "on", "ignoring")


def _text(expression: str, tokens: list[_Token]) -> str:
    return expression[tokens[0].start : tokens[-1].end]


def _fixed(labels: Mapping[str, str]) -> dict[str, str]:
    """Leave out the labels whose values are templates."""
    return {name: value for name, value in labels.items() if "{{" not in value}
