"""What the files beside city.yaml hold, row by row: bills that came, interruptions, repairs, a typical year."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Stated:
    """One line of a bill that came; `month` is its first day, `amount` in the city's currency."""

    meter: str
    month: datetime.date
    line: str
    amount: float


@dataclass(frozen=True)
class Interruption:
    """One interruption of supply: aware UTC instants, `end` None while it lasts, customers without supply."""

    start: datetime.datetime
    end: datetime.datetime | None
    customers: int
    zone: str | None
    cause: str
    place: str


class TypicalDay(NamedTuple):
    """A day of a typical year, and its mean outdoor temperature [degC]."""

    month: int
    day: int
    celsius: float


@dataclass(frozen=True)
class WorkOrder:
    """A repair that was done in a zone on a local day; `written`: how its date was read, where its file told that."""

    date: datetime.date
    zone: str
    what: str = ""
    written: str = ""
