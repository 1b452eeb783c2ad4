"""Which kind of day each local day is for the split model: its season where the city lies, and whether people work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from statistics import fmean

from cityctl.analysis.energy.models import split
from cityctl.analysis.question import Question

DECEMBER, JUNE = (12, 1, 2), (6, 7, 8)


def cells_of(question: Question, days: Sequence[date]) -> list[int]:
    """The kind of each day (split.cell_of), in order of time; 0 for all where the method has one model for all days."""
    if question.parameters["method"] != "split" or not days:
        return [0] * len(days)
    rest, turned = question.city.days_of_rest, south(question)
    kinds = zip(days, question.city.kinds_of(days), strict=True)
    return [split.cell_of(day, rest=kind in rest, south=turned) for day, kind in kinds]


def south(question: Question) -> bool:
    """Whether December is warmer than June.

    By the city's latitude; where city.yaml has no location by its typical year, else by the outdoor temperatures of
    the meters (savings_meters): north where they know only one of the two.
    """
    city = question.city
    if city.location is not None:
        return city.location.latitude < 0
    year = city.typical_year()
    if year:
        december, june = (
            fmean(one.celsius for one in year if one.month in months) for months in (DECEMBER, JUNE)
        )
        return december > june
    ((warm, cold),) = question.engine.rows(question.sql("solstices"))
    return warm is not None and cold is not None and bool(warm > cold)
