"""The runbooks that ship are complete: every one can be followed from the page to the all-clear."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from incident_bot.core.enrich import SECTIONS, sections
from incident_bot.render.documents import step_to_html
from incident_bot.render.messages import STEP_SECTIONS

FOLDER = Path(__file__).parents[2] / "runbooks"
BOOKS = sorted(path for path in FOLDER.rglob("*.md") if path.stem.lower() != "readme")
ALERTS = {
    "services/high-error-rate.md": "HighErrorRate, CriticalErrorRate",
    "services/high-response-time.md": "HighResponseTime, CriticalResponseTime",
    "services/service-down.md": "ServiceDown, InstanceDown",
    "services/database-connections.md": "HighDatabaseConnections, DatabaseDown",
    "infrastructure/disk-space.md": "HighDiskUsage, CriticalDiskUsage, DiskFilling",
    "infrastructure/high-cpu.md": "HighCPUUsage, CriticalCPUUsage, HighCPU",
}


@pytest.mark.parametrize("path", ALERTS)
def test_the_alerts_that_it_is_for(path: str) -> None:
    front = (FOLDER / path).read_text().split("---")[1]
    assert f"alerts: [{ALERTS[path]}]" in front
    for line in ("title: ", "owner: ", "reviewed: 20", "review_every: "):
        assert f"\n{line}" in front


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_every_part_has_steps_and_commands(book: Path) -> None:
    text = book.read_text()
    found = sections(text)
    assert list(found) == list(SECTIONS)
    assert all(len(section.steps) >= 2 for section in found.values())
    assert set(STEP_SECTIONS) <= set(SECTIONS)
    assert text.count("`") > 40
    assert "## When to escalate" in text


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_its_links_lead_somewhere(book: Path) -> None:
    for target in re.findall(r"\]\(([^)]+\.md)\)", book.read_text()):
        assert (book.parent / target).resolve().is_file(), target


STEPS = {
    "Run `top -c`": "Run <code>top -c</code>",
    "Follow [it](database-connections.md)": 'Follow <a href="/runbooks/services/database-connections.md" rel="noopener '
    'noreferrer nofollow">it</a>',
    "See [disks](../infrastructure/disk-space.md#now)": 'See <a href="/runbooks/infrastructure/disk-space.md#now" '
    'rel="noopener noreferrer nofollow">disks</a>',
    "[Out](https://example.com/a)": '<a href="https://example.com/a" rel="noopener noreferrer nofollow">Out</a>',
    "[x](javascript:alert(1)) <script>a</script>": "[x](javascript:alert(1)) &lt;script&gt;a&lt;/script&gt;",
    "![](https://example.com/a.png)": '!<a href="https://example.com/a.png" rel="noopener noreferrer nofollow"></a>',
    "[up](../../../etc/passwd)": '<a href="/etc/passwd" rel="noopener noreferrer nofollow">up</a>',
    "**Stop** at once": "<strong>Stop</strong> at once",
}


@pytest.mark.parametrize("text", STEPS)
def test_a_step_is_read_as_it_was_written(text: str) -> None:
    assert step_to_html(text, path="services/high-error-rate.md") == STEPS[text]
