"""CalTRACK 2.0 daily against eemeter 2.10 on the same inputs: the same models to the last digits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from cityctl.result import Result
from cityctl.units import convert
from tests.analysis.conftest import rows_of

METERS = ("il-electricity-cdd-hdd-daily", "il-gas-hdd-only-daily", "il-gas-intercept-only-daily")

CITY = """
name: Illinois
time_zone: UTC
networks: {power: {kind: power}, gas: {kind: gas}}
zones:
  house: {network: power, kind: building}
  stove: {network: gas, kind: building}
points:
  il-electricity-cdd-hdd-daily: {unit: kWh, kind: interval, every: 1d, zone: house, role: consumption}
  il-gas-hdd-only-daily: {unit: therm, kind: interval, every: 1d, zone: stove, role: consumption}
  il-gas-intercept-only-daily: {unit: therm, kind: interval, every: 1d, zone: stove, role: consumption}
  temperature: {unit: degC, every: 1h}
weather: {temperature: temperature}
interventions: [{date: 2016-12-26}]
"""

CAMBRIDGE = """
name: Cambridge in days of UTC
time_zone: UTC
networks: {power: {kind: power}, gas: {kind: gas}}
zones:
  offices: {network: power, kind: building}
  boilers: {network: gas, kind: building}
points:
  b21_elec: {unit: kWh, kind: interval, every: 1h, zone: offices, role: consumption}
  b33_gas: {unit: kWh, kind: interval, every: 1h, zone: boilers, role: consumption}
  temperature: {unit: degC, every: 1h}
weather: {temperature: temperature}
interventions: [{date: 2019-01-01}]
"""


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((shared / "data/energy/eemeter_caltrack_daily.json").read_text())
    return told


def stamps(column: Any) -> Any:
    return pd.to_datetime(column, utc=True).dt.tz_localize(None).to_numpy()


def same(row: dict[str, Any], expected: dict[str, Any], factor: float) -> None:
    """Balance points equal, coefficients within 1e-5, savings within 0.01 %."""
    told = expected["params"]
    assert row["heating_balance_point"] == told.get("heating_balance_point")
    assert row["cooling_balance_point"] == told.get("cooling_balance_point")
    assert row["intercept"] / factor == pytest.approx(told["intercept"], rel=1e-9)
    for key, name in (("beta_heating", "beta_hdd"), ("beta_cooling", "beta_cdd")):
        if name in told:
            assert row[key] / factor == pytest.approx(told[name], rel=1e-7)
    assert row["r2_adj"] == pytest.approx(expected["r_squared_adj"], rel=1e-7)
    assert row["cvrmse"] == pytest.approx(expected["totals_metrics"]["cvrmse_adj"], rel=1e-6)
    assert row["days"] == expected["n_reporting"]
    assert row["observed_kwh"] / factor == pytest.approx(expected["observed"], rel=1e-9)
    assert row["counterfactual_kwh"] / factor == pytest.approx(expected["counterfactual"], rel=1e-7)
    assert row["avoided_kwh"] / factor == pytest.approx(expected["savings"], rel=1e-4)


def same_uncertainty(row: dict[str, Any], expected: dict[str, Any]) -> None:
    """The row's fsu is that of eemeter, at 90 %, and the row's interval is never narrower.

    eemeter takes the baseline's mean use where Guideline 14 has the expected one, and months of 30 days; brought to
    these, what is left is its (n - p)/(n' - p) in place of n/n'.
    """
    told, savings = expected["totals_metrics"], abs(expected["savings"])
    band = expected["error_bands"]["FSU Error Band"]
    assert row["fsu"] == pytest.approx(band / savings, rel=0.06)
    mean, used = told["rmse_adj"] / told["cvrmse_adj"], expected["counterfactual"] / expected["n_reporting"]
    twelve, months = (-0.00024 * m**2 + 0.03535 * m + 1.00286 for m in (12, expected["n_reporting"] / 30))
    assert row["fsu"] == pytest.approx(band / savings * used / mean * twelve / months, rel=0.01)
    half = (row["avoided_high"] - row["avoided_low"]) / 2
    assert half >= row["fsu"] * abs(row["avoided_kwh"]) * (1 - 1e-12)


def test_sample_meters(ask: Callable[..., Result], shared: Path, reference: dict[str, Any]) -> None:
    folder = shared / "data/energy/inputs"
    weather = pd.read_csv(folder / f"{METERS[0]}__temp.csv.gz")
    series = {"temperature": (stamps(weather["dt"]), (weather["temperature_degF"].to_numpy() - 32) / 1.8)}
    for meter in METERS:
        parts = [pd.read_csv(folder / f"{meter}__{part}_meter.csv") for part in ("baseline", "reporting")]
        both = pd.concat(parts)
        factor = 1.0 if reference[meter]["unit"] == "kWh" else convert(1.0, "therm", "kWh")
        series[meter] = (stamps(both["start"]), both["value"].to_numpy() * factor)
    # eemeter was run with cooling terms for gas too.
    result = ask("energy/savings", CITY, series, "2017-01-04", "2018-01-04", gas_cooling=True, confidence=0.9)
    rows = {row["meter"]: row for row in rows_of(result, "savings")}
    assert set(rows) == set(METERS)
    for meter, row in rows.items():
        factor = 1.0 if reference[meter]["unit"] == "kWh" else convert(1.0, "therm", "kWh")
        same(row, reference[meter], factor)
        same_uncertainty(row, reference[meter])


def test_meters_of_cambridge(ask: Callable[..., Result], shared: Path, reference: dict[str, Any]) -> None:
    folder = shared / "data/energy"
    weather = pd.read_parquet(folder / "cambridge_weather.parquet")
    series = {
        "temperature": (
            pd.to_datetime(weather["datetime"]).to_numpy(), weather["air_temperature [degC]"].to_numpy()
        )
    }  # fmt: skip
    for meter in ("b21_elec", "b33_gas"):
        table = pq.read_table(
            folder / "cambridge_95_meters_2018_2019_hourly.parquet", filters=[("meter", "=", meter)]
        )
        series[meter] = (np.asarray(table["ts"]), np.asarray(table["kwh"]))
    result = ask(
        "energy/savings", CAMBRIDGE, series, "2019-01-01", "2020-01-01", gas_cooling=True, confidence=0.9
    )
    for row in rows_of(result, "savings"):
        same(row, reference[row["meter"]], 1.0)
        same_uncertainty(row, reference[row["meter"]])
        assert row["avoided_high"] - row["avoided_kwh"] > 1.1 * row["fsu"] * abs(
            row["avoided_kwh"]
        )  # they drift
