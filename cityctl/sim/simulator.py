"""The simulated city switched on: its PLCs and its services on loopback, in threads of this process.

What is switched on is written down as an `Installation` (which day, which ports), so that the same city can be
switched on again at the same addresses.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any
from urllib.request import ProxyHandler, build_opener

from cityctl.disk import write_atomic
from cityctl.errors import ConfigInvalid, Unreachable
from cityctl.modbus.line.faults import NotConnected
from cityctl.modbus.pretended.wire import Outgoing
from cityctl.sim.plant import DEVICES, Plant, site_ports
from cityctl.sim.service import DEMO_KEY, Service
from cityctl.sim.town.scenario import Scenario
from cityctl.sim.town.whole import Town, TownClock

FILE_NAME = "simulator.json"


@dataclass(frozen=True)
class Installation:
    """Where a simulated city answers, and which day its faults are placed about."""

    scenario: Scenario
    host: str = "127.0.0.1"
    http_port: int = 0
    ports: Mapping[str, int] = field(default_factory=dict)  # by site

    @classmethod
    def from_base(cls, scenario: Scenario, port_base: int) -> Installation:
        """Ports one after another: `port_base` for HTTP, the sites behind it."""
        return cls(scenario, http_port=port_base, ports=site_ports(port_base + 1))

    @property
    def historian_url(self) -> str:
        """Base URL of the SCADA historian."""
        return f"http://{self.host}:{self.http_port}/historian"

    @property
    def weather_url(self) -> str:
        """Base URL of the weather office."""
        return f"http://{self.host}:{self.http_port}/weather"

    @property
    def green_button_url(self) -> str:
        """Base URL of the Green Button data custodian; its feeds are below /greenbutton."""
        return f"http://{self.host}:{self.http_port}"

    @property
    def urls(self) -> dict[str, str]:
        """Base URL of each service."""
        return {
            "historian": self.historian_url,
            "weather": self.weather_url,
            "greenbutton": self.green_button_url,
        }

    def described(self) -> dict[str, Any]:
        """The installation as JSON: what `simulator.json` holds and `sim serve --output-file` writes."""
        return {
            "day": self.scenario.day.isoformat(),
            "seed": self.scenario.seed,
            "host": self.host,
            "http_port": self.http_port,
            "services": {name: {"url": url} for name, url in self.urls.items()},
            "key": DEMO_KEY,
            "ports": dict(self.ports),
            "devices": [
                {
                    "device": device.id,
                    "connector": device.connector,
                    "host": self.host,
                    "port": self.ports[device.site],
                    "unit": device.unit,
                }
                for device in DEVICES
            ],
        }

    def write(self, path: Path) -> None:
        """Write it down as JSON, whole or not at all."""
        write_atomic(path, self.text.encode())

    @property
    def text(self) -> str:
        """What `write` writes."""
        return json.dumps(self.described(), indent=2) + "\n"

    @classmethod
    def read(cls, path: Path) -> Installation:
        """The installation that a file describes. Raises ConfigInvalid."""
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
            scenario = Scenario(date.fromisoformat(held["day"]), int(held["seed"]))
            ports = {str(site): int(port) for site, port in held["ports"].items()}
            return cls(scenario, str(held["host"]), int(held["http_port"]), ports)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
            raise ConfigInvalid(
                f"{path}: does not describe a simulated city: {problem}",
                hint="remove it, and `cityctl demo` writes a new one",
            ) from None

    def answers(self) -> bool:
        """Whether a simulator of the same scenario answers at this installation's HTTP port."""
        try:
            # No proxy of the environment: this is loopback.
            with build_opener(ProxyHandler({})).open(
                f"http://{self.host}:{self.http_port}/", timeout=2
            ) as page:
                said = json.load(page)
        except (OSError, ValueError):
            return False
        same: bool = isinstance(said, dict) and (said.get("day"), said.get("seed")) == (
            self.scenario.day.isoformat(),
            self.scenario.seed,
        )
        return same


class Simulator:
    """A running simulated city; use it in a `with` block. `installation` has the real ports then.

    Its devices take writes where `writes`; `outgoing` may spoil what they answer (see faulty).
    """

    def __init__(
        self,
        installation: Installation,
        *,
        begin: datetime,
        speed: float = 1.0,
        warm: bool = True,
        writes: bool = False,
        outgoing: Callable[[Outgoing], Awaitable[None]] | None = None,
    ) -> None:
        self._writes, self._outgoing = writes, outgoing
        self.installation = installation
        self.town = Town(installation.scenario, TownClock(begin, speed).second)
        self._warm = warm
        self._service: Service | None = None
        self._plant: Plant | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None

    def __enter__(self) -> Simulator:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        wanted = self.installation
        service = Service(self.town, host=wanted.host, port=wanted.http_port)
        try:
            http_port = service.start()
        except OSError as problem:
            raise _taken(f"{wanted.host}:{wanted.http_port}", str(problem.strerror or problem)) from None
        self._service = service
        self._plant = Plant(self.town, host=wanted.host, writes=self._writes, outgoing=self._outgoing)
        loop = asyncio.new_event_loop()
        self._loop = loop
        self._thread = Thread(target=loop.run_forever, daemon=True, name="sim-modbus")
        self._thread.start()
        begun: Future[dict[str, int]] = asyncio.run_coroutine_threadsafe(
            self._plant.start(wanted.ports), loop
        )
        try:
            ports = begun.result(timeout=30)
        except NotConnected as problem:
            raise _taken(wanted.host, str(problem)) from None
        self.installation = Installation(wanted.scenario, wanted.host, http_port, ports)
        if self._warm:
            self._count_up()

    def _count_up(self) -> None:
        """Counters sum up the history when they are first asked for: do it now, not in a device's answer."""
        second = int(self.town.second())
        for device in DEVICES:
            device.role(self.town)(second)

    def stop(self) -> None:
        """Close every port; safe to call twice."""
        if self._service is not None:
            self._service.stop()
            self._service = None
        loop, self._loop = self._loop, None
        if loop is None:
            return
        if self._plant is not None:
            asyncio.run_coroutine_threadsafe(self._plant.stop(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        if self._thread is not None:
            self._thread.join(timeout=10)
        loop.close()

    @property
    def requests(self) -> int:
        """Modbus requests answered so far."""
        return self._plant.requests if self._plant is not None else 0


def _taken(where: str, why: str) -> Unreachable:
    return Unreachable(
        f"the simulator cannot answer at {where}",
        tried=[why],
        hint="is it running already? `cityctl sim serve` without --port-base lets the system choose",
    )
