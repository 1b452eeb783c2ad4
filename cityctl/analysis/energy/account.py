"""From the sums of savings.sql to rows with a verdict: sufficiency first, then the saving and how sure it is.

A meter whose data do not suffice gets the reasons and no figure; a saving whose interval reaches further than half
of it to either side is called not proven. Runs no SQL.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from cityctl.analysis.energy.bills import LeftOut
from cityctl.analysis.energy.columns import ROW
from cityctl.analysis.energy.drivers import METHOD as DRIVEN
from cityctl.analysis.energy.drivers import Driver
from cityctl.analysis.energy.events import Event
from cityctl.analysis.energy.meters import Wanted
from cityctl.analysis.energy.normal import LEAST_DAYS, Normal
from cityctl.analysis.energy.uncertainty import MOST_FSU, Drift, Fit, wider
from cityctl.analysis.question import Question
from cityctl.city.model import City
from cityctl.errors import listed

MOST_IDLE = 0.05  # share of the expected use on days that read 0: above it a shutdown would pass for a saving
SHORT = 28  # compared days: below them a figure says little of a year
LEAST_HOURS = 12  # with an outdoor temperature in a day, on average
REFUSED = ("unit", "dead")  # events of which no figure is made


@dataclass
class Row:
    """One meter's account; `figures` by column key are empty where it cannot be judged."""

    meter: str
    zone: str | None
    label: str
    network: str | None
    intervention: date | None
    verdict: str
    failures: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    formula: float = (
        math.nan
    )  # half-width of the saving's interval as ASHRAE Guideline 14 alone tells it [kWh]
    apart: bool = False
    method: str = "caltrack2"

    @property
    def avoided(self) -> float:
        """Saved use [kWh]; not a number where it cannot be judged."""
        return float(self.figures.get("avoided_kwh", math.nan))

    @property
    def proven(self) -> bool:
        """Whether the change is at least twice its uncertainty, whichever way it goes."""
        return bool(self.figures) and self.uncertainty <= MOST_FSU

    @property
    def band(self) -> float:
        """Half-width of the saving's interval [kWh]: the formula's, or a wider one that weeks left out tell."""
        return float(self.figures["avoided_high"]) - self.avoided

    @property
    def uncertainty(self) -> float:
        """The interval's half-width over the saving: never below `fsu`, which is the formula's."""
        return self.band / abs(self.avoided) if self.avoided else math.inf

    @property
    def saves(self) -> bool:
        """Whether a saving is proven and booked."""
        return self.proven and not self.apart and self.avoided > 0

    def cells(self) -> tuple[object, ...]:
        """The row under COLUMNS."""
        told = {
            "meter": self.meter,
            "zone": self.zone,
            "network": self.network,
            "verdict": self.verdict,
            "method": self.method,
            "reasons": "; ".join([*self.failures, *self.doubts, *self.remarks]) or None,
            **self.figures,
        }
        return tuple(told.get(key) for key in ROW)


@dataclass(frozen=True)
class Known:
    """What the engine found out about one meter.

    Sums of its days, its model, money, CO2 [kg], events, a normal year and whether one was asked for, bills that are
    not in the account, what makes the dates of bills doubtful, and how far the model is off on weeks that it was not
    fitted to, where that is known; the other causes in the model, and days of which one of them is not known.
    """

    totals: Mapping[str, Any] | None
    model: Mapping[str, Any] | None
    money: float | None = None
    carbon: float | None = None
    events: Sequence[Event] = ()
    normal: Normal | None = None
    normal_asked: bool = False
    left_out: Sequence[LeftOut] = ()
    doubt: str | None = None
    drift: Drift | None = None
    drivers: Sequence[Driver] = ()
    undriven: int = 0


def judge(question: Question, one: Wanted, known: Known) -> Row:
    """The account of one meter: what its data lack, or its saving with a verdict."""
    totals, model = known.totals, known.model
    name = one.point.zone or one.point.id
    zones = question.city.zones
    label = one.point.name or (zones[name].name if name in zones else None) or name
    row = Row(one.point.id, one.point.zone, label, one.network, one.intervention, "")
    row.method = question.parameters["method"]
    row.failures = _failures(question, one, totals, model)
    if known.undriven and row.failures:
        row.failures.append(_undriven(one, known.undriven))
    row.failures += [str(event) for event in known.events if event.kind in REFUSED]
    if row.failures:
        row.remarks = _lost(known.left_out)
        row.verdict = f"NOT ASSESSABLE {row.failures[0]}"
        return row
    assert totals is not None
    assert model is not None
    row.formula, row.figures = _figures(question, one, totals, model, known.drift)
    row.figures["saved_money"] = known.money
    row.figures["saved_co2"] = known.carbon
    row.figures["drivers"] = _said_drivers(question.city, known.drivers)
    row.figures |= _normal(known.normal)
    row.doubts = [
        *([known.doubt] if known.doubt else []),
        *_idle(model),
        *(str(event) for event in known.events if event.kind == "huge"),
    ]
    row.remarks = [*_remarks(one, totals, model, row), *_lost(known.left_out)]
    row.remarks += [str(event) for event in known.events if event.kind != "huge"]
    row.remarks += _driven(one, known, row.method)
    if known.normal_asked and known.normal is None:
        row.remarks.append(
            "no normal year: no one knows how large the other causes are in it"
            if known.drivers
            else f"no normal year: a model of it needs {LEAST_DAYS} sound days since the measure"
        )
    if known.normal is not None and known.normal.beyond:
        row.remarks.append(
            f"days of the normal year beyond the baseline: {known.normal.beyond}, extrapolated"
        )
    changed = row.proven and abs(row.figures["saving_pct"]) > 100 * question.parameters["most_change"]
    row.apart = changed or bool(row.doubts)
    row.verdict = _verdict(row)
    return row


def _failures(
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
    if totals is None or not totals["used_days"]:
        return ["no readings before the measure"]
    wrong_step = _step_problem(asked["method"], totals["every_s"], totals.get("weather_hours"))
    if wrong_step:
        return [wrong_step]
    found = []
    days = asked["baseline_days"]
    if totals["used_days"] < asked["baseline_share"] * days:
        found.append(f"baseline has {_percent(totals['used_days'] / days)} of its days")
    if totals["weather_days"] < asked["baseline_share"] * days:
        found.append(
            f"outdoor temperature has {_percent(totals['weather_days'] / days)} of the baseline's days"
        )
    elif totals["n"] < asked["baseline_share"] * days and not found:
        found.append(f"baseline has use and temperature on {_percent(totals['n'] / days)} of its days")
    negatives = totals["baseline_negatives"] + totals["reporting_negatives"]
    if negatives:
        found.append(f"{negatives:.0f} negative readings: does it feed in?")
    if not totals["compared_days"]:
        found.append("no valid day since the measure")
    if model is not None and not found and not model["mean"]:
        found.append("it used nothing before the measure: is it in use?")
    return found if model is not None or found else ["no model fits"]


def _undriven(one: Wanted, days: int) -> str:
    return f"{days} day{'' if days == 1 else 's'} without {listed(list(one.drivers))} left out"


def _driven(one: Wanted, known: Known, method: str) -> list[str]:
    """What is to be said of causes beside the weather."""
    if not one.drivers:
        return []
    if method != DRIVEN:
        return [f"{listed(list(one.drivers))}: left out of account, only method {DRIVEN} knows of it"]
    return [_undriven(one, known.undriven)] if known.undriven else []


def _said_drivers(city: City, drivers: Sequence[Driver]) -> str | None:
    """`output: 2.31 kWh/kg`, what each unit of a cause uses."""
    said = []
    for one in drivers:
        point = city.points()[one.point]
        unit = "" if point.kind == "state" else point.unit
        said.append(f"{one.point}: {one.beta:.4g} kWh{'/' + unit if unit else ' each'}")
    return "; ".join(said) or None


def _idle(model: Mapping[str, Any]) -> list[str]:
    """Days that read 0 although use was expected, where they hold too much of it to book the rest."""
    found = []
    if (model["idle_baseline_share"] or 0) > MOST_IDLE:
        found.append(
            f"0 on {model['idle_baseline']} baseline days on which use was expected: was it shut down?"
        )
    if (model["idle_share"] or 0) > MOST_IDLE:
        found.append(f"0 on {model['idle']} days since {model['idle_since']}: was it shut down?")
    return found


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


def _percent(share: float) -> str:
    """Rounded down: 89.9 % must not read as the 90 % that were asked for."""
    return f"{math.floor(share * 100)} %"


def _figures(
    question: Question,
    one: Wanted,
    totals: Mapping[str, Any],
    model: Mapping[str, Any],
    drift: Drift | None,
) -> tuple[float, dict[str, Any]]:
    """The formula's half-width [kWh], and the row's cells."""
    assert one.intervention is not None
    expected, observed = float(model["expected"]), float(model["observed"])
    avoided = expected - observed
    billed = question.parameters["method"] == "billing"
    fit = fit_of(model, billed=billed)
    confidence = question.parameters["confidence"]
    days = int(model["days"])
    formula = fit.band(expected, int(model["rows"]), days, confidence)
    band = formula if drift is None else wider(formula, drift.band(days, confidence))
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
        "fsu": formula / abs(avoided) if avoided else math.inf,
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
        **own_degrees(model, fahrenheit=speaks_fahrenheit(question.city)),
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


def own_degrees(model: Mapping[str, Any], *, fahrenheit: bool) -> dict[str, float | None]:
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


def fit_of(model: Mapping[str, Any], *, billed: bool) -> Fit:
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


def _normal(year: Normal | None) -> dict[str, float | None]:
    """A normal year's columns."""
    if year is None:
        return {"normal_kwh": None, "normal_pct": None}
    return {"normal_kwh": year.saved, "normal_pct": 100 * year.saved / year.before if year.before else None}


def _remarks(one: Wanted, totals: Mapping[str, Any], model: Mapping[str, Any], row: Row) -> list[str]:
    said = []
    if row.figures["cvrmse"] > 0.3:
        said.append(f"weather explains little: CV(RMSE) {row.figures['cvrmse']:.0%}")
    if totals["compared_days"] < 0.9 * totals["reporting_days"]:
        share = totals["compared_days"] / totals["reporting_days"]
        said.append(f"{_percent(share)} of the days since the measure are compared")
    if row.figures["days"] < SHORT:
        said.append(
            f"compared days: {row.figures['days']}, less than four weeks: a year may tell another figure"
        )
    said += _gaps(totals, row.method)
    if model["beyond"] and model["beyond"] >= 0.05 * model["days"]:
        said.append(f"{model['beyond']:.0f} days colder or warmer than the baseline knew: extrapolated")
    for when, idle, share in (
        ("baseline", model["idle_baseline"], model["idle_baseline_share"]),
        ("compared", model["idle"], model["idle_share"]),
    ):
        if idle and (share or 0) <= MOST_IDLE:
            said.append(f"0 on {idle} {when} days on which use was expected")
    if model["extreme"]:
        said.append(f"{model['extreme']:.0f} extreme days in the baseline (above median + 3 IQR)")
    if one.earlier is not None and (row.figures["baseline_start"] <= one.earlier):
        said.append(f"another measure on {one.earlier} lies in the baseline")
    return said


def _gaps(totals: Mapping[str, Any], method: str) -> list[str]:
    """What was missing, and what was put in its place."""
    filled = "their other hours are compared" if method == "towt" else "filled with their own mean"
    told = {
        "zeros": ("reading", "of 0 taken as missing"),
        "filled": ("day", f"with missing readings: {filled}"),
        "half_empty": ("day", "with too few readings left out"),
        "silent": ("day", "without readings left out"),
        "without_weather": ("day", "without outdoor temperature left out"),
    }
    if (
        totals["every_s"] is not None and totals["every_s"] > 2 * 86400
    ):  # between two bills no day has readings
        told = {"zeros": told["zeros"]}
    return [
        f"{totals[key]} {what}{'' if totals[key] == 1 else 's'} {text}"
        for key, (what, text) in told.items()
        if totals.get(key)
    ]


def _lost(bills: Sequence[LeftOut]) -> list[str]:
    """Bills that are not in the account, those of one reason together."""
    by_reason: dict[str, list[LeftOut]] = {}
    for one in bills:
        by_reason.setdefault(one.why, []).append(one)
    told = []
    for why, held in by_reason.items():
        days = listed([f"{one.day} to {one.until}" if one.until else f"from {one.day} on" for one in held], 3)
        kwh = sum(one.amount for one in held)
        amount = f"; {kwh:,.0f} kWh".replace(",", " ") if kwh else ""
        told.append(f"{len(held)} bill{'' if len(held) == 1 else 's'} left out ({days}{amount}): {why}")
    return told


def said_change(row: Row) -> str:
    """`saved 12.0 % (34 500 kWh, ± 31 % of it)` or `use rose by 4.0 % ...`."""
    per_cent = row.figures["saving_pct"]
    way = "saved" if per_cent >= 0 else "use rose by"
    amount = f"{abs(row.avoided):,.0f} kWh".replace(",", " ")
    return f"{way} {abs(per_cent):.1f} % ({amount}, ± {row.uncertainty:.0%} of it)"


def _verdict(row: Row) -> str:
    per_cent = row.figures["saving_pct"]
    if row.doubts:
        return f"SET APART {row.doubts[0]}"
    if row.apart:
        way = "fell" if per_cent > 0 else "rose"
        return f"SET APART use {way} by {abs(per_cent):.0f} %: another supply or purpose?"
    if row.proven:
        return "proven" if row.avoided > 0 else "USE ROSE proven"
    told = row.uncertainty
    return f"not proven, uncertainty {told:.0%} of it" if told < 10 else "not proven, no change to be seen"
