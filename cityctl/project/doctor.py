"""`cityctl doctor`: does the configuration hold, do devices and services answer, is what should be fresh fresh?

Each check is one row with a verdict and what to do. Nothing is written to any device; a TCP connection is
opened and closed again.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from cityctl import clock
from cityctl.city.load import load as load_city
from cityctl.city.project import Project
from cityctl.errors import CityctlError, listed
from cityctl.exports import service as exports_service
from cityctl.exports.secret import read_secret
from cityctl.glossary import column
from cityctl.library import KINDS
from cityctl.modbus.maps.connector import load_connector
from cityctl.modbus.memory import Memory
from cityctl.project.exposure import Said, addresses, clocks, permissions
from cityctl.project.unread import unread_rows
from cityctl.report.recipe import load as load_recipe
from cityctl.result import Column, Completeness, Missing, Result, Table
from cityctl.wording import counted

Verdict = Literal["ok", "look", "wrong", "not tried"]
COLUMNS = (
    Column("check", "Check", meaning="what was looked at", priority=1),
    column("verdict"),
    Column("detail", "Detail", meaning="what was found", priority=2),
    Column("hint", "Hint", meaning="what to do", priority=3),
)
_LEAST_FREE = 1 << 30  # bytes; a year of 1 000 points at 15 min takes 60 MB
_STALE_AFTER = 3  # intervals without a reading
_CONNECT_SECONDS = 3.0


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    detail: str
    hint: str = ""


def examine(project: Project, *, now: datetime, offline: bool = False) -> Result:
    """All checks of a project. Raises ConfigInvalid where city.yaml itself does not hold.

    `offline`: opens no connection.
    """
    checks = [_city(project)]
    for look in (_profiles, _connectors, _shadowed, _secrets, _folder, _store):
        checks += look(project)
    checks += [Check(name, _verdict(said), detail, hint) for name, said, detail, hint in _told(project)]
    checks += _exchanged(project)
    checks += _fresh(project, now)
    checks += _reachable(project, offline=offline)
    rows: list[tuple[object, ...]] = [(c.name, c.verdict, c.detail, c.hint) for c in checks]
    wrong = [c for c in checks if c.verdict == "wrong"]
    doubtful = [c for c in checks if c.verdict == "look"]
    return Result(
        f"Doctor: {project.city.name}",
        [Table("checks", "Checks", list(COLUMNS), rows)],
        completeness=Completeness(
            wanted=len(checks),
            had=sum(c.verdict == "ok" for c in checks),
            missing=[Missing(c.name, c.detail) for c in wrong],
            unit="checks",
        ),
        summary=f"{len(wrong)} wrong, {len(doubtful)} to look at, {len(checks)} checks",
    )


def _told(project: Project) -> Iterator[Said]:
    yield from addresses(project)
    yield from permissions(project)
    yield from unread_rows(project)


def _verdict(said: str) -> Verdict:
    return "ok" if said == "ok" else "look"


def _city(project: Project) -> Check:
    city = project.city
    held = (
        counted(len(city.zones), "zone"),
        counted(len(city.devices), "device"),
        counted(len(city.points()), "point"),
    )
    return Check("city.yaml", "ok", f"{project.folder / 'city.yaml'}: {', '.join(held)}")


def _profiles(project: Project) -> Iterator[Check]:
    for name in project.city.profiles:
        yield _tried(f"profile {name}", partial(load_city, project.folder, name), "its changes hold")


def _tried(name: str, attempt: Callable[[], object], detail: str) -> Check:
    try:
        attempt()
    except CityctlError as problem:
        return Check(name, "wrong", problem.message, problem.hint or "")
    return Check(name, "ok", detail)


def _connectors(project: Project) -> Iterator[Check]:
    city, library = project.city, project.library
    for name in sorted({device.connector for device in city.devices.values()}):
        path = library.find("connectors/devices", name)
        yield _tried(f"connector {name}", partial(load_connector, path), library.origin(path))
    for name in sorted({service.connector for service in city.services.values()}):
        path = library.find("connectors/services", name)
        yield _tried(f"connector {name}", partial(exports_service.load, library, name), library.origin(path))
    for name, path in library.list("recipes/reports").items():
        if library.origin(path) != "shipped":
            yield _tried(f"report {name}", partial(load_recipe, library, name), library.origin(path))


def _shadowed(project: Project) -> Iterator[Check]:
    for used, hidden in project.library.shadowed():
        said = f"{used} is used, {hidden} is hidden by it"
        yield Check(f"two files named {used.stem}", "look", said, "rename yours, unless that is meant")
    for kind in KINDS:
        for origin, folder in project.library.folders(kind):
            stray = sorted(folder.glob("*.yml")) if folder.is_dir() else []
            if stray:
                said = f"{origin}: {listed(path.name for path in stray)}"
                yield Check(f"{kind}: files that are not seen", "look", said, "name them .yaml")


def _secrets(project: Project) -> Iterator[Check]:
    for name, service in project.city.services.items():
        secret = service.secret
        if secret is None:
            continue
        if secret.command is not None:
            yield Check(f"secret of {name}", "not tried", "a command gives it", "`cityctl pull --dry-run`")
            continue
        yield _tried(
            f"secret of {name}",
            partial(read_secret, secret, service=name, folder=project.folder),
            "it is there",
        )
        if secret.file is not None and _read_by_others(project.folder / secret.file):
            said = f"{secret.file} can be read by other users"
            yield Check(f"secret of {name}: permissions", "look", said, f"chmod 600 {secret.file}")


def _read_by_others(path: Path) -> bool:
    import os

    return os.name != "nt" and path.exists() and bool(path.stat().st_mode & 0o077)


def _folder(project: Project) -> Iterator[Check]:
    from cityctl.disk import share, write_atomic

    proof = project.state / "doctor.tmp"

    def write() -> None:
        try:
            write_atomic(proof, b"", rights=share)
            proof.unlink()
        except OSError as problem:
            raise CityctlError(
                f"{project.state} cannot be written: {problem.strerror or problem}",
                hint="run as the user who owns the project, or change its permissions",
            ) from None

    yield _tried("state folder", write, f"{project.state} can be written")
    free = shutil.disk_usage(project.folder).free
    verdict: Verdict = "ok" if free >= _LEAST_FREE else "look"
    yield Check("disk", verdict, f"{free / 1e9:.1f} GB free", "" if verdict == "ok" else "free some space")


def _store(project: Project) -> Iterator[Check]:
    from cityctl.store import Store
    from cityctl.store.folder import network_warning

    if (warning := network_warning(project.store_folder)) is not None:
        yield Check(
            "store's disk", "look", warning, "set CITYCTL_STORE to a folder on a disk of this machine"
        )
    try:
        with Store.open(project.store_folder, create=False) as store:
            span = store.span()
    except CityctlError as problem:
        yield Check("store", "look", problem.message, problem.hint or "")
        return
    if span is None:
        yield Check(
            "store", "look", "it holds no readings", "`cityctl poll`, `cityctl pull` or `cityctl data import`"
        )
        return
    zone = project.city.zone_info
    first, last = (moment.astimezone(zone) for moment in span)
    yield Check("store", "ok", f"readings from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}")


def _fresh(project: Project, now: datetime) -> Iterator[Check]:
    """Points with an interval of their own that come from a device or a service, and are late."""
    from cityctl.engine.duck import Engine
    from cityctl.store import Store

    awaited = {
        name: point.every
        for name, point in project.city.points().items()
        if point.every is not None and (point.device or point.service)
    }
    if not awaited:
        return
    try:
        with Store.open(project.store_folder, create=False) as store, Engine() as engine:
            store.attach(engine, None, points=list(awaited))
            last = dict(engine.rows("SELECT point, max(time) FROM readings GROUP BY point"))
    except CityctlError:
        return  # `_store` has said it
    for name, said, detail, hint in clocks(last, now):
        yield Check(name, _verdict(said), detail, hint)
    never = [name for name in awaited if name not in last]
    late = [
        name
        for name, every in awaited.items()
        if name in last and now - last[name].replace(tzinfo=UTC) > _allowed(every)
    ]
    fine = len(awaited) - len(never) - len(late)
    yield Check(
        "fresh points", "ok", f"{fine} of {len(awaited)} have a reading within {_STALE_AFTER} intervals"
    )
    if late:
        yield Check(
            "late points",
            "look",
            listed(late, 6),
            "`cityctl data gaps` shows since when",
        )
    if never:
        yield Check("points without readings", "look", listed(never, 6), "`cityctl poll` or `cityctl pull`")


def _exchanged(project: Project) -> Iterator[Check]:
    for name, other in Memory.load(project.state).exchanged():
        if name in project.city.devices:
            said = f"it shows the registers of {other}, as the last polls found"
            yield Check(f"place of {name}", "wrong", said, f"`cityctl devices diagnose {name}`")


def _allowed(every: timedelta) -> timedelta:
    return max(_STALE_AFTER * every, timedelta(minutes=5))


def _reachable(project: Project, *, offline: bool) -> Iterator[Check]:
    city = project.city
    ends: dict[tuple[str, int], list[str]] = {}
    for name, device in city.devices.items():
        if device.transport in ("tcp", "tls", "rtu-tcp"):
            ends.setdefault((device.host, device.port), []).append(f"device {name}")
    for name, service in city.services.items():
        parts = urlsplit(service.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        ends.setdefault((parts.hostname or "", port), []).append(f"service {name}")
    if offline:
        if ends:
            yield Check("devices and services", "not tried", f"{len(ends)} addresses", "leave --offline out")
        return
    for name, device in city.devices.items():
        wire = device.serial.port if device.transport == "rtu" and device.serial else None
        if wire is not None and os.name == "posix":  # Windows' ports are no files
            there = Path(wire).exists()
            said = f"serial port {wire} is {'there' if there else 'not there'}"
            yield Check(
                f"device {name}", "ok" if there else "wrong", said, "" if there else "is it plugged in?"
            )
    with ThreadPoolExecutor(max_workers=32) as pool:
        answers = pool.map(lambda end: _connect(*end), ends)
        for (end, names), problem in zip(ends.items(), answers, strict=True):
            for name in names:
                where = f"{end[0]}:{end[1]}"
                if problem is None:
                    yield Check(name, "ok", f"{where} accepts connections")
                else:
                    said = f"{where}: {problem}"
                    yield Check(name, "wrong", said, "check host, port and network; then `cityctl poll -v`")


def _connect(host: str, port: int) -> str | None:
    """Why a TCP connection cannot be made, or None."""
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_SECONDS):
            return None
    except TimeoutError:
        return f"no answer within {clock.short(timedelta(seconds=_CONNECT_SECONDS))}"
    except OSError as problem:
        return problem.strerror or str(problem)
