"""Use of meters in windows of fixed length, as arrays with their place in the local calendar (windows.sql)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cityctl import arrow
from cityctl.analysis.energy.basis.amounts import add_up, seconds
from cityctl.analysis.energy.basis.early import keep_clocks
from cityctl.analysis.question import Question
from cityctl.city.points import Point
from cityctl.result import Column
from cityctl.tariff.use import Use
from cityctl.wording import percent

USED = Column("used_kwh", "Used", "kWh", "use of the period that was metered", "number", 0, 2)
PEAK = Column("peak_kw", "Peak", "kW", "highest mean power of a window", "number", 1, 2)
PEAK_AT = Column("peak_window", "Peak at", None, "start of that window", "time", priority=4)
LOAD_FACTOR = Column("load_factor", "Load factor", None, "use over peak x metered hours", "share", 1, 3)


HOUR = 3600.0  # s; longer readings tell nothing of a window
OFFSETS = (
    15  # minutes of which the differences of all time zones are made: local windows are put together of them
)


class Windows:
    """The windows of one meter: its use, their starts (UTC), and how many seconds of each were metered.

    `spread`: seconds of these of which a counter tells only the use of a gap as a whole; `beside`: seconds that the
    meters of `reactive` and of `fed` energy saw of each, where there are such, and `beside_steps` the seconds between
    their readings.
    """

    def __init__(
        self,
        use: Use,
        starts: Any,
        held: Any,
        spread: Any,
        day: Any,
        *,
        coarse: bool,
        beside: Mapping[str, Any] | None = None,
        beside_steps: Mapping[str, float] | None = None,
    ) -> None:
        self.use = use
        self.starts = starts
        self.held = held
        self.spread = spread
        self.day = day
        self.coarse = coarse
        self.beside = beside or {}
        self.beside_steps = beside_steps or {}

    def wider(self, minutes: int) -> Windows:
        """The same in windows of local time of `minutes`."""
        import numpy as np

        first = self.use.begins(minutes)
        if len(first) == 0:
            return self
        held, spread = (np.add.reduceat(seconds, first) for seconds in (self.held, self.spread))
        use = self.use.in_windows(minutes)
        return Windows(use, self.starts[first], held, spread, self.day[first], coarse=self.coarse)

    def as_metered(self) -> Windows:
        """The same, each window as long as it was metered: its power is the mean of that time."""
        use = replace(self.use, hours=self.held / 3600)
        return Windows(use, self.starts, self.held, self.spread, self.day, coarse=self.coarse)

    def unseen(self, most: float) -> str | None:
        """What a register's gaps hide, where they hold more than `most` of the metered time; else None."""
        share = float(self.spread.sum() / self.held.sum()) if self.held.sum() else 0.0
        if share <= most:
            return None
        return f"its register was not read for {percent(share, 1)} of the time: peaks in that are not seen"

    def start(self, place: int) -> datetime:
        """The start of a window."""
        moment: datetime = self.starts[place].astype("datetime64[us]").item()
        return moment.replace(tzinfo=UTC)


def sum_up(question: Question, meters: Iterable[str], width: int) -> dict[str, float]:
    """Sum the use of meters in windows of `width` minutes; meter -> seconds between its readings."""
    known = question.city.points()
    names = list(dict.fromkeys(meters))
    handed = arrow.table(
        meter=arrow.texts(names),
        kind=arrow.texts([known[name].kind for name in names]),
        every_s=arrow.floats([seconds(known[name].every) for name in names]),
    )
    question.engine.register("asked_meters", handed)
    add_up(question, {known[name].kind for name in names})
    days = (question.interval.end - question.interval.start).days
    question.engine.execute(question.sql("steps"), {"days": days})
    keep_clocks(question, names)
    found: dict[str, float] = dict(question.engine.rows(question.sql("steps_of")))
    question.engine.execute(question.sql("readings_of_use"))
    odd = [name for name, every_s in found.items() if is_cut(every_s, width)]
    sizes = arrow.integers([60_000_000 * width] * len(odd))
    question.engine.register("cut_meters", arrow.table(meter=arrow.texts(odd), size_us=sizes))
    question.engine.execute(question.sql("cut" if odd else "uncut"))
    question.engine.execute(question.sql("windows"), {"window": width})
    return found


def why_none(point: Point) -> str:
    """Why a meter has no windows."""
    if point.kind == "gauge" and point.every is None:
        return "a power without `every` in city.yaml: nobody knows for how long each reading holds"
    return "no readings"


def is_cut(every_s: float | None, width: int) -> bool:
    """Whether readings are cut at the edges of windows of `width` minutes: neither fills the other, as 10 and 15.

    Of three windows of 15 minutes one would else hold two readings of 10, and the next a single one.
    """
    if every_s is None or not 0 < every_s < HOUR:
        return False
    longer, shorter = max(every_s, 60.0 * width), min(every_s, 60.0 * width)
    rest = longer % shorter
    return min(rest, shorter - rest) > 1e-3


def place(question: Question) -> None:
    """Put the windows up to the interval's end, after `sum_up`, in the local calendar."""
    until = question.interval.end.astimezone(UTC).replace(tzinfo=None)
    question.engine.execute(question.sql("placed"), {"until": until})


def windows(
    question: Question,
    meter: str,
    width: int,
    every_s: float | None,
    *,
    reactive: str | None = None,
    export: str | None = None,
) -> Windows | None:
    """The windows of one meter, after `place`; None where there are none.

    `reactive` and `export` are the meters of reactive energy and of energy that goes back, beside it; they may be read
    more or less often.
    """
    import numpy as np

    table = question.engine.arrow(question.sql("local"), {"meter": meter})
    if not table.num_rows:
        return None
    columns = {name: arrow.array_of(table[name]) for name in table.column_names if name != "holiday"}
    coarse = every_s is not None and every_s > width * 60 and not is_cut(every_s, width)
    length = (every_s or 0) / 3600 if coarse else width / 60
    use = Use(
        energy=columns["amount"],
        hours=np.full(len(columns["amount"]), length),
        month=columns["month"],
        minute=columns["minute"],
        weekday=columns["weekday"],
        holiday=arrow.array_of(table["holiday"]).astype(bool),
        day=columns["day"].astype("datetime64[D]").astype(np.int64),
        at=columns["at"].astype("datetime64[m]").astype(np.int64),
    )
    beside, beside_steps = {}, {}
    for what, partner in (("reactive", reactive), ("fed", export)):
        told = None if partner is None else _beside(question, partner, columns["at"], length, width)
        if told is not None:
            use = replace(use, **{what: told[0]})
            beside[what], beside_steps[what] = told[1], told[2]
    day = columns["day"].astype("datetime64[D]")
    return Windows(use, columns["at"], columns["held"], columns["spread"], day, coarse=coarse, beside=beside,
                   beside_steps=beside_steps)  # fmt: skip


def _beside(
    question: Question, meter: str, starts: Any, hours: float, width: int
) -> tuple[Any, Any, float] | None:
    """What another meter tells in windows of `hours`, the seconds of each that it saw, and its step [s].

    Its readings are summed in windows of `width` minutes.
    """
    import numpy as np

    table = question.engine.arrow(question.sql("beside"), {"meter": meter})
    if not table.num_rows:
        return None
    at, amount, held = (arrow.array_of(table[name]) for name in ("at", "amount", "held"))
    step = float(table["every_s"][0].as_py())
    of_window, of_reading = (np.timedelta64(round(1e6 * one), "us") for one in (3600 * hours, step))
    if step <= 3600 * hours or is_cut(step, width):  # as often read, or oftener: added up
        place = np.searchsorted(starts, at, "right") - 1
        within = (place >= 0) & (at < starts[place] + of_window)
        sums = (np.bincount(place[within], one[within], len(starts)) for one in (amount, held))
        return next(sums), next(sums), step
    reading = np.searchsorted(at, starts, "right") - 1
    within = (reading >= 0) & (starts < at[reading] + of_reading)
    windows_of = np.bincount(reading[within], minlength=len(at))
    even = amount[reading] / np.maximum(windows_of[reading], 1)
    return np.where(within, even, 0.0), np.where(within, 3600 * hours, 0.0), step
