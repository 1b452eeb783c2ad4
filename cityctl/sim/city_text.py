"""The simulated city's project files: city.yaml with real ports and dates, its meter register, its secret.

The template reads as a pattern for a real city; here only what varies is filled in.
"""

from __future__ import annotations

import csv
import io
from importlib.resources import files
from string import Template

from cityctl.sim.plant import DEVICES, SimulatedDevice
from cityctl.sim.service import DEMO_KEY
from cityctl.sim.simulator import Installation
from cityctl.sim.town.blueprint import (
    BUILDINGS,
    COUNTRY,
    PUMPS,
    REGION,
    SOLAR_ROOF,
    TANK,
    TIME_ZONE,
    WATER_ZONES,
)

# what the city polls of each model; a model that is not here is polled whole
_POLLED = {
    "siemens_mag6000": "flow, totalizer1",
    "krohne_ifc300": "volume_flow, counter3, conductivity",
    "siemens_mag8000": "flow, totalizer1, battery_percent",
    "badger_m2000": "flow_rate, total_net",
    "keller_series30": "p1, temperature",
    "grundfos_cim200": "status, flow, head, power, energy, operating_hours, starts",
    "danfoss_fc202": "output_frequency, motor_current, power, running_hours",
    "hach_ss7_turbidimeter": "turbidity, temperature",
    "schneider_iem3000": "active_power, energy_import",
    "eastron_sdm630": "active_power, power_factor, energy_import",
    "janitza_umg96rm": "active_power, reactive_power, energy_import",
    "abb_b23_b24": "active_power, power_factor, energy_import",
    "siemens_pac4200": "active_power, power_factor, energy_import_t1, energy_import_t2",
    "sunspec_103": "active_power, energy, operating_state",
}
_FLOW_POINT = {
    "siemens_mag6000": ("flow", "totalizer1"),
    "krohne_ifc300": ("volume_flow", "counter3"),
    "siemens_mag8000": ("flow", "totalizer1"),
    "badger_m2000": ("flow_rate", "total_net"),
}


def project_files(installation: Installation) -> tuple[str, dict[str, str]]:
    """(text of city.yaml, {path: text} of the other files) of the project of a simulated city."""
    others = {
        "meters.csv": _register(),
        "secrets/greenbutton.key": DEMO_KEY + "\n",
        ".gitignore": "# what cityctl keeps for itself, and what nobody else shall read\n.cityctl/\nsecrets/\n",
    }
    return _city(installation), others


def _city(installation: Installation) -> str:
    template = (files("cityctl.sim") / "city_template.yaml").read_text(encoding="utf-8")
    return Template(template).substitute(
        time_zone=TIME_ZONE,
        country=COUNTRY,
        region=REGION,
        tank_name=TANK.name,
        tank_area=f"{TANK.area_m2:g}",
        tank_height=f"{TANK.height_m:g}",
        tank_tag=TANK.tag,
        historian_url=installation.historian_url,
        weather_url=installation.weather_url,
        green_button_url=installation.green_button_url,
        all_zones=" + ".join(f"{zone}_inflow" for zone in WATER_ZONES),
        water_zones=_lines(_water_zones()),
        buildings=_lines(_buildings()),
        devices=_lines([_device(device, installation) for device in DEVICES]),
        inflows=_lines(_inflows()),
        pressures=_lines(_pressures()),
        pumps=_lines(_pumps()),
        interventions="\n".join(
            f"  - {{zone: {done.building}, date: {done.date}, what: {done.what}}}"
            for done in sorted(installation.scenario.interventions, key=lambda one: one.date)
        ),
    )


def _lines(rows: list[tuple[str, str]]) -> str:
    """`  key:  {fields}` with the braces under each other."""
    width = max(len(key) for key, _ in rows) + 1
    return "\n".join(f"  {(key + ':').ljust(width)} {{{fields}}}" for key, fields in rows) + "\n"


def _water_zones() -> list[tuple[str, str]]:
    return [
        (
            zone.id,
            f"name: {zone.name}, network: water, kind: dma, parent: waterworks, mains: {zone.mains_km:g} km, "
            f"connections: {zone.connections}, pressure: {zone.pressure_m:g} m, people: {zone.people}, "
            f"inflow: {zone.id}_inflow",
        )
        for zone in WATER_ZONES.values()
    ]


def _buildings() -> list[tuple[str, str]]:
    rows = [
        (one.id, f"name: {one.name}, network: power, kind: building, floor_area: {one.floor_area_m2:g} m2")
        for one in BUILDINGS.values()
    ]
    return [*rows, (SOLAR_ROOF.id, f"name: {SOLAR_ROOF.name}, network: power, kind: site")]


def _device(device: SimulatedDevice, installation: Installation) -> tuple[str, str]:
    polled = _POLLED.get(device.connector, "")
    if device.id == "tank-level":
        polled = "ch0, p1, temperature"
    fields = [
        f"connector: {device.connector}",
        f"host: {installation.host}",
        f"port: {installation.ports[device.site]}",
        f"unit: {device.unit}",
        f"zone: {device.zone}",
        "every: 15m",
    ]
    if device.id in ("pump-1", "pump-2", "pump-2-drive"):
        fields.append(f"asset: pump_{device.id[5]}")
    if polled:
        fields.append(f"poll: [{polled}]")
    return device.id, ", ".join(fields)


def _inflows() -> list[tuple[str, str]]:
    rows = []
    for device in DEVICES:
        if device.connector not in _FLOW_POINT or device.zone not in WATER_ZONES:
            continue
        zone = WATER_ZONES[device.zone]
        flow, total = _FLOW_POINT[device.connector]
        rows.append(
            (
                f"{zone.id}_inflow",
                f"device: {device.id}/{flow}, service: historian/{zone.tag}.FT01, unit: m3/h, every: 15m",
            )
        )
        rows.append((f"{zone.id}_total", f"device: {device.id}/{total}, unit: m3, kind: counter"))
    return rows


def _pressures() -> list[tuple[str, str]]:
    return [
        (
            f"{zone.id}_pressure",
            f"device: {zone.id}-pressure/p1, service: historian/{zone.tag}.PT01, unit: bar, every: 15m",
        )
        for zone in WATER_ZONES.values()
    ]


def _pumps() -> list[tuple[str, str]]:
    rows = []
    for pump in PUMPS.values():
        device = pump.id.replace("_", "-")
        for quantity, point, tag, unit in (
            ("flow", "flow", "FT01", "m3/h"),
            ("head", "head", "PT01", "bar"),
            ("power", "power", "JT01", "kW"),
        ):
            rows.append(
                (
                    f"{pump.id}_{quantity}",
                    f"device: {device}/{point}, service: historian/{pump.tag}.{tag}, unit: {unit}, every: 15m, "
                    f"asset: {pump.id}",
                )
            )
    return rows


def _register() -> str:
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["meter", "name", "zone", "role", "series"])
    for building in BUILDINGS.values():
        rows.writerow([f"{building.id}-kwh", building.name, building.id, "consumption", building.id])
    rows.writerow(
        [f"{SOLAR_ROOF.id}-kwh", SOLAR_ROOF.name, SOLAR_ROOF.id, "generation", f"{SOLAR_ROOF.id}#reverse"]
    )
    return text.getvalue()
