"""What must stand at the end of a run: the last write to each register, but for what a device clears by itself."""

from __future__ import annotations

import pytest

from cityctl.errors import PlantStateUnknown, WriteRolledBack
from cityctl.modbus.pretended.wire import Request
from cityctl.runbook import session
from cityctl.runbook.journal import Journal, journals
from tests.runbook.conftest import CONNECTOR, yes
from tests.runbook.test_kill import killed_at

PULSE = "steps: [{write: plc-1/command, to: start}, {write: plc-1/setpoint, to: 5 bar}, {write: plc-1/bit, to: on}"
MOMENTARY = CONNECTOR.replace(
    "write: {function: 6}}\n  second", "write: {function: 6, momentary: true}}\n  second"
)
WORD = "  word: {address: 9, type: uint16, enum: {0: idle, 4: run, 5: fast}, access: readwrite, write: {}}\n"


@pytest.fixture
def clearing(rig):
    """The PLC takes its command back as the setpoint comes."""

    async def clears(request: Request) -> int | None:
        if request.function_code == 16 and request.address == 0:
            rig.banks[1].write(3, 4, (0,))
        return None

    rig.server.hook = clears
    return rig


def test_a_command_that_is_gone_at_the_end_undoes_the_run(clearing, consent):
    with pytest.raises(
        WriteRolledBack, match="plc-1/command was start after its write, and is stop at the end"
    ):
        session.run(clearing.job(PULSE + "]\n"), consent())


def test_a_connector_says_that_the_device_clears_it(clearing, consent):
    clearing.city(connector=MOMENTARY)
    assert session.run(clearing.job(PULSE + "]\n"), consent()).sent == 3
    assert (clearing.words(1, 0, 2), clearing.words(1, 9)) == ([0x40A0, 0], [4])  # 5.0 as IEEE 754 binary32


@pytest.mark.parametrize(
    ("rollback", "error"), [("", PlantStateUnknown), (", rollback: stop", WriteRolledBack)]
)
def test_what_a_cleared_command_did_is_undone_only_by_the_steps_own_way(clearing, consent, rollback, error):
    clearing.city(connector=MOMENTARY.replace("{0: stop, 1: start}", "{0: idle, 1: start, 2: stop}"))
    text = PULSE.replace("to: start", f"to: start{rollback}") + ", {check: plc_1.measured > 9 bar}]\n"
    with pytest.raises(error):
        session.run(clearing.job(text), consent())
    assert clearing.words(1, 4) == [2 if rollback else 0]


def test_a_recipe_says_what_stands_at_the_end_though_it_is_in_place(clearing, consent):
    ended = session.run(clearing.job(PULSE + ", {write: plc-1/command, to: stop}]\n"), consent())
    assert (ended.sent, ended.in_place) == (3, 1)


def test_several_writes_of_a_point_are_one_at_the_end(rig, consent):
    """There and back, and the same once more for each of two devices."""
    text = """\
inputs: {plcs: {type: devices, meaning: which, points: {second: {writable: true, states: [start, stop]}}}}
steps:
- {write: plc-1/setpoint, to: 5 bar, save: before}
- {write: plc-1/setpoint, to: before}
- for_each: {plc: plcs}
  steps: [{write: plc.second, to: start}, {write: plc.second, to: stop}]
"""
    assert session.run(rig.job(text, {"plcs": ["plc-1", "plc-2"]}), consent()).sent == 6


@pytest.mark.parametrize(("then", "ends"), [("bit, to: off", [0]), ("word, to: fast", [5])])
def test_a_word_and_a_bit_of_it_by_two_names(rig, consent, then, ends):
    """The run's own second write changes what its first one wrote."""
    rig.city(connector=CONNECTOR.replace("  bit_kept", WORD + "  bit_kept"))
    session.run(rig.job(f"steps: [{{write: plc-1/word, to: run}}, {{write: plc-1/{then}}}]\n"), consent())
    assert rig.words(1, 9) == ends


def test_a_bit_that_is_lost_beside_another_is_found(rig, consent):
    """Two bits of one register are two points: the second write is none of the first."""
    other = (
        WORD.replace("word", "other").replace("uint16", "uint16, bit: 3").replace("4: run, 5: fast", "1: run")
    )
    rig.city(connector=CONNECTOR.replace("  bit_kept", other + "  bit_kept"))

    async def loses(request: Request) -> int | None:
        if request.function_code == 16:
            rig.banks[1].write(3, 9, (8,))
        return None

    rig.server.hook = loses
    text = "steps: [{write: plc-1/bit, to: on}, {write: plc-1/other, to: run}, {write: plc-1/setpoint, to: 5 bar}]\n"
    with pytest.raises(WriteRolledBack, match="plc-1/bit was on after its write, and is off at the end"):
        session.run(rig.job(text), consent())


def test_a_momentary_command_is_not_sent_again_after_a_kill(clearing):
    """Killed just after it was sent: the PLC has cleared it since, and a second pulse may do harm."""
    clearing.city(connector=MOMENTARY)
    text = "steps: [{write: plc-1/command, to: start}]\n"
    for place in range(4, 12):
        clearing.server.written.clear()
        killed_at(lambda: session.run(clearing.job(text), yes()), place)
        if clearing.server.written:
            break
    assert [each.address for each in clearing.server.written] == [4]
    clearing.banks[1].write(3, 4, (0,))
    *_, journal = journals(clearing.folder / ".cityctl")
    with pytest.raises(PlantStateUnknown, match="clears it by itself: whether it was sent cannot be told"):
        session.resume(clearing.desk(), Journal(journal.path), yes())
    assert len(clearing.server.written) == 1
