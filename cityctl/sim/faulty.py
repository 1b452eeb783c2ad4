"""Answers as bad devices and bad lines give them: late, short, of another unit, garbage, and so on.

Sits between a simulated device and its wire. Every fault leaves a frame that a careful client can tell from a
good one; what each does is said in KINDS.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from random import Random

from cityctl.errors import UsageProblem, near
from cityctl.modbus.line.framing import HEADER, rtu_frame, tcp_frame
from cityctl.modbus.pretended.wire import Outgoing

KINDS: dict[str, str] = {
    "late": "the answer comes after the client has given up",
    "slow": "the answer takes its time, and comes",
    "short": "fewer registers than were asked for, in a frame that is whole; or a frame cut off",
    "wrong-unit": "another unit answers",
    "wrong-transaction": "another transaction's number (where there are numbers)",
    "garbage": "bytes that are no frame",
    "closing": "the connection is closed before the answer, or in its middle",
    "exception": "the device refuses",
    "drip": "the answer comes byte by byte",
    "silent": "no answer",
}
_EXCEPTIONS = (1, 2, 3, 4, 5, 6, 8, 10, 11)


class Faulty:
    """Spoils some of a server's answers; give it as `outgoing`.

    `shares` says which part of all answers each kind spoils, 0 to 1 together. `late` and `slow` are seconds.
    `counts` holds how many of each kind there were, `good` among them.
    """

    def __init__(
        self, shares: Mapping[str, float], *, seed: int = 1, late: float = 4.0, slow: float = 0.2
    ) -> None:
        self.shares = dict(shares)
        self.late, self.slow = late, slow
        self.counts: Counter[str] = Counter()
        self._random = Random(seed)  # noqa: S311 - a plant's chance, no secret

    async def __call__(self, answer: Outgoing) -> None:
        """Send an answer, or what a fault makes of it."""
        kind = self._chosen()
        if kind == "wrong-transaction" and answer.rtu:
            kind = "good"
        self.counts[kind] += 1
        await _SPOILERS[kind](self, answer)

    def _chosen(self) -> str:
        at = self._random.random()
        for kind, share in self.shares.items():
            at -= share
            if at < 0:
                return kind
        return "good"

    async def _good(self, answer: Outgoing) -> None:
        answer.write(answer.frame)

    async def _late(self, answer: Outgoing) -> None:
        await asyncio.sleep(self.late)
        answer.write(answer.frame)

    async def _slow(self, answer: Outgoing) -> None:
        await asyncio.sleep(self.slow)
        answer.write(answer.frame)

    async def _short(self, answer: Outgoing) -> None:
        if self._random.random() < 0.5:
            answer.write(answer.frame[: self._random.randrange(1, len(answer.frame))])
            return
        pdu = pdu_of(answer)
        if pdu[0] in (1, 2, 3, 4) and len(pdu) > 4:
            kept = 2 * self._random.randrange(0, (len(pdu) - 2) // 2)
            pdu = bytes((pdu[0], kept)) + pdu[2 : 2 + kept]
        answer.write(reframed(answer, pdu))

    async def _wrong_unit(self, answer: Outgoing) -> None:
        unit = (answer.request.unit + self._random.randrange(1, 246)) % 247 + 1
        unit = unit + 1 if unit == answer.request.unit else unit
        answer.write(reframed(answer, pdu_of(answer), unit=unit))

    async def _wrong_transaction(self, answer: Outgoing) -> None:
        number = int.from_bytes(answer.frame[:2], "big") ^ self._random.randrange(0x4000, 0x10000)
        answer.write(number.to_bytes(2, "big") + answer.frame[2:])

    async def _garbage(self, answer: Outgoing) -> None:
        answer.write(self._random.randbytes(self._random.randrange(1, 40)))

    async def _closing(self, answer: Outgoing) -> None:
        if self._random.random() < 0.5:
            answer.write(answer.frame[: len(answer.frame) // 2])
        answer.close()

    async def _exception(self, answer: Outgoing) -> None:
        refusal = bytes((answer.request.function_code | 0x80, self._random.choice(_EXCEPTIONS)))
        answer.write(reframed(answer, refusal))

    async def _drip(self, answer: Outgoing) -> None:
        for byte in answer.frame:
            answer.write(bytes((byte,)))
            await asyncio.sleep(self.slow / 1000)

    async def _silent(self, answer: Outgoing) -> None:  # noqa: ARG002 - one of many alike
        return


_SPOILERS: dict[str, Callable[[Faulty, Outgoing], Awaitable[None]]] = {
    "good": Faulty._good,
    "late": Faulty._late,
    "slow": Faulty._slow,
    "short": Faulty._short,
    "wrong-unit": Faulty._wrong_unit,
    "wrong-transaction": Faulty._wrong_transaction,
    "garbage": Faulty._garbage,
    "closing": Faulty._closing,
    "exception": Faulty._exception,
    "drip": Faulty._drip,
    "silent": Faulty._silent,
}


def pdu_of(answer: Outgoing) -> bytes:
    """The PDU within an answer's frame."""
    return answer.frame[1:-2] if answer.rtu else answer.frame[HEADER:]


def reframed(answer: Outgoing, pdu: bytes, *, unit: int | None = None) -> bytes:
    """A frame like the answer's own around another PDU, or from another unit."""
    if answer.rtu:
        return rtu_frame(answer.frame[0] if unit is None else unit, pdu)
    number = int.from_bytes(answer.frame[:2], "big")
    return tcp_frame(number, answer.frame[6] if unit is None else unit, pdu)


def shares(words: Iterable[str], share: float) -> dict[str, float]:
    """`late`, `garbage=0.1`: which part of the answers each kind spoils; those without a number share `share`.

    All kinds where there is no word. Raises UsageProblem.
    """
    given: dict[str, float] = {}
    bare: list[str] = []
    for word in list(words) or list(KINDS):
        kind, equals, number = word.partition("=")
        if kind not in KINDS:
            match = near(kind, KINDS)
            hint = f"did you mean `{match}`?" if match else "there are: " + ", ".join(KINDS)
            raise UsageProblem(f"no fault is named `{kind}`", hint=hint)
        if not equals:
            bare.append(kind)
            continue
        try:
            given[kind] = float(number)
        except ValueError:
            raise UsageProblem(f"`{word}`: `{number}` is no share", hint=f"write {kind}=0.05") from None
    given |= {kind: share / len(bare) for kind in bare}
    if not all(0 <= part <= 1 for part in given.values()) or sum(given.values()) > 1 + 1e-9:
        raise UsageProblem("the shares of all faults together must be 0 to 1")
    return given
