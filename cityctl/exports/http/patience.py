"""How long to wait: for each phase of a request, before another try, and for all tries together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from cityctl.errors import Unreachable
from cityctl.exports.secret import hide


@dataclass(frozen=True)
class Patience:
    """Seconds: for each phase, for all tries together, and before another try. `asked` caps Retry-After."""

    connect: float = 10.0
    read: float = 30.0
    total: float = 300.0
    tries: int = 5
    first_wait: float = 0.5
    longest_wait: float = 60.0
    asked: float = 120.0


class Away(Unreachable):
    """The service is not there, or asks to be left alone: no other request has a chance now."""


class Again(Exception):
    """A try failed in a way that another one may heal. `wait` is what the service asked for, in seconds.

    `away`: where no try heals it, another request would fail as well.
    """

    def __init__(self, reason: str, wait: float | None = None, *, away: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait
        self.away = away


@dataclass
class Tries:
    """The tries of one request, up to its deadline."""

    service: str
    patience: Patience
    sleep: Callable[[float], None]
    jitter: Callable[[float, float], float]
    hint: str
    failed: list[str] = field(default_factory=list)
    deadline: float = 0.0

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.patience.total

    @property
    def number(self) -> int:
        """Of the try that is under way, from 1."""
        return len(self.failed) + 1

    @property
    def left(self) -> float:
        """Seconds up to the deadline."""
        return self.deadline - time.monotonic()

    def failure(self, again: Again) -> None:
        """Wait before another try. Raises Unreachable where none is left, Away where the service is.

        The pause is drawn from nothing to a bound that doubles ("full jitter"), unless the service named one.
        """
        said = f"{self.service}: {hide(again.reason)}"
        self.failed.append(f"try {self.number}: {hide(again.reason)}")
        wait = self.patience
        if len(self.failed) >= wait.tries:
            kind = Away if again.away else Unreachable
            raise kind(said, tried=self.failed, hint=self.hint)
        longest = min(wait.longest_wait, wait.first_wait * 2 ** (len(self.failed) - 1))
        pause = self.jitter(0.0, longest) if again.wait is None else again.wait
        left = self.left
        if pause > left or (again.wait is not None and pause > wait.asked):
            asked = f"; it asks to come back in {again.wait:.0f} s" if again.wait is not None else ""
            bound = (
                f"{max(left, 0):.0f} s are left" if pause > left else f"at most {wait.asked:.0f} s are waited"
            )
            kind = Away if again.away or again.wait is not None else Unreachable
            raise kind(f"{said}{asked}, and {bound}", tried=self.failed, hint="run it again later")
        self.sleep(pause)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait, from a number of seconds or from a date; None where nothing is said.

    A date is compared with the service's own clock too (`Date`): one of both clocks may be wrong.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:12])
    moment = _date(text)
    if moment is None:
        return None
    waits = [(moment - clock).total_seconds() for clock in (now, _date(headers.get("date", ""))) if clock]
    return min((wait for wait in waits if wait > 0), default=0.0)


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
