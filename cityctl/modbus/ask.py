"""What a device is asked, and what it answered: targets, values, failures by name with their reasons. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from cityctl.errors import LockHeld
from cityctl.modbus.line.link import Kind, Link, SerialSettings, TlsSettings
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.ratios import multiplied, ratio_of, sum_of
from cityctl.modbus.plan import Block, plan
from cityctl.modbus.values import Values
from cityctl.reading import Quality
from cityctl.wording import counted

TRIES = 2


@dataclass(frozen=True)
class Target:
    """A device to ask: where it is, what it is, and which of its points are wanted.

    `host` is the name of the serial port where `transport` is rtu. `cuts` are places that earlier runs found
    no request may reach across (see plan). `proves`: the point that tells the device apart is read too, where
    its connector names one, and what another device says is refused.
    """

    device: str
    host: str
    port: int
    unit: int
    connector: DeviceConnector
    points: tuple[str, ...]
    timeout: float = 3.0
    tries: int = TRIES
    transport: Kind = "tcp"
    serial: SerialSettings | None = None
    tls: TlsSettings | None = None
    cuts: frozenset[tuple[int, int]] = frozenset()
    proves: bool = False

    @cached_property
    def link(self) -> Link:
        """Devices with the same link share one line and are asked one after another."""
        return Link(self.host, self.port, self.transport, self.serial, self.tls)

    @cached_property
    def place(self) -> str:
        """Where it is asked, as people say it."""
        return f"{self.link} unit {self.unit}"

    @property
    def asked_points(self) -> tuple[str, ...]:
        """The wanted points, those that multiply them, and the one that must tell that this is the right device.

        Of a SunSpec block those that this device has: it may end earlier than the model does.
        """
        points = self.points
        if self.connector.sunspec is not None:
            points = tuple(name for name in points if name in self.connector.points)
        if self.connector.ratios:
            ratios = [self.connector.ratios[name] for name in points if name in self.connector.ratios]
            points = tuple(dict.fromkeys((*points, *(name for p in ratios for name in p.of_others))))
        identify = self.connector.identify
        if identify is None or not (identify[2] or self.proves) or identify[0] in points:
            return points
        return (identify[0], *points)

    @property
    def unwanted(self) -> frozenset[str]:
        """Points that are asked for the sake of others alone."""
        return frozenset(self.asked_points).difference(self.points)

    @property
    def blocks(self) -> list[Block]:
        """The requests that will be sent."""
        return plan(self.connector, self.asked_points, cuts=self.cuts)


@dataclass(frozen=True)
class Failure:
    """Points that did not come, and why; `where` is the request that failed, where it was one."""

    points: tuple[str, ...]
    why: str
    where: str = ""

    @property
    def reason(self) -> str:
        """Where and why, in one line."""
        return f"{self.where}: {self.why}" if self.where else self.why


@dataclass
class Answer:
    """What one device gave in one run.

    `placed` is (address, length) of a SunSpec block that was found elsewhere than the connector says.
    `requests` counts those sent and `answered` their answers, `seconds` is from the first to the last of them;
    `waited` is the sum of the round trips of the `timed` ones, which were answered at the first try, `on_wire` the
    part of it that a serial wire needs; `held` is how long (s) nobody else on its line could be asked; `opening` is
    how long its line took to be open and trusted, where it was opened for this device. `cuts` are those that this
    run found; `gave_up` tells that the rest of its requests was left out, or that nothing it sent was an answer,
    `is_stranger` that another device answered, `locked_out` that nothing was asked, because another process has
    its line, `swapped` with whom it has changed places; `mute` are the requests that it left without an answer
    (function, address), `heard` those that it answered, and be it by a refusal.
    """

    target: Target
    values: Values = field(default_factory=Values)
    failures: list[Failure] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    requests: int = 0
    answered: int = 0
    seconds: float = 0.0
    timed: int = 0
    waited: float = 0.0
    on_wire: float = 0.0
    held: float = 0.0
    opening: float | None = None
    cuts: set[tuple[int, int]] = field(default_factory=set)
    gave_up: bool = False
    is_stranger: bool = False
    locked_out: LockHeld | None = None
    swapped: str = ""
    placed: tuple[int, int] | None = None
    mute: list[tuple[int, int]] = field(default_factory=list)
    heard: list[Block] = field(default_factory=list)
    _is_multiplied: bool = field(default=False, init=False, repr=False)

    @property
    def wanted(self) -> int:
        """How many points were asked for."""
        return len(self.target.points)

    @property
    def had(self) -> int:
        """How many came, those included that the device itself calls invalid."""
        return len(self.values)

    @property
    def is_dead(self) -> bool:
        """Whether nothing at all came."""
        return self.wanted > 0 and not self.values

    @property
    def is_empty(self) -> bool:
        """Whether all that came is the device's own word that it has no value."""
        return bool(self.values) and all(value is None for row in self.values.rows for value in row.values)

    @property
    def trouble(self) -> str:
        """What is wrong with what it gave, in one line; empty where nothing is."""
        if self.is_empty:
            return f"it answers, and has no value of {counted(self.had, 'point')} that it was asked for"
        return self.swapped or self.reason

    def drop_unwanted(self) -> None:
        """Multiply what other points multiply, once; then forget points that were asked for others' sake alone."""
        if self.target.connector.ratios and not self._is_multiplied:
            self._is_multiplied = True
            self._multiply()
        unwanted = self.target.unwanted
        for name in unwanted:
            self.values.drop(name)
        if unwanted:
            self.failures = [each for each in self.failures if not unwanted.issuperset(each.points)]

    def _multiply(self) -> None:
        """Bring values to what they are on the line; one whose ratio or part did not come is told as a failure."""
        apart = set[str]()
        for row in self.values.rows:
            values, qualities = list(row.values), list(row.qualities)
            for name, at in row.places.items():
                point, value = self.target.connector.ratios.get(name), values[at]
                if point is None or not isinstance(value, int | float):
                    continue
                ratio = ratio_of(
                    *([self._number(each) for each in names] for names in (point.times, point.over))
                )
                apart |= set(point.plus).difference(row.places)
                plus = sum_of(row.values[row.places[each]] for each in point.plus if each in row.places)
                names = [each for each in point.of_others if each in self.values]
                doubt = max((self.values[each].quality for each in names), default=Quality.GOOD)
                values[at], qualities[at] = multiplied(point, value, max(qualities[at], doubt), ratio, plus)
            row.values, row.qualities = values, qualities
        for name, point in self.target.connector.ratios.items():
            lacks = [each for each in point.of_others if each not in self.values or each in apart]
            if name in self.values and lacks:
                self.values.drop(name)
                how = "did not come with it" if lacks[0] in apart else "did not come"
                self.failures.append(Failure((name,), f"{lacks[0]}, which belongs to it, {how}"))

    def _number(self, name: str) -> float | str | None:
        return self.values[name].value if name in self.values else None

    def close(self, reason: str) -> None:
        """Give every point that has neither a value nor a reason this one."""
        self.drop_unwanted()
        if self.had == self.wanted:
            return
        told = {name for failure in self.failures for name in failure.points}
        left = tuple(name for name in self.target.points if name not in self.values and name not in told)
        if left:
            self.failures.append(Failure(left, reason))

    @property
    def reason(self) -> str:
        """Why points are missing, in one line; empty where none is. Requests that failed alike are counted."""
        alike: dict[str, list[Failure]] = {}
        for failure in self.failures:
            alike.setdefault(failure.why, []).append(failure)
        said = []
        for why, failures in alike.items():
            first = failures[0]
            many = len({failure.where for failure in failures})
            said.append(f"{many} requests: {why}; the first {first.where}" if many > 1 else first.reason)
        return "; ".join(said)
