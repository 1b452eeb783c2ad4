"""Whether a point may be written now: its connector's rule, a good value there, the conditions that the rule names.

Asks devices, and sends nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from cityctl.errors import WriteRefused
from cityctl.modbus.maps.point import UNCONFIRMED, DevicePoint, WriteRule
from cityctl.runbook.hand import Hand, Present, Silence
from cityctl.runbook.points import Ref, is_truth
from cityctl.runbook.values import Amount, State, Told, Unknown, Value, shown, truth

_TABLES = {1: "coil", 3: "holding"}


Look = Callable[[Iterable[Ref]], Mapping[Ref, Told]]


class DependsRefused(WriteRefused):
    """A condition of the connector does not hold; after other writes it may."""


def writable(at: Ref, point: DevicePoint) -> WriteRule:
    """The rule by which a point may be written. Raises WriteRefused where none allows it, naming what lacks."""
    if not point.can_be_written:
        raise WriteRefused(
            f"{at} can only be read",
            hint="only points that their connector marks `access: readwrite` are written",
        )
    if not point.can_be_read:
        raise WriteRefused(f"{at} cannot be read back, so that nobody could tell whether a write took effect")
    if point.confidence == UNCONFIRMED:
        raise WriteRefused(f"{at}: no source states this point in full; it is not written")
    rule = point.write
    if rule is None:
        raise WriteRefused(
            f"{at} has no `write` rule in its connector",
            hint="give it `write: {min, max, max_step}` in a connector of the project, from the maker's manual",
        )
    if not (point.enum or point.is_text or is_truth(point)):
        lacking = [
            word
            for word, value in (
                ("unit", point.unit),
                ("write.min", rule.minimum),
                ("write.max", rule.maximum),
                ("write.max_step", rule.max_step),
            )
            if value is None
        ]
        if lacking:
            raise WriteRefused(
                f"{at}: its connector gives no {', '.join(lacking)}",
                hint="a point is written only with unit, min, max and max_step",
            )
    if point.function_code not in _TABLES:
        raise WriteRefused(f"{at} lies in a table that can only be read")
    return rule


def read_present(hand: Hand, at: Ref) -> Present:
    """The registers as they are now. Raises WriteRefused where they do not come, or are no good value."""
    try:
        present = hand.present(at)
    except Silence as problem:
        raise WriteRefused(f"{at} cannot be read, so it is not written: {problem}") from None
    if isinstance(present.told, Unknown):
        raise WriteRefused(f"{at} has no good value now, so it is not written: {present.told.why}")
    return present


def depends(at: Ref, rule: WriteRule, look: Look) -> tuple[str, ...]:
    """The connector's own conditions, read now. Raises WriteRefused where one does not hold."""
    if not rule.depends_on:
        return ()
    seen = look(Ref(at.device, each.point) for each in rule.depends_on)
    said = []
    for each in rule.depends_on:
        now = seen[Ref(at.device, each.point)]
        if isinstance(now, Unknown):
            raise DependsRefused(f"{at} depends on {each.point}, which is not known: {now.why}")
        if each.equals is not None and not _says(now, each.equals):
            raise DependsRefused(f"{at} depends on {each.point} = {each.equals}, and it is {shown(now)}")
        said.append(f"{each.point} {shown(now)}")
    return tuple(said)


def _says(now: Value, wanted: float | str) -> bool:
    """Whether a point says what a connector's condition wants: a state's name or code, or a number in its unit."""
    if isinstance(now, Amount):
        number = now.in_unit(now.shown_unit) if now.shown_unit else now.number
        return not isinstance(wanted, str) and math.isclose(number, wanted, rel_tol=1e-6)
    if isinstance(now, State) and not isinstance(wanted, str):
        return now.code == wanted
    if isinstance(now, bool):
        return now == (truth(State(wanted)) if isinstance(wanted, str) else bool(wanted))
    return str(now) == wanted
