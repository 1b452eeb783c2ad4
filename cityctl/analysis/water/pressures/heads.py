"""The unit in which pressures are told: metres of head, or psi where all sensors speak psi. Metres go in, words out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from cityctl.city.points import Point
from cityctl.result import Table
from cityctl.units import convert

HEAD = "mH2O"


@dataclass(frozen=True)
class Told:
    """Pressures in one unit."""

    unit: str = HEAD

    @property
    def word(self) -> str:
        """The unit in a sentence."""
        return "m" if self.unit == HEAD else self.unit

    def of(self, metres: float) -> float:
        """A pressure, or a difference of two, in the unit."""
        return convert(metres, HEAD, self.unit)

    def limit(self, metres: float) -> str:
        """`20 m`: a figure that someone set."""
        return f"{self.of(metres):.4g} {self.word}"

    def figure(self, metres: float, style: str = ".1f") -> str:
        """`42.3 m`: a figure that was measured."""
        return f"{self.of(metres):{style}} {self.word}"

    def table(self, table: Table) -> Table:
        """The same table with its heads in the unit."""
        heads = [at for at, column in enumerate(table.columns) if column.unit == HEAD]
        columns = [replace(one, unit=self.unit) if one.unit == HEAD else one for one in table.columns]
        rows = []
        for row in table.rows:
            cells = list(row)
            for at in heads:
                metres = cells[at]
                cells[at] = self.of(metres) if isinstance(metres, float) else metres
            rows.append(tuple(cells))
        return replace(table, columns=columns, rows=rows)


def told_by(sensors: Iterable[Point]) -> Told:
    """psi where every sensor speaks it, else metres of head, which the field's formulas are made for."""
    return Told("psi") if {one.shown_unit for one in sensors} == {"psi"} else Told()
