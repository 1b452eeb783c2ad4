"""A point: one quantity of a device, a meter, a file, or of other points. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from cityctl.city.formula import Formula
from cityctl.reading import Kind


@dataclass(frozen=True, slots=True)
class Point:
    """`unit` is the canonical one that the store keeps; `shown_unit` the one that city.yaml speaks.

    `device` is "device/point", `service` "service/series", `series` the name in imported files. A derived
    point's formula takes canonical values and gives one; what was written with numbers holds for `shown_unit`. A
    counter begins anew at zero when it reaches `rollover` [unit], where that is known. `states`: code and name of
    each state, as the connector gives them.
    """

    id: str
    quantity: str
    unit: str
    shown_unit: str
    kind: Kind
    name: str | None = None
    every: timedelta | None = None
    zone: str | None = None
    network: str | None = None
    asset: str | None = None
    role: str | None = None
    device: str | None = None
    service: str | None = None
    series: str | None = None
    formula: Formula | None = None
    species: str | None = None
    reference_temperature: float | None = None
    rollover: float | None = None
    states: tuple[tuple[int, str], ...] = ()
