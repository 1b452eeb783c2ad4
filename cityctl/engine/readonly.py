"""Other people's SQL: one SELECT that reads what was attached, and can do nothing else.

DuckDB 2.x takes `WITH x AS (COPY ... TO ...) SELECT` for a SELECT, and a sealed engine may still write the very
files that it may read. So the syntax tree is looked at, not the statement's type: only nodes and table
functions that are known to read are let through.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cityctl.engine.duck import Engine, Relation, first_line
from cityctl.errors import StoreProblem, UsageProblem, near

_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_TABLE_FUNCTIONS = {
    "range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree", "summary",
    "duckdb_columns", "duckdb_tables", "duckdb_views", "duckdb_functions", "duckdb_types", "pragma_table_info",
}  # fmt: skip
# What comes out as it is, lists of it included; all else (intervals, structures, bits ...) comes as DuckDB writes it.
_PLAIN = re.compile(
    r"(BOOLEAN|U?(TINY|SMALL|BIG)INT|U?INTEGER|HUGEINT|FLOAT|DOUBLE|DECIMAL\(.*\)|VARCHAR|JSON|UUID|ENUM\(.*\)|DATE|TIME"
    r"|TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?|\"?NULL\"?)(\[\d*\])*"
)
_MOST = 1 << 30  # bytes of an answer that are held in memory
_HINT = (
    r"`cityctl data sql '\d'` shows the tables and views, `cityctl data sql '\d readings'` the columns of one"
)


@dataclass
class Answer:
    """Columns (name, DuckDB's type) and rows of an answer; `cut`: there would have been more rows."""

    columns: list[tuple[str, str]]
    rows: list[tuple[Any, ...]]
    cut: bool


def ask(engine: Engine, sql: str, *, limit: int, seconds: float, known: Sequence[str] = ()) -> Answer:
    """Seal the engine, and answer one SELECT with at most `limit` rows within `seconds`.

    `known`: tables and views that there are, for a near match where the query names another.

    Raises UsageProblem where it is no such SELECT, is wrong, takes longer, or answers more than memory can hold.
    """
    import duckdb

    if not engine.locked:
        raise ValueError("other people's SQL wants an engine of its own: Engine(locked=True)")
    engine.seal()
    connection = engine.connection
    late = threading.Event()

    def stop() -> None:
        late.set()
        connection.interrupt()

    clock = threading.Timer(seconds, stop)
    clock.daemon = True
    clock.start()
    try:
        tree = check(engine, sql)
        relation = connection.sql(sql)
        columns = [(name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True)]
        if not all(_PLAIN.fullmatch(kind) for _, kind in columns):
            relation = connection.sql(_in_words(engine, tree, columns))
        rows = _rows(relation, limit)
    except UsageProblem:
        raise
    except MemoryError as problem:
        raise _too_large() from problem
    except (duckdb.Error, OSError) as problem:  # an interrupted Arrow reader raises OSError
        if late.is_set():
            raise UsageProblem(
                f"the query took longer than {seconds:.0f} s and was stopped",
                hint="add --since to read less, or --timeout to wait longer",
            ) from None
        if gone := engine.vanished():
            raise StoreProblem(
                f"a file of the store is gone: {gone[0]}",
                hint="run the command again; `cityctl data status` lists what the store knows",
            ) from problem
        if damaged := engine.damage(problem):
            raise StoreProblem(f"a file of the store is damaged: {damaged}") from problem
        raise UsageProblem(
            f"SQL: {first_line(problem)}", tried=_candidates(problem), hint=_hint(problem, known) or _HINT
        ) from problem
    finally:
        clock.cancel()
    return Answer(columns, rows[:limit], len(rows) > limit)


def _rows(relation: Relation, limit: int) -> list[tuple[Any, ...]]:
    """The first rows, one more than the limit where there are more."""
    rows: list[tuple[Any, ...]] = []
    held = 0
    reader = relation.to_arrow_reader(10_000)
    try:
        for batch in reader:
            if (held := held + batch.nbytes) > _MOST:
                raise _too_large()
            rows.extend(zip(*map(_cells, batch.columns), strict=True))
            if len(rows) > limit:
                break
    finally:
        reader.close()
    return rows


def _cells(column: Any) -> list[Any]:
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError) as problem:  # Python's calendar ends where DuckDB's goes on
        raise UsageProblem(
            "the answer has a time that is infinite, or outside of the years 1 to 9999",
            hint="leave it out, or show it as text: `time::VARCHAR`",
        ) from problem


def _in_words(engine: Engine, tree: str, columns: Sequence[tuple[str, str]]) -> str:
    """The same query with texts for values that no table cell can hold."""
    ((text,),) = engine.rows("SELECT json_deserialize_sql($tree::JSON)", {"tree": tree})
    cells = [
        f"#{place}" if _PLAIN.fullmatch(kind) else f"#{place}::VARCHAR"
        for place, (_, kind) in enumerate(columns, start=1)
    ]
    return f"SELECT {', '.join(cells)} FROM ({text})"


def _too_large() -> UsageProblem:
    return UsageProblem(
        f"the answer is larger than the {_MOST >> 30} GB that are held in memory",
        hint="ask for less with --limit, --since or fewer columns; `cityctl data export` streams any number",
    )


def check(engine: Engine, sql: str) -> str:
    """The syntax tree as JSON. Raises UsageProblem unless the text is one SELECT that can only read."""
    try:
        return _checked(engine, sql)
    except RecursionError:
        raise _refused("it is nested too deeply") from None


def _checked(engine: Engine, sql: str) -> str:
    ((tree,),) = engine.rows("SELECT json_serialize_sql($sql::VARCHAR)", {"sql": sql})
    parsed = json.loads(tree)
    if parsed.get("error"):
        if "SELECT" in str(parsed.get("error_message")):
            raise _refused("it is no SELECT")
        raise UsageProblem(f"SQL: {parsed.get('error_message')}", hint=_HINT)
    statements = parsed["statements"]
    if len(statements) != 1:
        raise _refused(f"there are {len(statements)} statements" if statements else "there is no statement")
    for node in _objects(statements):
        kind = str(node.get("type", ""))
        if kind.endswith("_NODE") and kind not in _NODES:
            raise _refused(f"{kind.removesuffix('_NODE').removesuffix('_QUERY')} changes something")
        if kind == "TABLE_FUNCTION":
            name = str(node.get("function", {}).get("function_name", "")).lower()
            if name not in _TABLE_FUNCTIONS:
                raise _refused(f"the table function `{name}` is not let through")
    return str(tree)


def _refused(reason: str) -> UsageProblem:
    return UsageProblem(f"only one SELECT that reads is let through: {reason}", hint=_HINT)


def _objects(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _objects(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _objects(value)


def _hint(problem: BaseException, known: Sequence[str]) -> str | None:
    """The table or column that was meant, where one is near."""
    said = str(problem)
    if wrong := re.search(r"Table with name (\S+) does not exist", said):
        whole: dict[str, str] = {}
        for name in known:
            whole.setdefault(name.rpartition(".")[2], name)
        match = near(wrong[1], whole)
        return rf"did you mean `{whole[match]}`? `cityctl data sql '\d'` shows all" if match else None
    if wrong := re.search(r"Referenced column \"(.+?)\" not found", said):
        match = near(wrong[1], re.findall(r'"(\w+)"', said.partition("bindings:")[2]))
        return f"did you mean `{match}`?" if match else None
    return None


def _candidates(problem: BaseException) -> list[str]:
    """DuckDB's own near matches, where it gives some."""
    lines = [line.strip() for line in str(problem).splitlines()[1:]]
    return [line for line in lines if line.startswith(("Did you mean", "Candidate"))]
