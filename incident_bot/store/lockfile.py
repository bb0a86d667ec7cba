"""One process per SQLite database: a lock file that the system releases when its holder dies."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from incident_bot.core.errors import Refused


@dataclass(frozen=True, slots=True)
class LockFile:
    """A lock that this process holds."""

    descriptor: int

    @classmethod
    def take(cls, path: Path, database: Path) -> LockFile:
        """Hold the lock until `release` or the process's end; refused, with the way out, where another holds it."""
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise Refused(f"the lock file {path} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            who = f"process {holder}" if holder else "another process"
            raise Refused(
                f"{database} is served by {who}; stop it first. For several replicas use PostgreSQL: "
                "INCIDENT_BOT_DATABASE_URL=postgresql://user:password@host/database"
            ) from None
        # The file itself stays: removing it would let two processes lock two files of the same name.
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
        return cls(descriptor)

    def release(self) -> None:
        """Let the next process in."""
        os.close(self.descriptor)
