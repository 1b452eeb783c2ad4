"""What the doctor says about who may reach a plant's devices and a project's files, and about clocks that are ahead.

Looks at city.yaml, file permissions and stored times alone; opens no connection.
"""

from __future__ import annotations

import ipaddress
import os
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cityctl.city.project import Project
from cityctl.errors import listed

MODBUS_PORT = 502
AHEAD = timedelta(minutes=5)  # a reading from so far in the future: somebody's clock is wrong

Said = tuple[str, str, str, str]
"""(what was looked at, its verdict, what was found, what to do)"""


def addresses(project: Project) -> Iterator[Said]:
    """Devices at an address that the whole internet may reach, and those on the port that scanners try first."""
    public, plain = [], []
    for name, device in project.city.devices.items():
        if device.transport not in ("tcp", "udp", "rtu-tcp"):
            continue
        if _is_public(device.host):
            public.append(f"{name} ({device.host}:{device.port})")
        if device.port == MODBUS_PORT:
            plain.append(name)
    if public:
        hint = "put a VPN or a firewall before it, or use `transport: tls`: Modbus asks nobody who he is"
        yield "devices at public addresses", "look", listed(public, 4), hint
    if plain and public:
        hint = "the first port that scanners try; none of it is encrypted"
        yield f"devices on port {MODBUS_PORT}", "look", listed(plain, 4), hint


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return False  # a name: where it leads depends on who asks


def permissions(project: Project) -> Iterator[Said]:
    """Files that other users of the computer may change: they decide what is polled and written."""
    if os.name != "posix":
        return
    open_to_all = [
        path
        for path in (project.folder, project.folder / "city.yaml", project.state, project.store_folder)
        if _writable_by_all(path)
    ]
    if open_to_all:
        names = " ".join(str(path) for path in open_to_all)
        yield (
            "permissions",
            "look",
            f"every user may change {listed(map(str, open_to_all))}",
            f"chmod o-w {names}",
        )
    else:
        yield "permissions", "ok", "other users may change neither city.yaml nor the store", ""


def _writable_by_all(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IWOTH)
    except OSError:
        return False


def clocks(last: Mapping[str, datetime], now: datetime) -> Iterator[Said]:
    """Points whose newest reading lies in the future: the clock of a device, a service or this computer is wrong.

    `last`: point -> instant (naive is UTC).
    """
    ahead = {}
    for name, moment in last.items():
        at = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        if at - now > AHEAD:
            ahead[name] = at - now
    if ahead:
        worst = max(ahead, key=lambda name: ahead[name])
        minutes = ahead[worst].total_seconds() / 60
        said = f"{listed(ahead, 4)}: up to {minutes:.0f} min ahead of this computer ({worst})"
        yield "clocks", "look", said, "set the clock of the device or service, or of this computer (NTP)"
    elif last:
        yield "clocks", "ok", "no reading lies in the future", ""
