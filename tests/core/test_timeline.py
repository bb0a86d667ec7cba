"""Events become ordered, redacted entries with one sentence each, whatever their data holds."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.model import Event, Json, JsonObject, Kind
from incident_bot.core.timeline import (
    HIDDEN,
    WORDINGS,
    describe,
    entries,
    entry,
    one_line,
    redact,
    redact_data,
    visible,
)

NOW = datetime(2026, 11, 21, 2, 5, tzinfo=UTC)
NAMES = {"alice": "Alice Example", "bob": "Bob Example"}


def event(kind: Kind, data: JsonObject | None = None, *, actor: str = "alice", **changes: object) -> Event:
    fields: dict[str, object] = {"source": "console", "happened_at": NOW, "seq": 1} | changes
    return Event(kind=kind, actor=actor, data=data or {}, **fields)  # type: ignore[arg-type]  # real fields


def test_every_kind_has_one_wording() -> None:
    assert set(WORDINGS) == set(Kind)


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_without_any_data_still_gives_a_sentence(kind: Kind) -> None:
    text = describe(event(kind))
    assert len(text) > 5
    assert not set("{}[]|") & set(text)
    assert "  " not in text


ALERT: JsonObject = {
    "episode_id": 3,
    "title": "HighErrorRate on checkout",
    "severity": "P1",
    "fingerprint": "f1",
}

SENTENCES = [
    (Kind.OPENED, {"severity": "P1", "team": "payments", "title": "Errors", "alerts": [ALERT]},
     "Opened as P1 for team payments: Errors (firing: HighErrorRate on checkout (P1))"),
    (Kind.OPENED, {"severity": "P1", "title": "Errors", "alerts": [{"title": "Errors", "severity": "P1"}]},
     "Opened as P1: Errors"),
    (Kind.DECLARED, {"severity": "P1", "title": "Errors"}, "Alice Example declared the incident as P1: Errors"),
    (Kind.ALERT_ATTACHED, {"alerts": [ALERT, {"fingerprint": "f2"}]},
     "Also firing: HighErrorRate on checkout (P1) and f2"),
    (Kind.ALERT_ATTACHED, {"alerts": [{"title": name} for name in "abcdefg"]},
     "Also firing: a, b, c, d, e and 2 more"),
    (Kind.ALERT_RESOLVED, {"alerts": [ALERT], "still_firing": 2},
     "No longer firing: HighErrorRate on checkout (P1); 2 still firing"),
    (Kind.ALERT_RESOLVED, {"alerts": [{}], "still_firing": 0}, "No longer firing: an alert"),
    (Kind.STEP, {"step": 0, "of": 3, "loop": 1, "people": [{"person": "alice", "via": "sms"}, {"person": "alice"},
      {"person": "zoe"}], "progress": {"next_at": "2026-11-21T02:20:00+00:00"}, "unreachable": ["bob"]},
     ("Escalation step 1 of 3 (round 2) pages Alice Example and zoe; no channel reaches Bob Example; "
      "next step at 02:20 UTC")),
    (Kind.STEP, {"step": "fallback", "loop": 0, "next_at": "2026-11-22T02:20:00Z"},
     "Escalation step fallback pages its people; next step at 2026-11-22 02:20 UTC"),
    (Kind.NOBODY, {"step": 1, "reason": "nobody stands behind lead"},
     "Nobody to page at step 2: nobody stands behind lead"),
    (Kind.FELL_BACK, {"to": "last_resort", "people": [{"person": "bob"}], "reason": "because step 1 has nobody"},
     "The last resort is paged: Bob Example, because step 1 has nobody"),
    (Kind.EXHAUSTED, {"loops": 1, "people": ["bob"]},
     "Escalation exhausted after 1 round; last resort: Bob Example"),
    (Kind.EXHAUSTED, {"loops": 3, "reason": "nobody answered"},
     "Escalation exhausted after 3 rounds: nobody answered"),
    (Kind.PAGE_PLANNED, {"person": "bob", "via": "sms", "due_at": "02:07", "reason": "on call"},
     "Page planned for Bob Example by sms at 02:07 (on call)"),
    (Kind.PAGE_SENT, {"person": "bob", "via": "sms", "attempt": 1}, "Paged Bob Example by sms"),
    (Kind.PAGE_SENT, {"person": "bob", "attempt": 3, "sent_after_ack": True},
     "Paged Bob Example at attempt 3; it was on its way already when paging stopped"),
    (Kind.PAGE_FAILED, {"person": "bob", "via": "sms", "reason": "no phone"},
     "Could not page Bob Example by sms: no phone"),
    (Kind.PAGE_FAILED, {"person": "bob", "error": "timeout", "reason": "no phone"},
     "Could not page Bob Example: timeout"),
    (Kind.PAGE_DIVERTED, {"person": "bob", "via": "slack", "instead": "sms", "reason": "no answer"},
     "slack is down, sms instead for Bob Example: no answer"),
    (Kind.PAGES_CANCELLED, {"count": 2, "people": ["alice", "bob"], "reason": "acknowledged by alice"},
     "Waiting pages taken back from Alice Example and Bob Example (2): acknowledged by Alice Example"),
    (Kind.REPAGED, {"reason": "bob raised it to P1"}, "Paging began again: Bob Example raised it to P1"),
    (Kind.REPAGED, {"reason": "somebody else raised it to P1"}, "Paging began again: somebody else raised it to P1"),
    (Kind.TIMER_PARKED, {"timer": "step", "reason": "KeyError: 1"},
     "What was due (step) failed too often and is set aside; somebody has to look: KeyError: 1"),
    (Kind.ACKNOWLEDGED, {}, "Alice Example acknowledged"),
    (Kind.ACKNOWLEDGED, {"by": "bob"}, "Bob Example acknowledged"),
    (Kind.SNOOZED, {"until": "2026-11-21T03:00:00+01:00"}, "Alice Example snoozed the incident until 02:00 UTC"),
    (Kind.SNOOZED, {"until": "2026-11-21T03:00:00"},
     "Alice Example snoozed the incident until 2026-11-21T03:00:00"),
    (Kind.PAGED, {"wanted": "team/x", "people": [{"person": "bob"}]}, "Alice Example asked for Bob Example"),
    (Kind.SEVERITY_CHANGED, {"severity": "P1", "was": "P2", "peak": "P1", "reason": "nobody can pay"},
     "Severity changed from P2 to P1 by Alice Example: nobody can pay"),
    (Kind.PHASE_CHANGED, {"phase": "monitoring", "was": "mitigating"},
     "Phase changed from mitigating to monitoring by Alice Example"),
    (Kind.TITLE_CHANGED, {"title": "B", "was": "A"}, "Title changed from “A” to “B” by Alice Example"),
    (Kind.UPDATE_POSTED, {"text": "Rolling\nback", "next_update_at": "2026-11-21T02:20:00Z"},
     "Alice Example posted an update: Rolling back (next update by 02:20 UTC)"),
    (Kind.LEAD_ASSIGNED, {"person": "bob"}, "Bob Example leads the incident"),
    (Kind.LEAD_ASSIGNED, {"person": "bob", "handed_over_by": "alice"},
     "Bob Example leads the incident, handed over by Alice Example"),
    (Kind.HANDOFF_OFFERED, {"person": "bob", "until": "2026-11-21T03:30:00+00:00", "instead_of": "zoe"},
     "Alice Example offered the lead to Bob Example, until 03:30 UTC; no longer to zoe"),
    (Kind.HANDOFF_REMINDED, {"person": "bob"}, "Bob Example was asked once more to take the lead"),
    (Kind.HANDOFF_DECLINED, {"person": "bob", "lead": "alice", "taken_back": True},
     "Alice Example took the offer of the lead back; Alice Example leads"),
    (Kind.HANDOFF_DECLINED, {"person": "bob", "lead": "bob"}, "Alice Example did not take the lead; Bob Example leads"),
    (Kind.HANDOFF_EXPIRED, {"person": "bob", "lead": "alice"},
     "Bob Example did not answer the offer of the lead; Alice Example leads"),
    (Kind.STEP_TICKED, {"number": 2, "text": "Roll it back", "done": 1, "of": 3},
     "Alice Example did step 2 of the runbook: Roll it back (1 of 3)"),
    (Kind.STEP_UNTICKED, {"number": 2, "text": "Roll it back", "done": 0, "of": 3},
     "Alice Example took back that step 2 of the runbook is done: Roll it back (0 of 3)"),
    (Kind.FIRES_ON, {"firing": 2}, "Resolved by hand, and 2 alerts fired on: `reopen` if it is not over"),
    (Kind.TAKEN_BACK, {"of": 3, "kind": "item_added", "what": "task", "number": 1, "text": "look"},
     "Alice Example took back task 1: look"),
    (Kind.ITEM_ADDED, {"number": 1, "kind": "change", "text": "Rate limit", "owner": "bob", "undo": "lift it"},
     "Alice Example recorded temporary change 1: Rate limit (for Bob Example); to undo: lift it"),
    (Kind.ITEM_DONE, {"number": 2, "kind": "odd"}, "Alice Example completed odd 2"),
    (Kind.ITEM_ADDED, {"number": 3, "kind": "theory", "text": "cold cache"},
     "Alice Example recorded theory 3: cold cache"),
    (Kind.THEORY_CONFIRMED, {"number": 3, "text": "cold cache", "why": None},
     "Alice Example confirmed theory 3: cold cache"),
    (Kind.THEORY_RULED_OUT, {"number": 3, "text": "cold cache", "why": "it is warm"},
     "Alice Example ruled out theory 3: cold cache; it is warm"),
    (Kind.RUNBOOK_FOUND, {"runbook": "a.md"}, "Runbook found: a.md"),
    (Kind.RESOLVED, {"firing": 1, "reason": "known"},
     "Alice Example resolved the incident while one alert still fired: known"),
    (Kind.RESOLVED, {"firing": 4}, "Alice Example resolved the incident while 4 alerts still fired"),
    (Kind.RESOLVED, {"firing": 0, "auto": True}, "Resolved by itself"),
    (Kind.MERGED, {"into": 1, "name": "INC-1", "reason": "one disk"}, "Alice Example merged this into INC-1: one disk"),
    (Kind.MERGED_HERE, {"incident": 3, "name": "INC-3", "title": "Errors", "alerts": [ALERT], "reason": "one disk"},
     "INC-3 was merged into this: Errors, with HighErrorRate on checkout (P1); one disk"),
    (Kind.UNMERGED, {"into": 4, "name": "INC-4", "of": "INC-1"},
     "Alice Example took this out of INC-1 again; it goes on as INC-4"),
    (Kind.UNMERGED_HERE, {"name": "INC-3", "goes_on_as": "INC-4", "alerts": [ALERT]},
     "INC-3 was taken out of this again, with HighErrorRate on checkout (P1); it goes on as INC-4"),
    (Kind.NOTE, {"text": True}, "Alice Example noted: yes"),
    (Kind.NOTE, {"text": 3.5}, "Alice Example noted: 3.5"),
]  # fmt: skip


@pytest.mark.parametrize("kind,data,sentence", SENTENCES)
def test_sentences(kind: Kind, data: JsonObject, sentence: str) -> None:
    assert describe(event(kind, data), NAMES) == sentence


@pytest.mark.parametrize(
    "kind,actor,source,sentence",
    [
        (Kind.RESOLVED, "escalation", "worker", "Resolved by itself"),
        (Kind.REOPENED, "grafana", "grafana", "Reopened by itself"),
        (Kind.CANCELLED, "system", "worker", "The bot cancelled the incident"),
        (Kind.SEVERITY_CHANGED, "alertmanager", "alertmanager", "Severity changed by Alertmanager"),
        (Kind.NOTE, "", "cli", "Somebody noted: nothing"),
        (Kind.NOTE, "zoe", "cli", "zoe noted: nothing"),
    ],
)
def test_who_acted(kind: Kind, actor: str, source: str, sentence: str) -> None:
    assert describe(event(kind, actor=actor, source=source)) == sentence


json_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = sorted({
    "title", "severity", "team", "alerts", "step", "of", "loop", "people", "targets", "unreachable", "next_at",
    "progress", "person", "via", "reason", "error", "attempt", "due_at", "count", "by", "until", "from", "was", "to",
    "text", "phase", "next_update_at", "role", "number", "kind", "owner", "due", "undo", "path", "runbook", "firing",
    "forced", "auto", "loops", "channel", "impact", "still_firing", "sent_after_ack", "wanted", "name",
    "goes_on_as",
})  # fmt: skip


@given(
    kind=st.sampled_from(Kind),
    actor=st.text(max_size=8),
    data=st.dictionaries(st.sampled_from(KEYS), json_values),
)
def test_no_data_whatever_breaks_a_sentence(kind: Kind, actor: str, data: JsonObject) -> None:
    text = describe(event(kind, data, actor=actor))
    assert text
    assert text == " ".join(text.split())


def test_a_text_with_the_wording_s_own_signs_is_shown_as_it_is() -> None:
    text = describe(event(Kind.NOTE, {"text": "{who} [x] {a|b} {{ 7*7 }}"}), NAMES)
    assert text == "Alice Example noted: {who} [x] {a|b} {{ 7*7 }}"


def test_entries_are_in_the_order_in_which_things_happened() -> None:
    late = event(
        Kind.NOTE, {"text": "late"}, seq=3, happened_at=NOW - timedelta(minutes=5), recorded_at=NOW, hash="h3"
    )
    told = entries([event(Kind.ACKNOWLEDGED, seq=2), late, event(Kind.OPENED, seq=1)], NAMES)
    assert [one.seq for one in told] == [3, 1, 2]
    assert (told[0].recorded_at, told[0].hash, told[0].source) == (NOW, "h3", "console")


def test_an_entry_shows_no_secret_in_text_or_data() -> None:
    data: JsonObject = {
        "text": "curl -H 'Authorization: Bearer abcdef0123456789' https://u:hunter2@db/x?token=s3cr3t",
        "nested": [{"password": "hunter2", "n": 1, "none": None}],
    }
    told = entry(event(Kind.NOTE, data))
    for secret in ("abcdef0123456789", "hunter2", "s3cr3t"):
        assert secret not in told.text
        assert secret not in str(told.data)
    assert told.data["nested"] == [{"password": HIDDEN, "n": 1, "none": None}]


@pytest.mark.parametrize(
    "text,shown",
    [
        ("Authorization: Basic dXNlcjpwYXNz", f"Authorization: {HIDDEN}"),
        ("got Bearer abc.def-123456 back", f"got Bearer {HIDDEN} back"),
        ("https://x/y?a=1&token=abc&b=2", f"https://x/y?a=1&token={HIDDEN}&b=2"),
        ("https://x/y?api_key=abc#top", f"https://x/y?api_key={HIDDEN}#top"),
        ("postgresql://bot:pa55@db/main", f"postgresql://bot:{HIDDEN}@db/main"),
        ("PGPASSWORD=hunter2 psql", f"PGPASSWORD={HIDDEN} psql"),
        ('{"client_secret": "a b c"}', f'{{"client_secret": {HIDDEN}}}'),
        ("routing_key: 0123456789abcdef", f"routing_key: {HIDDEN}"),
        ("xoxb-123456789012-abcdef", HIDDEN),
        ("key ghp_0123456789abcdefABCDEF0123456789abcd", f"key {HIDDEN}"),
        ("AKIAIOSFODNN7EXAMPLE1", HIDDEN),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl", HIDDEN),
        ("https://hooks.slack.com/services/T0/B0/abc", f"https://hooks.slack.com/services/{HIDDEN}"),
        ("wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12", HIDDEN),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", HIDDEN),
    ],
)
def test_secrets_are_hidden(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "The password was wrong and the token expired",
        "basic infrastructure monitoring is down",
        "commit 3f786850e387550fdab836ed7e6dc881de23001b",
        "trace 4bf92f3577b34da6a3ce929d0e0e4736 on checkout-7d9f8b6c5d-abcde",
        "https://grafana.example.com/d/abc/checkout?var-service=checkout&from=now-1h",
        "KubePersistentVolumeFillingUpVeryVerySoonIndeed fires",
        "mailto:alice@example.com and http://example.com:8080/a@b",
        "Rate limit at 100/s: see runbooks/services/high-error-rate.md",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


PIECES = (
    "a", "ok ", " ", "=", ":", "?", "&", "@", "/", "://", '"', "x" * 14, "0123456789", "Ab1", "\n", ".", "key", "sig",
    "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "Authorization", "bearer ", "Basic ", "pass",
    "password", "PWD", "secret", "Token", "api_key", "access-key", "private_key", "routing key", "credentials", "auth",
    "signature", "hooks.slack.com/services/", "xoxb-", "xapp-", "ghp_", "github_pat_", "glpat-", "sk-", "sk_live_",
    "rk_live_", "AKIA", "ASIA", "AIza", "SG.", "dckr_pat_", "npm_", "hvs.", "glsa_", "eyJ", "code",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_pattern_is_left_out_where_it_would_hide_something(text: str) -> None:
    # With a letter that is not ASCII in front, every pattern is tried.
    assert redact(f"ſ {text}") == f"ſ {redact(text)}"


def test_letters_that_look_like_ours_without_regard_to_case_hide_nothing() -> None:
    assert redact("paſſword=hunter2") == f"paſſword={HIDDEN}"


@given(st.text(max_size=300))
def test_hiding_twice_hides_nothing_more(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    "text", ["a" * 20_000, "=" * 20_000, "token" * 5_000, "-----BEGIN PRIVATE KEY-----" * 300]
)
def test_no_text_makes_hiding_slow(text: str) -> None:
    start = time.perf_counter()
    redact(text)
    assert time.perf_counter() - start < 2


def test_redact_data_leaves_names_that_only_look_alike() -> None:
    assert redact_data({"tokens_left": 3, "api_token": "x", "secret": ""}) == {
        "tokens_left": 3,
        "api_token": HIDDEN,
        "secret": "",
    }


def test_a_line_is_one_line_and_hides_nothing_behind_invisible_signs() -> None:
    assert one_line(" a\n\u202eb\tc\x00 ") == "a b c"
    assert one_line("abcdef", 4) == "abc…"
    assert visible("a\u200b\nb") == "a\nb"
