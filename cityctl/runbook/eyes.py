"""What a run sees when it asks whether something holds: values read now, saved ones, and in a plan the assumed.

A plan assumes each write that it has in mind; whatever depends on how the plant would react is `uncertain`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cityctl.runbook import evaluate
from cityctl.runbook.desk import Desk
from cityctl.runbook.grammar import Expression
from cityctl.runbook.hand import Hand, Present
from cityctl.runbook.points import Ref
from cityctl.runbook.scope import Scope
from cityctl.runbook.values import Told, Unknown, shown, truth


@dataclass(frozen=True)
class Answer:
    """What an expression gives, what was seen for it (`pressure 4.2 bar`), and whether only a run can tell."""

    told: Told
    seen: str
    uncertain: bool = False

    @property
    def holds(self) -> bool:
        """Whether a condition is certainly true."""
        return self.told is True

    @property
    def why(self) -> str:
        """What was seen, or why nothing was."""
        return (
            self.told.why if isinstance(self.told, Unknown) else f"now {self.seen}" if self.seen else "not so"
        )


@dataclass
class Eyes:
    """Looks at the plant for one run or plan."""

    desk: Desk
    hand: Hand
    planning: bool
    saves: dict[str, Told] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    assumed: dict[Ref, Present] = field(default_factory=dict)
    changed: bool = False

    def look(self, refs: Iterable[Ref]) -> dict[Ref, Told]:
        """Values of points: read now, or as a plan assumes them."""
        wanted = list(dict.fromkeys(refs))
        found = self.hand.look(at for at in wanted if at not in self.assumed)
        return {at: self.assumed[at].told if at in self.assumed else found[at] for at in wanted}

    def value(self, expression: Expression, scope: Scope) -> Answer:
        """What an expression gives now. Raises UsageProblem for what has no meaning."""
        refs = [at for name in expression.names if name not in self.saves for at in [scope.ref(name)] if at]
        seen = self.look(refs)

        def lookup(name: str) -> Told | None:
            if name in self.saves:
                return self.saves[name]
            at = scope.ref(name)
            return seen[at] if at is not None else scope.value(name)

        told = evaluate.value(expression, lookup, now=self.desk.clock.now().timestamp())
        named = {name: lookup(name) for name in expression.names}
        said = ", ".join(f"{name} {shown(value)}" for name, value in named.items() if value is not None)
        uncertain = (self.changed and any(at not in self.assumed for at in refs)) or any(
            name in self.doubtful for name in expression.names
        )
        return Answer(told, said, self.planning and uncertain)

    def holds(self, expression: Expression, scope: Scope) -> Answer:
        """Whether a condition holds now: told is True, False or Unknown."""
        answer = self.value(expression, scope)
        return Answer(truth(answer.told), answer.seen, answer.uncertain)

    def save(self, name: str, told: Told, *, doubtful: bool = False) -> None:
        """Keep a value under a name."""
        self.saves[name] = told
        if doubtful:
            self.doubtful.add(name)
