"""The demo's judge must be able to say no: each row is falsified once."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta

import pytest

from cityctl.result import Column, Result, Table
from cityctl.sim.town.blueprint import WATER_ZONES
from cityctl.sim.town.whole import Town
from cityctl.sim.truth import Truth, truth
from cityctl.sim.verdict import held_against, missed


def _table(key: str, rows: list[dict[str, object]], units: dict[str, str] | None = None) -> Table:
    keys = list(rows[0])
    columns = [Column(one, one, (units or {}).get(one)) for one in keys]
    return Table(key, key, columns, [tuple(row[one] for one in keys) for row in rows])


@pytest.fixture(scope="module")
def told(town: Town, now: datetime) -> Truth:
    return truth(town, now)


@pytest.fixture
def leaks(told: Truth) -> Result:
    names = {id_: zone.name for id_, zone in WATER_ZONES.items()}
    verdicts = [{"zone": name, "verdict": "normal"} for name in names.values()]
    events = [
        {"zone": names[leak.zone], "state": "new", "started_at": leak.start, "flow_m3h": leak.night_flow_m3h}
        for leak in told.leaks
    ]
    stuck = told.stuck_sensors[0]
    sensors = [
        {
            "sensor": "x/flow",
            "zone": names[stuck.zone],
            "trouble": "frozen",
            "since": stuck.since,
            "until": None,
        }
    ]
    return Result("leaks", [_table("zones", verdicts), _table("events", events), _table("sensors", sensors)])


@pytest.fixture
def savings(told: Truth) -> Result:
    rows = [
        {"zone": one.building, "saving_pct": 100 * one.share, "uncertainty": 10.0, "verdict": "proven"}
        for one in told.savings
    ]
    return Result("savings", [_table("savings", rows, {"saving_pct": "%", "uncertainty": "%"})])


def test_the_truth_itself_is_right(told: Truth, leaks: Result, savings: Result, town: Town):
    table = held_against(told, leaks, savings, town.scenario.zone)
    assert len(table.rows) == 9
    assert missed(table) == []


def test_shares_and_per_cent_are_told_apart(told: Truth, leaks: Result, savings: Result, town: Town):
    rows = [
        {"zone": one.building, "saving_pct": one.share, "uncertainty": 0.1, "verdict": "proven"}
        for one in told.savings
    ]
    by_share = Result("savings", [_table("savings", rows)])
    assert missed(held_against(told, leaks, by_share, town.scenario.zone)) == []


def _changed(result: Result, table: str, zone: str, **cells: object) -> Result:
    copy = deepcopy(result)
    for one in copy.tables:
        if one.key == table:
            keys = [column.key for column in one.columns]
            one.rows = [
                tuple(cells.get(key, cell) for key, cell in zip(keys, row, strict=True))
                if dict(zip(keys, row, strict=True))["zone"] == zone
                else row
                for row in one.rows
            ]
    return copy


def test_each_lie_is_missed(told: Truth, leaks: Result, savings: Result, town: Town):
    burst = told.leaks[0]
    lies = {
        "Hafen": [
            _changed(leaks, "events", "Hafen", started_at=burst.start + timedelta(days=2)),
            _changed(leaks, "events", "Hafen", flow_m3h=burst.night_flow_m3h * 1.3),
            _changed(leaks, "events", "Hafen", state="repaired"),
        ],
        "Weststadt": [
            _changed(leaks, "sensors", "Weststadt", trouble="negative"),
            _changed(leaks, "sensors", "Weststadt", since=told.as_of - timedelta(days=30)),
        ],
        "Altstadt": [_changed(leaks, "zones", "Altstadt", verdict="LEAK since Mon 2 Nov")],
        "Nordstadt": [_changed(leaks, "events", "Nordstadt", state="repaired")],
    }
    for subject, told_lies in lies.items():
        for lie in told_lies:
            lost = missed(held_against(told, lie, savings, town.scenario.zone))
            assert [name for name, _ in lost] == [subject]
    for cells in ({"saving_pct": 3.0}, {"saving_pct": -21.0}, {"saving_pct": None}):
        lie = _changed(savings, "savings", "town-hall", **cells)
        assert [name for name, _ in missed(held_against(told, leaks, lie, town.scenario.zone))] == [
            "Town hall"
        ]


def test_a_creeping_leak_of_another_size_is_found_and_said_so(
    told: Truth, leaks: Result, savings: Result, town: Town
):
    table = held_against(
        told, _changed(leaks, "events", "Nordstadt", flow_m3h=2.0), savings, town.scenario.zone
    )
    row = next(row for row in table.rows if row[0] == "Nordstadt")
    assert str(row[3]).startswith("found, size 2.")
