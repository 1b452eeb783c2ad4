"""Rows laid out as arrays, and kept as bytes."""

from __future__ import annotations

from datetime import date
from math import isnan, nan

import numpy as np

from cityctl.analysis.water.nights.digest import Piece
from cityctl.analysis.water.nights.grid import EPOCH, Grid, Sheet, sheet_of
from cityctl.arrow import dates, floats, integers, table, texts

MAY, JUNE = date(2025, 5, 31), date(2025, 6, 1)


def sheet(night: date, rows: list[tuple[str, int, float | None, int]]) -> Sheet:
    """Two nights from `night` on, of which the first has rows (point, part, flow, readings)."""
    point, part, flow, readings = map(list, zip(*rows, strict=True))
    columns = {"point": texts(point), "night": dates(np.array([night] * len(rows), dtype="datetime64[D]"))}
    told = table(**columns, part=integers(part), flow=floats(flow), readings=integers(readings))
    return sheet_of(told, (night - EPOCH).days, 2, 2)


def test_each_name_finds_its_rows_in_every_sheet_whatever_else_stands_there() -> None:
    sheets = [
        sheet(date(2025, 5, 30), [("b", 0, 1.5, 3), ("a", 1, None, 4)]),
        sheet(JUNE, [("a", 0, 2.5, 7), ("c", 1, 9.0, 9)]),
    ]
    grid = Grid(sheets, ["a", "nowhere", "a"], [MAY, JUNE])  # a name may stand for two zones
    told = grid.of("flow")
    assert told.shape == (3, 2, 2)
    assert told[0, 1, 0] == told[2, 1, 0] == 2.5
    assert np.isnan(told[1]).all()
    assert np.isfinite(told).sum() == 2
    assert grid.of("readings", 0.0)[0].tolist() == [[0.0, 0.0], [7.0, 0.0]]
    whole = Grid(sheets[:1], ["a", "b"], [date(2025, 5, 30), MAY]).of("flow", -1.0)
    assert whole[1].tolist() == [[1.5, -1.0], [-1.0, -1.0]]
    assert isnan(whole[0, 0, 1])  # a row stands there, and tells nothing


def test_a_piece_comes_back_as_it_was() -> None:
    large = sheet(MAY, [("m", 0, 0.1, 2**24 + 1), ("n", 1, nan, 5)])
    piece = Piece({"flows": large, "counts": sheet(JUNE, [("k", 1, 0.3, 2)])}, {"k": 96.0})
    again = Piece.of(piece.packed())
    assert again.fullest == {"k": 96.0}
    for name, one in piece.sheets.items():
        other = again.sheets[name]
        assert (other.first, other.names) == (one.first, one.names)
        assert np.array_equal(other.there, one.there)
        for column, values in one.columns.items():
            assert np.array_equal(other.columns[column], values, equal_nan=True)
    assert again.sheets["flows"].columns["readings"][0, 0, 0] == 2**24 + 1
    assert again.sheets["counts"].first_night() == (JUNE - EPOCH).days
