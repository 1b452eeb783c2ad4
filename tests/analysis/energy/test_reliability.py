"""Indices that can be told by hand, a limit of major event days from known logarithms, and files that are wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityctl.analysis.energy.grid.interruption_indices import Outage, daily_saidi, indices, threshold
from cityctl.city.load import load
from cityctl.errors import ConfigInvalid, UsageProblem
from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots

CITY = """
name: Grid
time_zone: Europe/Berlin
networks: {power: {kind: power}, water: {kind: water}}
zones:
  grid: {network: power, connections: 1000}
  north: {network: power, parent: grid, connections: 400}
  south: {network: power, parent: grid, connections: 600}
  wet: {network: water, connections: 9999}
points: {any: {unit: V, every: 1h, zone: grid}}
interruptions_file: interruptions.csv
"""
HEAD = "start,end,customers,zone,cause\n"
YEAR = """\
2026-02-01 10:00,2026-02-01 11:00,100,north,digger
2026-03-01 10:00,2026-03-01 10:05,200,south,bird
2026-03-02 23:30,2026-03-03 01:30,300,south,storm
1.4.2026 10:00,1.4.2026 10:06,50,,
2025-12-31 23:50,2026-01-01 03:00,1000,grid,storm
"""


@pytest.fixture
def reliable(ask: Callable[..., Result], project: Callable[[str], Path]) -> Callable[..., Result]:
    """reliable(rows of the CSV, city=CITY, **parameters) -> the answer for 2026."""

    def asked(rows: str, city: str = CITY, **parameters: object) -> Result:
        (project(city) / "interruptions.csv").write_text(HEAD + rows, encoding="utf-8")
        series = {"any": (slots("2026-01-01", "2026-01-02", 60), np.ones(24))}
        return ask("energy/reliability", city, series, "2026-01-01", "2027-01-01", **parameters)

    return asked


def test_indices_by_hand(reliable: Callable[..., Result]) -> None:
    """Sustained: 100 x 60, 300 x 120 and 50 x 6 customer minutes, 450 customers, of 1 000; 5 minutes are momentary."""
    found = reliable(YEAR)
    row = rows_of(found, "indices")[0]
    assert (row["interruptions"], row["momentary"], row["customers_out"]) == (3, 1, 450)
    assert row["saifi"] == pytest.approx(0.45)
    assert row["saidi"] == pytest.approx(42.3)
    assert row["caidi"] == pytest.approx(94.0)
    assert row["maifi"] == pytest.approx(0.2)
    assert row["asai"] == pytest.approx(1 - 42.3 / (60 * 8760))
    assert row["customer_hours"] == pytest.approx(705.0)
    causes = {one["cause"]: one["customer_hours"] for one in rows_of(found, "causes")}
    assert causes == pytest.approx({"storm": 600.0, "digger": 100.0, "not told": 5.0})
    zones = {one["zone"]: one for one in rows_of(found, "zones")}
    assert zones["south"]["saidi"] == pytest.approx(60.0)  # 300 x 120 / 600
    assert zones["north"]["saifi"] == pytest.approx(0.25)
    assert rows_of(reliable(YEAR, customers=2000), "indices")[0]["saifi"] == pytest.approx(0.225)


def test_the_standards_own_example() -> None:
    """IEEE Std 1366-2003, example "Outage data for 1994": one circuit of 2 000 customers, minutes as printed there.

    SAIFI 1.61 (3 215 / 2 000), SAIDI 86.110 min, CAIDI 53.567 min, ASAI 0.999836 (of 8 760 h); two interruptions are
    momentary.
    """
    printed = [("03-17", 200, 8.17), ("04-15", 400, 0.5), ("05-05", 600, 71.3), ("06-12", 25, 30.3),
               ("07-06", 2000, 1.0), ("08-20", 90, 267.2), ("08-31", 700, 120.0), ("09-03", 1500, 10.0),
               ("10-27", 100, 40.0)]  # fmt: skip
    outages = [
        Outage(date.fromisoformat(f"1994-{day}"), customers, minutes) for day, customers, minutes in printed
    ]
    found = indices(outages, 2000, 8760)
    assert (found.interruptions, found.momentary) == (7, 2)
    assert found.saifi == pytest.approx(1.6075)
    assert found.saidi == pytest.approx(86.110, abs=5e-4)
    assert found.caidi == pytest.approx(53.567, abs=5e-4)
    assert found.asai == pytest.approx(0.999836, abs=5e-7)


def history(since: str, days: int) -> str:
    """`days` days with one interruption each, of e^0, e^1 and e^2 minutes of SAIDI in turn (all 1 000 customers)."""
    rows = []
    for place in range(days):
        day = date.fromisoformat(since) + timedelta(days=10 * place)
        seconds = math.exp(place % 3) * 60
        minutes = (
            seconds / 60 if seconds > 300 else 10 * seconds / 60
        )  # a tenth of them for ten times as long
        customers = 1000 if seconds > 300 else 100
        end = f"{minutes // 60:02.0f}:{minutes % 60 // 1:02.0f}:{minutes * 60 % 60:09.6f}"
        rows.append(f"{day} 00:00,{day} {end},{customers},grid,\n")
    return "".join(rows)


def test_major_event_days_are_set_apart(reliable: Callable[..., Result]) -> None:
    """ln of 0, 1, 2 in turn over 90 days: alpha 1, beta sqrt(60/89); T_MED = exp(1 + 2.5 x 0.8211) = 21.17 min."""
    rows = history("2021-01-02", 90) + history("2010-01-02", 9).replace(",100,", ",999,")  # too old to count
    found = reliable(rows + YEAR.replace("2025-12-31 23:50,2026-01-01 03:00,1000,grid,storm\n", ""))
    limit = math.exp(1 + 2.5 * math.sqrt(60 / 89))
    (day,) = rows_of(found, "major")
    assert day["date"] == date(2026, 3, 2)  # where it starts, although it ends on the next day
    assert day["saidi"] == pytest.approx(36.0)
    assert day["times_limit"] == pytest.approx(36.0 / limit, rel=1e-6)
    every, without = rows_of(found, "indices")
    assert every["saidi"] == pytest.approx(42.3)
    assert without["saidi"] == pytest.approx(6.3)
    assert without["saifi"] == pytest.approx(0.15)
    assert f"{limit:.3f} min" in found.notes[0]
    assert [one.subject for one in found.findings] == ["2026-03-02"]


def test_too_short_a_history_gives_no_limit(reliable: Callable[..., Result]) -> None:
    found = reliable(history("2025-01-02", 28) + YEAR)
    assert [row["counted_events"] for row in rows_of(found, "indices")] == ["all"]
    assert "major event days" in [one.what for one in found.completeness.missing]
    found = reliable(history("2024-06-02", 30) + YEAR)
    assert "only 1.6 of 5 years" in found.notes[0]


def test_an_old_row_without_an_end_moves_no_limit(reliable: Callable[..., Result]) -> None:
    """Somebody forgot its end in 2023: to the end of 2026 it would be three years, and the limit without meaning."""
    closed = rows_of(reliable(history("2021-01-02", 90) + YEAR), "major")
    found = reliable(history("2021-01-02", 90) + "2023-05-05 10:00,,7,north,\n" + YEAR)
    assert rows_of(found, "major") == closed
    (gap,) = found.completeness.missing
    assert gap.why == "it has no end: left out of the limit of major event days"


def test_doubtful_rows_are_named(reliable: Callable[..., Result]) -> None:
    rows = (
        "2026-05-01 10:00,2026-05-01 11:00,10,north,\n2026-05-01 10:00,2026-05-01 11:00,10,north,\n"
        "2026-06-01 10:00,,5,north,\n2026-07-01 10:00,2026-07-01 11:00,401,north,\n"
        "2026-08-01 10:00,2026-08-11 11:00,1,,\n"
    )
    said = {one.what.rpartition(":")[2]: one.why for one in reliable(rows).completeness.missing}
    assert said["3"] == "the same row stands above: counted once"
    assert said["4"].startswith("it has no end")
    assert said["5"] == "401 customers out of 400: is that right?"
    assert said["6"] == "it lasts 10 days: is its end right?"


def test_local_times_and_clock_changes(reliable: Callable[..., Result]) -> None:
    """From 01:30 to 03:30 on the day that has 23 hours is one hour."""
    row = rows_of(reliable("2026-03-29 01:30,2026-03-29 03:30,1000,grid,\n"), "indices")[0]
    assert row["saidi"] == pytest.approx(60.0)
    row = rows_of(reliable("2026-10-25 02:30+02:00,2026-10-25 02:30+01:00,1000,grid,\n"), "indices")[0]
    assert row["saidi"] == pytest.approx(60.0)


def test_the_hour_that_comes_twice_is_the_one_that_fits(reliable: Callable[..., Result]) -> None:
    """From 02:50 in summer time to 02:10 in winter time are 20 minutes; from 01:30 to 02:10 it may be 40, or 100."""
    row = rows_of(reliable("2026-10-25 02:50,2026-10-25 02:10,1000,grid,\n"), "indices")[0]
    assert row["saidi"] == pytest.approx(20.0)
    row = rows_of(reliable("2026-10-25 01:30,2026-10-25 02:10,1000,grid,\n"), "indices")[0]
    assert row["saidi"] == pytest.approx(40.0)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2026-05-01 10:00,2026-05-01 09:00,1,,", "it ends before it starts"),
        ("1/5/2026,2026-05-01 09:00,1,,", "`1/5/2026` is no time; write it as 2026-05-01 14:30"),
        ("2026-03-29 02:30,2026-03-29 04:00,1,,", "`2026-03-29 02:30` does not exist in Europe/Berlin"),
        ("2026-05-01 10:00,2026-05-01 11:00,many,,", "`many` is no number of customers"),
        ("2026-05-01 10:00,2026-05-01 11:00,1.5,,", "`1.5` is no number of customers"),
        ("2026-05-01 10:00,2026-05-01 11:00,-5,,", "`-5` is no number of customers"),
        ("2026-05-01 10:00,2026-05-01 11:00,1,nroth,", "no zone `nroth`; did you mean `north`?"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_stops_nothing(
    reliable: Callable[..., Result], row: str, said: str
) -> None:
    """`450.0` is what a spreadsheet makes of 450 beside an empty cell."""
    found = reliable(f"{row}\n2026-02-01 10:00,2026-02-01 11:00,450.0,grid,digger\n")
    assert rows_of(found, "indices")[0]["saidi"] == pytest.approx(27.0)
    (fault, _) = found.completeness.missing  # the other one: no limit of major event days
    assert fault.what.endswith("interruptions.csv:2")
    assert fault.why.startswith(f"not counted: {said}")
    assert found.exit_code() != 0
    assert found.summary.endswith("; 1 row of the file not read")


def test_of_many_rows_that_cannot_be_read_some_are_named(reliable: Callable[..., Result]) -> None:
    found = reliable("1/5/2026 10:00,1/5/2026 11:00,10,north,\n" * 40)
    assert found.completeness.missing[5].why == "35 rows more not counted: they cannot be read either"
    assert len(found.completeness.missing) == 7  # the last one: no limit of major event days
    assert found.summary.endswith("; 40 rows of the file not read")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("start,ende,customers\n", ":1: unknown column `ende`"),
        ("start,customers\n", ":1: no column `end`"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(project: Callable[[str], Path], text: str, said: str) -> None:
    folder = project(CITY)
    (folder / "interruptions.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigInvalid) as caught:
        load(folder)
    assert said in caught.value.message


def test_without_a_file_or_customers(reliable: Callable[..., Result]) -> None:
    with pytest.raises(UsageProblem, match="no file of interruptions"):
        reliable("", CITY.replace("interruptions_file: interruptions.csv\n", ""))
    with pytest.raises(UsageProblem, match="how many customers"):
        reliable("", CITY.replace("connections: 1000", "people: 5").replace("connections", "people"))


OUTAGES = st.lists(
    st.builds(Outage, st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.integers(0, 999), st.floats(0, 5000))
)


@settings(max_examples=50)
@given(OUTAGES)
def test_saidi_is_the_sum_of_its_days_and_saifi_times_caidi(outages: list[Outage]) -> None:
    found = indices(outages, 1000, 8760)
    assert sum(daily_saidi(outages, 1000).values()) == pytest.approx(found.saidi)
    if found.caidi is not None:
        assert found.saifi * found.caidi == pytest.approx(found.saidi)


def test_the_limit_of_equal_days_is_their_saidi() -> None:
    days = {date(2026, 1, 1) + timedelta(days=place): 2.0 for place in range(30)}
    found = threshold(days)
    assert found is not None
    assert found.minutes == pytest.approx(2.0)
    assert threshold(dict(list(days.items())[:29])) is None
