"""Signing in with a provider of another site, in a real browser; what a page of another site can do then is nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.e2e.configuration import small, write
from tests.e2e.harness import RunningBot, free_port
from tests.e2e.test_console_browser import DESK, FLAGS, PATIENCE, PHONE, violations
from tests.fakes.oidc import CLIENT, SECRET, Provider

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("browser")]

ACCESS = "default: viewer\nroles: {alice: admin}\n"
EVIL = "http://localhost:9/"
TRAP = """<!doctype html><title>Trap</title><form method="post" action="{url}/settings/tokens">
<input name="name" value="stolen"><input name="scopes" value="admin"></form>
<script>document.forms[0].submit()</script>"""


def test_the_way_in_the_settings_and_a_page_of_another_site(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    files = small()
    files["rotations/people.yaml"] = files["rotations/people.yaml"].replace(
        "alice: {", "alice: {email: alice@example.com, "
    )
    write(tmp_path, {**files, "rotations/access.yaml": ACCESS})
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with Provider(
        lambda: datetime.now(UTC), redirect=f"{url}/sign-in/oidc/callback", host="localhost"
    ) as provider:
        environment = {
            "INCIDENT_BOT_PUBLIC_URL": url,
            "INCIDENT_BOT_OIDC_ISSUER": provider.url,
            "INCIDENT_BOT_OIDC_CLIENT_ID": CLIENT,
            "INCIDENT_BOT_OIDC_CLIENT_SECRET": SECRET,
        }
        database = f"sqlite:///{tmp_path}/bot.db"
        with (
            RunningBot(tmp_path, database_url=database, port=port, environment=environment) as bot,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=program("chromium"), args=list(FLAGS))
            context = browser.new_context(base_url=url, reduced_motion="reduce", bypass_csp=True)
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            page.goto("/settings")
            assert not [*violations(page, "light", DESK), *violations(page, "dark", PHONE)]
            # Whoever is nobody here is told what to do, and nothing is open to them.
            provider.claims = {"email": "eve@example.com"}
            page.get_by_role("link", name="Sign in").click()
            expect(page.get_by_role("alert")).to_contain_text("email: eve@example.com")
            assert not violations(page, "light", PHONE)
            provider.claims = {}
            page.goto("/settings")
            page.get_by_role("link", name="Sign in").click()
            # The answer came from another site, and the strict cookie is there all the same.
            expect(page.get_by_role("heading", name="Alice Example")).to_be_visible()
            assert page.url == f"{url}/settings"
            expect(page.get_by_text("this one")).to_be_visible()

            page.route(
                f"{EVIL}**", lambda route: route.fulfill(body=TRAP.format(url=url), content_type="text/html")
            )
            page.goto(EVIL)
            page.wait_for_url(f"{url}/settings/tokens")
            expect(page.get_by_role("heading", name="Sign in first")).to_be_visible()
            page.goto("/settings/tokens")
            expect(page.get_by_text("None.")).to_be_visible()

            page.goto("/settings")
            page.get_by_role("button", name="Sign out of this browser").click()
            expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
            browser.close()
            assert not bot.errors()
