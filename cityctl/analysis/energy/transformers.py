"""Transformers: how far they are loaded, how warm their hot spot gets, and how fast they age."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cityctl import arrow, glossary
from cityctl.analysis.energy.basis import subjects
from cityctl.analysis.energy.basis.seldom import LEAST_METERED, NOTE, tells, unless_seldom
from cityctl.analysis.energy.grid.ageing import Ratings, ageing_rate, temperatures
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.city.ratings import Transformer
from cityctl.clock import Interval
from cityctl.errors import UsageProblem, listed
from cityctl.result import Column, Completeness, Finding, Line, Missing, Plot, Result, Table
from cityctl.units import convert
from cityctl.wording import percent

TITLE = "Transformers"
SUMMARY = "load, hot-spot temperature and ageing of each transformer after IEC 60076-7"
LOAD_ROLE = "load"
WARMING = timedelta(days=2)  # ten time constants of the oil
GAP_MINUTES = 120.0  # between two readings: beyond it nobody knows the load
MOST_LOAD = 4.0  # times the rated one: no transformer carries it for a quarter of an hour, a unit is wrong
MOST_AIR = 80.0  # degC around a transformer, and as far below zero
TOP_OIL, HOT_SPOT, LOAD = 105.0, 120.0, 1.5  # IEC 60076-7:2018, table 2: normal cyclic loading below 100 MVA
# fmt: off
COLUMNS: tuple[Column, ...] = (
    glossary.column("asset", priority=1),
    Column("highest_load", "Highest load", None, "highest load over the rated one", "share", 0, 1),
    Column("overloaded_h", "Above rated", "h", "time with more than the rated load", "number", 1, 3),
    Column("top_oil_c", "Top oil", "degC", "highest top-oil temperature", "number", 1, 3),
    Column("hot_spot_c", "Hot spot", "degC", "highest hot-spot temperature of the winding", "number", 1, 1),
    Column("hot_spot_at", "Hottest at", None, "when the hot spot was highest", "time", priority=4),
    Column("aged_days", "Aged", "d", "life that the paper has used", "number", 2, 2),
    Column("in_days", "In", "d", "time that was metered", "number", 1, 3),
    Column("ageing", "Ageing", None, "life used over time: 100 % at the rated hot spot", "share", 0, 1),
    glossary.column("verdict"),
)
# fmt: on
_TOLD = (
    "asset",
    "highest_load",
    "overloaded_h",
    "top_oil_c",
    "hot_spot_c",
    "hot_spot_at",
    "ageing",
)  # of a finding
PARAMETERS = (
    Parameter("ambient", "number", None, "degC", "outdoor temperature where city.yaml has none"),
    Parameter("plots", "integer", 2, None, "how many transformers to draw, the hottest first", least=0),
)


@dataclass(frozen=True)
class _Judged:
    asset: str
    row: tuple[object, ...]
    hot_spot: float
    verdict: str
    times: list[datetime]
    spot: list[float]
    metered: float

    @property
    def evidence(self) -> dict[str, object]:
        """What a finding of it tells beside its verdict."""
        return {one.key: cell for one, cell in zip(COLUMNS, self.row, strict=True) if one.key in _TOLD}


def _loads(city: City) -> dict[str, list[Point]]:
    """Transformer -> the point of its load (`role: load`), or those of its phases."""
    found: dict[str, list[Point]] = {}
    for point in city.points().values():
        if point.role == LOAD_ROLE and point.asset and city.assets[point.asset].transformer:
            found.setdefault(point.asset, []).append(point)
    return found


def rated(city: City, zone: str) -> float | None:
    """What the transformers of a zone are rated for together [kVA]; None where one is not told in it, or none is."""
    loads = _loads(city)
    sizes = []
    for name, asset in city.assets.items():
        if asset.zone == zone and asset.transformer is not None:
            load = next(iter(loads.get(name, ())), None)
            if load is None or load.quantity != "apparent power":
                return None
            sizes.append(_ratings(asset.transformer, load).rated)
    return sum(sizes) if sizes else None


def _ambient(city: City, asset: str) -> str | None:
    zone = city.assets[asset].zone
    while zone is not None:
        if (own := city.zones[zone].temperature) is not None:
            return own
        zone = city.zones[zone].parent
    return city.weather.temperature


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Loads of transformers and the temperatures around them."""
    del parameters
    loads = _loads(city)
    around = {_ambient(city, asset) for asset in loads}
    own = [point.id for these in loads.values() for point in these]
    return [*own, *sorted(point for point in around if point is not None)]


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """The interval, and the days before it in which a transformer gets as warm as it is when it begins."""
    del parameters, city
    return replace(interval, start=interval.start - WARMING)


def answer(question: Question) -> Result:
    """Each transformer with its verdict, the hottest first."""
    known = [name for name, asset in question.city.assets.items() if asset.transformer]
    if not known:
        raise UsageProblem(
            "no transformer in city.yaml",
            hint="assets: {t1: {kind: transformer, transformer: {rated: 630, no_load_loss: 800, load_loss: 5200}}} "
            "and a point of its load with `role: load`",
        )
    loads, called = _loads(question.city), subjects.of_assets(question.city)
    judged: list[_Judged] = []
    lacking = [Missing(name, "no point of its load with `role: load`") for name in known if name not in loads]
    for name in sorted(loads):
        found = _judge(question, name, loads[name])
        if isinstance(found, str):
            lacking.append(Missing(name, found))
        else:
            judged.append(found)
            if found.metered < LEAST_METERED:
                share = percent(found.metered)
                lacking.append(
                    Missing(
                        name,
                        f"its load, with the temperature around it, is metered in {share} of the interval",
                    )
                )
    judged.sort(key=lambda one: (-one.hot_spot, one.asset))
    return Result(
        title=TITLE,
        tables=[Table("transformers", TITLE, list(COLUMNS), [one.row for one in judged])],
        interval=question.interval,
        findings=[
            Finding(
                "transformer", called[one.asset], question.interval.start, one.verdict, evidence=one.evidence
            )
            for one in judged
            if tells(one.verdict)
        ],
        completeness=Completeness(
            len(known), len(known) - len({one.what for one in lacking}), lacking, "transformers"
        ),
        plots=[
            Plot(
                one.asset,
                f"{called[one.asset]}: hot spot",
                "degC",
                [Line("hot spot", one.times, list(one.spot))],
            )
            for one in [one for one in judged if one.times][: question.parameters["plots"]]
        ],
        notes=[*NOTES, NOTE],
        summary=f"{sum(tells(one.verdict) for one in judged)} of {len(judged)} transformers too warm or too full",
    )


def _judge(question: Question, name: str, points: list[Point]) -> _Judged | str:
    import numpy as np

    asset = question.city.assets[name]
    assert asset.transformer is not None
    units = sorted({point.unit or "" for point in points})
    if len(units) > 1:
        return f"its load is told in {listed(units)}: leave `role: load` to points of one unit"
    question.engine.register("asked_loads", arrow.table(point=arrow.texts([point.id for point in points])))
    table = question.engine.arrow(question.sql("load"), {"points": len(points)})
    if table.num_rows < 2:
        every = f": {listed([point.id for point in points])} at the same instants" if len(points) > 1 else ""
        return f"no readings of its load{every}"
    at = arrow.array_of(table["at"]).astype("datetime64[us]")
    of_phases = "highest" if points[0].quantity == "current" else "total"
    load = np.abs(arrow.array_of(table[of_phases]))  # power that flows back warms it as much
    ambient = _around(question, name, at)
    if ambient is None:
        return "no outdoor temperature in city.yaml, and no `ambient`"
    around = np.abs(ambient) <= MOST_AIR
    if not around.any():
        known = np.isfinite(ambient).any()
        beyond = f"is beyond {MOST_AIR:g} degC: is the unit right?"
        return f"its outdoor temperature {beyond if known else 'has gaps of more than 3 hours'}"
    at, load, ambient = (one[around] for one in (at, load, ambient))
    minutes = np.diff(at, prepend=at[:1]).astype(float) / 6e7
    if len(at) > 1 and (each := float(np.median(minutes[1:]))) > GAP_MINUTES:
        return f"a reading of its load each {each / 60:g} h: a hot spot takes one each {GAP_MINUTES / 60:g} h"
    ratings = _ratings(asset.transformer, points[0])
    oil, spot = temperatures(ratings, _through_gaps(load, minutes), ambient, minutes)
    highest = float(load.max()) / ratings.rated  # in the days before the interval too, which warmed it
    inside = at >= np.datetime64(question.interval.start.astimezone(UTC).replace(tzinfo=None), "us")
    if not inside.any():
        return "no readings of its load"
    at, load, oil, spot, minutes = (one[inside] for one in (at, load, oil, spot, minutes))
    held = np.where(minutes > GAP_MINUTES, 0.0, minutes)  # each reading stands for the time before it
    held[0] = 0.0
    fullest = float(load.max()) / ratings.rated
    days = float(held.sum()) / 1440
    metered = days / (question.interval.length.total_seconds() / 86400)
    if highest > MOST_LOAD:
        before = "" if fullest > MOST_LOAD else ", before the interval"
        verdict = f"IMPLAUSIBLE {highest:.0f} times its rated load{before}: is the unit right?"
        nothing = (name, fullest, None, None, None, None, None, days, None, verdict)
        return _Judged(name, nothing, math.inf, verdict, [], [], metered)
    rate = ageing_rate(spot, upgraded=asset.transformer.paper == "upgraded")
    aged = float((rate * held).sum()) / 1440
    place = int(spot.argmax())
    verdict = unless_seldom(_verdict(fullest, float(oil.max()), float(spot[place])), metered)
    when = at[place].item().replace(tzinfo=UTC)
    row: tuple[object, ...] = (
        name, fullest, float(held[load > ratings.rated].sum()) / 60, float(oil.max()), float(spot[place]), when, aged,
        days, aged / days if days else None, verdict,
    )  # fmt: skip
    times = [moment.replace(tzinfo=UTC) for moment in at.tolist()]
    return _Judged(name, row, float(spot[place]), verdict, times, spot.tolist(), metered)


def _through_gaps(load: Any, minutes: Any) -> Any:
    """The load that holds for the `minutes` before each reading: through a gap the mean of the two around it."""
    import numpy as np

    before = np.concatenate([load[:1], load[:-1]])
    return np.where(minutes > GAP_MINUTES, (before + load) / 2, load)


def _around(question: Question, asset: str, at: Any) -> Any:
    """Temperature around a transformer at instants [degC]; nan further than 3 hours from a reading."""
    import numpy as np

    point = _ambient(question.city, asset)
    if point is None:
        given = question.parameters["ambient"]
        return None if given is None else np.full(len(at), given)
    table = question.engine.arrow(question.sql("ambient"), {"ambient": point})
    if not table.num_rows:
        return np.full(len(at), np.nan)
    times = arrow.array_of(table["at"]).astype("datetime64[us]").astype(np.int64)
    wanted = at.astype(np.int64)
    after = np.clip(np.searchsorted(times, wanted), 0, len(times) - 1)
    before = np.clip(after - 1, 0, len(times) - 1)
    near = np.minimum(np.abs(times[after] - wanted), np.abs(times[before] - wanted))
    return np.where(
        near <= 3 * 3_600_000_000, np.interp(wanted, times, arrow.array_of(table["degree_c"])), np.nan
    )


def _ratings(asset: Transformer, load: Point) -> Ratings:
    """Its ratings, the rated load in the unit that the load is kept in: city.yaml says it in that which it speaks."""
    told = {key: getattr(asset, key) for key in Ratings.__dataclass_fields__}
    return Ratings(**{**told, "rated": convert(asset.rated, load.shown_unit, load.unit)})


def _verdict(load: float, oil: float, spot: float) -> str:
    beyond = [
        f"{what} {value:.0f} {unit} above {limit:.0f} {unit}"
        for what, value, unit, limit in (
            ("HOT SPOT", spot, "°C", HOT_SPOT), ("TOP OIL", oil, "°C", TOP_OIL), ("LOAD", 100 * load, "%", 100 * LOAD),
        )
        if value > limit
    ]  # fmt: skip
    return "; ".join(beyond) or "normal"


NOTES = (
    "Method: exponential equations of IEC 60076-7:2018, 8.2, begun two days before where there are readings, from a "
    "cold start; each reading of the load holds for the time since the one before. Of points of the phases the highest "
    "current counts, or the sum of the powers, at instants of which all are known. A gap of more than 2 hours, in load "
    "or outdoor temperature, is gone through with the mean of the loads around it: its time and its ageing are not "
    "counted. Ageing 2^((hot spot - 98)/6), or exp(15000/383 - 15000/(hot spot + 273)) with thermally upgraded paper.",
    "Source: IEC 60076-7:2018, table 2, normal cyclic loading below 100 MVA: 1.5 x rated, top oil 105 °C, hot "
    "spot 120 °C.",
    "Limits: ratings of losses and time constants come from city.yaml; without a type test they are those "
    "usual for its `cooling`. Moisture in the paper ages it faster.",
)
