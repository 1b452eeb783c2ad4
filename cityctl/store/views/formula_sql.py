"""A formula's tree as SQL over a table of slots: one column a source, one window a delta, rate or prev.

Knows trees and SQL; knows no store and no city.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from cityctl.city.formula import Binary, Call, Name, Node, Number

Reduction = Literal["mean", "total", "last", "register"]


class FormulaSql:
    """The SQL of one formula.

    `how(name, backwards)`: how a source is reduced to slots, outside or inside of delta, rate and prev.
    `is_counter(name)`: whether it is a register, whose repaired readings delta and rate ask for ("register");
    what it counted across a reset is not known.
    `sources` then lists the columns that the table of slots must have: s0 and its quality q0, s1 and q1, ...
    """

    def __init__(
        self, tree: Node, how: Callable[[str, bool], Reduction], is_counter: Callable[[str], bool]
    ) -> None:
        self.sources: list[tuple[str, Reduction]] = []
        self._how = how
        self._is_counter = is_counter
        self._windows: list[str] = []
        self._value, self._quality = self._of(tree, backwards=False)

    def over(self, slots: str) -> tuple[str, str, str]:
        """(expression of the value, of the quality, the query they stand over), given the query for the slots."""
        query = slots
        for window in self._windows:
            query = f"SELECT *, {window} FROM ({query}) WINDOW by_slot AS (ORDER BY slot)"
        return self._value, self._quality, query

    def _of(self, node: Node, *, backwards: bool) -> tuple[str, str]:
        """(value, quality) of a node as SQL expressions."""
        if isinstance(node, Number):
            return f"({node.value!r}::DOUBLE)", "0"
        if isinstance(node, Name):
            return self._source((node.id, self._how(node.id, backwards)))
        if isinstance(node, Binary):
            left, left_quality = self._of(node.left, backwards=backwards)
            right, right_quality = self._of(node.right, backwards=backwards)
            if node.operator == "/":
                right = f"nullif({right}, 0)"  # division by zero gives no value
            return f"({left} {node.operator} {right})", _worst(left_quality, right_quality)
        return self._call(node, backwards=backwards)

    def _source(self, source: tuple[str, Reduction]) -> tuple[str, str]:
        if source not in self.sources:
            self.sources.append(source)
        at = self.sources.index(source)
        return f"s{at}", f"q{at}"

    def _call(self, node: Call, *, backwards: bool) -> tuple[str, str]:
        looks_back = node.function in ("delta", "rate", "prev")
        first = node.arguments[0]
        if node.function in ("delta", "rate") and isinstance(first, Name) and self._is_counter(first.id):
            parts = [self._source((first.id, "register"))]
        else:
            parts = [self._of(argument, backwards=backwards or looks_back) for argument in node.arguments]
        values = [value for value, _ in parts]
        quality = _worst(*(part for _, part in parts))
        if looks_back:
            return self._window(node, values[0], quality)
        if node.function == "abs":
            return f"abs({values[0]})", quality
        # least and greatest leave NULL aside; here a missing value means that there is none.
        missing = " OR ".join(f"{value} IS NULL" for value in values)
        choice = "least" if node.function == "min" else "greatest"
        return f"(CASE WHEN {missing} THEN NULL ELSE {choice}({', '.join(values)}) END)", quality

    def _window(self, node: Call, value: str, quality: str) -> tuple[str, str]:
        before = f"lag({value}) OVER by_slot"
        result = {"prev": before, "delta": f"{value} - {before}", "rate": f"({value} - {before}) / hours"}
        condition = "lag(slot) OVER by_slot = slot - 1"
        argument = node.arguments[0]
        if node.function != "prev" and isinstance(argument, Name) and self._is_counter(argument.id):
            condition += f" AND {value} >= {before}"
        at = len(self._windows)
        self._windows.append(
            f"CASE WHEN {condition} THEN {result[node.function]} END AS w{at}, "
            f"greatest({quality}, lag({quality}) OVER by_slot) AS wq{at}"
        )
        return f"w{at}", f"wq{at}"


def _worst(*qualities: str) -> str:
    distinct = [quality for quality in dict.fromkeys(qualities) if quality != "0"]
    if not distinct:
        return "0"
    return distinct[0] if len(distinct) == 1 else f"greatest({', '.join(distinct)})"
