"""The editor and its interface: versions, two who write at once, what helps to fill it, and nothing that can run."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from incident_bot.entrypoints.sheet import FORM_HEADERS
from tests.entrypoints.conftest import World
from tests.entrypoints.test_console import BROWSER, Page

DOCUMENT = "/api/v1/incidents/INC-1/postmortem/document"
EDIT = "/incidents/INC-1/postmortem/edit"
MARKDOWN = {"content-type": "text/markdown"}
HOSTILE = '<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror="alert(1)">'
OURS = {"origin": "http://localhost:8080", "sec-fetch-site": "same-origin", **FORM_HEADERS}


@pytest.fixture
def client(world: World) -> TestClient:
    """A browser before one incident that is over."""
    world.open_incident()
    client = world.client(headers=OURS)
    for line in ("ack", "note the deploy began", "resolve rolled back"):
        assert client.post("/api/v1/incidents/INC-1/commands", json={"text": line}).status_code == 200
    world.pump()
    return client


def put(client: TestClient, text: str, version: object) -> tuple[int, dict[str, object]]:
    headers = {**MARKDOWN, "if-match": f'"{version}"'}
    answer = client.put(DOCUMENT, content=text.encode(), headers=headers)
    return answer.status_code, answer.json()


def test_a_text_is_saved_upon_the_version_that_was_read(client: TestClient) -> None:
    found = client.get(DOCUMENT)
    read = found.json()
    assert found.headers["etag"] == f'"{read["version"]}"'
    assert read["completeness"]["percent"] < 100
    assert read["completeness"]["missing"]
    text = read["text"] + "\nMine.\n"
    status, saved = put(client, text, read["version"])
    assert (status, saved["version"]) == (200, read["version"] + 1)
    status, clash = put(client, text.replace("Mine.", "Theirs."), read["version"])
    assert status == 409
    assert clash["version"] == saved["version"]
    assert {"theirs", "mine", "merged", "clashes"} <= clash.keys()
    assert "Mine." in str(clash["merged"])
    assert "Theirs." in str(clash["merged"])
    listed = client.get("/api/v1/incidents/INC-1/postmortem/versions").json()["items"]
    assert [one["version"] for one in listed] == [*range(saved["version"], 0, -1)]  # type: ignore[call-overload] # JSON
    one = client.get(f"/api/v1/incidents/INC-1/postmortem/versions/{saved['version']}").json()
    assert one["text"] == text


@pytest.mark.parametrize("sent,status", [(None, 428), ('"x"', 400), ("*", 200), ('W/"0"', 200)])
def test_what_stands_in_if_match(client: TestClient, sent: str | None, status: int) -> None:
    headers = MARKDOWN if sent is None else {**MARKDOWN, "if-match": sent}
    assert client.put(DOCUMENT, content=b"text", headers=headers).status_code == status


def test_the_editor_works_without_script(client: TestClient) -> None:
    page = client.get(EDIT)
    assert page.status_code == 200
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version is not None
    form = {"text": f"# Ours\n\n{HOSTILE}\n", "version": version[1]}
    preview = client.post(EDIT, data={**form, "action": "preview"})
    assert preview.status_code == 200
    assert "<script>alert" not in preview.text
    assert "javascript:" not in preview.text.replace("](javascript:alert(1))", "")
    saved = client.post(EDIT, data=form)
    assert saved.status_code == 303
    assert "Saved as version" in client.get(saved.headers["location"]).text
    clash = client.post(EDIT, data={**form, "text": "# Other\n"})
    assert clash.status_code == 409
    for words in ("meanwhile", "# Other", "# Ours", "Yours, as you sent it"):
        assert words in clash.text
    empty = client.post(EDIT, data={**form, "text": " "})
    assert (empty.status_code, "The text is empty" in empty.text) == (409, True)


def test_a_preview_is_a_piece_of_clean_html(client: TestClient) -> None:
    answer = client.post("/incidents/INC-1/postmortem/preview", content=HOSTILE.encode(), headers=MARKDOWN)
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "<img" not in answer.text
    assert 'href="javascript' not in answer.text
    assert client.get("/incidents/INC-1/postmortem/preview").status_code == 303


def test_entries_and_answers_are_put_where_they_belong(client: TestClient) -> None:
    read = client.get(DOCUMENT).json()
    timeline = client.get("/api/v1/incidents/INC-1/timeline").json()["items"]
    note = next(one["seq"] for one in timeline if one["kind"] == "note")
    form = {"text": read["text"], "version": read["version"]}
    page = client.post(EDIT, data={**form, "action": "import", "entry": note, "section": 7})
    assert f"the deploy began [event {note}]" in page.text
    assert "not saved yet" in page.text
    nothing = client.post(EDIT, data={**form, "action": "import", "section": 7})
    assert nothing.text.count("the deploy began") < page.text.count("the deploy began")
    asked = next(one for one in read["questions"] if one.startswith("Nobody led it"))
    question = re.sub(r" \[.*\]$", "", asked)
    page = client.post(EDIT, data={**form, "action": "answer", "question": question, "answer": "Alice did."})
    assert f"**{question}** Alice did." in page.text
    unknown = client.post(EDIT, data={**form, "action": "answer", "question": "Who?", "answer": "x"})
    assert "**Who?**" not in unknown.text


def test_the_review_is_moved_on_from_the_page(client: TestClient) -> None:
    address = "/incidents/INC-1/postmortem/review"
    done = client.post(address, data={"word": "owner", "rest": "@alice"})
    assert (done.status_code, "alice owns it" in done.text) == (200, True)
    refused = client.post(address, data={"word": "publish"})
    assert (refused.status_code, "is not approved yet" in refused.text) == (409, True)
    added = client.post(address, data={"word": "followup", "rest": "watch the pool @bob 14d type:detect"})
    assert "watch the pool" in added.text
    assert client.get(address).status_code == 303


def test_the_incident_says_how_far_it_is_and_the_document_leads_back(client: TestClient) -> None:
    def card() -> str:
        return Page(client.get("/incidents/INC-1", headers=BROWSER).text).text

    def say(*lines: str, actor: str) -> None:
        for line in lines:
            body = {"text": f"postmortem {line}", "actor": actor}
            answer = client.post("/api/v1/incidents/INC-1/commands", json=body)
            assert answer.status_code == 200, answer.text

    say("owner @alice", "review @bob", actor="alice")
    assert "Post-mortem in review Owner Alice Example Reviewers Bob" in card()
    assert "Read the post-mortem Write it" in card()
    say("approve", actor="bob")
    say("publish", actor="alice")
    assert "Post-mortem published Owner Alice Example" in card()
    assert "Write it" not in card()
    shown = client.get("/incidents/INC-1/postmortem", headers=BROWSER).text
    assert '<nav class="back" aria-label="Incident"><a href="/incidents/INC-1">INC-1</a>' in shown
    assert "<nav" not in client.get("/api/v1/incidents/INC-1/postmortem?format=html").text


def test_the_lists_have_filters_pages_and_csv(client: TestClient) -> None:
    say = "/api/v1/incidents/INC-1/commands"
    for line in (
        "postmortem owner @alice",
        'followup =HYPERLINK("x") @bob 14d type:prevent',
        "followup second",
    ):
        assert client.post(say, json={"text": line}).status_code == 200
    (row,) = client.get("/api/v1/postmortems?owner=alice&state=open").json()["items"]
    assert (row["incident"], row["state"], row["overdue"]) == ("INC-1", "draft", False)
    assert client.get("/api/v1/postmortems?overdue=true").json() == {"items": [], "next": None}
    table = client.get("/api/v1/postmortems?format=csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert "INC-1" in table.text
    listed = client.get("/api/v1/follow-ups?limit=1").json()
    assert [one["number"] for one in listed["items"]] == [1, 2], "all of one incident stand together"
    assert client.get(f"/api/v1/follow-ups?cursor={listed['next']}").json()["items"] == []
    assert "'=HYPERLINK" in client.get("/api/v1/follow-ups?format=csv").text
    page = client.get("/postmortems?state=all").text
    assert "/incidents/INC-1/postmortem/edit" in page
    assert 'href="/postmortems"' in page
    assert "None here" in client.get("/postmortems?state=published&team=platform&overdue=1").text
    assert "second" in client.get("/follow-ups").text
    assert "None here" in client.get("/follow-ups?state=proven&owner=bob").text
    assert client.get("/postmortems?state=nonsense").status_code == 200
