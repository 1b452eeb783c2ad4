"""What makers and other tools call what the language of a connector says in a word of its own. Pure.

A maker's list is read by them, and who writes such a word into a file is told the right one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

MAKERS_TYPES: dict[str, str] = {
    "t5": "uint24e8", "t6": "int24e8",
    "float": "float32", "real": "float32", "float32": "float32", "ieee754": "float32", "single": "float32",
    "double": "float64", "lreal": "float64", "word": "uint16", "uint": "uint16", "u16": "uint16",
    "unsigned16": "uint16", "int": "int16", "integer": "int16", "short": "int16", "s16": "int16",
    "i16": "int16", "signed16": "int16", "dword": "uint32", "udint": "uint32", "u32": "uint32",
    "ulong": "uint32", "unsigned32": "uint32", "dint": "int32", "long": "int32", "s32": "int32",
    "i32": "int32", "signed32": "int32", "u64": "uint64", "ulint": "uint64", "s64": "int64", "lint": "int64",
    "boolean": "bool", "bit": "bool", "coil": "bool", "ascii": "string", "text": "string",
}  # fmt: skip
MAKERS_ACCESS = {"r": "read", "ro": "read", "rw": "readwrite", "wr": "readwrite", "w": "write", "wo": "write"}
KINDS = {
    "total": "counter", "totalizer": "counter", "totaliser": "counter", "cumulative": "counter", "counting": "counter",
    "instant": "gauge", "instantaneous": "gauge", "measurement": "gauge", "analog": "gauge", "analogue": "gauge",
    "status": "state", "digital": "state", "binary": "state", "flag": "state",
}  # fmt: skip
ORDERS = {
    "big": "ABCD", "bigendian": "ABCD", "be": "ABCD", "msw": "ABCD", "mswfirst": "ABCD",
    "swapped": "CDAB", "wordswap": "CDAB", "wordswapped": "CDAB", "lsw": "CDAB", "lswfirst": "CDAB",
    "byteswap": "BADC", "byteswapped": "BADC",
    "little": "CDAB` (low word first) or `DCBA", "littleendian": "CDAB` (low word first) or `DCBA",
}  # fmt: skip
TABLES = {
    "holding": "3", "holdingregister": "3", "holdingregisters": "3", "input": "4", "inputregister": "4",
    "inputregisters": "4", "coil": "1", "coils": "1", "discrete": "2", "discreteinput": "2", "discreteinputs": "2",
    "5": "1", "15": "1", "6": "3", "16": "3", "22": "3", "1": "1", "2": "2", "3": "3", "4": "4", "01": "1", "02": "2",
    "03": "3", "04": "4",
}  # fmt: skip
BASES = {
    "1x": "4xxxx", "3x": "4xxxx", "4x": "4xxxx", "modicon": "4xxxx", "40001": "4xxxx", "30001": "4xxxx",
    "10001": "4xxxx", "400001": "4xxxx", "300001": "4xxxx", "0based": "0", "1based": "1", "zero": "0", "one": "1",
}  # fmt: skip
CLASSES = {
    "genset": "generator", "chp": "generator", "bhkw": "generator", "wallbox": "charger", "evse": "charger",
    "plc": "controller", "rtu": "controller", "logger": "controller", "datalogger": "controller",
    "softstarter": "drive", "vfd": "drive", "inverterdrive": "drive", "analyzer": "water_quality",
    "analyser": "water_quality", "flowmeter": "water_meter", "flow_meter": "water_meter", "gasmeter": "energy_meter",
}  # fmt: skip


def plainly(word: object) -> str:
    """A word without capitals and signs, as it stands in these tables."""
    return re.sub(r"[^a-z0-9]", "", str(word).lower())


def meant(words: Mapping[str, str], expected: str, known: tuple[object, ...]) -> Callable[[object], object]:
    """For a validator: a word that is not known and stands in a table is refused with the one to write.

    `expected` is what may stand there, in words.
    """

    def told(given: object) -> object:
        is_word = isinstance(given, str | int) and not isinstance(given, bool)
        if not is_word or any(given == each and type(given) is type(each) for each in known):
            return given
        right = words.get(plainly(given))
        if right is None:
            return given
        bare = ", without quotes" if right == given else ""
        raise ValueError(f"expected {expected} (found `{given}`) hint: write `{right}`{bare}")

    return told


_COMMA = re.compile(r"\s*(-?\d+),(\d+)\s*")
_FRACTION = re.compile(r"\s*(-?\d+)\s*/\s*(\d+)\s*")


def number(given: object) -> object:
    """For a validator: a number with a decimal comma, or a fraction, is refused with the number to write."""
    if not isinstance(given, str):
        return given
    if found := _COMMA.fullmatch(given):
        raise ValueError(f"expected a number (found `{given}`) hint: write `{found[1]}.{found[2]}`")
    if (found := _FRACTION.fullmatch(given)) and int(found[2]):
        raise ValueError(
            f"expected a number (found `{given}`) hint: write `{int(found[1]) / int(found[2])!r}`"
        )
    return given


def hexadecimal(given: object) -> object:
    """For a validator: an address such as 0A is refused with 0x0A."""
    if isinstance(given, str) and not given.isdecimal():
        digits = re.fullmatch(r"\s*(?:16#|\$|#)?([0-9A-Fa-f]{1,5})[hH]?\s*", given)
        if digits:
            raise ValueError(
                f"expected a whole number (found `{given}`) hint: write `0x{digits[1].upper()}` where it is hexadecimal"
            )
    return given
