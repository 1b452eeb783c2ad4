"""Which connector fits a device: each is tried on it, and says how well and why. Reads only.

What the device says of itself (SunSpec models, identification, an identifying point) is evidence; that its
registers answer and hold values somebody may have measured is a hint. A score is 0 to 100.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from cityctl.modbus.careful import Asks
from cityctl.modbus.line.faults import BadAnswer, Closed, ExceptionAnswer, Silent
from cityctl.modbus.looking.plausible import OrderGuess, guess_order, likelihood
from cityctl.modbus.looking.who import Identity
from cityctl.modbus.maps.codec import decode
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.plan import Block, plan
from cityctl.modbus.sunspec import COMMON, Model
from cityctl.wording import counted

CERTAIN = 90
"""From this score on the device itself has said what it is."""
MOST_BLOCKS = 6
"""Requests that are spent on one connector."""
_ENOUGH = 3  # values that must tell something before a fit is more than a guess


@dataclass
class Fit:
    """How well one connector fits, 0 to 100, and why. `base` is where a SunSpec block was found."""

    connector: DeviceConnector
    score: int = 0
    reasons: list[str] = field(default_factory=list)
    order: OrderGuess | None = None


class Registers:
    """What a device holds, each block asked for once however many connectors want it."""

    def __init__(self, line: Asks, unit: int, timeout: float) -> None:
        self._line, self._unit, self._timeout = line, unit, timeout
        self._known: dict[tuple[int, int, int], tuple[int, ...] | str] = {}
        self.requests = 0

    async def of(self, block: Block) -> tuple[int, ...] | str:
        """The registers of a block, or why it has none. Raises NotConnected."""
        key = (block.function_code, block.address, block.count)
        if key not in self._known:
            self.requests += 1
            try:
                frame = await self._line.read(self._unit, *key, timeout=self._timeout)
                self._known[key] = frame.registers
            except ExceptionAnswer as problem:
                self._known[key] = str(problem)
            except (Silent, Closed, BadAnswer) as problem:
                self._known[key] = str(problem)
        return self._known[key]


async def fits(
    connectors: Iterable[DeviceConnector],
    registers: Registers,
    identity: Identity,
    models: Sequence[Model],
    on_connector: Callable[[str], None] | None = None,
) -> list[Fit]:
    """Every connector with its fit, the best first. Raises NotConnected."""
    found = []
    for connector in connectors:
        if connector.sunspec is not None and models:
            found.append(_by_model(connector, models))
        else:
            found.append(await _tried(connector, registers, identity))
        if on_connector is not None:
            on_connector(connector.connector)
    return sorted(found, key=lambda fit: (-fit.score, fit.connector.connector))


def _by_model(connector: DeviceConnector, models: Sequence[Model]) -> Fit:
    """SunSpec: the device's own chain of models says it."""
    for model in models:
        if model.id == connector.sunspec:
            score = 95 if model.id == COMMON else 100  # every SunSpec device has the common model
            where = (
                f"SunSpec model {model.id} begins at {model.base}, {counted(model.length, 'register')} long"
            )
            return Fit(connector.placed_at(model.base, model.length), score, [where])
    return Fit(connector, 0, ["its model is not in the device's chain"])


async def _tried(connector: DeviceConnector, registers: Registers, identity: Identity) -> Fit:
    fit = Fit(connector)
    named, words = _named(connector, identity)
    shown, other = await _shown(connector, registers)
    if other:
        named = min(named, _BY_NAME)
    elif shown:
        named = _BY_PATTERN
    fit.reasons += [*words, *shown, *other]
    told = await _identified(connector, registers)
    if told is not None:
        said, right = told
        fit.reasons.append(said)
        if not right:
            return fit
    answered, asked, values, held = await _read(connector, registers)
    if not asked:
        fit.reasons.append("nothing of it can be tried")
        return fit
    fit.reasons.append(f"{answered} of {asked} requests answered")
    telling = [chance for chance in values if chance is not None]
    share = sum(telling) / len(telling) if telling else 0.0
    points = [connector.points[name] for name in held]
    fit.order = guess_order(points, held, connector.word_order)
    if telling:
        fit.reasons.append(f"{100 * share:.0f} % of {len(telling)} values look real")
    else:
        fit.reasons.append("its values are 0 or absent, which tells nothing")
    if fit.order is not None and fit.order.differs:
        fit.reasons.append(
            f"word order looks like {fit.order.order}, not {fit.order.own} "
            f"({100 * fit.order.share:.0f} % of {fit.order.telling} values look real then)"
        )
        share = max(share, 0.9 * fit.order.share)
    if told is not None:
        fit.score = CERTAIN + round(9 * answered / asked)
    else:
        weight = min(1.0, len(telling) / _ENOUGH)
        fit.score = round(60 * (answered / asked) ** 2 * share * weight) + (_NAMED[named] if answered else 0)
        if connector.confidence == 0:
            fit.score //= 2
            fit.reasons.append("its map is unconfirmed")
        fit.score = min(fit.score, CERTAIN - 1)
    if named == _BY_PATTERN and answered:
        fit.score = max(fit.score, CERTAIN)
    if other:
        fit.score //= 2
    return fit


_NAMED = (0, 20, 28, 29)
_BY_NAME, _BY_PATTERN = 2, 3


def _named(connector: DeviceConnector, identity: Identity) -> tuple[int, list[str]]:
    """What it calls itself: 0 nothing that fits, 1 the maker, 2 the model too, 3 by the connector's patterns."""
    wanted = connector.device_id
    pairs = (
        (wanted.vendor, [identity.vendor]),
        (wanted.product, [identity.product, identity.other.get(4, ""), identity.other.get(5, "")]),
        (wanted.server_id, [identity.server_id]),
    )
    asked = [(pattern, texts) for pattern, texts in pairs if pattern is not None]
    if asked and all(
        any(fnmatchcase(text.casefold(), pattern.casefold()) for text in texts if text)
        for pattern, texts in asked
    ):
        return _BY_PATTERN, [f"it calls itself `{identity.text}`"]
    said = identity.text.casefold()
    if said and connector.vendor.casefold() in said:
        types = {
            word for word in re.findall(r"[a-z]*\d[a-z\d]*", connector.model.casefold()) if len(word) > 2
        }
        if any(word in said for word in types):
            return 2, [f"it names its maker and model: `{identity.text}`"]
        return 1, [f"it names its maker: `{identity.text}`"]
    return 0, []


async def _shown(connector: DeviceConnector, registers: Registers) -> tuple[list[str], list[str]]:
    """(what points say of the device as its connector expects it, what they say otherwise); an unread one is silent."""
    shown, other = [], []
    for name, pattern in connector.device_id.points.items():
        point = connector.points[name]
        (block,) = plan(connector, [name])
        read = await registers.of(block)
        found = None if isinstance(read, str) else decode(point, read).value
        said = point.state_name(found)  # a code without a name may be another model of the same kind
        if said is None and isinstance(found, float) and not point.enum:
            said = f"{found:g}"
        if said is None:
            continue
        if fnmatchcase(said.casefold(), pattern.casefold()):
            shown.append(f"{name} says `{said}`")
        else:
            other.append(f"{name} says `{said}`, not {pattern}")
    return shown, other


async def _identified(connector: DeviceConnector, registers: Registers) -> tuple[str, bool] | None:
    """What the identifying point says and whether it is right; None where there is none."""
    if connector.identify is None:
        return None
    name, expected, _ = connector.identify
    (block,) = plan(connector, [name])
    read = await registers.of(block)
    if isinstance(read, str):
        return f"{name}: {read}", False
    found = decode(connector.points[name], read).value
    shown = f"{found:g}" if isinstance(found, float) else "no value" if found is None else f"`{found}`"
    if found == expected:
        return f"{name} is {shown}", True
    return f"{name} is {shown}, not {expected}", False


async def _read(
    connector: DeviceConnector, registers: Registers
) -> tuple[int, int, list[float | None], dict[str, tuple[int, ...]]]:
    """(blocks answered, blocks asked, the likelihood of each value, registers of each point)."""
    names = connector.polled() or connector.readable()
    blocks = plan(connector, names)[:MOST_BLOCKS]
    answered = asked = 0
    chances: list[float | None] = []
    held: dict[str, tuple[int, ...]] = {}
    for block in blocks:
        asked += 1
        read = await registers.of(block)
        if isinstance(read, str):
            if asked == 2 and answered == 0:  # two refusals in a row: it is something else
                break
            continue
        answered += 1
        for each in block.wanted:
            point = each.point
            at = point.address - block.address
            held[point.name] = read[at : at + point.registers]
            chances.append(_chance(point, held[point.name], each.exponent, block, read))
    return answered, asked, chances, held


def _chance(
    point: DevicePoint,
    own: tuple[int, ...],
    exponent: DevicePoint | None,
    block: Block,
    read: tuple[int, ...],
) -> float | None:
    if point.has_ratio:  # its limits are those of what it is multiplied to
        return None
    factor = None
    if exponent is not None:
        at = exponent.address - block.address
        found = decode(exponent, read[at : at + exponent.registers]).value
        factor = int(found) if isinstance(found, float) else None
    return likelihood(point, decode(point, own, exponent=factor).value)
