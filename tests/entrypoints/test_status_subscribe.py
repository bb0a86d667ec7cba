"""The doors for those who follow the status page: they work without script, and looking changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from incident_bot.config.mail import read_sender, read_smtp_url
from incident_bot.core.status import Outlet
from incident_bot.flow.status.heralds import Sender
from incident_bot.notifiers.mail import MailNotifier
from tests.entrypoints.conftest import World
from tests.fakes.smtp import MailServer

STATUS = """
status:
  name: "Shop <b>status</b>"
  url: https://bot.example.com/status
  subscribe: {mail: true, webhook: public}
  components:
    checkout: {name: Checkout, services: [checkout]}
    website: {name: Website, teams: [platform]}
"""
TOKEN = {"authorization": "Bearer api-secret-token"}


class Page:
    """A bot with a status page, a mail server, and somebody outside who looks at it."""

    def __init__(self, world: World, server: MailServer, status: str = STATUS) -> None:
        (world.directory / "rotations/status.yaml").write_text(status)
        assert world.application.context.live.reload(now=world.clock.now()).ok
        self.world = world
        self.server = server

    @property
    def client(self) -> TestClient:
        return self.world.client(host="bot.example.com", peer="203.0.113.9")

    def letter(self) -> str:
        """The newest letter, once it is sent."""
        sender = Sender(self.world.application.context, Outlet.MAIL, self.world.clock.now)
        assert sender.step()
        return self.server.letters[-1].content.decode().replace("=\r\n", "")


@pytest.fixture
def page(make_world: Callable[..., World]) -> Iterator[Page]:
    with MailServer() as server:
        mail = MailNotifier(read_smtp_url(server.url()), read_sender("status@example.com"))
        world = make_world(
            ways={"mail": mail}, api_token="api-secret-token", public_url="https://bot.example.com"
        )
        yield Page(world, server)
        assert server.complaints == []


def test_somebody_subscribes_confirms_and_ends_it(page: Page) -> None:
    client = page.client
    assert 'href="/status/subscribe"' in client.get("/status").text
    form = client.get("/status/subscribe")
    assert form.status_code == 200
    assert "form-action 'self'" in form.headers["content-security-policy"]
    assert "<b>status</b>" not in form.text
    said = client.post("/status/subscribe", data={"address": "ada@example.com", "components": ["checkout"]})
    assert said.status_code == 200
    assert "set-cookie" not in said.headers
    address = re.search(r"/status/confirm/[0-9a-f-]+", page.letter())
    assert address
    for _ in range(2):
        assert "Send news to ada@example.com?" in client.get(address[0]).text
    assert "Done. ada@example.com" in client.post(address[0]).text
    listed = client.get("/api/v1/status/subscribers", headers=TOKEN).json()["items"]
    assert [(one["address"], one["components"]) for one in listed] == [("ada@example.com", ["checkout"])]
    assert listed[0]["confirmed_at"] is not None
    away = address[0].replace("confirm", "unsubscribe")
    assert client.post(away).status_code == 410, "a link does what it was made for and nothing else"
    assert client.get("/api/v1/status/subscribers").status_code == 401
    number = listed[0]["id"]
    assert client.delete(f"/api/v1/status/subscribers/{number}", headers=TOKEN).status_code == 204
    assert client.delete(f"/api/v1/status/subscribers/{number}", headers=TOKEN).status_code == 404
    assert client.get(address[0]).status_code == 410


@pytest.mark.parametrize(
    "filled, said",
    [
        ({"address": "nobody"}, "no mail address"),
        ({"url": "https://10.0.0.1/hook"}, "public Internet"),
        ({"address": "ada@example.com", "components": ["basket"]}, "no component"),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_typed(page: Page, filled: dict[str, str], said: str) -> None:
    answer = page.client.post("/status/subscribe", data=filled)
    assert answer.status_code == 422
    assert said in answer.text
    typed = filled.get("address", filled.get("url"))
    assert f'value="{typed}"' in answer.text


def test_a_program_that_fills_in_everything_is_thanked_and_forgotten(page: Page) -> None:
    filled = {"address": "ada@example.com", "name": "Ada"}
    assert page.client.post("/status/subscribe", data=filled).status_code == 200
    assert page.client.get("/api/v1/status/subscribers", headers=TOKEN).json()["items"] == []


@pytest.mark.parametrize(
    "path", ["confirm/1-ab", "unsubscribe/1-" + "0" * 40, "confirm/%00", "unsubscribe/99"]
)
def test_a_link_that_nobody_was_sent_does_nothing(page: Page, path: str) -> None:
    for answer in (page.client.get(f"/status/{path}"), page.client.post(f"/status/{path}")):
        assert answer.status_code == 410
        assert "does nothing any more" in answer.text


def test_where_nobody_can_subscribe_there_is_no_form(make_world: Callable[..., World]) -> None:
    world = make_world(api_token="api-secret-token")
    (world.directory / "rotations/status.yaml").write_text(STATUS)
    assert world.application.context.live.reload(now=world.clock.now()).ok
    client = world.client(host="localhost:8080")
    assert "/status/subscribe" not in client.get("/status").text
    answer = client.get("/status/subscribe")
    assert answer.status_code == 404
    assert "Nobody can subscribe here" in answer.text


def test_an_empty_form_is_told_what_is_missing_where_only_programs_subscribe(page: Page) -> None:
    only = Page(page.world, page.server, STATUS.replace("mail: true", "mail: false"))
    assert re.search(r'name="url"[^>]* required', only.client.get("/status/subscribe").text)
    answer = only.client.post("/status/subscribe", data={"url": "", "components": "checkout"})
    assert answer.status_code == 422
    assert "no address that we can post to" in answer.text


def test_the_log_does_not_tell_what_opens_a_link(
    page: Page, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    page.client.get(f"/status/confirm/1-{'0' * 40}")
    page.client.post(f"/status/unsubscribe/1-{'0' * 40}")
    paths = [line["context"]["path"] for line in logged() if "path" in line.get("context", {})]
    assert paths == ["/status/confirm/…", "/status/unsubscribe/…"]
