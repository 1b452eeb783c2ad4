"""Wires in city.yaml: what may be written, what is refused with its place, and where it leads."""

from __future__ import annotations

from pathlib import Path

import pytest

from cityctl.city.load import load
from cityctl.errors import ConfigInvalid
from cityctl.modbus.line import Link, SerialSettings, TlsSettings
from cityctl.modbus.targets import targets

HEAD = "name: T\ntime_zone: UTC\n"


def links(folder: Path) -> dict[str, Link]:
    city = load(folder)
    return {target.device: target.link for target in targets(city, city.library)}


def test_every_transport(project):
    folder = project(
        HEAD
        + """\
lines:
  bus: {serial: {port: /dev/ttyUSB0, baud: 9600, parity: none, stop_bits: 2}}
  gateway: {transport: rtu-tcp, host: 10.0.0.7, port: 4001, serial: {baud: 19200}}
devices:
  a: {connector: siemens_mag6000, host: 10.0.0.5}
  b: {connector: siemens_mag6000, transport: tls, host: plc.example, tls: {ca: ca.pem, host_name: plc}}
  c: {connector: siemens_mag6000, transport: udp, host: 10.0.0.6, port: 1502}
  d: {connector: siemens_mag6000, line: bus, unit: 4}
  e: {connector: siemens_mag6000, line: bus, unit: 5}
  f: {connector: siemens_mag6000, line: gateway, unit: 6}
"""
    )
    found = links(folder)
    assert found["a"] == Link("10.0.0.5", 502)
    # port 802: MODBUS/TCP Security Protocol Specification V2.1; files start at the project's folder
    assert found["b"] == Link(
        "plc.example", 802, "tls", None, TlsSettings(folder / "ca.pem", host_name="plc")
    )
    assert found["c"] == Link("10.0.0.6", 1502, "udp")
    assert found["d"] == found["e"] == Link("/dev/ttyUSB0", 0, "rtu", SerialSettings(9600, "none", 2))
    assert found["f"] == Link("10.0.0.7", 4001, "rtu-tcp", SerialSettings(19200))


def test_a_profile_leads_elsewhere(project):
    folder = project(
        HEAD
        + """\
lines: {gw: {host: 10.0.0.7}}
devices: {a: {connector: siemens_mag6000, line: gw}}
profiles: {test: {lines: {gw: {host: 127.0.0.1, port: 1502}}}}
"""
    )
    assert load(folder).devices["a"].host == "10.0.0.7"
    test = load(folder, "test").devices["a"]
    assert (test.host, test.port) == ("127.0.0.1", 1502)


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ("{connector: siemens_mag6000}", "needs a `host`"),
        ("{connector: siemens_mag6000, transport: rtu}", "needs `serial: {port: ...}`"),
        ("{connector: siemens_mag6000, host: h, serial: {port: COM3}}", "has no `host`"),
        ("{connector: siemens_mag6000, host: h, transport: tcp, serial: {port: COM3}}", "leave `host` out"),
        ("{connector: siemens_mag6000, host: h, tls: {ca: x}}", "needs `transport: tls`"),
        ("{connector: siemens_mag6000, host: h, line: bus}", "of its own"),
        ("{connector: siemens_mag6000, line: bus, unit: 0}", "nobody answers"),
        ("{connector: siemens_mag6000, host: h, transport: rtu-tcp, unit: 0}", "nobody answers"),
        ("{connector: siemens_mag6000, line: bsu}", "did you mean `bus`"),
        ("{connector: siemens_mag6000, host: h, transport: rtutcp}", "rtu-tcp"),
        ("{connector: siemens_mag6000, serial: {port: COM3, baudrate: 9600}}", "did you mean `baud`"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(project, device, said):
    folder = project(HEAD + f"lines: {{bus: {{serial: {{port: COM3}}}}}}\ndevices:\n  a: {device}\n")
    with pytest.raises(ConfigInvalid) as told:
        load(folder)
    everything = f"{told.value.message} {told.value.hint} {' '.join(told.value.tried)}"
    assert said in everything
    assert "city.yaml:5" in told.value.message
