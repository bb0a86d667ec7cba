"""The On-call pages in a real browser: two taps take a shift, with and without script, and everybody can read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.e2e.configuration import small, write
from tests.e2e.harness import RunningBot
from tests.e2e.sink import WebhookSink
from tests.e2e.test_console_browser import (
    FIRST_PAINT_BYTES,
    PATIENCE,
    PHONE,
    browser,  # noqa: F401 - a fixture is found by its name here
    violations,
    watched,
)

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("browser")]

WIDE: Final[ViewportSize] = {"width": 1280, "height": 900}
PEOPLE: Final = """
people:
  alice: {name: Alice Example, time_zone: Europe/Berlin, notify: {high: [{by: webhook}], low: [{by: webhook}]}}
  bob: {name: Bob Example, time_zone: America/New_York, notify: {high: [{by: webhook}], low: [{by: webhook}]}}
  carol:
    name: "Carol <img src=x onerror=alert(1)> A-very-long-name-without-any-place-to-break-it"
    time_zone: Asia/Kolkata
    notify: {high: [{by: webhook}], low: [{by: webhook}]}
"""
SCHEDULE: Final = """
schedule: primary
time_zone: UTC
layers:
  - name: day
    priority: 20
    turn: {unit: days, every: 1, anchor: "2026-01-05T00:00"}
    people: [[bob], [carol]]
    windows: [{days: mon-sun, from: "00:00", to: "20:00"}]
  - name: night
    priority: 10
    turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}
    people: [[alice, bob], [carol]]
    windows: [{days: mon-sun, from: "21:00", to: "24:00"}]
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """One bot, and a week that is wholly to come."""

    bot: RunningBot
    monday: datetime

    @property
    def week(self) -> str:
        return f"/oncall/primary?from={self.monday:%Y-%m-%d}&zone=UTC"

    @property
    def paths(self) -> dict[str, str]:
        return {
            "board": "/oncall",
            "week": "/oncall/primary",
            "ahead": self.week,
            "past": "/oncall/primary?from=2026-03-23&zone=Europe/Berlin",
            "month": "/oncall/primary?view=month",
            "take": f"/oncall/primary/take?at={self.monday:%Y-%m-%d}T22:00:00Z",
            "gap": f"/oncall/primary/take?at={self.monday:%Y-%m-%d}T20:30:00Z",
            "calendars": "/calendars",
        }


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("oncall")
    files = {"rotations/people.yaml": PEOPLE, "rotations/schedules/primary.yaml": SCHEDULE}
    write(directory, {**small(), **files})
    url = f"sqlite:///{directory}/bot.db"
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today + timedelta(days=14 - today.weekday())
    with (
        WebhookSink() as sink,
        RunningBot(directory, database_url=url, environment={"INCIDENT_BOT_WEBHOOK_URL": sink.url}) as bot,
    ):
        yield Stage(bot, monday)
        assert not bot.errors()


@pytest.fixture
def page(browser: Browser, stage: Stage) -> Iterator[Page]:  # noqa: F811 - as above
    context = browser.new_context(base_url=stage.bot.url, color_scheme="light", viewport=WIDE)
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def be(page: Page, stage: Stage, person: str) -> None:
    page.context.add_cookies([{"name": "incident_bot_person", "value": person, "url": stage.bot.url}])


@pytest.mark.parametrize("script", [True, False])
def test_a_shift_changes_hands_in_two_taps_and_back(
    browser: Browser,  # noqa: F811 - as above
    stage: Stage,
    *,
    script: bool,
) -> None:
    context = browser.new_context(base_url=stage.bot.url, java_script_enabled=script, viewport=PHONE)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(stage.week)
    page.get_by_label("Who are you?").select_option("alice")
    page.get_by_role("button", name="That is me").click()
    row = page.locator("tbody tr", has_text="Bob Example").filter(has_not_text="Alice").nth(1)
    when = row.get_by_role("rowheader").inner_text().split(" to ")[0]
    row.get_by_role("link", name="Take this shift").click()  # The first tap.
    expect(page.get_by_role("heading", level=1)).to_have_text("Take this shift")
    page.get_by_role("button", name="Take it").click()  # The second.
    expect(page.get_by_role("status").first).to_contain_text("Planned: AE Alice Example in place of")
    row = page.locator("tbody tr", has_text=when).first
    expect(row).to_contain_text("Alice Example")
    page.get_by_role("button", name="Take back").first.click()
    expect(page.get_by_role("status").first).to_contain_text("Taken back:")
    expect(page.locator("tbody tr", has_text=when).first).to_contain_text("Bob Example")
    context.close()


def test_cover_me_hands_ones_own_shift_over(page: Page, stage: Stage) -> None:
    be(page, stage, "bob")
    page.goto(stage.week)
    page.get_by_role("link", name="Cover me").nth(2).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Who covers for you?")
    page.get_by_label("Who covers", exact=True).select_option("alice")
    page.get_by_label("Reason, if you like").fill("dentist")
    page.get_by_role("button", name="Hand it over").click()
    expect(page.get_by_role("region", name="Overrides")).to_contain_text("dentist")
    page.get_by_role("button", name="Take back").first.click()
    expect(page.get_by_role("status").first).to_contain_text("Taken back:")


def test_keys_go_on_and_back_and_the_line_answers_in_place(page: Page, stage: Stage) -> None:
    told = watched(page)
    page.goto(stage.week)
    heading = page.locator(".span-title")
    first = heading.inner_text()
    page.keyboard.press("n")
    expect(heading).not_to_have_text(first)
    page.keyboard.press("p")
    expect(heading).to_have_text(first)
    page.evaluate("window.stayed = true")
    line = page.get_by_label("On-call command")
    line.fill("help")
    line.press("Enter")
    expect(page.locator("#reply")).to_contain_text("override")
    assert page.evaluate("window.stayed") is True
    assert not told.complaints


def test_every_page_loads_in_silence_and_asks_nobody_else(page: Page, stage: Stage) -> None:
    told = watched(page)
    be(page, stage, "carol")
    for path in stage.paths.values():
        page.goto(path, wait_until="load")
        expect(page.locator("h1")).to_have_count(1)
        assert page.locator("img").count() == 0
    assert not told.complaints
    assert not told.dialogs
    assert {url for url in told.requests if not url.startswith(f"{stage.bot.url}/")} == set()


def test_nothing_scrolls_sideways_on_a_phone(page: Page, stage: Stage) -> None:
    page.set_viewport_size(PHONE)
    wide = {}
    for name, path in stage.paths.items():
        page.goto(path, wait_until="load")
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE["width"]:
            wide[name] = width
    assert not wide


@pytest.mark.parametrize("name", ["board", "past"])
def test_the_first_paint_is_small(page: Page, stage: Stage, name: str) -> None:
    answers: list[Any] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - it must be a function
    page.goto(stage.paths[name], wait_until="load")
    sizes = {answer.url: answer.request.sizes()["responseBodySize"] for answer in answers}
    assert len(sizes) >= 4, sizes
    assert sum(sizes.values()) < FIRST_PAINT_BYTES, sizes


@pytest.mark.parametrize("name", ["board", "week", "ahead", "past", "month", "take", "gap", "calendars"])
@pytest.mark.parametrize("person", ["", "bob"])
def test_axe_finds_nothing(browser: Browser, stage: Stage, name: str, person: str) -> None:  # noqa: F811 - as above
    # The policy of the pages forbids what injects axe; it is tested elsewhere.
    context = browser.new_context(base_url=stage.bot.url, bypass_csp=True, reduced_motion="reduce")
    page = context.new_page()
    if person:
        be(page, stage, person)
    page.goto(stage.paths[name], wait_until="load")
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    found = [one for scheme in schemes for size in (WIDE, PHONE) for one in violations(page, scheme, size)]
    context.close()
    assert not found, "\n".join(found)
