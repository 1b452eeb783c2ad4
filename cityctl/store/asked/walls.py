"""Which times of an answer are the city's own clock's, and which are instants: told by types, not by names.

Readings are kept in UTC without a zone, so DuckDB has one type for both. The query is bound once more, over empty
tables whose instants have a zone: what comes out of it without one is a wall clock's, as `date_trunc('day', local)`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cityctl.engine.duck import Engine, name_literal

LOCAL = "local"
"""The one column of our tables and views that holds a wall clock's times."""


def on_the_wall(engine: Engine, names: Sequence[str], query: str) -> set[int]:
    """Places of the columns of a query's answer that hold times of the city's own clock.

    `names`: tables and views of the engine that it may ask. Where it cannot be bound a second time, as with
    functions that know no zones, columns called `local` alone are taken for it.
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
                    f"{name_literal(key)} {_with_zone(key, kind)}"
                    for key, kind in engine.columns(f"SELECT * FROM {name}")
                )
                twin.execute(f"CREATE TABLE {name} ({columns})")
        twin.seal()
        try:
            bound = twin.columns(query)
        except duckdb.Error:
            bound = [(name, _with_zone(name, kind)) for name, kind in engine.columns(query)]
    return {at for at, (_, kind) in enumerate(bound) if kind.startswith("TIMESTAMP") and "ZONE" not in kind}


def _with_zone(name: str, kind: str) -> str:
    return "TIMESTAMPTZ" if kind == "TIMESTAMP" and name != LOCAL else kind
