"""Users of the source as people of `people.yaml`: one id each, kept for the whole export."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ID_MOST: Final = 64
_ADDRESS: Final = re.compile(r"[^@\s<>]+@[^@\s<>]+")
_TRANSLATED: Final = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "þ": "th"})


def slug(text: str, *, otherwise: str) -> str:
    """Give a name that files may use: lower-case letters, digits, dots, dashes; the other one if none is left."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_TRANSLATED))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    found = re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9._-]+", "-", plain)).strip("-._")[:ID_MOST].strip("-._")
    return found or otherwise


def unused(name: str, taken: Mapping[str, object] | set[str]) -> str:
    """Give the name, with a number behind it where it is taken."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name[: ID_MOST - 8]}-{number}"
    return found


@dataclass(slots=True)
class Roster:
    """Everybody whom an export names, by the source's id; the first who asks for an id gets it."""

    known: Mapping[str, str]
    """E-mail addresses in lower case to the ids of people who exist already."""
    contact: str = ""
    """The key of `people.yaml` that holds the source's own id, where there is one."""
    described: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Source's id to name and e-mail."""
    people: dict[str, dict[str, str]] = field(default_factory=dict)
    """Person id to the proposed entry, of those who are used."""
    _ids: dict[str, str] = field(default_factory=dict)

    def describe(self, key: str, *, name: str = "", email: str = "") -> None:
        """Take what the export says about a user; what is known already stays."""
        old_name, old_email = self.described.get(key, ("", ""))
        address = email if _ADDRESS.fullmatch(email) else ""
        self.described[key] = (old_name or name, old_email or address)

    def person(self, key: str) -> str:
        """Give the person id of a user, always the same for the same user."""
        if key in self._ids:
            return self._ids[key]
        name, email = self.described.get(key, ("", ""))
        existing = self.known.get(email.casefold()) if email else None
        if existing is None:
            wanted = slug(email.partition("@")[0], otherwise="") or slug(name, otherwise="")
            taken = set(self.people) | set(self.known.values())
            person = unused(wanted or slug(key, otherwise="person"), taken)
        else:
            person = existing
        entry = {"name": name, "email": email} | ({self.contact: key} if self.contact else {})
        self.people.setdefault(person, {field: text for field, text in entry.items() if text})
        self._ids[key] = person
        return person
