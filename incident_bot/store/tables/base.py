"""What all tables share: names of constraints, identifiers, enumerations as checked text."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from incident_bot.store.types import JsonText, SafeText, UtcDateTime

BIG_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite numbers rows itself only where the type is spelled INTEGER."""


class Base(SQLModel):
    """The parent of every table definition; instances are never made."""

    # Constraints need names: SQLite can only drop what it can name.
    metadata: ClassVar[sa.MetaData] = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def identifier() -> Any:
    """Give a primary key that the store numbers and that no later row gets again."""
    return Field(default=None, primary_key=True, sa_type=BIG_ID)


def reference(target: str) -> Any:
    """Give a column that names a row of another table, or none."""
    return Field(default=None, foreign_key=target, sa_type=BIG_ID)


def number(*, default: int | None = None) -> Any:
    """Give a column for large whole numbers that name no row of another table."""
    return Field(default=default, sa_type=BIG_ID)


def instant() -> Any:
    """Give a column for an instant."""
    return Field(sa_type=UtcDateTime)


def words() -> Any:
    """Give a column for text from anywhere."""
    return Field(sa_type=SafeText)


def word() -> Any:
    """Give a column for text of our own: hashes, states, configured names."""
    return Field(sa_type=sa.Text)


def document() -> Any:
    """Give a column for JSON."""
    return Field(sa_type=JsonText)


def one_of(column: str, kinds: type[StrEnum]) -> sa.CheckConstraint:
    """Give the check that a text column holds one of these words."""
    listed = ", ".join(f"'{kind.value}'" for kind in kinds)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def unique_where(name: str, column: str, condition: str) -> sa.Index:
    """Give a unique index over the rows that satisfy a condition."""
    return index_where(name, column, condition=condition, unique=True)


def index_where(name: str, *columns: str, condition: str, unique: bool = False) -> sa.Index:
    """Give an index over the rows that satisfy a condition."""
    where = sa.text(condition)
    return sa.Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


def table_of(model: type[SQLModel]) -> sa.Table:
    """Give the table that a class defines."""
    return model.metadata.tables[str(model.__tablename__)]
