"""A budget of requests for each host, shared by all services of a run that ask it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rate:
    """At most so many requests in so many seconds."""

    requests: int
    seconds: float


@dataclass
class Budgets:
    """Holds a request back until its host's budget has room. The tightest rate said of a host holds."""

    clock: Callable[[], float] = time.monotonic
    _rates: dict[str, list[Rate]] = field(default_factory=dict)
    _sent: dict[str, deque[float]] = field(default_factory=dict)

    def limit(self, host: str, rate: Rate | None) -> None:
        """A service of that host says how often it may be asked."""
        rates = self._rates.setdefault(host, [])
        if rate is not None and rate not in rates:
            rates.append(rate)

    def take(self, host: str, sleep: Callable[[float], None]) -> None:
        """One request is about to be sent: wait for its turn."""
        sent = self._sent.setdefault(host, deque())
        now = self.clock()
        begin = now
        for rate in self._rates.get(host, ()):
            if len(sent) >= rate.requests:
                begin = max(begin, sent[-rate.requests] + rate.seconds)
        if begin > now:
            sleep(begin - now)
        sent.append(begin)
        most = max((rate.requests for rate in self._rates.get(host, ())), default=0)
        while len(sent) > most:
            sent.popleft()
