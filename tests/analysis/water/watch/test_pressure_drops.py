"""Where a leak shows: heads of a made zone that obey the formula, in every unit that sensors have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.watch.falls import load_of
from cityctl.result import Result
from cityctl.units import convert
from tests.analysis.conftest import rows_of
from tests.analysis.water.made import CITY, Leak, inflow

SPAN = ("2026-02-02", "2026-05-04")
LEAK = Leak("2026-04-08T13:00", 4.0)
TAKEN = {"north": 0.03, "east": 0.01, "south": 0.0}  # m of head, by the leak
NOISE = 0.02  # m, of a reading: some 2 mm of a night's parts


def town(unit: str, leak: Leak = LEAK) -> dict[str, Any]:
    """Inflow with a leak, and three sensors whose heads the inflow and the leak lower."""
    times, flow = inflow(*SPAN, leaks=[leak])
    rng = np.random.default_rng(5)
    series: dict[str, Any] = {
        "hafen_inflow": (times, flow),
        "altstadt_inflow": inflow(*SPAN, seed=2),
    }
    for at, (name, taken) in enumerate(TAKEN.items()):
        head = 45 - (1 + at) * load_of(flow) / 30**1.852 - taken * leak.shape(times) / leak.flow
        head += NOISE * rng.normal(0, 1, len(times))
        series[name] = times, head * convert(1.0, "mH2O", unit)
    return series


@pytest.mark.parametrize("unit", ["bar", "mH2O", "psi"])
def test_centimetres_of_head_point_at_the_sensor_in_every_unit(ask: Callable[..., Result], unit: str) -> None:
    """The leak takes 3 cm at the nearest sensor and a third of it at the next: less than 0.4 of it is not near."""
    gauges = "".join(f"  {name}: {{unit: {unit}, every: 15m, zone: hafen}}\n" for name in TAKEN)
    found = ask("water/leaks", CITY + gauges, town(unit), "2026-04-20", "2026-05-03", history="75d")
    (event,) = rows_of(found, "events")
    assert event["near"] == "north"
    assert event["flow_m3h"] == pytest.approx(LEAK.flow, rel=0.15)


def test_a_sensor_that_is_set_anew_meanwhile_is_not_near(ask: Callable[..., Result]) -> None:
    """The far one is set lower by 5 cm while a leak grows, which takes 3 cm at the nearest within a fortnight."""
    gauges = "".join(f"  {name}: {{unit: mH2O, every: 15m, zone: hafen}}\n" for name in TAKEN)
    series = town("mH2O", Leak("2026-04-08T13:00", 4.0, days=14))
    times, head = series["south"]
    series["south"] = times, head - 0.05 * (times >= np.datetime64("2026-04-16T13:00"))
    found = ask("water/leaks", CITY + gauges, series, "2026-04-20", "2026-05-03", history="75d")
    near = [row["near"] for row in rows_of(found, "events")]
    assert near == ["north", "north, east"]  # 4 m³/h in a fortnight are told as two
