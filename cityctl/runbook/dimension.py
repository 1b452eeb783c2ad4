"""Whether a condition makes sense before anything is read: quantities, states and truths held against each other.

Pure: the types of names are given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cityctl.errors import UsageProblem, listed, near
from cityctl.runbook import grammar
from cityctl.runbook.grammar import COMPARISONS, Expression, Node

TRUTH, TEXT = "truth", "text"


@dataclass(frozen=True)
class Kind:
    """What a value is: "amount" of a quantity, "state" with its names, "truth" or "text"."""

    sort: str
    quantity: str = ""
    states: frozenset[str] = frozenset()
    binary: bool = False

    def __str__(self) -> str:
        if self.sort == "amount":
            return "a bare number" if self.quantity == "ratio" else self.quantity
        if self.sort == "state":
            return f"a state ({listed(sorted(self.states))})"
        return "true or false" if self.sort == TRUTH else "a text"


IS_TRUTH, IS_TEXT = Kind(TRUTH), Kind(TEXT)
KindOf = Callable[[str], Kind | None]
"""The kind of a name; None where nothing has that name."""

_TIMES = {("flow", "time"): "volume", ("power", "time"): "energy", ("specific energy", "volume"): "energy"}
# In the canonical units of each pair the factor is 1: m3/h x h, kW x h, kWh/m3 x m3.


def product(left: str, right: str) -> str | None:
    """The quantity of a product; None where the two make none that is known."""
    if "ratio" in (left, right):
        other = right if left == "ratio" else left
        return None if other == "temperature" else other
    return _TIMES.get((left, right)) or _TIMES.get((right, left))


def quotient(left: str, right: str) -> str | None:
    """The quantity of a quotient; None where the two make none that is known."""
    if "temperature" in (left, right):
        return None
    if left == right:
        return "ratio"
    if right == "ratio":
        return left
    for (first, second), whole in _TIMES.items():
        if left == whole and right in (first, second):
            return second if right == first else first
    return None


def total(left: str, right: str, operator: str) -> str | None:
    """The quantity of a sum or difference: °C and K differences go by their own rules."""
    if "temperature" in (left, right):
        if left == right:
            return "temperature difference" if operator == "-" else None
        if left == "temperature" and right == "temperature difference":
            return "temperature"
        return "temperature" if operator == "+" and left == "temperature difference" else None
    return left if left == right else None


def kind(expression: Expression, kind_of: KindOf) -> Kind:
    """What an expression gives. Raises UsageProblem: unknown names with the near match, units that do not fit."""
    return _Checker(expression.text, kind_of).of(expression.tree)


def check_condition(expression: Expression, kind_of: KindOf) -> None:
    """Raises UsageProblem where an expression is nothing that is true or false."""
    found = kind(expression, kind_of)
    if not _may_be_truth(found):
        raise UsageProblem(f"`{expression.text}` gives {found}, and a condition is true or false")


def _may_be_truth(found: Kind) -> bool:
    return found.sort == TRUTH or (found.sort == "state" and found.binary)


class _Checker:
    def __init__(self, text: str, kind_of: KindOf) -> None:
        self.text, self.kind_of = text, kind_of

    def fault(self, said: str, hint: str | None = None) -> UsageProblem:
        return UsageProblem(f"`{self.text}`: {said}", hint=hint)

    def meant(self) -> str | None:
        """What to write for a point as a write names it: in a condition that is a quotient, or a difference."""
        return next((hint for name, hint in grammar.points(self.text) if self.kind_of(name) is None), None)

    def of(self, node: Node) -> Kind:
        if isinstance(node, grammar.Literal):
            return Kind("amount", node.value.quantity)
        if isinstance(node, grammar.Text):
            return IS_TEXT
        if isinstance(node, grammar.Name):
            found = self.kind_of(node.id)
            if found is None:
                raise self.fault(f"nothing is named `{node.id}`", self.meant())
            return found
        if isinstance(node, grammar.Not):
            self.truth(node.inner)
            return IS_TRUTH
        if isinstance(node, grammar.Call):
            return self.call(node)
        if node.operator in ("and", "or"):
            self.truth(node.left)
            self.truth(node.right)
            return IS_TRUTH
        if node.operator in COMPARISONS:
            self.compare(node)
            return IS_TRUTH
        left, right = self.amount(node.left), self.amount(node.right)
        rule = {"*": product, "/": quotient}.get(node.operator)
        given = rule(left, right) if rule else total(left, right, node.operator)
        if given is None:
            raise self.fault(f"{left} {node.operator} {right} has no meaning", _head_hint(left, right))
        return Kind("amount", given)

    def truth(self, node: Node) -> None:
        found = self.of(node)
        if not _may_be_truth(found):
            raise self.fault(f"{found} stands where true or false is expected")

    def amount(self, node: Node) -> str:
        found = self.of(node)
        if found.sort != "amount":
            raise self.fault(f"{found} stands where an amount is expected")
        return found.quantity

    def call(self, node: grammar.Call) -> Kind:
        if node.function == "now":
            return Kind("amount", "time")
        kinds = {self.amount(argument) for argument in node.arguments}
        if len(kinds) > 1:
            raise self.fault(f"{node.function}() of {' and '.join(sorted(kinds))} has no meaning")
        return Kind("amount", kinds.pop())

    def compare(self, node: grammar.Binary) -> None:
        left, right = self.side(node.left, node.right), self.side(node.right, node.left)
        if {left.sort, right.sort} == {"state"} or "state" in (left.sort, right.sort):
            self.state(node, left, right)
        elif left.sort != right.sort:
            raise self.fault(f"{left} cannot be compared with {right}")
        elif left.sort == "amount" and left.quantity != right.quantity:
            hint = _head_hint(left.quantity, right.quantity)
            raise self.fault(f"{left} cannot be compared with {right}", hint)
        elif left.sort != "amount" and node.operator not in ("==", "!="):
            raise self.fault(f"`{node.operator}` compares amounts, not {left}")

    def side(self, node: Node, other: Node) -> Kind:
        """The kind of one side; a name that nothing bears may be a state of the other side's."""
        if isinstance(node, grammar.Name) and self.kind_of(node.id) is None:
            beside = self.kind_of(other.id) if isinstance(other, grammar.Name) else None
            if beside is not None and beside.sort in ("state", TRUTH, TEXT):
                return Kind("state", states=frozenset({node.id})) if beside.sort != TEXT else IS_TEXT
        return self.of(node)

    def state(self, node: grammar.Binary, left: Kind, right: Kind) -> None:
        if node.operator not in ("==", "!="):
            raise self.fault(f"`{node.operator}` compares amounts, not states")
        for side, kind_, other in ((node.left, left, right), (node.right, right, left)):
            word = side.text if isinstance(side, grammar.Text) else None
            if isinstance(side, grammar.Name) and self.kind_of(side.id) is None:
                word = side.id
            if word is None:
                if kind_.sort not in ("state", TRUTH, TEXT):
                    raise self.fault(f"{left} cannot be compared with {right}")
                continue
            known = (
                other.states
                if other.sort == "state"
                else frozenset({"on", "off", "true", "false", "yes", "no"})
            )
            if other.sort != TEXT and word not in known:
                match = near(word, known)
                hint = f"did you mean `{match}`?" if match else f"there are: {listed(sorted(known))}"
                raise self.fault(f"no state is named `{word}`", hint)


def _head_hint(left: str, right: str) -> str | None:
    return "m of head is written mH2O" if {left, right} == {"pressure", "length"} else None
