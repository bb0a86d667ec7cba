from __future__ import annotations

import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from incident_bot.core.errors import Refused
from incident_bot.store import LostRace, Store, Unavailable, alerts, interventions
from tests.store.samples import NOW, some_episode


@pytest.mark.parametrize(
    "url", ["mysql://root:secret@db/x", "sqlite3:///x.db", "nonsense"], ids=["mysql", "misspelt", "no URL"]
)
def test_an_unknown_database_is_refused_with_the_two_forms_that_work(url: str) -> None:
    with pytest.raises(Refused, match=r"sqlite:///.* or postgresql://") as refusal:
        Store.open(url)
    assert "secret" not in str(refusal.value)


def test_a_missing_directory_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="nowhere"):
        Store.open(f"sqlite:///{tmp_path}/nowhere/x.db")


def test_a_missing_driver_is_refused_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(Refused, match=r"pip install 'incident-bot\[postgres\]'"):
        Store.open("postgresql://localhost/x")


def test_one_process_serves_a_sqlite_file_and_the_next_may_when_it_ends(sqlite_url: str) -> None:
    first = Store.open(sqlite_url, exclusive=True)
    with pytest.raises(Refused, match=rf"process {os.getpid()}; stop it first.*PostgreSQL"):
        Store.open(sqlite_url, exclusive=True)
    beside = Store.open(sqlite_url)
    beside.ping()
    beside.close()
    first.close()
    Store.open(sqlite_url, exclusive=True).close()


def test_sqlite_is_set_up_to_lose_nothing(sqlite_url: str) -> None:
    store = Store.open(sqlite_url)
    with store.read() as tx:
        found = {
            name: tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    store.close()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_an_error_inside_takes_everything_back(store: Store) -> None:
    def fail() -> None:
        with store.write() as tx:
            alerts.insert_episodes(tx, [some_episode()])
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with store.read() as tx:
        assert alerts.firing_labels(tx) == []


def test_of_two_that_open_the_same_episode_one_loses_and_then_finds_the_winner_s(
    store: Store, second: Store
) -> None:
    together = threading.Barrier(2, timeout=30)

    def open_one(own: Store) -> str:
        together.wait()
        try:
            with own.write() as tx:
                alerts.insert_episodes(tx, [some_episode()])
        except LostRace:
            return "lost"
        return "won"

    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(open_one, [store, second]))
    assert sorted(ends) == ["lost", "won"]
    with store.read() as tx:
        assert list(alerts.newest_episodes(tx, [some_episode().key])) == [some_episode().key]


def test_two_connections_that_write_at_once_both_finish(store: Store, second: Store) -> None:
    def write_ten(own: Store, first: int) -> None:
        for number in range(first, first + 10):
            with own.write() as tx:
                tx.lock_intake()
                alerts.insert_episodes(tx, [some_episode(number)])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write_ten, [store, second], [100, 200]))
    with store.read() as tx:
        assert len(alerts.firing_labels(tx)) == 20


def test_a_mistake_of_ours_is_not_taken_for_a_lost_race(store: Store) -> None:
    def break_a_foreign_key() -> None:
        with store.write() as tx:
            alerts.insert_episodes(tx, [some_episode(incident_id=999)])

    with pytest.raises(Exception, match=r"(?i)foreign.key") as raised:
        break_a_foreign_key()
    assert not isinstance(raised.value, LostRace | Unavailable)


def test_a_full_disk_is_told_as_unavailable(sqlite_url: str) -> None:
    store = Store.open(sqlite_url)

    def fill() -> None:
        with store.write() as tx:
            tx.connection.exec_driver_sql("PRAGMA max_page_count = 1")
            interventions.record(tx, "alice", "fill", {"text": "x" * 1_000_000}, now=NOW)

    with pytest.raises(Unavailable, match="full"):
        fill()
    store.close()


def test_a_database_that_another_program_holds_is_told_as_unavailable(sqlite_url: str) -> None:
    store = Store.open(sqlite_url)
    with store.read() as tx:
        tx.connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    holder = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked"), store.write():
        pass
    holder.close()
    store.close()


def test_an_absent_server_is_told_as_unavailable() -> None:
    store = Store.open("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable):
        store.ping()
    with pytest.raises(Unavailable), store.write():
        pass
    store.notify()
    store.close()


def test_after_the_server_dropped_every_connection_the_next_transaction_works(postgres_url: str) -> None:
    store, other = Store.open(postgres_url), Store.open(postgres_url)
    drop = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                   "AND datname = current_database()")  # fmt: skip

    def be_dropped() -> None:
        with store.write() as tx:
            with other.write() as killer:
                killer.connection.execute(drop)
            alerts.insert_episodes(tx, [some_episode()])

    with pytest.raises(Unavailable):
        be_dropped()
    with store.write() as tx:
        alerts.insert_episodes(tx, [some_episode()])
    store.close()
    other.close()


def test_replicas_wake_each_other_but_not_themselves(postgres_url: str) -> None:
    first, second = Store.open(postgres_url), Store.open(postgres_url)
    woken: list[str] = []
    heard = threading.Semaphore(0)

    def listener(name: str) -> None:
        woken.append(name)
        heard.release()

    first.listen(lambda: listener("first"))
    second.listen(lambda: listener("second"))
    assert heard.acquire(timeout=10)
    assert heard.acquire(timeout=10)
    assert sorted(woken) == ["first", "second"], "each looks once when it begins to listen"
    woken.clear()
    first.notify()
    assert heard.acquire(timeout=10)
    assert woken == ["second"]
    first.close()
    second.close()


def test_a_listener_whose_connection_breaks_connects_again_and_looks(postgres_url: str) -> None:
    store, other = Store.open(postgres_url), Store.open(postgres_url)
    heard = threading.Semaphore(0)
    store.listen(heard.release)
    assert heard.acquire(timeout=10)
    with other.write() as tx:
        tx.connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' "
                "AND datname = current_database()"
            )
        )
    assert heard.acquire(timeout=10)
    other.notify()
    assert heard.acquire(timeout=10)
    store.close()
    other.close()


def test_on_sqlite_nobody_listens(sqlite_url: str) -> None:
    store = Store.open(sqlite_url)
    store.listen(pytest.fail)
    store.notify()
    store.close()


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("these are my notes, not a database\n" * 50)
    store = Store.open(f"sqlite:///{path}")
    try:
        with pytest.raises(Unavailable, match="not a database"):
            store.upgrade()
    finally:
        store.close()
