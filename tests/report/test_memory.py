"""Reports that remember: day after day the same answer as without a memory, whatever comes late or changes."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from cityctl.analysis.water.nights import digest
from cityctl.city.project import Project
from cityctl.reading import Quality, Reading
from cityctl.report import memory
from cityctl.report.memory import FOLDER, FORGOTTEN
from cityctl.report.render.as_json import render
from cityctl.report.render.view import View
from cityctl.report.run import run
from cityctl.result import Result, left_out
from cityctl.store.care.checking import check
from cityctl.store.store import Store

CITY = """
name: Remembered
time_zone: Europe/Berlin
networks: {water: {kind: water}}
assets:
  tank: {kind: tank, zone: high, area: 200 m2}
zones:
  low: {network: water, kind: dma, inflow: in_low}
  high: {network: water, kind: dma, inflow: net_high}
  old: {network: water, kind: dma, inflow: in_old}
  seen: {network: water, kind: dma, inflow: in_seen, connections: 2}
points:
  in_low: {zone: low, unit: m3/h, every: 30m}
  pump: {unit: m3/h, every: 30m}
  level: {unit: m, every: 30m}
  net_high: {zone: high, unit: m3/h, formula: "pump - tank.area * rate(level)"}
  in_old: {zone: old, unit: m3, kind: counter, rollover: 10000}
  in_seen: {zone: seen, unit: m3/h}
  home_a: {zone: seen, unit: m3, kind: counter, every: 1h, role: consumption}
  home_b: {zone: seen, unit: m3, kind: counter, every: 1h, role: consumption}
  head: {zone: low, unit: bar, every: 1h}
"""
FIRST = date(2025, 8, 1)
DAYS = 150
ALONE = ["zones=high"]  # without counters, whose neighbours in time are read anyway
SLOTS = 48


def made() -> dict[str, Any]:
    """point -> values from the 1st of August on [every half-hour, or hour]: two bursts, a repair, a growing leak."""
    rng = np.random.default_rng(7)
    slot = np.arange(DAYS * SLOTS)
    day = 0.4 + 0.6 * np.clip(np.sin((slot % SLOTS / 2 - 5) / 19 * np.pi), 0, None)
    noise = lambda: 1 + 0.02 * rng.standard_normal(len(slot))  # noqa: E731
    leak = 4.0 * ((slot >= 96 * SLOTS) & (slot < 128 * SLOTS))
    hourly = slice(None, None, 2)
    net = 30 * day * noise() + 6.0 * (slot >= 118 * SLOTS)
    level = 3 + 0.5 * np.sin(slot / SLOTS * 2 * np.pi)
    old = np.cumsum((20 * day * noise() + np.clip((slot / SLOTS - 60) / 60, 0, 1) * 3)[hourly])
    homes = [5 * day * noise() for _ in range(2)]
    return {
        "in_low": 20 * day * noise() + leak,
        "pump": net + 200 * np.gradient(level) * 2,
        "level": level,
        "in_old": (old + 4000) % 10000,
        "in_seen": (sum(homes) + 0.2 * noise() + 0.5 * (slot >= 131 * SLOTS))[hourly],
        "home_a": np.cumsum(homes[0][hourly]),
        "home_b": np.cumsum(homes[1][hourly]),
        "head": (5 - 0.02 * leak + 0.01 * rng.standard_normal(len(slot)))[hourly],
    }


class Town:
    """A project whose readings come day by day."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.made = folder, made()
        self.received = datetime(2026, 1, 1, tzinfo=UTC)
        self.store = Store.open(Project(folder).store_folder)

    def add(self, first: int, end: int, **instead: Any) -> None:
        """Store the readings of some days; `instead`: point -> factor on its values."""
        points = Project(self.folder).city.points()
        start = np.datetime64(FIRST, "us") - np.timedelta64(2, "h")
        names, times, values = [], [], []
        for name, value in self.made.items():
            if instead and name not in instead:
                continue
            a_day = len(value) // DAYS
            at = np.arange(first * a_day, end * a_day)
            names += [name] * len(at)
            times.append(start + at * np.timedelta64(86400 // a_day, "s"))
            values.append(value[at] * instead.get(name, 1.0))
        self.received += timedelta(seconds=1)
        table = pa.table(
            {
                "point": pa.array(names),
                "time": pa.array(np.concatenate(times), pa.timestamp("us", "UTC")),
                "value": pa.array(np.concatenate(values)),
            }
        )
        self.store.add(table, source="test", received=self.received, points=points)

    def land(self, day: int) -> None:
        """Poll one day of the first inflow."""
        midnight = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) - timedelta(hours=2)
        begin = midnight + timedelta(days=day)
        values = self.made["in_low"][day * SLOTS : (day + 1) * SLOTS]
        readings = [
            Reading("in_low", begin + at * timedelta(minutes=30), float(value), Quality.GOOD)
            for at, value in enumerate(values)
        ]
        self.store.land(readings, batch=f"day {day}", received=self.received + timedelta(hours=1))

    def told(self, day: int, report: str = "leaks", settings: Sequence[str] = ()) -> Result:
        """The report on the morning after so many days."""
        morning = datetime(FIRST.year, FIRST.month, FIRST.day, 8, tzinfo=UTC) + timedelta(days=day)
        return run(report, Project(self.folder), now=morning, settings=settings)

    @property
    def memory(self) -> Path:
        return self.folder / ".cityctl" / FOLDER

    def afresh(self, day: int, report: str = "leaks", settings: Sequence[str] = ()) -> Result:
        """The same without a memory, which stays as it is."""
        aside = self.memory.with_name("aside")
        if self.memory.exists():
            self.memory.rename(aside)
        told = self.told(day, report, settings)
        for path in self.memory.iterdir():
            path.unlink()
        self.memory.rmdir()
        if aside.exists():
            aside.rename(self.memory)
        return told


@pytest.fixture
def town(project: Callable[[str], Path]) -> Iterator[Town]:
    town = Town(project(CITY))
    yield town
    town.store.close()


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Town, Result]:
    """A town of 130 days, and what was told of it, which it remembers. It is not to be changed."""
    folder = tmp_path_factory.mktemp("asked") / "city"
    folder.mkdir()
    (folder / "city.yaml").write_text(CITY, encoding="utf-8")
    town = Town(folder)
    town.add(0, 130)
    told = town.told(130)
    town.store.close()
    return town, told


@pytest.fixture
def first(asked: tuple[Town, Result]) -> Result:
    """What was told of the known town at first."""
    return asked[1]


@pytest.fixture
def known(asked: tuple[Town, Result], tmp_path: Path) -> Iterator[Town]:
    """A copy of that town, to go on from."""
    shutil.copytree(asked[0].folder, tmp_path / "known")
    town = Town(tmp_path / "known")
    town.received = asked[0].received
    yield town
    town.store.close()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> list[tuple[date, date]]:
    """(first, last night) of what is worked out from readings."""
    found: list[tuple[date, date]] = []
    real = digest.Digest._worked_out

    def worked_out(self: Any, dates: list[date], before: Any) -> Any:
        found.append((dates[0], dates[-1]))
        return real(self, dates, before)

    monkeypatch.setattr(digest.Digest, "_worked_out", worked_out)
    return found


def cells(result: Result) -> list[Any]:
    """All that a result says, in one line."""

    def flat(value: Any) -> Iterator[Any]:
        if isinstance(value, list | tuple):
            for inner in value:
                yield from flat(inner)
        else:
            yield value

    tables = [flat([(table.key, *table.rows) for table in result.tables])]
    lines = [flat([line.values for line in plot.lines]) for plot in result.plots]
    said = [(one.subject, one.since, one.severity) for one in result.findings]
    return [cell for part in (*tables, *lines, flat(said)) for cell in part]


def agree(one: Result, other: Result) -> None:
    """The same to the last digit: what stands in the JSON that is written of them, and in their plots."""
    left, right = (render(told, View(ZoneInfo("Europe/Berlin"))) for told in (one, other))
    assert left == right
    assert cells(one) == cells(other)


def test_day_after_day_the_answer_is_that_of_all_readings(town: Town, spans: list[tuple[date, date]]) -> None:
    """Over the ends of two months: gauges, a tank, a register that runs over, customers, a head."""
    town.add(0, 110)
    found = set()
    for day in range(110, 140):
        if day == 128:
            town.land(day)
        town.add(day, day + 1)
        if day in (121, 122, 128, 137):
            told = town.told(day + 1)
            agree(told, town.afresh(day + 1))
            found |= {finding.subject for finding in told.findings}
    assert found == {"low", "high", "old", "seen"}
    town.told(140)
    spans.clear()
    town.told(140)
    assert spans == []  # nothing has changed
    town.add(140, 141)
    town.told(141)
    assert spans == [(date(2025, 12, 15), date(2025, 12, 20))]


def test_a_sensor_that_stands_still_is_told_the_second_time_too(town: Town) -> None:
    """All nights are remembered then; since when it stands still is asked of the readings themselves."""
    town.made["in_low"][128 * SLOTS - 10 :] = 17.0
    town.add(0, 130)
    first = town.told(130)
    assert any("frozen since Sat 6 Dec 18:00" in finding.text for finding in first.findings)
    agree(first, town.told(130))


def test_what_comes_late_is_seen(known: Town, first: Result, spans: list[tuple[date, date]]) -> None:
    """Another version of three days in October: its month is reduced anew, and no other old one."""
    known.add(70, 73, in_low=1.5)
    after = known.told(130)
    assert [begin for begin, _ in spans] == [date(2025, 10, 1)]
    agree(after, known.afresh(130))
    assert cells(first) != cells(after)


def test_what_a_formula_looks_back_at_is_seen(known: Town) -> None:
    """A level right before the first night of December, which is where the change of the next one begins."""
    known.told(130, settings=ALONE)
    late = pa.table(
        {
            "point": pa.array(["level"]),
            "time": pa.array([datetime(2025, 11, 30, 2, 30, tzinfo=UTC)], pa.timestamp("us", "UTC")),
            "value": pa.array([2.0]),
        }
    )
    points = Project(known.folder).city.points()
    known.store.add(late, source="late", received=datetime(2026, 2, 1, tzinfo=UTC), points=points)
    agree(known.told(130, settings=ALONE), known.afresh(130, settings=ALONE))


def test_what_city_yaml_says_is_seen(known: Town, first: Result) -> None:
    text = (known.folder / "city.yaml").read_text(encoding="utf-8")
    (known.folder / "city.yaml").write_text(text.replace("area: 200 m2", "area: 100 m2"), encoding="utf-8")
    second = known.told(130)
    assert cells(first) != cells(second)
    agree(second, known.afresh(130))


def test_each_report_and_each_question_has_a_memory_of_its_own(known: Town, first: Result) -> None:
    agree(known.told(130, "night-flow"), known.afresh(130, "night-flow"))
    late = run(
        "leaks",
        Project(known.folder),
        now=datetime(2025, 12, 9, 8, tzinfo=UTC),
        settings=["window_end=05:00"],
    )
    again = run(
        "leaks",
        Project(known.folder),
        now=datetime(2025, 12, 9, 8, tzinfo=UTC),
        settings=["window_end=05:00"],
    )
    assert cells(late) != cells(first)
    agree(known.told(130), first)
    agree(late, again)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def changed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def test_a_spoilt_memory_is_worked_out_again(
    known: Town, first: Result, spans: list[tuple[date, date]]
) -> None:
    """Whatever became of a file: each kind of harm comes to several of them."""
    for path, harm in zip(known.memory.iterdir(), cycle((cut, changed, emptied, a_folder)), strict=False):
        harm(path)
    agree(known.told(130), first)
    assert len(spans) == 6


def test_without_a_place_to_write_nothing_is_remembered_and_all_is_told(known: Town, first: Result) -> None:
    """As on a disk that is mounted to be read: a file stands where the folder would."""
    known.memory.rename(known.memory.with_name("aside"))
    known.memory.write_text("no folder", encoding="utf-8")
    agree(known.told(130), first)


def test_a_damaged_segment_is_named_each_time(known: Town) -> None:
    segment = next(one for one in known.store.snapshot().segments if one.month == "2025-10")
    (known.store.folder / segment.path).write_bytes(b"no parquet")
    check(known.store)
    for _ in range(2):
        left_out()
        known.told(130)
        assert any("damaged" in one.why for one in left_out())


def test_what_nobody_asks_for_is_forgotten(known: Town) -> None:
    stale = known.memory / "water-leaks-of-another-program-2024-01"
    stale.write_bytes(b"x")
    long_ago = time.time() - FORGOTTEN - 10
    kept = next(path for path in known.memory.iterdir() if path.name.endswith("2025-10-01"))
    os.utime(stale, (long_ago, long_ago))
    os.utime(kept, (long_ago, long_ago))
    known.add(130, 131)
    known.told(131)
    assert not stale.exists()
    assert kept.exists()  # asked for, so it is of use still


def test_another_program_works_it_out_again(
    known: Town, spans: list[tuple[date, date]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_program", lambda: "another")
    known.told(130)
    months = [date(2025, month, 1) for month in range(8, 13)]  # there is nothing before
    assert [begin for begin, _ in spans] == [*months, date(2025, 12, 8)]


def test_two_runs_at_once_tell_what_one_does(known: Town) -> None:
    """Both read and write what is kept, after a day that is new and one in October that came anew."""
    known.add(130, 131)
    known.add(70, 71, in_low=1.5)
    with ThreadPoolExecutor(2) as both:
        told = list(both.map(known.told, (131, 131)))
    alone = known.afresh(131)
    for one in (*told, known.told(131)):
        agree(one, alone)
