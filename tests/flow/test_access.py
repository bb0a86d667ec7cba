"""Who may come in: where a token may stand in a header, what it opens, and that nothing of it is kept."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest
from pydantic import SecretStr

from incident_bot.core.errors import NotFound, Refused
from incident_bot.flow import access
from incident_bot.flow.context import Context
from incident_bot.store import interventions
from tests.plugins.story import Story

GUARDED = """
  - {name: alertmanager, kind: alertmanager}
  - {name: own, kind: alertmanager, token_env: STORY_OWN_TOKEN}
"""


def basic(text: str | bytes) -> str:
    return "Basic " + base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


@pytest.mark.parametrize(
    "header, token",
    [
        ("Bearer secret", "secret"),
        ("bearer secret", "secret"),
        ("  BEARER   secret  ", "secret"),
        (basic("user:secret"), "secret"),
        (basic("user:se:cr:et"), "se:cr:et"),
        (basic(":secret"), "secret"),
        (basic("bénédicte:pässwörd😀"), "pässwörd😀"),
        (basic("user: "), " "),
        ("basic " + base64.b64encode(b"u:p").decode(), "p"),
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer   ", None),
        ("secret", None),
        ("Digest secret", None),
        (basic("user"), None),
        (basic("user:"), None),
        (basic(b"user:\xff\xfe"), None),
        ("Basic not-base-64!", None),
        ("Basic " + base64.b64encode(b"u:p").decode() + " trailing", None),
    ],
)
def test_where_the_token_stands(header: str | None, token: str | None) -> None:
    assert access.given_token(header) == token


@pytest.fixture
def guarded(tell: Callable[..., Story], monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("STORY_OWN_TOKEN", "own-token")
    context = tell(sources=GUARDED).context
    settings = context.settings.model_copy(
        update={"ingest_token": SecretStr("ingést:token"), "api_token": SecretStr("api-token")}
    )
    return replace(context, settings=settings)


def test_each_source_opens_with_its_own_token_alone(guarded: Context) -> None:
    for source, right, wrong in (
        ("alertmanager", "ingést:token", "own-token"),
        ("own", "own-token", "ingést:token"),
    ):
        assert access.intake_token_configured(guarded, source)
        assert access.intake_allowed(guarded, source, f"Bearer {right}")
        assert access.intake_allowed(guarded, source, basic(f"am:{right}"))
        for given in (wrong, "api-token", right[:-1], right + "x", right.upper(), ""):
            assert not access.intake_allowed(guarded, source, f"Bearer {given}")
        assert not access.intake_allowed(guarded, source, None)


def test_without_a_token_nobody_is_let_in_by_one(story: Story) -> None:
    assert not access.intake_token_configured(story.context, "alertmanager")
    for given in ("Bearer ", "Bearer x", basic("u:"), None):
        assert not access.intake_allowed(story.context, "alertmanager", given)
    assert not access.any_api_token(story.context)
    assert access.identify(story.context, None) is None
    assert access.identify(story.context, "x") is None


def test_a_token_of_its_own_that_is_not_set_is_not_replaced_by_the_common_one(
    guarded: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STORY_OWN_TOKEN")
    assert not access.intake_token_configured(guarded, "own")
    assert not access.intake_allowed(guarded, "own", "Bearer ingést:token")


def test_the_token_of_the_environment_may_do_everything(guarded: Context) -> None:
    caller = access.identify(guarded, "api-token")
    assert caller is not None
    assert (caller.actor, caller.scopes) == ("automation", access.ALL_SCOPES)
    assert access.identify(guarded, "ingést:token") is None, "the ingest token opens webhooks alone"
    assert access.identify(guarded, "half \ud800 of a pair") is None


def test_stored_tokens_are_shown_once_hold_until_revoked_and_leave_no_trace(story: Story) -> None:
    context, now = story.context, story.clock.now()
    secret = access.create_token(context, "grafana", frozenset({"read", "write"}), by="ben", now=now)
    assert secret.startswith("ibt_")
    caller = access.identify(context, secret)
    assert caller is not None
    assert (caller.actor, caller.scopes) == ("grafana", frozenset({"read", "write"}))
    assert access.any_api_token(context)
    (view,) = access.tokens(context)
    assert (view.name, view.scopes, view.created_by, view.revoked_at) == (
        "grafana",
        ("read", "write"),
        "ben",
        None,
    )
    with context.store.read() as tx:
        assert secret not in repr((interventions.tokens(tx), interventions.audit(tx)))
        assert [entry.action for entry in interventions.audit(tx)] == ["token.created"]

    access.revoke_token(context, view.id, by="ben", now=now)
    assert access.identify(context, secret) is None
    assert not access.any_api_token(context)
    with pytest.raises(NotFound, match="There is no token 1 that still holds"):
        access.revoke_token(context, view.id, by="ben", now=now)


@pytest.mark.parametrize("scopes", [set(), {"read", "root"}])
def test_a_token_has_scopes_that_exist(story: Story, scopes: set[str]) -> None:
    with pytest.raises(Refused, match="use admin, changes, read, write"):
        access.create_token(story.context, "x", frozenset(scopes), by="ben", now=story.clock.now())
    assert access.tokens(story.context) == []


def test_two_tokens_are_never_the_same(story: Story) -> None:
    made = {
        access.create_token(story.context, "same", frozenset({"read"}), by="ben", now=story.clock.now())
        for _ in range(5)
    }
    assert len(made) == 5
