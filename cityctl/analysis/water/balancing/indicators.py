"""Indicators of a water balance: non-revenue water, leakage index and band, losses by connection or km.

Knows volumes and the figures of a network; in US units the formula of AWWA M36 is taken, not a conversion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cityctl.analysis.water.balancing import formulas
from cityctl.analysis.water.balancing.cells import Volume, of_supplied
from cityctl.units import convert


@dataclass(frozen=True)
class Network:
    """Length of mains [km], connections, pipe of a connection behind the property line [km], pressure [m of head],

    and where that pressure is from.
    """

    mains: float | None
    connections: float | None
    private: float
    pressure: float | None
    pressure_from: str = ""

    @property
    def whole(self) -> bool:
        """Whether the unavoidable losses can be told."""
        return None not in (self.mains, self.connections, self.pressure)

    def unavoidable(self, *, us: bool) -> float:
        """Unavoidable annual real losses [m³/day, or gal/day]."""
        mains, connections, pressure = self.mains or 0.0, self.connections or 0.0, self.pressure or 0.0
        private = connections * self.private
        if not us:
            return formulas.unavoidable(mains, connections, private, pressure)
        miles = convert(1.0, "km", "mi")
        psi = convert(pressure, "mH2O", "psi")
        return formulas.unavoidable_us(mains * miles, connections, private * miles, psi)


Row = tuple[object, ...]


def indicators(
    cells: dict[str, Volume], network: Network, days: float, given: Mapping[str, Any], currency: str
) -> tuple[list[Row], list[str]]:
    """(name, value, low, high, unit, verdict) of each indicator, and why UARL is in doubt.

    `cells` [m³] of `days`; `given` holds units, economy, production_cost, survey_cost and rate_of_rise.
    """
    us = given["units"] == "us"
    volume, factor = ("gal", convert(1.0, "m3", "gal")) if us else ("m³", 1.0)
    rows: list[Row] = []

    def add(name: str, of: Volume, by: float, unit: str, verdict: str = "") -> None:
        ends = sorted((of.low / by, of.high / by))
        rows.append((name, of.value / by, *ends, unit, verdict))

    real, supplied = cells["real"], cells["supplied"].value
    if supplied > 0:
        add("Non-revenue water", of_supplied(cells, "non_revenue"), 0.01, "% of the water supplied")
        add("Real losses", of_supplied(cells, "real"), 0.01, "% of the water supplied")
    daily = days / factor
    add("Current real losses (CARL)", real, daily, f"{volume}/day")
    if network.connections and network.mains:
        _by_length(add, real, network, days, us)
    doubtful: list[str] = []
    if network.pressure is not None:
        head, unit = (
            (convert(network.pressure, "mH2O", "psi"), "psi") if us else (network.pressure, "m of head")
        )
        rows.append(("Mean pressure", head, None, None, unit, network.pressure_from))
    if network.whole:
        least = network.unavoidable(us=us)
        doubtful = formulas.doubts(network.mains or 0, network.connections or 0, network.pressure or 0)
        said = "OUTSIDE VALIDITY " + "; ".join(doubtful) if doubtful else ""
        rows.append(("Unavoidable real losses (UARL)", least, None, None, f"{volume}/day", said))
        if least > 0:
            index = real.value / daily / least
            ends = (real.low / daily / least, real.high / daily / least)
            add("Leakage index (ILI)", real, daily * least, "CARL/UARL", _band(index, ends, given["economy"]))
    else:
        lacking = [
            word
            for word, value in (
                ("mains", network.mains),
                ("connections", network.connections),
                ("pressure", network.pressure),
            )
            if value is None
        ]
        text = f"NOT ASSESSABLE without {' and '.join(lacking)}"
        rows.append(("Leakage index (ILI)", None, None, None, "CARL/UARL", text))
    rows += _search(given, currency, volume, factor)
    return rows, doubtful


def _by_length(add: Any, real: Volume, network: Network, days: float, us: bool) -> None:
    """Losses by connection in a dense network, else by length of mains."""
    connections, mains = network.connections or 0.0, network.mains or 0.0
    if connections / mains >= formulas.DENSE:
        unit = "gal" if us else "L"
        litres = days * connections / convert(1.0, "m3", unit)
        add("Real losses by connection", real, litres, f"{unit}/connection/day")
        return
    unit, length, symbol = ("gal", "mi", "gal") if us else ("m3", "km", "m³")
    by = days * convert(mains, "km", length) / convert(1.0, "m3", unit)
    add("Real losses by length of mains", real, by, f"{symbol}/{length}/day")


def _band(index: float, ends: tuple[float, float], economy: str) -> str:
    """The band of a leakage index, and the others that its interval reaches."""
    if index <= 0:
        return "NOT ASSESSABLE no real losses are left: look at the meters"
    low, own, high = (
        formulas.band(one, developing=economy == "developing") for one in (ends[0], index, ends[1])
    )
    span = "" if low == high else f" ({low} to {high} within the interval)"
    return f"band {own}{span}, {economy} country"


def _search(given: Mapping[str, Any], currency: str, volume: str, factor: float) -> list[Row]:
    """How often to search the network for unreported leaks, where cost and rate of rise are given."""
    survey, cost, rise = (given[key] for key in ("survey_cost", "production_cost", "rate_of_rise"))
    if not (survey and cost and rise):
        return []
    months = formulas.intervention_months(survey, cost, rise)
    return [
        (
            "Economic intervention frequency",
            months,
            None,
            None,
            "months",
            f"search all every {months:.0f} months",
        ),
        ("Economic budget of searching", survey * 12 / months, None, None, f"{currency}/year", ""),
        (
            "Economic unreported losses",
            rise * months / 24 * 365.25 * factor,
            None,
            None,
            f"{volume}/year",
            "",
        ),
    ]
