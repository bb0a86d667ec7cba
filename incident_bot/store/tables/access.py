"""Tables of who is signed in: sessions, and what lets somebody sign in once."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from incident_bot.store.tables.base import Base, identifier, index_where, instant, number, word, words


class SessionTable(Base, table=True):
    """One session of a browser, the secret of its cookie as a digest."""

    __tablename__ = "session"
    __table_args__ = (
        sa.UniqueConstraint("digest"),
        sa.Index("ix_session_expires_at", "expires_at"),
        index_where("ix_session_person", "person", condition="ended_at IS NULL"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = identifier()
    digest: str = word()
    person: str | None = word()
    """None where an API token was pasted: then it is nobody in particular."""
    token_id: int | None = number()
    """The stored token that it lives and ends with; none for the master token."""
    role: str | None = word()
    """What a one-time link gives beyond what the person has."""
    how: str = word()
    made_at: datetime = instant()
    seen_at: datetime = instant()
    expires_at: datetime = instant()
    ended_at: datetime | None = instant()
    agent: str = words()


class SignInTable(Base, table=True):
    """Something that lets somebody in once: a link of the command line, or a sign-in that came back from a provider."""

    __tablename__ = "sign_in"
    __table_args__ = (sa.PrimaryKeyConstraint("digest"), sa.Index("ix_sign_in_expires_at", "expires_at"))

    digest: str = word()
    person: str | None = word()
    role: str | None = word()
    minutes: int
    made_at: datetime = instant()
    expires_at: datetime = instant()
    used_at: datetime | None = instant()
