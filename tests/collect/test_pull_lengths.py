"""Amounts of several lengths that one service gives, from pull to pull or in one answer: they count once.

A day of 24 kWh, told as hours of 1 kWh and as quarters of 0.25 kWh.
"""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from cityctl.city.project import Project
from cityctl.collect.reparse import reparse
from cityctl.errors import ExitCode
from cityctl.result import Result
from tests.collect.historian import NOW, city_yaml, console, counts, go, stored
from tests.http_service import Service, send

USE = "  use: {unit: kWh, kind: interval, service: historian/METER}\n"
DAY = datetime(2026, 11, 21, 23, tzinfo=UTC)  # the 22nd in Berlin


def table(minutes: int, kwh: float | None = None) -> bytes:
    value = minutes / 60 if kwh is None else kwh
    times = [DAY + timedelta(minutes=minutes * number) for number in range(1440 // minutes)]
    return ("time,value\n" + "".join(f"{at:%Y-%m-%dT%H:%MZ},{value}\n" for at in times)).encode()


def archive(*minutes: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as files:
        for number, one in enumerate(minutes):
            files.writestr(f"{number}.csv", table(one))
    return packed.getvalue()


def ask(http: Service, project: Project, body: bytes, hours: int = 0) -> Result:
    http.answer = lambda handler: send(handler, body)
    return go(project, since="2026-11-22", until="2026-11-22", hours=hours)


def total(project: Project) -> float:
    return sum(value for _, _, value in stored(project))


def test_hours_do_not_count_over_quarters_that_were_pulled(
    http: Service, make: Callable[..., Project]
) -> None:
    """The first quarter of each hour became the hour's amount, as `24 revised` and with exit 0: 42 kWh."""
    project = make(city_yaml(http.url, USE))
    ask(http, project, table(15))
    later = ask(http, project, table(60), hours=1)
    assert counts(later) == {"METER": (24, 0, 0, 0, 0, 24)}
    assert "lies over stored ones of 900 s" in str(later.tables[1].rows[0][4])
    assert later.exit_code() == ExitCode.INCOMPLETE
    assert (total(project), len(stored(project))) == (24.0, 96)


def test_quarters_take_the_place_of_hours(http: Service, make: Callable[..., Project]) -> None:
    project = make(city_yaml(http.url, USE))
    ask(http, project, table(60))
    later = ask(http, project, table(15), hours=1)
    assert counts(later) == {"METER": (96, 72, 0, 24, 0, 0)}
    assert later.exit_code() == ExitCode.DONE
    assert (total(project), len(stored(project))) == (24.0, 96)


@pytest.mark.parametrize("minutes", [(15, 60), (60, 15)])
def test_one_answer_brings_both(
    http: Service, make: Callable[..., Project], minutes: tuple[int, int]
) -> None:
    """Received together, the larger value won: 42 kWh in either order."""
    project = make(city_yaml(http.url, USE))
    first = counts(ask(http, project, archive(*minutes)))["METER"]
    assert first == ((120, 96, 0, 0, 0, 24) if minutes[0] == 15 else (120, 96, 0, 24, 0, 0))
    again = ask(http, project, archive(*minutes), hours=1)
    assert counts(again)["METER"] == (120, 0, 96, 0, 0, 24)
    assert (total(project), len(stored(project))) == (24.0, 96)


@pytest.mark.parametrize("minutes", [(15, 60), (60, 15)])
def test_a_store_that_was_lost_comes_back_as_the_pulls_left_it(
    http: Service, make: Callable[..., Project], minutes: tuple[int, int]
) -> None:
    """Of an earlier answer's quarters those were hidden at which a later one has an hour: 42 kWh."""
    project = make(city_yaml(http.url, USE))
    for number, one in enumerate(minutes):
        ask(http, project, table(one), hours=number)
    shutil.rmtree(project.store_folder)
    reparse(project, [], now=NOW + timedelta(days=1), console=console())
    assert (total(project), len(stored(project))) == (24.0, 96)


def test_a_correction_of_one_quarter_of_each_hour_holds(http: Service, make: Callable[..., Project]) -> None:
    """24 readings at even steps of an hour, each of a quarter's size: no hours, also where they are read again."""
    project = make(city_yaml(http.url, USE))
    ask(http, project, table(15))
    corrected = ask(http, project, table(60, 0.3), hours=1)
    assert counts(corrected) == {"METER": (24, 0, 0, 24, 0, 0)}
    shutil.rmtree(project.store_folder)
    reparse(project, [], now=NOW + timedelta(days=1), console=console())
    assert total(project) == pytest.approx(24 * (0.3 + 3 * 0.25))


def test_gauges_may_be_read_as_often_as_one_likes(http: Service, make: Callable[..., Project]) -> None:
    project = make(city_yaml(http.url, USE.replace("kWh, kind: interval", "kW, kind: gauge")))
    ask(http, project, table(15, 3.0))
    hours = ask(http, project, table(60, 4.0), hours=1)
    assert counts(hours) == {"METER": (24, 0, 0, 24, 0, 0)}
    assert hours.exit_code() == ExitCode.DONE


def test_a_day_on_which_a_service_changes_its_step(http: Service, make: Callable[..., Project]) -> None:
    """Hours in the morning and quarters from noon on are stored; the day's hours come: those of the morning count."""
    project = make(city_yaml(http.url, USE))
    morning, quarters = table(60).splitlines()[:13], table(15).splitlines()[49:]
    ask(http, project, b"\n".join([*morning, b""]))
    ask(http, project, b"\n".join([b"time,value", *quarters, b""]), hours=1)
    later = ask(http, project, table(60), hours=2)
    assert counts(later) == {"METER": (24, 0, 12, 0, 0, 12)}
    assert total(project) == 24.0
