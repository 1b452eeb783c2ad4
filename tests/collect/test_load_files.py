"""Which files are read: folders, archives, pipes, and a file that is still being written."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from cityctl.city.project import Project
from cityctl.engine.duck import Engine
from cityctl.errors import ExitCode
from cityctl.exports.source import Source
from cityctl.store import Store
from tests.collect.importing import load, rows, stored

LONG = "time,meter,value,unit\n2026-01-01T00:00Z,{meter},1.5,kWh\n2026-01-01T01:00Z,{meter},2.5,kWh\n"


def test_a_folder_is_all_files_in_and_below_it(city: Project, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    for name in ("b.csv", "deep/a.csv", ".sync/c.csv", ".d.csv"):
        (inbox / name).parent.mkdir(parents=True, exist_ok=True)
        (inbox / name).write_text(LONG.format(meter=name))
    (inbox / "notes.txt").write_text("call Anna\n")
    result = load(city, [inbox], keep_all=True)
    assert {name: row["new"] for name, row in rows(result).items()} == {"b.csv": 2, "deep/a.csv": 2}
    assert len(stored(city)) == 4
    (missing,) = result.completeness.missing  # what is no export is named, and takes nothing along
    assert missing.what == str(inbox / "notes.txt")


def test_two_sheets_for_one_point_and_the_same_time_are_named(city: Project, tmp_path: Path) -> None:
    """Heads of one name in sheets of two meters; sheets of two days go on from one another, and nothing is said."""

    def told(*days: int) -> list[str]:
        book = Workbook()
        book.remove(book.worksheets[0])
        for number, day in enumerate(days):
            sheet = book.create_sheet(f"Sheet {number}")
            sheet.append(["Time", "p227 [m³/h]"])
            for hour in range(3):
                sheet.append([datetime(2026, 1, day, hour), 10 * number + hour])
        book.save(tmp_path / "two.xlsx")
        notes = load(city, [tmp_path / "two.xlsx"], mapping={"p227 [m³/h]": "p227"}).notes
        return [note for note in notes if "for the same time" in note]

    assert told(1, 2) == []
    (note,) = told(5, 5)
    assert "`p227` comes from" in note
    assert "two.xlsx/Sheet 0 and from" in note
    assert "3 values of the latter are others" in note


def test_one_name_for_power_energy_and_water_is_not_one_point(city: Project, tmp_path: Path) -> None:
    """The files of one address, kept under its name: the first says what the point measures."""
    for number, unit in enumerate(("kW", "kWh", "m3")):
        text = f"time,Main St 1\n,{unit}\n2026-01-01T00:00Z,1\n2026-01-01T00:15Z,2\n"
        (tmp_path / f"{number}.csv").write_text(text)
    result = load(city, sorted(tmp_path.glob("?.csv")), keep_all=True)
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert len(stored(city)) == 2
    (why, other) = [missing.why for missing in result.completeness.missing]
    assert "it is energy in kWh, and `Main St 1` is power already" in why
    assert "it is volume in m3" in other


def test_a_name_means_one_quantity_from_one_import_to_the_next(city: Project, tmp_path: Path) -> None:
    """Amounts of kWh were revised by the powers of a later import, of one name, with exit 0."""
    energy, power = tmp_path / "energy.csv", tmp_path / "power.csv"
    energy.write_text("time,Main St 1\n,kWh\n2026-01-01T00:00Z,1\n2026-01-01T00:15Z,2\n")
    power.write_text("time,Main St 1\n,kW\n2026-01-01T00:00Z,4\n2026-01-01T00:15Z,8\n")
    load(city, [energy], keep_all=True)
    for dry_run in (True, False):
        result = load(city, [power], keep_all=True, later=1, dry_run=dry_run)
        assert result.exit_code() == ExitCode.INCOMPLETE
        assert "it is power in kW, and `Main St 1` is energy already" in result.completeness.missing[0].why
    assert load(city, [energy], keep_all=True, later=2).exit_code() == ExitCode.DONE
    assert [row[2] for row in stored(city)] == [1.0, 2.0]
    with Store.open(city.store_folder) as store:
        assert store.series()["Main St 1"][1:3] == ("energy", "kWh")


def test_a_folder_without_files_says_so(city: Project, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (missing,) = load(city, [tmp_path / "empty"]).completeness.missing
    assert missing.why.startswith("is a folder without files")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_with_what_to_do(city: Project, tmp_path: Path) -> None:
    """Nobody writes into it: it must not be waited for."""
    os.mkfifo(tmp_path / "pipe")
    result = load(city, [tmp_path / "pipe", Path("-")])
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert [one.what for one in result.completeness.missing] == [str(tmp_path / "pipe"), "-"]
    assert all("`... > export.csv`" in one.why for one in result.completeness.missing)


def test_a_file_that_grows_while_it_is_read_is_incomplete(
    city: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a row stands there when it is begun, the other half and one more come meanwhile."""
    path = tmp_path / "flows.csv"
    whole = LONG.format(meter="x") + "2026-01-01T02:00Z,x,12.5,kWh\n"
    path.write_text(whole[:-9])
    head = Source.head

    def written_on(self: Source, size: int = 1 << 16) -> bytes:
        found = head(self, size)
        path.write_text(whole)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Source, "head", written_on)
        result = load(city, [path], keep_all=True)
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert "changed while it was read" in result.completeness.missing[-1].why
    assert load(city, [path], keep_all=True, later=1).exit_code() == ExitCode.DONE
    assert [row[-2] for row in stored(city)] == [1.5, 2.5, 12.5]


def test_the_files_of_one_import_share_an_engine(
    city: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that are brought again each opened a DuckDB of their own."""
    names = [f"m{number}" for number in range(5)]
    for name in names:
        (tmp_path / f"{name}.csv").write_text(LONG.format(meter=name))
    load(city, [tmp_path / f"{name}.csv" for name in names], keep_all=True)
    opened: list[Engine] = []
    begin = Engine.__init__

    def counted(engine: Engine, **more: Any) -> None:
        opened.append(engine)
        begin(engine, **more)

    monkeypatch.setattr(Engine, "__init__", counted)
    result = load(city, [tmp_path / f"{name}.csv" for name in names], keep_all=True)
    assert {name: row["unchanged"] for name, row in rows(result).items()} == dict.fromkeys(names, 2)
    assert len(opened) <= 2  # one for what is stored, one for the lengths of amounts
