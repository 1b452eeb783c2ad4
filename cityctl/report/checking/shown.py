"""A check as a table, for `-o json` and the like."""

from __future__ import annotations

from cityctl.glossary import column
from cityctl.report.checking.nagios import Checked
from cityctl.result import Column, Result, Table

COLUMNS: tuple[Column, ...] = (
    Column("check_name", "Checked", meaning="the report or question that was checked", priority=1),
    Column(
        "plugin_state",
        "State",
        meaning="OK, WARNING, CRITICAL or UNKNOWN, as monitoring plug-ins say",
        priority=1,
    ),
    Column("check_said", "Said", meaning="the words of the check", priority=1),
    Column("label_of", "Figure of", meaning="label of a figure in the performance data", priority=1),
    Column("measured", "Measured", meaning="the figure", kind="number", digits=1, priority=1),
    Column("warn", "Warn", meaning="WARNING outside of this range", priority=3),
    Column("crit", "Crit", meaning="CRITICAL outside of this range", priority=3),
)


def shown(name: str, checked: Checked) -> Result:
    """The verdict in the first table, its figures in the second."""
    verdict: list[tuple[object, ...]] = [(name, checked.state.name, "; ".join(checked.words))]
    figures: list[tuple[object, ...]] = [
        (one.label, one.value, one.unit, one.warn.text if one.warn else "", one.crit.text if one.crit else "")
        for one in checked.figures
    ]
    return Result(
        "Check",
        [
            Table("check", "Check", list(COLUMNS[:3]), verdict),
            Table("performance", "Figures", [*COLUMNS[3:5], column("unit"), *COLUMNS[5:]], figures),
        ],
    )
