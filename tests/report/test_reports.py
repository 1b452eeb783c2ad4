"""A report from its YAML to its figures: a project with a recipe, an analysis and readings of its own.

No Python of cityctl is touched: the three files below are all that a new report needs.
"""

from __future__ import annotations

import csv
import io
import json

import pytest

from cityctl.city.project import Project
from cityctl.errors import ExitCode, StoreProblem, UsageProblem
from cityctl.report.run import run
from cityctl.store.store import Store
from tests.report.peaks import NOW, recipe


def test_a_report_of_three_new_files_runs(testville) -> None:
    result = run("peaks", testville, now=NOW)
    assert result.title == "Highest inflow of each zone"
    assert str(result.interval) == "2026-11-20 12:00 to 2026-11-22 12:00, Europe/Berlin"  # last: 2d
    (table,) = result.tables
    assert [column.key for column in table.columns] == ["zone", "peak", "verdict"]
    # 2 L/s are 7.2 m³/h. Hafen's last of 36 readings is 35 x 0.25, Berg's last of ten 4.5 + 9 x 0.25.
    assert table.rows == [("hafen", 8.75, "HIGH"), ("berg", 6.75, "normal")]
    assert [plot.key for plot in result.plots] == ["inflow:hafen", "inflow:berg"]
    assert result.notes == [
        "About: Which zones draw more than they should.",
        "Method: the largest reading of each zone.",
        "Source: made up for this test",
        "Limit: knows nothing of season",
        "Parameters: threshold 7.2 m³/h, share 5 %, from time 02:00",
    ]


def test_the_command_line_goes_before_the_recipe_and_the_recipe_before_the_analysis(testville) -> None:
    result = run(
        "peaks", testville, now=NOW, settings=["threshold=6 m3/h"], since="2026-11-21", until="2026-11-21"
    )
    assert result.summary == "1 zones over 6.0 m3/h"
    # The 21st has 24 hours: Hafen reaches 23 x 0.25 = 5.75, Berg 6.75.
    assert result.tables[0].rows == [("hafen", 5.75, "normal"), ("berg", 6.75, "HIGH")]
    assert "threshold 6 m³/h" in result.notes[-1]
    recipe(testville, "parameters:\n  threshold: 2 L/s\n", "")
    assert "threshold 5 m³/h" in run("peaks", testville, now=NOW).notes[-1]


def test_findings_alone_are_rows(testville) -> None:
    result = run("peaks", testville, now=NOW, findings_alone=True)
    assert [row[1] for row in result.tables[0].rows] == ["hafen"]
    assert result.plots == []
    assert result.exit_code(on_findings=True) is ExitCode.FOUND


def test_an_interval_without_readings_says_where_they_are(testville) -> None:
    result = run("peaks", testville, now=NOW, since="2025-01-01", until="2025-01-07")
    assert result.exit_code() is ExitCode.INCOMPLETE
    assert (
        "no readings in this interval: the store's run from 2026-11-21 to 2026-11-22 "
        "(try --since 2026-11-21 --until 2026-11-22)" in result.notes
    )


def test_an_empty_store_says_how_readings_come_in(testville, monkeypatch, tmp_path) -> None:
    for folder in (tmp_path / "none", tmp_path / "empty"):
        if folder.name == "empty":
            Store.open(folder).close()
        monkeypatch.setenv("CITYCTL_STORE", str(folder))
        with pytest.raises(StoreProblem, match="no readings yet") as caught:
            run("peaks", testville, now=NOW)
        assert "cityctl poll" in str(caught.value.hint)


@pytest.mark.parametrize(
    "said", ["treshold=2", "threshold", "=2", "threshold=high", "threshold=-1", "share=5 bar"]
)
def test_a_wrong_setting_of_the_command_is_a_usage_problem(testville, said) -> None:
    with pytest.raises(UsageProblem):
        run("peaks", testville, now=NOW, settings=[said])


def test_the_commands_speak_every_format(testville, capsys, monkeypatch, tmp_path) -> None:
    from cityctl.cli import command

    monkeypatch.setenv("CITYCTL_NOW", NOW.isoformat())

    def ask(*words: str) -> tuple[int, str, str]:
        code = command().main(["report", *words, "--project", str(testville.folder)], standalone_mode=False)
        said = capsys.readouterr()
        return code, said.out, said.err

    code, plain, problems = ask("run", "peaks")
    assert code == 0, problems
    assert "Highest inflow of each zone   20 Nov 2026 12:00 to 22 Nov 2026 12:00, Europe/Berlin" in plain
    assert "(exit 0, or 3 with --exit-code)" in plain
    assert ask("run", "peaks", "--exit-code")[0] == 3

    document_of = json.loads(ask("run", "peaks", "-o", "json")[1])
    rows = list(csv.DictReader(io.StringIO(ask("run", "peaks", "-o", "csv")[1])))
    assert (
        [float(row["peak [m3/h]"]) for row in rows]
        == [row["peak"] for row in document_of["rows"]]
        == [8.75, 6.75]
    )

    assert ask("run", "peaks", "--only-findings", "--set", "threshold=100")[:2] == (0, "")
    loud = ask("run", "peaks", "--only-findings")[1]
    assert "hafen" in loud
    assert "berg" not in loud

    page = tmp_path / "peaks.html"
    assert ask("run", "peaks", "--output-file", str(page))[0] == 0
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")

    code, said, problems = ask("run", "peeks")
    assert (code, said) == (2, "")
    assert "did you mean `peaks`?" in problems
    assert "Traceback" not in problems
    assert "peaks" in ask("list")[1]
    assert "threshold" in ask("show", "peaks")[1]


def test_a_report_over_a_file_alone_needs_no_store(project) -> None:
    """30 of 2000 customers without supply for 90 min: SAIDI 30 x 90 / 2000 min."""
    folder = project(
        "name: T\ntime_zone: Europe/Berlin\nnetworks: {power: {kind: power}}\n"
        "zones: {town: {network: power, connections: 2000}}\ninterruptions_file: interruptions.csv\n"
    )
    (folder / "interruptions.csv").write_text(
        "start,end,customers,zone,cause\n2025-04-17 10:30,2025-04-17 12:00,30,town,cable\n", encoding="utf-8"
    )
    place = Project(folder)
    result = run("reliability", place, now=NOW, since="2025", until="2025")
    indices = result.tables[0]
    keys = [column.key for column in indices.columns]
    assert indices.rows[0][keys.index("saidi")] == pytest.approx(30 * 90 / 2000)
    assert not place.store_folder.exists()


def test_a_water_balance_of_given_volumes_needs_no_store(project) -> None:
    """Of 120 000 m³ 100 000 are billed: a sixth brings no revenue. No reading is asked for, nor said to be missing."""
    place = Project(
        project(
            "name: T\ntime_zone: UTC\nnetworks: {water: {kind: water}}\nzones: {town: {network: water}}\n"
        )
    )
    result = run(
        "water-balance", place, now=NOW, settings=["system_input=120000 m3", "billed_metered=100000 m3"]
    )
    assert result.summary == "16.7 % of the water supplied brings no revenue"
    assert not any("no readings" in note for note in result.notes)
    assert result.exit_code() is ExitCode.DONE
    assert not place.store_folder.exists()
