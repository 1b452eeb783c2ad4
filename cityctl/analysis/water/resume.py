"""The watch over leaks taken up where an earlier one stood, so that a new day costs no more than the days of its month.

At the end of a month the state of every zone is remembered, with a mark of all that it was made from. A zone whose
nights up to there are still the same goes on from it; one whose nights have changed, or are new, is watched from its
first night on. Either way the result is that of watching all nights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from hashlib import blake2b
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl.analysis.question import Memory
from cityctl.analysis.water.changes import Watchfulness
from cityctl.analysis.water.digest import digest_of
from cityctl.analysis.water.events import Event, Seen
from cityctl.analysis.water.expected import Array, Assumptions
from cityctl.analysis.water.watching import Watch

SETTLED = 5  # nights after which late readings of a month are hardly awaited any more
FIRST = 90  # nights before which no state is worth remembering, nor depends on earlier nights alone
KNOWN = 28  # nights of a zone from which its first weeks tell nothing new
_OF_MODEL = ("state", "spread", "noise", "drift", "growth", "odd", "changed")
_RINGS = ("states", "spreads")
_BY_NIGHT = ("adjusted", "rest", "predicted")
_WANDERING = ("across", "scatter")

Rows = npt.NDArray[np.int64]


@dataclass
class Watched:
    """What a watch found, zone by zone: its events, and the flow that it lets expect with its doubt [m³/h]."""

    given: Watchfulness
    events: list[list[Event]]
    baseline: Array
    doubt: Array


@dataclass
class _State:
    """Zones after so many nights: arrays with zones first, and what is no array as data for JSON."""

    arrays: dict[str, npt.NDArray[Any]]
    rest: list[Any]


def resumed(
    memory: Memory | None,
    name: str,
    assumptions: Assumptions,
    given: Watchfulness,
    seen: Seen,
    zones: Sequence[str],
    dates: Sequence[date],
) -> Watched:
    """Expect and watch all zones on all nights, from what `memory` holds under `name` where that is still true."""
    if memory is None:
        whole = Watch(seen, assumptions, given)
        whole.run()
        return Watched(given, whole.events, whole.baseline, whole.doubt)
    asked = digest_of(
        str(part).encode() for part in (assumptions, given, list(zones), dates[0], memory.program)
    )
    slot = f"{name}-{asked[:12]}"
    until = _month_end(dates)
    nights, marks, state = _unpacked(memory.recall(slot, asked))
    goes_on = _same(seen, nights, marks)
    newer = until is not None and (
        until > nights or (until == nights and (_whole(seen, until) & ~goes_on).any())
    )
    every = np.arange(len(zones))
    groups = [
        _Group(every[goes_on], nights, None if state is None else _rows(state, every[goes_on])),
        _Group(every[~goes_on], 0, None),
    ]
    parts: list[tuple[Rows, Watch]] = []
    states: list[tuple[Rows, _State]] = []
    for group in groups:
        if not len(group.rows):
            continue
        watching = Watch(seen.of(group.rows), assumptions, given)
        if group.state is not None:
            _put_back(watching, group.state, group.nights)
        first = group.nights
        if until is not None and newer:
            watching.run(first, until)
            states.append((group.rows, _state_of(watching, until)))
            first = until
        watching.run(first)
        parts.append((group.rows, watching))
    if until is not None and newer:
        memory.keep(slot, asked, _packed(until, _marks(seen, until), _joined(states, len(zones))))
    return _found(parts, given, seen)


@dataclass(frozen=True)
class _Group:
    """Zones that stand at the same night, with their state there; None: at the first."""

    rows: Rows
    nights: int
    state: _State | None


def _month_end(dates: Sequence[date]) -> int | None:
    """How many nights there are up to the end of the last month that is over and settled."""
    for count in range(len(dates) - SETTLED, FIRST - 1, -1):
        if (dates[count - 1] + timedelta(days=1)).day == 1:
            return count
    return None


def _whole(seen: Seen, nights: int) -> npt.NDArray[np.bool_]:
    """Zones whose state after so many nights depends on these alone: their first weeks are known."""
    known: npt.NDArray[np.bool_] = np.isfinite(seen.flow[:, :nights]).sum(axis=1) >= KNOWN
    return known


def _marks(seen: Seen, nights: int) -> list[str]:
    """A mark for each zone of all that it showed in the first `nights`; empty where that is not whole."""
    columns = [seen.flow, seen.use, seen.inflow, seen.by_day, seen.parts]
    whole = _whole(seen, nights)
    kinds = seen.kinds[:nights].tobytes()
    marks = []
    for zone in range(len(seen.flow)):
        if not whole[zone]:
            marks.append("")
            continue
        mark = blake2b(kinds, digest_size=16)
        for column in columns:
            mark.update(np.ascontiguousarray(column[zone, :nights]).tobytes())
        if seen.fallen is not None:
            mark.update(seen.fallen.basis(zone, nights))
        marks.append(mark.hexdigest())
    return marks


def _same(seen: Seen, nights: int, marks: list[str]) -> npt.NDArray[np.bool_]:
    """Zones whose first `nights` are what they were."""
    if not nights or nights > seen.flow.shape[1]:
        return np.zeros(len(seen.flow), dtype=np.bool_)
    return np.array(
        [bool(now) and now == then for now, then in zip(_marks(seen, nights), marks, strict=True)]
    )


def _state_of(watch: Watch, nights: int) -> _State:
    model = watch.model
    arrays: dict[str, npt.NDArray[Any]] = {name: getattr(model, name).copy() for name in _OF_MODEL}
    arrays |= {name: getattr(model, name).swapaxes(0, 1).copy() for name in _RINGS}
    arrays |= {name: getattr(model, name)[:, :nights].copy() for name in _BY_NIGHT}
    arrays["added"] = model.added[:, : nights + 1].copy()
    arrays["weeks"] = model.sunk[:, : nights // 7 + 1].copy()
    arrays |= {name: getattr(watch, name)[:, :nights].copy() for name in ("baseline", "doubt")}
    arrays |= {name: getattr(watch, name).copy() for name in ("since", "learnt", "stirred")}
    arrays["free"] = watch.reference.free[:, :nights].copy()
    for name, even in (("course", watch.course), ("even", watch.even)):
        arrays |= {f"{name}_left": even.left[:, :nights].copy(), f"{name}_ways": even.ways.copy()}
        arrays[f"{name}_count"] = even.count.copy()
    arrays |= {name: getattr(watch.wandering, name)[:, :nights].copy() for name in _WANDERING}
    arrays |= {"unseen": watch.wandering.free.copy(), "wanders": watch.wandering.now.copy()}
    rest = [
        {
            "events": [asdict(event) for event in events],
            "sunk": watch.sunk.get(zone),
            "lone": watch.lone.nights[zone],
        }
        for zone, events in enumerate(watch.events)
    ]
    return _State(arrays, json.loads(json.dumps(rest, default=_plain)))


def _plain(value: Any) -> Any:
    """NumPy's arrays and numbers as lists and numbers."""
    return value.tolist()


def _put_back(watch: Watch, state: _State, nights: int) -> None:
    """Let a watch that has judged no night stand where `state` was taken."""
    model, arrays = watch.model, state.arrays
    for name in _OF_MODEL:
        setattr(model, name, arrays[name])
    for name in _RINGS:
        getattr(model, name)[:] = arrays[name].swapaxes(0, 1)
    for name in _BY_NIGHT:
        getattr(model, name)[:, :nights] = arrays[name]
    model.added[:, : nights + 1] = arrays["added"]
    model.sunk[:, : nights // 7 + 1] = arrays["weeks"]
    for name in ("baseline", "doubt"):
        getattr(watch, name)[:, :nights] = arrays[name]
    for name in ("since", "learnt", "stirred"):
        setattr(watch, name, arrays[name])
    watch.reference.free[:, :nights] = arrays["free"]
    for name, even in (("course", watch.course), ("even", watch.even)):
        even.left[:, :nights] = arrays[f"{name}_left"]
        even.ways, even.count = arrays[f"{name}_ways"], arrays[f"{name}_count"]
    for name in _WANDERING:
        getattr(watch.wandering, name)[:, :nights] = arrays[name]
    watch.wandering.free, watch.wandering.now = arrays["unseen"], arrays["wanders"]
    for zone, rest in enumerate(state.rest):
        watch.events[zone] = [_event(entry) for entry in rest["events"]]
        watch.lone.nights[zone] = [(int(night), float(size)) for night, size in rest["lone"]]
        if rest["sunk"] is not None:
            night, base, spread = rest["sunk"]
            watch.sunk[zone] = int(night), np.array(base), np.array(spread)


def _event(entry: Mapping[str, Any]) -> Event:
    sizes = [(int(night), float(flow)) for night, flow in entry["sizes"]]
    return replace(
        Event(**entry), base=np.array(entry["base"]), base_spread=np.array(entry["base_spread"]), sizes=sizes
    )


def _rows(state: _State, rows: Rows) -> _State:
    if len(rows) == len(state.rest):
        return state
    return _State(
        {name: array[rows] for name, array in state.arrays.items()}, [state.rest[row] for row in rows]
    )


def _joined(states: Sequence[tuple[Rows, _State]], zones: int) -> _State:
    """The states of groups of zones as one of all zones."""
    place = np.empty(zones, dtype=np.int64)
    place[np.concatenate([rows for rows, _ in states])] = np.arange(zones)
    names = states[0][1].arrays
    arrays = {name: np.concatenate([one.arrays[name] for _, one in states])[place] for name in names}
    rest = [entry for _, one in states for entry in one.rest]
    return _State(arrays, [rest[at] for at in place])


def _found(parts: Sequence[tuple[Rows, Watch]], given: Watchfulness, seen: Seen) -> Watched:
    found = Watched(
        given, [[] for _ in seen.flow], np.full(seen.flow.shape, np.nan), np.zeros(seen.flow.shape)
    )
    for rows, watching in parts:
        for row, events in zip(rows.tolist(), watching.events, strict=True):
            found.events[row] = events
        found.baseline[rows], found.doubt[rows] = watching.baseline, watching.doubt
    return found


def _packed(nights: int, marks: list[str], state: _State) -> bytes:
    sink = BytesIO()
    said = json.dumps({"nights": nights, "marks": marks, "rest": state.rest}).encode()
    arrays: dict[str, Any] = {**state.arrays, "said": np.frombuffer(said, dtype=np.uint8)}
    np.savez(sink, **arrays)
    return sink.getvalue()


def _unpacked(content: bytes | None) -> tuple[int, list[str], _State | None]:
    """(nights, marks, state) of what was remembered; (0, [], None) where nothing was."""
    if content is None:
        return 0, [], None
    with np.load(BytesIO(content), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    said = json.loads(arrays.pop("said").tobytes())
    return said["nights"], said["marks"], _State(arrays, said["rest"])
