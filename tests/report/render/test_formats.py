"""What holds for each format, whatever a result holds."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cityctl.cli.run import FORMATS as OFFERED
from cityctl.errors import ExitCode, UsageProblem
from cityctl.report.render import FORMATS, render
from cityctl.result import Column, Result, Table

TEXT = [name for name in FORMATS if name not in ("parquet", "xlsx")]
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def text(result: Result, name: str, zone, **options) -> str:
    rendered = render(result, name, zone=zone, exit_code=result.exit_code(), **options)
    assert isinstance(rendered, str)
    return rendered


def test_the_commands_offer_the_formats_that_there_are() -> None:
    assert tuple(FORMATS) == OFFERED


def test_an_unknown_format_names_the_near_one(berlin, empty) -> None:
    with pytest.raises(UsageProblem) as caught:
        render(empty, "jsn", zone=berlin)
    assert caught.value.hint == "did you mean `-o json`?"


@pytest.mark.parametrize("name", TEXT)
def test_no_name_steers_a_terminal(name, nasty, berlin) -> None:
    said = text(nasty, name, berlin, width=100, colour=False)
    assert not STEERING.search(said)


@pytest.mark.parametrize("name", TEXT)
def test_an_empty_result_renders(name, empty, berlin) -> None:
    said = text(empty, name, berlin)
    assert (said == "") == (name in ("csv", "jsonl"))


@pytest.mark.parametrize("name", TEXT)
def test_a_table_without_rows_renders(name, berlin) -> None:
    bare = Result("Bare", [Table("t", "T", [Column("a", "A", "m3/h", kind="number")], [])])
    said = text(bare, name, berlin)
    if name == "csv":
        assert said == "a [m3/h]\n"
    if name == "jsonl":
        assert said == ""


@pytest.mark.parametrize("name", ["plain", "md", "json", "jsonl", "csv", "html"])
def test_a_long_name_survives_whole(name, nasty, berlin, long_name) -> None:
    assert long_name in text(nasty, name, berlin)


def test_plain_is_never_cut_and_draws_no_boxes(nasty, night_flow, berlin) -> None:
    for result in (nasty, night_flow):
        said = text(result, "plain", berlin, width=40, colour=True)
        assert not re.search("[\u2500-\u259f…\x1b]", said)
        assert said.endswith("\n")
        assert all(line == line.rstrip() for line in said.splitlines())


def test_plain_columns_are_aligned(night_flow, berlin) -> None:
    lines = text(night_flow, "plain", berlin).splitlines()
    head = next(line for line in lines if line.startswith("ZONE"))
    hafen = next(line for line in lines if line.startswith("Hafen"))
    assert hafen.index("LEAK") == head.index("VERDICT")
    assert hafen.index("18.7") + 4 == head.index("MNF") + 3


def test_the_summary_says_how_the_command_ends(night_flow, berlin) -> None:
    plain = render(night_flow, "plain", zone=berlin, exit_code=ExitCode.INCOMPLETE)
    assert "1 zone over its threshold, 1 cannot be judged (exit 4, or 3 with --exit-code)" in plain
    found = render(night_flow, "plain", zone=berlin, exit_code=ExitCode.FOUND)
    assert "1 cannot be judged (exit 3)" in found
    done = render(Result("T", summary="all well"), "plain", zone=berlin)
    assert done.rstrip().endswith("all well")


def test_the_interval_is_printed_in_the_citys_zone(night_flow, berlin) -> None:
    for name in ("table", "plain", "md", "html"):
        assert "15 to 21 Nov 2026, Europe/Berlin" in text(night_flow, name, berlin)
        assert "99.4 % of readings present" in text(night_flow, name, berlin)


def test_json_is_one_document_of_the_stable_shape(nasty, night_flow, berlin) -> None:
    document = json.loads(text(night_flow, "json", berlin))
    assert {"title", "interval", "rows", "tables", "findings", "completeness", "notes"} <= set(document)
    assert document["interval"]["since"] == "2026-11-14T23:00:00Z"
    assert document["interval"]["until"] == "2026-11-21T23:00:00Z"
    assert document["interval"]["time_zone"] == "Europe/Berlin"
    assert document["interval"]["local"]["since"] == "2026-11-15T00:00:00+01:00"
    assert document["rows"] == document["tables"]["zones"]["rows"]
    assert document["rows"][2]["mnf"] is None
    assert document["tables"]["zones"]["columns"][1] == {
        "key": "mnf",
        "label": "MNF",
        "unit": "m3/h",
        "kind": "number",
        "meaning": "mean inflow from 02:00 to 04:00",
    }
    assert document["findings"][0]["evidence"] == {"excess_m3_h": 12.6, "nights": 3}
    assert document["completeness"]["missing"] == [{"what": "Weststadt", "why": "3 of 7 nights missing"}]

    def no_constant(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    evil = json.loads(text(nasty, "json", berlin), parse_constant=no_constant)
    assert evil["rows"][1]["flow"] is None
    assert evil["rows"][1]["name"] == nasty.tables[0].rows[1][0]  # the very text, escaped and back


def test_jsonl_is_one_row_a_line(night_flow, berlin) -> None:
    lines = text(night_flow, "jsonl", berlin).splitlines()
    assert [json.loads(line)["zone"] for line in lines] == ["Hafen", "Altstadt", "Weststadt"]


def test_csv_disarms_formulas_and_leaves_numbers(nasty, berlin) -> None:
    said = text(nasty, "csv", berlin)
    head, *rows = list(csv.reader(io.StringIO(said)))
    assert head == [
        "name", "flow [m3/h]", "count", "share [0..1]", "time", "date", "spark [kWh]", "verdict",
    ]  # fmt: skip
    assert rows[2][:4] == ["'=cmd()", "-0.0004", "-7", "-0.5"]
    assert rows[3][0] == "'-1+1"
    assert rows[3][4] == "2026-10-25T02:30:00+02:00"
    assert rows[1][1:6] == [""] * 5


def test_parquet_names_units_and_types(nasty, berlin, tmp_path: Path) -> None:
    import pyarrow as pa

    path = tmp_path / "nasty.parquet"
    data = render(nasty, "parquet", zone=berlin)
    assert isinstance(data, bytes)
    path.write_bytes(data)
    table = pq.read_table(path)
    assert table.num_rows == 5
    assert table.schema.field("flow").metadata[b"unit"] == b"m3/h"
    assert table.schema.field("share").metadata[b"unit"] == b"0..1"
    assert table.schema.field("time").type == pa.timestamp("us", tz="UTC")
    assert table.schema.field("count").type == pa.int64()
    assert table.schema.field("spark").type == pa.list_(pa.float64())
    assert table.column("name")[2].as_py() == "=cmd()"
    assert table.column("flow").null_count == 2  # NaN and infinity are missing, as everywhere


def test_parquet_of_nothing_is_a_file(empty, berlin) -> None:
    data = render(empty, "parquet", zone=berlin)
    assert isinstance(data, bytes)
    assert pq.read_table(io.BytesIO(data)).num_rows == 0


def test_parquet_keeps_cells_that_do_not_fit_their_column(berlin) -> None:
    columns = [Column("n", "N", kind="number"), Column("t", "T"), Column("d", "D", kind="date")]
    odd = Result("Odd", [Table("t", "", columns, [("12 l/s?", 1.5, None), (2.0, None, "soon")])])
    data = render(odd, "parquet", zone=berlin)
    assert isinstance(data, bytes)
    assert pq.read_table(io.BytesIO(data)).to_pydict() == {
        "n": ["12 l/s?", "2.0"],
        "t": ["1.5", None],
        "d": [None, "soon"],
    }


def test_markdown_holds_all_tables_and_no_markup_of_others(nasty, night_flow, berlin) -> None:
    said = text(night_flow, "md", berlin)
    assert "| Zone | MNF (m³/h) |" in said
    assert "| --- | ---: |" in said
    assert "## Findings" in said
    assert "- **Sources:** WRc report 26" in said
    evil = text(nasty, "md", berlin)
    assert "<script>" not in evil
    assert r"\<script\>" in evil
    rows = [line for line in evil.splitlines() if line.startswith("| ")]
    # Eight columns have nine bars, two have three, five (the findings) six; no name adds one.
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {9, 3, 6}
