"""Holds what the reports found against what was hidden, so that the demo can be believed or blamed.

Reads the two results as any reader would: their tables and findings. Knows nothing of how they were made.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

from cityctl.glossary import column
from cityctl.result import Column, Result, Table
from cityctl.sim.town.blueprint import WATER_ZONES
from cityctl.sim.truth import LeakTruth, SavingTruth, StuckTruth, Truth
from cityctl.units import pretty

START_WITHIN = timedelta(days=1)
SIZE_WITHIN = 0.2  # of the burst's flow
SHARE_WITHIN = 0.02  # of a building's use
_CREEPING_SEEN_AT = (
    0.1  # a creeping leak may hide as long as it is below this share of its zone's mean inflow
)

COLUMNS: tuple[Column, ...] = (
    Column("hidden_in", "Hidden in", meaning="zone, sensor or building", priority=1),
    Column("hidden", "Hidden", meaning="what the simulator knows", priority=1),
    Column("found", "Found", meaning="what the reports say", priority=1),
    column("verdict"),
)
FOUND, MISSED, RIGHT = "found", "MISSED", "right"


def held_against(truth: Truth, leaks: Result, savings: Result, zone: tzinfo) -> Table:
    """One row a hidden thing: what it is, what the reports say of it, and whether they are right.

    `leaks` is an answer of water/night_flow, `savings` one of energy/savings.
    """
    rows = [_leak(leak, leaks, zone) for leak in truth.leaks]
    rows += [_stuck(sensor, leaks, zone) for sensor in truth.stuck_sensors]
    rows += [_healthy(id_, leaks) for id_ in truth.healthy_zones]
    rows += [_saving(saving, savings) for saving in truth.savings]
    return Table("hidden_and_found", "Answer sheet", list(COLUMNS), rows)


def missed(table: Table) -> list[tuple[str, str]]:
    """(subject, what was hidden) of every row that was not found."""
    return [
        (str(row[0]), str(row[1])) for row, said in zip(table.rows, table.cells("verdict"), strict=True)
        if str(said).startswith(MISSED)
    ]  # fmt: skip


def _records(result: Result, key: str) -> list[Mapping[str, Any]]:
    for table in result.tables:
        if table.key == key:
            keys = [column.key for column in table.columns]
            return [dict(zip(keys, row, strict=True)) for row in table.rows]
    return []


def _day(moment: datetime, zone: tzinfo) -> str:
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b}"


def _minute(moment: datetime, zone: tzinfo) -> str:
    return f"{_day(moment, zone)} {moment.astimezone(zone):%H:%M}"


def _verdict_of(name: str, leaks: Result) -> str:
    return next(
        (str(row["verdict"]) for row in _records(leaks, "zones") if row["zone"] == name), "no verdict"
    )


def _leak(leak: LeakTruth, leaks: Result, zone: tzinfo) -> tuple[object, ...]:
    plan = WATER_ZONES[leak.zone]
    unit = pretty("m3/h")
    hidden = f"{leak.kind} leak" if leak.kind == "creeping" else leak.kind
    told = f"{hidden}, {leak.night_flow_m3h:.1f} {unit} since {_minute(leak.start, zone)}"
    running = [
        row for row in _records(leaks, "events") if row["zone"] == plan.name and row["state"] != "repaired"
    ]
    if not running:
        hides = leak.kind == "creeping" and leak.night_flow_m3h < _CREEPING_SEEN_AT * plan.mean_m3h
        said = _verdict_of(plan.name, leaks)
        return plan.name, told, said, "not yet: below what its zone lets tell" if hides else MISSED
    event = max(running, key=lambda row: row["flow_m3h"])
    found = f"{event['flow_m3h']:.1f} {unit} since {_day(event['started_at'], zone)}, {event['state']}"
    off = abs(event["flow_m3h"] - leak.night_flow_m3h)
    if (
        leak.kind == "creeping"
    ):  # when it becomes a leak, and not yet the zone's own wandering, is a matter of taste
        far = off > SIZE_WITHIN * leak.night_flow_m3h
        return plan.name, told, found, f"{FOUND}, size {off:.1f} {unit} off" if far else FOUND
    late = abs(event["started_at"] - leak.start)
    if late > START_WITHIN:
        return plan.name, told, found, f"{MISSED}: its start is {late.total_seconds() / 3600:.0f} h off"
    if off > SIZE_WITHIN * leak.night_flow_m3h:
        return plan.name, told, found, f"{MISSED}: its size is {off:.1f} {unit} off"
    return plan.name, told, found, FOUND


def _stuck(sensor: StuckTruth, leaks: Result, zone: tzinfo) -> tuple[object, ...]:
    plan = WATER_ZONES[sensor.zone]
    told = f"flow sensor stuck at {sensor.value_m3h:.1f} {pretty('m3/h')} since {_minute(sensor.since, zone)}"
    named = [
        row for row in _records(leaks, "sensors")
        if row["zone"] == plan.name and row["trouble"] == "frozen" and row["until"] is None
    ]  # fmt: skip
    if not named:
        return plan.name, told, _verdict_of(plan.name, leaks), MISSED
    found = f"{named[0]['sensor']} frozen since {_minute(named[0]['since'], zone)}"
    near = abs(named[0]["since"] - sensor.since) <= START_WITHIN
    return plan.name, told, found, FOUND if near else f"{MISSED}: its start is off"


def _healthy(id_: str, leaks: Result) -> tuple[object, ...]:
    plan = WATER_ZONES[id_]
    said = _verdict_of(plan.name, leaks)
    return plan.name, "nothing", said, RIGHT if said.startswith("normal") else f"{MISSED}: a false alarm"


def _saving(saving: SavingTruth, savings: Result) -> tuple[object, ...]:
    told = _told(saving.share)
    row = next((one for one in _records(savings, "savings") if one["zone"] == saving.building), None)
    if row is None or row["saving_pct"] is None:
        return saving.name, told, row["verdict"] if row else "no verdict", MISSED
    share = _share(savings, "saving_pct", row)
    spread = abs(share) * _share(savings, "uncertainty", row)
    found = f"{_told(share)} ± {_percent(spread)}"
    off = abs(share - saving.share)
    right = off <= max(SHARE_WITHIN, 2 * spread) and (share > 0) == (saving.share > 0)
    return saving.name, told, found, FOUND if right else f"{MISSED}: {_percent(off)} of its use off"


def _share(result: Result, key: str, row: Mapping[str, Any]) -> float:
    """A cell as a share of 1, whether its column holds shares or per cent."""
    columns = [column for table in result.tables for column in table.columns if column.key == key]
    return float(row[key]) / (100.0 if columns[0].unit == "%" else 1.0)


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f} %"


def _told(share: float) -> str:
    return f"{'saves' if share >= 0 else 'uses more:'} {_percent(abs(share))}"
