"""A draft to Markdown, to one self-contained page, and to JSON. Stores nothing, merges nothing."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from incident_bot.core.model import Json, JsonObject
from incident_bot.core.postmortem import Draft, escape, fenced, without_fences
from incident_bot.render.templates import Rendered, Templates

_TAGS: Final = frozenset({
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
})  # fmt: skip


def postmortem_markdown(templates: Templates, draft: Draft) -> Rendered:
    """Write the draft as Markdown, each generated part between its comments; at its foot what fell back, and why."""
    facts = {"draft": draft, "now": draft.header.generated_at}
    rendered = templates.render("postmortem/postmortem.md.j2", facts)
    if rendered.fell_back is None:
        return rendered
    what = f"these blocks: {', '.join(rendered.blocks)}" if rendered.blocks else "the whole"
    notice = (
        f"_The built-in text stands in for {what}, as the template is broken. {escape(rendered.fell_back)}_"
    )
    return replace(rendered, text=f"{rendered.text}\n{fenced(notice, 'template')}\n")


def postmortem_html(
    templates: Templates, draft: Draft, markdown: str, graphs: Sequence[tuple[str, str]] = ()
) -> Rendered:
    """Write a post-mortem, as people have saved it, as one page that needs nothing else; no script runs.

    `graphs` are pictures as (words, SVG); they stand at its end, as images in which nothing can run either.
    """
    facts = {"draft": draft, "now": draft.header.generated_at, "body": to_html(markdown) + _figures(graphs)}
    return templates.render("postmortem/page.html.j2", facts)


def picture_address(svg: str) -> str:
    """Give the address that is a picture itself: no text of it can be read in the page around it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _figures(graphs: Sequence[tuple[str, str]]) -> Markup:
    figure = Markup('<figure><img src="{}" alt="{}" width="760"><figcaption>{}</figcaption></figure>\n')
    shown = [figure.format(picture_address(svg), words, words) for words, svg in graphs]
    return Markup("<h2>Graphs</h2>\n") + Markup("").join(shown) if shown else Markup("")


def to_html(markdown: str) -> Markup:
    """Turn Markdown into HTML in which nothing can run, load or pose as the page around it."""
    loose = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    clean = nh3.clean(
        loose.render(without_fences(markdown)),
        tags=set(_TAGS),
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(clean)  # noqa: S704 - cleaned above


def step_to_html(text: str, *, path: str) -> Markup:
    """Turn one step of a runbook into HTML within a line, as safe as `to_html`.

    Links to other runbooks are written as seen from `path`, the runbook's own; on other pages they lead there, too.
    """
    parser = MarkdownIt("commonmark", {"html": False}).disable("image").enable("strikethrough")
    tokens = parser.parseInline(text)
    for token in tokens[0].children or []:
        address = str(token.attrs.get("href", ""))
        if (
            token.type == "link_open"
            and address
            and ":" not in address
            and not address.startswith(("/", "#"))
        ):
            token.attrs["href"] = posixpath.normpath(
                posixpath.join("/runbooks", posixpath.dirname(path), address)
            )
    clean = nh3.clean(
        parser.renderer.render(tokens, parser.options, {}),
        tags={"a", "code", "del", "em", "s", "strong"},
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(clean)  # noqa: S704 - cleaned above


def postmortem_json(draft: Draft) -> JsonObject:
    """Give the whole draft as JSON: instants as RFC 3339 in UTC, durations in seconds."""
    value = _json(draft)
    return value if isinstance(value, dict) else {}


def _json(value: object) -> Json:
    if is_dataclass(value):
        return {field.name: _json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [_json(part) for part in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value if value is None or isinstance(value, str | int | float) else str(value)
