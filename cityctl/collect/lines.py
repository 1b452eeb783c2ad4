"""One series of one source, and what became of its readings: a row of the balance."""

from __future__ import annotations

from dataclasses import dataclass

from cityctl.collect.match import Match
from cityctl.errors import CityctlError
from cityctl.exports.meaning import kind_of
from cityctl.exports.parsed import Series
from cityctl.reading import Kind
from cityctl.units import unit


@dataclass
class Line:
    """One series of one source, and what became of its readings. Times in µs."""

    source: str
    series: Series
    match: Match
    label: str
    handed_in: int = 0  # readings given to the store
    rejected: int = 0
    new: int = 0
    unchanged: int = 0
    gave_way: int = 0  # of those, to a value that was received at the same instant
    outdated: int = 0  # of those, to a value that was received later
    revised: int = 0
    even: int = (
        0  # of those that were revised or gave way: one file of the run against another, of one quality
    )
    duplicate: int = 0
    total: float = 0.0
    not_taken: float = 0.0  # of that total
    first: int | None = None
    last: int | None = None

    @property
    def kind(self) -> Kind | None:
        """What the values are, as the export says or as their quantity usually is."""
        series = self.series
        if series.kind is not None:
            return series.kind
        return kind_of(series.quantity or (unit(series.unit).quantity if series.unit else None))

    @property
    def received(self) -> int:
        """Readings that came."""
        return self.handed_in + self.rejected

    def check(self) -> None:
        """Raises CityctlError (a bug) where readings are unexplained."""
        accounted = self.new + self.unchanged + self.revised + self.duplicate
        if self.handed_in != accounted:
            raise CityctlError(
                f"the balance of `{self.series.id}` does not close: {self.handed_in} readings were handed in, and "
                f"{accounted} are accounted for",
                tried=[f"{self.source}: new {self.new}, unchanged {self.unchanged}, revised {self.revised}, "
                       f"duplicate {self.duplicate}, rejected {self.rejected}"],
            )  # fmt: skip
