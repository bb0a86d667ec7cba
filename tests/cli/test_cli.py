"""Every command as people type it: what it prints, how it ends, and the one line in which it refuses."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
import typer

from incident_bot import __version__
from incident_bot.cli import app
from incident_bot.clock import wall
from incident_bot.store import Store, incidents
from tests.cli.command_line import CommandLine
from tests.plugins.story_files import documents

ROOT = Path(__file__).resolve().parents[2]
SECRET = "correct-horse-battery-staple"
PROBLEM = re.compile(r"\S+:\d+: (warning: )?\S.*")
OFFICE = """
  - {name: office, priority: 10, turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}, people: [[ana]],
     windows: [{days: mon-fri, from: "09:00", to: "17:00"}]}
"""
TUESDAY = "2026-03-03T10:00:00Z"


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, by the words that call it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, found in sorted(inner.items()):
        yield from commands(found, (*path, name))


COMMANDS = dict(commands(typer.main.get_command(app)))


# The program as such.


def test_the_version(bot: CommandLine) -> None:
    assert bot.ok("--version") == f"incident-bot {__version__}\n"


def test_the_help_lists_every_command(bot: CommandLine) -> None:
    listed = set(re.findall(r"(?m)^  ([a-z]+)  ", bot.ok("--help")))
    assert listed == {path[0] for path in COMMANDS}


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_helps_with_an_example_that_works(path: tuple[str, ...], bot: CommandLine) -> None:
    shown = " ".join(bot.ok(*path, "--help").split())
    found = re.search(r"Example: (.*?) (?:Arguments|Options):", shown)
    assert found, shown
    words = shlex.split(found[1])
    while re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words.pop(0)
    assert words[: len(path) + 1] == ["incident-bot", *path]
    # The words of the example are words that the command knows: parsing raises otherwise.
    COMMANDS[path].make_context(path[-1], words[len(path) + 1 :])


@pytest.mark.parametrize(
    "words",
    [
        ("frobnicate",), ("incident", "frobnicate"), ("oncall", "--frobnicate"), ("shifts", "web"), ("postmortem",),
        ("token", "revoke", "three"), ("incident", "run"), ("init",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_ends_with_2_and_points_at_the_help(words: tuple[str, ...], bot: CommandLine) -> None:
    assert "Error: " in bot.misused(*words)


@pytest.mark.parametrize("words", [(), ("incident",), ("db",), ("token",)], ids=" ".join)
def test_no_command_shows_the_help(words: tuple[str, ...], bot: CommandLine) -> None:
    said = bot(*words)
    assert said.status == 2
    assert "Usage: " in said.out + said.err


# Settings.


@pytest.mark.parametrize(
    "name, value",
    [
        ("PORT", "80a"), ("LOG_LEVEL", "loud"), ("DATABASE_URL", f"oracle://bot:{SECRET}@db/x"),
        ("WEBHOOK_URL", SECRET), ("API_TOKEN_FILE", "/nowhere/token"), ("PUBLIC_URL", "bot.example.com"),
    ],
)  # fmt: skip
def test_a_bad_setting_is_named_in_one_line(name: str, value: str, bot: CommandLine) -> None:
    bot.set({name: value})
    line = bot.refused("incident", "list")
    assert line.startswith(f"INCIDENT_BOT_{name}: ")
    assert SECRET not in line


def test_every_bad_setting_has_a_line_of_its_own(bot: CommandLine) -> None:
    bot.set({"PORT": "80a", "API_TOKEN": f"{SECRET}\n{SECRET}", "LOG_FORMAT": "xml"})
    said = bot("oncall")
    starts = [re.match(r"incident-bot: INCIDENT_BOT_([A-Z_]+): ", line) for line in said.err.splitlines()]
    assert [found and found[1] for found in starts] == ["API_TOKEN", "LOG_FORMAT", "PORT"]
    assert said.status == 1
    assert SECRET not in said.err


def test_a_channel_that_is_not_set_up_is_refused_before_anything_is_opened(
    bot: CommandLine, tmp_path: Path
) -> None:
    bot.set({"DEFAULT_CHANNEL": "pigeon", "DATABASE_URL": f"sqlite:///{tmp_path}/new.db"})
    line = bot.refused("incident", "list")
    assert line.startswith("INCIDENT_BOT_DEFAULT_CHANNEL is pigeon, which is not set up; set up are: stdout")
    assert not (tmp_path / "new.db").exists()


def test_a_database_that_does_not_answer_is_one_line_without_its_password(bot: CommandLine) -> None:
    bot.set({"DATABASE_URL": f"postgresql://bot:{SECRET}@127.0.0.1:1/incidents"})
    line = bot.refused("db", "check")
    assert line.startswith("the database cannot be used now: ")
    assert SECRET not in line


def test_a_directory_without_configuration_says_how_to_get_one(bot: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    bot.set({"CONFIG_DIR": str(tmp_path / "empty")})
    said = bot("incident", "list")
    assert (said.status, said.out) == (1, "")
    assert "`incident-bot init DIR`" in said.err


# check


def test_the_samples_are_valid(bot: CommandLine) -> None:
    out = bot.ok("check", str(ROOT))
    assert re.fullmatch(
        r"ok: revision [0-9a-f]{12}, (\d+ [a-z]+, ){5}\d+ templates\n", out.splitlines(True)[-1]
    )


def test_check_takes_the_configured_directory(bot: CommandLine) -> None:
    assert "ok: revision" in bot.ok("check")
    assert bot.ok("check") == bot.ok("check", ".") == bot.ok("check", str(bot.directory))


def test_check_shows_every_problem_with_its_place(bot: CommandLine) -> None:
    broken = documents(people="people:\n  ana: {nme: Ana}\n", matrix={"P3": "[{page: [person/nobody]}]"})
    bot.write(broken)
    bot.write(
        {"templates/slack/update.j2": "{{ incident.nothing_of_the_kind }}", "runbooks/x.md": "---\na: [\n"}
    )
    said = bot("check")
    lines = said.out.splitlines()
    assert said.status == 1
    assert all(PROBLEM.fullmatch(line) for line in lines), said.out
    assert {line.partition(":")[0] for line in lines} >= {"rotations/people.yaml", "runbooks/x.md"}
    errors = [line for line in lines if ": warning: " not in line]
    assert said.err == f"{len(errors)} errors; nothing of this set would be applied.\n"


def test_check_counts_a_single_error_and_lets_the_rest_pass(bot: CommandLine) -> None:
    bot.write(documents(last_resort="[person/nobody]"))
    said = bot("check")
    assert said.status == 1
    assert said.out.startswith("rotations/escalation.yaml:")
    assert said.err == "1 error; nothing of this set would be applied.\n"


@pytest.mark.parametrize("name", ["nowhere", "rotations/people.yaml"])
def test_check_of_what_is_no_directory(name: str, bot: CommandLine) -> None:
    said = bot("check", name)
    assert said.status == 1
    assert said.out == f"{name}:1: there is no such directory; name the one that holds rotations/\n"


def test_other_commands_show_the_same_problems(bot: CommandLine) -> None:
    bot.write(documents(last_resort="[person/nobody]"))
    said = bot("oncall")
    assert (said.status, said.out) == (1, "")
    first, last = said.err.splitlines()
    assert first == bot("check").out.strip()
    assert last == "The configuration is refused; `incident-bot check` shows the same list."


# oncall and shifts


def test_who_is_on_call(bot: CommandLine) -> None:
    lines = bot.ok("oncall", "--at", TUESDAY).splitlines()
    assert [line.partition(" – ")[0].partition(" until")[0] for line in lines] == [
        "data: Dan Example (dan)",
        "web: Ana Example (ana)",
    ]
    assert bot.ok("oncall", "web", "--at", TUESDAY).splitlines() == lines[1:]
    assert bot.ok("oncall", "web")


def test_who_is_on_call_as_json(bot: CommandLine) -> None:
    (found,) = json.loads(bot.ok("oncall", "web", "--at", TUESDAY, "--json"))
    assert found.keys() >= {"schedule", "person", "name", "why", "since", "until"}
    assert (found["schedule"], found["person"], found["name"]) == ("web", "ana", "Ana Example")


def test_nobody_on_call(bot: CommandLine) -> None:
    bot.write(documents(layers=OFFICE))
    assert bot.ok("oncall", "web", "--at", "2026-03-03T20:00:00+01:00") == "Nobody is on call.\n"
    assert json.loads(bot.ok("oncall", "web", "--at", "2026-03-07", "--json")) == []
    at_work = bot.ok("oncall", "web", "--at", "2026-03-03T10:00:00+01:00")
    assert at_work.startswith("web: Ana Example (ana) until 2026-03-03 17:00:00Z – ")


@pytest.mark.parametrize("at", ["tomorrow", "2026-13-01", "0001-01-01T00:00:00+14:00", "99999-01-01", ""])
def test_what_is_no_instant(at: str, bot: CommandLine) -> None:
    line = bot.refused("oncall", "--at", at)
    assert line == f"{at!r} is no instant; write 2026-11-21T03:00:00Z"


@pytest.mark.parametrize(
    "words", [("oncall", "nope"), ("shifts", "nope", "--from", "2026-03-01", "--to", "2026-03-02")]
)
def test_an_unknown_schedule(words: tuple[str, ...], bot: CommandLine) -> None:
    assert bot.refused(*words) == "There is no schedule 'nope'; known: data, web."


def test_shifts(bot: CommandLine) -> None:
    bot.write(documents(layers=OFFICE))
    lines = bot.ok("shifts", "web", "--from", "2026-03-02", "--to", "2026-03-04T12:00:00Z").splitlines()
    assert [line.partition("  (")[0] for line in lines] == [
        "2026-03-02 09:00:00Z – 2026-03-02 17:00:00Z  ana",
        "2026-03-03 09:00:00Z – 2026-03-03 17:00:00Z  ana",
        "2026-03-04 09:00:00Z – 2026-03-04 12:00:00Z  ana",
    ]


def test_shifts_as_json(bot: CommandLine) -> None:
    found = json.loads(bot.ok("shifts", "web", "--from", "2026-03-02", "--to", "2026-03-09", "--json"))
    assert (found[0]["start"], found[-1]["end"]) == ("2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z")
    assert {tuple(shift["people"]) for shift in found} == {("ana",)}
    assert all(shift["why"] for shift in found)


@pytest.mark.parametrize("end", ["2026-03-01", "2026-03-02", "2037-01-01"])
def test_shifts_of_no_sane_stretch(end: str, bot: CommandLine) -> None:
    line = bot.refused("shifts", "web", "--from", "2026-03-02", "--to", end)
    assert line == "--to must come after --from, and within ten years of it"


# simulate


def test_simulate_labels(bot: CommandLine) -> None:
    out = bot.ok("simulate", "alertname=HighErrorRate", "severity=critical", "--at", TUESDAY)
    assert "→ incident, team web, severity P1" in out
    assert "runbook   high-error-rate.md" in out
    pages = re.findall(r"\+ +([\d.]+) min  \S+ \S+  (\w+) Example", out)
    assert pages[:3] == [("0.0", "Ana"), ("15.0", "Ben"), ("30.0", "Cleo")]


def test_simulate_what_pages_nobody(bot: CommandLine) -> None:
    bot.write(documents(routes='[{match: ["alertname=Watchdog"], action: record}]'))
    out = bot.ok("simulate", "alertname=Watchdog")
    assert "→ record" in out
    assert "nobody is paged" in out
    assert "tried     " in out


def body_of(*names: str) -> bytes:
    one = json.loads((ROOT / "tests/data/alertmanager/single-01.json").read_bytes())
    alert = one["alerts"][0] | {"status": "firing"}
    one["alerts"] = [alert | {"labels": {"alertname": name, "severity": "critical"}} for name in names]
    return json.dumps(one).encode()


def test_simulate_a_body_from_a_file_and_from_standard_input(bot: CommandLine) -> None:
    (bot.directory / "body.json").write_bytes(body_of("HighErrorRate", "Other"))
    from_file = json.loads(bot.ok("simulate", "--body", "body.json", "--at", TUESDAY, "--json"))
    piped = json.loads(
        bot.ok("simulate", "--body", "-", "--at", TUESDAY, "--json", stdin=body_of("HighErrorRate", "Other"))
    )
    assert from_file == piped
    assert [view["labels"]["alertname"] for view in piped] == ["HighErrorRate", "Other"]
    assert [view["runbook"] for view in piped] == ["high-error-rate.md", None]
    assert [(page["person"], page["minute"]) for page in piped[0]["pages"][:2]] == [
        ("ana", 0.0),
        ("ben", 15.0),
    ]
    told = bot.ok("simulate", "--body", "body.json", "--at", TUESDAY)
    assert told.count("severity P1") == 2


@pytest.mark.parametrize("words", [(), ("severity=critical", "--body", "-"), ("severity",), ("=x",)])
def test_simulate_takes_either_labels_or_a_body(words: tuple[str, ...], bot: CommandLine) -> None:
    assert "name=value" in bot.misused("simulate", *words)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 100_000], ids=["empty", "cut", "no text", "deep"]
)
def test_simulate_what_is_not_json(body: bytes, bot: CommandLine) -> None:
    assert bot.refused("simulate", "--body", "-", stdin=body) == "standard input is not JSON"


def test_simulate_what_is_no_webhook(bot: CommandLine) -> None:
    assert bot.refused("simulate", "--body", "-", stdin=b"[1]").startswith("$: ")
    assert bot.refused("simulate", "--body", "nowhere.json").startswith("nowhere.json cannot be read: ")


# incident


def test_an_incident_from_declared_to_resolved(bot: CommandLine) -> None:
    assert bot.ok("incident", "list").strip()
    assert json.loads(bot.ok("incident", "list", "--json")) == []
    assert (
        bot.ok("incident", "run", "new P1 The shop is down", "--as", "cleo")
        == "INC-1 is open: The shop is down\n"
    )
    assert "INC-1 [P1] The shop is down" in bot.ok("incident", "list")
    assert bot.ok("incident", "run", "ack INC-1", "--as", "ana").startswith("You have INC-1.")
    bot.ok("incident", "run", "note the disk is full", "--incident", "inc-1", "--as", "ana")
    shown = bot.ok("incident", "show", "1")
    assert "The shop is down" in shown
    timeline = shown.rpartition("\n\n")[2]
    assert re.search(r"\d\d:\d\d:\d\dZ  .*the disk is full.*\(Ana Example\)", timeline), timeline
    assert bot.ok("incident", "run", "resolve grew the disk", "--incident", "1").startswith(
        "INC-1 is resolved"
    )
    assert "INC-1" not in bot.ok("incident", "list")
    assert "INC-1" in bot.ok("incident", "list", "--all")
    (found,) = json.loads(bot.ok("incident", "list", "--all", "--json"))
    assert (found["id"], found["escalation"], found["acknowledged_by"]) == ("INC-1", "resolved", "ana")
    one = json.loads(bot.ok("incident", "show", "INC-1", "--json"))
    assert one["title"] == "The shop is down"
    assert datetime.fromisoformat(one["opened_at"]) <= datetime.fromisoformat(one["resolved_at"])


@pytest.mark.parametrize(
    "words, says",
    [
        (("incident", "show", "INC-9"), "INC-9"),
        (("incident", "show", "first"), "'first' is no incident; write INC-42 or 42"),
        (("incident", "show", "9999999999"), "write INC-42 or 42"),
        (
            ("incident", "run", "ack"),
            "Which incident? Type for example `ack INC-42`; `list` shows what is open.",
        ),
        (("incident", "run", "akc INC-1"), "ack"),
        (("incident", "run", "ack INC-1"), "INC-1"),
        (("incident", "run", "new"), "Something is missing; type for example `new P2"),
        (("postmortem", "INC-9"), "INC-9"),
    ],
)
def test_refusals_say_what_to_do(words: tuple[str, ...], says: str, bot: CommandLine) -> None:
    assert says in bot.refused(*words)


def test_nobody_can_be_somebody_else(bot: CommandLine) -> None:
    line = bot.refused("incident", "run", "new The shop is down", "--as", "mallory")
    assert line.startswith("--as mallory: nobody of that id in people.yaml; known: ana, ben, cleo")
    assert json.loads(bot.ok("incident", "list", "--all", "--json")) == []


def test_a_key_makes_a_command_count_once(bot: CommandLine) -> None:
    declare = ("incident", "run", "new P2 The shop is slow", "--key", "k1")
    assert bot.ok(*declare) == bot.ok(*declare)
    note = ("incident", "run", "note INC-1 it is the cache", "--key", "k2")
    assert bot.ok(*note) == bot.ok(*note)
    assert bot.ok("incident", "show", "1").count("it is the cache") == 1
    assert len(json.loads(bot.ok("incident", "list", "--json"))) == 1
    assert "another command" in bot.refused("incident", "run", "note INC-1 no, it is not", "--key", "k2")
    assert "no, it is not" not in bot.ok("incident", "show", "1")


# postmortem


@pytest.fixture
def over(bot: CommandLine) -> CommandLine:
    """The command line after one incident."""
    bot.ok("incident", "run", "new P1 The shop is down", "--as", "ana")
    bot.ok("incident", "run", "resolve INC-1 grew the disk", "--as", "ana")
    return bot


def test_the_postmortem_in_every_form(over: CommandLine) -> None:
    text = over.ok("postmortem", "INC-1")
    assert "# INC-1: The shop is down" in text
    assert "## 1. Summary" in text
    page = over.ok("postmortem", "1", "--format", "html")
    assert "<h1" in page
    assert "The shop is down" in page
    assert json.loads(over.ok("postmortem", "1", "--format", "json"))["questions"]
    assert over.ok("postmortem", "1", "--format", "pdf", "--output", "pm.pdf") == "written: pm.pdf\n"
    assert (over.directory / "pm.pdf").read_bytes().startswith(b"%PDF-")
    assert "Ana" not in over.ok("postmortem", "1", "--blameless")


def test_a_form_that_there_is_not(over: CommandLine) -> None:
    assert over.refused("postmortem", "1", "--format", "docx").startswith(
        "The post-mortem comes as md, html, json, pdf;"
    )
    over.refused("postmortem", "1", "--format", "docx", "--output", "pm.docx")
    assert not (over.directory / "pm.docx").exists()


def test_what_people_wrote_into_the_file_is_kept(over: CommandLine) -> None:
    assert over.ok("postmortem", "1", "--output", "pm.md") == "written: pm.md\n"
    file = over.directory / "pm.md"
    first = file.read_text(encoding="utf-8")
    assert first == over.ok("postmortem", "1")
    mine = "Nobody had looked at the disk — for a year.\n"
    file.write_text(first.replace("\n## 2. Impact", f"\n{mine}\n## 2. Impact"), encoding="utf-8")
    over.ok("incident", "run", "impact INC-1 Nobody can buy", "--as", "ana")
    over.ok("postmortem", "1", "--output", "pm.md")
    second = file.read_text(encoding="utf-8")
    assert mine in second
    assert "Nobody can buy" in second
    assert "Nobody can buy" not in first


def test_a_file_is_taken_to_an_editor_and_back(over: CommandLine) -> None:
    file = over.directory / "edit.md"
    assert "--import edit.md" in over.ok("postmortem", "1", "--edit", "edit.md")
    assert over.refused("postmortem", "1", "--edit", "edit.md").startswith("edit.md is there already")
    text = file.read_text(encoding="utf-8")
    assert text.startswith("<!-- version:0 -->")
    (over.directory / "other.md").write_text(f"{text}\nTheirs.\n", encoding="utf-8")
    file.write_text(f"{text}\nMine.\n", encoding="utf-8")
    assert over.ok("postmortem", "1", "--import", "edit.md", "--as", "ana") == "saved as version 1\n"
    assert "ana saved version 1 meanwhile" in over.refused("postmortem", "1", "--import", "other.md")
    both = (over.directory / "other.md").read_text(encoding="utf-8")
    assert both.startswith("<!-- version:1 -->")
    assert "Mine." in both
    assert "Theirs." in both
    assert over.ok("postmortem", "1", "--import", "other.md") == "saved as version 2\n"
    file.write_text("# No version\n", encoding="utf-8")
    assert "does not say upon which version" in over.refused("postmortem", "1", "--import", "edit.md")


def test_news_for_what_people_edited_is_told(over: CommandLine) -> None:
    file = over.directory / "pm.md"
    over.ok("postmortem", "1", "--output", "pm.md")
    edited = file.read_text(encoding="utf-8").replace(
        "# INC-1: The shop is down", "# The day of the full disk"
    )
    file.write_text(edited, encoding="utf-8")
    over.ok("incident", "run", "title INC-1 The shop was down", "--as", "ana")
    said = over("postmortem", "1", "--output", "pm.md")
    assert (said.status, said.out) == (0, "written: pm.md\n")
    assert said.err == "pm.md: you edited the part title, and the record has news for it: see beneath it\n"
    text = file.read_text(encoding="utf-8")
    assert "# The day of the full disk" in text
    assert "INC-1: The shop was down" in text


@pytest.mark.parametrize("output", ["nowhere/pm.md", "rotations"])
def test_a_file_that_cannot_be_written(output: str, over: CommandLine) -> None:
    assert over.refused("postmortem", "1", "--output", output).startswith(f"{output} cannot be ")


# db


def test_an_empty_database_is_migrated(bot: CommandLine, tmp_path: Path) -> None:
    bot.set({"DATABASE_URL": f"sqlite:///{tmp_path}/new.db", "CONFIG_DIR": str(tmp_path / "nowhere")})
    said = bot("db", "check")
    assert (said.status, said.err) == (1, "run `incident-bot db upgrade`\n")
    assert said.out.startswith("schema none, newest ")
    newest = said.out.split()[-1]
    for _ in range(2):
        assert bot.ok("db", "upgrade") == f"the schema is at {newest}\n"
    assert bot.ok("db", "check") == f"schema {newest}, newest {newest}\n"


def test_a_database_in_no_directory(bot: CommandLine) -> None:
    bot.set({"DATABASE_URL": "sqlite:////nowhere/at/all.db"})
    assert "create it first" in bot.refused("db", "check")
    assert "create it first" in bot.refused("db", "upgrade")


# token


def test_a_token_is_made_listed_and_revoked(bot: CommandLine) -> None:
    secret = bot.ok("token", "create", "ci", "--scopes", "read, write").strip()
    assert re.fullmatch(r"ibt_[A-Za-z0-9_-]{43}", secret)
    assert bot.ok("token", "list") == "1  ci  read,write  valid\n"
    assert bot.ok("token", "revoke", "1") == "token 1 is revoked\n"
    listed = bot.ok("token", "list")
    assert re.fullmatch(r"1  ci  read,write  revoked \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\n", listed)
    for number in ("1", "2"):
        assert bot.refused("token", "revoke", number).startswith(
            f"There is no token {number} that still holds"
        )


@pytest.mark.parametrize("scopes", ["read,root", ",", ""])
def test_a_scope_that_there_is_not(scopes: str, bot: CommandLine) -> None:
    assert "use admin, changes, read, write." in bot.refused("token", "create", "ci", "--scopes", scopes)
    assert bot.ok("token", "list") == ""


# init


def test_what_init_writes_is_valid(bot: CommandLine) -> None:
    out = bot.ok("init", "mine/bot")
    written = sorted(path for path in (bot.directory / "mine/bot").rglob("*") if path.is_file())
    assert out == f"{len(written)} files written to mine/bot; next: incident-bot check mine/bot\n"
    for path in written:
        assert path.read_bytes() == (ROOT / path.relative_to(bot.directory / "mine/bot")).read_bytes()
    assert {path.relative_to(bot.directory / "mine/bot").parts[0] for path in written} == {
        "rotations",
        "runbooks",
        "templates",
    }
    assert "ok: revision" in bot.ok("check", "mine/bot")


def test_init_never_replaces_a_file(bot: CommandLine) -> None:
    before = sorted(bot.directory.rglob("*"))
    line = bot.refused("init", ".")
    assert line.endswith("exists already; give an empty directory, nothing was written")
    assert sorted(bot.directory.rglob("*")) == before


def test_init_where_nothing_can_be_written(bot: CommandLine) -> None:
    (bot.directory / "file").write_text("", encoding="utf-8")
    assert "give a directory that is yours" in bot.refused("init", "file")


# serve, as far as it refuses; what it does stands in test_serve.py


def test_serve_never_opens_itself_to_others_without_a_token(bot: CommandLine) -> None:
    bot.set({"HOST": "0.0.0.0", "DATABASE_URL": "sqlite://", "LOG_LEVEL": "warning"})  # noqa: S104 - it is refused
    line = bot.refused("serve")
    assert line.startswith("refusing to listen on 0.0.0.0 without INCIDENT_BOT_API_TOKEN")
    assert "INCIDENT_BOT_HOST=127.0.0.1" in line


def test_a_second_process_on_the_same_file_is_refused(bot: CommandLine, sqlite_url: str) -> None:
    serving = Store.open(sqlite_url, exclusive=True)
    try:
        line = bot.refused("serve")
        assert re.match(
            r"\S+/incident_bot.db is served by process \d+; stop it first. For several replicas", line
        )
        assert bot.ok("incident", "list")  # What only asks is let in.
    finally:
        serving.close()


def test_simulate_takes_labels_in_one_option(bot: CommandLine) -> None:
    apart = json.loads(
        bot.ok(
            "simulate",
            "alertname=A",
            "severity=critical",
            "note=a,b",
            "--at",
            "2026-03-03T03:00:00Z",
            "--json",
        )
    )
    whole = json.loads(
        bot.ok(
            "simulate",
            "--labels",
            "alertname=A,severity=critical,note=a,b",
            "--at",
            "2026-03-03T03:00:00Z",
            "--json",
        )
    )
    assert whole == apart
    assert whole[0]["labels"]["note"] == "a,b"
    assert "  assumed   Nobody answers, and it fires on." in bot.ok("simulate", "--labels", "alertname=A")


def test_a_command_stamps_nothing_before_what_is_stored_already(bot: CommandLine, sqlite_url: str) -> None:
    with time_machine.travel(wall() + timedelta(hours=2)):
        bot.ok("incident", "run", "new Checkout is down")
    bot.ok("incident", "run", "note the machine was set back since", "--incident", "INC-1")
    store = Store.open(sqlite_url)
    try:
        with store.read() as tx:
            entries = incidents.events(tx, 1)
    finally:
        store.close()
    recorded = [entry.recorded_at for entry in entries if entry.recorded_at]
    assert len(recorded) == len(entries) > 1
    assert recorded == sorted(recorded)
