"""What the registers of a simulated electricity meter or inverter hold at an instant: power, phases, counters.

The supply's power and energy come from the town; voltages and phases are plausible beside them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from cityctl.sim.town.blueprint import SOLAR_ROOF
from cityctl.sim.town.noise import correlated, stream
from cityctl.sim.town.registers import COUNTED_BEFORE, SQRT3, Role, Shown, at
from cityctl.sim.town.whole import Town

_PHASES = (0.345, 0.331, 0.324)  # how a building's load is spread over its phases


def power_meter(power: Callable[[int], float], counter: Callable[[int], float], seed: int, name: str) -> Role:
    """A three-phase meter at a supply whose `power` [kW] and `counter` [kWh] are known by the second."""
    grid = stream(seed, f"{name}/grid")

    def shown(second: int) -> Shown:
        kilowatts = power(second)
        counted = COUNTED_BEFORE + counter(second)
        wave = float(correlated(grid, at(second), 240)[0])
        volts = 231.0 + 1.1 * wave
        names = _electricity(kilowatts, volts, 0.95, 50.0 + 0.012 * wave)
        for suffix, share in (("", 1.0), ("_t1", 0.68), ("_t2", 0.32)):
            names[f"energy_import{suffix}"] = (counted * share, "kWh")
            names[f"energy_export{suffix}"] = (0.0, "kWh")
            names[f"reactive_energy_import{suffix}"] = (0.33 * counted * share, "kvarh")
            names[f"reactive_energy_export{suffix}"] = (0.0, "kvarh")
        for phase, share in enumerate(_PHASES, start=1):
            names[f"energy_import_l{phase}"] = (counted * share, "kWh")
            names[f"energy_export_l{phase}"] = (0.0, "kWh")
        names["energy_import_float"] = names["energy_total"] = (counted, "kWh")
        names["reactive_energy_total"] = (0.33 * counted, "kvarh")
        names["apparent_energy_import"] = (counted / 0.95, "kVAh")
        return names

    return shown


def building_meter(town: Town, building: str) -> Role:
    """The electricity meter of a building."""
    load = town.loads[building]
    return power_meter(
        lambda second: float(load.power(at(second))[0]),
        lambda second: town.building_counter(building, second),
        town.scenario.seed,
        building,
    )


def solar_inverter(town: Town) -> Role:
    """The inverter of the solar roof."""

    def shown(second: int) -> Shown:
        power = float(town.weather.solar_power(at(second))[0])
        names = _electricity(power, 233.0, 0.99 if power > 0 else 1.0, 50.01)
        names |= {
            "model_id": (103.0, None),
            "length": (50.0, None),
            "energy": (COUNTED_BEFORE + town.solar_counter(second), "kWh"),
            "dc_voltage": (640.0 if power > 0 else 0.0, "V"),
            "dc_current": (power * 1000.0 / 0.975 / 640.0, "A"),
            "dc_power": (power / 0.975, "kW"),
            "cabinet_temperature": (18.0 + 22.0 * power / SOLAR_ROOF.peak_kw, "degC"),
            "operating_state": ("mppt" if power > 0.5 else "sleeping", None),
        }
        return names

    return shown


def _electricity(
    kilowatts: float, volts: float, power_factor: float, hertz: float
) -> dict[str, tuple[float | str, str | None]]:
    reactive = kilowatts * math.tan(math.acos(power_factor))
    apparent = kilowatts / power_factor
    names: dict[str, tuple[float | str, str | None]] = {
        "active_power": (kilowatts, "kW"),
        "reactive_power": (reactive, "kvar"),
        "apparent_power": (apparent, "kVA"),
        "power_factor": (power_factor, ""),
        "frequency": (hertz, "Hz"),
        "voltage_ln_avg": (volts, "V"),
        "voltage_ll_avg": (volts * SQRT3, "V"),
        "current_avg": (apparent * 1000.0 / 3.0 / volts, "A"),
        "current_sum": (apparent * 1000.0 / volts, "A"),
        "current": (apparent * 1000.0 / volts, "A"),
        "current_neutral": (apparent * 12.0 / volts, "A"),
    }
    for phase, share in enumerate(_PHASES, start=1):
        names[f"voltage_l{phase}"] = (volts + 0.4 * (phase - 2), "V")
        names[f"voltage_l{phase}{phase % 3 + 1}"] = (volts * SQRT3, "V")
        names[f"current_l{phase}"] = (apparent * share * 1000.0 / volts, "A")
        names[f"active_power_l{phase}"] = (kilowatts * share, "kW")
        names[f"reactive_power_l{phase}"] = (reactive * share, "kvar")
        names[f"apparent_power_l{phase}"] = (apparent * share, "kVA")
        names[f"power_factor_l{phase}"] = (power_factor, "")
    return names
