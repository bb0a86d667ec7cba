"""Runbooks: which one belongs to an alert, and what its steps are."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.enrich import SECTIONS, Runbook, Section, find_runbook, sections
from incident_bot.core.matchers import parse_matchers

NAMED = Runbook(path="named.md", title="Named", alerts=("A", "B"))
ONE = Runbook(path="one.md", title="One", match=parse_matchers("service=s"))
TWO = Runbook(path="two.md", title="Two", match=parse_matchers("service=s,alertname=~A.*"))
TWIN = Runbook(path="twin.md", title="Twin", alerts=("A",))
BOTH = Runbook(path="both.md", title="Both", alerts=("A",), match=parse_matchers("service=other"))

FIND: dict[str, tuple[tuple[Runbook, ...], dict[str, str], str | None, str]] = {
    "no books": ((), {"alertname": "A"}, None, "no runbook here matches"),
    "none matches": ((NAMED, ONE), {"alertname": "C"}, None, "no runbook here matches"),
    "by name": ((ONE, NAMED), {"alertname": "B"}, "named.md", "named.md matches by the name B"),
    "matchers before names": (
        (NAMED, ONE),
        {"alertname": "A", "service": "s"},
        "one.md",
        'one.md matches by service="s"',
    ),
    "more matchers first": (
        (ONE, TWO, NAMED),
        {"alertname": "A1", "service": "s"},
        "two.md",
        'two.md matches by service="s", alertname=~"A.*"',
    ),
    "ties by path": ((TWIN, NAMED), {"alertname": "A"}, "named.md", "named.md matches by the name A"),
    "matchers fail, the name fits": ((BOTH,), {"alertname": "A"}, "both.md", "both.md matches by the name A"),
    "an alert without a name": ((NAMED,), {}, None, "no runbook here matches"),
}

DROPPED = "no runbook here matches; its runbook_url is dropped: "
URLS = {
    "https": (
        " https://wiki/x?y#z ",
        "https://wiki/x?y#z",
        "no runbook here matches; its rule names a runbook_url",
    ),
    "http": ("HTTP://wiki/x", "HTTP://wiki/x", "no runbook here matches; its rule names a runbook_url"),
    "none": ("", None, "no runbook here matches"),
    "script": ("javascript:alert(1)", None, DROPPED + "only http and https addresses are shown"),
    "path": ("runbooks/x.md", None, DROPPED + "only http and https addresses are shown"),
    "no host": ("https:///x", None, DROPPED + "it names no host"),
    "broken": ("https://[x/", None, DROPPED + "it is no address"),
    "space": ("https://wiki/x y", None, DROPPED + "it is no address"),
    "control": ("https://wiki/\u202ex", None, DROPPED + "it is no address"),
    "long": ("https://wiki/" + "x" * 2000, None, DROPPED + "it is no address"),
}


@pytest.mark.parametrize("book, labels, path, reason", FIND.values(), ids=FIND)
def test_the_most_specific_wins(
    book: tuple[Runbook, ...], labels: dict[str, str], path: str | None, reason: str
) -> None:
    for shuffled in permutations(book):
        found = find_runbook(labels, {}, shuffled)
        assert (found.runbook.path if found.runbook else None, found.reason) == (path, reason)
        assert found.url is None


@pytest.mark.parametrize("told, url, reason", URLS.values(), ids=URLS)
def test_addresses(told: str, url: str | None, reason: str) -> None:
    found = find_runbook({"alertname": "C"}, {"runbook_url": told}, (NAMED,))
    assert (found.runbook, found.url, found.reason) == (None, url, reason)


def test_the_address_is_given_besides_the_runbook() -> None:
    found = find_runbook({"alertname": "A"}, {"runbook_url": "https://wiki/a"}, (NAMED,))
    assert (found.runbook, found.url) == (NAMED, "https://wiki/a")
    assert found.reason == "named.md matches by the name A; its rule names a runbook_url"


BOOK = """# High error rate
1. not a step of any section

## 1. Detection & Alert
Look at the graph.

### What it means
Users see errors.

## 🛠 Mitigation Steps ##
Text before.

1. Restart it
   with care
2) [ ] Tell people:
   - on chat
   - by mail
3. Run

   ```sh
   # Verification
   1. no step
   ```
   and wait
  4. ~~~ is no fence here
12. Last
### Aside
1. Aside's own

#### rollback

~~~~
## Investigation
~~~
~~~~
1.no step
- no step

# Links
## Mitigation
1. Again
"""


def test_sections() -> None:
    found = sections(BOOK)
    assert list(found) == ["Detection", "Mitigation", "Rollback"]
    assert found["Detection"] == Section(
        name="Detection", text="Look at the graph.\n\n### What it means\nUsers see errors."
    )
    assert found["Mitigation"].steps == (
        "Restart it with care",
        "Tell people:",
        "Run",
        "~~~ is no fence here",
        "Last",
        "Aside's own",
        "Again",
    )
    assert found["Mitigation"].text.startswith("Text before.\n\n1. Restart it")
    assert found["Mitigation"].text.endswith("1. Aside's own\n\n1. Again")
    assert found["Rollback"].steps == ()
    assert found["Rollback"].text == "~~~~\n## Investigation\n~~~\n~~~~\n1.no step\n- no step"


HEADINGS = {
    "plain": ("## Detection", ["Detection"]),
    "any case": ("### DETECTION", ["Detection"]),
    "any level": ("###### Detection", ["Detection"]),
    "numbered": ("## 2.1) Investigation", ["Investigation"]),
    "bold": ("## **Rollback:**", ["Rollback"]),
    "closed": ("## Verification ##", ["Verification"]),
    "indented code": ("    ## Detection", []),
    "no space": ("##Detection", []),
    "seven": ("####### Detection", []),
    "other word first": ("## After detection", []),
    "part of a word": ("## Detections", []),
    "empty": ("##", []),
    "numbers alone": ("## 12", []),
    "not a heading": ("Detection", []),
    "inline code is no fence": ("``` x`y\n## Detection", ["Detection"]),
    "open fence": ("```\n## Detection", []),
    "fence closed by a longer one": ("```\n````\n## Detection", ["Detection"]),
    "fence not closed by text": ("```\n``` x\n## Detection", []),
}


@pytest.mark.parametrize("text, expected", HEADINGS.values(), ids=HEADINGS)
def test_headings(text: str, expected: list[str]) -> None:
    assert list(sections(text)) == expected


@given(st.text(alphabet=st.sampled_from("#1. \n`~-xDetection"), max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    for name, section in sections(text).items():
        assert name == section.name
        assert name in SECTIONS
        assert all(step.strip() == step and "\n" not in step and step for step in section.steps)


def test_steps_are_numbered_through_the_whole_runbook() -> None:
    book = Runbook(
        path="a.md",
        title="A",
        sections={
            "Investigation": Section(name="Investigation", text="", steps=("Look", "Ask")),
            "Verification": Section(name="Verification", text=""),
            "Mitigation": Section(name="Mitigation", text="", steps=("Roll back",)),
        },
    )
    assert book.steps == (
        (1, "Investigation", "Look"),
        (2, "Investigation", "Ask"),
        (3, "Mitigation", "Roll back"),
    )
