"""Which tariff holds for which meter: city.yaml's, or the one that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from cityctl.analysis.energy.meters import USE, network_of
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.library import Library
from cityctl.tariff import model
from cityctl.tariff.model import Energy, Tariff, Version


@dataclass(frozen=True)
class Assigned:
    """A meter with its tariff's name, or its flat price, and the meter of reactive energy beside it."""

    point: Point
    recipe: str | None
    price: float | None
    reactive: str | None

    def tariff(self, library: Library, currency: str = "EUR") -> Tariff:
        """The tariff itself; a flat price is one of a single line. Raises ConfigInvalid."""
        if self.recipe is not None:
            return load(library, self.recipe)
        version = Version(energy=[Energy(price=self.price or 0.0)])
        return Tariff(tariff="flat", title="flat price", currency=currency, versions=[version])

    def window(self, library: Library) -> int:
        """Minutes of the tariff's window of demand; the shortest of its versions."""
        return min(one.window for one in self.tariff(library).versions)

    def looks_back(self, library: Library) -> bool:
        """Whether a demand charge depends on earlier months."""
        return any(demand.ratchet for one in self.tariff(library).versions for demand in one.demand)


@lru_cache(maxsize=256)
def _loaded(project: Any, name: str) -> Tariff:
    return model.load(Library(project), name).tariff


def load(library: Library, name: str) -> Tariff:
    """The tariff of that name as the project sees it, read once a run. Raises ConfigInvalid."""
    return _loaded(library.project, name)


def assigned(city: City, parameters: Mapping[str, Any]) -> list[Assigned]:
    """Meters of use with a tariff, sorted by id."""
    patterns = [word.strip() for word in str(parameters.get("meters") or "*").split(",")]
    given: str | None = parameters.get("tariff")
    found = []
    for point in city.points().values():
        if point.role != USE or not any(fnmatchcase(point.id, one) for one in patterns):
            continue
        kind = network_of(city, point)
        if given is not None:
            if kind == "power" or str(parameters.get("meters") or "*") != "*":
                found.append(Assigned(point, given, None, _reactive(city, point)))
            continue
        for tariff in city.tariffs.values():
            network = point.network or (city.zones[point.zone].network if point.zone else None)
            holds = not tariff.meters or any(fnmatchcase(point.id, one) for one in tariff.meters)
            if tariff.network == network and holds:
                found.append(Assigned(point, tariff.recipe, tariff.price, _reactive(city, point)))
                break
    return sorted(found, key=lambda one: one.point.id)


def _reactive(city: City, point: Point) -> str | None:
    """The one meter of reactive energy in the same zone (or of the same asset)."""
    beside = [
        one.id
        for one in city.points().values()
        if one.quantity == "reactive energy"
        and (
            one.asset == point.asset
            if point.asset is not None
            else one.zone == point.zone and one.zone is not None
        )
    ]
    return beside[0] if len(beside) == 1 else None
