"""The table on a terminal, at the widths that people have."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.report.render import render
from cityctl.report.render.cells import text_width
from cityctl.report.render.layout import fold, lay_out
from cityctl.report.render.spark import spark
from cityctl.result import Column, Completeness, Missing, Result, Table


def lines(result: Result, zone, width: int, *, colour: bool = False) -> list[str]:
    said = render(result, "table", zone=zone, width=width, colour=colour, exit_code=result.exit_code())
    assert isinstance(said, str)
    return said.splitlines()


def test_it_looks_as_drawn(night_flow, berlin) -> None:
    said = lines(night_flow, berlin, 120)
    assert said[0] == (
        "Minimum night flow   02:00 to 04:00, 15 to 21 Nov 2026, Europe/Berlin        99.4 % of readings present"
    )
    assert said[2].split() == [
        "ZONE",
        "MNF",
        "EXPECTED",
        "EXCESS",
        "PER",
        "CONNECTION",
        "LAST",
        "7",
        "NIGHTS",
        "VERDICT",
    ]
    assert said[3].split() == ["m³/h", "m³/h", "m³/h", "L/h", "m³/h"]
    assert "▂▂▂▃▆▇█" in said[4]
    assert "▃▃··▃·▃" in said[6]
    assert said[6].endswith("UNKNOWN 3 of 7 nights missing")


@pytest.mark.parametrize("width", [45, 60, 80, 120, 200])
@pytest.mark.parametrize("which", ["night_flow", "nasty"])
def test_no_line_is_wider_than_the_terminal(which, width, berlin, request) -> None:
    result: Result = request.getfixturevalue(which)
    assert max(text_width(line) for line in lines(result, berlin, width)) <= width


@pytest.mark.parametrize("width", [50, 60, 80, 100])
def test_columns_that_find_no_room_are_named(night_flow, berlin, width) -> None:
    said = "\n".join(lines(night_flow, berlin, width))
    table = said.split("SEVERITY")[0]
    named = re.sub(r"\s+", " ", table)
    dropped = named.split("not shown at this width: ")[1].split(" (-o plain shows all)")[0]
    heads = [column.label.upper() for column in night_flow.tables[0].columns]
    head_line = next(line for line in said.splitlines() if "ZONE" in line)
    assert [head for head in heads if head in head_line] == [head for head in heads if head not in dropped]
    assert "ZONE" in head_line
    assert "VERDICT" in head_line


def test_columns_go_by_priority() -> None:
    columns = [
        Column(key, key, priority=priority) for key, priority in (("a", 1), ("b", 7), ("c", 2), ("d", 7))
    ]
    table = Table("t", "T", columns, [("x" * 10,) * 4])

    def drop(room: int) -> list[str]:
        return lay_out(table, lambda cell, _: str(cell), room).dropped

    assert drop(49) == []  # four times ten and three gaps of three
    assert drop(48) == ["D"]
    assert drop(35) == ["B", "D"]
    assert drop(22) == ["B", "C", "D"]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_folded_name_loses_no_sign(berlin, long_name, width) -> None:
    columns = [Column("name", "Name", priority=1), Column("n", "N", "m3/h", kind="number", priority=1)]
    said = lines(Result("T", [Table("t", "T", columns, [(long_name, 12.5)])]), berlin, width)
    folded = [line.strip().removesuffix("12.5").strip() for line in said[4:]]
    assert "".join(folded).replace(" ", "") == long_name.replace(" ", "")
    assert said[4].endswith("12.5")


def test_colour_only_underlines_what_words_say(night_flow, berlin) -> None:
    coloured = lines(night_flow, berlin, 120, colour=True)
    plain = lines(night_flow, berlin, 120)
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in coloured] == [
        line.rstrip() for line in plain
    ]
    hafen = next(line for line in coloured if "LEAK" in line)
    assert re.search(r"\x1b\[1;31mLEAK since Thu 19 Nov", hafen)
    assert re.search(r"\x1b\[33mUNKNOWN 3 of 7", "\n".join(coloured))
    assert re.search(r"\x1b\[32mnormal", "\n".join(coloured))


def test_the_caller_alone_decides_on_colour(night_flow, berlin, monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert any("\x1b" in line for line in lines(night_flow, berlin, 120, colour=True))
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not any("\x1b" in line for line in lines(night_flow, berlin, 120))


def test_many_missing_things_are_counted(berlin) -> None:
    missing = [Missing(f"m{at}", "no readings") for at in range(40)] + [
        Missing("x", f"reason {at}") for at in range(20)
    ]
    result = Result("T", completeness=Completeness(100, 40, missing, "meters"))
    said = "\n".join(lines(result, berlin, 100))
    assert "m11 and 28 more: no readings" in said
    assert "and 13 more reasons (-o plain shows all)" in said
    plain = render(result, "plain", zone=berlin)
    assert isinstance(plain, str)
    assert "m39" in plain
    assert "reason 19" in plain


def test_never_a_hundred_per_cent_while_one_is_missing(berlin) -> None:
    def said(had: int, wanted: int) -> str:
        return (
            lines(Result("T", completeness=Completeness(wanted, had)), berlin, 80)[0].split("   ")[-1].strip()
        )

    assert said(100_000, 100_000) == "100 % of readings present"
    assert said(99_999, 100_000) == "99.9 % of readings present"
    assert said(1, 100_000) == "< 0.1 % of readings present"
    assert said(0, 100_000) == "0.0 % of readings present"


def test_sparks_show_gaps_and_keep_steady_lines_steady() -> None:
    assert spark([0, 1, 2, 3, 4, 5, 6]) == "▂▃▄▅▆▇█"
    assert spark([5.0, 5.0, None, 5.0]) == "▃▃·▃"
    assert spark([100.0, 101.0, 99.0]) == "▃▃▃"
    assert spark([None, None]) == "··"
    assert spark([-3.0, 0.0, 3.0]) == "▂▅█"
    assert spark([]) == ""
    assert spark(None) == ""


def test_folding_breaks_at_spaces_and_only_then_inside_words() -> None:
    assert fold("one two three", 7) == ["one two", "three"]
    assert fold("abcdefgh ij", 3) == ["abc", "def", "gh", "ij"]
    assert fold("水道水道", 3) == ["水", "道", "水", "道"]
    assert fold("", 5) == [""]


def test_a_figure_keeps_its_thousands_and_its_unit() -> None:
    text = "a leak of 12.7 m³/h runs on, 1 526 m³ lost so far, 100 % of nights"
    for width in range(12, 40):
        lines = fold(text, width)
        assert " ".join(lines) == text
        for whole in ("12.7 m³/h", "1 526 m³", "100 %"):
            assert any(whole in line for line in lines), (width, lines)


@given(st.text("ab1 /-_.%m³", max_size=60), st.integers(3, 30))
def test_folding_loses_nothing_and_keeps_the_width(text, width) -> None:
    lines = fold(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(text_width(line) <= width for line in lines)


def test_a_name_breaks_at_its_joints() -> None:
    assert fold("weststadt-inlet/battery_percent", 20) == ["weststadt-inlet/", "battery_percent"]
    assert fold("x" * 25, 20) == ["x" * 20, "x" * 5]


def test_a_column_without_a_value_goes_before_any_other(berlin) -> None:
    columns = [
        Column(key, key, priority=priority) for key, priority in (("name", 1), ("empty", 2), ("full", 9))
    ]
    table = Table("t", "", columns, [("a" * 20, None, "b" * 20)])
    text = render(Result("R", [table]), "table", zone=berlin, width=50)
    assert "FULL" in str(text).splitlines()[2]
    assert "not shown at this width: EMPTY" in str(text)


def test_a_terminal_shows_the_first_rows_and_counts_the_others(berlin) -> None:
    columns = [Column("name", "Name", priority=1), Column("size", "Size", kind="integer")]
    table = Table("t", "", columns, [(f"row-{at}", at) for at in range(30)], most=12)
    result = Result("R", [table])
    said = "\n".join(lines(result, berlin, 80))
    assert "row-11" in said
    assert "row-12" not in said
    assert "and 18 more rows (-o plain shows all)" in said
    for whole in ("plain", "csv", "json", "md", "html"):
        assert "row-29" in str(render(result, whole, zone=berlin))
