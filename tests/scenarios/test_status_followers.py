"""Those who follow the status page: asked first, told each thing once, and left alone as soon as they say so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.status import Outlet, Purpose
from incident_bot.flow import interventions
from incident_bot.flow.commands.publishing import PublicWords
from incident_bot.flow.context import Context
from incident_bot.flow.status import followers
from incident_bot.flow.status.followers import ASKED, FORGET_AFTER, act, look, subscribe
from incident_bot.flow.status.heralds import Herald, Sender
from incident_bot.notifiers.base import GiveUp, GiveUpReason, RetryLater
from incident_bot.store import subscribers
from tests.fakes.notifier import Heard, RecordingNotifier
from tests.fakes.webhook import WebhookServer, answers
from tests.plugins.story import Story, on_every_database
from tests.plugins.story_files import documents

MINUTE = timedelta(minutes=1)
STATUS = """
status:
  name: Shop status
  url: https://status.example.com
  publish: auto
  subscribe: {mail: true, webhook: any}
  components:
    checkout: {name: Checkout, services: [shop]}
    website: {name: Website, teams: [data]}
"""


class World:
    """A story whose bot has an address and a mail server."""

    def __init__(self, story: Story, status: str = STATUS) -> None:
        answer = story.reload({**documents(), "rotations/status.yaml": status})
        assert answer.ok, answer.problems
        self.story = story
        self.heard: list[Heard] = []
        self.mail = RecordingNotifier("mail", story.clock.now, self.heard)

    @property
    def context(self) -> Context:
        known = self.story.context
        settings = known.settings.model_copy(update={"public_url": "https://bot.example.com"})
        return replace(known, settings=settings, notifiers={**known.notifiers, "mail": self.mail})

    def asks(self, address: str, *components: str, outlet: Outlet = Outlet.MAIL) -> str:
        return subscribe(self.context, outlet, address, components, now=self.story.clock.now())

    def plans(self, words: PublicWords) -> int:
        """Plan work from ten to twenty minutes from now; gives its number."""
        now = self.story.clock.now()
        planned = interventions.add_maintenance(
            self.context,
            matchers=['service="shop"'],
            start=now + 10 * MINUTE,
            end=now + 20 * MINUTE,
            reason="disks",
            actor="ana",
            public=words,
            now=now,
        )
        return int(str(planned["id"]))

    def goes_on(self, *, minutes: float = 0) -> None:
        """Time passes, then news are looked for and sent by a process that has just started."""
        self.story.clock.advance(minutes * MINUTE)
        Herald(self.context).step(now=self.story.clock.now())
        for outlet in Outlet:
            sender = Sender(self.context, outlet, self.story.clock.now)
            while sender.step():
                pass
            sender.close()

    def follows(self, address: str, *components: str) -> None:
        """Somebody asks and confirms."""
        self.asks(address, *components)
        self.goes_on()
        said = act(self.context, Purpose.CONFIRM, self.token("confirm"), now=self.story.clock.now())
        assert said.said.startswith(f"Done. {address}")

    def token(self, purpose: str) -> str:
        """The token of a link in the newest letter."""
        found = re.search(rf"https://bot\.example\.com/status/{purpose}/(\S+)", self.heard[-1].message.text)
        assert found, self.heard[-1].message.text
        return found[1]

    def letters(self) -> list[tuple[str, str]]:
        """Who got which news, without the letters that ask."""
        taken = [one.message for one in self.heard if one.taken]
        return [(one.recipient, one.subject) for one in taken if one.unsubscribe_url]


def publishes(story: Story, text: str = "One payment in ten fails. next 20m") -> None:
    story.fires(service="shop")
    story.says(f"publish {text}")


@on_every_database
def test_whoever_confirms_is_told_each_thing_once_and_nobody_else_anything(
    tell: Callable[..., Story],
) -> None:
    world = World(tell())
    assert world.asks("ada@example.com") == ASKED
    world.asks("eve@example.com")
    world.goes_on()
    asked = [one.message for one in world.heard]
    assert [(one.recipient, one.unsubscribe_url) for one in asked] == [
        ("ada@example.com", None),
        ("eve@example.com", None),
    ]
    assert asked[0].subject == "Confirm that you want news of Shop status"
    assert "If it was not you, do nothing" in asked[0].text
    # Eve opens the link, or a scanner does: nothing happens by that.
    assert look(world.context, Purpose.CONFIRM, world.token("confirm")).button == "Yes, send them"
    world.heard.pop()
    act(world.context, Purpose.CONFIRM, world.token("confirm"), now=world.story.clock.now())
    publishes(world.story)
    for _ in range(3):
        world.goes_on(minutes=1)
    world.story.says("resolve fixed it for good")
    for _ in range(3):
        world.goes_on(minutes=1)
    assert world.letters() == [
        ("ada@example.com", "[Shop status] Investigating: Checkout: major outage"),
        ("ada@example.com", "[Shop status] Resolved: Checkout: major outage"),
    ]
    first = next(one.message for one in world.heard if one.message.unsubscribe_url)
    assert first.text.splitlines()[:5] == [
        "Investigating: Checkout: major outage",
        "",
        "One payment in ten fails.",
        "",
        "Checkout: major outage",
    ]
    assert "Next update by 3 March 2026, 03:20 UTC" in first.text
    assert re.search(r"https://status\.example\.com/status/incidents/[0-9a-f]{12}", first.text)
    assert first.text.rstrip().endswith(f"Nothing more, please: {first.unsubscribe_url}")
    assert "INC-1" not in first.text
    assert "ana" not in first.text


def test_one_press_ends_it_and_the_address_is_forgotten(story: Story) -> None:
    world = World(story)
    world.follows("ada@example.com")
    publishes(story)
    world.goes_on()
    token = world.token("unsubscribe")
    assert look(world.context, Purpose.UNSUBSCRIBE, token).button == "Send nothing more"
    now = story.clock.now()
    assert "forgotten" in act(world.context, Purpose.UNSUBSCRIBE, token, now=now).said
    assert not act(world.context, Purpose.UNSUBSCRIBE, token, now=now).known
    assert followers.listed(world.context, limit=10) == []
    story.says("publish It goes on.")
    world.goes_on(minutes=1)
    assert len(world.letters()) == 1


def test_people_are_told_of_the_components_they_chose_and_may_choose_anew(story: Story) -> None:
    world = World(story)
    world.follows("ada@example.com", "website")
    world.follows("bea@example.com", "checkout")
    publishes(story)
    world.goes_on()
    assert [to for to, _ in world.letters()] == ["bea@example.com"]
    story.clock.advance(followers.ASK_EVERY)
    world.follows("ada@example.com", "checkout", "website")
    assert followers.listed(world.context, limit=10)[-1].components == ()
    story.says("publish It goes on.")
    world.goes_on(minutes=1)
    assert [to for to, _ in world.letters()] == ["bea@example.com", "ada@example.com", "bea@example.com"]


def test_what_is_taken_off_the_page_before_it_went_out_is_not_told(story: Story) -> None:
    world = World(story)
    world.follows("ada@example.com")
    publishes(story)
    Herald(world.context).step(now=story.clock.now())
    story.says("unpublish a mistake")
    world.goes_on(minutes=1)
    assert world.letters() == []


def test_a_mail_server_that_is_down_delays_and_one_that_refuses_for_good_ends_it(story: Story) -> None:
    world = World(story)
    world.follows("ada@example.com")
    world.mail.fails.extend([RetryLater("no answer"), GiveUp(GiveUpReason.AUTH, "our password is wrong")])
    publishes(story)
    world.goes_on()
    world.goes_on(minutes=1)
    assert world.letters() == []
    world.goes_on(minutes=15)
    assert len(world.letters()) == 1
    world.mail.refuses["ada@example.com"] = GiveUp(GiveUpReason.ADDRESS, "no such user")
    for number in range(3):
        assert len(followers.listed(world.context, limit=10)) == 1
        story.says(f"publish It fails {number}.")
        world.goes_on(minutes=1)
    assert followers.listed(world.context, limit=10) == []


def test_a_letter_whose_sender_died_goes_out_again_under_the_same_key(story: Story) -> None:
    world = World(story)
    world.follows("ada@example.com")
    publishes(story)
    Herald(world.context).step(now=story.clock.now())
    with world.context.store.write() as tx:
        lost = subscribers.claim(tx, Outlet.MAIL, owner="gone", lease=MINUTE, now=story.clock.now())
    assert lost is not None
    world.goes_on()
    assert world.letters() == []
    story.killed(alone=True)
    world.goes_on(minutes=2)
    assert [one.message.key for one in world.heard][1:] == [f"status:{lost.id}"]


def test_nobody_fills_mailboxes_through_us(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(story)
    for _ in range(3):
        assert world.asks("ada@example.com") == ASKED
    world.goes_on()
    assert len(world.heard) == 1
    monkeypatch.setattr(followers, "ASKED_MOST", 2)
    world.asks("bea@example.com")
    with pytest.raises(Refused, match="Try again in ten minutes"):
        world.asks("cleo@example.com")
    world.goes_on(minutes=FORGET_AFTER / MINUTE + 1)
    assert followers.listed(world.context, limit=10) == []


@pytest.mark.parametrize(
    "outlet, address, said",
    [
        (Outlet.MAIL, "nobody", "no mail address"),
        (Outlet.MAIL, "a@b\r\nBcc: c@d", "no mail address"),
        (Outlet.MAIL, f"{'a' * 300}@example.com", "no mail address"),
        (Outlet.WEBHOOK, "ftp://example.com", "write it as https"),
        (Outlet.WEBHOOK, "https://u:p@example.com/x", "without a password"),
        (Outlet.WEBHOOK, "https://[::1", "write it as https"),
        (Outlet.WEBHOOK, "http://example.com/x", "write it as https"),
        (Outlet.WEBHOOK, "https://127.0.0.1/x", "public Internet"),
        (Outlet.WEBHOOK, "https://[::ffff:10.0.0.1]/x", "public Internet"),
    ],
)
def test_what_is_no_address_is_refused_with_what_to_write(
    story: Story, outlet: Outlet, address: str, said: str
) -> None:
    world = World(story, STATUS.replace("any", "public"))
    with pytest.raises(Refused, match=said):
        world.asks(address, outlet=outlet)
    with pytest.raises(Refused, match="no component 'basket'; there are checkout, website"):
        world.asks("ada@example.com", "basket")


def test_without_an_address_or_a_word_in_the_configuration_nobody_can_subscribe(story: Story) -> None:
    world = World(story, STATUS.replace("subscribe: {mail: true, webhook: any}", ""))
    assert followers.outlets(world.context) == ()
    with pytest.raises(NotFound, match="Nobody can subscribe here"):
        world.asks("ada@example.com")
    assert followers.outlets(World(story).story.context) == ()


def test_programs_are_asked_and_told_in_the_format_of_statuspage(story: Story) -> None:
    world = World(story)
    with WebhookServer() as receiver:
        url = f"{receiver.url}/hook"
        world.asks(url, outlet=Outlet.WEBHOOK)
        world.goes_on()
        asked = json.loads(receiver.received[0].body)
        token = asked["confirm"].rpartition("/")[2]
        act(world.context, Purpose.CONFIRM, token, now=story.clock.now())
        receiver.plan.append(answers(503))
        publishes(story)
        world.goes_on()
        world.goes_on(minutes=1)
    assert receiver.complaints == []
    first, second = receiver.received[1:]
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    told = json.loads(second.body)
    assert told["incident"]["name"] == "Checkout: major outage"
    assert told["incident"]["incident_updates"][0]["body"] == "One payment in ten fails."
    assert told["page"]["status_indicator"] == "critical"
    assert told["meta"]["unsubscribe"].startswith("https://bot.example.com/status/unsubscribe/")
    assert "INC-1" not in second.body.decode()


def test_our_own_network_is_not_called_for_strangers(story: Story) -> None:
    world = World(story)
    with WebhookServer() as receiver:
        world.asks(receiver.url.replace("127.0.0.1", "localhost"), outlet=Outlet.WEBHOOK)
        world.story.reload(
            {**documents(), "rotations/status.yaml": STATUS.replace("webhook: any", "webhook: public")}
        )
        world.goes_on()
        assert receiver.received == []


def test_planned_work_is_told_when_it_is_announced_and_when_it_begins(story: Story) -> None:
    world = World(story)
    world.follows("ada@example.com", "checkout")
    words = PublicWords(title="New disks", text="Payments may be slow.", components=("Checkout",))
    world.plans(words)
    world.goes_on()
    world.goes_on(minutes=10)
    world.goes_on(minutes=11)
    assert [subject for _, subject in world.letters()] == [
        "[Shop status] Planned: New disks",
        "[Shop status] In progress: New disks",
        "[Shop status] Completed: New disks",
    ]
    text = next(one.message.text for one in world.heard if one.message.unsubscribe_url)
    assert "From 3 March 2026, 03:10 UTC to 3 March 2026, 03:20 UTC" in text


@on_every_database
def test_planned_work_that_is_called_off_is_told_so_once(tell: Callable[..., Story]) -> None:
    world = World(tell())
    world.follows("ada@example.com", "checkout")
    world.follows("bea@example.com", "website")
    with WebhookServer() as receiver:
        world.asks(receiver.url, outlet=Outlet.WEBHOOK)
        world.goes_on()
        token = json.loads(receiver.received[0].body)["confirm"].rpartition("/")[2]
        act(world.context, Purpose.CONFIRM, token, now=world.story.clock.now())
        number = world.plans(
            PublicWords(title="New disks", text="Payments may be slow.", components=("Checkout",))
        )
        world.goes_on()
        interventions.end_maintenance(
            world.context, number, actor="ana", now=world.story.clock.advance(5 * MINUTE)
        )
        for _ in range(4):
            world.goes_on(minutes=6)
        told = [json.loads(one.body)["maintenance"] for one in receiver.received[1:]]
    assert world.letters() == [
        ("ada@example.com", "[Shop status] Planned: New disks"),
        ("ada@example.com", "[Shop status] Called off: New disks"),
    ]
    text = world.heard[-1].message.text
    assert "called off and does not take place. It was planned for 3 March 2026, 03:10 UTC." in text
    assert "From " not in text
    assert [one["status"] for one in told] == ["scheduled", "completed"]
    assert (
        told[1]["resolved_at"] == told[1]["incident_updates"][0]["created_at"] == "2026-03-03T03:05:00.000Z"
    )


def test_what_is_called_off_before_it_was_told_is_told_only_as_that(story: Story) -> None:
    world = World(story)
    world.follows("ada@example.com")
    now = story.clock.now()
    number = world.plans(PublicWords(title="New disks", components=("Checkout",)))
    Herald(world.context).step(now=now)
    interventions.end_maintenance(world.context, number, actor="ana", now=now + MINUTE)
    world.goes_on(minutes=2)
    assert [subject for _, subject in world.letters()] == ["[Shop status] Called off: New disks"]
