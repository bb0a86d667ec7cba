"""A strict reader of our own pages: what browsers forgive silently is a fault here."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
BLOCKS = frozenset(
    {"article", "details", "dialog", "div", "dl", "fieldset", "footer", "form", "h1", "h2", "h3", "h4", "header",
     "main", "nav", "ol", "p", "pre", "section", "table", "ul"}
)  # fmt: skip
WITHIN_ITSELF = frozenset({"a", "button", "form", "label", "p"})
"""What may not stand in another one of its kind."""
CHILDREN = {
    "ul": {"li"}, "ol": {"li"}, "dl": {"dt", "dd", "div"},
    "table": {"thead", "tbody", "tfoot", "tr", "caption", "colgroup"},
    "thead": {"tr"}, "tbody": {"tr"}, "tr": {"td", "th"}, "select": {"option", "optgroup"}, "datalist": {"option"},
}  # fmt: skip
POINTING = ("aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "for", "list", "form")


class Markup(HTMLParser):
    """Reads a page and keeps everything that is wrong with it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self._open: list[str] = []
        self._ids: list[str] = []
        self._wanted: list[tuple[str, str]] = []
        self._level = 0
        self._fields: list[dict[str, str | None]] = []
        self._labelled: set[str] = set()
        self._in_labels: list[dict[str, str | None]] = []
        if not text.lstrip().lower().startswith("<!doctype html>"):
            self.faults.append("no doctype")
        self.feed(text)
        self.close()
        self._finish()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        given = dict(attrs)
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> has an attribute twice: {names}")
        self._nested(tag)
        if given.get("id") is not None:
            self._ids.append(str(given["id"]))
        for name in POINTING:
            if given.get(name):
                self._wanted += [(f"<{tag} {name}>", one) for one in str(given[name]).split()]
        if tag in {"h1", "h2", "h3", "h4", "h5", "h6"}:
            self._heading(int(tag[1]))
        if tag == "label" and given.get("for"):
            self._labelled.add(str(given["for"]))
        if tag in {"input", "select", "textarea"} and given.get("type") not in {"hidden", "submit"}:
            (self._in_labels if "label" in self._open else self._fields).append(given)
        if tag == "img" and "alt" not in given:
            self.faults.append("an image without alt")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> at line {self.getpos()[0]} closes {self._open[-1:]}")
            if tag in self._open:
                while self._open.pop() != tag:
                    pass
            return
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and self._open and self._open[-1] in CHILDREN:
            self.faults.append(f"text in <{self._open[-1]}>: {data.strip()[:40]!r}")

    def _nested(self, tag: str) -> None:
        parent = self._open[-1] if self._open else None
        if tag in WITHIN_ITSELF and tag in self._open:
            self.faults.append(f"<{tag}> within <{tag}> at line {self.getpos()[0]}")
        if tag in BLOCKS and any(one in self._open for one in ("p", "h1", "h2", "h3", "span", "button")):
            self.faults.append(f"<{tag}> within {self._open[-2:]} at line {self.getpos()[0]}")
        if (
            "svg" not in self._open
            and parent in CHILDREN
            and tag not in CHILDREN[parent] | {"script", "template"}
        ):
            self.faults.append(f"<{tag}> directly in <{parent}>")

    def _heading(self, level: int) -> None:
        if "dialog" in self._open:
            return
        if level > self._level + 1:
            self.faults.append(f"a heading of level {level} after level {self._level}")
        self._level = level

    def _finish(self) -> None:
        if self._open:
            self.faults.append(f"never closed: {self._open}")
        twice = {one for one in self._ids if self._ids.count(one) > 1}
        if twice:
            self.faults.append(f"ids that stand twice: {sorted(twice)}")
        known = set(self._ids)
        self.faults += [
            f"{where} points to {one!r}, which is not there"
            for where, one in self._wanted
            if one not in known
        ]
        self.faults += [
            f"a field without a label: {one}"
            for one in self._fields
            if one.get("id") not in self._labelled
            and not one.get("aria-label")
            and not one.get("aria-labelledby")
        ]
