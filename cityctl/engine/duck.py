"""The only module that opens DuckDB: in memory only, UTC, no extensions, bounded memory where asked.

Works on DuckDB 1.5.5 and 2.x. In 2.x a result streams and owns its connection until it is drained, so
every answer here is drained or closed before it is handed on. Knows SQL, and nothing of readings.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from uuid import uuid4

from cityctl.errors import StoreProblem

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

T = TypeVar("T")
Relation: TypeAlias = "duckdb.DuckDBPyRelation"
Parameters = Mapping[str, object] | Sequence[object] | None
Refresh = Callable[[], bool]
"""Called when a file vanished below a query: attaches anew, and says whether anything changed."""

_SETTINGS = (
    "SET TimeZone = 'UTC'",
    # A name in a query means a table that was attached, never a variable of this program.
    "SET python_enable_replacements = false",
    # Other extensions are a download that may not be there.
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET enable_progress_bar = false",
)


def text_literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def name_literal(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


class Engine:
    """One in-memory DuckDB.

    `threads`: None leaves it to DuckDB. `memory`: such as "2GB"; work that needs more spills to the system's
    folder for temporary files. `locked`: `seal()` will be called before other people's SQL runs.
    """

    def __init__(
        self, *, threads: int | None = None, memory: str | None = None, locked: bool = False
    ) -> None:
        import duckdb

        self.locked = locked
        self.sealed = False
        self._files: set[str] = set()
        self._refreshes: list[Refresh] = []
        self._refreshing = False
        self._connection: duckdb.DuckDBPyConnection = duckdb.connect(":memory:")
        # Made by DuckDB when it is needed, and taken away when it closes.
        spill = Path(tempfile.gettempdir()) / f"cityctl-spill-{uuid4().hex}"
        wishes = [*_SETTINGS, f"SET temp_directory = {text_literal(str(spill))}"]
        if threads is not None:
            wishes.append(f"SET threads = {int(threads)}")
        if memory is not None:
            wishes.append(f"SET memory_limit = {text_literal(memory)}")
        for wish in wishes:
            self._connection.execute(wish).fetchall()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory back; the engine is of no use afterwards."""
        self._connection.close()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """DuckDB's own connection, for the modules of this room."""
        return self._connection

    def execute(self, sql: str, parameters: Parameters = None) -> None:
        """Run a statement whose answer is of no interest."""
        self._with_retry(lambda: self._fetch(sql, parameters))

    def rows(self, sql: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """The answer as tuples; times are naive UTC datetimes."""
        return self._with_retry(lambda: self._fetch(sql, parameters))

    def row(self, sql: str, parameters: Parameters = None) -> tuple[Any, ...]:
        """The only row of an answer that has exactly one."""
        (only,) = self.rows(sql, parameters)
        return only

    def arrow(self, sql: str, parameters: Parameters = None) -> pa.Table:
        """The answer as an Arrow table."""

        def ask() -> Any:
            return self._connection.sql(sql, params=_given(parameters)).to_arrow_table()

        table: pa.Table = self._with_retry(ask)
        return table

    def batches(
        self, sql: str, parameters: Parameters = None, *, size: int = 131_072
    ) -> Iterator[pa.RecordBatch]:
        """The answer as Arrow batches of about `size` rows; nothing else may be asked until it ends."""
        import duckdb

        reader = self._with_retry(
            lambda: self._connection.sql(sql, params=_given(parameters)).to_arrow_reader(size)
        )
        try:
            yield from reader
        except (duckdb.IOException, OSError) as problem:  # rows are out already: it cannot be asked again
            raise StoreProblem(
                f"a file of the store cannot be read any more: {first_line(problem)}",
                hint="run the command again",
            ) from problem
        finally:
            reader.close()

    def relation(self, sql: str) -> Relation:
        """The query as a relation, which runs when it is asked; of use until the engine is closed."""
        return self._with_retry(lambda: self._connection.sql(sql))

    def columns(self, sql: str) -> list[tuple[str, str]]:
        """(name, type) of the columns that a query would give, without running it."""
        relation = self._with_retry(lambda: self._connection.sql(sql))
        return [(name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True)]

    def register(self, name: str, table: pa.Table | pa.RecordBatchReader) -> None:
        """Show an Arrow table under a name, without a copy."""
        self._connection.register(name, table)

    def unregister(self, name: str) -> None:
        """Take a registered table away again."""
        self._connection.unregister(name)

    def keep(self, name: str, table: pa.Table) -> None:
        """Copy an Arrow table into a table of the engine, replacing one of that name."""
        self.register("kept_table", table)
        self.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM kept_table")
        self.unregister("kept_table")

    def allow(self, files: Iterable[Path]) -> None:
        """Files that may still be read once the engine is sealed."""
        self._files.update(str(file) for file in files)

    def vanished(self) -> list[str]:
        """Allowed files that are there no more."""
        return sorted(file for file in self._files if not Path(file).exists())

    def damage(self, problem: Exception) -> str | None:
        """The allowed file that an error of DuckDB's speaks of; None where the error is another."""
        said = str(problem)
        return next((file for file in self._files if file in said), None)

    def on_vanished(self, refresh: Refresh) -> None:
        """What to do when a file that a query reads is gone: attach anew, then the query is run again."""
        self._refreshes.append(refresh)

    def seal(self) -> None:
        """No files but the allowed ones, no extension, no change of settings from here on."""
        if self.sealed:
            return
        files = ", ".join(text_literal(file) for file in sorted(self._files))
        self._fetch(f"SET allowed_paths = [{files}]", None)
        self._fetch("SET enable_external_access = false", None)
        self._fetch("SET lock_configuration = true", None)
        self.sealed = True

    def _fetch(self, sql: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        # Draining frees the connection: without it, 2.x refuses the next statement.
        return self._connection.execute(sql, _given(parameters)).fetchall()

    def _with_retry(self, ask: Callable[[], T]) -> T:
        import duckdb

        for _ in range(5):
            try:
                return ask()
            except duckdb.IOException as problem:
                if not self._refreshed():
                    raise StoreProblem(
                        f"a file of the store cannot be read: {first_line(problem)}",
                        hint="look at the disk and at the file's permissions; `cityctl data status` lists "
                        "what the store knows",
                    ) from problem
            except duckdb.OutOfMemoryException as problem:
                raise StoreProblem(
                    f"not enough memory for this question: {first_line(problem)}",
                    hint="ask for a shorter interval or for fewer points",
                ) from problem
            except duckdb.Error as problem:
                if damaged := self.damage(problem):
                    raise StoreProblem(
                        f"a file of the store is damaged: {damaged}",
                        tried=[first_line(problem)],
                        hint="`cityctl data verify` marks it, so that the others can be used; "
                        "`cityctl data restore DIR` brings it back from a backup",
                    ) from problem
                raise
        raise StoreProblem(
            "the store's files changed faster than they could be read",
            tried=["read the list of segments five times"],
            hint="run the command again when imports and compaction are done",
        )

    def _refreshed(self) -> bool:
        """Whether attaching anew changed anything; a query of the attaching itself is not followed further."""
        if self.sealed or self._refreshing:
            return False
        self._refreshing = True
        try:
            changed = False
            for refresh in self._refreshes:  # all of them, also after the first change
                changed = refresh() or changed
            return changed
        finally:
            self._refreshing = False


class OnDemand:
    """An engine that is made when it is first asked for: opening one takes longer than many a small question."""

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def __call__(self) -> Engine:
        if self._engine is None:
            self._engine = Engine()
        return self._engine

    def close(self) -> None:
        """Close the engine, if there is one."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None


def first_line(problem: Exception) -> str:
    """The first line of a message of DuckDB's, without its class of error."""
    line = str(problem).split("\n", 1)[0]
    return line.split("Error: ", 1)[-1]


def _given(parameters: Parameters) -> Any:
    if parameters is None:
        return None
    return dict(parameters) if isinstance(parameters, Mapping) else list(parameters)
