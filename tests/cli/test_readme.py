"""The README's commands on data that nobody here made: L-Town and 95 Cambridge meters."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def commands(city: str) -> list[list[str]]:
    """The README's commands for one of the cities of the tests, as words."""
    line = next(
        line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if f"cities/{city}" in line
    )
    return [shlex.split(part)[1:] for part in line.split("&&")]


@pytest.mark.slow
def test_ltown_gives_a_leak_report_over_the_year(cityctl, shared, tmp_path):
    take, ask = commands("ltown")
    store = {"CITYCTL_STORE": str(tmp_path / "store")}
    taken = cityctl(*take, "-o", "json", cwd=ROOT, **store)
    assert taken.returncode == 0, taken.stderr
    rows = json.loads(taken.stdout)["rows"]
    # 105 120 rows of 3 flows, 1 level and 33 pressures: shared/data/water/README.md
    assert sum(row["received"] for row in rows) == sum(row["new"] for row in rows) == 105_120 * 37
    asked = cityctl(*ask, "-o", "json", cwd=ROOT, **store)
    assert asked.returncode in (0, 4), asked.stderr
    report = json.loads(asked.stdout)
    assert {row["zone"] for row in report["rows"]} == {"Zone A+B", "Zone C"} or len(report["rows"]) == 2
    assert report["findings"], "the year has leaks in both zones (truth.json)"
    assert all(finding["since"].startswith("2018") for finding in report["findings"])
    again = cityctl(*take, "-o", "json", cwd=ROOT, **store)
    assert sum(row["new"] + row["revised"] for row in json.loads(again.stdout)["rows"]) == 0


@pytest.mark.slow
def test_cambridge_gives_a_savings_report(cityctl, shared, tmp_path):
    take, ask = commands("cambridge")
    store = {"CITYCTL_STORE": str(tmp_path / "store")}
    taken = cityctl(*take, "-o", "json", cwd=ROOT, **store)
    assert taken.returncode == 0, taken.stderr
    asked = cityctl(*ask, "-o", "json", cwd=ROOT, **store)
    assert asked.returncode in (0, 4), asked.stderr
    rows = json.loads(asked.stdout)["rows"]
    assert len(rows) == 95  # shared/data/energy/README.md
    # Nothing was done there: by chance 5 of 95 lie beyond a 90 % interval on the saving's side.
    assert 0 < sum(row["verdict"].startswith("proven") for row in rows) <= 12


def test_every_command_of_the_readme_parses():
    from cityctl.cli.root import COMMANDS, load

    text = (ROOT / "README.md").read_text("utf-8")
    lines = [line.split("#")[0] for line in re.findall(r"^    (cityctl .*)$", text, re.M)]
    for line in lines:
        for part in line.split("&&"):
            words = shlex.split(part)[1:]
            words = words[: words.index(">")] if ">" in words else words
            assert words[0] in COMMANDS, part
            found, rest = load(words[0]), words[1:]
            while getattr(found, "commands", None):
                found, rest = found.commands[rest[0]], rest[1:]
            context = found.make_context(part, list(rest))
            assert (
                context.args == [] or context.ignore_unknown_options
            )  # a report's parameters are options too
