"""The value of an expression, from the values of its names. What is unknown stays unknown: nothing is guessed.

`and` and `or` are those of three-valued logic (Kleene): false and unknown is false, true and unknown is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from cityctl.errors import UsageProblem
from cityctl.runbook import grammar
from cityctl.runbook.dimension import product, quotient, total
from cityctl.runbook.grammar import COMPARISONS, Expression, Node
from cityctl.runbook.values import OFF, ON, Amount, State, Told, Unknown, truth

Lookup = Callable[[str], Told | None]
"""The value of a name; None where nothing has that name (it may be the name of a state)."""


def value(expression: Expression, lookup: Lookup, *, now: float = math.nan) -> Told:
    """What an expression gives; `now` is s since 1970 for now(). Raises UsageProblem for what has no meaning."""
    return _Evaluation(expression.text, lookup, now).of(expression.tree)


def holds(expression: Expression, lookup: Lookup, *, now: float = math.nan) -> bool | Unknown:
    """Whether a condition holds. Raises UsageProblem."""
    return truth(value(expression, lookup, now=now))


class _Evaluation:
    def __init__(self, text: str, lookup: Lookup, now: float) -> None:
        self.text, self.lookup, self.now = text, lookup, now

    def of(self, node: Node) -> Told:
        if isinstance(node, grammar.Literal):
            return node.value
        if isinstance(node, grammar.Text):
            return node.text
        if isinstance(node, grammar.Name):
            found = self.lookup(node.id)
            return node.id if found is None else found
        if isinstance(node, grammar.Not):
            inner = truth(self.of(node.inner))
            return inner if isinstance(inner, Unknown) else not inner
        if isinstance(node, grammar.Call):
            return self.call(node)
        left, right = self.of(node.left), self.of(node.right)
        if node.operator in ("and", "or"):
            return _both(truth(left), truth(right), decides=node.operator == "or")
        if isinstance(left, Unknown):
            return left
        if isinstance(right, Unknown):
            return right
        if node.operator in COMPARISONS:
            return self.compare(node.operator, left, right)
        if not isinstance(left, Amount) or not isinstance(right, Amount):
            raise UsageProblem(f"`{self.text}`: `{node.operator}` takes amounts")
        return self.arithmetic(node.operator, left, right)

    def call(self, node: grammar.Call) -> Told:
        if node.function == "now":
            return Amount(self.now / 3600.0, "time", "s")
        given = [self.of(argument) for argument in node.arguments]
        for each in given:
            if isinstance(each, Unknown):
                return each
        amounts = [each for each in given if isinstance(each, Amount)]
        if len(amounts) < len(given) or len({each.quantity for each in amounts}) > 1:
            raise UsageProblem(f"`{self.text}`: {node.function}() takes amounts of one quantity")
        first = amounts[0]
        if node.function == "abs":
            return Amount(abs(first.number), first.quantity, first.shown_unit)
        chosen = min if node.function == "min" else max
        return Amount(chosen(each.number for each in amounts), first.quantity, first.shown_unit)

    def arithmetic(self, operator: str, left: Amount, right: Amount) -> Told:
        rule = {"*": product, "/": quotient}.get(operator)
        quantity = (
            rule(left.quantity, right.quantity) if rule else total(left.quantity, right.quantity, operator)
        )
        if quantity is None:
            raise UsageProblem(f"`{self.text}`: {left.quantity} {operator} {right.quantity} has no meaning")
        if operator == "/" and right.number == 0:
            return Unknown("a division by zero")
        a, b = left.number, right.number
        number = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else 0.0}[operator]
        if not math.isfinite(number):
            return Unknown("no finite number")
        unit = next((s.shown_unit for s in (left, right) if s.quantity == quantity), None)
        return Amount(number, quantity, unit)

    def compare(self, operator: str, left: Told, right: Told) -> bool:
        if isinstance(left, Amount) and isinstance(right, Amount):
            if left.quantity != right.quantity:
                raise UsageProblem(f"`{self.text}`: {left.quantity} is no {right.quantity}")
            a, b = left.number, right.number
            # 4.2 bar and 420 kPa are the same: unit factors cost the last bits.
            same = math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-15)
            return {
                "<": a < b and not same, "<=": a <= b or same, "==": same,
                "!=": not same, ">=": a >= b or same, ">": a > b and not same,
            }[operator]  # fmt: skip
        if operator not in ("==", "!=") or isinstance(left, Amount) or isinstance(right, Amount):
            raise UsageProblem(f"`{self.text}`: `{left}` and `{right}` cannot be compared by `{operator}`")
        return (_word(left, right) == _word(right, left)) is (operator == "==")


def _both(left: bool | Unknown, right: bool | Unknown, *, decides: bool) -> bool | Unknown:
    if left is decides or right is decides:
        return decides
    for side in (left, right):
        if isinstance(side, Unknown):
            return side
    return not decides


def _word(value: Told, other: Told) -> object:
    """A state by its name; beside a truth, what it says."""
    if isinstance(value, State):
        value = truth(value) if isinstance(other, bool) else value.name
    if isinstance(value, str) and isinstance(other, bool):
        folded = value.casefold()
        return True if folded in ON else False if folded in OFF else value
    return value
