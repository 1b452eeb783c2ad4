"""Measures from a CSV beside city.yaml."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from cityctl.city.load import load
from cityctl.errors import ConfigInvalid

CITY = """
name: Town
time_zone: UTC
networks: {power: {kind: power}}
zones: {hall: {network: power}, pool: {network: power}}
interventions: [{date: 2025-01-01, zone: hall}]
interventions_file: measures.csv
"""


def test_rows_join_what_city_yaml_says(project: Callable[[str], Path]) -> None:
    folder = project(CITY)
    (folder / "measures.csv").write_text(
        "date;zone;meters;what\n1.5.2025;pool;;new pump\n2025-06-01;;meter-1 b*;lamps\n", encoding="utf-8"
    )
    found = load(folder).interventions
    assert [(one.date, one.zone, one.meters, one.what) for one in found] == [
        (date(2025, 1, 1), "hall", [], ""),
        (date(2025, 5, 1), "pool", [], "new pump"),
        (date(2025, 6, 1), None, ["meter-1", "b*"], "lamps"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,zone\n1/5/2025,hall\n", "measures.csv:2: `1/5/2025` is no date"),
        ("date,zone\n2025-05-01,hal\n", "measures.csv:2: no zone `hal`"),
        ("date,zoen\n2025-05-01,hall\n", "measures.csv:1: unknown column `zoen`"),
        ("zone,what\nhall,x\n", "measures.csv:1: no column `date`"),
    ],
)
def test_a_mistake_is_told_with_its_line(project: Callable[[str], Path], text: str, said: str) -> None:
    folder = project(CITY)
    (folder / "measures.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigInvalid) as problem:
        load(folder)
    assert said in problem.value.message


def test_a_file_that_is_not_there_is_named(project: Callable[[str], Path]) -> None:
    with pytest.raises(ConfigInvalid, match=r"measures\.csv"):
        load(project(CITY))


def test_an_unknown_point_of_carbon_is_named(project: Callable[[str], Path]) -> None:
    text = CITY.replace("interventions_file: measures.csv\n", "")
    with pytest.raises(ConfigInvalid, match="grid"):
        load(project(text.replace("{kind: power}", "{kind: power, carbon: grid}")))
