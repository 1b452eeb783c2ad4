"""Which times of an answer are a wall clock's, and which are instants: told by types, not by names.

Both are kept without a zone, so DuckDB has one type for them. The query is bound once more, over empty tables whose
instants have a zone: what comes out of it without one is a wall clock's, as `date_trunc('day', local)`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cityctl.engine.duck import Engine, name_literal


def on_the_wall(engine: Engine, names: Sequence[str], query: str, wall: str) -> set[int]:
    """Places of the columns of a query's answer that hold times of a wall clock.

    `names`: tables and views of the engine that it may ask, whose columns called `wall` hold such times. Where it
    cannot be bound a second time, as with functions that know no zones, columns of that name alone are taken for it.
    """
    import duckdb

    with Engine(locked=True) as twin:
        for name in names:
            schema, _, table = name.rpartition(".")
            plain = table.strip('"')
            if re.search(rf"\b{re.escape(plain)}\b", query, re.IGNORECASE):
                if schema:
                    twin.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
                columns = ", ".join(
                    f"{name_literal(key)} {_with_zone(key, kind, wall)}"
                    for key, kind in engine.columns(f"SELECT * FROM {name}")
                )
                twin.execute(f"CREATE TABLE {name} ({columns})")
        twin.seal()
        try:
            bound = twin.columns(query)
        except duckdb.Error:
            bound = [(name, _with_zone(name, kind, wall)) for name, kind in engine.columns(query)]
    return {at for at, (_, kind) in enumerate(bound) if kind.startswith("TIMESTAMP") and "ZONE" not in kind}


def _with_zone(name: str, kind: str, wall: str) -> str:
    return "TIMESTAMPTZ" if kind == "TIMESTAMP" and name != wall else kind
