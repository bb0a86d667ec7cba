"""API tokens, and the answers given to requests with an idempotency key. Secrets are never stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from incident_bot.core.model import JsonObject
from incident_bot.store.interventions.values import Token
from incident_bot.store.tables import answer as answer_table
from incident_bot.store.tables import token as token_table
from incident_bot.store.transaction import Tx
from incident_bot.store.types import Found


def recall(tx: Tx, key: str, scope: str) -> JsonObject | None:
    """Give the answer that was remembered for this key in this scope."""
    query = sa.select(answer_table.c.answer).where(answer_table.c.hash == _hash(key, scope))
    found: JsonObject | None = tx.connection.execute(query).scalar()
    return found


def remember(tx: Tx, key: str, scope: str, answer: JsonObject, *, now: datetime) -> None:
    """Keep the answer for repeats; raises LostRace where another request with the key was faster."""
    statement = sa.insert(answer_table).values(hash=_hash(key, scope), answer=answer, given_at=now)
    tx.connection.execute(statement)


def _hash(key: str, scope: str) -> str:
    return hashlib.sha256(f"{scope}\x00{key}".encode(errors="surrogatepass")).hexdigest()


def add_token(tx: Tx, name: str, digest: str, scopes: Iterable[str], *, by: str, now: datetime) -> Token:
    """Store a token by the digest of its secret."""
    allowed = frozenset(scopes)
    statement = sa.insert(token_table).values(
        name=name, digest=digest, scopes=sorted(allowed), created_by=by, created_at=now, revoked_at=None
    )
    number = tx.connection.execute(statement.returning(token_table.c.id)).scalar_one()
    return Token(id=number, name=name, scopes=allowed, created_at=now, created_by=by)


def tokens(tx: Tx) -> list[Token]:
    """Give every token, revoked ones too, oldest first."""
    return [_token(row) for row in tx.connection.execute(sa.select(token_table).order_by(token_table.c.id))]


def find_token(tx: Tx, digest: str) -> Token | None:
    """Give the token with this digest unless it was revoked."""
    query = sa.select(token_table).where(token_table.c.digest == digest, token_table.c.revoked_at.is_(None))
    row = tx.connection.execute(query).first()
    return None if row is None else _token(row)


def token_of(tx: Tx, token_id: int) -> Token | None:
    """Give a token by its number, a revoked one too."""
    row = tx.connection.execute(sa.select(token_table).where(token_table.c.id == token_id)).first()
    return None if row is None else _token(row)


def revoke_token(tx: Tx, token_id: int, *, now: datetime) -> bool:
    """Have a token open nothing from now on; False where there is none that still did."""
    where = (token_table.c.id == token_id, token_table.c.revoked_at.is_(None))
    return tx.connection.execute(sa.update(token_table).where(*where).values(revoked_at=now)).rowcount == 1


def _token(row: Found) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        scopes=frozenset(row.scopes),
        created_at=row.created_at,
        created_by=row.created_by,
        revoked_at=row.revoked_at,
    )
