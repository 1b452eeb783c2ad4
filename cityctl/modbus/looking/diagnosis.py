"""A diagnosis as it grows: what was tried, how it went, and what to do next. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field

from cityctl.modbus.line import Link

OK, BAD, TOLD = "ok", "PROBLEM", "told"


@dataclass(frozen=True)
class Step:
    """One thing that was tried: `ok`, `PROBLEM`, or `told` where it is neither good nor bad."""

    name: str
    state: str
    text: str


@dataclass
class Diagnosis:
    """All steps in their order, what to do next, and the round trips in s."""

    link: Link
    unit: int
    steps: list[Step] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    round_trips: list[float] = field(default_factory=list)
    lost: int = 0
    answers: bool = False

    def tell(self, name: str, state: str, text: str) -> None:
        """Add a step."""
        self.steps.append(Step(name, state, text))

    def advise(self, text: str) -> None:
        """Add something to do next."""
        if text not in self.advice:
            self.advice.append(text)
