"""What runs learnt of each device, kept on disk in the project's state: a cache, safe to delete.

How often it did not answer and since when, how long its answers take, and across which addresses no request
may reach. A device that is at another place, or is another model, begins anew.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cityctl.disk import share, write_atomic
from cityctl.modbus.ask import Answer, Target
from cityctl.modbus.swapped import doubt, registers, shows, swapped

FILE_NAME = "devices.json"
OPEN_AFTER = 3
"""Runs in a row without an answer, after which a device gets one short probe a run and no more."""
_RUNS = 5  # in the mean of round trips
_ALIKE = 0.03  # of a round trip: no reason to write anything down
_MOST_MUTE = 64  # requests that are kept in mind of one device
SHARE = 0.25
"""Seconds of a line: who holds it so much longer than others do lets them go first."""


@dataclass
class Known:
    """What is known of one device. `silent_runs` in a row.

    `round_trip` (s) is from a request to its answer, `thinking` the same without the time on the serial wire,
    `opening` how long its line took to be open, all as a mean of the last runs that `measured` them.

    `is_stranger`: another device answered in its place; `held` (s, in whole SHAREs): how long a request of it
    kept the others on its line waiting in the last run, requests that were sent again among it.

    `mute`: the requests (function, address) that it left without an answer: they are asked last.

    `registers`: where its counters stood, in its connector's units, of models that are there more than once;
    `swapped_with`: the device that stands in its place.
    """

    place: str = ""
    silent_runs: int = 0
    silent_since: str | None = None
    round_trip: float | None = None
    thinking: float | None = None
    opening: float | None = None
    measured: int = 0
    cuts: set[tuple[int, int]] = field(default_factory=set)
    placed: tuple[int, int] | None = None
    is_stranger: bool = False
    held: float = 0.0
    registers: dict[str, float] = field(default_factory=dict)
    swapped_with: str = ""
    mute: tuple[tuple[int, int], ...] = ()

    @property
    def must_prove(self) -> bool:
        """Whether it must say who it is: it was never heard, was away, or was another device."""
        return self.round_trip is None or self.silent_runs > 0 or self.is_stranger

    @property
    def is_suspect(self) -> bool:
        """Whether it did not answer in the last run: it is asked behind those that did."""
        return self.silent_runs > 0

    def take_time(self, round_trip: float, on_wire: float, opening: float | None = None) -> None:
        """Take in what a run measured [s]; what differs little leaves everything as it is."""
        thinking = round_trip - on_wire
        if self.round_trip is None or self.thinking is None or not self.measured:
            self.round_trip, self.thinking, self.measured = round_trip, thinking, 1
        elif abs(thinking - self.thinking) > _ALIKE * round_trip:
            self.measured = min(self.measured + 1, _RUNS)
            self.round_trip += (round_trip - self.round_trip) / self.measured
            self.thinking += (thinking - self.thinking) / self.measured
        if opening is not None and self.opening is None:
            self.opening = opening
        elif (
            opening is not None
            and self.opening is not None
            and abs(opening - self.opening) > _ALIKE * round_trip
        ):
            self.opening += (opening - self.opening) / max(2, self.measured)

    @property
    def is_open(self) -> bool:
        """Whether the circuit is open: only a short probe is spent on it."""
        return self.silent_runs >= OPEN_AFTER


class Memory:
    """The devices of a project as past runs found them; without a path it lasts as long as the process."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._devices: dict[str, Known] = {}
        self._changed = False

    @classmethod
    def load(cls, folder: Path) -> Memory:
        """What a project's state folder holds; a file that cannot be read is as none."""
        memory = cls(folder / FILE_NAME)
        try:
            held = json.loads((folder / FILE_NAME).read_bytes())
            for name, entry in held["devices"].items():
                memory._devices[str(name)] = _read(entry)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            memory._devices.clear()
        return memory

    def known(self, target: Target) -> Known:
        """What is known of a target; nothing where it was something else before."""
        known = self._devices.get(target.device)
        place = _place(target)
        if known is None or known.place != place:
            known = self._devices[target.device] = Known(place)
        return known

    def exchanged(self) -> list[tuple[str, str]]:
        """Devices that polls found in each other's place, each with the one whose registers it shows."""
        return [(name, known.swapped_with) for name, known in self._devices.items() if known.swapped_with]

    def planned(self, targets: Iterable[Target]) -> list[Target]:
        """The same targets, with the cuts that past runs learnt; those that must say who they are marked."""
        return [_as_known(target, self.known(target)) for target in targets]

    def learn(self, answers: Sequence[Answer]) -> None:
        """Take in what a run found. What those gave that have changed places is doubted until they are back."""
        self._find_swapped(answers)
        models = Counter(answer.target.connector.connector for answer in answers)
        now = datetime.now(UTC).isoformat("T", "seconds")
        for answer in answers:
            known = self.known(answer.target)
            before = replace(known, cuts=set(known.cuts))
            if models[answer.target.connector.connector] > 1 and not answer.swapped:
                known.registers = known.registers | registers(answer)
            if answer.answered or answer.values:
                known.silent_runs, known.silent_since = 0, None
                known.is_stranger = answer.is_stranger
            elif answer.gave_up:
                known.silent_runs += 1
                known.silent_since = known.silent_since or now
            if answer.timed:
                known.take_time(answer.waited / answer.timed, answer.on_wire / answer.timed, answer.opening)
            if answer.requests:
                known.held = answer.held / answer.requests // SHARE * SHARE
            known.mute = _still_mute(known.mute, answer)
            known.cuts |= answer.cuts
            known.placed = answer.placed or known.placed
            self._changed = self._changed or known != before

    def _find_swapped(self, answers: Sequence[Answer]) -> None:
        before = {each.target.device: self.known(each.target).registers for each in answers}
        for one, other in swapped(answers, before):
            self.known(one.target).swapped_with = other.target.device
            self.known(other.target).swapped_with = one.target.device
            self._changed = True
        for answer in answers:
            known = self.known(answer.target)
            beside = self._devices.get(known.swapped_with)
            if beside is None or not answer.values:
                continue
            if shows(registers(answer), known.registers, beside.registers) == "own":
                known.swapped_with = ""
                self._changed = True
            else:
                doubt(answer, known.swapped_with)

    def save(self) -> None:
        """Write it down, where there is something new and a place for it."""
        if self.path is None or not self._changed:
            return
        devices = {name: _written(known) for name, known in sorted(self._devices.items())}
        text = json.dumps({"about": "learnt by polls; safe to delete", "devices": devices}, indent=1) + "\n"
        write_atomic(self.path, text.encode(), rights=share)
        self._changed = False


def _still_mute(before: Sequence[tuple[int, int]], answer: Answer) -> tuple[tuple[int, int], ...]:
    """Requests that are left without an answer: those first that did not get their turn in a run."""
    heard = {
        (block.function_code, address)
        for block in answer.heard
        for address in range(block.address, block.address + block.count)
    }
    left = [place for place in before if place not in heard and place not in answer.mute]
    return tuple(left + answer.mute)[-_MOST_MUTE:]


def _place(target: Target) -> str:
    return f"{target.connector.connector} at {target.place}"


def _as_known(target: Target, known: Known) -> Target:
    if known.placed is not None and target.connector.sunspec is not None:
        target = replace(target, connector=target.connector.placed_at(*known.placed))
    if target.connector.identify is not None and known.must_prove:
        target = replace(target, proves=True)
    return replace(target, cuts=target.cuts | known.cuts) if known.cuts else target


def _read(entry: dict[str, Any]) -> Known:
    since, trip = entry.get("silent_since"), entry.get("round_trip_ms")
    placed, thinking, opening = entry.get("placed"), entry.get("thinking_ms", trip), entry.get("opening_ms")
    mute = entry.get("mute", [])
    return Known(
        str(entry["place"]),
        int(entry.get("silent_runs", 0)),
        None if since is None else str(since),
        None if trip is None else float(trip) / 1000,
        None if thinking is None else float(thinking) / 1000,
        None if opening is None else float(opening) / 1000,
        int(entry.get("measured", 1 if "thinking_ms" in entry else 0)),
        {(int(code), int(address)) for code, address in entry.get("cuts", [])},
        None if placed is None else (int(placed[0]), int(placed[1])),
        bool(entry.get("is_stranger", False)),
        float(entry.get("held_s", 0.0)),
        {str(name): float(value) for name, value in entry.get("registers", {}).items()},
        str(entry.get("swapped_with", "")),
        tuple((int(code), int(address)) for code, address in mute),
    )


def _written(known: Known) -> dict[str, Any]:
    entry: dict[str, Any] = {"place": known.place}
    if known.silent_runs:
        entry |= {"silent_runs": known.silent_runs, "silent_since": known.silent_since}
    if known.round_trip is not None:
        entry["round_trip_ms"] = round(known.round_trip * 1000, 3)
        entry["measured"] = known.measured
    if known.thinking is not None and known.thinking != known.round_trip:
        entry["thinking_ms"] = round(known.thinking * 1000, 3)
    if known.opening is not None:
        entry["opening_ms"] = round(known.opening * 1000, 3)
    if known.placed is not None:
        entry["placed"] = known.placed
    if known.is_stranger:
        entry["is_stranger"] = True
    if known.held:
        entry["held_s"] = known.held
    if known.registers:
        entry["registers"] = known.registers
    if known.swapped_with:
        entry["swapped_with"] = known.swapped_with
    if known.mute:
        entry["mute"] = known.mute
    if known.cuts:
        entry["cuts"] = sorted(known.cuts)
    return entry
