"""What is judged night after night, taken up where it stood, so that a new day costs no more than its last weeks.

At the end of a week that is settled the state of every row (a zone, or a sensor) is remembered, with a mark of all that
it was made from. A row whose nights up to there are still the same goes on from it; one whose nights have changed, or
are new, is judged from its first night on. Either way the result is that of judging all nights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from cityctl.analysis.question import Memory
from cityctl.analysis.water.nights.digest import digest_of
from cityctl.analysis.water.nights.packed import pack, unpack

WEEK = 7
SETTLED = 14  # nights after which late readings are hardly awaited; a report on last week ends after them too
FIRST = 91  # nights before which no state is worth remembering, nor depends on earlier nights alone

Rows = npt.NDArray[np.int64]


class Judge(Protocol):
    """What judges the nights of many rows in turn."""

    def run(self, first: int = 0, end: int | None = None) -> None:
        """Judge the nights from `first` up to, and without, `end`; all before `first` are judged already."""

    def standing(self, nights: int) -> dict[str, npt.NDArray[Any]]:
        """All that the first nights leave to the next ones, as views with rows first: what is written there holds."""

    def noted(self) -> list[Any]:
        """What of it is no array, row by row, as JSON can hold it; NumPy's arrays become lists."""

    def note(self, noted: Sequence[Any]) -> None:
        """Take over what another one noted."""


Judging = TypeVar("Judging", bound=Judge)


@dataclass(frozen=True)
class Kept:
    """How rows stood after so many nights, and the marks of what these showed."""

    nights: int = 0
    marks: list[str] = field(default_factory=list)
    noted: list[Any] = field(default_factory=list)
    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)


def taken_up(
    memory: Memory | None,
    name: str,
    asked: Iterable[object],
    dates: Sequence[date],
    rows: int,
    marks: Callable[[int], list[str]],
    begun: Callable[[Rows], Judging],
) -> list[tuple[Rows, Judging]]:
    """Judges of all nights, and the rows of each, from what `memory` holds under `name` where that is still true.

    `asked` is all that the rows have in common, `marks` gives a mark of what each showed in the first nights, empty
    where its state does not depend on these alone, and `begun` a judge of some rows that has judged no night.
    """
    every = np.arange(rows)
    if memory is None:
        whole = begun(every)
        whole.run()
        return [(every, whole)]
    key = digest_of(str(part).encode() for part in (*asked, dates[0], memory.program))
    slot = f"{name}-{key[:12]}"
    kept = unpacked(memory.recall(slot, key))
    now = marks(kept.nights) if 0 < kept.nights <= len(dates) else [""] * rows
    same = np.array([bool(one) and one == kept.marks[row] for row, one in enumerate(now)], dtype=np.bool_)
    until = settled(len(dates))
    lacking = any(one and not goes_on for one, goes_on in zip(now, same.tolist(), strict=True))
    newer = until > kept.nights or (until == kept.nights and lacking)
    judges = []
    for own, nights in ((every[same], kept.nights), (every[~same], 0)):
        if len(own):
            judge = begun(own)
            if nights:
                put_back(judge, nights, own, kept.arrays, kept.noted)
            if newer:
                judge.run(nights, until)
            judges.append((own, judge, until if newer else nights))
    if newer:
        memory.keep(slot, key, _packed(until, marks(until), [(own, judge) for own, judge, _ in judges]))
    for _, judge, nights in judges:
        judge.run(nights)
    return [(own, judge) for own, judge, _ in judges]


def settled(nights: int) -> int:
    """How many of so many nights there are up to the end of the last week that is settled; 0: too few."""
    until = (nights - SETTLED) // WEEK * WEEK
    return until if until >= FIRST else 0


def mark(*parts: npt.NDArray[Any] | bytes) -> str:
    """A mark of these parts."""
    seen = sha256()
    for part in parts:
        seen.update(part if isinstance(part, bytes) else np.ascontiguousarray(part).data)
    return seen.hexdigest()


def put_back(
    judge: Judge, nights: int, rows: Rows, arrays: Mapping[str, npt.NDArray[Any]], noted: Sequence[Any]
) -> None:
    """Have a judge stand where these rows of another one stood after so many nights."""
    all_in_order = np.array_equal(rows, np.arange(len(noted)))
    for name, view in judge.standing(nights).items():
        view[:] = arrays[name] if all_in_order else arrays[name][rows]
    judge.note([noted[row] for row in rows.tolist()])


def _packed(nights: int, marks: list[str], judges: Sequence[tuple[Rows, Judge]]) -> bytes:
    place = np.argsort(np.concatenate([rows for rows, _ in judges]))
    parts = [judge.standing(nights) for _, judge in judges]
    arrays = {name: np.concatenate([part[name] for part in parts])[place] for name in parts[0]}
    noted = [entry for _, judge in judges for entry in judge.noted()]
    return pack({"nights": nights, "marks": marks, "noted": [noted[at] for at in place.tolist()]}, arrays)


def unpacked(content: bytes | None) -> Kept:
    """What was remembered; nothing where nothing was."""
    if content is None:
        return Kept()
    said, arrays = unpack(content)
    return Kept(said["nights"], said["marks"], said["noted"], arrays)
