"""Which live streams are open, so that a stop can end them. Knows nothing of what they carry."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Streams:
    """Every open stream of this process; `close` ends them, so that a stop need not wait for readers."""

    def __init__(self) -> None:
        """Start open, with no streams."""
        self._lock = threading.Lock()
        self._wakers: set[Callable[[], None]] = set()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the process is stopping."""
        return self._closed

    def close(self) -> None:
        """End every stream soon; may be called from any thread and from a signal handler's loop."""
        with self._lock:
            self._closed = True
            wakers = tuple(self._wakers)
        for waker in wakers:
            waker()

    def add(self, waker: Callable[[], None]) -> Callable[[], None]:
        """Call `waker` when the process stops; gives back what removes it."""
        with self._lock:
            self._wakers.add(waker)

        def remove() -> None:
            with self._lock:
                self._wakers.discard(waker)

        return remove
