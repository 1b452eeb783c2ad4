"""Results to render: the page of the CLI design, a nasty one, an empty one."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.result import Column, Completeness, Finding, Line, Missing, Plot, Result, Table
from cityctl.store.store import Store
from tests.report.peaks import ANALYSIS, CITY, NOW, RECIPE, SQL, START

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = Interval(datetime(2026, 11, 14, 23, tzinfo=UTC), datetime(2026, 11, 21, 23, tzinfo=UTC), BERLIN)
LONG = "Pumping station " + "x" * 134
NASTY = "[red]R&D[/red] \x1b[31m<script>alert(1)</script>\x9b0m\u202e|`*_\n=1"


@pytest.fixture(name="night_flow")
def night_flow_result() -> Result:
    """The report that the CLI page draws, with its numbers."""
    columns = [
        Column("zone", "Zone", meaning="a district metered area", priority=1),
        Column("mnf", "MNF", "m3/h", "mean inflow from 02:00 to 04:00", "number", priority=1),
        Column("expected", "Expected", "m3/h", "median of the nights before", "number", priority=4),
        Column("excess", "Excess", "m3/h", "night flow above the expected", "number", priority=2),
        Column("per_connection", "Per connection", "L/h", "night flow a connection", "number", priority=6),
        Column("nights", "Last 7 nights", "m3/h", "night flow of each night", "spark", 1, 5),
        Column("verdict", "Verdict", meaning="what follows", kind="verdict", priority=1),
    ]
    hafen: tuple[object, ...] = (
        "Hafen", 18.7, 6.1, 12.6, 9.8, [6.0, 6.1, 6.2, 9.0, 13.5, 17.1, 18.7], "LEAK since Thu 19 Nov",
    )  # fmt: skip
    altstadt: tuple[object, ...] = (
        "Altstadt", 9.2, 8.4, 0.8, 1.7, [8.4, 8.5, 9.6, 8.3, 8.4, 8.5, 9.5], "normal",
    )  # fmt: skip
    weststadt: tuple[object, ...] = (
        "Weststadt", None, 7.7, None, None, [7.7, 7.6, None, None, 7.8, None, 7.7],
        "UNKNOWN 3 of 7 nights missing",
    )  # fmt: skip
    start = WEEK.start
    times = [start + timedelta(minutes=15 * step) for step in range(7 * 96)]
    flow: list[float | None] = [
        14 + 8 * math.sin(step / 96 * 2 * math.pi - 2) + (12 if step > 430 else 0) for step in range(7 * 96)
    ]
    flow[200:230] = [None] * 30
    return Result(
        title="Minimum night flow",
        subtitle="02:00 to 04:00",
        interval=WEEK,
        tables=[Table("zones", "Zones", columns, [hafen, altstadt, weststadt])],
        findings=[
            Finding(
                "leak",
                "Hafen",
                datetime(2026, 11, 19, 1, 15, tzinfo=UTC),
                "night flow 12.6 m³/h above the expected 6.1 m³/h for 3 nights; about 302 m³ a day",
                "alarm",
                {"excess_m3_h": 12.6, "nights": 3},
            )
        ],
        completeness=Completeness(2016, 2004, [Missing("Weststadt", "3 of 7 nights missing")]),
        plots=[
            Plot(
                "inflow",
                "Inflow of Hafen",
                "m3/h",
                [
                    Line(
                        "expected, low",
                        times,
                        [
                            None if v is None else 9 + 5 * math.sin(i / 96 * 6.283 - 2)
                            for i, v in enumerate(flow)
                        ],
                        "band",
                    ),
                    Line(
                        "expected",
                        times,
                        [
                            None if v is None else 17 + 9 * math.sin(i / 96 * 6.283 - 2)
                            for i, v in enumerate(flow)
                        ],
                        "band",
                    ),
                    Line("inflow", times, flow),
                ],
                [(datetime(2026, 11, 19, 1, 15, tzinfo=UTC), "leak begins")],
            )
        ],
        notes=[
            "About: Zones whose flow at night rose above what is usual for them.",
            "Method: mean of 02:00 to 04:00 local time; the expected flow is the median of 28 nights.",
            "Sources: WRc report 26; IWA Water Loss Task Force 2007.",
            "Limits: industry that draws at night looks like a leak.",
            "Hafen: the level sensor t1 was left out",
        ],
        summary="1 zone over its threshold, 1 cannot be judged",
    )


@pytest.fixture(name="nasty")
def nasty_result() -> Result:
    """Everything that a name, a number or a sentence may hold and a format must survive."""
    columns = [
        Column("name", "Name [bold]<b>", meaning=NASTY, priority=1),
        Column("flow", "Flow", "m3/h", "µ and ³ | in a meaning", "number", 2, 2),
        Column("count", "Count", None, "", "integer", 0, 3),
        Column("share", "Share", None, "", "share", 1, 3),
        Column("time", "Time", None, "", "time", 1, 4),
        Column("date", "Date", None, "", "date", 1, 4),
        Column("spark", "Spark", "kWh", "", "spark", 1, 5),
        Column("verdict", "Verdict", None, "", "verdict", 1, 1),
    ]
    moment = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 comes twice in Berlin on this day
    rows: list[tuple[object, ...]] = [
        (LONG, 1 / 3, 12345678, 0.99951, moment, date(2026, 10, 25), [1.0, None, math.nan, 2.0], "BURST"),
        (NASTY, math.nan, None, None, None, None, [], ""),
        ("=cmd()", -0.0004, -7, -0.5, moment + timedelta(hours=1), date(2026, 1, 1), None, "normal"),
        ("-1+1", -123456.789, 0, 0.0, moment.replace(tzinfo=None), date(2026, 1, 1), [0.0], "UNKNOWN"),
        ("µ³ Straße 水道 🚰", math.inf, 3.0, 1.0, None, None, [5.0] * 7, None),
    ]
    return Result(
        title=f"Nasty {NASTY}",
        subtitle=NASTY,
        interval=WEEK,
        tables=[
            Table("main", NASTY, columns, rows, note=NASTY),
            Table("none", "No rows", columns[:2], []),
            Table("bare", "No columns", [], []),
        ],
        findings=[
            Finding(
                "kind", NASTY, None, NASTY, "note", {"a": math.nan, NASTY: [1, NASTY], "m": {"x": moment}}
            ),
            Finding("kind", LONG, moment, LONG, "warning"),
        ],
        completeness=Completeness(10, 0, [Missing(NASTY, NASTY), Missing(LONG, "")], "devices"),
        plots=[
            Plot(
                NASTY, NASTY, "m3/h", [Line(NASTY, [moment], [1.0]), Line("empty", [], [])], [(moment, NASTY)]
            ),
            Plot("nothing", "Nothing", "kWh", [Line("gap", [moment, moment], [None, math.nan], "points")]),
        ],
        notes=[NASTY, f"Method: {NASTY}", f"About: {NASTY}"],
        summary=NASTY,
    )


@pytest.fixture(name="empty")
def empty_result() -> Result:
    """A result that holds nothing but its title."""
    return Result(title="Nothing")


@pytest.fixture
def berlin() -> ZoneInfo:
    """The zone of the samples."""
    return BERLIN


@pytest.fixture
def long_name() -> str:
    """A name of 150 characters."""
    assert len(LONG) == 150
    return LONG


@pytest.fixture
def testville(project) -> Project:
    """48 hours of Hafen's inflow 0, 1, ... 9.5 m³/h by 0.25 and 10 readings of 4.5 to 9 m³/h in Berg."""
    folder = project(CITY)
    for name, text in {
        "recipes/reports/peaks.yaml": RECIPE,
        "analysis/water/peaks.py": ANALYSIS,
        "analysis/water/peaks.sql": SQL,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    place = Project(folder)
    with Store.open(place.store_folder) as store:
        hours = [START + timedelta(hours=at) for at in range(36)]
        flows = [("hafen_inflow", hour, 0.25 * at) for at, hour in enumerate(hours)]
        flows += [("berg_inflow", hour, 4.5 + 0.25 * at) for at, hour in enumerate(hours[:10])]
        table = pa.table(
            {
                "point": [point for point, _, _ in flows],
                "time": pa.array([time for _, time, _ in flows], pa.timestamp("us", tz="UTC")),
                "value": [value for _, _, value in flows],
            }
        )
        store.add(table, source="test", received=NOW, points=place.city.points())
    return place
