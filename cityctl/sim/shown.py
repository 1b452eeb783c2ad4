"""The simulator's own tables: where its devices and services answer, and what is hidden in the city.

Turns what the room knows into Results; knows no terminal and no file.
"""

from __future__ import annotations

from dataclasses import replace

from cityctl.clock import Interval
from cityctl.glossary import column
from cityctl.modbus.look import PORT, UNIT_ID
from cityctl.result import Column, Result, Table
from cityctl.sim.plant import DEVICES
from cityctl.sim.service import DEMO_KEY
from cityctl.sim.simulator import Installation
from cityctl.sim.town.blueprint import BUILDINGS, NAME, PUMPS, WATER_ZONES
from cityctl.sim.truth import Truth

COLUMNS: tuple[Column, ...] = (
    Column("url", "URL", meaning="where it answers", priority=1),
    Column("night_flow", "Night flow", "m3/h", "02:00 to 04:00 of the newest night", "number", 1, 1),
    Column("lost", "Lost", "m3", "water lost up to now", "number", 0, 2),
    Column("repeats", "Value", "m3/h", "what it repeats", "number", 2, 1),
    Column("building", "Building", meaning="a building of the simulated city", priority=1),
    Column("measure", "What was done", meaning="the measure at a building", priority=4),
    Column("share", "Saved", meaning="of what would have been used", kind="share", priority=1),
    Column("saved", "Saved", "kWh", "from that day up to now", "number", 0, 2),
    Column("night_share", "Night", meaning="of the workday's power", kind="share", priority=1),
    Column("sunday_share", "Sunday", meaning="of the workday's power", kind="share", priority=1),
    Column("pump", "Pump", meaning="a pump of the simulated city", priority=1),
    Column("wire_to_water", "Wire to water", meaning="hydraulic over electric power", kind="share"),
    Column("specific_energy", "Energy", "kWh/m3", "energy for each m³ lifted", "number", 3, 1),
)
_OWN = {one.key: one for one in COLUMNS}
_START = Column("since", "Since", meaning="start", kind="time", priority=1)


def addresses(installation: Installation) -> Result:
    """Every device with host, port and unit, and the URLs of the services."""
    devices = Table(
        "devices",
        "Devices (Modbus/TCP)",
        [
            column("device"),
            column("host"),
            replace(PORT, kind="text", priority=1),
            replace(UNIT_ID, priority=1),
            column("connector"),
            column("zone", priority=5),
        ],
        [
            (
                device.id,
                installation.host,
                str(installation.ports[device.site]),
                device.unit,
                device.connector,
                device.zone,
            )
            for device in DEVICES
        ],
    )
    services = Table(
        "services",
        "Services (HTTP)",
        [column("service"), _OWN["url"], column("note")],
        [
            ("historian", installation.historian_url, "CSV; /series lists the tags"),
            ("weather", installation.weather_url, "CSV; /series lists the tags"),
            (
                "greenbutton",
                installation.green_button_url,
                f"ESPI; /greenbutton/USAGE-POINT.xml, Authorization: Bearer {DEMO_KEY}",
            ),
        ],
    )
    day = installation.scenario.day
    return Result(
        f"{NAME}, its hidden faults placed about {day}",
        [devices, services],
        summary=f"{len(DEVICES)} devices and {len(installation.urls)} services answer on {installation.host}",
    )


def answer_sheet(truth: Truth, installation: Installation) -> Result:
    """What is hidden, as tables."""
    scenario = installation.scenario
    leaks = Table(
        "leaks",
        "Leaks",
        [
            column("zone"),
            column("kind", priority=2),
            _START,
            _OWN["night_flow"],
            _OWN["lost"],
        ],
        [
            (WATER_ZONES[leak.zone].name, leak.kind, leak.start, leak.night_flow_m3h, leak.lost_m3)
            for leak in truth.leaks
        ],
        note="healthy: " + ", ".join(WATER_ZONES[zone].name for zone in truth.healthy_zones),
    )
    sensors = Table(
        "stuck_sensors",
        "Stuck sensors",
        [
            column("zone"),
            column("series"),
            _START,
            _OWN["repeats"],
        ],
        [
            (WATER_ZONES[sensor.zone].name, sensor.series, sensor.since, sensor.value_m3h)
            for sensor in truth.stuck_sensors
        ],
    )
    savings = Table(
        "savings",
        "Savings",
        [
            _OWN["building"],
            column("date"),
            _OWN["measure"],
            _OWN["share"],
            _OWN["saved"],
        ],
        [(saving.name, saving.date, saving.what, saving.share, saving.saved_kwh) for saving in truth.savings],
    )
    waste = Table(
        "wasteful_buildings",
        "Wasteful buildings",
        [
            _OWN["building"],
            _OWN["night_share"],
            _OWN["sunday_share"],
        ],
        [
            (BUILDINGS[one.building].name, one.night_share, one.sunday_share)
            for one in truth.wasteful_buildings
        ],
    )
    pumps = Table(
        "pumps",
        "Pumps",
        [
            _OWN["pump"],
            _OWN["wire_to_water"],
            _OWN["specific_energy"],
            column("verdict"),
        ],
        [
            (
                PUMPS[one.pump].name,
                one.wire_to_water,
                one.specific_energy_kwh_m3,
                "badly run" if one.badly_run else "normal",
            )
            for one in truth.pumps
        ],
    )
    outages = Table(
        "outages",
        "Not recorded by the historian",
        [_START, column("until")],
        [(outage.start, outage.end) for outage in truth.outages],
    )
    return Result(
        f"What is hidden in {NAME}, its faults placed about {scenario.day}",
        [leaks, sensors, savings, waste, pumps, outages],
        interval=Interval(scenario.history_start, truth.as_of, scenario.zone),
        notes=["Reports never see this sheet; `cityctl demo` holds its own findings against it."],
    )
