"""Which meters belong to a feeder, by their zones and roles. Knows no readings."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from cityctl.analysis.energy.basis.meters import USE
from cityctl.analysis.energy.basis.network_balance import kind_at, zone_of
from cityctl.city.model import City
from cityctl.city.points import Point

SUPPLY, EXPORT, GENERATION, EV = "supply", "export", "generation", "ev"


@dataclass
class Feeder:
    """A feeder's meters: what comes in, goes back, is made and used on it, and its chargers."""

    zone: str
    supply: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    generation: list[str] = field(default_factory=list)
    use: list[str] = field(default_factory=list)
    chargers: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)  # chargers behind a meter of use

    def once(self, twice: Collection[str]) -> Feeder:
        """The feeder without the meters that tell what another one of it does."""
        kept = {
            key: [one for one in own if one not in twice] for key, own in vars(self).items() if key != "zone"
        }
        return Feeder(self.zone, **kept)

    @property
    def every(self) -> list[str]:
        return [*self.supply, *self.back, *self.generation, *self.use, *self.chargers, *self.behind]


def feeders_of(city: City) -> list[Feeder]:
    """Zones of power networks with a point of their supply, and the meters within."""
    of_zone: dict[str, list[Point]] = {}
    for point in city.points().values():
        zone = zone_of(city, point)
        # A building may have gas too.
        if zone is not None and kind_at(city, point) == "power" and point.quantity in ("energy", "power"):
            of_zone.setdefault(zone, []).append(point)
    found = []
    for zone in city.zones:
        if city.network_kind(zone) != "power":
            continue
        feeder = Feeder(zone, [one.id for one in of_zone.get(zone, []) if one.role == SUPPLY])
        if not feeder.supply:
            continue
        for inner in city.zones_within(zone):
            own = of_zone.get(inner, [])
            roles = {one.role for one in own}
            for one in own:
                if one.role == USE:
                    feeder.use.append(one.id)
                elif one.role == EV:
                    metered = inner != zone and USE in roles
                    (feeder.behind if metered else feeder.chargers).append(one.id)
                elif one.role == EXPORT and inner == zone:
                    feeder.back.append(one.id)
                elif (one.role == EXPORT and SUPPLY not in roles) or (
                    one.role == GENERATION and (inner == zone or EXPORT not in roles)
                ):
                    feeder.generation.append(one.id)
        found.append(feeder)
    return found
