"""What is wrong with a runbook, found before any city or device is there: names, units, states, order.

Conditions of a shipped runbook name inputs and saved values alone; one of a project may name the city's own
points, which are checked once the city is known (`bound`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cityctl.document import Key
from cityctl.errors import UsageProblem
from cityctl.runbook.dimension import IS_TEXT, IS_TRUTH, Kind, KindOf, check_condition, kind
from cityctl.runbook.grammar import Expression
from cityctl.runbook.language import Input, Runbook, Step
from cityctl.runbook.points import states
from cityctl.runbook.scope import Scope, need_kind
from cityctl.units import unit

Problem = tuple[tuple[Key, ...], str, str | None]
Kinds = dict[str, Kind]


def lint(runbook: Runbook) -> list[Problem]:
    """Every contradiction: (where it is written, sentence, hint). Names of the city's own points are let pass."""
    return list(_Lint(runbook, None).problems())


def bound(runbook: Runbook, scope: Scope) -> None:
    """Raises UsageProblem for what does not fit together with the real inputs and points of a city."""
    for trail, said, hint in _Lint(runbook, scope).problems():
        raise UsageProblem(f"{runbook.runbook}, {'.'.join(map(str, trail))}: {said}", hint=hint)


class _Lint:
    def __init__(self, runbook: Runbook, scope: Scope | None) -> None:
        self.runbook, self.scope = runbook, scope
        self.kinds: Kinds = {} if scope else dict(_input_kinds(runbook.inputs))
        self.names: set[str] = set()
        self.untold: set[str] = set()  # saved from points of a city that is not here

    def problems(self) -> Iterator[Problem]:
        book = self.runbook
        for key in ("require", "interlocks"):
            yield from self.conditions((key,), getattr(book, key), self.scope)
        yield from self.steps(("steps",), book.steps, self.scope)
        yield from self.conditions(("verify",), book.verify, self.scope)
        yield from self.steps(("always",), book.always, self.scope)

    def kind_of(self, scope: Scope | None) -> KindOf:
        def found(name: str) -> Kind | None:
            if name in self.kinds:
                return self.kinds[name]
            return scope.kind(name) if scope is not None else None

        return found

    def conditions(
        self, trail: tuple[Key, ...], expressions: Sequence[Expression], scope: Scope | None
    ) -> Iterator[Problem]:
        for number, expression in enumerate(expressions):
            yield from self.condition((*trail, number), expression, scope)

    def condition(
        self, trail: tuple[Key, ...], expression: Expression, scope: Scope | None
    ) -> Iterator[Problem]:
        if self.foreign(expression, scope):
            return
        try:
            check_condition(expression, self.kind_of(scope))
        except UsageProblem as problem:
            yield trail, problem.message, problem.hint or self.nearest(expression, scope)

    def nearest(self, expression: Expression, scope: Scope | None) -> str | None:
        """The point that may be meant where a name of a condition is none."""
        if scope is None:
            return None
        unknown = (name for name in expression.names if self.kind_of(scope)(name) is None)
        match = next(filter(None, map(scope.plant.near, unknown)), None)
        return f"did you mean `{match}`?" if match else None

    def foreign(self, expression: Expression, scope: Scope | None) -> bool:
        """Whether it names a point of some city, while no city is there to check it against."""
        if scope is not None:
            return False
        return any(self.is_foreign(name) for name in expression.names if name not in self.kinds)

    def is_foreign(self, name: str) -> bool:
        head = name.partition(".")[0]
        outside = head not in self.runbook.inputs and head not in self.loops
        return name in self.untold or (("." in name or "/" in name) and outside)

    loops: frozenset[str] = frozenset()

    def steps(self, trail: tuple[Key, ...], steps: Sequence[Step], scope: Scope | None) -> Iterator[Problem]:
        for number, step in enumerate(steps):
            yield from self.step((*trail, number), step, scope)

    def step(self, trail: tuple[Key, ...], step: Step, scope: Scope | None) -> Iterator[Problem]:
        if step.name is not None:
            if step.name in self.names:
                yield (*trail, "name"), f"two steps are named `{step.name}`", None
            self.names.add(step.name)
        added: Kinds = {}
        for variable, source in step.for_each.items():
            entry = self.runbook.inputs.get(source)
            if entry is None or entry.type != "devices":
                yield (*trail, "for_each"), f"`{source}` is no input of type devices", None
                return
            added |= {f"{variable}.{member}": need_kind(need) for member, need in entry.points.items()}
        inner = scope
        if scope is not None and step.for_each:
            rounds = list(scope.rounds(step))
            if not rounds:
                return
            inner = rounds[0][1]
        before, loops = dict(self.kinds), self.loops
        self.loops = loops | set(step.for_each)
        if scope is None:
            self.kinds |= added
        yield from self.inside(trail, step, inner)
        saved = {
            name: found for name, found in self.kinds.items() if name not in before and name not in added
        }
        self.kinds, self.loops = before | saved, loops

    def inside(self, trail: tuple[Key, ...], step: Step, scope: Scope | None) -> Iterator[Problem]:
        for key in ("when", "wait", "check", "verify"):
            expression = getattr(step, key)
            if expression is not None:
                yield from self.condition((*trail, key), expression, scope)
        yield from self.conditions((*trail, "watch"), step.watch, scope)
        for key, expressions in (("read", [step.read]), ("values", step.values)):
            for expression in expressions:
                if expression is not None and self.foreign(expression, scope):
                    self.untold |= {step.save} if step.save is not None else set()
                elif expression is not None:
                    found, problem = self.kind_or_problem((*trail, key), expression, scope)
                    if problem is not None:
                        yield problem
                    elif key == "read" and step.save is not None and found is not None:
                        yield from self.save(trail, step.save, found)
        if step.write is not None:
            yield from self.write(trail, step, scope)
        if step.enter is not None and step.save is not None:
            yield from self.save(trail, step.save, Kind("amount", unit(step.enter).quantity))
        yield from self.steps((*trail, "steps"), step.steps or (), scope)

    def kind_or_problem(
        self, trail: tuple[Key, ...], expression: Expression, scope: Scope | None
    ) -> tuple[Kind | None, Problem | None]:
        try:
            return kind(expression, self.kind_of(scope)), None
        except UsageProblem as problem:
            return None, (trail, problem.message, problem.hint)

    def save(self, trail: tuple[Key, ...], name: str, found: Kind) -> Iterator[Problem]:
        if name in self.runbook.inputs or self.kinds.get(name, found) != found:
            yield (*trail, "save"), f"`{name}` has another meaning already", None
        self.kinds[name] = found

    def write(self, trail: tuple[Key, ...], step: Step, scope: Scope | None) -> Iterator[Problem]:
        """The point, and whether the values are of its kind."""
        name = str(step.write)
        head = name.partition(".")[0]
        entry = self.runbook.inputs.get(head)
        if entry is not None and entry.type in ("device", "devices"):
            need = entry.points.get(name.partition(".")[2])
            if need is None or not need.writable:
                yield (*trail, "write"), f"`{name}` must be a point of `{head}` with `writable: true`", None
                return
        if entry is not None and entry.type == "point" and not entry.writable:
            yield (*trail, "write"), f"input `{name}` needs `writable: true`", None
        kinds = self.kind_of(scope)
        target = kinds(name)
        if target is None and scope is not None:
            yield (*trail, "write"), f"`{name}` names no point of a device", None
        if target is None:
            self.untold |= {step.save} if step.save is not None else set()
            return
        if step.save is not None:
            yield from self.save(trail, step.save, target)
        for key in ("to", "expect", "rollback"):
            expression = getattr(step, key)
            if expression is None or (key == "rollback" and expression.text == "none"):
                continue
            word = expression.text
            is_word = expression.names == (word,) and kinds(word) is None
            if is_word and target.sort in ("state", "truth", "text"):  # the name of a state, or a text
                known = target.states if target.sort == "state" else frozenset({"on", "off"})
                if target.sort != "text" and word not in known and word not in ("on", "off"):
                    yield (
                        (*trail, key),
                        f"{name} knows no state `{word}`",
                        f"there are: {', '.join(sorted(known))}",
                    )
                continue
            if self.foreign(expression, scope):
                continue
            found, problem = self.kind_or_problem((*trail, key), expression, scope)
            if problem is not None:
                yield problem
            elif found is not None and target.sort == "amount" and found != target:
                yield (*trail, key), f"{name} takes {target}, and `{expression.text}` is {found}", None


def _input_kinds(inputs: Mapping[str, Input]) -> Iterator[tuple[str, Kind]]:
    """The kinds of what inputs give, before they are given."""
    for name, entry in inputs.items():
        if entry.type == "amount":
            yield name, Kind("amount", unit(entry.unit or "").quantity)
        elif entry.type == "choice":
            yield name, states(frozenset(entry.choices or ()))
        elif entry.type == "text":
            yield name, IS_TEXT
        elif entry.type == "point":
            if entry.unit is not None:
                yield name, Kind("amount", unit(entry.unit).quantity)
            else:
                yield name, states(frozenset(entry.states)) if entry.states is not None else IS_TRUTH
        elif entry.type == "device":
            for member, need in entry.points.items():
                yield f"{name}.{member}", need_kind(need)
