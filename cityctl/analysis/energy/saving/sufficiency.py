"""What the data of a meter lack for a saving, the gravest first: where any of it is true there is no figure.

Days that are left out for a stated cause are no lack of data, up to a quarter of the baseline: a limit of this house,
no standard's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.question import Question
from cityctl.wording import counted

MOST_STATED = 0.25  # of the baseline's days
LEAST_HOURS = 12  # with an outdoor temperature in a day, on average


def failures(
    question: Question, one: Wanted, totals: Mapping[str, Any] | None, model: Mapping[str, Any] | None
) -> list[str]:
    """What the data lack, the gravest first; nothing is computed for a meter of which any is true."""
    asked = question.parameters
    if one.point.quantity == "volume":
        return ["metered in m³: kWh needs a calorific value"]
    if one.intervention is None:
        return ["no date of a measure in city.yaml"]
    if one.intervention >= question.interval.end.astimezone(question.interval.zone).date():
        return [f"the measure is on {one.intervention}, after the interval"]
    if one.temperature is None:
        return ["no outdoor temperature in city.yaml"]
    if totals is None:
        return ["no readings before the measure"]
    wrong_step = _step_problem(asked["method"], totals["every_s"], totals.get("weather_hours"))
    if wrong_step:
        return [wrong_step]
    if not totals["used_days"]:
        return [_why_unused(totals)]
    found = []
    days = asked["baseline_days"]
    routine = days - min(totals.get("stated_days", 0), MOST_STATED * days)
    if totals["used_days"] < asked["baseline_share"] * routine:
        found.append(f"baseline has {floored(totals['used_days'] / days)} of its days")
    if totals["weather_days"] < asked["baseline_share"] * days:
        found.append(
            f"outdoor temperature has {floored(totals['weather_days'] / days)} of the baseline's days"
        )
    elif totals["n"] < asked["baseline_share"] * routine and not found:
        found.append(f"baseline has use and temperature on {floored(totals['n'] / days)} of its days")
    negatives = totals["baseline_negatives"] + totals["reporting_negatives"]
    if negatives:
        found.append(f"{counted(int(negatives), 'negative reading')}: does it feed in?")
    if not totals["compared_days"]:
        found.append("no valid day since the measure")
    if model is not None and not found and not model["mean"]:
        found.append("it used nothing before the measure: is it in use?")
    return found if model is not None or found else ["no model fits"]


def _why_unused(totals: Mapping[str, Any]) -> str:
    """Why no day before the measure counts: it has no readings, or most of them are 0."""
    if not totals.get("zeros"):
        return "no readings before the measure"
    return f"no day has enough readings: {counted(totals['zeros'], 'reading')} of 0 taken as missing"


def _step_problem(method: str, every_s: float | None, weather_hours: float | None) -> str | None:
    """Why readings of use or weather lie too far apart for a method; None where they do not."""
    if method == "towt" and weather_hours is not None and weather_hours < LEAST_HOURS:
        return f"{weather_hours:.0f} outdoor temperatures a day: the model by the hour needs hourly ones"
    if every_s is None:
        return None
    if method == "towt" and every_s > 3600:
        return f"its readings are {every_s / 3600:.0f} h apart: the model by the hour needs hourly ones"
    if method in ("caltrack2", "split") and every_s > 2 * 86400:
        return f"its readings are {every_s / 86400:.0f} days apart: ask with method billing"
    return None


def floored(share: float) -> str:
    """Rounded down: 89.9 % must not read as the 90 % that were asked for."""
    return f"{math.floor(share * 100)} %"
