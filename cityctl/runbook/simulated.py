"""A small plant that reacts, for `--simulate`: real sockets, real connectors, pretended pumps.

It is a project folder of its own with the devices that the recipe describes, so that a simulated run takes the
very path of a real one; only the addresses lead to this machine, and time runs faster.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any

from cityctl.city.load import load
from cityctl.city.model import City
from cityctl.disk import write_atomic
from cityctl.errors import UsageProblem
from cityctl.library import Library
from cityctl.modbus.maps.connector import DeviceConnector, load_connector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.pretended.wire import Bank, Server
from cityctl.runbook import evaluate
from cityctl.runbook.desk import Desk, FastClock
from cityctl.runbook.language import Reaction, Simulation
from cityctl.runbook.points import Ref, for_device, is_truth, told
from cityctl.runbook.recipe import Loaded
from cityctl.runbook.scope import Given, Scope, bind
from cityctl.runbook.values import Told, Unknown

SPEED = 50.0
_TICK = 0.01  # s between two looks of the plant at itself
Live = float | str


class Pretended:
    """A recipe's plant, switched on in a `with` block. `server.counts` tells what it was asked."""

    def __init__(
        self, loaded: Loaded, given: Given, city: City | None = None, *, speed: float = SPEED
    ) -> None:
        simulate = loaded.runbook.simulate
        if simulate is None:
            raise UsageProblem(
                f"{loaded.runbook.runbook} describes no pretended plant",
                hint="add `simulate:` to the recipe; `cityctl runbook show swap-duty-pump` has one",
            )
        self.simulate: Simulation = simulate
        self.loaded, self.speed, self._city = loaded, speed, city
        self.given: dict[str, object] = {**simulate.inputs, **given}
        self.values: dict[Ref, Live] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="cityctl-simulated-")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ticker: Future[None] | None = None
        self._since: dict[int, float] = {}

    def __enter__(self) -> Pretended:
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop, self._loop = self._loop, None
        if loop is not None:
            if self._ticker is not None:
                self._ticker.cancel()
            asyncio.run_coroutine_threadsafe(self.server.stop(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(10)
            loop.close()
        self._folder.cleanup()

    def desk(self, reason: str = "simulated") -> Desk:
        """A desk at the pretended city; its clock runs with the plant."""
        project = Path(self._folder.name)
        clock = FastClock(self.speed)
        return Desk(load(project), Library(project), project / ".cityctl", reason=reason, clock=clock)

    # how it is made

    def _start(self) -> None:
        project = Path(self._folder.name)
        connectors = self._connectors(project)
        units = {device: number for number, device in enumerate(connectors, 1)}
        banks = {units[device]: self._bank(device, connector) for device, connector in connectors.items()}
        self.server = Server(banks, writes=True)
        loop = self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=loop.run_forever, daemon=True, name="simulated-plant")
        self._thread.start()
        port = asyncio.run_coroutine_threadsafe(self.server.start(), loop).result(10)
        city = {
            "name": "Simulated",
            "time_zone": self._city.time_zone if self._city is not None else "UTC",
            "writes": {"enabled": True},
            "devices": {
                device: {
                    "connector": connector.connector,
                    "host": "127.0.0.1",
                    "port": port,
                    "unit": units[device],
                }
                for device, connector in connectors.items()
            },
        }
        write_atomic(project / "city.yaml", json.dumps(city).encode())  # JSON is YAML
        desk = self.desk()
        scope = bind(self.loaded.runbook, desk.plant, self.given)
        for name, expression in self.simulate.start.items():
            self._become(scope, name, evaluate.value(expression, scope.value, now=time.time()))
        self._ticker = asyncio.run_coroutine_threadsafe(self._live(scope), loop)

    def _connectors(self, project: Path) -> dict[str, DeviceConnector]:
        """The recipe's own devices, and those of the city that are given as inputs."""
        found: dict[str, DeviceConnector] = {}
        for device, pretended in self.simulate.devices.items():
            body = {
                "connector": device.replace("-", "_"), "vendor": "pretended", "model": "plant", "class": "controller",
                "function_code": 3, "points": pretended.points, "sources": ["the recipe"],
            }  # fmt: skip
            path = project / "connectors" / "devices" / f"{body['connector']}.yaml"
            write_atomic(path, json.dumps(body).encode())
            found[device] = load_connector(path)
        if self._city is not None:
            words = {
                word for value in self.given.values() for word in str(value).replace("/", ",").split(",")
            }
            for name, entry in self._city.devices.items():
                if name not in found and name in words:
                    source = self._city.library.find("connectors/devices", entry.connector)
                    write_atomic(project / "connectors" / "devices" / source.name, source.read_bytes())
                    found[name] = load_connector(source)
        return found

    def _bank(self, device: str, connector: DeviceConnector) -> Bank:
        for name, point in connector.points.items():
            self.values[Ref(device, name)] = _at_rest(point)
        bank = Bank.from_connector(connector, lambda name: self.values[Ref(device, name)])

        def written(point: DevicePoint, value: float | str | None) -> None:
            if value is not None:
                self.values[Ref(device, point.name)] = value
            bank.written.clear()

        bank.on_write = written
        return bank

    # how it lives

    async def _live(self, scope: Scope) -> None:
        begun = asyncio.get_running_loop().time()
        while True:
            now = (asyncio.get_running_loop().time() - begun) * self.speed
            for number, reaction in enumerate(self.simulate.reacts):
                self._react(number, reaction, scope, now)
            await asyncio.sleep(_TICK)

    def _react(self, number: int, reaction: Reaction, scope: Scope, now: float) -> None:
        def lookup(name: str) -> Told | None:
            at = scope.ref(name)
            return self._told(scope, at) if at is not None else scope.value(name)

        if evaluate.holds(reaction.when, lookup, now=time.time()) is not True:
            self._since.pop(number, None)
        elif now - self._since.setdefault(number, now) >= reaction.after.total_seconds():
            for name, expression in reaction.becomes.items():
                self._become(scope, name, evaluate.value(expression, lookup, now=time.time()))

    def _told(self, scope: Scope, at: Ref) -> Told:
        point, live = scope.plant.point(at), self.values[at]
        if isinstance(live, str) and point.enum:
            live = float(next(code for code, name in point.enum.items() if name == live))
        return told(at, point, live)

    def _become(self, scope: Scope, name: str, value: Told) -> None:
        at = scope.written(name)
        if not isinstance(value, Unknown):
            self.values[at] = for_device(at, scope.plant.point(at), value)


def _at_rest(point: DevicePoint) -> Live:
    """What a point says before anything is said of it."""
    if point.is_text:
        return "pretended"
    if point.enum:
        return point.enum[min(point.enum)]
    if is_truth(point):
        return 0.0
    low = point.write.minimum if point.write is not None else point.minimum
    return low if low is not None else 0.0


def answers(plant: Pretended, given: dict[str, Any]) -> dict[str, Any]:
    """What the pretended person answers, and what was given beside."""
    return {**plant.simulate.answers, **given}
