"""One write, worked out: from a value in engineering units to the words on the wire, checked against every limit.

The same for a plan and for a run: whatever is refused here is refused in both. Sends nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from cityctl.errors import UsageProblem, WriteRefused
from cityctl.modbus.maps.codec import decode, encode, mask_write
from cityctl.modbus.maps.point import DevicePoint, WriteRule
from cityctl.modbus.maps.raw import own_bits
from cityctl.modbus.maps.types import Unrepresentable
from cityctl.runbook.allowed import Look, depends, read_present, writable
from cityctl.runbook.hand import Hand, Present, Telegram
from cityctl.runbook.points import Ref, for_device, is_truth, told
from cityctl.runbook.values import Amount, Told, Unknown, Value, as_json, from_json, shown
from cityctl.units import pretty


@dataclass(frozen=True)
class Change:
    """A write that is allowed: where, from what to what, as values and as words.

    `read_back` is the number (in the point's unit) or text that must be there afterwards, `tolerance` how far
    off it may be. `in_place`: it is there already, and nothing will be sent.
    """

    at: Ref
    host: str
    unit: int
    telegram: Telegram
    undo: Telegram
    old: Told
    new: Told
    old_words: tuple[int, ...]
    new_words: tuple[int, ...]
    read_back: float | str
    tolerance: float
    settle: float
    exponent: int | None
    in_place: bool
    depends_on: tuple[str, ...] = ()

    @property
    def raw(self) -> str:
        """`holding 40112 = 1`, with the function that writes it."""
        address = self.telegram.address
        if self.telegram.function in (5, 15):
            where = f"coil {address + 1:05d}"
        else:
            where = f"holding {40001 + address if address < 9999 else 400001 + address}"
        words = " ".join(str(word) for word in self.telegram.words)
        if self.telegram.masks is not None:
            words = "and {:#06x} or {:#06x}".format(*self.telegram.masks)
        return f"{where} = {words} (function {self.telegram.function})"

    @property
    def otherwise(self) -> str | None:
        """What to do where the device does not know the function: of 6 and 16, as of 5 and 15, many know one alone."""
        function = self.telegram.function
        if len(self.telegram.words) > 1:
            return None
        other = {5: 15, 15: 5, 6: 16, 16: 6, 22: 6}[function]
        return (
            f"where the device knows function {other} in place of {function}, give {self.at.point} "
            f"`write: {{function: {other}}}` in its connector"
        )

    def agrees(self, present: Present) -> bool:
        """Whether a point says what was written, within the tolerance."""
        return _agrees(present.number, self.read_back, self.tolerance)

    def same_old(self, other: Change) -> bool:
        """Whether another working-out of the same write found the same value there before."""
        if (
            isinstance(self.old, Amount)
            and isinstance(other.old, Amount)
            and isinstance(self.read_back, float)
        ):
            unit = self.old.shown_unit or ""
            return _agrees(self.old.in_unit(unit), other.old.in_unit(unit), self.tolerance)
        return self.old == other.old

    def is_undone(self, point: DevicePoint, present: Present) -> bool:
        """Whether a point says what it said before the write."""
        if point.is_text:
            return present.registers == self.old_words
        old = decode(point, self.old_words, exponent=self.exponent).value
        return old is not None and _agrees(present.number, old, self.tolerance)

    def is_on_the_way(self, point: DevicePoint, present: Present) -> bool:
        """Whether an amount lies between what was there before and what was written: a device may go there by steps."""
        old = decode(point, self.old_words, exponent=self.exponent).value
        now, new = present.number, self.read_back
        if point.enum or is_truth(point):
            return False
        if not (isinstance(old, float) and isinstance(now, float) and isinstance(new, float)):
            return False
        return min(old, new) < now < max(old, new)

    def undo_amid(self, point: DevicePoint, present: Present) -> Telegram:
        """What puts the point back, and leaves the bits of others in its registers as they are now."""
        if self.undo.masks is not None or not point.is_part:
            return self.undo
        each = zip(self.old_words, present.registers, own_bits(point), strict=True)
        return replace(self.undo, words=tuple((now & ~own) | (old & own) for old, now, own in each))


def _agrees(found: float | str | None, wanted: float | str, tolerance: float) -> bool:
    if found is None:
        return False
    if isinstance(found, str) or isinstance(wanted, str):
        return found == wanted
    return abs(found - wanted) <= tolerance + 1e-9 * max(abs(found), abs(wanted))


def work_out(
    hand: Hand,
    at: Ref,
    value: Value,
    *,
    expect: Value | None = None,
    present: Present | None = None,
    look: Look | None = None,
) -> Change:
    """A write of `value`, worked out on what is there now.

    Raises WriteRefused: not writable, another value than expected, out of range, over the step, no number, wrong
    unit, not exactly representable, a condition of the connector that does not hold.
    """
    point = hand.point(at)
    rule = writable(at, point)
    present = present or read_present(hand, at)
    try:
        wanted = for_device(at, point, value)
        if expect is not None:
            _expect(at, point, expect, present)
    except UsageProblem as problem:
        raise WriteRefused(problem.message, hint=problem.hint) from None
    conditions = depends(at, rule, look or hand.look)
    if isinstance(wanted, float):
        if not math.isfinite(wanted):
            raise WriteRefused(f"{at}: {wanted} is no number to write")
        if not (point.enum or is_truth(point)):
            old = present.number if isinstance(present.number, float) else None
            why = rule.violation(wanted, old, pretty(point.unit or ""))
            if why:
                raise WriteRefused(f"{at}: {why}")
    try:
        telegram, words = _telegram(point, rule, wanted, present)
        back = decode(point, words, exponent=present.exponent).value
    except Unrepresentable as problem:
        raise WriteRefused(f"{at}: {str(problem).removeprefix(f'{at.point}: ')}") from None
    assert back is not None  # encode refuses codes of `no value`
    target = hand.target(at.device, [at.point])
    tolerance = max(rule.tolerance, _grain(point, back))
    return Change(
        at, f"{target.link}", target.unit, telegram, _undo(telegram, present.registers), present.told,
        told(at, point, back), present.registers, tuple(words), back, tolerance, rule.settle, present.exponent,
        _agrees(present.number, back, tolerance), conditions,
    )  # fmt: skip


def _expect(at: Ref, point: DevicePoint, expect: Value, present: Present) -> None:
    wanted = for_device(at, point, expect)
    if isinstance(wanted, str) and point.enum:
        wanted = float(next((code for code, name in point.enum.items() if name == wanted), math.nan))
    tolerance = point.write.tolerance if point.write else 0.0
    if isinstance(wanted, float) and isinstance(present.number, float) and not point.plain:
        tolerance += 1e-6 * abs(wanted)
    if not _agrees(present.number, wanted, max(tolerance, _grain(point, wanted))):
        raise WriteRefused(
            f"{at} is {shown(present.told)}, and {shown(expect)} was expected",
            hint="somebody changed it since; look again, and decide again",
        )


def _grain(point: DevicePoint, value: float | str) -> float:
    """One last place of a float register: 4.2 in float32 is 4.199999809, and 4.200000286 in a device that reckons.

    IEEE 754-2008, table 3.5: 10, 23 and 52 digits of a fraction in 16, 32 and 64 bits.
    """
    if not isinstance(value, float) or point.layout.family != "float":
        return 0.0
    return abs(value - point.offset) * 2.0 ** -{1: 10, 2: 23, 4: 52}[point.registers]


def _telegram(
    point: DevicePoint, rule: WriteRule, value: float | str, present: Present
) -> tuple[Telegram, list[int]]:
    """The write, and the registers that will be there after it. Raises Unrepresentable."""
    words = encode(point, value, exponent=present.exponent, current=present.registers)
    function = rule.function
    if function == 22 and point.registers == 1:
        masks = mask_write(point, value)
        return Telegram(22, point.address, tuple(words), masks), words
    coils = point.function_code == 1
    fits = function in ((5, 15) if coils else (6, 16)) and not (function in (5, 6) and point.registers > 1)
    if not fits:
        raise Unrepresentable(f"function {function} cannot write {point.registers} registers of this table")
    return Telegram(function, point.address, tuple(words)), words


def _undo(telegram: Telegram, old: tuple[int, ...]) -> Telegram:
    """What puts the registers back as they were; of a shared register only the point's own bits."""
    if telegram.masks is None:
        return Telegram(telegram.function, telegram.address, old)
    keep, _ = telegram.masks
    return Telegram(22, telegram.address, old, (keep, old[0] & ~keep & 0xFFFF))


def record(change: Change) -> dict[str, Any]:
    """A change for the journal."""
    held = asdict(change)
    for key in ("old", "new"):
        told_ = getattr(change, key)
        held[key] = None if isinstance(told_, Unknown) else as_json(told_)
    return held


def recalled(held: Mapping[str, Any]) -> Change:
    """The change that `record` wrote."""

    def telegram(each: Mapping[str, Any]) -> Telegram:
        masks = tuple(each["masks"]) if each["masks"] else None
        return Telegram(each["function"], each["address"], tuple(each["words"]), masks)

    def value(each: object) -> Told:
        found = from_json(each)
        return Unknown("it was not known") if found is None else found

    return Change(
        **{
            **held,
            "at": Ref(**held["at"]),
            "telegram": telegram(held["telegram"]),
            "undo": telegram(held["undo"]),
            "old": value(held["old"]),
            "new": value(held["new"]),
            "old_words": tuple(held["old_words"]),
            "new_words": tuple(held["new_words"]),
            "depends_on": tuple(held["depends_on"]),
        }
    )
