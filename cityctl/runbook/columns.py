"""The words of this room's tables."""

from __future__ import annotations

from cityctl.glossary import column
from cityctl.result import Column

STEP = Column("runbook_step", "Step", meaning="number of the step in its runbook", priority=1)
VERB = Column(
    "runbook_verb",
    "Does",
    meaning="read, write, wait, check, confirm, manual, report, http or pause",
    priority=1,
)
WHAT = column("what")
CHANGE = Column("runbook_change", "Change", meaning="what it is and will be, or what was seen", priority=2)
RAW = Column(
    "raw_words", "On the wire", meaning="table, reference number, words and function of the write", priority=4
)
PLACE = Column("write_place", "At", meaning="host, port and unit of the device that is written", priority=5)
VERDICT = column("verdict", kind="text")

RUNBOOK = Column("runbook", "Runbook", meaning="the name that `cityctl runbook run` takes", priority=1)
TITLE = Column("runbook_title", "Title", meaning="what the runbook does", priority=2)
INPUTS = Column("runbook_inputs", "Inputs", meaning="what is given as NAME=VALUE", priority=3)
INPUT = Column("runbook_input", "Input", meaning="a name that is given as NAME=VALUE", priority=1)
TYPE = Column("input_type", "Type", meaning="amount, device, devices, point, choice or text", priority=2)
RANGE = Column("input_range", "Range", meaning="what is allowed", priority=2)
DEFAULT = Column("input_default", "Default", meaning="the value where none is given", priority=3)
FAULT = Column("fault", "Fault", meaning="what is wrong", priority=2)

RUN = Column("run", "Run", meaning="the name of one run of a runbook", priority=1)
BEGUN = Column("begun", "Begun", meaning="when the run began", kind="time", priority=2)
STATE = Column(
    "run_state", "Ended", meaning="done, undone, unknown, refused, or open: it can be resumed", priority=1
)
SENT = Column("writes_sent", "Writes", meaning="how many writes were sent", kind="integer", priority=3)
ENTRY = Column("journal_entry", "Journal", meaning="what the run noted before it went on", priority=1)

NUMBER = Column("audit_line", "Line", meaning="line of the audit", kind="integer", priority=1)
TIME = Column("audit_time", "When", meaning="when it was kept", kind="time", priority=1)
WHO = Column("who", "Who", meaning="the user of the operating system", priority=1)
EVENT = Column(
    "audit_event",
    "Event",
    meaning="begin, write, read back, end, approved, approval used or resume",
    priority=1,
)
POINT = column("point")
OLD = Column("old_value", "Old", meaning="the value before the write", priority=2)
NEW = Column("new_value", "New", meaning="the value that was written", priority=2)
BACK = Column("read_back", "Read back", meaning="the value that was read after the write", priority=2)
REASON = Column("audit_reason", "Why", meaning="reason or work order", priority=3)
HOST = Column("audit_host", "From", meaning="the computer that it was done from", priority=5)
HOST_PORT = Column("write_host", "At", meaning="host and port, or serial port, of the device", priority=4)
UNIT = Column(
    "modbus_unit", "Modbus unit", meaning="unit number on the wire", kind="integer", priority=4, grouped=False
)
FUNCTION = Column(
    "function_code",
    "Function",
    meaning="function code of the write: 5, 6, 15, 16 or 22",
    kind="integer",
    priority=3,
    grouped=False,
)
ADDRESS = Column(
    "address",
    "Address",
    meaning="first address on the wire, from 0",
    kind="integer",
    priority=3,
    grouped=False,
)
WORDS = Column(
    "write_words",
    "Words",
    meaning="registers or coils that are written; of function 22 its and and or masks",
    priority=3,
)
DEPENDS = Column(
    "depends_on", "Depends on", meaning="conditions of the connector, as they are now", priority=5
)
FIELD = Column("audit_field", "Field", meaning="a field of an audit's line", priority=2)
FIELD_VALUE = Column("audit_value", "Content", meaning="what the field holds", priority=2)
