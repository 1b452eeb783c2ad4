"""Two meters of one model in each other's place: no point tells them apart, their registers do.

A register only counts up. Where each of two shows in all its registers what the other one's stood at, and not its own,
cables, addresses or meters were exchanged. Told only where the two stand far apart, for what was counted meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Literal

from cityctl.modbus.ask import Answer
from cityctl.reading import Quality

Registers = Mapping[str, float]
_NEAR = 1 / 16
"""Of how far two meters stand apart: so near to where one stood, a register is that one's."""


def registers(answer: Answer) -> dict[str, float]:
    """The good values of a device's counters, in the connector's units."""
    points = answer.target.connector.points
    return {
        name: float(value.value)
        for name, value in answer.values.items()
        if points[name].kind == "counter"
        and value.quality is Quality.GOOD
        and isinstance(value.value, int | float)
    }


def shows(now: Registers, own: Registers, other: Registers) -> Literal["own", "other"] | None:
    """Whose registers a meter shows, by where both stood before; None where nobody can tell."""
    said: set[Literal["own", "other"]] = set()
    for name in now.keys() & own.keys() & other.keys():
        apart = abs(own[name] - other[name])
        if not apart:
            continue
        to_own, to_other = abs(now[name] - own[name]), abs(now[name] - other[name])
        if min(to_own, to_other) > _NEAR * apart:
            return None
        said.add("own" if to_own < to_other else "other")
    return said.pop() if len(said) == 1 else None


def swapped(answers: Iterable[Answer], before: Mapping[str, Registers]) -> list[tuple[Answer, Answer]]:
    """The pairs of one connector that show each other's registers; `before` is where each stood, by device."""
    moved: dict[str, list[tuple[Answer, dict[str, float]]]] = {}
    for answer in answers:
        own, now = before.get(answer.target.device, {}), registers(answer)
        if any(now[name] != own[name] for name in now.keys() & own.keys()):
            moved.setdefault(answer.target.connector.connector, []).append((answer, now))
    return [
        (one, other)
        for alike in moved.values()
        if any(_fell(now, before[answer.target.device]) for answer, now in alike)  # one of two always does
        for (one, now_one), (other, now_other) in combinations(alike, 2)
        if shows(now_one, before[one.target.device], before[other.target.device]) == "other"
        and shows(now_other, before[other.target.device], before[one.target.device]) == "other"
    ]


def _fell(now: Registers, before: Registers) -> bool:
    return any(now[name] < before[name] for name in now.keys() & before.keys())


def doubt(answer: Answer, name: str) -> None:
    """Keep what a device gave, as suspect, and say with whom it has changed places."""
    answer.swapped = f"its registers are those of {name}, which shows this one's: are the two exchanged?"
    for row in answer.values.rows:
        row.qualities = [max(quality, Quality.SUSPECT) for quality in row.qualities]
