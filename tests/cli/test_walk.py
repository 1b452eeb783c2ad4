"""From nothing to a leak report of one's own file, by the README's own commands alone."""

from __future__ import annotations

import json
import math
import random
import shlex
from datetime import datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = datetime(2026, 7, 1), datetime(2026, 9, 28)
LEAK, SIZE = datetime(2026, 9, 11, 14), 6.0  # what is hidden in Nordstadt's inflow [m³/h]
ZONES = {"Nordstadt": 30.0, "Süd": 20.0}


def walk() -> list[list[str]]:
    """The README's first commands on one's own city, as words."""
    text = (
        (ROOT / "README.md").read_text("utf-8").partition("## On your own city")[2].partition("From there")[0]
    )
    lines = [line.strip().split("  #")[0] for line in text.splitlines() if line.startswith("    cityctl ")]
    return [shlex.split(line)[1:] for line in lines]


def inflows() -> list[tuple[datetime, list[float]]]:
    """Demand with a morning and an evening, noise, and one burst."""
    chance = random.Random(7)
    rows = []
    for at in (
        BEGIN + timedelta(minutes=15) * step for step in range((END - BEGIN) // timedelta(minutes=15))
    ):
        hour = at.hour + at.minute / 60
        day = 0.35 + 0.5 * math.exp(-(((hour - 7.5) / 2.2) ** 2)) + 0.45 * math.exp(-(((hour - 19) / 3) ** 2))
        flows = [size * day * chance.gauss(1, 0.05) for size in ZONES.values()]
        flows[0] += SIZE if at >= LEAK else 0
        rows.append((at, flows))
    return rows


def semicolons() -> str:
    """As a German spreadsheet writes it: `;`, decimal comma, day first, units in the heads."""
    head = ";".join(["Zeitstempel", *(f"Durchfluss {zone} [m³/h]" for zone in ZONES)])
    return "\n".join([head, *(";".join([f"{at:%d.%m.%Y %H:%M}", *(f"{flow:.2f}".replace(".", ",") for flow in flows)])
                              for at, flows in inflows())])  # fmt: skip


def wide() -> str:
    """As a historian exports it; the unit is in no place of the file."""
    head = ",".join(["Timestamp", *ZONES])
    return "\n".join([head, *(",".join([f"{at:%Y-%m-%d %H:%M:%S}", *(f"{flow:.2f}" for flow in flows)])
                              for at, flows in inflows())])  # fmt: skip


def long() -> str:
    """A row a reading, the unit in a column."""
    rows = [f"{at:%Y-%m-%dT%H:%M:%S+02:00},{zone},{flow:.3f},m3/h"
            for at, flows in inflows() for zone, flow in zip(ZONES, flows, strict=True)]  # fmt: skip
    return "\n".join(["time,meter,value,unit", *rows])


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (semicolons, ()),
        pytest.param(wide, ("--unit", "m3/h"), marks=pytest.mark.slow),
        pytest.param(long, (), marks=pytest.mark.slow),
    ],
)
def test_the_readme_leads_from_a_file_to_its_leak(cityctl, tmp_path, text, more):
    (tmp_path / "flows.csv").write_text(text() + "\n", encoding="utf-8")
    now = {"CITYCTL_NOW": "2026-09-28T06:00+02:00"}
    make, take, ask, page = walk()
    made = cityctl(*make, *more, **now)
    assert made.returncode == 0, made.stderr
    assert "cityctl data import --project my-city" in made.stdout
    taken = cityctl(*take, "-o", "json", **now)
    assert taken.returncode == 0, taken.stderr
    assert sum(row["new"] for row in json.loads(taken.stdout)["rows"]) == len(inflows()) * len(ZONES)
    asked = cityctl(*ask, "-o", "json", **now)
    assert asked.returncode == 0, asked.stderr
    (found,) = json.loads(asked.stdout)["findings"]
    assert "Nordstadt" in found["subject"]
    assert found["since"][:10] in ("2026-09-11", "2026-09-12")
    assert found["evidence"]["flow_m3h"] == pytest.approx(SIZE, rel=0.15)
    assert cityctl(*page, **now).returncode == 0
    assert (tmp_path / "leaks.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert cityctl("config", "validate", "--project", "my-city").returncode == 0


def test_a_file_without_a_unit_says_how_to_give_one(cityctl, tmp_path):
    (tmp_path / "flows.csv").write_text("time,a\n2026-11-01 00:00,1\n2026-11-01 00:15,2\n")
    ended = cityctl("init", "city", "--from", "flows.csv")
    assert ended.returncode == 2
    assert "no unit of a" in ended.stderr
    assert "--unit m3/h" in ended.stderr
    assert not (tmp_path / "city").exists()


def test_energy_becomes_buildings_and_registers_counters(cityctl, tmp_path):
    days = [BEGIN + timedelta(days=day) for day in range(40)]
    (tmp_path / "use.csv").write_text(
        "time,School [kWh]\n" + "".join(f"{at:%Y-%m-%d},{80 + at.day % 7}\n" for at in days)
    )
    rising = "".join(f"{at:%Y-%m-%d},{1000 + 3 * at.toordinal() % 100000}\n" for at in days)
    (tmp_path / "registers.csv").write_text("time,Main Street 5 [m3]\n" + rising)
    ended = cityctl("init", "city", "--from", "use.csv", "--from", "registers.csv")
    assert ended.returncode == 0, ended.stderr
    text = (tmp_path / "city" / "city.yaml").read_text("utf-8")
    assert "school: {unit: kWh, kind: interval, every: 1d, zone: school, role: consumption}" in text
    assert "main_street_5: {unit: m3, kind: counter, every: 1d}" in text
    assert cityctl("data", "import", "--project", "city").returncode == 0
