"""What the simulated city is made of: four water zones, a waterworks, nine buildings and a solar roof.

Plain figures and no behaviour. The faults hidden in it are placed by scenario.py, relative to a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NAME = "Simulated city"
TIME_ZONE = "Europe/Berlin"
COUNTRY = "DE"
REGION = "HH"
LATITUDE = 53.55  # degrees north
LONGITUDE = 9.99  # degrees east


@dataclass(frozen=True)
class WaterZone:
    """A district metered area: one inlet with flow and pressure, no outlet."""

    id: str
    name: str
    people: int
    connections: int
    mains_km: float
    pressure_m: float  # mean head in the zone at rest, m
    drop_m: float  # head lost at twice the mean use, m
    use_m3h: float  # mean legitimate use
    background_m3h: float  # background leakage at rest pressure
    pattern: Literal["homes", "old town", "harbour"]
    night_noise: float  # standard deviation of slow noise, as a share of mean use
    tag: str  # SCADA name of the inlet

    @property
    def mean_m3h(self) -> float:
        """Mean inflow without faults, m³/h."""
        return self.use_m3h + self.background_m3h


WATER_ZONES: dict[str, WaterZone] = {
    zone.id: zone
    for zone in (
        WaterZone("hafen", "Hafen", 3100, 1280, 14.2, 42.0, 5.0, 19.6, 2.9, "harbour", 0.016, "HAFEN"),
        WaterZone(
            "altstadt", "Altstadt", 4200, 980, 11.8, 46.0, 6.0, 31.0, 3.1, "old town", 0.018, "ALTSTADT"
        ),
        WaterZone(
            "weststadt", "Weststadt", 4600, 1610, 19.5, 44.0, 5.5, 25.4, 3.4, "homes", 0.017, "WESTSTADT"
        ),
        WaterZone(
            "nordstadt", "Nordstadt", 2700, 1150, 16.3, 38.0, 4.0, 15.2, 2.8, "homes", 0.017, "NORDSTADT"
        ),
    )
}


@dataclass(frozen=True)
class Tank:
    """The clear-water tank that feeds all zones by gravity; the pumps fill it."""

    id: str = "hochbehaelter"
    name: str = "Hochbehälter"
    area_m2: float = 310.0
    mean_level_m: float = 3.3
    swing_m: float = 0.62  # daily rise and fall about the mean
    height_m: float = 5.0
    tag: str = "HOCHBEHAELTER"


TANK = Tank()


@dataclass(frozen=True)
class Pump:
    """A pump of the waterworks; one is on duty for a day, then the other."""

    id: str
    name: str
    duty: int  # on duty on days whose number is even (0) or odd (1)
    efficiency: float  # wire-to-water at its best point
    best_m3h: float
    static_head_m: float
    friction_m_per_m3h2: float
    tag: str


PUMPS: dict[str, Pump] = {
    pump.id: pump
    for pump in (
        Pump("pump_1", "Pump 1", 0, 0.71, 105.0, 47.0, 0.00052, "PUMPE1"),
        Pump("pump_2", "Pump 2", 1, 0.43, 105.0, 47.0, 0.00052, "PUMPE2"),
    )
}


@dataclass(frozen=True)
class Building:
    """A building's electricity: hours of use, and heating and cooling that follow the weather.

    kW = floor + work x hours-of-use + heating x max(T_H - T, 0) + cooling x max(T - T_C, 0)
    """

    id: str
    name: str
    floor_area_m2: float
    hours: Literal["office", "library", "clinic", "pool", "school", "museum", "watch", "depot", "sports"]
    floor_kw: float
    work_kw: float
    heating_kw_per_k: float
    heating_balance_c: float
    cooling_kw_per_k: float
    cooling_balance_c: float


BUILDINGS: dict[str, Building] = {
    building.id: building
    for building in (
        Building("town-hall", "Town hall", 5200, "office", 19.0, 46.0, 1.1, 13.0, 2.4, 17.0),
        Building("library", "City library", 3900, "library", 9.0, 24.0, 3.2, 15.0, 1.3, 19.0),
        Building("clinic", "Clinic", 7400, "clinic", 88.0, 62.0, 1.8, 12.0, 5.6, 16.0),
        Building("pool", "Swimming pool", 4100, "pool", 71.0, 58.0, 2.6, 16.0, 0.6, 22.0),
        Building("school", "School Nord", 6800, "school", 8.0, 33.0, 1.7, 13.0, 0.4, 23.0),
        Building("museum", "Museum", 2600, "museum", 16.0, 13.0, 0.9, 11.0, 2.9, 15.0),
        Building("fire-station", "Fire station", 1900, "watch", 11.0, 7.0, 0.9, 14.0, 0.5, 21.0),
        Building("depot", "Tram depot", 8800, "depot", 36.0, 62.0, 1.6, 12.0, 0.5, 23.0),
        Building("sports-hall", "Sports hall", 3100, "sports", 7.0, 29.0, 2.1, 15.0, 0.7, 22.0),
    )
}


@dataclass(frozen=True)
class SolarRoof:
    """A photovoltaic plant on the depot's roof."""

    id: str = "solar-depot"
    name: str = "Solar roof depot"
    peak_kw: float = 240.0
    system_share: float = 0.86  # wiring, soiling and inverter: what is left of the module's power
    kelvin_share: float = -0.0037  # power lost for each K above 25 °C in the cell


SOLAR_ROOF = SolarRoof()
