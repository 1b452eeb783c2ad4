"""The words of both versions: units, qualifiers, censor codes, kinds."""

from __future__ import annotations

import re
from functools import lru_cache

from cityctl.exports.meaning import known_unit
from cityctl.reading import Kind, Quality
from cityctl.units import Unit

_UNITS = {
    "deg c": "degC", "degrees celsius": "degC", "cel": "degC", "deg f": "degF", "[degf]": "degF", "m^3/s": "m3/s",
    "m3 s-1": "m3/s", "m3.s-1": "m3/s", "cms": "m3/s", "cumecs": "m3/s", "cubic meters per second": "m3/s",
    "cubic feet per second": "ft3/s", "ft^3/s": "ft3/s", "[cft_i]/s": "ft3/s", "[ft_i]3/s": "ft3/s", "[ft_i]": "ft",
    "[in_i]": "in", "inches": "in", "ac-ft": "acre-ft", "acre feet": "acre-ft", "ml/d": "ML/d",
    "ml/day": "ML/d", "us/cm @25c": "uS/cm", "us/cm @25 deg c": "uS/cm", "mg/l as n": "", "psu": "", "m3/sec": "m3/s",
    "mi2": "", "gallons": "gal", "m asl": "m", "ft3": "ft3", "kl": "m3", "mm of hg": "", "std units": "pH",
}  # fmt: skip

# NWIS: A approved, P provisional, e estimated; < and > beyond the range of the instrument.
_QUALIFIERS = {
    "a": Quality.GOOD, "p": Quality.ESTIMATED, "e": Quality.ESTIMATED, "e1": Quality.ESTIMATED, "good": Quality.GOOD,
    "approved": Quality.GOOD, "provisional": Quality.ESTIMATED, "estimate": Quality.ESTIMATED,
    "estimated": Quality.ESTIMATED, "suspect": Quality.SUSPECT, "poor": Quality.SUSPECT, "unchecked": Quality.GOOD,
    "missing": Quality.BAD, "r": Quality.GOOD, "1": Quality.GOOD, "v": Quality.GOOD,
}  # fmt: skip


@lru_cache(maxsize=1024)
def unit_of(said: str) -> Unit | None:
    """The unit that a text means; None where it is none that cityctl knows."""
    plain = re.sub(r"\s+", " ", said.strip())
    if plain.casefold() in _UNITS:
        return known_unit(_UNITS[plain.casefold()])
    return known_unit(plain)


@lru_cache(maxsize=4096)
def quality_of(said: str) -> Quality:
    """The worst of the qualifiers in a text; one that is not known makes a value suspect."""
    words = re.split(r"[\s,;]+", said.strip().casefold())
    return max((_QUALIFIERS.get(word, Quality.SUSPECT) for word in words if word), default=Quality.GOOD)


def kind_of_data(said: str) -> Kind:
    """What values of a data type or interpolation type are; amounts only where it says so."""
    word = said.rsplit("/", 1)[-1].casefold()
    if word in (
        "incremental",
        "totalprec",
        "totalsucc",
        "precedingtotal",
        "succeedingtotal",
        "insttotal",
        "instanttotal",
    ):
        return "interval"
    return "counter" if word in ("cumulative",) else "gauge"
