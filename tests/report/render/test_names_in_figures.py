"""Numbers that are names (a port, an address, a state's code) are shown as they are; amounts are grouped."""

from __future__ import annotations

from datetime import UTC

from cityctl.report.render.cells import settled, shown
from cityctl.result import Code, Column

COUNT = Column("count_here", "Count", kind="integer")
VALUE = Column("value_here", "Value", kind="number", digits=3)
PORT = Column("port_here", "Port", kind="integer", grouped=False)


def test_amounts_are_grouped():
    assert shown(43123, COUNT, UTC, group=" ") == "43 123"
    assert shown(43123.5, VALUE, UTC, group=" ") == "43 123.500"


def test_a_column_of_names_is_not():
    assert shown(43123, PORT, UTC, group=" ") == "43123"


def test_a_code_among_values_is_not():
    assert shown(Code(43123), VALUE, UTC, group=" ") == "43123"
    assert shown(Code(3), VALUE, UTC) == "3"


def test_files_see_a_plain_number():
    assert settled(Code(43123)) == 43123
    assert type(settled(Code(43123))) is int
