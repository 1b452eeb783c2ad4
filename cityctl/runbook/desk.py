"""Who is at work, on which city, at what time: what every part of a run shares."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Protocol

from cityctl.city.model import City
from cityctl.library import Library
from cityctl.modbus.alone import LOCKS
from cityctl.runbook.audit import Audit
from cityctl.runbook.scope import Plant


class Clock(Protocol):
    """Time, as a run needs it."""

    def now(self) -> datetime:
        """The instant, UTC."""
        ...

    def passed(self) -> float:
        """Seconds since some begin, that no one sets back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait so long."""
        ...


class RealClock:
    """The clock on the wall."""

    def now(self) -> datetime:
        """The instant, UTC."""
        return datetime.now(UTC)

    def passed(self) -> float:
        """Seconds since some begin."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait so long."""
        time.sleep(seconds)


class FastClock(RealClock):
    """A clock that runs `speed` times as fast, beside a pretended plant that does too."""

    def __init__(self, speed: float) -> None:
        self.speed = speed

    def passed(self) -> float:
        """Seconds of the pretended plant."""
        return time.monotonic() * self.speed

    def sleep(self, seconds: float) -> None:
        """Wait so long there."""
        time.sleep(seconds / self.speed)


@dataclass(frozen=True)
class Person:
    """Who it is: the user of the operating system, which is the one thing that it vouches for."""

    name: str
    uid: int | None
    host: str

    def __str__(self) -> str:
        return f"{self.name}@{self.host}"


def person() -> Person:
    """Who runs this process."""
    uid = os.getuid() if hasattr(os, "getuid") else None
    return Person(name_of(uid) if uid is not None else getpass.getuser(), uid, socket.gethostname())


def name_of(uid: int) -> str:
    """A user's name; the number where it has none."""
    if sys.platform != "win32":
        import pwd

        with contextlib.suppress(KeyError):
            return pwd.getpwuid(uid).pw_name
    return f"uid:{uid}"


def owner(path: Path) -> int | None:
    """Which user a file belongs to; None where the system does not say."""
    return path.stat().st_uid if hasattr(os, "getuid") else None


@dataclass
class Desk:
    """A city, and who works on it, why, and by which clock. `state` is where cityctl keeps its own files."""

    city: City
    library: Library
    state: Path
    profile: str | None = None
    reason: str = ""
    work_order: str = ""
    clock: Clock = field(default_factory=RealClock)
    who: Person = field(default_factory=person)
    read_timeout: float | None = None

    @cached_property
    def plant(self) -> Plant:
        """The devices, with their models."""
        return Plant(self.city, self.library)

    @cached_property
    def audit(self) -> Audit:
        """The project's audit."""
        return Audit(self.state / "audit")

    @property
    def locks(self) -> Path:
        """The folder of the locks on devices and lines."""
        return self.state / LOCKS

    @property
    def signature(self) -> dict[str, object]:
        """Who, where and why, for each line of the audit."""
        said: dict[str, object] = {"who": self.who.name, "uid": self.who.uid, "host": self.who.host}
        said["profile"] = self.profile
        said["reason"] = self.reason
        said["work_order"] = self.work_order
        return said
