"""The simulated city's PLCs and meters: real device models that answer Modbus/TCP on loopback.

Each device is a connector file and a role in the town. Transmitters of one site share a gateway, as they do in
a real plant; every other device has a port of its own. Knows no HTTP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from cityctl.library import Library
from cityctl.modbus.maps.connector import DeviceConnector, load_connector
from cityctl.modbus.pretended.bank import Live
from cityctl.modbus.pretended.wire import Bank, Outgoing, Server
from cityctl.sim.town import electricity, registers
from cityctl.sim.town.blueprint import TANK
from cityctl.sim.town.registers import Role
from cityctl.sim.town.whole import Town


@dataclass(frozen=True)
class SimulatedDevice:
    """One device of the plant: what it is called, its model, where it hangs, what it shows."""

    id: str
    connector: str
    site: str  # devices of one site share a gateway, hence a port
    unit: int
    zone: str | None
    role: Callable[[Town], Role]


def _water(zone: str) -> Callable[[Town], Role]:
    return lambda town: registers.water_meter(town, zone)


def _pressure(zone: str) -> Callable[[Town], Role]:
    return lambda town: registers.pressure_transmitter(town, zone)


def _building(building: str) -> Callable[[Town], Role]:
    return lambda town: electricity.building_meter(town, building)


def _pump(pump: str) -> Callable[[Town], Role]:
    return lambda town: registers.pump(town, pump)


DEVICES: tuple[SimulatedDevice, ...] = (
    SimulatedDevice("hafen-inlet", "siemens_mag6000", "hafen-inlet", 1, "hafen", _water("hafen")),
    SimulatedDevice("altstadt-inlet", "krohne_ifc300", "altstadt-inlet", 1, "altstadt", _water("altstadt")),
    SimulatedDevice(
        "weststadt-inlet", "siemens_mag8000", "weststadt-inlet", 1, "weststadt", _water("weststadt")
    ),
    SimulatedDevice(
        "nordstadt-inlet", "badger_m2000", "nordstadt-inlet", 1, "nordstadt", _water("nordstadt")
    ),
    SimulatedDevice("hafen-pressure", "keller_series30", "pressure-gateway", 1, "hafen", _pressure("hafen")),
    SimulatedDevice(
        "altstadt-pressure", "keller_series30", "pressure-gateway", 2, "altstadt", _pressure("altstadt")
    ),
    SimulatedDevice(
        "weststadt-pressure", "keller_series30", "pressure-gateway", 3, "weststadt", _pressure("weststadt")
    ),
    SimulatedDevice(
        "nordstadt-pressure", "keller_series30", "pressure-gateway", 4, "nordstadt", _pressure("nordstadt")
    ),
    SimulatedDevice(
        "tank-level", "keller_series30", "waterworks", 1, "waterworks",
        lambda town: registers.tank_level(town, TANK.height_m),
    ),
    SimulatedDevice("pump-1", "grundfos_cim200", "waterworks", 11, "waterworks", _pump("pump_1")),
    SimulatedDevice("pump-2", "grundfos_cim200", "waterworks", 12, "waterworks", _pump("pump_2")),
    SimulatedDevice("pump-2-drive", "danfoss_fc202", "pump-2-drive", 1, "waterworks", _pump("pump_2")),
    SimulatedDevice(
        "filter-turbidity", "hach_ss7_turbidimeter", "filter-turbidity", 1, "waterworks",
        registers.turbidity_probe,
    ),
    SimulatedDevice(
        "town-hall-meter", "schneider_iem3000", "town-hall-meter", 1, "town-hall", _building("town-hall")
    ),
    SimulatedDevice("library-meter", "eastron_sdm630", "library-meter", 1, "library", _building("library")),
    SimulatedDevice("clinic-meter", "janitza_umg96rm", "clinic-meter", 1, "clinic", _building("clinic")),
    SimulatedDevice("pool-meter", "abb_b23_b24", "pool-meter", 1, "pool", _building("pool")),
    SimulatedDevice("depot-meter", "siemens_pac4200", "depot-meter", 1, "depot", _building("depot")),
    SimulatedDevice(
        "solar-inverter", "sunspec_103", "solar-inverter", 126, "solar-depot", electricity.solar_inverter
    ),
)  # fmt: skip


class LiveRegisters:
    """A device's source of values: those of one second belong together."""

    def __init__(self, connector: DeviceConnector, role: Role, second: Callable[[], float]) -> None:
        self._connector = connector
        self._role = role
        self._second = second
        self._kept: tuple[int, registers.Shown] | None = None

    def __call__(self, name: str) -> Live:
        second = int(self._second())
        if self._kept is None or self._kept[0] != second:
            self._kept = (second, self._role(second))
        return registers.live_value(self._connector.points[name], self._kept[1])


class Plant:
    """All devices behind their ports."""

    def __init__(
        self,
        town: Town,
        *,
        host: str = "127.0.0.1",
        library: Library | None = None,
        writes: bool = False,
        outgoing: Callable[[Outgoing], Awaitable[None]] | None = None,
    ) -> None:
        self.host = host
        self._writes = writes
        self._outgoing = outgoing
        self.ports: dict[str, int] = {}
        self._servers: dict[str, Server] = {}
        shelf = library or Library()
        sites: dict[str, dict[int, Bank]] = {}
        for device in DEVICES:
            connector = load_connector(shelf.find("connectors/devices", device.connector))
            source = LiveRegisters(connector, device.role(town), town.second)
            sites.setdefault(device.site, {})[device.unit] = Bank.from_connector(connector, source)
        self._sites = sites

    async def start(self, ports: Mapping[str, int]) -> dict[str, int]:
        """Answer on the given port of each site (0 or no entry: the system's choice); site -> port.

        Raises NotConnected where a port is taken; then none is left open.
        """
        try:
            for site, units in self._sites.items():
                server = Server(
                    units, self.host, ports.get(site, 0), writes=self._writes, outgoing=self._outgoing
                )
                self.ports[site] = await server.start()
                self._servers[site] = server
        except BaseException:
            await self.stop()
            raise
        return dict(self.ports)

    async def stop(self) -> None:
        """Close all ports."""
        servers, self._servers = self._servers, {}
        for server in servers.values():
            await server.stop()

    @property
    def requests(self) -> int:
        """Modbus requests answered so far."""
        return sum(server.requests for server in self._servers.values())


def site_ports(base: int) -> dict[str, int]:
    """Consecutive ports from `base` on, by site."""
    sites = list(dict.fromkeys(device.site for device in DEVICES))
    return {site: base + number for number, site in enumerate(sites)}
