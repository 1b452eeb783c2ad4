"""The closed grammar of conditions: `level > 2.0 m and not pump_2.fault`. Text to a tree; nothing is evaluated.

condition  = both { "or" both }
both       = test { "and" test }
test       = "not" test | comparison
comparison = sum [ ("<" | "<=" | "==" | "!=" | ">=" | ">") sum | "between" sum "and" sum ]
sum        = product { ("+" | "-") product }
product    = factor { ("*" | "/") factor }
factor     = ["-"] ( number [unit] | name | 'text' | call | "(" condition ")" )
call       = ("abs" | "min" | "max" | "now") "(" [ sum { "," sum } ] ")"
name       = word { "." word }, or anything in `back quotes`
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from cityctl import units
from cityctl.errors import UsageProblem, near
from cityctl.runbook.values import Amount, amount

FUNCTIONS: dict[str, tuple[int, int]] = {"abs": (1, 1), "min": (1, 9), "max": (1, 9), "now": (0, 0)}
"""Function -> least and most number of its arguments."""
COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")
_WORDS = frozenset({"and", "or", "not", "between"})


@dataclass(frozen=True)
class Literal:
    """An amount as it is written, in the canonical unit."""

    value: Amount


@dataclass(frozen=True)
class Text:
    """A text in quotes: the name of a state."""

    text: str


@dataclass(frozen=True)
class Name:
    """A point, an input or a saved value; or, beside a state, the name of one. `at` is its column."""

    id: str
    at: int = 0


@dataclass(frozen=True)
class Not:
    """The opposite."""

    inner: Node


@dataclass(frozen=True)
class Binary:
    """Two sides: and, or, a comparison, or one of + - * /."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Call:
    """A function of FUNCTIONS."""

    function: str
    arguments: tuple[Node, ...]


Node = Literal | Text | Name | Not | Binary | Call


@dataclass(frozen=True)
class Expression:
    """A condition or amount as it was written, and its tree."""

    text: str
    tree: Node

    @property
    def names(self) -> tuple[str, ...]:
        """Every name in it, once, in the order of reading."""
        return tuple(dict.fromkeys(node.id for node in walk(self.tree) if isinstance(node, Name)))


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, in the order of reading."""
    yield node
    if isinstance(node, Not):
        yield from walk(node.inner)
    elif isinstance(node, Binary):
        yield from walk(node.left)
        yield from walk(node.right)
    elif isinstance(node, Call):
        for argument in node.arguments:
            yield from walk(argument)


_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)"
    r"|`(?P<quoted>[^`]+)`|'(?P<text>[^']*)'"
    r"|(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)|(?P<sign><=|>=|==|!=|[-+*/(),<>]))"
)
_UNIT = re.compile(r"\s*([^\W\d_°%]?[°%]?\w*[³²]?(?:[/*·][^\W\d]\w*[³²]?)?(?:2O)?)")
_OTHERS = {
    "=": "==", "is": "==", "equals": "==", "<>": "!=", "≠": "!=", "=<": "<=", "≤": "<=", "=>": ">=", "≥": ">=",
    "&&": "and", "&": "and", "AND": "and", "||": "or", "|": "or", "OR": "or", "!": "not", "NOT": "not",
    "BETWEEN": "between", "×": "*", "÷": "/", '"': "'",
}  # fmt: skip
"""What other languages write: ours."""
_OTHER = re.compile(
    r"`[^`]*`|'[^']*'|==|!=|<=|>="
    r"|(?P<other><>|=[<>]|&&?|\|\|?|[=!≠≤≥×÷\"]|\b(?:is|equals|AND|OR|NOT|BETWEEN)\b)"
)
_POINT = re.compile(r"[^\W\d][\w-]*/[^\W\d]\w*|[^\W\d]\w*(?:-\w+)+\.[^\W\d]\w*")
_DEEPEST = 40
_LONGEST = 2000


def points(text: str) -> Iterator[tuple[str, str]]:
    """What may be meant as the point of a device, as a write names it: (the point's own name, what to write)."""
    for word in _POINT.findall(text):
        said = word.translate(str.maketrans("-/", "_."))
        hint = f"the point `{word}` of a device is written `{said}` here, where `/` divides and `-` subtracts"
        yield said.rpartition(".")[2], hint


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0
        self.next = 0
        self.tokens: list[tuple[str, str, int]] = []
        self.amounts: dict[int, Amount] = {}
        if len(text) > _LONGEST:
            raise UsageProblem(f"a condition of {len(text)} characters: {_LONGEST} are allowed")
        at, end = 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None:
                raise self.fault(f"`{text[at:].strip()[:1]}` has no meaning here", at)
            kind = found.lastgroup or ""
            at = found.end()
            if kind == "number":
                at = self._number(found, at)
            self.tokens.append((kind, found.group(kind), found.start(kind)))
        self.tokens.append(("end", "", len(text)))

    def _number(self, found: re.Match[str], at: int) -> int:
        """A number with the unit behind it; where it ends."""
        unit = _UNIT.match(self.text, at)
        word = unit.group(1) if unit else ""
        symbol = ""
        if unit is not None and word and word not in _WORDS:
            try:
                symbol = units.unit(word).symbol
            except UsageProblem as problem:
                hints = (hint for _, hint in points(self.text))
                raise self.fault(problem.message, unit.start(1), next(hints, problem.hint)) from None
            at = unit.end()
        number = float(found.group("number"))
        if number in (float("inf"), float("-inf")):
            raise self.fault("is too large for a number", found.start("number"))
        self.amounts[len(self.tokens)] = amount(number, symbol)
        return at

    def fault(self, said: str, at: int | None = None, hint: str | None = None) -> UsageProblem:
        column = (self.tokens[self.next][2] if at is None else at) + 1
        others = (found["other"] for found in _OTHER.finditer(self.text) if found["other"])
        if hint is None and (other := next(others, None)) is not None:
            hint = f"`{other}` is written `{_OTHERS[other]}`"
        return UsageProblem(f"`{self.text}`, column {column}: {said}", hint=hint)

    def take(self, kind: str, *words: str) -> str | None:
        found, word, _ = self.tokens[self.next]
        if found == kind and word in words:
            self.next += 1
            return word
        return None

    def condition(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.fault(f"nested deeper than {_DEEPEST}")
        node = self.both()
        while self.take("name", "or"):
            node = Binary("or", node, self.both())
        self.depth -= 1
        return node

    def both(self) -> Node:
        node = self.test()
        while self.take("name", "and"):
            node = Binary("and", node, self.test())
        return node

    def test(self) -> Node:
        if not self.take("name", "not"):
            return self.comparison()
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.fault(f"nested deeper than {_DEEPEST}")
        node = Not(self.test())
        self.depth -= 1
        return node

    def comparison(self) -> Node:
        left = self.sum()
        if operator := self.take("sign", *COMPARISONS):
            node: Node = Binary(operator, left, self.sum())
        elif self.take("name", "between"):
            low = self.sum()
            if not self.take("name", "and"):
                raise self.fault("`between A and B`: the `and` is missing")
            node = Binary("and", Binary(">=", left, low), Binary("<=", left, self.sum()))
        else:
            return left
        if self.tokens[self.next][1] in COMPARISONS:
            raise self.fault(
                "one comparison at a time", hint="write `a < b and b < c`, or `b between a and c`"
            )
        return node

    def sum(self) -> Node:
        node = self.product()
        while operator := self.take("sign", "+", "-"):
            node = Binary(operator, node, self.product())
        return node

    def product(self) -> Node:
        node = self.factor()
        while operator := self.take("sign", "*", "/"):
            node = Binary(operator, node, self.factor())
        return node

    def factor(self) -> Node:
        if self.take("sign", "-"):
            self.depth += 1
            if self.depth > _DEEPEST:
                raise self.fault(f"nested deeper than {_DEEPEST}")
            node = self.factor()
            self.depth -= 1
            if isinstance(node, Literal) and node.value.shown_unit:  # -5 degF is no -1 times 5 degF
                minus = amount(-node.value.in_unit(node.value.shown_unit), node.value.shown_unit)
                return Literal(minus)
            return Binary("*", Literal(Amount(-1.0)), node)
        if self.take("sign", "("):
            node = self.condition()
            if not self.take("sign", ")"):
                raise self.fault("`)` is missing")
            return node
        kind, word, at = self.tokens[self.next]
        if kind == "number":
            self.next += 1
            return Literal(self.amounts[self.next - 1])
        if kind == "text":
            self.next += 1
            return Text(word)
        if kind == "quoted" or (kind == "name" and word not in _WORDS):
            self.next += 1
            return self.call(word) if kind == "name" and self.take("sign", "(") else Name(word, at)
        raise self.fault(f"expected an amount or a point, found `{word}`" if word else "it ends too early")

    def call(self, function: str) -> Node:
        if function not in FUNCTIONS:
            match = near(function, FUNCTIONS)
            self.next -= 2
            hint = f"did you mean `{match}`?" if match else f"there are: {', '.join(FUNCTIONS)}"
            raise self.fault(f"no function `{function}`", hint=hint)
        arguments: list[Node] = []
        if not self.take("sign", ")"):
            arguments.append(self.sum())
            while self.take("sign", ","):
                arguments.append(self.sum())
            if not self.take("sign", ")"):
                raise self.fault("`)` is missing")
        least, most = FUNCTIONS[function]
        if not least <= len(arguments) <= most:
            raise self.fault(
                f"`{function}` takes {least if least == most else f'{least} to {most}'} arguments"
            )
        return Call(function, tuple(arguments))


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """The tree of a condition or amount. Raises UsageProblem with the column."""
    reader = _Reader(text)
    tree = reader.condition()
    if reader.tokens[reader.next][0] != "end":
        raise reader.fault(f"`{reader.tokens[reader.next][1]}` was not expected")
    return Expression(text.strip(), tree)
