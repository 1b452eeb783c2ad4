"""`AT TIME ZONE` over instants that are kept without a zone: DuckDB takes them for a wall clock's, the wrong way.

People mean what the clock of that zone shows at the instant. So an instant is cast to one with a zone before, which is
UTC in an engine, and leaves those alone that have one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from cityctl.engine.duck import Engine

_NAMED = re.compile(r"\btime\s+zone\b|\btimezone\b", re.IGNORECASE)
_CAST = "SELECT CAST(x AS TIMESTAMPTZ)"
_INSTANT = ("utc", "etc/utc")


def to_zones(engine: Engine, query: str, wall: str) -> str:
    """A query in which `time AT TIME ZONE zone` is the wall clock of that zone; of UTC it is the instant itself.

    What is made of columns called `wall`, which hold times of a wall clock, stays as it is.
    """
    if not _NAMED.search(query):
        return query
    try:
        return _zoned(engine, query, wall)
    except RecursionError:  # such a query is refused by whoever answers it
        return query


def _zoned(engine: Engine, query: str, wall: str) -> str:
    tree = _tree(engine, query)
    if tree.get("error"):
        return query
    cast = next(one for one in _inside_out(_tree(engine, _CAST)) if one.get("class") == "CAST")
    for node in list(_inside_out(tree)):
        given = _arguments(node) if node.get("function_name") == "timezone" else []
        if len(given) != 2:
            continue
        zone, moment = given
        columns = [one["column_names"][-1] for one in _inside_out(moment) if one.get("class") == "COLUMN_REF"]
        if not columns or wall in (one.casefold() for one in columns):
            continue
        made = {**deepcopy(cast), "child": deepcopy(moment)}
        if _text(zone).casefold() in _INSTANT:
            alias = node["alias"]
            node.clear()
            node.update(made, alias=alias)
        else:
            moment.clear()
            moment.update(made)
    ((text,),) = engine.rows("SELECT json_deserialize_sql($tree::JSON)", {"tree": json.dumps(tree)})
    return str(text)


def _tree(engine: Engine, query: str) -> dict[str, Any]:
    ((text,),) = engine.rows("SELECT json_serialize_sql($sql::VARCHAR)", {"sql": query})
    found: dict[str, Any] = json.loads(text)
    return found


def _arguments(call: dict[str, Any]) -> list[dict[str, Any]]:
    """What a function is called with; DuckDB 2 gives each argument a name besides, DuckDB 1 calls them children."""
    if "arguments" in call:
        return [argument["expression"] for argument in call["arguments"]]
    return list(call.get("children", ()))


def _text(constant: dict[str, Any]) -> str:
    """A text that stands in the query, as DuckDB 2 and DuckDB 1 write it into a tree."""
    return str(constant.get("literal", {}).get("text") or constant.get("value", {}).get("value"))


def _inside_out(tree: Any) -> Iterator[dict[str, Any]]:
    """All objects of a tree, what lies within one before it."""
    for value in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _inside_out(value)
    if isinstance(tree, dict):
        yield tree
