"""Pumps: planted wear, a wrong unit, gaps, and other hours whose worth can be told by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cityctl.result import Missing, Result
from tests.analysis.conftest import rows_of, slots

CITY = """
name: Waterworks
time_zone: UTC
networks: {water: {kind: water}, power: {kind: power}}
zones: {works: {network: water, kind: site}}
assets:
  p1: {kind: pump, zone: works, pump: {curve: [[0, 50], [100, 40], [150, 25]]}}
  p2: {kind: pump, zone: works}
  tank: {kind: tank, zone: works, area: 100 m2, volume: 600 m3}
points:
  p1-flow: {unit: m3/h, every: 15m, asset: p1}
  p1-head: {unit: mH2O, every: 15m, asset: p1}
  p1-power: {unit: kW, every: 15m, asset: p1}
  p2-flow: {unit: m3/h, every: 15m, asset: p2}
  p2-suction: {unit: bar, every: 15m, asset: p2, role: suction}
  p2-discharge: {unit: bar, every: 15m, asset: p2, role: discharge}
  p2-power: {unit: kW, every: 15m, asset: p2}
  level: {unit: m, every: 15m, asset: tank}
tariffs: {night: {network: power, recipe: night}}
"""
NIGHT = "tariff: night\nversions: [{energy: [{price: 0.1, hours: 22-6}, {price: 0.3, hours: 6-22}]}]\n"


@pytest.fixture
def works(
    ask: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """works(series, city=CITY, **parameters): a month with the tariff `night`."""
    folder = tmp_path / "user" / "recipes" / "tariffs"
    folder.mkdir(parents=True)
    (folder / "night.yaml").write_text(NIGHT, encoding="utf-8")
    monkeypatch.setenv("CITYCTL_USER_FOLDER", str(tmp_path / "user"))

    def asked(series: dict[str, Any], city: str = CITY, **parameters: Any) -> Result:
        return ask("energy/pumps", city, series, "2026-01-01", "2026-01-31", **parameters)

    return asked


def month(wear: float = 0.45) -> dict[str, Any]:
    """p1 (72 %) on even days and p2 (`wear`) on odd ones, 100 m³/h against 40 m, by day from 6 to 22."""
    times = slots("2026-01-01", "2026-01-31", 15)
    hour = np.arange(len(times)) / 4
    by_day = (hour % 24 >= 6) & (hour % 24 < 22)
    even = (hour // 24).astype(int) % 2 == 0
    series: dict[str, Any] = {}
    bar = 0.0980665  # of a metre of water
    for name, on, efficiency in (("p1", by_day & even, 0.72), ("p2", by_day & ~even, wear)):
        series[f"{name}-flow"] = (times, np.where(on, 100.0, 0.0))
        series[f"{name}-power"] = (times, np.where(on, 100 * 40 / 367 / efficiency, 0.02))
    series["p1-head"] = (times, np.full(len(times), 40.0 * bar))  # the store keeps pressures in bar
    series["p2-suction"] = (times, np.full(len(times), 0.5))
    series["p2-discharge"] = (times, np.full(len(times), 0.5 + 40 * bar))
    drawn = np.full(len(times), 100 * 16 / 96)
    level = 450 + np.concatenate([[0], np.cumsum(np.where(by_day, 25.0, 0.0) - drawn)[:-1]])
    series["level"] = (times, level / 100)
    return series


def test_a_worn_pump_is_told_and_the_better_one_is_named(works: Callable[..., Result]) -> None:
    found = works(month())
    rows = {row["pumps_run"]: row for row in rows_of(found, "pumps")}
    assert rows["p1"]["pump_efficiency"] == pytest.approx(0.72, abs=1e-3)
    assert rows["p2"]["pump_efficiency"] == pytest.approx(0.45, abs=1e-3)
    assert rows["p1"]["verdict"] == "normal"
    assert rows["p2"]["verdict"] == "WORN needs 60 % more than the station's best"
    assert rows["p1"]["ran_h"] == 15 * 16
    assert rows["p1"]["starts"] == 15  # each even day at 6
    assert rows["p1"]["off_curve"] == pytest.approx(0.0, abs=1e-9)
    assert rows["p1"]["paid_price"] == pytest.approx(0.3)
    assert rows["p1"]["mean_price"] == pytest.approx((0.1 * 8 + 0.3 * 16) / 24)
    (plot,) = found.plots
    days = {
        line.label: (len(line.values), set(np.round([value or 0 for value in line.values], 1)))
        for line in plot.lines
    }
    assert days == {"p1": (15, {72.0}), "p2": (15, {45.0})}
    assert [row["pumps_run"] for row in rows_of(found, "together")] == ["p1", "p2"]
    choice = rows_of(found, "choice")
    assert {row["best_pumps"] for row in choice} == {"p1"}
    (finding,) = found.findings
    assert (finding.subject, finding.evidence["asset"]) == ("p2", "p2")
    assert finding.evidence["pump_efficiency"] == pytest.approx(0.45, abs=1e-3)


def test_days_before_the_first_prices_cost_no_nothing(works: Callable[..., Result], tmp_path: Path) -> None:
    later = NIGHT.replace("versions: [{", "versions: [{from: 2026-01-10, ")
    (tmp_path / "user/recipes/tariffs/night.yaml").write_text(later, encoding="utf-8")
    found = works(month())
    assert [row["pumping_cost"] for row in rows_of(found, "pumps")] == [None, None]
    assert not any(table.key == "shift" for table in found.tables)
    said = {one.what: one.why for one in found.completeness.missing}
    assert said["price"] == "`night` has no prices before 2026-01-10: no costs are told"


def test_other_hours_are_worth_what_a_hand_says(works: Callable[..., Result]) -> None:
    """1 600 m³ a day; 8 night hours can pump 800 of them at 0.1 in place of 0.3, the tank allowing."""
    found = works(month(0.72), tank_low=0.0, tank_high=1.0)
    row = rows_of(found, "shift")[0]
    specific = 0.002725 * 40 / 0.72
    assert row["as_it_was"] == pytest.approx(30 * 1600 * specific * 0.3, rel=0.01)
    assert 0 < row["worth_shifting"] <= 30 * 800 * specific * 0.2 * 1.01
    assert row["verdict"] == "possible"


def test_a_wrong_unit_is_implausible(works: Callable[..., Result]) -> None:
    """m³ in a quarter of an hour, taken for m³/h: the efficiency would be a quarter of what it is."""
    series = month()
    times, flow = series["p1-flow"]
    series["p1-flow"] = (times, flow * 4)
    rows = {row["pumps_run"]: row for row in rows_of(works(series), "pumps")}
    assert rows["p1"]["verdict"] == "IMPLAUSIBLE efficiency 288 %: check the units of flow, head and power"


def test_a_flow_in_quarters_of_an_hour_is_told_from_wear(works: Callable[..., Result]) -> None:
    """72 % / 4 and 72 % / 3.6 are no worn pumps; the good one beside it is not judged by theirs."""
    for factor, guess in ((4.0, "m³ in a quarter of an hour"), (3.6, "l/s")):
        series = month(0.72)
        times, flow = series["p2-flow"]
        series["p2-flow"] = (times, flow / factor)
        rows = {row["pumps_run"]: row for row in rows_of(works(series), "pumps")}
        said = f"IMPLAUSIBLE efficiency {72 / factor:.0f} %: is its flow {guess}, not m³/h?"
        assert rows["p2"]["verdict"] == said
        assert rows["p1"]["verdict"] == "normal"


def test_a_good_pump_is_not_worn_beside_a_wrong_unit(works: Callable[..., Result]) -> None:
    series = month(0.72)
    times, flow = series["p1-flow"]
    series["p1-flow"] = (times, flow * 4)
    rows = {row["pumps_run"]: row for row in rows_of(works(series), "pumps")}
    assert rows["p2"]["verdict"] == "normal"


def test_cents_for_euros_are_doubted(works: Callable[..., Result]) -> None:
    from cityctl.tariff.model import from_text

    cents = from_text(NIGHT.replace("0.1", "10").replace("0.3", "30"), Path("night.yaml"))
    assert cents.doubts() == ["IMPLAUSIBLE price of 30 EUR/kWh in `night`: are these cents?"]
    assert works(month()).completeness.complete


COUNTED = """
name: Waterworks
time_zone: UTC
networks: {water: {kind: water}, power: {kind: power}}
zones: {works: {network: water, kind: site}}
assets: {p1: {kind: pump, zone: works}, p2: {kind: pump, zone: works}}
points:
  volume: {unit: m3, kind: counter, every: 1h, zone: works}
  low: {unit: mH2O, every: 1h, zone: works, role: suction}
  high: {unit: mH2O, every: 1h, zone: works, role: discharge}
  p1-energy: {unit: kWh, kind: counter, every: 1h, asset: p1}
  p2-energy: {unit: kWh, kind: interval, every: 1h, asset: p2}
"""


def test_a_station_with_one_flow_meter_read_by_the_hour(ask: Callable[..., Result]) -> None:
    """p1 alone 8 h at 100 m³/h and 15 kW, p2 alone 8 h at 60 and 12, both 8 h at 140 and 27, against 36.7 m, each day.

    By hand: p1 66.7 %, p2 50 %, together 51.9 %; kWh/m³ 0.15, 0.2 and 0.1929; 240 kWh and 960 + 640 m³ alone.
    """
    hour = np.arange(5 * 24)
    first, second = (hour % 24 < 8) | (hour % 24 >= 16), hour % 24 >= 8
    flow = np.where(first & second, 140.0, np.where(first, 100.0, 60.0))
    power = np.where(first, 15.0, 0.0)
    times, more = slots("2026-01-01", "2026-01-06", 60), slots("2026-01-01", "2026-01-06T01:00", 60)
    head = 36.7 * 0.0980665
    series = {
        "volume": (more, 5000 + np.concatenate([[0], np.cumsum(flow)])),
        "low": (times, np.full(120, 0.5)),
        "high": (times, np.full(120, 0.5 + head)),
        "p1-energy": (more, np.concatenate([[0], np.cumsum(power)])),
        "p2-energy": (times, np.where(second, 12.0, 0.0)),
    }
    found = ask("energy/pumps", COUNTED, series, "2026-01-01", "2026-01-06")
    rows = {row["pumps_run"]: row for row in rows_of(found, "pumps")}
    assert rows["p1"]["pump_efficiency"] == pytest.approx(100 * 36.7 / 367 / 15)
    assert rows["p2"]["pump_efficiency"] == pytest.approx(0.5)
    assert rows["p1"]["ran_h"] == 80
    together = {row["pumps_run"]: row for row in rows_of(found, "together")}
    assert {key: (row["ran_h"], row["pumped_m3"]) for key, row in together.items()} == {
        "p1": (40, pytest.approx(4000)), "p2": (40, pytest.approx(2400)), "p1 + p2": (40, pytest.approx(5600)),
    }  # fmt: skip
    assert together["p1 + p2"]["specific"] == pytest.approx(27 / 140)
    assert together["p1 + p2"]["pump_efficiency"] == pytest.approx(140 * 36.7 / 367 / 27)
    assert found.completeness.complete


def test_wear_shows_as_drift(works: Callable[..., Result]) -> None:
    series = month(0.72)
    times, power = series["p1-power"]
    series["p1-power"] = (times, power * np.linspace(1, 1.05, len(times)))
    row = next(row for row in rows_of(works(series), "pumps") if row["pumps_run"] == "p1")
    assert row["drift"] == pytest.approx((0.72 / 1.05 - 0.72) * 365.25 / 30, rel=0.1)
    assert "WEARS" in row["verdict"]


def both(series: dict[str, Any]) -> dict[str, Any]:
    """The same month, with p2 (60 %, 50 m³/h) beside p1 on even days from 6 to 12."""
    times, _ = series["p1-flow"]
    hour = np.arange(len(times)) / 4
    beside = (hour % 24 >= 6) & (hour % 24 < 12) & ((hour // 24).astype(int) % 2 == 0)
    series["p2-flow"] = (times, np.where(beside, 50.0, series["p2-flow"][1]))
    series["p2-power"] = (times, np.where(beside, 50 * 40 / 367 / 0.6, series["p2-power"][1]))
    return series


def test_a_flow_with_gaps_is_no_flow_of_nothing(works: Callable[..., Result]) -> None:
    """Two thirds of p1's flow are gone: what each m³ takes stays, and how much is metered is told."""
    series = both(month(0.60))
    whole = {row["pumps_run"]: row for row in rows_of(works(series), "together")}
    assert whole["p1 + p2"]["specific"] == pytest.approx((100 / 0.72 + 50 / 0.6) * 40 / 367 / 150)
    times, flow = series["p1-flow"]
    kept = np.arange(len(times)) % 3 == 0
    series["p1-flow"] = (times[kept], flow[kept])
    found = works(series)
    for row in rows_of(found, "together"):
        assert row["specific"] == pytest.approx(whole[row["pumps_run"]]["specific"], rel=1e-6)
    told = {one.what: one.why for one in found.completeness.missing}
    assert told == {"p1": "flow, head and power are metered together in 34 % of the hours that it ran"}
    assert rows_of(found, "shift")[0]["verdict"] == "NOT ASSESSABLE the flow of its pumps has too many gaps"


def test_a_pump_whose_figures_cannot_be_right_is_in_no_comparison(works: Callable[..., Result]) -> None:
    """W taken for kW: neither a combination with it nor the value of other hours may be told."""
    series = both(month(0.60))
    times, power = series["p1-power"]
    series["p1-power"] = (times, power * 1000)
    found = works(series)
    assert {table.key for table in found.tables} == {"pumps", "shift"}
    (row,) = rows_of(found, "shift")
    assert (row["worth_shifting"], row["verdict"]) == (None, "NOT ASSESSABLE what p1 tells cannot be right")


def test_pressures_may_be_told_in_metres(works: Callable[..., Result]) -> None:
    """5 m before and 45 m behind: 40 m. 5 m before it alone is no head."""
    series = month(0.72)
    times, _ = series["p2-suction"]
    series |= {
        "p2-suction": (times, np.full(len(times), 5.0)),
        "p2-discharge": (times, np.full(len(times), 45.0)),
    }
    city = CITY.replace("p2-suction: {unit: bar", "p2-suction: {unit: m").replace(
        "p2-discharge: {unit: bar", "p2-discharge: {unit: m"
    )
    rows = {row["pumps_run"]: row for row in rows_of(works(series, city=city), "pumps")}
    assert rows["p2"]["head_m"] == pytest.approx(40.0)
    assert rows["p2"]["verdict"] == "normal"
    del series["p2-discharge"]
    alone = city.replace("  p2-discharge: {unit: m, every: 15m, asset: p2, role: discharge}\n", "")
    told = {one.what: one.why for one in works(series, city=alone).completeness.missing}
    assert told == {"p2": "no head is metered"}


@pytest.mark.parametrize(("point", "word"), [("p1-flow", "flow"), ("p1-power", "power")])
def test_a_spike_is_no_water_and_no_energy(works: Callable[..., Result], point: str, word: str) -> None:
    """Two readings a thousand times as large would be more than all the others of the month."""
    series = month(0.72)
    whole = {row["pumps_run"]: row for row in rows_of(works(series), "pumps")}["p1"]
    times, values = series[point]
    running = np.flatnonzero(values > 0.5 * values.max())
    values = values.copy()
    values[running[[40, 90]]] *= 1000
    series[point] = (times, values)
    found = works(series)
    row = {row["pumps_run"]: row for row in rows_of(found, "pumps")}["p1"]
    for key in ("pumped_m3", "specific"):
        assert row[key] == pytest.approx(whole[key], rel=0.005)
    assert any(one.why.startswith(f"{word} spikes in 2 windows") for one in found.completeness.missing)


@pytest.mark.parametrize(("point", "word"), [("p1-flow", "flow"), ("p1-power", "power")])
def test_readings_below_zero_are_told(works: Callable[..., Result], point: str, word: str) -> None:
    series = month(0.72)
    times, values = series[point]
    series[point] = (times, -values)
    found = works(series)
    rows = {row["pumps_run"]: row for row in rows_of(found, "pumps")}
    assert rows["p1"]["verdict"].startswith("NOT ASSESSABLE")
    assert rows["p1"]["pumped_m3"] == 0
    assert any(one.what == "p1" and f"{word} below zero" in one.why for one in found.completeness.missing)


def test_three_days_of_a_month_are_told(works: Callable[..., Result]) -> None:
    series = {name: (times[:288], values[:288]) for name, (times, values) in month(0.72).items()}
    missing = works(series).completeness.missing
    assert [one.why for one in missing] == ["its power is metered in 10 % of the interval"] * 2


def test_a_pump_that_stands_by_did_not_run(ask: Callable[..., Result]) -> None:
    """p2's meter shows 0.1 kW all the time: p1 has the station's flow for itself."""
    hour = np.arange(5 * 24)
    flow = np.where(hour % 24 < 8, 100.0, 0.0)
    times, more = slots("2026-01-01", "2026-01-06", 60), slots("2026-01-01", "2026-01-06T01:00", 60)
    series = {
        "volume": (more, 5000 + np.concatenate([[0], np.cumsum(flow)])),
        "low": (times, np.full(120, 0.5)),
        "high": (times, np.full(120, 0.5 + 36.7 * 0.0980665)),
        "p1-energy": (more, np.concatenate([[0], np.cumsum(flow * 0.15)])),
        "p2-energy": (times, np.full(120, 0.1)),
    }
    found = ask("energy/pumps", COUNTED, series, "2026-01-01", "2026-01-06")
    rows = {row["pumps_run"]: row for row in rows_of(found, "pumps")}
    assert (rows["p2"]["ran_h"], rows["p2"]["verdict"]) == (0, "did not run")
    assert rows["p1"]["pump_efficiency"] == pytest.approx(100 * 36.7 / 367 / 15)
    # A lone one may as well have a flow meter that stands still.
    alone = {name: readings for name, readings in series.items() if name != "p1-energy"}
    alone["volume"] = (more, np.full(len(more), 5000.0))
    city = COUNTED.replace("p1: {kind: pump, zone: works}, ", "").replace("  p1-energy", "  # p1-energy")
    (row,) = rows_of(ask("energy/pumps", city, alone, "2026-01-01", "2026-01-06"), "pumps")
    assert row["verdict"] == "NOT ASSESSABLE no flow at 0.1 kW: it stands by, or its flow meter does"


def test_a_head_without_the_pressure_before_it_is_told(works: Callable[..., Result]) -> None:
    series = month(0.72)
    del series["p2-suction"]
    told = {one.what: one.why for one in works(series).completeness.missing}
    assert told == {"p2": "no readings of p2-suction"}
    city = CITY.replace("  p2-suction: {unit: bar, every: 15m, asset: p2, role: suction}\n", "")
    assert works(series, city=city).completeness.missing == [
        Missing("p2", "the pressure before it is not metered: its head is all that it discharges at")
    ]


@pytest.mark.parametrize(
    ("level", "verdict"),
    [
        (lambda level: level * 100, "its level lies outside of the tank"),
        (lambda level: level * 0 + 3, "its level stands still"),
        (lambda level: np.where(np.arange(len(level)) % 5, level, np.nan), "its level has too many gaps"),
    ],
)
def test_a_level_that_tells_no_room_is_not_assessable(
    works: Callable[..., Result], level: Callable[[Any], Any], verdict: str
) -> None:
    series = month(0.72)
    times, metres = series["level"]
    series["level"] = (times, level(metres))
    (row,) = rows_of(works(series), "shift")
    assert row["verdict"].split(":")[0] == f"NOT ASSESSABLE {verdict}"


def test_a_spike_of_the_level_makes_no_larger_tank(works: Callable[..., Result]) -> None:
    whole, spiky = month(0.72), month(0.72)
    spiky["level"][1][[100, 900]] = 6553.5, -5.0
    (row,), (other,) = (rows_of(works(series), "shift") for series in (whole, spiky))
    assert other["worth_shifting"] == pytest.approx(row["worth_shifting"], rel=0.02)


def test_a_demand_charge_is_not_kept_quiet(works: Callable[..., Result], tmp_path: Path) -> None:
    """Fewer hours mean a higher peak, which is charged too."""
    charged = NIGHT.replace("]}]", "], demand: [{price: 12}]}]")
    (tmp_path / "user/recipes/tariffs/night.yaml").write_text(charged, encoding="utf-8")
    (row,) = rows_of(works(month(0.72)), "shift")
    assert row["verdict"] == "possible, but for its demand charge, which is not counted"


def test_prices_of_the_first_tier_are_told_as_such(works: Callable[..., Result], tmp_path: Path) -> None:
    """A month of pumping far above 100 kWh: the meter's other use is not known here, nor therefore its tier."""
    assert not any("tiers" in note for note in works(month()).notes)
    tiered = NIGHT.replace("]}]", ", {price: 0.5, above: 100}]}]")
    (tmp_path / "user/recipes/tariffs/night.yaml").write_text(tiered, encoding="utf-8")
    told = works(month())
    assert [note for note in told.notes if "`night` has tiers" in note and "at the first one" in note]
