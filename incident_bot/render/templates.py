"""The words that people read: the user's templates over the built-in ones. Opens only its own package data.

A broken template never costs a page: it is reported, and the built-in text stands in for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from jinja2 import TemplateError, TemplateSyntaxError, meta, nodes

from incident_bot.core.errors import Problem
from incident_bot.core.timeline import one_line
from incident_bot.render.facts import FACTS
from incident_bot.render.filters import html, target_of
from incident_bot.render.sandbox import Sandbox

FOLDER: Final = "templates/"
BUILTIN: Final = "builtin/"
MESSAGE_MOST: Final = 40_000
DOCUMENT_MOST: Final = 2_000_000
SOURCE_MOST: Final = 200_000
_BREAKS: Final = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""Whatever a template can break with."""
_BLOCK: Final = re.compile(r"block '(\w+)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A text, and why it is the built-in one where it is."""

    text: str
    fell_back: str | None = None
    blocks: tuple[str, ...] = ()
    """The blocks for which the built-in ones stand in; none where the whole text is the built-in one."""


class Templates:
    """The user's texts over the built-in ones; made once per configuration revision."""

    def __init__(self, texts: Mapping[str, str] | None = None) -> None:
        """Take the user's texts by their paths below `templates/`, such as `slack/initial.j2`."""
        own = {name.removeprefix(FOLDER): text for name, text in (texts or {}).items()}
        self._own = {name: text for name, text in own.items() if not name.startswith(BUILTIN)}
        self._refused = tuple(sorted(own.keys() - self._own.keys()))
        builtin = builtin_texts()
        named = {f"{BUILTIN}{name}": text for name, text in builtin.items()}
        self._sandbox = Sandbox({**builtin, **self._own, **named})
        self._sources = {**builtin, **self._own, **named}
        self.broken: dict[str, str] = {}
        """What fell back since this revision was loaded, by template, and why."""

    def render(self, name: str, facts: Mapping[str, object]) -> Rendered:
        """Write one text; falls back to built-in blocks, to the built-in text, then to the bare facts; never raises."""
        why: str | None = None
        broken: dict[str, str] = {}
        candidate = name
        while True:
            try:
                text = self._written(candidate, facts, instead=broken if candidate == name else {})
            except _BREAKS as error:
                block = self._block_of(error, name) if candidate == name else None
                if block is not None and block not in broken:
                    # Only this block is broken: the others stay as the user has them.
                    broken[block] = f"{FOLDER}{name}: block {block}: {_said(error)}"
                    continue
                why = why or f"{FOLDER}{name}: {_said(error)}"
                if candidate != name:
                    break
                candidate = f"{BUILTIN}{name}"
            else:
                why = why or next(iter(broken.values()), None)
                if why is not None:
                    self.broken[name] = why
                return Rendered(text=text, fell_back=why, blocks=tuple(broken) if candidate == name else ())
        self.broken[name] = why
        known = (facts.get(key) for key in ("severity", "name", "title", "text", "url"))
        bare = one_line(" ".join(str(fact) for fact in known if fact))
        return Rendered(text=str(html(bare)) if target_of(name) == "html" else bare, fell_back=why)

    def warm(self) -> None:
        """Compile every text that is written somewhere, so that the first page does not wait for it."""
        for name in FACTS:
            with suppress(*_BREAKS):
                self._sandbox.get_template(name)

    def problems(self) -> tuple[Problem, ...]:
        """Give everything that is wrong with the user's templates, each with its file and line."""
        found = [
            Problem(
                f"{FOLDER}{name}",
                1,
                f"nothing can stand under {BUILTIN}: that is where the built-in texts are",
            )
            for name in self._refused
        ]
        for name in sorted(self._own):
            found.extend(self._problems_of(name))
        return tuple(sorted(found))

    def _block_of(self, error: BaseException, name: str) -> str | None:
        """Give the block in which it broke, where there is a built-in one of that name."""
        trace, found = error.__traceback__, None
        while trace is not None:
            # Jinja2 rewrites the traceback: a block's function is called `block 'summary'`.
            code = trace.tb_frame.f_code
            if code.co_filename == "<template>" and (block := _BLOCK.fullmatch(code.co_name)):
                found = block[1]
            trace = trace.tb_next
        named = f"{BUILTIN}{name}"
        if found is None or name not in self._own or named not in self._sources:
            return None
        return found if found in self._sandbox.get_template(named).blocks else None

    def _pieces(self, name: str, facts: Mapping[str, object], instead: Mapping[str, str]) -> Iterator[str]:
        """Write one text piece by piece, with the built-in blocks of these names."""
        template = self._sandbox.get_template(name)
        if not instead:
            yield from template.generate(**facts)
            return
        builtin = self._sandbox.get_template(f"{BUILTIN}{name}")
        context = template.new_context(dict(facts))
        for block in instead:
            context.blocks[block] = [builtin.blocks[block]]
        try:
            yield from template.root_render_func(context)
        except _BREAKS:
            self._sandbox.handle_exception()

    def _written(
        self, name: str, facts: Mapping[str, object], *, instead: Mapping[str, str] | None = None
    ) -> str:
        """Write one text in pieces, and stop where it becomes too long."""
        self._sandbox.begin()
        is_document = name.removeprefix(BUILTIN).startswith(("postmortem/", "status/"))
        most = DOCUMENT_MOST if is_document else MESSAGE_MOST
        pieces: list[str] = []
        size = 0
        for piece in self._pieces(name, facts, instead or {}):
            size += len(piece)
            if size > most:
                raise ValueError(f"is longer than {most} characters")
            pieces.append(piece)
        text = "".join(pieces).strip()
        if not text:
            raise ValueError("gives an empty text")
        return f"{text}\n"

    def _problems_of(self, name: str) -> Iterator[Problem]:
        file, text = f"{FOLDER}{name}", self._own[name]
        if len(text) > SOURCE_MOST:
            yield Problem(file, 1, f"is longer than {SOURCE_MOST} characters")
            return
        try:
            tree = self._sandbox.parse(text)
            self._sandbox.compile(text)
        except TemplateSyntaxError as error:
            yield Problem(file, error.lineno, _said(error))
            return
        except _BREAKS as error:
            yield Problem(file, 1, _said(error))
            return
        wrong = [*self._strange_names(name, tree), *self._strange_files(name, tree)]
        yield from wrong
        if not wrong and name in FACTS:
            yield from self._trial(name)
        if name not in FACTS and not _is_partial(name):
            known = ", ".join(FACTS)
            yield Problem(
                file, 1, f"nothing is written with a template of this name; there are {known}", "warning"
            )

    def _strange_names(self, name: str, tree: nodes.Template) -> Iterator[Problem]:
        """Name what is used and never given."""
        given = set(FACTS[name]) if name in FACTS else {fact for facts in FACTS.values() for fact in facts}
        used = meta.find_undeclared_variables(tree) - self._macros(tree) - self._sandbox.globals.keys()
        for unknown in sorted(used - given):
            lines = [node.lineno for node in tree.find_all(nodes.Name) if node.name == unknown]
            known = ", ".join(sorted(given))
            yield Problem(
                f"{FOLDER}{name}", min(lines, default=1), f"there is no {unknown!r} here; there are {known}"
            )

    def _macros(self, tree: nodes.Template) -> set[str]:
        """Give the macros of a template and of those that it extends: its blocks may use them."""
        trees = [tree]
        for name in meta.find_referenced_templates(tree):
            with suppress(TemplateSyntaxError):
                trees.append(self._sandbox.parse(self._sources.get(name or "", "")))
        return {macro.name for one in trees for macro in one.find_all(nodes.Macro)}

    def _strange_files(self, name: str, tree: nodes.Template) -> Iterator[Problem]:
        """Name the templates that are referred to and not there."""
        for wanted in meta.find_referenced_templates(tree):
            if wanted is None:
                yield Problem(f"{FOLDER}{name}", 1, "names another template by a computed name; write it out")
            elif wanted not in self._sources:
                yield Problem(f"{FOLDER}{name}", 1, f"there is no template {wanted!r}")

    def _trial(self, name: str) -> Iterator[Problem]:
        """Write the text once with the example facts."""
        try:
            self._written(name, FACTS[name])
        except _BREAKS as error:
            yield Problem(f"{FOLDER}{name}", _line_of(error), f"fails with the example facts: {_said(error)}")


def builtin_texts() -> dict[str, str]:
    """Give the built-in templates by their names."""
    return dict(_texts(files("incident_bot.render") / "builtin", ""))


def _texts(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for child in folder.iterdir():
        if child.is_dir():
            yield from _texts(child, f"{path}{child.name}/")
        elif child.name.endswith(".j2"):
            yield f"{path}{child.name}", child.read_text(encoding="utf-8")


def _is_partial(name: str) -> bool:
    return name.rpartition("/")[2].startswith("_")


def _said(error: BaseException) -> str:
    return one_line(str(error) or type(error).__name__, 300)


def _line_of(error: BaseException) -> int:
    """Find the line in which it broke: Jinja2 rewrites the traceback to the template's own lines."""
    trace, line = error.__traceback__, 1
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
