"""The points that a device connector's file gives to a city, as far as a city has to know them.

How they are coded is the business of the room that asks devices; a test holds both readings of every shipped
file against each other.
"""

from __future__ import annotations

from typing import Any

FACTOR_TYPES = ("int16", "int8", "int8_high", "uint8", "uint8_high", "uint16")


def connected_points(written: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What a connector file says of each point, those of `repeats` once for each of their numbers.

    `polled` is settled: false for settings, texts, scale factors, what is only written and what no source
    confirms. Tolerates every mistake: whoever asks the device tells it with its place.
    """
    points: dict[str, Any] = dict(_mapping(written.get("points")))
    for pattern, repeat in _mapping(written.get("repeats")).items():
        repeat = _mapping(repeat)
        count, first = repeat.get("count"), repeat.get("first", 1)
        if not isinstance(count, int) or not isinstance(first, int) or count > 200:
            continue
        for number in range(first, first + count):
            prefix = str(pattern).replace("{n}", str(number))
            own = _mapping(repeat.get("points"))
            points |= {f"{prefix}_{name}": _of_number(one, own, prefix) for name, one in own.items()}
    entries = {str(name): dict(_mapping(fields)) for name, fields in points.items()}
    factors = {fields["scale_factor"] for fields in entries.values() if "scale_factor" in fields}
    confidence = written.get("confidence", 1)
    for name, fields in entries.items():
        fields["polled"] = bool(
            fields.get("polled", True)
            and fields.get("access", "read") != "write"
            and fields.get("type") != "string"
            and fields.get("confidence", confidence) != 0
            and name not in factors
            and (fields.get("type") not in FACTOR_TYPES or fields.get("address") not in factors)
        )
    return entries


def _of_number(fields: Any, own: dict[str, Any], prefix: str) -> Any:
    """A point of one number of a repeat: a scale factor that is one of these points is that of the same number."""
    factor = _mapping(fields).get("scale_factor")
    return {**fields, "scale_factor": f"{prefix}_{factor}"} if factor in own else fields


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
