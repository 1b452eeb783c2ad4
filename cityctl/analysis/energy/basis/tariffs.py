"""Which tariff holds for which meter: city.yaml's, or the one that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Literal

from cityctl.analysis.energy.basis.meters import USE, network_of
from cityctl.analysis.patterns import points_of
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.errors import listed
from cityctl.library import Library
from cityctl.tariff import model
from cityctl.tariff.model import Tariff
from cityctl.tariff.terms import Energy, Version

EXPORT = "export"
BESIDE = ("reactive energy", "reactive power")


@dataclass(frozen=True)
class Assigned:
    """A meter with its tariff's name, or its flat price, and the meters of reactive and exported energy beside it.

    Of several beside it none counts: nobody knows whose each is.
    """

    point: Point
    recipe: str | None
    price: float | None
    reactives: tuple[str, ...]
    exports: tuple[str, ...]

    @property
    def reactive(self) -> str | None:
        """The one meter of reactive energy, or power, beside it."""
        return self.reactives[0] if len(self.reactives) == 1 else None

    @property
    def export(self) -> str | None:
        """The one meter of energy that goes back beside it."""
        return self.exports[0] if len(self.exports) == 1 else None

    def unclear(self, tariff: Tariff) -> list[str]:
        """Which of the meters beside it a tariff asks for and cannot tell apart."""
        asked = {
            "reactive energy": (self.reactives, any(one.asks_reactive for one in tariff.versions)),
            "energy fed in": (self.exports, any(one.sell or one.net_metering for one in tariff.versions)),
        }
        return [
            f"{len(many)} meters of {what} beside it, {listed(list(many))}: none counts; an asset for each use tells "
            "whose they are"
            for what, (many, wanted) in asked.items()
            if wanted and len(many) > 1
        ]

    def tariff(self, library: Library, currency: str = "EUR") -> Tariff:
        """The tariff itself; a flat price is one of a single line. Raises ConfigInvalid."""
        if self.recipe is not None:
            return load(library, self.recipe)
        version = Version(energy=[Energy(price=self.price or 0.0)])
        unit: Literal["kWh", "m3"] = "m3" if self.point.quantity == "volume" else "kWh"
        return Tariff(tariff="flat", title="flat price", currency=currency, unit=unit, versions=[version])

    def looks_back(self, library: Library) -> bool:
        """Whether a demand charge depends on earlier months."""
        return any(demand.ratchet for one in self.tariff(library).versions for demand in one.demand)


@lru_cache(maxsize=256)
def load(library: Library, name: str) -> Tariff:
    """The tariff of that name, read once for each library: a city read anew has its own. Raises ConfigInvalid."""
    return model.load(library, name).tariff


def assigned(city: City, parameters: Mapping[str, Any]) -> list[Assigned]:
    """Meters of use with a tariff, sorted by id; a tariff that names its meters goes before one for all of them."""
    known = (
        point
        for point in city.points().values()
        if point.role == USE and point.quantity not in BESIDE  # what is priced with the energy beside it
    )
    given: str | None = parameters.get("tariff")
    found = []
    for point in points_of(parameters.get("meters"), known, "meter of use"):
        kind = network_of(city, point)
        if given is not None:
            if kind == "power" or str(parameters.get("meters") or "*") != "*":
                found.append(Assigned(point, given, None, _reactives(city, point), _exports(city, point)))
            continue
        for tariff in sorted(city.tariffs.values(), key=lambda one: not one.meters):
            network = point.network or (city.zones[point.zone].network if point.zone else None)
            holds = not tariff.meters or any(fnmatchcase(point.id, one) for one in tariff.meters)
            if tariff.network == network and holds:
                beside = _reactives(city, point), _exports(city, point)
                found.append(Assigned(point, tariff.recipe, tariff.price, *beside))
                break
    return sorted(found, key=lambda one: one.point.id)


def _reactives(city: City, point: Point) -> tuple[str, ...]:
    """The meters of reactive energy in the same zone (or of the same asset), else those of reactive power."""
    for quantity in BESIDE:
        beside = tuple(one.id for one in _beside(city, point) if one.quantity == quantity)
        if beside:
            return beside
    return ()


def _exports(city: City, point: Point) -> tuple[str, ...]:
    """The meters of energy that goes back (`role: export`) in the same zone, or of the same asset."""
    return tuple(
        one.id for one in _beside(city, point) if one.role == EXPORT and one.quantity in ("energy", "power")
    )


def _beside(city: City, point: Point) -> list[Point]:
    return [
        one
        for one in city.points().values()
        if (
            one.asset == point.asset
            if point.asset is not None
            else one.zone == point.zone and one.zone is not None
        )
    ]
