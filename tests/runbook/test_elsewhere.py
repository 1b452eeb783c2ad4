"""What stands at a device's address is another than was meant: exchanged, moved, or somewhere else since the plan."""

from __future__ import annotations

import asyncio

import pytest

from cityctl.errors import WriteRefused, WriteRolledBack
from cityctl.modbus.maps.connector import load_connector
from cityctl.modbus.pretended.wire import Request, Server
from cityctl.runbook import plan, session
from cityctl.runbook.journal import Journal, journals
from tests.modbus.sunspec_device import SunSpecDevice
from tests.runbook.conftest import CONNECTOR, yes
from tests.runbook.test_kill import killed_at

NAMED = CONNECTOR.replace("points:", "identify: {point: flags, equals: 7}\npoints:", 1)
TWO = (
    "steps: [{write: plc-1/command, to: start}, {read: plc_1.measured, save: m},"
    " {write: plc-2/setpoint, to: m + 1 bar}]\n"
)


def test_another_device_at_the_address_is_not_written(rig, consent):
    rig.city(connector=NAMED)
    rig.values[1]["flags"] = 7.0
    assert session.run(rig.write("plc-1/setpoint", "5 bar"), consent()).sent == 1
    rig.values[1]["flags"] = 8.0
    with pytest.raises(WriteRefused, match="flags is 8, not 7: this is no rig"):
        session.run(rig.write("plc-1/setpoint", "4.5 bar"), consent())
    with pytest.raises(WriteRefused, match="flags is 8, not 7"):  # and what it says makes no condition true
        session.run(rig.job("require: [plc_1.measured > 1 bar]\n" + TWO), consent())
    assert rig.writes == 1


def test_a_device_exchanged_just_before_the_write_gets_none(rig, consent):
    """Who answers is asked on the very connection that the write goes over."""
    rig.city(connector=NAMED)
    rig.values[1]["flags"] = 7.0
    seen = []

    async def exchange(request: Request) -> int | None:
        seen.append(request.address)
        if seen.count(0) == 2:  # the set-point as the plan and the run see it, then the write
            rig.values[1]["flags"] = 8.0
        return None

    rig.server.hook = exchange
    with pytest.raises(WriteRefused, match="nothing was sent: flags is 8, not 7") as told:
        session.run(rig.write("plc-1/setpoint", "5 bar"), consent())
    assert (told.value.exit_code, rig.writes) == (20, 0)


SUNSPEC = """\
connector: der
vendor: Test
model: DER
class: inverter
function_code: 3
base: 40070
sunspec: 704
identify: {point: model_id, equals: 704, required: true}
points:
  model_id: {address: 0, type: uint16, polled: false}
  length: {address: 1, type: uint16, polled: false}
  enable: {address: 2, type: uint16, enum: {0: "off", 1: "on"}, access: readwrite, write: {function: 6}}
  limit:
    address: 3
    type: uint16
    unit: "%"
    scale_factor: 4
    access: readwrite
    write: {min: 0, max: 100, max_step: 50, function: 6}
  factor: {address: 4, type: int16, polled: false}
sources: [made for these tests]
"""


def test_a_sunspec_block_that_stands_elsewhere_is_written_there(rig, consent):
    """Where the connector has its block, this device has another model's: there nothing is written."""
    folder = rig.folder / "connectors" / "devices"
    (folder / "der.yaml").write_text(SUNSPEC, encoding="utf-8")
    (folder / "other.yaml").write_text(
        SUNSPEC.replace("der", "other", 1).replace("704", "123"), encoding="utf-8"
    )
    der, other = (load_connector(folder / f"{name}.yaml") for name in ("der", "other"))
    low = {"enable": "off", "limit": 50.0, "factor": -1.0}
    device = SunSpecDevice([(other, {**low, "model_id": 123.0}, 3), (der, {**low, "model_id": 704.0}, 3)])
    written: dict[int, int] = {}

    async def take(request: Request) -> int | None:
        if request.function_code == 6:
            written[request.address] = request.values[0]
            device.registers[request.address] = request.values[0]
        return None

    device.write = lambda code, address, values: None  # type: ignore[attr-defined]
    server = Server({1: device}, writes=True, hook=take)  # type: ignore[dict-item]
    port = asyncio.run_coroutine_threadsafe(server.start(), rig.loop).result(10)
    try:
        text = (rig.folder / "city.yaml").read_text(encoding="utf-8")
        text = text.replace(
            "devices:", f"devices:\n  inv: {{connector: der, host: 127.0.0.1, port: {port}}}", 1
        )
        (rig.folder / "city.yaml").write_text(text, encoding="utf-8")
        assert session.run(rig.write("inv/enable", "on"), consent()).sent == 1
        assert session.run(rig.write("inv/limit", "60 %"), consent()).sent == 1
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), rig.loop).result(10)
    # "SunS" at 40000, model 123 with its 3 registers at 40002, model 704 at 40007; 60 % x 10**1
    assert written == {40009: 1, 40010: 600}


def elsewhere(rig, device, unit):
    """city.yaml names another unit for a device."""
    path = rig.folder / "city.yaml"
    line = next(
        one for one in path.read_text(encoding="utf-8").splitlines() if one.startswith(f"  {device}:")
    )
    moved = line.replace("unit: 2, ", "").replace("timeout", f"unit: {unit}, timeout")
    path.write_text(path.read_text(encoding="utf-8").replace(line, moved), encoding="utf-8")


def test_a_plan_is_stale_once_a_device_has_another_address(rig, consent):
    """Also where the write that goes there cannot be told before the run, so that the plan has no words of it."""
    job = rig.job(TWO)
    made = plan.made(job, job.planned(yes().people))
    elsewhere(rig, "plc-2", 1)
    wish = consent()
    wish.plan = made
    with pytest.raises(WriteRefused, match="stale: the address of a device changed"):
        session.run(rig.job(TWO), wish)
    assert rig.writes == 0


def test_a_plan_is_stale_once_a_name_stands_for_another_point(rig, consent):
    path = rig.folder / "city.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("{pressure:", "{north.pressure:"), encoding="utf-8"
    )
    text = "require: [north.pressure > 1 bar]\nsteps: [{write: plc-1/command, to: start}]\n"
    job = rig.job(text)
    made = plan.made(job, job.planned(yes().people))
    named = path.read_text(encoding="utf-8").replace("device: plc-1/setpoint", "device: plc-1/measured")
    path.write_text(named, encoding="utf-8")
    wish = consent()
    wish.plan = made
    with pytest.raises(WriteRefused, match="stale: what a name stands for changed"):
        session.run(rig.job(text), wish)
    assert rig.writes == 0


@pytest.mark.parametrize("undo", [False, True])
def test_a_killed_run_is_not_resumed_at_another_address(rig, undo):
    killed_at(lambda: session.run(rig.job(TWO), yes()), 12)
    (journal,) = journals(rig.folder / ".cityctl")
    sent = rig.writes
    assert sent
    elsewhere(rig, "plc-1", 2)
    with pytest.raises(WriteRefused, match=r"has plc-1 at .* unit 2 now, and it was at .* unit 1"):
        session.resume(rig.desk(), Journal(journal.path), yes(), undo=undo)
    assert rig.writes == sent


def test_a_plc_that_is_gone_before_the_write_leaves_nothing_in_doubt(rig, consent):
    """Nothing was sent to it: that is a refusal, and no unknown state; what was written before is put back."""
    rig.city(timeout=0.5)
    wish = consent()

    def gone(_: object) -> bool:
        asyncio.run_coroutine_threadsafe(rig.server.stop(), rig.loop).result(10)
        return True

    wish.consent = gone
    job = rig.write("plc-1/command", "start")
    with pytest.raises(WriteRefused) as told:
        session.run(job, wish)
    assert told.value.exit_code == 20
    assert rig.writes == 0


def test_a_plc_that_is_gone_between_two_writes_undoes_the_first(rig, consent):
    rig.city(connector=NAMED)
    rig.values[1]["flags"] = rig.values[2]["flags"] = 7.0
    looks = []

    async def leaves(request: Request) -> int | None:
        if request.unit == 2 and request.address == 0:
            looks.append(request)
            if len(looks) == 2:  # in the plan, and before the write of the run
                rig.values[2]["flags"] = 8.0
        return None

    rig.server.hook = leaves
    text = "steps: [{write: plc-1/command, to: start}, {write: plc-2/setpoint, to: 5 bar}]\n"
    with pytest.raises(WriteRolledBack, match="nothing was sent: flags is 8") as told:
        session.run(rig.job(text), consent())
    assert list(told.value.tried) == ["plc-1/command put back to stop"]
    assert [(each.unit, each.function_code) for each in rig.server.written] == [(1, 6), (1, 6)]
