"""Fuzzing of every parser: mutated files, no crash, no hang, no unbounded memory (--minutes N a parser, --seed N).

python -m tests.bench fuzz --minutes 10
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Iterator

from cityctl.errors import InputRefused, UsageProblem
from cityctl.exports import formats
from cityctl.exports.parsed import counted
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from tests.exports.samples import all_of_them
from tests.exports.test_fuzz import CSV, DAYS, FEED

_SLOW = 5.0  # CPU seconds that one small file may take
_TOKENS = (
    b'"', b"\n", b"\r\n", b";", b",", b"<", b">", b"&", b"\x00", b"\xff", b"24:00", b"-", b"1e999", b"NaN", b"'", b"?",
    b"+", b"[", b"]", b"{", b"}", b"null", b"900", b"300,", b"9" * 20, b"<!DOCTYPE x>", b"\xef\xbb\xbf", b"()", b"!",
)  # fmt: skip
_SHAPES = (
    Shape(),
    Shape(time_zone="Europe/Berlin", unit="kWh"),
    Shape(time_zone="UTC", rows="results", time="start", value="value"),
)


def bench() -> Iterator[tuple[str, str]]:
    """(parser, what was tried) of each parser. Raises on the first crash, with the file that made it."""
    minutes, seed = _said("--minutes", 0.05), int(_said("--seed", 20_240_101))
    samples = {"csv": (CSV, DAYS), "green_button": (FEED,), **all_of_them()}
    chance = random.Random(seed)
    for name in sorted(samples):
        tried, slowest = 0, 0.0
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        until = time.monotonic() + minutes * 60
        while time.monotonic() < until:
            data = _mutated(chance, chance.choice(samples[name]))
            begun = time.process_time()
            _read(name, data, chance.choice(_SHAPES))
            slowest = max(slowest, time.process_time() - begun)
            if slowest > _SLOW:
                raise AssertionError(f"{name}: {slowest:.1f} s for {data!r}")
            tried += 1
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        yield name, f"{tried} files, slowest {slowest * 1000:.0f} ms, memory +{grown:.0f} MB, no crash"


def _said(option: str, otherwise: float) -> float:
    return float(sys.argv[sys.argv.index(option) + 1]) if option in sys.argv else otherwise


def _read(name: str, data: bytes, shape: Shape) -> None:
    try:
        for _ in counted(formats.find(name).parse(Source("a", data=data), shape)):
            pass
    except (InputRefused, UsageProblem):
        return
    except Exception as problem:
        raise AssertionError(f"{name} crashed on {data!r}") from problem


def _mutated(chance: random.Random, whole: bytes) -> bytes:
    data = bytearray(whole)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data) + 1)
        length = chance.choice((1, 2, 5, 20, 200))
        match chance.randrange(6):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[at : at + length] * chance.choice((1, 2, 50))
            case 3:
                data[at:at] = chance.choice(_TOKENS)
            case 4:
                other = chance.randrange(len(data) + 1)
                data[at:at] = data[other : other + length]
            case _:
                data[at : at + 1] = str(chance.randint(-5, 10 ** chance.randint(1, 20))).encode()
    return bytes(data)
