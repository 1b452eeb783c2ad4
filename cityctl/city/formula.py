"""The closed grammar of derived points: `p227 + p235 - pump_1`, `tank_1.area * rate(level)`.

    sum     = product { ("+" | "-") product }
    product = factor { ("*" | "/") factor }
    factor  = ["-"] ( number | name | call | "(" sum ")" )
    call    = function "(" sum { "," sum } ")"
    name    = letters, digits, "_", "." and "/" inside a word; any other name stands in `back quotes`

delta(x) is the change from the last reading of the slot before to the last of the slot, rate(x) that change per hour,
prev(x) the value of the slot before. Nothing is evaluated here: the store turns the tree into SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from cityctl.errors import UsageProblem, near

FUNCTIONS: dict[str, int | None] = {"delta": 1, "rate": 1, "prev": 1, "abs": 1, "min": None, "max": None}
"""Function -> number of its arguments; None: one or more."""


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Name:
    id: str


@dataclass(frozen=True)
class Binary:
    operator: Literal["+", "-", "*", "/"]
    left: Node
    right: Node


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple[Node, ...]


Node = Number | Name | Binary | Call


@dataclass(frozen=True)
class Formula:
    """A formula as it was written, and its tree."""

    text: str
    tree: Node

    @property
    def names(self) -> tuple[str, ...]:
        """Every name in it, once, in the order of reading."""
        return tuple(dict.fromkeys(node.id for node in walk(self.tree) if isinstance(node, Name)))

    @property
    def has_numbers(self) -> bool:
        """Whether a number other than zero is written in it."""
        return any(isinstance(node, Number) and node.value != 0 for node in walk(self.tree))


def walk(node: Node) -> Iterator[Node]:
    """A node and everything below it, in the order of reading."""
    yield node
    if isinstance(node, Binary):
        yield from walk(node.left)
        yield from walk(node.right)
    elif isinstance(node, Call):
        for argument in node.arguments:
            yield from walk(argument)


def terms(node: Node) -> Iterator[Node]:
    """What is added up or taken off, where a node is a sum; else the node."""
    if isinstance(node, Binary) and node.operator in "+-":
        yield from terms(node.left)
        yield from terms(node.right)
    else:
        yield node


def signed(node: Node, sign: int = 1) -> Iterator[tuple[str, int]]:
    """Each name in it, and 1 where it adds to the whole, -1 where it is taken off."""
    if isinstance(node, Name):
        yield node.id, sign
    elif isinstance(node, Binary):
        yield from signed(node.left, sign)
        yield from signed(node.right, -sign if node.operator == "-" else sign)
    elif isinstance(node, Call):
        for argument in node.arguments:
            yield from signed(argument, sign)


def replace_names(node: Node, exchange: Callable[[str], Node]) -> Node:
    """The same tree with each name exchanged for what `exchange` gives."""
    if isinstance(node, Name):
        return exchange(node.id)
    if isinstance(node, Binary):
        left, right = replace_names(node.left, exchange), replace_names(node.right, exchange)
        return Binary(node.operator, left, right)
    if isinstance(node, Call):
        return Call(node.function, tuple(replace_names(argument, exchange) for argument in node.arguments))
    return node


_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|`(?P<quoted>[^`]+)`"
    r"|(?P<name>[^\W\d]\w*(?:[./]\w+)*)|(?P<sign>[-+*/(),]))"
)
_DEEPEST = 50


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        end = len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None:
                raise self.fault(f"`{text[at:].strip()[:1]}` has no meaning here", at)
            kind = found.lastgroup or ""
            self.tokens.append((kind, found.group(kind), found.start(kind)))
            at = found.end()
        self.tokens.append(("end", "", len(text)))
        self.next = 0

    def fault(self, said: str, at: int | None = None, hint: str | None = None) -> UsageProblem:
        column = (self.tokens[self.next][2] if at is None else at) + 1
        return UsageProblem(f"formula `{self.text}`, column {column}: {said}", hint=hint)

    def take(self, *signs: str) -> str | None:
        kind, word, _ = self.tokens[self.next]
        if kind == "sign" and word in signs:
            self.next += 1
            return word
        return None

    def sum(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.fault(f"nested deeper than {_DEEPEST}")
        node = self.product()
        while sign := self.take("+", "-"):
            node = Binary("+" if sign == "+" else "-", node, self.product())
        self.depth -= 1
        return node

    def product(self) -> Node:
        node = self.factor()
        while sign := self.take("*", "/"):
            node = Binary("*" if sign == "*" else "/", node, self.factor())
        return node

    def factor(self) -> Node:
        if self.take("-"):
            self.depth += 1
            if self.depth > _DEEPEST:
                raise self.fault(f"nested deeper than {_DEEPEST}")
            node = self.factor()
            self.depth -= 1
            return Number(-node.value) if isinstance(node, Number) else Binary("-", Number(0.0), node)
        if self.take("("):
            node = self.sum()
            if not self.take(")"):
                raise self.fault("`)` is missing")
            return node
        kind, word, _ = self.tokens[self.next]
        if kind == "number":
            self.next += 1
            return Number(float(word))
        if kind == "quoted":
            self.next += 1
            return Name(word)
        if kind == "name":
            self.next += 1
            return self.call(word) if self.take("(") else Name(word)
        raise self.fault(f"expected a number or a point, found `{word}`" if word else "it ends too early")

    def call(self, function: str) -> Node:
        if function not in FUNCTIONS:
            match = near(function, FUNCTIONS)
            known = ", ".join(FUNCTIONS)
            self.next -= 2
            raise self.fault(
                f"no function `{function}`",
                hint=f"did you mean `{match}`?" if match else f"there are: {known}",
            )
        arguments = [self.sum()]
        while self.take(","):
            arguments.append(self.sum())
        if not self.take(")"):
            raise self.fault("`)` is missing")
        count = FUNCTIONS[function]
        if count is not None and len(arguments) != count:
            raise self.fault(f"`{function}` takes {count} argument, found {len(arguments)}")
        return Call(function, tuple(arguments))


def parse(text: str) -> Formula:
    """A formula's tree. Raises UsageProblem with the column."""
    reader = _Reader(text)
    tree = reader.sum()
    if reader.tokens[reader.next][0] != "end":
        raise reader.fault(f"`{reader.tokens[reader.next][1]}` was not expected")
    return Formula(text.strip(), tree)
