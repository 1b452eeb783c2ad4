"""Points that a formula gives: names resolved, units settled, an interval and a kind found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from cityctl import units
from cityctl.city import formula
from cityctl.city.kinds import kind_of_derived
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.city.unknown import no_such
from cityctl.document import Document, Key
from cityctl.errors import ConfigInvalid, UsageProblem
from cityctl.reading import Kind


class Formulas:
    """The formulas of a city's points, each resolved behind those that it needs.

    Without a number of its own a formula holds in any units: it is worked out in the coherent ones of the store. A
    number such as the 3.6 of `3.6 * inlet` was written for the units that city.yaml speaks.
    """

    def __init__(self, city: City, document: Document, points: dict[str, Point]) -> None:
        self._city = city
        self._document = document
        self._points = points
        self._done: dict[str, Point] = {}

    def resolved(self) -> dict[str, Point]:
        """All points in their order. Raises ConfigInvalid for a circle, an unknown name and units that do not add."""
        return {name: self._resolve(name, ()) for name in self._points}

    def _resolve(self, name: str, below: tuple[str, ...]) -> Point:
        """A point whose formula speaks of what is stored alone; `below` are those that need it."""
        if name not in self._done:
            point = self._points[name]
            if name in below:
                circle = " -> ".join((*below[below.index(name) :], name))
                raise ConfigInvalid(f"{self._place(name)}: a formula that needs itself: {circle}")
            if point.formula is not None:
                point = self._worked_out(point, point.formula, (*below, name))
            self._done[name] = point
        return self._done[name]

    def _worked_out(self, point: Point, written: formula.Formula, below: tuple[str, ...]) -> Point:
        sources: list[Point] = []

        def exchanged(word: str) -> formula.Node:
            figure = self._figure(point.id, word)
            if figure is not None:
                return formula.Number(figure)
            if word not in self._points:
                raise no_such(self._document, self._keys(point.id), "point", word, self._points)
            source = self._resolve(word, below)
            sources.append(source)
            return _times(formula.Name(word), *_spoken(source, written))

        tree = formula.replace_names(written.tree, exchanged)
        if written.has_numbers:
            self._refuse_two_units(point.id, written)
        tree = _times(tree, *_kept(point, written))
        return replace(
            point,
            kind=self._kind(point, sources),
            every=self._every(point, sources),
            formula=formula.Formula(written.text, tree),
        )

    def _figure(self, name: str, word: str) -> float | None:
        """The figure of an asset that a word such as `pump-1.rated_power` names; None where it names none."""
        asset, _, figure = word.rpartition(".")
        if word in self._points or asset not in self._city.assets:
            return None
        value = getattr(self._city.assets[asset], figure, None)
        if not isinstance(value, int | float):
            raise ConfigInvalid(
                f"{self._place(name)}: asset `{asset}` has no `{figure}`",
                hint=f"add `{figure}:` to it under `assets:`",
            )
        return float(value)

    def _every(self, point: Point, sources: list[Point]) -> timedelta:
        """Its own interval, or the slowest of its sources."""
        intervals = [source.every for source in sources if source.every is not None]
        every = point.every or (max(intervals) if intervals else None)
        if every is None or not sources:
            raise ConfigInvalid(
                f"{self._place(point.id)}: `every` is missing: how often does `{point.id}` have a value?",
                hint="add `every: 15m` to the point, or to the points in its formula",
            )
        return every

    def _kind(self, point: Point, sources: list[Point]) -> Kind:
        entry = self._city.points_by_name.get(point.id)
        try:
            return kind_of_derived(point, sources, entry.kind if entry is not None else None)
        except UsageProblem as problem:
            raise ConfigInvalid(f"{self._place(point.id)}: {problem.message}", hint=problem.hint) from None

    def _refuse_two_units(self, name: str, written: formula.Formula) -> None:
        """Refuse to add what is in two units of one quantity, where numbers are taken as they are spoken."""
        for node in formula.walk(written.tree):
            added = [
                self._done[one.id]
                for one in formula.terms(node)
                if isinstance(one, formula.Name) and one.id in self._done
            ]
            for first, other in pairwise(added):
                if first.quantity == other.quantity and first.shown_unit != other.shown_unit:
                    raise ConfigInvalid(
                        f"{self._place(name)}: `{first.id}` is in {first.shown_unit} and `{other.id}` in "
                        f"{other.shown_unit}: beside a number in the formula they are added as they stand",
                        hint="give both the same unit; a formula without numbers takes any",
                    )

    def _place(self, name: str) -> str:
        return self._document.place(*self._keys(name))

    def _keys(self, name: str) -> tuple[Key, ...]:
        if name in self._city.points_by_name:
            return ("points", name, "formula")
        return ("zones", name.removesuffix("/inflow"), "inflow")


def _spoken(source: Point, written: formula.Formula) -> tuple[float, float]:
    """(factor, offset) from the store's unit of a source to the one that a formula takes it in."""
    scale, offset = units.linear(source.unit, source.shown_unit)
    return (scale, offset) if written.has_numbers or offset else (_coherent(source), 0.0)


def _kept(point: Point, written: formula.Formula) -> tuple[float, float]:
    """(factor, offset) from the unit in which a formula gives a point to the store's."""
    scale, offset = units.linear(point.shown_unit, point.unit)
    return (scale, offset) if written.has_numbers or offset else (1.0 / _coherent(point), 0.0)


def _coherent(point: Point) -> float:
    """What the store's unit of a point is in coherent ones: a share, kept in %, is a part of one in a product."""
    return 0.01 if point.quantity == "share" else 1.0


def _times(node: formula.Node, scale: float, offset: float) -> formula.Node:
    if scale != 1.0:
        node = formula.Binary("*", node, formula.Number(scale))
    return formula.Binary("+", node, formula.Number(offset)) if offset else node
