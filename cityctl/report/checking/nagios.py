"""The monitoring plug-ins' contract: a state, one line with performance data, thresholds as ranges.

Source: Monitoring Plugins Development Guidelines, "Plugin Output for Nagios" and "Threshold and Ranges".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum

from cityctl.clock import duration
from cityctl.errors import UsageProblem

INFINITE = float("inf")
_RANGE = re.compile(r"(@?)(?:(~|[^:@]*):)?([^:@]*)")


class State(IntEnum):
    """How it stands; the number is the exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True)
class Range:
    """What is fine: from `low` to `high`, both included; the other way round where `inside` is set."""

    low: float = 0.0
    high: float = INFINITE
    inside: bool = False

    def alerts(self, value: float) -> bool:
        """Whether a value is out of bounds."""
        within = self.low <= value <= self.high
        return within if self.inside else not within

    @property
    def text(self) -> str:
        """As performance data write it."""
        low = "" if self.low == 0 else "~:" if self.low == -INFINITE else f"{_number(self.low)}:"
        high = "" if self.high == INFINITE else _number(self.high)
        if not low and not high:
            low = "0:"
        return f"{'@' if self.inside else ''}{low}{high}"


def read_range(option: str, said: str | None) -> Range | None:
    """`10`, `10:`, `~:10`, `10:20`, `@10:20`; each end a number, or a duration such as `2h` (in seconds).

    Raises UsageProblem.
    """
    if said is None:
        return None
    match = _RANGE.fullmatch(said.strip())
    if match is None or not said.strip(" @:"):
        raise _refused(option, said)
    try:
        low = -INFINITE if match[2] == "~" else _end(match[2]) if match[2] else 0.0
        high = _end(match[3]) if match[3] else INFINITE
    except (ValueError, UsageProblem):
        raise _refused(option, said) from None
    if low > high:
        raise _refused(option, said)
    return Range(low, high, match[1] == "@")


def _end(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return duration(text).total_seconds()
    if not -INFINITE < value < INFINITE:
        raise ValueError(text)
    return value


def _refused(option: str, said: str) -> UsageProblem:
    return UsageProblem(
        f"`{option} {said}` is no range", hint="write 10, 10:, ~:10, 10:20 or @10:20; durations as 2h or 3d"
    )


@dataclass(frozen=True)
class Figure:
    """A number of the performance data; `unit` is s, B, % or nothing."""

    label: str
    value: float
    unit: str = ""
    warn: Range | None = None
    crit: Range | None = None

    @property
    def text(self) -> str:
        """`label=value[unit];warn;crit`, the label quoted where it must be."""
        label = self.label.replace("'", "''").replace("=", "_")
        label = f"'{label}'" if re.search(r"[^\w.%-]", label) else label
        ends = [one.text if one else "" for one in (self.warn, self.crit)]
        return ";".join([f"{label}={_number(self.value)}{self.unit}", *ends]).rstrip(";")


@dataclass
class Checked:
    """What a check says: its state, a few words, figures; it can only become worse."""

    state: State = State.OK
    words: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    def worse(self, state: State, words: str = "") -> None:
        """At least this state. UNKNOWN hides no WARNING or CRITICAL."""
        rank = (State.OK, State.UNKNOWN, State.WARNING, State.CRITICAL)
        self.state = max(self.state, state, key=rank.index)
        if words:
            self.words.append(words)

    def judge(self, figure: Figure) -> None:
        """Take a figure in, judged by its thresholds."""
        self.figures.append(figure)
        if figure.crit is not None and figure.crit.alerts(figure.value):
            self.worse(State.CRITICAL)
        elif figure.warn is not None and figure.warn.alerts(figure.value):
            self.worse(State.WARNING)

    @property
    def line(self) -> str:
        """`WARNING - text | label=value;warn;crit`, in one line whatever the words hold."""
        return line(self.state, "; ".join(self.words), [figure.text for figure in self.figures])


def line(state: State, words: str, figures: list[str] | None = None) -> str:
    """One line of a plug-in: `|` and line breaks in the words would end it early."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in words).replace("|", "/").split())
    return f"{state.name} - {plain or 'nothing to say'}" + (f" | {' '.join(figures)}" if figures else "")


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".") if value != int(value) else str(int(value))
