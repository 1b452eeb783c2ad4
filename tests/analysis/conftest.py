"""Asking an analysis as a report does, but over readings that a test has made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cityctl.analysis.catalog import find
from cityctl.analysis.question import Question
from cityctl.city.load import load
from cityctl.clock import Interval, midnight
from cityctl.engine.duck import Engine
from cityctl.result import Result
from cityctl.store.views.counters import attach_counted
from cityctl.store.views.shown import attach_city

Series = Mapping[str, tuple[Any, Any]]


def readings(series: Series, quality: Mapping[str, Any] | None = None) -> pa.Table:
    """point -> (times as UTC datetime64, values) as the table `readings`."""
    parts = []
    for point, (times, values) in series.items():
        stamps = np.asarray(times).astype("datetime64[us]")
        flags = np.zeros(len(stamps), np.uint8) if quality is None or point not in quality else quality[point]
        parts.append(
            pa.table(
                {
                    "point": pa.array([point] * len(stamps), pa.string()),
                    "time": pa.array(stamps),
                    "value": pa.array(np.asarray(values, float), from_pandas=True),
                    "quality": pa.array(np.asarray(flags, np.uint8)),
                    "received": pa.array(np.full(len(stamps), np.datetime64("2030-01-01", "us"))),
                }
            )
        )
    return pa.concat_tables(parts)


def days(since: str, until: str, zone: Any) -> Interval:
    """From the first local day up to, and without, the last."""
    return Interval(
        midnight(date.fromisoformat(since), zone), midnight(date.fromisoformat(until), zone), zone
    )


@pytest.fixture
def ask(project: Callable[[str], Path]) -> Callable[..., Result]:
    """ask(name, city.yaml's text, series, since, until, **parameters) -> Result."""

    def asked(name: str, text: str, series: Series, since: str, until: str, **parameters: Any) -> Result:
        quality = parameters.pop("quality", None)
        folder = project(text)
        city = load(folder)
        analysis = find(name, folder)
        settled = analysis.settle(parameters)
        interval = days(since, until, city.zone_info)
        window = analysis.window(interval, settled, city)
        wanted = analysis.points(city, settled)
        with Engine(threads=2) as engine:
            attached = {key: value for key, value in series.items() if key in wanted} or series
            engine.keep("readings", readings(attached, quality))
            attach_city(engine, city, window)
            attach_counted(engine, city.points())
            return analysis.answer(Question(city, interval, settled, engine))

    return asked


def rows_of(result: Result, key: str) -> list[dict[str, Any]]:
    """The rows of one table by column key."""
    table = next(one for one in result.tables if one.key == key)
    keys = [column.key for column in table.columns]
    return [dict(zip(keys, row, strict=True)) for row in table.rows]


def utc(text: str) -> datetime:
    """An instant of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def slots(since: str, until: str, minutes: int) -> Any:
    """Stamps of UTC from `since` up to, and without, `until`."""
    return np.arange(np.datetime64(since, "m"), np.datetime64(until, "m"), np.timedelta64(minutes, "m"))


def local_hours(times: Any, zone: Any) -> tuple[Any, Any]:
    """(local day as datetime64[D], hour of the local day) of stamps in UTC."""
    local = pd.DatetimeIndex(times.astype("datetime64[s]"), tz="UTC").tz_convert(zone).tz_localize(None)
    wall = local.to_numpy()
    day = wall.astype("datetime64[D]")
    return day, (wall - day) / np.timedelta64(1, "h")
