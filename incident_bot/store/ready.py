"""Statements that are asked again and again, made ready once: compiled text and converters, run at the driver.

What SQLAlchemy does for each run of a statement costs several times what the database does for it, and a page waits for
some fifty of them. The statement, the types and the meaning of errors are the same either way.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from incident_bot.store.transaction import Tx, meaning
from incident_bot.store.types import Found, Processor

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


class Rows(list[Found]):
    """What a statement gave: rows whose columns have names, and how many rows it changed."""

    rowcount: int = -1

    def scalars(self) -> list[Any]:
        """Give the first column of every row."""
        return [row[0] for row in self]

    def scalar(self) -> Any:
        """Give the first column of the first row; None where there is none."""
        return self[0][0] if self else None

    def first(self) -> Found | None:
        """Give the first row; None where there is none."""
        return self[0] if self else None


class Ready:
    """One statement for one set of parameters at a time."""

    def __init__(
        self, statement: sa.Executable, *, on_postgresql: sa.Executable | None = None, on_sqlite: bool = True
    ) -> None:
        """Take the statement, another one for PostgreSQL where the two differ, and whether it is for SQLite as well."""
        self.on_sqlite = on_sqlite
        self._statements = {True: statement, False: statement if on_postgresql is None else on_postgresql}
        self._compiled: dict[bool, _Compiled] = {}
        _MADE.append(self)

    def __call__(self, tx: Tx, values: Mapping[str, Any] = _NOTHING) -> Rows:
        """Run it with these values of its parameters."""
        compiled = self._compiled.get(tx.sqlite) or self.compiled(tx.connection.dialect)
        try:
            cursor = tx.driver.execute(compiled.text, compiled.bound(values))
            return compiled.rows(cursor)
        except tx.connection.dialect.loaded_dbapi.Error as error:
            raise (meaning(error) or error) from error

    def compiled(self, dialect: sa.Dialect) -> _Compiled:
        """Make it ready for one kind of database; done twice, it is the same."""
        sqlite = dialect.name == "sqlite"
        made = self._compiled[sqlite] = _Compiled(self._statements[sqlite], dialect, keys=None)
        return made


_MADE: Final[list[Ready]] = []
"""Every statement of the modules below `store`, as they are imported."""


def make_ready(dialect: sa.Dialect) -> None:
    """Compile every statement now, so that the first page does not wait for it."""
    for statement in tuple(_MADE):
        if statement.on_sqlite or dialect.name != "sqlite":
            statement.compiled(dialect)


class ReadyMany:
    """One statement for many sets of parameters; gives no rows."""

    def __init__(self, statements: Mapping[bool, sa.Executable] | sa.Executable) -> None:
        """Take the statement, or one by whether the database is SQLite."""
        if not isinstance(statements, Mapping):
            statements = {True: statements, False: statements}
        self._statements = statements
        self._compiled: dict[tuple[bool, tuple[str, ...]], _Compiled] = {}

    def __call__(self, tx: Tx, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run it for each row, all of the same keys, and say how many rows of the database it changed."""
        if not rows:
            return 0
        key = (tx.sqlite, tuple(rows[0]))
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = _Compiled(
                self._statements[tx.sqlite], tx.connection.dialect, keys=key[1]
            )
        return executed(tx, compiled.text, [compiled.bound(row) for row in rows])


def executed(tx: Tx, text: str, rows: Sequence[Sequence[Any]]) -> int:
    """Run a text of SQL for rows of values that need no conversion, and say how many rows it changed."""
    try:
        cursor = tx.driver.cursor()
        cursor.executemany(text, rows)
    except tx.connection.dialect.loaded_dbapi.Error as error:
        raise (meaning(error) or error) from error
    return int(cursor.rowcount)


class _Compiled:
    """The text of a statement for one database, and what converts values on the way in and out."""

    def __init__(self, statement: Any, dialect: sa.Dialect, *, keys: Sequence[str] | None) -> None:
        options: dict[str, Any] = {} if keys is None else {"column_keys": list(keys), "for_executemany": True}
        compiled = statement.compile(dialect=dialect, **options)
        if compiled.post_compile_params:
            raise TypeError("a list in a statement that is made ready is given as one parameter: see `Asked`")
        self.text = str(compiled)
        self._named = not compiled.positional
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        given = dict(compiled.params)
        self._binds: list[tuple[str, bool, Any, Processor]] = []
        for name in binds if self._named else compiled.positiontup:
            bind = binds[name]
            process = bind.type.dialect_impl(dialect).bind_processor(dialect)
            fixed = not bind.required and (keys is None or name not in keys)
            value = given[name]
            self._binds.append((name, fixed, process(value) if fixed and process else value, process))
        columns = [] if keys is not None else list(getattr(statement, "exported_columns", ()))
        self._types = [(column.type.dialect_impl(dialect), dialect) for column in columns]
        self._results: list[tuple[int, Any]] | None = None
        self._row = _row_of([str(column.key) for column in columns])

    def bound(self, values: Mapping[str, Any]) -> Any:
        """Give the parameters as the driver takes them."""
        if self._named:
            return {
                name: value if fixed else (process(values[name]) if process else values[name])
                for name, fixed, value, process in self._binds
            }
        return [
            value if fixed else (process(values[name]) if process else values[name])
            for name, fixed, value, process in self._binds
        ]

    def rows(self, cursor: Any) -> Rows:
        """Give what the driver found."""
        rows = Rows()
        if self._types and (found := cursor.fetchall()):
            results = self._results
            if results is None:
                results = self._results = self._processors(cursor)
            if results:
                columns: list[Any] = list(zip(*found, strict=True))
                for place, process in results:
                    columns[place] = map(process, columns[place])
                found = zip(*columns, strict=True)
            rows.extend(map(self._row._make, found))
        rows.rowcount = cursor.rowcount
        return rows

    def _processors(self, cursor: Any) -> list[tuple[int, Any]]:
        # What a number becomes depends on the kind that the driver says it is.
        kinds = [column[1] for column in cursor.description]
        made = [
            kind.result_processor(dialect, told)
            for (kind, dialect), told in zip(self._types, kinds, strict=True)
        ]
        return [(place, process) for place, process in enumerate(made) if process is not None]


def _row_of(names: Sequence[str]) -> Any:
    """Make the class of a row whose columns are read by place, by name and as a mapping."""
    named: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc] # noqa: PYI024 -- known at run time only
    return type("Row", (named,), {"__slots__": (), "_mapping": property(_as_mapping)})


def _as_mapping(row: Any) -> Mapping[str, Any]:
    return dict(zip(row._fields, row, strict=True))
