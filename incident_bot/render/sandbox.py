"""The fence around templates: strict about names, safe by default, and bounded in work and size.

Every value that a template prints is made safe for where its text goes (Markdown, Slack, HTML, plain text)
unless a filter has done so already; there is no filter that switches this off. Loops, calls and texts are
counted, so that a template which would run for ever fails instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, cast

from jinja2 import DictLoader, StrictUndefined, Undefined, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from incident_bot.render.filters import KEPT, OWN, TARGETS, target_of

STEPS_MOST: Final = 20_000
"""Rounds of loops and calls in one rendering."""
RANGE_MOST: Final = 1_000
TEXT_MOST: Final = 200_000
NUMBER_MOST: Final = 10**12
_TEXT_METHODS: Final = frozenset({
    "capitalize", "casefold", "count", "endswith", "find", "isdigit", "lower", "lstrip", "removeprefix",
    "removesuffix", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper",
})  # fmt: skip


@dataclass(slots=True)
class _Budget:
    """What one rendering may still do."""

    steps: int = STEPS_MOST

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise SecurityError(f"does more than {STEPS_MOST} steps")


class Sandbox(SandboxedEnvironment):
    """A Jinja2 environment over texts in memory; it opens no file and knows no `safe`."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Take every text by its name."""
        super().__init__(
            loader=DictLoader(texts),
            undefined=StrictUndefined,
            autoescape=True,
            finalize=_made_safe,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
            auto_reload=False,
        )
        self.filters = {name: self.filters[name] for name in KEPT} | dict(OWN) | {_COUNTED: self._counted}
        self.filters |= {_BOUNDED: bounded}
        self.globals = {"range": self._range}
        self._budget: ContextVar[_Budget | None] = ContextVar("budget", default=None)

    def begin(self) -> None:
        """Start a rendering with a full budget."""
        self._budget.set(_Budget())

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call what a template calls, and count it."""
        self._spend(1)
        return bounded(super().call(context, obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Calculate with numbers, and add texts; nothing here can make much out of little."""
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if operator == "**" or (operator in "*%" and not numbers):
            raise SecurityError(f"uses {operator} on {type(left).__name__} and {type(right).__name__}")
        if numbers and max(abs(left), abs(right)) > NUMBER_MOST:
            raise SecurityError("calculates with very large numbers")
        return bounded(super().call_binop(context, operator, left, right))

    def wrap_str_format(self, value: Any) -> None:
        """Leave `format` to `is_safe_attribute`, which refuses it: a width in it can ask for any memory."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Allow a text's harmless methods, and the public attributes of everything else."""
        if isinstance(obj, str | bytes):
            return attr in _TEXT_METHODS
        return super().is_safe_attribute(obj, attr, value)

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,  # noqa: FBT001, FBT002
    ) -> str:
        """Count the rounds of every loop, and bound every text that is put together."""
        for loop in source.find_all(nodes.For):
            loop.iter = self._through(_COUNTED, loop.iter)
        for assigned in source.find_all(nodes.Assign):
            assigned.node = self._through(_BOUNDED, assigned.node)
        for block in source.find_all(nodes.AssignBlock):
            inner = block.filter or nodes.Filter(None, "string", [], [], None, None, lineno=block.lineno)
            block.filter = self._through(_BOUNDED, inner)
        return super()._generate(source, name, filename, defer_init=defer_init)

    def _through(self, name: str, node: nodes.Node) -> nodes.Filter:
        passed = nodes.Filter(cast("nodes.Expr", node), name, [], [], None, None, lineno=node.lineno)
        passed.set_environment(self)
        return passed

    def _spend(self, steps: int) -> None:
        budget = self._budget.get()
        if budget is not None:
            budget.spend(steps)

    def _counted(self, values: Iterable[object]) -> list[object]:
        counted = list(values)
        self._spend(len(counted) + 1)
        return counted

    def _range(self, *ends: int) -> range:
        numbers = range(*ends)
        if len(numbers) > RANGE_MOST:
            raise SecurityError(f"has a range of more than {RANGE_MOST}")
        return numbers


_COUNTED: Final = "loop counted"
_BOUNDED: Final = "text bounded"
"""Names with a space: no template can write them."""


def bounded(value: Any) -> Any:
    """Give the value back, unless it has become too long to be one."""
    if isinstance(value, str | list | tuple | dict) and len(value) > TEXT_MOST:
        raise SecurityError(f"makes a text of more than {TEXT_MOST} characters")
    return value


@pass_context
def _made_safe(context: Context, value: object) -> Markup:
    """Make what is printed safe for the reader of the template; nothing is printed for None."""
    if isinstance(value, Undefined):
        str(value)
    if isinstance(value, Markup):
        return value
    return Markup() if value is None else TARGETS[target_of(context.name or "")](value)
