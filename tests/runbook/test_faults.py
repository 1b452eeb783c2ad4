"""A write that goes wrong: the answer lost, ignored, something else kept, refused, the PLC gone; and undoing."""

from __future__ import annotations

import pytest

from cityctl.errors import PlantStateUnknown, WriteRefused, WriteRolledBack
from cityctl.modbus.pretended.wire import Request, Silence
from cityctl.runbook import session
from tests.http_service import send
from tests.runbook.conftest import CONNECTOR

TWO = "steps: [{write: plc-1/command, to: start}, {write: plc-1/setpoint, to: 5 bar}]\n"


def test_a_write_that_goes_well(rig, consent):
    ended = session.run(rig.write("plc-1/setpoint", "5 bar"), consent())
    assert (ended.sent, rig.writes, rig.server.counts[16]) == (1, 1, 1)
    assert rig.words(1, 0, 2) == [0x40A0, 0]  # 5.0 as IEEE 754 binary32
    again = session.run(rig.write("plc-1/setpoint", "5 bar"), consent())
    assert (again.sent, again.in_place, rig.writes) == (0, 1, 1)


def test_a_device_that_reckons_may_give_back_the_float_beside(rig, consent):
    """4.2 is 0x40866666 as binary32; through a PLC's own arithmetic (42 x 0.1f) it comes back as 0x40866667."""
    rig.city(connector=CONNECTOR.replace(", tolerance: 0.01", ""))

    async def reckon(request: Request) -> int | None:
        if request.function_code == 16:
            rig.loop.call_soon(rig.banks[1].write, 3, 0, [0x4086, 0x6667])
            rig.faults.ignore_write = 1
        return None

    rig.server.hook = reckon
    ended = session.run(rig.write("plc-1/setpoint", "4.2 bar"), consent())
    assert "it reads back as 4.2 bar" in ended.lines[-1].verdict
    again = session.run(rig.write("plc-1/setpoint", "4.2 bar"), consent())
    assert (again.in_place, rig.writes) == (1, 1)


@pytest.mark.parametrize(
    ("point", "value", "function"),
    [("setpoint", "5 bar", 16), ("command", "start", 6), ("coil", "on", 5), ("bit", "on", 22)],
)
def test_a_lost_answer_is_one_pdu_and_decided_by_reading_back(rig, consent, point, value, function):
    rig.city(timeout=0.5)
    rig.faults.lose_write_answer = 1
    ended = session.run(rig.write(f"plc-1/{point}", value), consent())
    assert rig.writes == rig.server.counts[function] == 1
    assert "the device did not confirm it" in ended.lines[-1].verdict


def test_a_lost_write_is_not_sent_again(rig, consent):
    rig.city(timeout=0.5)

    async def swallow(request: Request) -> int | None:
        if request.function_code == 6:
            raise Silence
        return None

    rig.server.hook = swallow
    with pytest.raises(PlantStateUnknown, match="still is stop; the plant's state is unknown"):
        session.run(rig.write("plc-1/command", "start"), consent())
    assert rig.writes == 1


def test_an_ignored_write_is_found_by_reading_back(rig, consent):
    rig.faults.ignore_write = 1
    with pytest.raises(WriteRolledBack, match="the device confirmed it, and it still is stop") as told:
        session.run(rig.write("plc-1/command", "start"), consent())
    assert told.value.exit_code == 21
    assert rig.writes == 1


def test_a_refusal_by_the_device_undoes_what_was_done_before(rig, consent):
    async def refuse(request: Request) -> int | None:
        return 3 if request.function_code == 16 else None

    rig.server.hook = refuse
    with pytest.raises(WriteRolledBack, match="the device refused it: exception 3"):
        session.run(rig.job(TWO), consent())
    assert rig.words(1, 4) == [0]
    assert [r.function_code for r in rig.server.written] == [6, 16, 6]  # done, refused, undone


def test_what_differs_is_rolled_back(rig, consent):
    rig.faults.keep_other = 55  # 5.5 mg/L instead of 2 mg/L

    async def honest_after_the_first(request: Request) -> int | None:
        if request.function_code == 6 and len(rig.server.written) > 1:
            rig.faults.keep_other = None
        return None

    rig.server.hook = honest_after_the_first
    with pytest.raises(WriteRolledBack, match=r"reads back as 5\.5 mg/L") as told:
        session.run(rig.write("plc-1/third", "2 mg/L"), consent())
    assert rig.words(1, 6) == [10]
    assert rig.writes == 2
    assert "plc-1/third put back to 1 mg/L" in told.value.tried


def test_what_differs_and_cannot_be_put_back(rig, consent):
    rig.faults.keep_other = 55
    with pytest.raises(PlantStateUnknown, match="the plant's state is unknown") as told:
        session.run(rig.write("plc-1/third", "2 mg/L"), consent())
    assert told.value.exit_code == 22
    assert any("was not put back to 1 mg/L" in line for line in told.value.tried)


def test_an_unreachable_rollback_says_that_the_state_is_unknown(rig, consent):
    rig.city(timeout=0.5)

    async def die(request: Request) -> int | None:
        if rig.server.counts[16]:  # from the second write on, the PLC is gone
            raise Silence
        return None

    rig.server.hook = die
    with pytest.raises(PlantStateUnknown, match="the plant's state is unknown") as told:
        session.run(rig.job(TWO), consent())
    assert rig.server.counts[16] == rig.server.counts[6] == 1
    said = "\n".join(told.value.tried)
    assert "plc-1/setpoint" in said
    assert "plc-1/command" in said
    assert "it was stop before" in said


def test_a_check_that_fails_undoes_newest_first_and_then_does_what_is_always_done(rig, consent):
    text = (
        TWO.rstrip("]\n") + ", {check: plc_1.measured > 9 bar}]\nalways: [{write: plc-1/third, to: 3 mg/L}]\n"
    )
    with pytest.raises(WriteRolledBack, match=r"now plc_1\.measured 4 bar"):
        session.run(rig.job(text), consent())
    assert [r.address for r in rig.server.written] == [4, 0, 0, 4, 6]
    assert (rig.words(1, 0, 2), rig.words(1, 4), rig.words(1, 6)) == ([0x4080, 0], [0], [30])


def test_a_step_may_be_undone_in_its_own_way_or_not_at_all(rig, consent):
    text = (
        "steps:\n  - {write: plc-1/third, to: 5 mg/L, rollback: 2 mg/L}\n"
        "  - {write: plc-1/command, to: start, rollback: none}\n  - {check: plc_1.measured > 9 bar}\n"
    )
    with pytest.raises(WriteRolledBack) as told:
        session.run(rig.job(text), consent())
    assert (rig.words(1, 6), rig.words(1, 4)) == ([20], [1])
    assert "plc-1/command stays start: its step is not undone" in told.value.tried


def test_a_kill_switch_in_the_middle_stops_undoing_too(rig, consent):
    async def thrown(request: Request) -> int | None:
        if request.function_code == 6:
            (rig.folder / "STOP").touch()
        return None

    rig.server.hook = thrown
    with pytest.raises(PlantStateUnknown, match="kill switch is thrown") as told:
        session.run(rig.job(TWO), consent())
    assert rig.writes == 1
    assert any("plc-1/command is start and was stop: not put back" in line for line in told.value.tried)


def test_an_interlock_is_looked_at_again_before_each_write(rig, consent):
    async def closes(request: Request) -> int | None:
        if request.function_code == 6:
            rig.values[1]["measured"] = 0.2
        return None

    rig.server.hook = closes
    with pytest.raises(WriteRolledBack, match=r"interlock `plc_1\.measured > 1 bar` does not hold"):
        session.run(rig.job("interlocks: [plc_1.measured > 1 bar]\n" + TWO), consent())
    assert rig.server.counts[16] == 0


def test_bits_of_others_are_kept_by_function_22_and_by_read_modify_write(rig, consent):
    for name, address, mine in (("bit", 9, 0x0004), ("bit_kept", 10, 0x0020)):
        rig.banks[1].written[3, address] = 0xFFFF & ~mine
        session.run(rig.write(f"plc-1/{name}", "on"), consent())
        assert rig.words(1, address) == [0xFFFF]
        session.run(rig.write(f"plc-1/{name}", "off"), consent())
        assert rig.words(1, address) == [0xFFFF & ~mine]
    assert (rig.server.counts[22], rig.server.counts[6]) == (2, 2)


def test_undoing_a_bit_keeps_what_the_plc_did_to_the_others_meanwhile(rig, consent):
    rig.banks[1].written[3, 10] = 0x8001

    async def lives(request: Request) -> int | None:
        if (
            request.address == 2 and rig.server.counts[6]
        ):  # the PLC sets one of its own bits and clears another
            rig.banks[1].written[3, 10] = rig.banks[1].written[3, 10] & ~1 | 0x0100
        return None

    rig.server.hook = lives
    text = 'steps: [{write: plc-1/bit_kept, to: "on"}, {check: plc_1.measured > 9 bar}]\n'
    with pytest.raises(WriteRolledBack):
        session.run(rig.job(text), consent())
    assert [each.values for each in rig.server.written] == [(0x8021,), (0x8100,)]
    assert rig.words(1, 10) == [0x8100]


@pytest.mark.parametrize(
    ("expect", "said"),
    [("4 bar", r"is 4\.6 bar, and 4 bar was expected"), (None, r"is 4\.6 bar now, and was 4 bar")],
)
def test_a_change_since_the_plan_is_not_overwritten(rig, consent, expect, said):
    """Between plan and run somebody else sets the point: what stood there is looked at again, just before."""
    job = rig.write("plc-1/setpoint", "5 bar", expect=expect)
    wish = consent()
    wish.consent = lambda _: rig.values[1].update(setpoint=4.6) is None
    with pytest.raises(WriteRefused, match=said):
        session.run(job, wish)
    assert rig.writes == 0


def test_a_watched_value_that_fails_undoes(rig, consent):
    async def sinks(request: Request) -> int | None:
        if request.function_code == 3 and rig.server.counts[6]:
            rig.values[1]["measured"] = 1.0
        return None

    rig.server.hook = sinks
    text = (
        "steps: [{write: plc-1/command, to: start},"
        " {wait: plc_1.measured > 9 bar, within: 20s, watch: plc_1.measured > 2 bar}]\n"
    )
    with pytest.raises(WriteRolledBack, match="no longer holds"):
        session.run(rig.job(text), consent())
    assert rig.words(1, 4) == [0]


def test_http_tells_somebody_and_a_failure_undoes(rig, consent, http):
    http.answer = lambda handler: send(handler, b"fine") if handler.path == "/ok" else handler.send_error(404)
    text = "steps: [{{write: plc-1/command, to: start}}, {{http: '{url}', within: 5s}}]\n"
    session.run(rig.job(text.format(url=http.url + "/ok")), consent())
    assert rig.words(1, 4) == [1]
    rig.values[1]["command"] = "stop"
    rig.banks[1].written.clear()
    with pytest.raises(WriteRolledBack, match="http:"):
        session.run(rig.job(text.format(url=http.url + "/nowhere")), consent())
    assert rig.words(1, 4) == [0]


AT_WORK = "the device said that it is still at work on"


@pytest.mark.parametrize("rollback", ["", ", rollback: stop"])
def test_a_write_that_the_device_is_at_work_on_is_not_claimed_undone(rig, consent, rollback):
    """Exception 5: the device took the request and needs a while (section 7 of the Modbus specification)."""
    rig.faults.refuse_write = 5
    with pytest.raises(PlantStateUnknown, match=r"exception 5 .* still is stop; the plant's state") as told:
        session.run(rig.job(f"steps: [{{write: plc-1/command, to: start{rollback}}}]\n"), consent())
    assert rig.writes == 1
    assert AT_WORK in told.value.tried[-1]


@pytest.mark.parametrize(
    ("point", "value", "other"),
    [("command", "start", 16), ("second", "start", 6), ("bit", "on", 6), ("coil", "on", 15)],
)
def test_who_does_not_know_a_function_may_know_another(rig, consent, point, value, other):
    rig.faults.refuse_write = 1
    with pytest.raises(WriteRolledBack) as told:
        session.run(rig.write(f"plc-1/{point}", value), consent())
    assert f"`write: {{function: {other}}}` in its connector" in told.value.hint


def test_nothing_but_function_16_writes_two_registers(rig, consent):
    rig.faults.refuse_write = 1
    with pytest.raises(WriteRolledBack) as told:
        session.run(rig.write("plc-1/setpoint", "5 bar"), consent())
    assert "function:" not in told.value.hint
