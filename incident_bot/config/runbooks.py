"""`runbooks/**/*.md`: Markdown with front matter that says for which alerts it is. Judges no text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationInfo

from incident_bot.config.documents import Length, Names, Shape, Text, Web, nearest, read
from incident_bot.config.durations import format_duration
from incident_bot.config.holidays import Date
from incident_bot.config.routing import MatchLine
from incident_bot.config.tree import Tree, parse
from incident_bot.core.enrich import Runbook, sections
from incident_bot.core.errors import Problem

FOLDER: Final = "runbooks/"
_MARK: Final = "---"
_HEADING: Final = re.compile(r"^#[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)


def _owner(value: str, info: ValidationInfo) -> str:
    names = info.context
    if not isinstance(names, Names) or names.teams is None or names.people is None:
        return value
    known = names.teams | names.people
    if value not in known:
        raise ValueError(f'unknown team or person "{value}"{nearest(value, known)}')
    return value


class RunbookShape(Shape):
    """The front matter of a runbook."""

    title: Text | None = None
    alerts: list[Text] = Field(default_factory=list)
    match: list[MatchLine] = Field(default_factory=list)
    owner: Annotated[str, AfterValidator(_owner)] | None = None
    reviewed: Date | None = None
    review_every: Length | None = None
    dashboards: list[Web] = Field(default_factory=list)


def build_runbooks(
    texts: Mapping[str, str], names: Names, problems: list[Problem], *, now: datetime
) -> tuple[Runbook, ...]:
    """Give every runbook, in the order of their paths; a README without front matter is none."""
    books: list[Runbook] = []
    claims: dict[str, str] = {}
    for path, text in sorted(texts.items()):
        try:
            front, body = _split(text)
        except ValueError as error:
            problems.append(Problem(path, 1, str(error)))
            continue
        if front is None and PurePosixPath(path).stem.lower() == "readme":
            continue
        tree, found = _tree(path, front)
        problems += found
        shape = read(RunbookShape, tree, names=names, problems=problems) if tree else None
        if tree is None or shape is None:
            continue
        problems += _oddities(shape, tree, front, claims, now=now)
        books.append(_runbook(path, shape, body))
    return tuple(books)


def _split(text: str) -> tuple[str | None, str]:
    """Part front matter and body; it keeps its opening line, so that its lines count from the top."""
    lines = text.splitlines(keepends=True)
    if not lines or lines[0].rstrip() != _MARK:
        return None, text
    ends = (index for index, line in enumerate(lines[1:], start=1) if line.rstrip() == _MARK)
    end = next(ends, None)
    if end is None:
        raise ValueError(f"front matter begins here and never ends; write {_MARK} on the line after it")
    return "".join(lines[:end]), "".join(lines[end + 1 :])


def _tree(path: str, front: str | None) -> tuple[Tree | None, tuple[Problem, ...]]:
    return parse(front, file=path) if front is not None else (Tree(file=path, value={}), ())


def _oddities(
    shape: RunbookShape, tree: Tree, front: str | None, claims: dict[str, str], *, now: datetime
) -> list[Problem]:
    odd: list[Problem] = []
    if not shape.alerts and not shape.match:
        reason = "has no front matter" if front is None else "names neither alerts nor match"
        odd.append(tree.problem((), f"{reason}: no alert leads to this runbook", severity="warning"))
    for index, alert in enumerate(shape.alerts):
        other = claims.setdefault(alert, tree.file)
        if other != tree.file:
            message = f"{other} names {alert} too, and wins because its path sorts first"
            odd.append(tree.problem(("alerts", index), message, severity="warning"))
    if shape.review_every and shape.reviewed and now.date() > shape.reviewed + shape.review_every:
        message = (
            f"last reviewed on {shape.reviewed}, due every {format_duration(shape.review_every)}: overdue"
        )
        odd.append(tree.problem(("reviewed",), message, severity="warning"))
    if shape.review_every and not shape.reviewed:
        message = "means nothing without reviewed: and the date of the last review"
        odd.append(tree.problem(("review_every",), message, severity="warning"))
    return odd


def _runbook(path: str, shape: RunbookShape, body: str) -> Runbook:
    heading = _HEADING.search(body)
    stem = PurePosixPath(path).stem.replace("-", " ").replace("_", " ")
    return Runbook(
        path=path.removeprefix(FOLDER),
        title=shape.title or (heading[1] if heading else stem),
        alerts=tuple(shape.alerts),
        match=tuple(matcher for line in shape.match for matcher in line),
        owner=shape.owner,
        reviewed=shape.reviewed,
        review_every=shape.review_every,
        dashboards=tuple(shape.dashboards),
        sections=sections(body),
        text=body,
    )
