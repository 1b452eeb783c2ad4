"""Reliability indices of IEEE Std 1366-2012. Interruptions in, figures out; knows no city.

SAIFI = sum(N_i) / N_T, SAIDI = sum(N_i r_i) / N_T, CAIDI = SAIDI / SAIFI, ASAI = 1 - SAIDI / T over sustained
interruptions (more than 5 minutes); MAIFI = sum(N_i) / N_T over the momentary ones. Major event days: daily SAIDI
above T_MED = exp(alpha + 2.5 beta), alpha and beta the mean and standard deviation of ln(daily SAIDI) over five years,
days without interruption left out; an interruption belongs whole to the day it starts.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

SUSTAINED = 5.0  # minutes: longer ones are sustained
BETAS = 2.5
LEAST_DAYS = 30  # with interruptions, for a threshold that means something


@dataclass(frozen=True)
class Outage:
    """Customers without supply [count] for so long [min], from that local day on."""

    day: date
    customers: int
    minutes: float
    zone: str | None = None
    cause: str = ""

    @property
    def sustained(self) -> bool:
        """Longer than 5 minutes."""
        return self.minutes > SUSTAINED


@dataclass(frozen=True)
class Indices:
    """Indices of a period; durations in minutes, ASAI 0..1; CAIDI is None without a sustained interruption."""

    interruptions: int
    momentary: int
    customers: int
    customer_minutes: float
    saifi: float
    saidi: float
    caidi: float | None
    asai: float
    maifi: float


def indices(outages: Iterable[Outage], served: float, hours: float) -> Indices:
    """Indices of outages among `served` customers (N_T) in a period of `hours`."""
    long: list[Outage] = []
    short: list[Outage] = []
    for one in outages:
        (long if one.sustained else short).append(one)
    customers = sum(one.customers for one in long)
    minutes = math.fsum(one.customers * one.minutes for one in long)
    saifi, saidi = customers / served, minutes / served
    return Indices(
        interruptions=len(long),
        momentary=len(short),
        customers=customers,
        customer_minutes=minutes,
        saifi=saifi,
        saidi=saidi,
        caidi=saidi / saifi if saifi > 0 else None,
        asai=1 - saidi / (60 * hours),
        maifi=sum(one.customers for one in short) / served,
    )


def daily_saidi(outages: Iterable[Outage], served: float) -> dict[date, float]:
    """Local day -> SAIDI [min] of the sustained interruptions that started on it; days above zero only."""
    found: dict[date, float] = {}
    for one in outages:
        if one.sustained and one.customers:
            found[one.day] = found.get(one.day, 0.0) + one.customers * one.minutes / served
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class Threshold:
    """T_MED [min] with alpha, beta (of ln minutes) and the number of days they come from."""

    minutes: float
    alpha: float
    beta: float
    days: int


def threshold(daily: Mapping[date, float]) -> Threshold | None:
    """T_MED of daily SAIDI [min] (zero days are no days here); None with fewer than 30 days.

    beta is the standard deviation of a sample (n - 1).
    """
    logs = [math.log(minutes) for minutes in daily.values() if minutes > 0]
    if len(logs) < LEAST_DAYS:
        return None
    alpha, beta = statistics.fmean(logs), statistics.stdev(logs)
    return Threshold(math.exp(alpha + BETAS * beta), alpha, beta, len(logs))
