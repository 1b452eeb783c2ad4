"""The devices of a city as targets: where each is, what its connector says, and which points are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cityctl.city.devices import Device
from cityctl.city.model import City
from cityctl.errors import UsageProblem, listed, near
from cityctl.library import Library
from cityctl.modbus.ask import Target
from cityctl.modbus.line import Link, SerialSettings, TlsSettings
from cityctl.modbus.maps.connector import DeviceConnector, load_connector


class Shelf:
    """The connectors of a library, each read once."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._read: dict[str, DeviceConnector] = {}

    def connector(self, name: str) -> DeviceConnector:
        """The connector of that name. Raises ConfigInvalid."""
        if name not in self._read:
            self._read[name] = load_connector(self._library.find("connectors/devices", name))
        return self._read[name]


def named_device(city: City, name: str) -> Device:
    """A device of the city. Raises UsageProblem with the near match."""
    if name in city.devices:
        return city.devices[name]
    match = near(name, city.devices)
    if match:
        hint = f"did you mean `{match}`?"
    else:
        hint = (
            f"there are: {listed(city.devices)}" if city.devices else "add it under `devices:` in city.yaml"
        )
    raise UsageProblem(f"no device named `{name}`", hint=hint)


def target(
    shelf: Shelf, name: str, device: Device, points: Sequence[str], *, folder: Path = Path()
) -> Target:
    """One device with the points asked for; `folder` is the project's.

    Raises UsageProblem for a point that the connector does not have.
    """
    connector = shelf.connector(device.connector)
    for point in points:
        connector.point(point)
    timeout = device.timeout
    if connector.timeout is not None and "timeout" not in device.model_fields_set:
        timeout = connector.timeout
    at = link(device, folder)
    return Target(
        name,
        at.host,
        at.port,
        device.unit,
        connector,
        tuple(dict.fromkeys(points)),
        timeout,
        transport=at.kind,
        serial=at.serial,
        tls=at.tls,
    )


def link(device: Device, folder: Path = Path()) -> Link:
    """Where a device's wire leads; files of TLS are looked for in the project's folder."""
    serial = None
    if device.serial is not None:
        told = device.serial
        serial = SerialSettings(told.baud, told.parity, told.stop_bits, told.data_bits)
    if device.transport == "rtu":
        assert device.serial is not None  # Wire checks it
        return Link(device.serial.port or "", 0, "rtu", serial)
    tls = None
    if device.tls is not None:
        ca, certificate, key = (
            folder / path if path is not None else None
            for path in (device.tls.ca, device.tls.certificate, device.tls.key)
        )
        tls = TlsSettings(ca, certificate, key, device.tls.host_name)
    return Link(device.host, device.port, device.transport, serial, tls)


def targets(city: City, library: Library, names: Sequence[str] | None = None) -> list[Target]:
    """The named devices of a city, or all of them, with the points that are polled or named in city.yaml."""
    shelf = Shelf(library)
    named: dict[str, list[str]] = {}
    for point in city.points().values():
        if point.device is not None:
            name, _, of_device = point.device.partition("/")
            named.setdefault(name, []).append(of_device)
    chosen = dict.fromkeys(names) if names else city.devices
    found = []
    for name in chosen:
        device = named_device(city, name)
        polled = device.poll or shelf.connector(device.connector).polled()
        # A setting that city.yaml makes a point of is polled too, whatever its connector says of settings.
        found.append(target(shelf, name, device, [*polled, *named.get(name, [])], folder=city.project))
    return found


def asked_for(city: City, library: Library, wanted: Sequence[str]) -> list[Target]:
    """Targets for `device` (all its points, settings too) and `device/point` words.

    Raises UsageProblem with the near match for an unknown device or point.
    """
    shelf = Shelf(library)
    by_device: dict[str, list[str]] = {}
    for word in wanted:
        name, _, point = word.partition("/")
        connector = shelf.connector(named_device(city, name).connector)
        if point:
            connector.point(point)
        by_device.setdefault(name, []).extend([point] if point else connector.readable())
    return [
        target(shelf, name, city.devices[name], points, folder=city.project)
        for name, points in by_device.items()
    ]
