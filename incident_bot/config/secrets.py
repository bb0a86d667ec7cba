"""Secrets from the environment, directly or from a file named by `NAME_FILE`. Never shows a value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr

BYTES_MOST: Final = 64 * 1024
"""A secret is short; this also keeps a wrong path such as a log file from being read whole."""


def read_secret(environ: Mapping[str, str], name: str) -> SecretStr | None:
    """Give the secret of this name, None where it is not set either way; ValueError says what to mend."""
    value = environ.get(name, "").strip()
    file = environ.get(f"{name}_FILE", "").strip()
    if value and file:
        message = f"{name} and {name}_FILE are both set; keep one of them"
        raise ValueError(message)
    if not file:
        return _checked(value, name) if value else None
    setting = f"{name}_FILE"
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(BYTES_MOST + 1)
        value = content.decode("utf-8").strip()
    except OSError as error:
        reason = error.strerror or "not a readable file"
        message = f"{setting}: cannot read {file}: {reason}; name a file with the secret"
        raise ValueError(message) from None
    except ValueError:
        # Covers a path with a NUL byte and content that is not text; the content must not be shown.
        message = f"{setting}: {file!r} does not hold text; name a file with the secret"
        raise ValueError(message) from None
    if not value or len(content) > BYTES_MOST:
        message = (
            f"{setting}: {file} is {'too large' if value else 'empty'}; name a file with the secret alone"
        )
        raise ValueError(message)
    return _checked(value, setting)


def _checked(value: str, setting: str) -> SecretStr:
    if not value.isprintable():
        message = f"{setting}: holds more than one line or control characters; write the secret alone"
        raise ValueError(message)
    return SecretStr(value)
