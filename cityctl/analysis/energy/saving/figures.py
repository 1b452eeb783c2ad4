"""The cells of a meter's account, from the sums of savings.sql and its model. Runs no SQL."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from cityctl.analysis.energy.basis.meters import Wanted
from cityctl.analysis.energy.models.stretches import GROUPS
from cityctl.analysis.energy.models.uncertainty import Drift, Fit, fractional, t_quantile, wider
from cityctl.analysis.energy.saving.drivers import Driver
from cityctl.analysis.energy.saving.normal import Normal
from cityctl.analysis.question import Question
from cityctl.city.model import City

_NOTHING = 1e-9  # of a day's mean use


def figures(
    question: Question,
    one: Wanted,
    totals: Mapping[str, Any],
    model: Mapping[str, Any],
    drift: Drift | None,
) -> tuple[float, dict[str, Any]]:
    """The formula's half-width [kWh], and the row's cells."""
    assert one.intervention is not None
    expected, observed = float(model["expected"]), float(model["observed"])
    if abs(expected) <= _NOTHING * abs(float(model["mean"])) * int(model["rows"]):
        expected = 0.0  # of a boiler in summer: what is left is the sums' rounding
    avoided = expected - observed
    billed = question.parameters["method"] == "billing"
    fit = _fit_of(model, billed=billed)
    confidence = question.parameters["confidence"]
    days = int(model["days"])
    formula = fit.band(expected, int(model["rows"]), days, confidence)
    band = formula
    if model["own_error"] is not None:  # of many models of a month each, of which the formula does not know
        band = math.hypot(band, t_quantile(0.5 + confidence / 2, GROUPS - 1) * model["own_error"])
    if drift is not None:
        band = wider(band, drift.band(days, confidence))
    first = question.interval.start.astimezone(question.interval.zone).date()
    last = question.interval.end.astimezone(question.interval.zone)
    spans = {
        "baseline_start": one.intervention - timedelta(days=question.parameters["baseline_days"]),
        "baseline_end": one.intervention,
        "reporting_start": max(one.intervention, first),
        "reporting_end": last.date(),
    }  # of bills: the days that those which count hold
    return formula, {
        "baseline_kwh": totals["used"],
        "counterfactual_kwh": expected,
        "observed_kwh": observed,
        "avoided_kwh": avoided,
        "saving_pct": 100 * avoided / expected if expected else math.nan,
        "fsu": fractional(formula, avoided),
        "cvrmse": fit.cvrmse if model["own_cvrmse"] is None else model["own_cvrmse"],
        "cvrmse_reporting": _scatter(model),
        "enpi": observed / expected if expected else None,
        "nmbe": fit.nmbe,
        "model": model["model"],
        **{key: totals.get(key) or told for key, told in spans.items()},
        "avoided_low": avoided - band,
        "avoided_high": avoided + band,
        "r2_adj": model["r2_adj"],
        "intercept": model["intercept"],
        "beta_heating": model["beta_heating"] if model["heating"] is not None else None,
        "beta_cooling": model["beta_cooling"] if model["cooling"] is not None else None,
        "heating_balance_point": model["heating"],
        "cooling_balance_point": model["cooling"],
        **_own_degrees(model, fahrenheit=speaks_fahrenheit(question.city)),
        "heating_bend": model["heating_bend"] if model["heating"] is not None else None,
        "cooling_bend": model["cooling_bend"] if model["cooling"] is not None else None,
        "days": days,
        "beyond_days": int(model["beyond"]),
    }


def speaks_fahrenheit(city: City) -> bool:
    """Whether city.yaml gives its outdoor temperature, or the one of its first zone that has one, in °F."""
    known = [city.weather.temperature, *(zone.temperature for zone in city.zones.values())]
    names = [name for name in known if name is not None]
    return bool(names) and city.points()[names[0]].shown_unit == "degF"


def _own_degrees(model: Mapping[str, Any], *, fahrenheit: bool) -> dict[str, float | None]:
    """Balance points and slopes of a model, which are in °F, in °C and kWh/K/d, or as they are."""
    scale, zero = (1.0, 0.0) if fahrenheit else (1.8, 32.0)
    heats, cools = model["heating"], model["cooling"]
    return {
        "heats_below": None if heats is None else (heats - zero) / scale,
        "cools_above": None if cools is None else (cools - zero) / scale,
        "heating_per_degree": None if heats is None else model["beta_heating"] * scale,
        "cooling_per_degree": None if cools is None else model["beta_cooling"] * scale,
    }


def _scatter(model: Mapping[str, Any]) -> float:
    """Scatter of the compared use around the expected, over its mean."""
    if model["own_cvrmse_reporting"] is not None:
        return float(model["own_cvrmse_reporting"])
    rows, observed = model["rows"], model["observed"]
    return math.sqrt(model["reporting_sse"] / rows) / (observed / rows) if observed else math.nan


def _fit_of(model: Mapping[str, Any], *, billed: bool) -> Fit:
    """How the model fits the baseline, from the sums of savings.sql."""
    rho = model["rho"]
    return Fit(
        days=int(model["n"]),
        terms=int(model["terms"]),
        mean=float(model["mean"]),
        sse=float(model["sse"]),
        bias=float(model["bias"]),
        rho=0.0 if billed or rho is None or not math.isfinite(rho) else float(rho),
        billed=billed,
    )


def of_normal_year(year: Normal | None) -> dict[str, float | None]:
    """A normal year's columns."""
    if year is None:
        return {"normal_kwh": None, "normal_pct": None}
    return {"normal_kwh": year.saved, "normal_pct": 100 * year.saved / year.before if year.before else None}


def said_drivers(city: City, drivers: Sequence[Driver]) -> str | None:
    """`output: 2.31 kWh/kg`, what each unit of a cause uses."""
    said = []
    for one in drivers:
        point = city.points()[one.point]
        unit = "" if point.kind == "state" else point.unit
        said.append(f"{one.point}: {one.beta:.4g} kWh{'/' + unit if unit else ' each'}")
    return "; ".join(said) or None
