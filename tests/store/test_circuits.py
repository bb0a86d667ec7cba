from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from incident_bot.core.circuit import Circuit
from incident_bot.store import Store
from incident_bot.store.circuits import circuits, locked, save
from tests.store.samples import NOW

OPEN = Circuit(
    failed_at=(NOW - timedelta(seconds=1), NOW),
    opened_at=NOW,
    retry_at=NOW + timedelta(seconds=30),
    opens=2,
    reason="no\x00 answer \ud800",
)


def test_what_is_known_comes_back_and_is_replaced(store: Store, second: Store) -> None:
    with store.write() as tx:
        assert locked(tx, ["slack", "mail", "slack"]) == {"mail": Circuit(), "slack": Circuit()}
        save(tx, {"slack": OPEN})
        save(tx, {})
    with second.read() as tx:
        assert circuits(tx) == {"mail": Circuit(), "slack": OPEN}
    with second.write() as tx:
        assert locked(tx, ["slack"]) == {"slack": OPEN}
        assert locked(tx, []) == {}
        save(tx, {"slack": replace(OPEN, opens=3), "mail": Circuit()})
    with store.read() as tx:
        assert circuits(tx)["slack"].opens == 3
