"""Seeded noise that needs no start: the value at an instant is a hash of that instant.

A random walk must be run from its beginning; a hash can be asked anywhere, in any order, for one instant or for
a year of them. Knows nothing of water or energy.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def stream(seed: int, name: str) -> int:
    """The key of one noise stream, such as `hafen/use/hour`: unequal names give unrelated noise."""
    return int.from_bytes(blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "little")


def _hash(key: int, index: Integers) -> NDArray[np.uint64]:
    """SplitMix64 of (key, index): Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014, doi:10.1145/2660193.2660195 (the finaliser's constants are those of its reference code)."""
    with np.errstate(over="ignore"):
        mixed = index.astype(np.uint64) * _GOLDEN + np.uint64(key)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_1
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
        return mixed ^ (mixed >> np.uint64(31))


def uniform(key: int, index: Integers) -> Floats:
    """Evenly spread values in [0, 1), one for each index."""
    spread: Floats = (_hash(key, index) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return spread


def normal(key: int, index: Integers) -> Floats:
    """Nearly normal values, mean 0, standard deviation 1, never beyond ±3.

    The sum of three uniform values (Irwin-Hall, n = 3) has variance 3/12, hence the factor 2; its bound keeps
    a simulated meter from the impossible value that a true normal would give once in a few years.
    """
    bits = _hash(key, index)
    low = np.uint64((1 << 21) - 1)
    total = (bits >> np.uint64(43)) + ((bits >> np.uint64(22)) & low) + ((bits >> np.uint64(1)) & low)
    spread: Floats = 2.0 * (total.astype(np.float64) * 2.0**-21 - 1.5)
    return spread


def correlated(key: int, seconds: Integers, step: int) -> Floats:
    """Smooth noise, mean 0, standard deviation 1, that forgets itself after about `step` seconds.

    Normal values on a lattice of `step` seconds, blended by a smooth step; the blend is scaled to unit variance
    everywhere, so the noise is as strong between the nodes as on them.
    """
    node = np.floor_divide(seconds, step)
    part = (seconds - node * step) / step
    weight = part * part * (3.0 - 2.0 * part)
    left, right = _nodes(key, node)
    blended: Floats = (left * (1.0 - weight) + right * weight) / np.sqrt((1.0 - weight) ** 2 + weight**2)
    return blended


def _nodes(key: int, node: Integers) -> tuple[Floats, Floats]:
    """The lattice values left and right of each instant; each node is hashed once where that is cheaper."""
    if node.size == 0:
        empty = np.zeros(node.shape)
        return empty, empty
    first = int(node.min())
    span = int(node.max()) - first + 2
    if span <= 2 * node.size:
        values = normal(key, np.arange(first, first + span, dtype=np.int64))
        return values[node - first], values[node - first + 1]
    return normal(key, node), normal(key, node + 1)
