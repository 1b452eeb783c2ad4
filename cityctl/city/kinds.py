"""What kind of reading a point has: a value of now, a register, or an amount. Knows no document and no store.

An amount that is taken for a power, or a register for an amount, gives sums that are off by a factor and look like any
other: what cannot be is refused here, once, for all analyses.
"""

from __future__ import annotations

from collections.abc import Iterable

from cityctl.city.formula import Binary, Call, Formula, Name, Node, walk
from cityctl.city.points import Point
from cityctl.errors import UsageProblem
from cityctl.reading import Kind

AMOUNTS = frozenset({"energy", "volume", "reactive energy", "apparent energy"})
METERED = frozenset({"consumption", "unbilled", "export", "supply", "generation", "ev", "lighting"})
"""Roles of meters: what they tell is used, made or handed on, and never a content, as that of a tank or a battery."""


def kind_of(quantity: str, role: str | None, said: Kind | None, unit: str) -> Kind:
    """The kind of a point; where nothing is `said` an amount of a meter is that of an interval, as in registers of
    meters and in imports.

    Raises UsageProblem where a meter's amount is said to be a value of now: kWh are no power; or what a meter measures
    in a unit to be a state.
    """
    metered = quantity in AMOUNTS and role in METERED
    if role in METERED and said == "state" and unit not in ("", "1"):
        raise UsageProblem(
            f"`kind: state` of {unit} with `role: {role}`: a state is on or off, or one of some modes",
            hint="`kind: gauge` of a power or a flow, `kind: counter` or `interval` of an amount",
        )
    if metered and said == "gauge":
        raise UsageProblem(
            f"`kind: gauge` of {unit} with `role: {role}`: a value of now is a power or a flow, not an amount",
            hint="`kind: counter` of a register that rises, `kind: interval` of the amount of each interval",
        )
    if said is not None:
        return said
    return "state" if quantity == "state" else "interval" if metered else "gauge"


def kind_of_derived(point: Point, sources: Iterable[Point], said: Kind | None) -> Kind:
    """The kind of a point with a formula: of registers a register, where nothing else is `said`.

    Raises UsageProblem where a register, as it stands, is said to be an interval's amount, or an amount a register.
    """
    assert point.formula is not None
    if point.quantity not in AMOUNTS:
        return point.kind
    plain = _plain(point.formula)
    kinds = {one.kind for one in sources if one.id in plain and one.quantity in AMOUNTS}
    if said is None and kinds == {"counter"}:
        return "counter"
    for own, other in (("interval", "counter"), ("counter", "interval")):
        if point.kind == own and other in kinds:
            raise UsageProblem(
                f"`{point.id}` is of `kind: {own}`, and its formula takes a point of `kind: {other}` as it stands",
                hint="a register times a number is a register: `kind: counter`; delta(register) is the amount of each "
                "interval: `kind: interval`",
            )
    return point.kind


def _plain(written: Formula) -> frozenset[str]:
    """Names whose values a formula takes as they stand: none where it takes differences with `prev` by itself."""
    if any(isinstance(node, Call) and node.function == "prev" for node in walk(written.tree)):
        return frozenset()
    return frozenset(_outside(written.tree))


def _outside(node: Node) -> Iterable[str]:
    if isinstance(node, Name):
        yield node.id
    elif isinstance(node, Binary):
        yield from _outside(node.left)
        yield from _outside(node.right)
    elif isinstance(node, Call) and node.function not in ("delta", "rate"):
        for one in node.arguments:
            yield from _outside(one)
