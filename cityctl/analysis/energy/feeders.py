"""Feeders: losses, reverse power, and what EV charging makes of the peak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cityctl import glossary
from cityctl.analysis.energy.basis import subjects
from cityctl.analysis.energy.basis.early import from_early
from cityctl.analysis.energy.basis.network_balance import (
    BALANCE_DAYS,
    UNEVEN_DAYS,
    Balance,
    Charging,
    DaySums,
    balance,
    by_day,
    by_window,
    charging,
    reverse_of,
    with_next,
)
from cityctl.analysis.energy.basis.twice import said_twice, told_twice
from cityctl.analysis.energy.grid.feeder_meters import Feeder, feeders_of
from cityctl.analysis.energy.grid.feeder_plots import peak_plot
from cityctl.analysis.energy.transformers import rated
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.clock import Interval, local_days
from cityctl.errors import UsageProblem, listed
from cityctl.result import Column, Completeness, Finding, Missing, Plot, Result, Table
from cityctl.wording import counted

TITLE = "Feeders"
SUMMARY = "losses, reverse power and EV charging's share of the peak of each feeder"
# fmt: off
COLUMNS: tuple[Column, ...] = (
    glossary.column("zone"),
    Column("customer_meters", "Meters", None, "meters of use, of generation and of chargers on it", "integer", 0, 5),
    BALANCE_DAYS, UNEVEN_DAYS,
    Column("fed_in_kwh", "Fed in", "kWh", "from above and from generation, on the balanced days", "number", 0, 3),
    Column("taken_kwh", "Taken", "kWh", "metered use, and what went back up, on the same days", "number", 0, 3),
    Column("lost_kwh", "Lost", "kWh", "fed in less taken", "number", 0, 2),
    Column("loss_share", "Losses", None, "lost over fed in: technical and commercial together", "share", 1, 1),
    Column("feeder_peak_kw", "Highest", "kW", "highest mean power of a window from above", "number", 1, 3),
    Column("reverse_h", "Reverse", "h", "time with power flowing back up", "number", 1, 2),
    Column("reverse_peak_kw", "Reverse peak", "kW", "highest power that flowed back", "number", 1, 3),
    Column("reverse_kwh", "Went back", "kWh", "energy that flowed back", "number", 0, 5),
    glossary.column("verdict"),
    Column("chargers", "Chargers", None, "metered EV chargers", "integer", 0, 3),
    Column("ev_rated_kw", "Rated", "kW", "their rated power, or their own peaks where city.yaml has none", "number", 1,
           4),
    Column("ev_peak_kw", "EV peak", "kW", "highest power of all chargers together", "number", 1, 2),
    Column("coincidence", "Coincidence", None, "that peak over the rated power", "share", 0, 1),
    Column("ev_at_peak_kw", "At the peak", "kW", "power of the chargers while the feeder peaked", "number", 1, 2),
    Column("ev_share", "Share", None, "share of the feeder's peak that charging made", "share", 0, 1),
    Column("peak_without_kw", "Without", "kW", "highest power without charging", "number", 1, 2),
)
# fmt: on
_BY_KEY = {one.key: one for one in COLUMNS}
_FEEDERS = ("zone", "customer_meters", "balance_days", "uneven_days", "fed_in_kwh", "taken_kwh", "lost_kwh",
            "loss_share", "feeder_peak_kw", "reverse_h", "reverse_peak_kw", "reverse_kwh", "verdict")  # fmt: skip
_CHARGING = ("zone", "chargers", "ev_rated_kw", "ev_peak_kw", "coincidence", "feeder_peak_kw", "ev_at_peak_kw",
             "ev_share", "peak_without_kw")  # fmt: skip
_TOLD = ("zone", "lost_kwh", "loss_share", "reverse_h", "reverse_peak_kw", "reverse_kwh")  # of a finding
LEAST_DAYS = 0.9  # of the interval's, that a balance should hold
PARAMETERS = (
    Parameter("most", "share", 0.10, None, "losses from which a feeder is called out", least=0.0, most=1.0),
)


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Supply of the feeders and every meter on them."""
    del parameters
    return list(dict.fromkeys(point for feeder in feeders_of(city) for point in feeder.every))


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """The interval and the first readings after it."""
    del parameters, city
    return from_early(with_next(interval))


def answer(question: Question) -> Result:
    """Feeders by their losses, and the charging on them."""
    feeders = feeders_of(question.city)
    if not feeders:
        raise UsageProblem(
            "no feeder in city.yaml has a meter of its supply",
            hint="points: {substation-7: {unit: kW, every: 15m, zone: feeder-7, role: supply}}; power that flows back "
            "is below 0, or an energy of its own with `role: export`",
        )
    known = question.city.points()
    every = list(dict.fromkeys(point for feeder in feeders for point in feeder.every))
    days = by_day(question, every)
    twice = told_twice(question.city, [known[one] for one in every], days.net)
    fine = [known[one] for feeder in feeders for one in (*feeder.supply, *feeder.back, *feeder.chargers)]
    width = 15 if all(one.every is not None and one.every.total_seconds() <= 900 for one in fine) else 60
    shown = [
        *(one.id for one in fine),
        *(one for feeder in feeders for one in feeder.behind),
    ]
    power = by_window(question, shown, width)
    rows: list[tuple[object, ...]] = []
    cars: list[tuple[object, ...]] = []
    lacking: list[Missing] = [
        Missing(feeder.zone, f"{one}: {said_twice(twice[one])}")
        for feeder in feeders
        for one in feeder.every
        if one in twice
    ]
    findings: list[Finding] = []
    called = subjects.of_zones(question.city)
    plots = []
    feeders = [feeder.once(twice) for feeder in feeders]
    for feeder in feeders:
        row, said, ev = _judge(question, feeder, days, power, width / 60, lacking)
        plots.append(_plot(question, feeder, called[feeder.zone], power, width))
        rows.append(row)
        if ev is not None:
            chargers = [*feeder.chargers, *feeder.behind]
            cars.append(
                (feeder.zone, len(chargers), ev.rated, ev.peak, ev.coincidence, row[8], ev.at_peak,
                 ev.share_of_peak, ev.without)
            )  # fmt: skip
        if not said.startswith(("normal", "NOT")):
            findings.append(
                Finding(
                    "feeder",
                    called[feeder.zone],
                    question.interval.start,
                    said,
                    severity="note" if said.startswith("REVERSE") else "warning",
                    evidence={key: cell for key, cell in zip(_FEEDERS, row, strict=True) if key in _TOLD},
                )
            )
    ranks = {row[0]: at for at, row in enumerate(rows)}
    rows.sort(key=lambda row: (row[7] is None, -float(str(row[7] or 0)), str(row[0])))
    judged = sum(row[7] is not None for row in rows)
    return Result(
        title=TITLE,
        tables=[
            Table("feeders", TITLE, [_BY_KEY[key] for key in _FEEDERS], rows),
            Table("charging", "EV charging", [_BY_KEY[key] for key in _CHARGING], cars),
        ],
        interval=question.interval,
        findings=findings,
        completeness=Completeness(len(feeders), judged, lacking, "feeders"),
        plots=[plot for row in rows if (plot := plots[ranks[row[0]]]) is not None],
        notes=list(NOTES),
        summary=f"{judged} of {len(feeders)} feeders balanced, "
        f"{sum(str(row[-1]).startswith('HIGH') for row in rows)} with high losses",
    )


def _judge(
    question: Question,
    feeder: Feeder,
    days: DaySums,
    power: Mapping[str, Any],
    hours: float,
    lacking: list[Missing],
) -> tuple[tuple[object, ...], str, Charging | None]:
    import numpy as np

    supply, through = days.parted(feeder.supply)
    into = supply | {one: days.net[one] for one in feeder.generation}
    out = {one: days.net[one] for one in (*feeder.back, *feeder.use, *feeder.chargers)} | through
    found = balance(into, out)
    net = _net(feeder, power)
    back = reverse_of(net, hours)
    seen = bool(np.isfinite(net).any())
    why = _why_not(feeder, found)
    asked = len(local_days(question.interval))
    if why is not None:
        lacking.append(Missing(feeder.zone, why))
    elif found.days < LEAST_DAYS * asked:
        lacking.append(
            Missing(feeder.zone, f"balanced over {found.days} of {asked} days: the others have gaps")
        )
    share = found.share if why is None else None
    said = _verdict(share, why, back.hours, back.peak, question.parameters["most"])
    meters = len(feeder.every) - len(feeder.supply) - len(feeder.back)
    sums = (found.into, found.out, found.lost) if why is None else (None, None, None)
    row: tuple[object, ...] = (
        feeder.zone, meters, found.days, found.uneven, *sums, share,
        float(np.nanmax(net)) if seen else None, back.hours if seen else None, back.peak if seen else None,
        back.energy if seen else None, said,
    )  # fmt: skip
    chargers = [*feeder.chargers, *feeder.behind]
    if not chargers:
        return row, said, None
    known = question.city.points()
    rated: dict[str, float | None] = {}
    for one in chargers:
        asset = known[one].asset
        rated[one] = question.city.assets[asset].power if asset is not None else None
    ev = charging(net, {one: power[one] for one in chargers}, rated)
    if ev is None:
        lacking.append(
            Missing(
                f"EV charging of {feeder.zone}", "no window in which supply and every charger were metered"
            )
        )
    return row, said, ev


def _net(feeder: Feeder, power: Mapping[str, Any]) -> Any:
    """Power from above less what flowed back [kW]."""
    import numpy as np

    return sum(power[one] for one in feeder.supply) - sum((power[one] for one in feeder.back), np.float64(0))


def _plot(
    question: Question, feeder: Feeder, called: str, power: Mapping[str, Any], width: int
) -> Plot | None:
    net, chargers = _net(feeder, power), [*feeder.chargers, *feeder.behind]
    without = net - sum(power[one] for one in chargers) if chargers else None
    return peak_plot(
        feeder.zone, called, question.interval, width, net, without, rated(question.city, feeder.zone)
    )


def _why_not(feeder: Feeder, found: Balance) -> str | None:
    """Why the losses of a feeder cannot be told; None where they can."""
    if not feeder.use:
        return "no meters of use on it"
    if found.silent:
        return f"no whole day of {listed(found.silent[:3])}" + (
            f" and {counted(len(found.silent) - 3, 'more meter')}" if len(found.silent) > 3 else ""
        )
    if not found.days:
        return "no day on which all its meters were metered whole"
    return None if found.into > 0 else "nothing was fed in"


def _verdict(share: float | None, why: str | None, reverse: float, peak: float, most: float) -> str:
    said = []
    if why is not None or share is None:
        said.append(f"NOT ASSESSABLE: {why}")
    elif share < 0:
        said.append(f"IMPLAUSIBLE: {-100 * share:.1f} % more metered than fed in")
    elif share > most:
        said.append(f"HIGH LOSSES: {100 * share:.1f} % of what was fed in")
    if reverse:
        said.append(f"REVERSE POWER for {reverse:.1f} h, up to {peak:.0f} kW")
    return "; ".join(said) or "normal"


NOTES = (
    "Method: losses = (fed in - taken) / fed in, over the local days on which the supply and every meter were metered "
    "whole; one silent meter would show its use as a loss, so without a common day nothing is said. A charger in the "
    "zone of a meter of use is behind that meter; generation is fed in unless its zone meters what it exports.",
    "Method: power is the mean of 15 minutes, or of an hour where supply or chargers are read more seldom. It flows "
    "back where more than a thousandth of the highest power does: less is what meters tell of no load. Coincidence "
    "= highest sum of the chargers / sum of their rated powers (`power` of their assets), else of their own peaks.",
    "Limits: losses are technical and commercial ones together: heat in the wires, theft, unmetered lamps and wrong "
    "meters. The line above which a feeder is called out (`most`) is this house's, no standard's.",
)
