"""Signing in with a provider, with Slack, with a one-time link: over real HTTP, real keys, and all that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from starlette.testclient import TestClient

from incident_bot.core.access import Role
from incident_bot.flow import sessions, signin
from incident_bot.store import interventions
from tests.entrypoints.conftest import World
from tests.fakes.oidc import CLIENT, SECRET, Provider

PUBLIC = "https://bot.example.com"
PEOPLE = """
people:
  alice: {name: Alice Example, email: Alice@Example.com, slack: U0001}
  bob: {name: Bob, email: bob@example.com}
  gone: {name: Gone Away, email: gone@example.com, active: false}
"""
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"
SLACK_USER = {"sub": "U0001", "https://slack.com/user_id": "U0001", "https://slack.com/team_id": "T0001"}


@dataclass
class Stage:
    """One bot behind https, its provider, and a browser far away."""

    world: World
    provider: Provider
    name: str = "oidc"

    def browser(self) -> TestClient:
        headers = {"origin": PUBLIC, "user-agent": AGENT}
        client = self.world.client(peer="203.0.113.9", host="bot.example.com", headers=headers)
        client.base_url = client.base_url.copy_with(scheme="https")
        return client

    def begin(self, client: TestClient, next_page: str = "/oncall") -> Any:
        return client.get(f"/sign-in/{self.name}", params={"next": next_page})

    def sign_in(self, client: TestClient) -> Any:
        begun = self.begin(client)
        assert begun.status_code == 303, begun.text
        return client.get(self.back(begun))

    def back(self, begun: Any) -> str:
        """The way back from the provider."""
        parts = urlsplit(self.provider.authorize(begun.headers["location"]))
        return f"{parts.path}?{parts.query}"

    def audit(self) -> list[tuple[str, str, str | None]]:
        with self.world.application.context.store.read() as tx:
            return [(one.actor, one.action, one.how) for one in interventions.audit(tx)][::-1]


@pytest.fixture
def stage(make_world: Callable[..., World]) -> Iterator[Stage]:
    worlds: list[World] = []

    def now() -> datetime:
        return worlds[0].clock.now()

    with Provider(now, redirect=f"{PUBLIC}/sign-in/oidc/callback") as provider:
        world = make_world(
            public_url=PUBLIC, oidc_issuer=provider.url, oidc_client_id=CLIENT, oidc_client_secret=SECRET
        )
        worlds.append(_peopled(world))
        yield Stage(world, provider)


def _peopled(world: World) -> World:
    (world.directory / "rotations/people.yaml").write_text(PEOPLE)
    assert world.application.context.live.reload(now=world.clock.now()).ok
    return world


def test_the_whole_way_in_and_out(stage: Stage) -> None:
    client = stage.browser()
    assert client.get("/").headers["location"] == "/sign-in?next=/"
    assert 'href="/sign-in/oidc?next=/"' in client.get("/sign-in?next=/").text
    done = stage.sign_in(client)
    assert done.status_code == 200, done.text
    assert 'content="0; url=/oncall"' in done.text
    cookies = "\n".join(done.headers.get_list("set-cookie"))
    (session,) = [line for line in cookies.splitlines() if line.startswith("__Host-incident_bot_session=")]
    for part in ("HttpOnly", "SameSite=strict", "Secure", "Path=/;"):
        assert part in session
    made = client.post("/api/v1/incidents", json={"title": "Checkout is slow"})
    assert made.json()["incident"]["opened_by"] == "alice"
    (view,) = sessions.listed(stage.world.application.context, person="alice", now=stage.world.clock.now())
    assert (view.how, view.agent) == ("oidc", "Chrome, Windows NT 10.0")
    client.post("/sign-out")
    assert client.get("/").status_code == 303
    assert stage.audit() == [("alice", "session.opened", "oidc"), ("alice", "session.ended", "oidc")]


def test_providers_differ(stage: Stage) -> None:
    for algorithm, methods in (("RS256", None), ("PS256", ["client_secret_post"]), ("ES256", ["other"])):
        stage.provider.algorithm, stage.provider.methods = algorithm, methods
        stage.world.clock.advance(timedelta(minutes=61))
        assert stage.sign_in(stage.browser()).status_code == 200, algorithm


# What goes wrong, as the provider does it or as its token says it; the status, and what the page says.
WRONG: dict[str, tuple[set[str], dict[str, Any], int, str]] = {
    "unsigned": ({"unsigned"}, {}, 403, "proves nothing"),
    "the public key as secret": ({"public key as secret"}, {}, 403, "proves nothing"),
    "signed by another key": ({"another key"}, {}, 403, "not signed with one of its keys"),
    "signed by a key that is not published": ({"unknown key"}, {}, 403, "not signed with one of its keys"),
    "changed after it was signed": ({"changed afterwards"}, {}, 403, "not signed with one of its keys"),
    "no token at all": ({"no token"}, {}, 403, "does not take the sign-in any more"),
    "something else": ({"not a token"}, {}, 403, "cannot be read"),
    "another issuer in the token": (set(), {"iss": "https://evil.example.com"}, 403, "another issuer"),
    "another client": (set(), {"aud": "other"}, 403, "another client"),
    "given to another client": (set(), {"azp": "other"}, 403, "another client"),
    "another sign-in": (set(), {"nonce": "n" * 43}, 403, "another sign-in"),
    "no nonce": (set(), {"nonce": None}, 403, "another sign-in"),
    "expired": (set(), {"exp": 1}, 403, "expired"),
    "not verified": (set(), {"email_verified": False}, 403, "has not verified the address"),
    "no address": (set(), {"email": None}, 403, "does not tell your mail address"),
    "nobody": (set(), {"email": "eve@example.com"}, 403, "give your entry `email: eve@example.com`"),
    "no longer here": (set(), {"email": "gone@example.com"}, 403, "Gone Away is not active any more"),
    "hostile address": (set(), {"email": "<script>x</script>@e.com"}, 403, "&lt;script&gt;"),
    "no keys": ({"no keys"}, {}, 503, "does not publish its keys"),
    "down meanwhile": ({"down"}, {}, 503, "answered 503"),
    "giant meanwhile": ({"giant"}, {}, 503, "larger than any that is one"),
    "nonsense meanwhile": ({"not json"}, {}, 503, "cannot be read"),
}


def test_what_is_wrong_opens_nothing_and_says_what_it_is(stage: Stage) -> None:
    context = stage.world.application.context
    for case, (mischief, claims, status, said) in WRONG.items():
        client = stage.browser()
        stage.provider.mischief, stage.provider.claims = set(), {}
        # Another hour: what is known of the provider is asked for anew.
        stage.world.clock.advance(timedelta(minutes=61))
        back = stage.back(stage.begin(client))
        stage.provider.mischief, stage.provider.claims = mischief, claims
        before = len(stage.audit())
        answer = client.get(back)
        assert answer.status_code == status, (case, answer.text)
        assert said in answer.text, (case, answer.text)
        assert "<script>" not in answer.text
        assert not sessions.listed(context, now=stage.world.clock.now()), case
        assert client.get("/api/v1/incidents").status_code == 401
        noted = [("nobody", "sign_in.refused", "oidc")] if status == 403 else []
        assert stage.audit()[before:] == noted, case


def test_a_provider_that_cannot_be_used_has_a_page_that_says_what_else_there_is(stage: Stage) -> None:
    for mischief in ("down", "giant", "not json", "a list", "another issuer", "no token endpoint"):
        stage.provider.mischief = {mischief}
        answer = stage.begin(stage.browser())
        assert answer.status_code == 503, mischief
        assert "incident-bot user sign-in" in answer.text
        assert 'name="token"' in answer.text
    stage.provider.stop()
    assert stage.begin(stage.browser()).status_code == 503


def test_an_answer_counts_once_and_in_its_own_browser(stage: Stage) -> None:
    client, other = stage.browser(), stage.browser()
    back = stage.back(stage.begin(client))
    stage.begin(other)
    assert "no such sign-in under way" in stage.browser().get(back).text
    assert "belongs to another sign-in" in other.get(back).text
    kept = client.cookies.get("incident_bot_sign_in", path="/sign-in")
    assert client.get(back).status_code == 200
    again = stage.browser()
    again.cookies.set("incident_bot_sign_in", kept or "", path="/sign-in")
    assert "used already" in again.get(back).text
    # Even with a fresh state a code works once: the provider says so.
    third = stage.browser()
    begun = stage.begin(third)
    fresh = dict(one.split("=") for one in urlsplit(stage.back(begun)).query.split("&"))
    old = dict(one.split("=") for one in urlsplit(back).query.split("&"))
    answer = third.get(
        f"/sign-in/oidc/callback?{urlencode({**old, 'state': fresh['state'], 'iss': stage.provider.url})}"
    )
    assert (answer.status_code, stage.provider.refused) == (403, ["invalid_grant"])


def test_it_has_to_be_done_in_time(stage: Stage) -> None:
    client = stage.browser()
    back = stage.back(stage.begin(client))
    stage.world.clock.advance(timedelta(minutes=11))
    assert "took too long" in client.get(back).text


HOSTILE: dict[str, str] = {
    "error=access_denied&state={state}": "did not let you in",
    "state={state}": "incomplete",
    "code=x&state={state}&iss=https://evil.example.com": "another provider",
    "code=x": "another sign-in",
    "code=x&state=%ff": "another sign-in",
    "code=" + "x" * 5000 + "&state={state}": "incomplete",
}


def test_hostile_answers_have_a_page(stage: Stage) -> None:
    for query, said in HOSTILE.items():
        client = stage.browser()
        back = urlsplit(stage.back(stage.begin(client))).query
        state = dict(one.split("=") for one in back.split("&"))["state"]
        answer = client.get(f"/sign-in/oidc/callback?{query.format(state=state)}")
        assert answer.status_code == 403, query
        assert said in answer.text, query


def test_new_keys_are_fetched_and_not_more_often_than_once_a_minute(stage: Stage) -> None:
    assert stage.sign_in(stage.browser()).status_code == 200
    stage.provider.new_keys()
    stage.world.clock.advance(timedelta(seconds=59))
    assert stage.sign_in(stage.browser()).status_code == 403
    stage.world.clock.advance(timedelta(seconds=1))
    assert stage.sign_in(stage.browser()).status_code == 200
    assert stage.provider.requests.count("GET /keys") == 2
    stage.provider.mischief = {"unknown key"}
    for _ in range(3):
        assert stage.sign_in(stage.browser()).status_code == 403
    assert stage.provider.requests.count("GET /keys") == 2


def test_refusals_do_not_fill_the_audit(stage: Stage) -> None:
    stage.provider.claims = {"email": "eve@example.com"}
    for _ in range(signin.REFUSALS_MOST + 3):
        assert stage.sign_in(stage.browser()).status_code == 403
    assert len(stage.audit()) == signin.REFUSALS_MOST


def test_there_is_no_other_provider(stage: Stage) -> None:
    for path in ("/sign-in/slack", "/sign-in/none", "/sign-in/slack/callback?code=1&state=2"):
        assert stage.browser().get(path).status_code == 404


def test_whoever_leaves_the_configuration_is_out_at_once(stage: Stage) -> None:
    client = stage.browser()
    stage.sign_in(client)
    assert client.get("/").status_code == 200
    people = stage.world.directory / "rotations/people.yaml"
    people.write_text(PEOPLE.replace("name: Alice Example,", "name: Alice Example, active: false,"))
    assert stage.world.application.context.live.reload(now=stage.world.clock.now()).ok
    assert client.get("/").status_code == 303
    assert client.get("/api/v1/incidents").status_code == 401


def test_a_session_that_is_ended_elsewhere_is_over_with_the_next_request(stage: Stage) -> None:
    first, second = stage.browser(), stage.browser()
    stage.sign_in(first)
    stage.sign_in(second)
    context, now = stage.world.application.context, stage.world.clock.now()
    newest, oldest = sessions.listed(context, person="alice", now=now)
    assert sessions.end_all(context, person="alice", but=newest.id, by="alice", now=now) == 1
    assert (first.get("/").status_code, second.get("/").status_code) == (303, 200)
    sessions.end(context, newest.id, by="ada", now=now)
    assert second.get("/").status_code == 303
    with pytest.raises(Exception, match="no session"):
        sessions.end(context, oldest.id, by="ada", now=now)


def test_it_is_noted_coarsely_that_a_session_is_used(stage: Stage) -> None:
    client = stage.browser()
    stage.sign_in(client)
    context, start = stage.world.application.context, stage.world.clock.now()
    for minutes, noted in ((4, 0), (1, 5), (3, 5), (3, 11)):
        stage.world.clock.advance(timedelta(minutes=minutes))
        client.get("/api/v1/incidents")
        (view,) = sessions.listed(context, now=stage.world.clock.now())
        assert view.seen_at - start == timedelta(minutes=noted)


class TestSlack:
    @pytest.fixture
    def slack(self, make_world: Callable[..., World]) -> Iterator[Stage]:
        worlds: list[World] = []

        def now() -> datetime:
            return worlds[0].clock.now()

        with Provider(now, redirect=f"{PUBLIC}/sign-in/slack/callback") as provider:
            world = make_world(
                public_url=PUBLIC, slack_issuer=provider.url,
                bare={"SLACK_CLIENT_ID": CLIENT, "SLACK_CLIENT_SECRET": SECRET, "SLACK_TEAM_ID": "T0001"},
            )  # fmt: skip
            worlds.append(_peopled(world))
            provider.user = dict(SLACK_USER)
            yield Stage(world, provider, "slack")

    def test_a_member_is_their_person(self, slack: Stage) -> None:
        client = slack.browser()
        assert "Sign in with Slack" in client.get("/sign-in").text
        assert slack.sign_in(client).status_code == 200
        made = client.post("/api/v1/incidents", json={"title": "x"})
        assert made.json()["incident"]["opened_by"] == "alice"

    def test_nobody_else_is(self, slack: Stage) -> None:
        unknown = {"https://slack.com/user_id": None, "email": "alice@example.com", "email_verified": True}
        for claims, said in (
            ({"https://slack.com/team_id": "T0002"}, "another Slack workspace"),
            ({"https://slack.com/user_id": "U0009"}, "`slack: U0009`"),
            (unknown, "who you are"),
        ):
            slack.provider.claims = claims
            answer = slack.sign_in(slack.browser())
            assert answer.status_code == 403
            assert said in answer.text


class TestLink:
    def test_a_link_opens_one_session_once_even_while_the_provider_is_down(self, stage: Stage) -> None:
        stage.provider.stop()
        context, now = stage.world.application.context, stage.world.clock.now()
        address = signin.make_link(context, person=None, role=Role.ADMIN, minutes=20, by="operator", now=now)
        path = urlsplit(address).path
        client = stage.browser()
        for _ in range(2):
            assert "for 20 minutes" in client.get(path).text
        assert client.post(path, headers={"origin": "https://evil.example.com"}).status_code == 403
        assert client.post(path).status_code == 303
        assert client.post("/-/reload").status_code == 200
        assert "An emergency session is open" in client.get("/").text
        assert stage.browser().post(path).status_code == 404
        assert stage.browser().get(path).status_code == 404
        stage.world.clock.advance(timedelta(minutes=20))
        assert client.get("/").status_code == 303
        assert ("operator", "sign_in.link_made", None) in [(a, b, None) for a, b, _ in stage.audit()]
        assert ("operator", "session.opened", "link") in stage.audit()

    def test_a_link_is_a_person_s_for_a_while_and_nothing_for_whoever_left(self, stage: Stage) -> None:
        context, now = stage.world.application.context, stage.world.clock.now()
        for person in ("gone", "nobody"):
            with pytest.raises(Exception, match="no active person"):
                signin.make_link(context, person=person, role=None, minutes=5, by="x", now=now)
        with pytest.raises(Exception, match="1 to 1440 minutes"):
            signin.make_link(context, person="bob", role=None, minutes=0, by="x", now=now)
        address = signin.make_link(context, person="bob", role=None, minutes=5, by="x", now=now)
        stage.world.clock.advance(signin.LINK_HOLDS)
        assert stage.browser().get(urlsplit(address).path).status_code == 404
