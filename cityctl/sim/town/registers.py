"""What the registers of a simulated device hold at an instant, by the point names of its connector.

A device shows what its role in the city gives it (the zone's inflow, the building's load); a point that the
role does not know gets a plausible value by its unit. Knows connectors and the town, no network.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np

from cityctl.errors import UsageProblem
from cityctl.modbus.maps.point import DevicePoint
from cityctl.sim.town.blueprint import PUMPS
from cityctl.sim.town.hydraulics import pump_head, pump_power
from cityctl.sim.town.noise import correlated, stream
from cityctl.sim.town.records import BAR_PER_METRE
from cityctl.sim.town.whole import Town
from cityctl.units import convert
from cityctl.units import unit as known_unit

Shown = Mapping[str, tuple[float | str, str | None]]
"""point name -> (value, unit); the unit is None where the value is a code or a text."""
Role = Callable[[int], Shown]
"""What a device shows at a second since 1970."""

SQRT3 = math.sqrt(3.0)
_PIPE_M2 = 0.0177  # bore of DN 150
COUNTED_BEFORE = 214_000.0  # m³ or kWh on every register when the history begins
# what a point shows that no role knows, by the quantity of its unit
_BY_UNIT: dict[str, float] = {
    "V": 230.0, "A": 4.2, "Hz": 50.0, "degC": 21.0, "K": 294.0, "%": 50.0, "": 0.95, "bar": 3.2, "W": 420.0,
    "kW": 0.42, "rpm": 1450.0, "h": 18_250.0, "kOhm": 38.0, "Ohm": 110.0, "NTU": 0.21, "m/s": 0.6, "S/m": 0.055,
    "pH": 7.4, "mg/L": 0.5, "uS/cm": 540.0, "count": 12.0, "starts": 140.0, "m3": COUNTED_BEFORE,
    "VA": 460.0, "var": 190.0, "kWh": COUNTED_BEFORE, "kVAh": COUNTED_BEFORE, "kvarh": 41_000.0, "m3/h": 38.0,
    "kg/h": 38_000.0, "Wh/m3": 310.0,
}  # fmt: skip


def at(second: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """One instant, as the pure functions want it."""
    return np.array([second], dtype=np.int64)


def water_meter(town: Town, zone: str) -> Role:
    """An electromagnetic flow meter at a zone's inlet; its totaliser counts what the meter shows."""

    def shown(second: int) -> Shown:
        flow = float(town.hydraulics.shown_inflow(zone, at(second))[0])
        total = COUNTED_BEFORE + town.records.total(f"shown/{zone}", second)
        names: dict[str, tuple[float | str, str | None]] = dict.fromkeys(
            ("flow", "volume_flow", "flow_rate", "flow_rate_user"), (flow, "m3/h")
        )
        names |= dict.fromkeys(
            ("totalizer1", "totalizer2", "counter3", "total_forward", "total_net"), (total, "m3")
        )
        names |= dict.fromkeys(("flow_speed", "flow_velocity"), (flow / 3600.0 / _PIPE_M2, "m/s"))
        names |= {
            "total_reverse": (0.0, "m3"),
            "relative_flow": (100.0 * flow / 120.0, "%"),
            "flow_percent": (100.0 * flow / 120.0, "%"),
            "mass_flow": (flow * 999.7, "kg/h"),
            "coil_temperature": (291.0, "K"),
            "battery_percent": (87.0, "%"),
            "totalizer1_direction": ("forward", None),
            "totalizer2_direction": ("net", None),
            "flow_unit_factor": (3600.0, None),
            "total_unit_factor": (1.0, None),
            "total_forward_rollovers": (0.0, None),
            "detector_errors": (0.0, None),
            "empty_pipe_counter": (0.0, None),
        }
        return names

    return shown


def pressure_transmitter(town: Town, zone: str) -> Role:
    """A pressure transmitter at a zone's inlet."""

    def shown(second: int) -> Shown:
        bar = float(town.hydraulics.pressure(zone, at(second))[0]) * BAR_PER_METRE
        water = 9.5 + 0.25 * (float(town.weather.daily_temperature(at(second))[0]) - 9.8)
        return _transmitter(bar, bar, None, water)

    return shown


def tank_level(town: Town, height_m: float) -> Role:
    """A level probe at the bottom of the tank: bar of water above it, and metres on the computed channel."""

    def shown(second: int) -> Shown:
        level = float(town.hydraulics.level(at(second))[0])
        water = 9.5 + 0.25 * (float(town.weather.daily_temperature(at(second))[0]) - 9.8)
        return _transmitter(level * BAR_PER_METRE, level, "m", water) | {
            "p1_max": (height_m * BAR_PER_METRE, "bar")
        }

    return shown


def _transmitter(
    bar: float, channel: float, unit: str | None, water: float
) -> dict[str, tuple[float | str, str | None]]:
    return {
        "ch0": (channel, unit),
        "p1": (bar, "bar"),
        "p1_alt": (bar, "bar"),
        "p2": (1.013, "bar"),
        "p1_min": (0.0, "bar"),
        "p1_max": (1.25 * bar, "bar"),
        "temperature": (water, "degC"),
        "tob1": (water, "degC"),
        "tob1_alt": (water, "degC"),
        "tob2": (water + 0.4, "degC"),
    }


def pump(town: Town, name: str) -> Role:
    """A pump, or its drive: flow, head, power and its counters."""
    plan = PUMPS[name]

    def shown(second: int) -> Shown:
        flows = town.hydraulics.pump_flow(name, at(second))
        flow = float(flows[0])
        head = float(pump_head(plan, flows)[0])
        power = float(pump_power(plan, flows)[0])
        running = flow > 0.0
        share = math.sqrt(head / (plan.static_head_m * 1.45)) if running else 0.0
        energy = town.records.total(f"pump-power/{name}", second)
        hours = town.records.total(f"pump-running/{name}", second)
        return {
            "head": (head * BAR_PER_METRE, "bar"),
            "differential_pressure": (head * BAR_PER_METRE, "bar"),
            "flow": (flow, "m3/h"),
            "power": (power, "kW"),
            "energy": (COUNTED_BEFORE + energy, "kWh"),
            "volume1": (COUNTED_BEFORE + town.records.total(f"pump-flow/{name}", second), "m3"),
            "operating_hours": (9_100.0 + hours, "h"),
            "running_hours": (9_100.0 + hours, "h"),
            "starts": (380.0 + math.floor(hours / 24.0), None),
            "specific_energy": (power / flow if running else 0.0, "kWh/m3"),
            "relative_performance": (100.0 * share, "%"),
            "actual_setpoint": (100.0 * share, "%"),
            "user_setpoint": (100.0 * share, "%"),
            "command_setpoint": (100.0 * share, "%"),
            "speed": (2950.0 * share, "rpm"),
            "frequency": (50.0 * share, "Hz"),
            "output_frequency": (50.0 * share, "Hz"),
            "main_actual_value": (16384.0 * share, None),
            "bus_reference": (16384.0 * share, None),
            "motor_current": (power * 1000.0 / (SQRT3 * 400.0 * 0.86) if running else 0.0, "A"),
            "motor_voltage": (400.0 * share, "V"),
            "status": (float((1 << 8) | (int(running) << 9)), None),
            "command_bits": (float(1 | (int(running) << 1)), None),
            "liquid_temperature": (11.0, "degC"),
            "electronics_temperature": (38.0 if running else 24.0, "degC"),
            "heat_energy": (0.0, "kWh"),
            "heat_power": (0.0, "kW"),
        }

    return shown


def turbidity_probe(town: Town) -> Role:
    """The turbidimeter behind the waterworks' filters."""
    key = stream(town.scenario.seed, "waterworks/turbidity")

    def shown(second: int) -> Shown:
        turbidity = max(0.16 + 0.03 * float(correlated(key, at(second), 7200)[0]), 0.04)
        water = 9.5 + 0.25 * (float(town.weather.daily_temperature(at(second))[0]) - 9.8)
        return {
            "turbidity": (turbidity, "NTU"),
            "turbidity_int": (turbidity, "NTU"),
            "turbidity_x100": (turbidity, "NTU"),
            "temperature": (water, "degC"),
            "sensor_name": ("FILTER 2", None),
            "serial": ("1210004711", None),
            "unit_code": ("NTU", None),
        }

    return shown


def live_value(point: DevicePoint, shown: Shown) -> float | str | None:
    """The value of a point in the connector's unit, or a text where the point is one.

    A point that the role does not know gets one by its unit, 0 where it is a state, and None (the device's
    `no value`) where nothing can be said.
    """
    if point.name in shown:
        value, unit = shown[point.name]
        if isinstance(value, str) or unit is None or point.unit is None or point.unit == unit:
            return value
        if point.unit == "%" and unit == "":
            return 100.0 * value
        try:
            return convert(value, unit, point.unit)
        except UsageProblem:
            return None
    if point.is_text:
        return "SIMULATED"
    if point.name.endswith("_sf"):
        return None  # the bank chooses the power of ten itself
    if point.kind == "state":
        return float(min(point.enum)) if point.enum else 0.0
    if point.unit is None:
        return 1.0
    return _by_unit(point.unit)


@lru_cache(maxsize=256)
def _by_unit(symbol: str) -> float | None:
    """What a point of a unit shows: its own entry, or that of another unit of the same quantity."""
    if symbol in _BY_UNIT:
        return _BY_UNIT[symbol]
    quantity = known_unit(symbol).quantity
    for known, value in _BY_UNIT.items():
        if known and known_unit(known).quantity == quantity:
            return convert(value, known, symbol)
    return None
