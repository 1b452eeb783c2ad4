"""What an analysis is asked, and the parameters that it may be asked with.

An analysis sees the city, an interval, its parameters and an engine in which `readings`, `points`, `zones`,
`calendar` and `interventions` are attached; it does not know where any of them came from. One that remembers has its
readings shown span by span.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal, Protocol

from cityctl import clock, units
from cityctl.city.model import City
from cityctl.clock import Interval
from cityctl.errors import UsageProblem, listed, near

ParameterKind = Literal["number", "integer", "share", "text", "choice", "flag", "date", "time", "duration"]

_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_YES = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


class Tables(Protocol):
    """What an analysis may do with the engine: run SQL and hand over a table."""

    def execute(self, sql: str, parameters: Any = None) -> None:
        """Run a statement for its effect."""

    def rows(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """The rows of a query."""

    def arrow(self, sql: str, parameters: Any = None) -> Any:
        """The answer of a query as an Arrow table."""

    def register(self, name: str, table: Any) -> None:
        """Make an Arrow table known to SQL by a name."""


class Memory(Protocol):
    """Readings by spans, and what earlier questions worked out from them.

    An analysis with `REMEMBERS = True` is asked with one in place of readings that are attached already: so that a
    day's new readings cost no more than the span that they fall in.
    """

    @property
    def program(self) -> str:
        """A word that changes with the program and with what city.yaml says of the points."""

    def show(self, span: Interval) -> None:
        """Let `readings`, and `counted` where points count, hold the readings of a span."""

    def holds(self, span: Interval) -> bool:
        """Whether there may be readings in a span."""

    def stamp(self, span: Interval) -> str | None:
        """A word for all that the readings of a span depend on: store, city.yaml, program; None: remember nothing."""

    def recall(self, slot: str, key: str) -> bytes | None:
        """What was kept last in a slot, if it was kept under this key."""

    def keep(self, slot: str, key: str, content: bytes) -> None:
        """Keep it in place of what the slot held. Never raises: what cannot be kept is worked out again."""


@dataclass(frozen=True)
class Parameter:
    """One thing that may be said about a question, with its default.

    kinds: number (in `unit`; text may carry another unit of the same quantity), integer, share (0..1; text may
    say 5 %), text, choice (one of `choices`), flag, date, time (HH:MM of the local day, kept as minutes),
    duration (kept as timedelta). A default of None means: not given.
    """

    name: str
    kind: ParameterKind
    default: object
    unit: str | None
    meaning: str
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None

    def settle(self, given: object) -> object:
        """A value as people or recipes say it, as the analysis takes it. Raises UsageProblem."""
        if given is None:
            return None
        try:
            value = self._read(given)
        except UsageProblem as problem:
            raise UsageProblem(f"parameter `{self.name}`: {problem.message}", hint=problem.hint) from None
        except (TypeError, ValueError):
            raise self._refused(given) from None
        if isinstance(value, int | float) and not isinstance(value, bool):
            unit = f" {self.unit}" if self.unit else ""
            if self.least is not None and value < self.least:
                raise UsageProblem(f"parameter `{self.name}`: {given} is below {self.least:g}{unit}")
            if self.most is not None and value > self.most:
                raise UsageProblem(f"parameter `{self.name}`: {given} is above {self.most:g}{unit}")
        return value

    def _refused(self, given: object) -> UsageProblem:
        wanted = {
            "number": f"a number{' of ' + self.unit if self.unit else ''}",
            "integer": "a whole number",
            "share": "a share such as 0.05 or 5 %",
            "flag": "yes or no",
            "date": "a date such as 2026-05-01",
            "time": "a time of day such as 02:00",
            "duration": "a duration such as 15m, 1h or 7d",
        }.get(self.kind, "text")
        return UsageProblem(f"parameter `{self.name}`: `{given}` is not {wanted}")

    def _read(self, given: object) -> object:
        match self.kind:
            case "number":
                if isinstance(given, bool):
                    raise ValueError
                if isinstance(given, int | float):
                    return float(given)
                return units.amount(str(given), self.unit) if self.unit else float(str(given))
            case "share":
                if isinstance(given, str) and given.strip().endswith("%"):
                    return float(given.strip()[:-1]) / 100
                return float(str(given))
            case "integer":
                number = float(str(given))
                if number != int(number):
                    raise ValueError
                return int(number)
            case "flag":
                return given if isinstance(given, bool) else _YES[_known(str(given).lower(), _YES)]
            case "choice":
                return _known(str(given), self.choices)
            case "date":
                return given if isinstance(given, date) else date.fromisoformat(str(given))
            case "duration":
                return given if isinstance(given, timedelta) else clock.duration(str(given))
            case "time":
                return _minutes(given)
            case _:
                return str(given)


def _known(word: str, words: Sequence[str] | Mapping[str, object]) -> str:
    if word in words:
        return word
    match = near(word, words)
    hint = f"did you mean `{match}`?" if match else None
    raise UsageProblem(f"`{word}` is none of {listed(words)}", hint=hint)


def _minutes(given: object) -> int:
    """Minutes of the local day; YAML reads a bare 02:00 as text and 2:00 as the number 120."""
    if isinstance(given, int):
        return given
    found = _CLOCK.fullmatch(str(given).strip())
    if found is None or int(found[1]) * 60 + int(found[2]) > 1440:
        raise ValueError
    return int(found[1]) * 60 + int(found[2])


def settle(parameters: Sequence[Parameter], given: Mapping[str, object]) -> dict[str, object]:
    """Every parameter's value: the given one, checked, or the default.

    Raises UsageProblem for a parameter that the analysis does not have, with the near match.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in known:
            match = near(name, known)
            hint = f"did you mean `{match}`?" if match else f"there are: {listed(known) or 'none'}"
            raise UsageProblem(f"no parameter `{name}`", hint=hint)
    return {name: one.settle(given.get(name, one.default)) for name, one in known.items()}


@dataclass
class Question:
    """One question to one analysis: all that it may look at."""

    city: City
    interval: Interval
    parameters: Mapping[str, Any]
    engine: Tables
    library: Any = None
    statements: Mapping[str, str] = field(default_factory=dict)
    memory: Memory | None = None

    def sql(self, name: str) -> str:
        """The statement of that name in the analysis's .sql file."""
        return self.statements[name]
