"""Wake-ups inside the process (and, through the store, between replicas). A hint, never the truth: the poll is."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Signals:
    """Tells whoever waits that something changed; losing a signal costs at most one poll."""

    def __init__(self) -> None:
        """Start with nobody listening."""
        self._lock = threading.Lock()
        self._listeners: dict[int, Callable[[], None]] = {}
        self._next = 0

    def add_listener(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` (quick, from any thread) at each change; gives back what removes it."""
        with self._lock:
            number = self._next
            self._next += 1
            self._listeners[number] = listener

        def remove() -> None:
            with self._lock:
                self._listeners.pop(number, None)

        return remove

    def changed(self) -> None:
        """Say that rows were committed."""
        with self._lock:
            listeners = tuple(self._listeners.values())
        for listener in listeners:
            listener()
