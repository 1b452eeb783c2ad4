"""Arrays as bytes and back: a line of JSON that says what they are, then one array after the other. Pure data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[Any]]


def pack(said: Mapping[str, Any], arrays: Arrays) -> bytes:
    """What is said beside the arrays is such as JSON can hold; NumPy's arrays and numbers in it become lists."""
    shapes = {name: (one.dtype.str, one.shape) for name, one in arrays.items()}
    head = json.dumps({**said, "arrays": shapes}, default=_plain).encode()
    return b"".join([head, b"\n", *(one.tobytes() for one in arrays.values())])


def unpack(content: bytes) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """(what is said, the arrays as views that are not to be written to) of what `pack` packed."""
    at = content.index(b"\n") + 1
    said = json.loads(content[:at])
    arrays = {}
    for name, (kind, shape) in said.pop("arrays").items():
        arrays[name] = np.ndarray(shape, kind, content, at)
        at += arrays[name].nbytes
    return said, arrays


def _plain(value: Any) -> Any:
    return value.tolist()
