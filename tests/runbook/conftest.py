"""A plant to write to: a PLC behind a real socket, a project around it, and the room's own ways to reach it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from cityctl.city.load import load
from cityctl.library import Library
from cityctl.modbus.maps.connector import load_connector
from cityctl.modbus.pretended.wire import WRITING, Bank, Server, WriteFaults
from cityctl.runbook import act
from cityctl.runbook.desk import Desk
from cityctl.runbook.job import Job
from cityctl.runbook.recipe import Loaded, from_text, single
from cityctl.runbook.session import Wish
from cityctl.runbook.walk import People

CONNECTOR = """\
connector: rig
vendor: Test
model: Rig
class: controller
function_code: 3
points:
  setpoint:
    address: 0
    type: float32
    unit: bar
    access: readwrite
    write: {min: 1, max: 8, max_step: 2, tolerance: 0.01}
  measured: {address: 2, type: float32, unit: bar, min: 0, max: 20}
  command: {address: 4, type: uint16, enum: {0: stop, 1: start}, access: readwrite, write: {function: 6}}
  second: {address: 5, type: uint16, enum: {0: stop, 1: start}, access: readwrite, write: {function: 16}}
  third:
    address: 6
    type: uint16
    scale: 0.1
    unit: mg/L
    access: readwrite
    write: {min: 0, max: 100, max_step: 100}
  remote: {address: 7, type: uint16, enum: {0: "off", 1: "on"}}
  guarded:
    address: 8
    type: uint16
    enum: {0: "off", 1: "on"}
    access: readwrite
    write: {function: 6, depends_on: [{point: remote, equals: on}]}
  bit: {address: 9, type: uint16, bit: 2, enum: {0: "off", 1: "on"}, access: readwrite, write: {function: 22}}
  bit_kept: {address: 10, type: uint16, bit: 5, enum: {0: "off", 1: "on"}, access: readwrite, write: {function: 6}}
  flags: {address: 11, type: uint16}
  unruly: {address: 12, type: uint16, unit: bar, access: readwrite}
  endless: {address: 13, type: uint16, unit: bar, access: readwrite, write: {min: 0, max: 5}}
  coil: {address: 3, type: bool, function_code: 1, access: readwrite, write: {}}
sources: [made for these tests]
"""
CITY = """\
name: Rig town
time_zone: Europe/Berlin
networks: {{water: {{kind: water}}}}
zones: {{north: {{network: water}}, hill: {{network: water, parent: north}}}}
devices:
  plc-1: {{connector: rig, host: 127.0.0.1, port: {port}, zone: hill, timeout: {timeout}}}
  plc-2: {{connector: rig, host: 127.0.0.1, port: {port}, unit: 2, timeout: {timeout}}}
points: {{pressure: {{device: plc-1/setpoint, unit: kPa}}}}
profiles:
  maintenance: {{writes: {{enabled: true}}}}
{more}
"""
START: dict[str, float | str] = {
    "setpoint": 4.0, "measured": 4.0, "command": "stop", "second": "stop", "third": 1.0, "remote": "off",
    "guarded": "off", "bit": "off", "bit_kept": "off", "flags": 0.0, "unruly": 0.0, "endless": 0.0, "coil": 0.0,
}  # fmt: skip


class Rig:
    """The PLC (units 1 and 2), its project, and what was sent to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        path = folder / "connectors" / "devices" / "rig.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(CONNECTOR, encoding="utf-8")
        connector = load_connector(path)
        self.values = {1: dict(START), 2: dict(START)}
        self.banks = {unit: Bank.from_connector(connector, self.values[unit].__getitem__) for unit in (1, 2)}
        self.server = Server(self.banks, writes=True, faults=WriteFaults())
        self.port = asyncio.run_coroutine_threadsafe(self.server.start(), self.loop).result(10)
        self.city()

    def city(self, more: str = "", *, connector: str | None = None, timeout: float = 10) -> None:
        """Write city.yaml, with more in it; `timeout` [s] is what a PLC that says nothing costs."""
        path = self.folder / "connectors" / "devices" / "rig.yaml"
        if connector is not None:
            path.write_text(connector, encoding="utf-8")
        text = CITY.format(port=self.port, more=more, timeout=timeout)
        if "setpoint:" not in path.read_text(encoding="utf-8"):
            text = "\n".join(line for line in text.splitlines() if not line.startswith("points:"))
        (self.folder / "city.yaml").write_text(text, encoding="utf-8")

    @property
    def faults(self) -> WriteFaults:
        """How the PLC spoils writes."""
        return self.server.faults

    @property
    def writes(self) -> int:
        """How many write PDUs reached it."""
        return sum(self.server.counts[code] for code in WRITING)

    def words(self, unit: int, address: int, count: int = 1) -> list[int]:
        """Registers as they are now."""
        found = self.banks[unit].read(3, address, count)
        assert isinstance(found, list)
        return found

    def desk(self, profile: str | None = "maintenance") -> Desk:
        """A desk at it."""
        return Desk(
            load(self.folder, profile), Library(self.folder), self.folder / ".cityctl", profile, "a test"
        )

    def recipe(self, text: str, name: str = "probe") -> Loaded:
        """A runbook of some YAML."""
        head = f"runbook: {name}\ntitle: Probe\npurpose: A test.\n"
        return from_text(head + text, Path(f"{name}.yaml"), "test")

    def job(
        self, text: str, given: Mapping[str, object] | None = None, *, profile: str | None = "maintenance"
    ) -> Job:
        """A runbook on it."""
        return Job.opened(self.desk(profile), self.recipe(text), given or {})

    def write(
        self, point: str, value: str, *, expect: str | None = None, profile: str | None = "maintenance"
    ) -> Job:
        """One write on it."""
        return Job.opened(self.desk(profile), single(point, value, expect), {})

    def close(self) -> None:
        """Switch it off."""
        if not self.loop.is_closed():
            asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop).result(10)
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(10)
            self.loop.close()


def yes(answers: Mapping[str, object] | None = None) -> Wish:
    """Somebody at a terminal who says yes."""
    return Wish(People(answers or {}), consent=lambda _: True)


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A plant to write to."""
    monkeypatch.setenv("CITYCTL_USER_FOLDER", str(tmp_path / "user"))
    monkeypatch.setattr(act, "PATIENCE", 0.1)  # this PLC does at once what it does
    monkeypatch.setattr(act, "BETWEEN", 0.02)
    made = Rig(tmp_path / "city")
    yield made
    made.close()


@pytest.fixture
def consent() -> Callable[..., Wish]:
    """`consent()` says yes to what is asked."""
    return yes
