"""Plots and heat maps of a terminal: dots counted by hand, at the widths that people have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cityctl.report.render import render
from cityctl.report.render.cells import text_width
from cityctl.report.render.drawn import heat_lines, plot_lines
from cityctl.result import Column, Line, Plot, Table

START = datetime(2026, 7, 1, tzinfo=UTC)
TIMES = [START + timedelta(hours=at) for at in range(241)]


def dots(lines: list[str]) -> set[tuple[int, int]]:
    """(column, row) of every dot of the braille signs in a plot's lines, from the left and from above."""
    at = {
        0x01: (0, 0),
        0x02: (0, 1),
        0x04: (0, 2),
        0x40: (0, 3),
        0x08: (1, 0),
        0x10: (1, 1),
        0x20: (1, 2),
        0x80: (1, 3),
    }
    body = [line.partition("|")[2] for line in lines[1:11]]
    return {
        (2 * column + at[bit][0], 4 * row + at[bit][1])
        for row, text in enumerate(body)
        for column, sign in enumerate(text)
        for bit in at
        if sign != " " and ord(sign) - 0x2800 & bit
    }


def test_a_rising_line_rises_from_corner_to_corner():
    plot = Plot("p", "Rising", "m3/h", [Line("flow", TIMES, [float(at) / 24 for at in range(241)])])
    lines = plot_lines(plot, UTC, 80)
    assert lines[0] == "Rising [m³/h]"
    assert lines[1].split("|")[0].strip() == "10"
    assert lines[10].split("|")[0].strip() == "0"
    found = dots(lines)
    assert min(found) == (0, 39)  # 0 at the foot of 40 rows of dots, at the left
    assert max(row for column, row in found if column == max(found)[0]) <= 1
    assert "1 Jul" in lines[11]
    assert "3 Jul" in lines[11]


def test_one_reading_of_a_year_is_seen():
    values: list[float | None] = [1.0] * 241
    values[100] = 9.0
    found = dots(plot_lines(Plot("p", "Peak", "kW", [Line("load", TIMES, values)]), UTC, 60))
    assert min(row for _, row in found) == round((10 - 9) / 10 * 39)  # the axis reaches from 0 to 10


def test_a_gap_is_left_open():
    values: list[float | None] = [5.0] * 241
    values[60:180] = [None] * 120  # a quarter to three quarters of the way
    found = dots(plot_lines(Plot("p", "Gap", "kW", [Line("load", TIMES, values)]), UTC, 60))
    across = max(column for column, _ in found)
    assert not any(0.27 < column / across < 0.73 for column, _ in found)


@pytest.mark.parametrize("width", [30, 60, 80, 120, 200])
def test_nothing_is_wider_than_the_terminal(night_flow, nasty, berlin, width):
    for result in (night_flow, nasty):
        for plot in result.plots:
            assert max(text_width(line) for line in plot_lines(plot, berlin, width)) <= width
        said = str(render(result, "table", zone=berlin, width=max(45, width), drawn=True))
        assert max(text_width(line) for line in said.splitlines()) <= max(45, width)


def test_plots_stand_under_the_tables_when_asked_for(night_flow, berlin):
    said = str(render(night_flow, "table", zone=berlin, width=100, drawn=True))
    assert said.index("LEAK since") < said.index("Inflow of Hafen [m³/h]") < said.index("1 zone over")
    assert "leak begins" in said
    assert "Inflow of Hafen" not in str(render(night_flow, "table", zone=berlin, width=100))
    assert "Inflow of Hafen" not in str(render(night_flow, "plain", zone=berlin, drawn=True))


def test_a_week_is_a_heat_map_with_one_scale_a_meter(berlin):
    columns = [Column("meter", "Meter"), Column("day", "Day"), Column("shape", "Week", "kW", kind="spark")]
    hours: list[float | None] = [0.0] * 8 + [10.0] * 8 + [None] + [5.0] * 7
    rows: list[tuple[object, ...]] = [
        ("school", "Mon", hours),
        ("school", "Sun", [0.0] * 24),
        ("pool", "Mon", [3.0] * 24),
    ]
    lines = heat_lines(Table("week", "Week", columns, rows), berlin, 80)
    assert lines[0] == "school: 0 to 10 kW"
    assert lines[1].split() == ["0", "6", "12", "18"]
    assert lines[2] == "Mon  " + " " * 16 + "██" * 8 + "··" + "▒▒" * 7
    assert lines[3].rstrip() == "Sun"
    assert lines[4] == "pool: 3 to 3 kW"
    assert heat_lines(Table("week", "Week", columns, rows), berlin, 40)[2].startswith(
        "Mon  " + " " * 8 + "█" * 8
    )
    assert heat_lines(Table("none", "N", columns[:2], []), berlin, 80) == []
