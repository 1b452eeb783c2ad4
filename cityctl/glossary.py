"""The words of every report: a column's key, label, unit and meaning, the same wherever it stands.

Words that one analysis alone uses are declared in that analysis; a test holds all of them against each other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cityctl.result import Column


def _all(*columns: Column) -> dict[str, Column]:
    return {column.key: column for column in columns}


GLOSSARY: dict[str, Column] = _all(
    Column("zone", "Zone", meaning="a district metered area, a feeder or a building", priority=1),
    Column("network", "Network", meaning="water, power, heat or gas", priority=6),
    Column(
        "asset", "Asset", meaning="a pump, tank, transformer or another thing that is maintained", priority=3
    ),
    Column("device", "Device", meaning="a PLC or meter that answers", priority=1),
    Column("service", "Service", meaning="an HTTP export that readings are pulled from", priority=1),
    Column(
        "connector", "Connector", meaning="the YAML file that describes a device model or service", priority=4
    ),
    Column("point", "Point", meaning="one quantity of a device or meter: a tag", priority=1),
    Column("meter", "Meter", meaning="a point that counts what a customer or building uses", priority=1),
    Column(
        "series",
        "Series",
        meaning="readings of one kind in an export, under the export's own name",
        priority=1,
    ),
    Column("name", "Name", meaning="what people call it", priority=4),
    Column(
        "time",
        "Time",
        meaning="the instant of a reading, or the start of its interval",
        kind="time",
        priority=1,
    ),
    Column("date", "Date", meaning="the local day", kind="date", priority=1),
    Column("value", "Value", meaning="the reading's value", kind="number", digits=3, priority=1),
    Column("unit", "Unit", meaning="the unit of the value", priority=2),
    Column("quantity", "Quantity", meaning="what is measured", priority=5),
    Column("quality", "Quality", meaning="good, estimated, suspect or bad", priority=3),
    Column("received_at", "Received", meaning="when cityctl took the reading in", kind="time", priority=7),
    Column("readings", "Readings", meaning="how many readings", kind="integer", priority=2),
    Column("first", "First", meaning="time of the first reading", kind="time", priority=3),
    Column("last", "Last", meaning="time of the last reading", kind="time", priority=2),
    Column("verdict", "Verdict", meaning="what follows", kind="verdict", priority=1),
    Column("note", "Note", meaning="what else to know", priority=6),
    Column("wanted", "Wanted", meaning="how many were asked for or expected", kind="integer", priority=3),
    Column("had", "Had", meaning="how many were there", kind="integer", priority=3),
    Column(
        "missing", "Missing", meaning="how many expected readings are not there", kind="integer", priority=3
    ),
    Column("since", "Since", meaning="start", kind="time", priority=2),
    Column("until", "Until", meaning="end, itself not included", kind="time", priority=2),
    Column("file", "File", meaning="the file it came from", priority=2),
    Column("reason", "Reason", meaning="why", priority=2),
    Column("origin", "Origin", meaning="project, user or shipped: whose file it is", priority=5),
    Column("meaning", "Meaning", meaning="what it stands for", priority=2),
    Column("kind", "Kind", meaning="what sort it is", priority=5),
    Column("key", "Key", meaning="the name in files and recipes", priority=1),
    Column("what", "What", meaning="what it is", priority=1),
    Column("whole_text", "Text", meaning="a text as it is", priority=1),
    Column("written_at", "Written at", meaning="file:line:column, or the environment", priority=2),
    Column("path", "Path", meaning="where it is", priority=1),
    Column("purpose", "Purpose", meaning="what it is for", priority=2),
    Column("count", "Count", meaning="how many", kind="integer", priority=2),
    Column("host", "Host", meaning="network address", priority=4),
    Column("finding", "Finding", meaning="the finding's stable name, for `cityctl explain`", priority=4),
)


def column(key: str, **changes: Any) -> Column:
    """The glossary's column of that key, with a few of its fields changed for one table."""
    return replace(GLOSSARY[key], **changes) if changes else GLOSSARY[key]
