"""The demonstration: one incident told from alert to post-mortem, by the real bot over real HTTP, on a sped-up clock.

Nothing is faked but the time: recorded Alertmanager deliveries come in, timers fire, pages go out on the standard
output, people type commands. Ends with the post-mortem written and the console running.
"""

from __future__ import annotations

import json
import socket
import textwrap
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from incident_bot import bootstrap, serving
from incident_bot.clock import ShiftedClock, SystemClock
from incident_bot.config.settings import Settings
from incident_bot.core.errors import Refused
from incident_bot.outgoing import Answer, CallFailed, Client
from incident_bot.store.lockfile import LockFile
from incident_bot.telemetry import configure_logging

FIRES_AT: Final = datetime(2026, 11, 21, 0, 15, 49, tzinfo=UTC)
"""Shortly after the recorded alert began: the middle of the night in Europe."""
FOLDER: Final = Path("demo-output")
PATIENCE_SECONDS: Final = 20.0
STEP_SECONDS: Final = 0.02
WIDTH: Final = 96
HTTP_OK: Final = 200
NAMES: Final = {"alice": "Alice", "devops-lead": "Lee"}

Write = Callable[[str], None]


def run(environ: Mapping[str, str], write: Write) -> None:
    """Tell the story; with DEMO_EXIT set, end after it instead of leaving the console running."""
    stay = not environ.get("DEMO_EXIT")
    configure_logging(level="error", style="console")
    write("Starting the bot on SQLite with the sample runbooks/, rotations/ and templates/ …")
    _clear()
    settings = _settings(environ, write)
    clock = ShiftedClock(FIRES_AT - SystemClock().now())
    said: list[str] = []
    heard = threading.Condition()

    def listen(text: str) -> None:
        with heard:
            said.append(text)
            heard.notify_all()

    application = bootstrap.build(settings, clock=clock, exclusive=True, write=listen)
    server = serving.make_server(application)
    http = threading.Thread(target=server.run, name="http", daemon=True)
    with bootstrap.running(application):
        http.start()
        try:
            story = _Story(settings.public_url, clock, application, said, write)
            story.tell()
            if stay:
                _stay(settings, write, http)
        finally:
            server.should_exit = True
            http.join(timeout=PATIENCE_SECONDS)


def _clear() -> None:
    """Begin with an empty database; refused where another demonstration still runs on it."""
    database = FOLDER / "demo.db"
    try:
        FOLDER.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{FOLDER.resolve()} cannot be made: {error.strerror}; start in a directory that is yours"
        raise Refused(message) from error
    try:
        LockFile.take(FOLDER / "demo.db.lock", database).release()
    except Refused as error:
        message = f"another demonstration runs in {FOLDER.resolve()}; end it with Ctrl-C, or start this one elsewhere"
        raise Refused(message) from error
    for path in (database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))):
        path.unlink(missing_ok=True)


def _settings(environ: Mapping[str, str], write: Write) -> Settings:
    wanted = Settings.load({key: value for key, value in environ.items() if key == "INCIDENT_BOT_PORT"}).port
    port = wanted if _free(wanted) else 0
    if not port:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        write(
            f"Port {wanted} is taken; this demonstration uses {port}. Set INCIDENT_BOT_PORT to choose another."
        )
    return Settings.load(
        {
            "INCIDENT_BOT_DATABASE_URL": f"sqlite:///{FOLDER / 'demo.db'}",
            "INCIDENT_BOT_CONFIG_DIR": str(bootstrap.samples()),
            "INCIDENT_BOT_PORT": str(port),
            "INCIDENT_BOT_PUBLIC_URL": f"http://127.0.0.1:{port}",
        }
    )


def _free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def _stay(settings: Settings, write: Write, serving: threading.Thread) -> None:
    write(f"\nThe console keeps running with all of it: {settings.public_url}   (Ctrl-C ends it)")
    with suppress(KeyboardInterrupt):
        while serving.is_alive():
            serving.join(timeout=1)


class _Story:
    """The steps, each done for real and then told."""

    def __init__(
        self,
        url: str,
        clock: ShiftedClock,
        application: bootstrap.Application,
        said: list[str],
        write: Write,
    ) -> None:
        self._url = url
        self._clock = clock
        self._application = application
        self._said = said
        self._write = write
        self._client = Client()
        self._told = 0

    def tell(self) -> None:
        """Tell it from the first alert to the written post-mortem."""
        self._wait(lambda: self._get("/health/ready").status == HTTP_OK, "the bot to be ready")
        self._write("Ready. The clock is sped up; everything else is the bot as you would run it.\n")
        self._alert()
        self._nobody_answers()
        self._somebody_answers()
        self._work()
        self._ends()
        self._postmortem()

    def _alert(self) -> None:
        self._tell("Prometheus sees PostgreSQL down. Alertmanager posts its webhook.")
        answer = self._deliver("prometheus-rules-01.json")
        self._detail(f"stored as delivery {answer['delivery']}, then answered 200: {answer['alerts']} alert")
        alert = self._json("/api/v1/alerts")["items"][0]
        why = alert["why"]
        self._detail(
            f"new alert {alert['labels']['alertname']} on {alert['labels']['instance']}, severity {alert['severity']}"
        )
        self._detail(
            f"route {why['route']} → {why['action']}, team {alert['team']}; runbook {alert['runbook']}"
        )
        self._wait(lambda: len(self._pages()) == 1 and self._sent() == 1, "the first page")
        page = self._pages()[0]
        self._tell(f"{alert['incident']} is open. {page['name']} is paged: {page['reason']}.")
        self._show_page()
        again = self._deliver("prometheus-rules-01.json")
        self._tell("The second Alertmanager of the pair posts the same alert.")
        self._detail(f"duplicate: {str(again['duplicate']).lower()}; nobody is paged for it again")
        self._skip(timedelta(seconds=4))
        self._deliver("prometheus-rules-03.json")
        self._tell("Errors rise, too: a warning. Its route waits 15 minutes before it bothers anybody.")
        self._detail(str(self._json("/api/v1/alerts")["items"][0]["reason"]))

    def _nobody_answers(self) -> None:
        self._skip(timedelta(minutes=6))
        self._deliver("prometheus-rules-06.json", ends_at=self._clock.now())
        self._tell("The errors are gone again before those 15 minutes were over: nobody was bothered.")
        self._detail(str(self._json("/api/v1/alerts")["items"][0]["reason"]))
        self._skip(timedelta(minutes=9))
        self._wait(lambda: self._sent() == 2, "the second page")  # noqa: PLR2004 -- the second person
        page = self._pages()[-1]
        self._tell(f"15 minutes, no answer. The escalation goes on: {page['name']} is paged.")
        self._show_page()

    def _somebody_answers(self) -> None:
        self._skip(timedelta(minutes=2, seconds=10))
        self._say("devops-lead", "ack")
        pending = [page for page in self._pages() if page["state"] == "pending"]
        self._detail(f"the escalation is stopped; pages still waiting: {len(pending)}")
        self._say("devops-lead", "lead me")

    def _work(self) -> None:
        self._skip(timedelta(minutes=3))
        reply = self._say("devops-lead", "runbook", show=False)
        for line in reply.splitlines()[:5]:
            self._detail(line)
        self._say("devops-lead", "impact Logins and checkout fail for everybody")
        self._say("devops-lead", "note 01:12 the nightly backup filled the data disk")
        self._skip(timedelta(minutes=6))
        self._say(
            "devops-lead",
            "did moved the WAL archive to the spare disk undo: move it back once the disk is grown",
        )
        self._say("devops-lead", "update PostgreSQL is starting again, replaying its log next 15m")
        self._say("devops-lead", "followup alert at 80% of the data disk @alice 14d")
        self._skip(timedelta(minutes=8))
        self._say("devops-lead", "status mitigating")

    def _ends(self) -> None:
        self._skip(timedelta(minutes=5))
        self._tell("PostgreSQL answers. Alertmanager posts the end of the alert.")
        self._deliver("prometheus-rules-04.json", ends_at=self._clock.now())
        self._skip(timedelta(minutes=2))
        self._wait(lambda: self._incident()["phase"] == "monitoring", "the phase to change")
        self._tell(
            "It stayed quiet for the hold. Lee leads it, so the bot offers to resolve and does not do it alone."
        )
        self._say("devops-lead", "resolve disk space freed, replication has caught up")

    def _postmortem(self) -> None:
        self._skip(timedelta(minutes=1))
        for form in ("md", "html"):
            answer = self._get(f"/api/v1/incidents/INC-1/postmortem?format={form}")
            (FOLDER / f"INC-1-postmortem.{form}").write_bytes(answer.body)
        entries = self._json("/api/v1/incidents/INC-1/timeline")["items"]
        self._tell(f"The timeline has {len(entries)} entries; the post-mortem draft is written from them.")
        self._detail(f"{(FOLDER / 'INC-1-postmortem.md').resolve()}")
        self._detail(f"{(FOLDER / 'INC-1-postmortem.html').resolve()}")
        draft = self._json("/api/v1/incidents/INC-1/postmortem?format=json")
        for question in draft["questions"][:3]:
            self._detail(f"it asks: {question}")

    def _deliver(self, name: str, *, ends_at: datetime | None = None) -> dict[str, object]:
        body = (files("incident_bot") / "recorded" / name).read_bytes()
        if ends_at is not None:
            decoded = json.loads(body)
            for alert in decoded["alerts"]:
                alert["endsAt"] = ends_at.isoformat().replace("+00:00", "Z")
            body = json.dumps(decoded).encode()
        answer = self._call("POST", "/webhooks/alertmanager", body)
        decoded_answer: dict[str, object] = json.loads(answer.body)
        return decoded_answer

    def _say(self, person: str, line: str, *, show: bool = True) -> str:
        self._tell(f"{NAMES[person]}: {line}")
        body = json.dumps({"text": line, "actor": person}).encode()
        answer = self._call("POST", "/api/v1/incidents/INC-1/commands", body)
        text = str(json.loads(answer.body)["reply"]["text"])
        if show:
            self._detail(text)
        return text

    def _incident(self) -> dict[str, str]:
        found: dict[str, str] = self._json("/api/v1/incidents/INC-1")
        return found

    def _pages(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self._json("/api/v1/incidents/INC-1/pages")["items"]
        return found

    def _sent(self) -> int:
        return sum(page["state"] == "sent" for page in self._pages())

    def _show_page(self) -> None:
        pages = [text for text in tuple(self._said) if text.startswith("── page to")]
        for text in pages[self._told :]:
            lines = [line.strip() for line in text.splitlines()[1:] if line.strip()]
            wide = max(len(line) for line in lines)
            self._write("            ┌" + "─" * (min(wide, WIDTH) + 2) + "┐")
            for line in lines:
                for part in textwrap.wrap(line, WIDTH) or [""]:
                    self._write(f"            │ {part:<{min(wide, WIDTH)}} │")
            self._write("            └" + "─" * (min(wide, WIDTH) + 2) + "┘")
        self._told = len(pages)

    def _skip(self, by: timedelta) -> None:
        self._clock.advance(by)
        # Whoever waits for a due time on the old clock looks again.
        self._application.context.signals.changed()

    def _tell(self, text: str) -> None:
        self._write(f"{self._clock.now():%H:%M:%S}  {text}")

    def _detail(self, text: str) -> None:
        for line in text.splitlines():
            self._write(f"            {line}")

    def _json(self, path: str) -> Any:
        return json.loads(self._get(path).body)

    def _get(self, path: str) -> Answer:
        return self._call("GET", path)

    def _call(self, method: str, path: str, body: bytes | None = None) -> Answer:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        return self._client.call(method, self._url + path, headers=headers, content=body)

    def _wait(self, happened: Callable[[], bool], what: str) -> None:
        pause = threading.Event()
        for _ in range(int(PATIENCE_SECONDS / STEP_SECONDS)):
            with suppress(CallFailed):
                if happened():
                    return
            pause.wait(STEP_SECONDS)
        message = f"the demonstration waited {PATIENCE_SECONDS:.0f} s for {what} in vain; please report this"
        raise Refused(message)
