"""Copies of frozen values, for where a storm makes thousands of them. Decides nothing."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def copied(value: T, **changes: object) -> T:
    """Give a copy of a frozen, slotted value with other fields: `dataclasses.replace` in half the time, unchecked."""
    new = object.__new__(type(value))
    put = object.__setattr__
    for name in value.__slots__:  # type: ignore[attr-defined] # every value class of core has slots
        put(new, name, getattr(value, name))
    for name, changed in changes.items():
        put(new, name, changed)
    return new
