"""Which substations a city's heat networks have, by the points that stand there. Knows no readings."""

from __future__ import annotations

from dataclasses import dataclass

from cityctl.analysis.energy.basis.meters import USE
from cityctl.analysis.energy.basis.network_balance import kind_at, zone_of
from cityctl.city.model import City
from cityctl.city.points import Point

SUPPLY, RETURN = "supply", "return"


@dataclass(frozen=True)
class Substation:
    """What is metered at one place: points of its heat, volume, temperatures and m³ x °C registers."""

    name: str
    zone: str | None
    heat: tuple[str, ...]
    volume: str | None
    warm: str | None
    cold: str | None
    warm_register: str | None
    cold_register: str | None

    @property
    def every(self) -> list[str]:
        """All its points."""
        own = (*self.heat, self.volume, self.warm, self.cold, self.warm_register, self.cold_register)
        return [one for one in own if one is not None]


def substations_of(city: City) -> list[Substation]:
    """Assets, or zones, of heat networks with a meter of heat that is used, and what else is metered there."""
    places: dict[str, list[Point]] = {}
    for point in city.points().values():
        if kind_at(city, point) == "heat":
            places.setdefault(point.asset or str(zone_of(city, point)), []).append(point)
    found = []
    for name, own in sorted(places.items()):

        def first(quantities: tuple[str, ...], role: str | None, among: list[Point] = own) -> str | None:
            fit = [one.id for one in among if one.quantity in quantities and role in (None, one.role)]
            return fit[0] if fit else None

        heat = tuple(one.id for one in own if one.quantity in ("energy", "power") and one.role == USE)
        if heat:
            found.append(
                Substation(
                    name,
                    zone_of(city, own[0]),
                    heat,
                    first(("volume",), None) or first(("flow",), None),
                    first(("temperature",), SUPPLY),
                    first(("temperature",), RETURN),
                    first(("thermal volume",), SUPPLY),
                    first(("thermal volume",), RETURN),
                )
            )
    return found


def fed_of(city: City) -> dict[str, list[str]]:
    """Zone of a heat network -> the points of the heat that is fed into it."""
    found: dict[str, list[str]] = {}
    for point in city.points().values():
        if point.role == SUPPLY and point.quantity in ("energy", "power") and kind_at(city, point) == "heat":
            found.setdefault(str(zone_of(city, point)), []).append(point.id)
    return found
