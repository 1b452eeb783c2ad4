"""95 real meters: the savings report of tests/cities/cambridge, beside what opendsm 1.2.7 says of 13 of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.catalog import find
from cityctl.analysis.question import Question
from cityctl.city.load import load
from cityctl.engine.duck import Engine
from cityctl.result import Result
from cityctl.store.views.shown import attach_city
from tests.analysis.conftest import days, rows_of

PROJECT = Path(__file__).parents[2] / "cities" / "cambridge"


def asked(shared: Path, project: Path, copies: int = 1) -> Result:
    """The report's question over the publisher's files as they are."""
    city = load(project)
    analysis = find("energy/savings")
    settled = analysis.settle({})
    interval = days("2019-01-01", "2020-01-01", city.zone_info)
    window = analysis.window(interval, settled, city)
    folder = shared / "data/energy"
    with Engine(threads=2) as engine:
        engine.execute(
            f"create view readings as "
            f"select meter || case when k > 0 then '_' || k else '' end as point, cast(ts as timestamp) as time, "
            f"kwh as value, 0 as quality "
            f"from '{folder / 'cambridge_95_meters_2018_2019_hourly.parquet'}', range({copies}) as r(k) "
            f"union all select 'air_temperature', cast(datetime as timestamp), \"air_temperature [degC]\", 0 "
            f"from '{folder / 'cambridge_weather.parquet'}'"
        )
        attach_city(engine, city, window)
        return analysis.answer(Question(city, interval, settled, engine))


@pytest.fixture(scope="module")
def result(shared: Path) -> Result:
    return asked(shared, PROJECT)


def test_every_meter_gets_a_verdict(result: Result) -> None:
    rows = rows_of(result, "savings")
    assert len(rows) == 95
    assert all(row["verdict"] for row in rows)
    assert result.completeness.wanted == 95
    assert result.completeness.had == sum(row["avoided_kwh"] is not None for row in rows) > 85


def test_savings_lie_near_those_of_opendsm(result: Result, shared: Path) -> None:
    """opendsm fits weekdays and seasons apart, CalTRACK one model: they differ by 0 to 2.1 points here."""
    reference = json.loads((shared / "data/energy/opendsm_daily.json").read_text())
    rows = {row["meter"]: row for row in rows_of(result, "savings")}
    off = [
        abs(rows[meter]["saving_pct"] - told["reporting"]["savings_pct"]) for meter, told in reference.items()
    ]
    assert np.median(off) < 1.0
    assert max(off) < 2.5


def test_what_cannot_be_a_measure_is_not_booked(result: Result) -> None:
    """b40_gas falls from 1 400 MWh in January 2018 to 43 MWh a year later; b102_gas reads 0 from July 2019 on."""
    rows = {row["meter"]: row for row in rows_of(result, "savings")}
    assert rows["b40_gas"]["verdict"].startswith("SET APART use fell by 94 %")
    assert rows["b102_gas"]["verdict"].startswith("NOT ASSESSABLE 0 on 157 days since 2019-07-28")
    (total,) = rows_of(result, "portfolio")
    booked = [
        row for row in rows.values() if row["avoided_kwh"] is not None and "APART" not in row["verdict"]
    ]
    assert total["avoided_kwh"] == pytest.approx(sum(row["avoided_kwh"] for row in booked))


def test_only_proven_rises_are_findings(result: Result) -> None:
    rows: dict[Any, Any] = {row["meter"]: row for row in rows_of(result, "savings")}
    rises = [finding for finding in result.findings if finding.kind == "energy-rise"]
    assert rises
    for finding in rises:
        row = rows[finding.evidence["meter"]]
        assert row["avoided_kwh"] < 0
        assert row["fsu"] <= 0.5


def test_steps_that_stay_are_findings(result: Result) -> None:
    rows: dict[Any, Any] = {row["meter"]: row for row in rows_of(result, "savings")}
    named = {meter for meter, row in rows.items() if "and stayed: what changed?" in (row["reasons"] or "")}
    found = [one.evidence["meter"] for one in result.findings if one.kind == "energy-step"]
    assert set(found) == named
    assert 0 < len(found) < 0.1 * len(rows)  # meters at which something happened, not each


@pytest.mark.slow
def test_a_meter_is_judged_alike_in_any_company(shared: Path, tmp_path: Path, result: Result) -> None:
    """Meters are taken in by parts: two copies of each get the figures of the one, digit by digit.

    What a thousand cost is measured by `make bench BENCH=savings`.
    """
    (tmp_path / "city.yaml").write_text((PROJECT / "city.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    head, *lines = (PROJECT / "meters.csv").read_text(encoding="utf-8").splitlines()
    copies = [
        ",".join([f"{meter}_{k}" if k else meter, name, network])
        for meter, name, network in (line.split(",") for line in lines)
        for k in range(2)
    ]
    (tmp_path / "meters.csv").write_text("\n".join([head, *copies]) + "\n", encoding="utf-8")
    alone = {row["meter"]: row for row in rows_of(result, "savings")}
    rows = rows_of(asked(shared, tmp_path, copies=2), "savings")
    assert len(rows) == 190
    for row in rows:
        one = alone[row["meter"].rsplit("_", 1)[0] if row["meter"] not in alone else row["meter"]]
        for key in ("verdict", "avoided_kwh", "fsu", "intercept", "heating_balance_point"):
            wanted = one[key]
            if isinstance(wanted, float):
                wanted = pytest.approx(wanted, rel=1e-9)
            assert row[key] == wanted, (row["meter"], key)
