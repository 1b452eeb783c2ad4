"""Tables side by side in one file, each with times of its own: a historian's export of several tags."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from cityctl.errors import InputRefused
from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]
FIRST = datetime(2026, 3, 1)
HEADS = (
    "Time,A [kWh],Time,B [kWh]",
    "Time A,A [kWh],Time B,B [kWh]",
    "A_ts,A [kWh],B_ts,B [kWh]",
    "A,,B,\nTime,Value [kWh],Time,Value [kWh]",
)


def side_by_side(head: str, late: timedelta = timedelta(), rows: int = 48, missing: int | None = None) -> str:
    """Hours of A and B; B begins later, or lacks an hour, so that those behind it have moved up."""
    hours = [FIRST + timedelta(hours=number) for number in range(rows)]
    others = [hour + late for number, hour in enumerate(hours) if number != missing]
    cells = [f"{hour:%Y-%m-%d %H:%M},2" for hour in others] + [","] * (rows - len(others))
    return (
        "\n".join(
            [head, *(f"{hour:%Y-%m-%d %H:%M},1,{cell}" for hour, cell in zip(hours, cells, strict=True))]
        )
        + "\n"
    )


@pytest.mark.parametrize("head", HEADS)
def test_other_times_beside_each_other_are_refused(table: Read, head: str) -> None:
    """But for two columns of one name, the second table's values were taken at the times of the first."""
    with pytest.raises(InputRefused, match="hold other times: tables side by side"):
        table(side_by_side(head, timedelta(days=10)), time_zone="UTC")


@pytest.mark.parametrize("head", HEADS)
def test_times_that_part_far_below_the_first_rows_are_refused(table: Read, head: str) -> None:
    """An hour that B lacks: those behind it were taken an hour early."""
    with pytest.raises(InputRefused, match="hold other times: tables side by side"):
        table(side_by_side(head, rows=3000, missing=2500), time_zone="UTC")


@pytest.mark.parametrize("head", HEADS)
def test_the_same_times_are_one_table(table: Read, head: str) -> None:
    told = table(side_by_side(head), time_zone="UTC")
    assert sorted(len(rows) for rows in told.readings.values()) == [48, 48]
    shorter = table(side_by_side(head, rows=48, missing=47), time_zone="UTC")
    assert sorted(len(rows) for rows in shorter.readings.values()) == [47, 48]


@pytest.mark.parametrize("called", ["Received time", "Updated_ts", "Server timestamp", "Time UTC"])
def test_when_a_row_came_is_no_other_table(table: Read, called: str) -> None:
    told = table(
        side_by_side(f"Time,A [kWh],{called},B [kWh]", timedelta(seconds=7 * 60)), time_zone="Europe/Berlin"
    )
    assert sorted(len(rows) for rows in told.readings.values()) == [48, 48]
