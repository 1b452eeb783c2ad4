"""Which point of the city takes a series of an export, and how its values become the point's unit.

Names are matched as they are written first, without regard to case only where one point alone fits. Nothing
is guessed beyond that: a series that no point takes is named and not stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cityctl import units
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.errors import UsageProblem, near
from cityctl.exports.meaning import kind_of
from cityctl.exports.parsed import Series
from cityctl.exports.table.names import without_unit
from cityctl.reading import Kind

# A level in m of water is a pressure where the point measures pressure.
_HEADS = {"m": "mH2O", "ft": "ftH2O"}


@dataclass(frozen=True)
class Match:
    """Where a series goes: canonical value = value * scale + offset. `point` None: `why` says why nowhere.

    `unit` is the one that its values are read in. `known` says that the city has this point, `kind` what it takes.
    """

    point: str | None
    scale: float = 1.0
    offset: float = 0.0
    unit: str | None = None
    why: str = ""
    known: bool = True
    kind: Kind | None = None


@dataclass
class Matcher:
    """Finds the points of one file's or one service's series.

    `mapping` is what was said: series or column -> point. `keep_all` keeps a series that no point takes under
    its own name, in the canonical unit of what it measures; `kept` is what the store and the files of one import keep
    like that, name -> quantity, and `own` are the points that come of it.
    """

    city: City | None
    mapping: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    keep_all: bool = False
    kept: dict[str, str] = field(default_factory=dict)
    own: dict[str, Point] = field(default_factory=dict)
    _exact: dict[str, Point] = field(default_factory=dict)
    _folded: dict[str, list[Point]] = field(default_factory=dict)
    _taken: dict[str, str] = field(default_factory=dict)
    _stateful: bool = False  # whether any point takes states

    def __post_init__(self) -> None:
        for target in self.mapping.values():
            self._check(target)
        if self.city is None:
            return
        for point in self.city.points().values():
            if point.formula is not None:
                continue
            self._stateful = self._stateful or point.kind == "state"
            for name in _names(point):
                self._exact.setdefault(name, point)
                fitting = self._folded.setdefault(name.casefold(), [])
                if point not in fitting:
                    fitting.append(point)

    def _check(self, target: str) -> None:
        if self.city is None or self.keep_all:
            return
        if self.city.point(target).formula is not None:
            raise UsageProblem(
                f"`{target}` is worked out by a formula and takes no readings",
                hint="map the column to a point without formula",
            )

    def wants(self, series: Series) -> bool:
        """Whether a series is wanted at all: all are, where no map was given."""
        return not self.mapping or self._said(series.id) is not None

    def states(self, series: str) -> Mapping[str, float] | None:
        """Of a series whose point takes states: codes by name, in small letters; None for all others."""
        if not self._stateful:
            return None
        said = self._said(series)
        point = self._point(Series(series)) if said is None else None
        if said is not None and self.city is not None:
            point = self.city.points().get(said)
        if point is None or point.kind != "state":
            return None
        return {name.casefold(): float(code) for code, name in point.states}

    def match(self, series: Series) -> Match:
        """Where a series goes."""
        said = self._said(series.id)
        point = self._point(series) if said is None else None
        if said is not None and self.city is not None:
            point = self.city.points().get(said)
        if point is None:
            return self._own_name(series, said)
        first = self._taken.setdefault(point.id, series.id)
        if first != series.id:
            return Match(None, why=f"`{first}` goes to `{point.id}` already: one series a point")
        return fit(series, point)

    def is_said(self, series: str, name: str) -> bool:
        """Whether `name` in the map means this series."""
        plain = name.casefold()
        return plain in (series.casefold(), without_unit(series).casefold())

    def _said(self, series: str) -> str | None:
        if not self.mapping:
            return None
        for name in (series, without_unit(series)):
            if name in self.mapping:
                return self.mapping[name]
        folded = {target for name, target in self.mapping.items() if self.is_said(series, name)}
        return folded.pop() if len(folded) == 1 else None

    def _point(self, series: Series) -> Point | None:
        names = [self.prefix + series.id, self.prefix + without_unit(series.id)]
        if series.usage_point and series.direction != "reverse":
            names.append(self.prefix + series.usage_point.rstrip("/").rpartition("/")[2])
        for name in names:
            if name in self._exact:
                return self._exact[name]
        for name in names:
            fitting = self._folded.get(name.casefold(), [])
            if len(fitting) == 1:
                return fitting[0]
        return None

    def _own_name(self, series: Series, said: str | None) -> Match:
        name = said or self.prefix + series.id
        if self.city is not None and not self.keep_all:
            match = near(name, self._exact)
            also = (
                f"; near: `{match}`"
                if match
                else "; add it under `points:` in city.yaml, or say which it is: data import --map"
            )
            return Match(None, unit=series.unit, why=f"no point of the city takes `{series.id}`{also}")
        if series.unit is None:
            return Match(None, why=no_unit(series))
        known = units.unit(series.unit)
        held = self.kept.setdefault(name, known.quantity)
        if held != known.quantity:
            also = "--map gives it another point"
            why = f"it is {known.quantity} in {known.symbol}, and `{name}` is {held} already: {also}"
            return Match(None, unit=known.symbol, why=why)
        canonical = units.canonical(known.quantity).symbol
        kind = series.kind or kind_of(known.quantity) or "gauge"
        self.own.setdefault(name, Point(name, known.quantity, canonical, known.symbol, kind))
        scale, offset = units.linear(known.symbol, canonical)
        return Match(name, scale, offset, known.symbol, known=False)


_SAY_IT = "not imported (--unit m3/h, or `unit:` in city.yaml, says it)"


def no_unit(series: Series) -> str:
    """Why readings without a unit are not taken, and what helps."""
    if series.said_unit:
        return f"its unit `{series.said_unit[:40]}` is none that cityctl knows: {_SAY_IT}"
    return f"no unit is said for it: {_SAY_IT}"


def _names(point: Point) -> Iterable[str]:
    """Names under which files may bring readings of a point."""
    yield point.id
    if point.series:
        yield point.series
    if point.service and "/" in point.service:
        yield point.service.partition("/")[2]


def fit(series: Series, point: Point) -> Match:
    """A series on the point that takes it: in its own unit, or else the one that the city gives the point."""
    text = series.unit or (None if series.said_unit else point.shown_unit)
    if not text and (text is None or point.quantity != "ratio"):  # a ratio, such as flicker, has the unit ""
        return Match(None, why=no_unit(series))
    known = units.unit(text)
    if point.quantity == "pressure" and known.symbol in _HEADS:
        known = units.unit(_HEADS[known.symbol])
    if known.quantity != point.quantity:
        more = ""
        if {known.quantity, point.quantity} == {"volume", "energy"}:
            more = "; gas in m³ becomes kWh only with a calorific value"
        why = f"it is {known.quantity} in {known.symbol}, and `{point.id}` measures {point.quantity}{more}"
        return Match(None, unit=known.symbol, why=why)
    if {series.kind, point.kind} == {"counter", "interval"}:
        word = "an ever-rising register" if series.kind == "counter" else "amounts of intervals"
        why = f"it holds {word}, and `{point.id}` is of kind {point.kind}"
        return Match(None, unit=known.symbol, why=why)
    scale, offset = units.linear(known.symbol, point.unit)
    return Match(point.id, scale, offset, known.symbol, kind=point.kind)
