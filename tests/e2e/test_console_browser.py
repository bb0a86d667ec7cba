"""The console in a real browser before a real bot: what loads, what lives, what works without script or sight."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.e2e.bodies import alert, delivery
from tests.e2e.configuration import small, write
from tests.e2e.harness import RunningBot, wait_for
from tests.e2e.sink import WebhookSink

# One group: the bot and the browser of this module start once.
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("browser")]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE: Final[ViewportSize] = {"width": 360, "height": 740}
DESK: Final[ViewportSize] = {"width": 1200, "height": 900}
PATIENCE = 30_000.0
"""Milliseconds: two busy cores are slow, and waiting ends as soon as the page is as expected."""
FIRST_PAINT_BYTES = 50_000
AXE_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
STORY, BROKEN = "INC-1", "INC-2"
HOSTILE = "<script>fetch('/pwned')</script><img src=x onerror=alert(1)>"
RUNBOOK = """---
title: Story
alerts: [Story]
owner: platform
---
## Investigation

1. Run `top` on the host

| Sign | Meaning |
|---|---|
| load | a very-long-word-without-any-place-to-break-it-a-very-long-word-without-any-place-to-break-it |

## Mitigation

1. Restart the worker
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """One bot with one incident that is over and one that should break the page; more come on demand."""

    bot: RunningBot
    numbers: Iterator[int]

    def open_incident(self) -> str:
        """Deliver an alert of a name of its own; gives the name of its incident."""
        name = f"Fresh{next(self.numbers):03d}"
        return self.deliver(alert(name, severity="warning", service="checkout"), name)

    def deliver(self, told: dict[str, object], title: str) -> str:
        """Deliver one alert and wait for the incident whose title holds this text."""
        assert self.bot.deliver(delivery([told], group=title)).status_code == 200
        found = wait_for(
            lambda: [one for one in self.bot.incidents() if title in one["title"]],
            what=f"an incident {title}",
        )
        name: str = found[0]["id"]
        return name


@dataclass(frozen=True, slots=True)
class Visit:
    """One page in a browser, and what it did that nobody sees."""

    page: Page
    complaints: list[str]
    requests: list[str]
    dialogs: list[str]

    def open(self, path: str) -> Page:
        self.page.goto(path, wait_until="load")
        return self.page


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("console")
    write(directory, {**small(), "runbooks/services/story.md": RUNBOOK})
    url = f"sqlite:///{directory}/bot.db"
    with (
        WebhookSink() as sink,
        RunningBot(directory, database_url=url, environment={"INCIDENT_BOT_WEBHOOK_URL": sink.url}) as bot,
    ):
        told = Stage(bot, itertools.count(1))
        story = alert(
            "Story", severity="critical", service="checkout", annotations={"summary": "Story fires"}
        )
        assert told.deliver(story, "Story") == STORY
        for text in ("ack", "note it is the disk", "task tell support", "resolve the disk was full"):
            bot.command(STORY, text)
        hostile = alert(
            f"Broken{HOSTILE}",
            severity="critical",
            service=HOSTILE,
            annotations={
                "summary": f"Broken {HOSTILE} {'x' * 120}",
                "description": f"{HOSTILE} {{{{ 7 * 7 }}}}",
                "runbook_url": "javascript:alert(1)",
            },
            instance=HOSTILE,
            a_long_name_of_a_label_that_breaks_layouts="y" * 120,
        )
        assert told.deliver(hostile, "Broken") == BROKEN
        bot.command(BROKEN, f"note {HOSTILE}")
        wait_for(
            lambda: {page["state"] for page in bot.pages(BROKEN)} & {"sent", "delivered"},
            what="the page went out",
        )
        yield told
        assert not bot.errors()


@pytest.fixture(scope="module")
def browser(program: Callable[[str], str]) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program("chromium"), args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def context(browser: Browser, stage: Stage) -> Iterator[BrowserContext]:
    made = browser.new_context(base_url=stage.bot.url, color_scheme="light")
    made.set_default_timeout(PATIENCE)
    yield made
    made.close()


@pytest.fixture
def visit(context: BrowserContext) -> Visit:
    return watched(context.new_page())


def watched(page: Page) -> Visit:
    """Keep what the page says on its console, asks for, and pops up."""
    told = Visit(page, [], [], [])

    def hear(message: ConsoleMessage) -> None:
        # Two answers that cross, one to a press and one to news: the later one is what stays on the page.
        crossing = "duplicate ids found during morph" in message.text
        if message.type in ("error", "warning") and not crossing:
            told.complaints.append(message.text)

    def dismiss(dialog: Any) -> None:
        told.dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("console", hear)
    page.on("pageerror", lambda error: told.complaints.append(str(error)))
    page.on("request", lambda request: told.requests.append(request.url))
    page.on("dialog", dismiss)
    return told


def test_acknowledges_without_script(browser: Browser, stage: Stage) -> None:
    incident = stage.open_incident()
    context = browser.new_context(base_url=stage.bot.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/incidents/{incident}")
    expect(page.locator(".held")).to_contain_text("Nobody has taken this yet", timeout=PATIENCE)
    page.get_by_role("button", name="Acknowledge").click()
    expect(page).to_have_url(f"{stage.bot.url}/incidents/{incident}", timeout=PATIENCE)
    expect(page.locator(".held")).to_contain_text("Taken by", timeout=PATIENCE)
    context.close()
    assert stage.bot.get(f"/api/v1/incidents/{incident}")["escalation"] == "acknowledged"


def test_a_command_from_elsewhere_appears_without_a_reload(visit: Visit, stage: Stage) -> None:
    incident = stage.open_incident()
    page = visit.open(f"/incidents/{incident}")
    page.evaluate("window.stayed = true")
    stage.bot.command(incident, "note said through the API")
    expect(page.locator(".entries")).to_contain_text("said through the API", timeout=PATIENCE)
    stage.bot.command(incident, "ack")
    expect(page.locator(".held")).to_contain_text("Taken by", timeout=PATIENCE)
    assert page.evaluate("window.stayed") is True
    assert not visit.complaints


def test_the_command_line_writes_a_note_and_mends_a_word(visit: Visit, stage: Stage) -> None:
    incident = stage.open_incident()
    page = visit.open(f"/incidents/{incident}")
    page.evaluate("window.stayed = true")
    line = page.get_by_label("Command", exact=True)
    line.fill("note seen in the browser")
    line.press("Enter")
    expect(page.locator(".entries")).to_contain_text("seen in the browser", timeout=PATIENCE)
    expect(line).to_have_value("", timeout=PATIENCE)
    line.fill("acknowlege")
    line.press("Enter")
    reply = page.locator("#reply")
    expect(reply).to_contain_text("I do not know 'acknowlege'. Did you mean", timeout=PATIENCE)
    expect(line).to_have_value("acknowlege", timeout=PATIENCE)
    assert page.evaluate("window.stayed") is True


def test_a_refused_button_says_why_wherever_it_is_pressed(visit: Visit, stage: Stage) -> None:
    incident = stage.open_incident()
    page = visit.open(f"/incidents/{incident}")
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator("#reply")).to_contain_text("type resolve and the reason", timeout=PATIENCE)
    expect(page.get_by_label("Command", exact=True)).to_have_value("resolve", timeout=PATIENCE)
    page = visit.open("/")
    card = page.locator("[data-row]", has_text=incident)
    card.locator("[name=text]").evaluate("field => { field.value = 'resolve'; }")
    card.get_by_role("button").click()
    expect(page.locator("#reply")).to_contain_text("type resolve and the reason", timeout=PATIENCE)
    expect(page.locator("h1")).to_be_visible(timeout=PATIENCE)


def test_while_the_bot_is_away_the_page_says_so_and_keeps_what_was_typed(visit: Visit, stage: Stage) -> None:
    incident = stage.open_incident()
    page, away = visit.page, re.compile(r"/(live|commands)")
    page.route(away, lambda route: route.abort())
    visit.open(f"/incidents/{incident}")
    unheard = page.locator("#unheard")
    expect(unheard).to_contain_text("what stands here may be old", timeout=PATIENCE)
    page.get_by_label("Note", exact=True).fill("half a note")
    page.get_by_role("button", name="Acknowledge").click()
    expect(unheard).to_contain_text("nothing was done", timeout=PATIENCE)
    page.unroute(away)
    expect(unheard).to_be_hidden(timeout=PATIENCE)
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".held")).to_contain_text("Taken by", timeout=PATIENCE)
    expect(page.get_by_label("Note", exact=True)).to_have_value("half a note", timeout=PATIENCE)


def test_keys_open_the_help_and_the_command_line(visit: Visit, stage: Stage) -> None:
    page = visit.open(f"/incidents/{STORY}")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden(timeout=PATIENCE)
    page.keyboard.press("/")
    expect(page.get_by_label("Command", exact=True)).to_be_focused(timeout=PATIENCE)
    page.keyboard.type("?/")
    expect(page.get_by_label("Command", exact=True)).to_have_value("?/", timeout=PATIENCE)


@pytest.mark.parametrize("dialog", ["keys", "palette"])
def test_a_key_in_the_frame_that_closes_a_dialog_counts(visit: Visit, dialog: str) -> None:
    page = visit.open(f"/incidents/{STORY}")
    within, after = page.evaluate(
        """name => {
            const press = () => {
                document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }));
                return document.activeElement.id;
            };
            const dialog = document.getElementById(name);
            dialog.showModal();
            const within = press();
            dialog.close();
            return [within, press()];
        }""",
        dialog,
    )
    assert (within == "text", after) == (False, "text")


def test_keys_walk_the_list_and_acknowledge_the_chosen_one(visit: Visit, stage: Stage) -> None:
    incident = stage.open_incident()
    page = visit.open("/")
    row = page.locator("[data-row]", has_text=incident)
    rows = page.locator("[data-row]").all_inner_texts()
    for _ in range(1 + next(at for at, text in enumerate(rows) if incident in text)):
        page.keyboard.press("j")
    expect(row).to_have_class("card rung-1 here", timeout=PATIENCE)
    page.keyboard.press("a")
    wait_for(
        lambda: stage.bot.get(f"/api/v1/incidents/{incident}")["escalation"] == "acknowledged",
        what="the chosen incident is acknowledged",
    )


@pytest.mark.parametrize("path", ["/", f"/incidents/{STORY}/postmortem"])
def test_dark_has_another_ground(visit: Visit, path: str) -> None:
    page = visit.open(path)

    def colours(scheme: Literal["light", "dark"]) -> tuple[str, str]:
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        return found[0], found[1]

    light, dark = colours("light"), colours("dark")
    assert light[0] != dark[0]
    assert light[1] != dark[1]


def test_hostile_texts_are_only_texts(visit: Visit, stage: Stage) -> None:
    for path in (f"/incidents/{BROKEN}", "/", "/incidents", f"/incidents/{BROKEN}/postmortem"):
        page = visit.open(path)
        expect(page.locator("body")).to_contain_text("<img src=x onerror=alert(1)>", timeout=PATIENCE)
        assert page.locator("img").count() == 0
        assert page.locator("script:not([src])").count() == 0
        assert page.locator("a[href^='javascript' i]").count() == 0
    expect(visit.open(f"/incidents/{BROKEN}").locator("body")).to_contain_text(
        "{{ 7 * 7 }}", timeout=PATIENCE
    )
    assert not visit.dialogs
    assert not visit.complaints
    assert not [url for url in visit.requests if "pwned" in url]


@pytest.mark.parametrize("path", ["/", f"/incidents/{STORY}"])
def test_the_first_paint_is_small(visit: Visit, path: str) -> None:
    sizes: dict[str, int] = {}
    answers: list[Any] = []
    visit.page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - it must be a function
    visit.open(path)
    for answer in answers:
        # The live stream never ends, and nobody waits for it to see the page.
        if not answer.headers["content-type"].startswith("text/event-stream"):
            sizes[answer.url] = answer.request.sizes()["responseBodySize"]
    assert len(sizes) >= 3, sizes
    assert sum(sizes.values()) < FIRST_PAINT_BYTES, sizes


@pytest.fixture(scope="module")
def inspected(browser: Browser, stage: Stage) -> Iterator[Page]:
    # The policy of the pages forbids what injects axe; it is tested elsewhere.
    context = browser.new_context(base_url=stage.bot.url, bypass_csp=True, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def test_axe_would_find_something(inspected: Page) -> None:
    inspected.goto("/me", wait_until="load")
    inspected.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"data:,\">')"
    )
    assert [one.split()[1] for one in violations(inspected, "light", DESK)] == ["image-alt"]


def violations(page: Page, scheme: Literal["light", "dark"], size: ViewportSize) -> list[str]:
    """Everything that axe objects to, one line each."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    if not page.evaluate("'axe' in window"):
        page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    told = page.evaluate(
        "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", list(AXE_TAGS)
    )
    return [
        f"{scheme}: {one['id']} ({one['impact']}): {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in told["violations"]
        for node in one["nodes"]
    ]
