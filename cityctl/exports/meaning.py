"""The words that formats share: units by their codes, directions of flow, instants of one text.

Codes of units are those of UN/CEFACT Recommendation 20 (2021), which NGSI, MSCONS and others write.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from cityctl.clock import zone_named
from cityctl.errors import UsageProblem
from cityctl.exports.parsed import Direction, Series
from cityctl.exports.table.clock.patterns import StampFormat
from cityctl.exports.table.clock.stamps import read_stamp
from cityctl.exports.table.clock.zone import DOUBLED, GAP, WallClock, ZoneNotSaid
from cityctl.exports.table.names import phrase_unit
from cityctl.reading import Kind
from cityctl.units import UNITS, Unit, unit

# Quantities of which an amount belongs to an interval; of the others a reading is an instant's or a mean.
AMOUNTS = frozenset({"energy", "volume", "reactive energy", "apparent energy"})

_CODES = {
    "KWH": "kWh", "MWH": "MWh", "GWH": "GWh", "WHR": "Wh", "JOU": "J", "KJO": "kJ", "3B": "MJ", "GV": "GJ",
    "BTU": "Btu", "N71": "thermEC", "N72": "therm",
    "MTQ": "m3", "LTR": "L", "HLT": "hL", "MLT": "mL", "DMQ": "L", "CMQ": "mL", "GLL": "gal", "GLI": "Impgal",
    "FTQ": "ft3", "MAL": "ML",
    "MQH": "m3/h", "MQS": "m3/s", "E32": "L/h", "L2": "L/min", "G51": "L/s", "G52": "m3/d", "2K": "ft3/h",
    "KWT": "kW", "WTT": "W", "MAW": "MW", "A90": "GW", "C31": "mW",
    "K3": "kvarh", "KVR": "kvar", "D44": "var", "MAR": "Mvar", "MAH": "Mvarh",
    "C79": "kVAh", "KVA": "kVA", "MVA": "MVA", "D46": "VA",
    "VLT": "V", "KVT": "kV", "2Z": "mV", "AMP": "A", "4K": "mA", "B22": "kA", "HTZ": "Hz", "KHZ": "kHz",
    "OHM": "Ohm", "CEL": "degC", "FAH": "degF", "KEL": "K",
    "BAR": "bar", "MBR": "mbar", "PAL": "Pa", "KPA": "kPa", "MPA": "MPa", "A97": "hPa",
    "MTR": "m", "MMT": "mm", "CMT": "cm", "KMT": "km", "FOT": "ft", "INH": "in", "MTK": "m2", "MTS": "m/s",
    "KMH": "km/h", "SEC": "s", "MIN": "min", "HUR": "h", "DAY": "d", "KGM": "kg", "GRM": "g", "TNE": "t",
    "KMQ": "kg/m3", "GL": "g/L", "M1": "mg/L", "D10": "S/m", "P1": "%", "C62": "", "DD": "deg", "C81": "rad",
    "RPM": "rpm", "D54": "W/m2",
}  # fmt: skip

_DIRECTIONS: dict[str, Direction] = {
    **dict.fromkeys(("forward", "import", "imported", "consumption", "delivered", "usage", "in", "1",
                     "bezug", "verbrauch", "pobór", "pobrana", "odběr", "odber", "prelievo", "prelevata",
                     "prelevamento", "ulosotto", "kulutus", "consumida", "fogyasztás",
                     "afname", "verbruik", "soutirage", "consommation", "consumo", "forbruk",
                     "förbrukning", "forbrug", "uttag", "active import", "from grid"), "forward"),
    **dict.fromkeys(("reverse", "export", "exported", "production", "generation", "received", "out", "19",
                     "surplus generation", "surplus", "einspeisung", "lieferung", "injectie",
                     "oddanie", "oddana", "dodávka", "immissione", "immessa", "tuotanto", "injeção", "injetada",
                     "producida", "vertida", "visszatáplálás", "teruglevering",
                     "injection", "produksjon", "produktion", "inmatning", "active export", "to grid"), "reverse"),
    **dict.fromkeys(("net", "4"), "net"),
    **dict.fromkeys(("total", "20"), "total"),
}  # fmt: skip


# Words that mean a direction in the middle of other words too.
_TELLING = frozenset(
    ["import", "imported", "export", "exported", "bezug", "einspeisung", "lieferung", "afname", "injectie",
     "teruglevering", "soutirage", "injection", "uttag", "inmatning", "pobór", "pobrana", "oddanie", "oddana", "odběr",
     "prelevata", "immessa", "injetada"]
)  # fmt: skip


@lru_cache(maxsize=4096)
def known_unit(said: str | None, *, code_first: bool = False) -> Unit | None:
    """The unit that a text or a code means; None where it is none that cityctl knows."""
    text = (said or "").strip()
    if not text:
        return None
    code = _CODES.get(text if code_first else text.upper() if text.isupper() or text.isdigit() else text)
    if code_first and code is not None:
        return UNITS[code]
    try:
        return unit(text)
    except UsageProblem:
        known = code or phrase_unit(text)
        return UNITS[known] if known else None


def factor_to(told: Series, unit: Unit | None, said: str) -> float | None:
    """What values in a unit (else as `said`) are multiplied by to go on a series; None: another quantity."""
    symbol = unit.symbol if unit else None
    if (told.unit, told.said_unit) == (symbol, "" if unit else said):
        return 1.0
    held = UNITS.get(told.unit or "")
    if unit is None or held is None or (held.quantity, held.offset) != (unit.quantity, unit.offset):
        return None
    return unit.factor / held.factor


def direction_of(said: object) -> Direction:
    """The direction that a word means; none where it means none."""
    return _DIRECTIONS.get(str(said).strip().casefold(), "") if said is not None else ""


def direction_in(*texts: str) -> Direction:
    """The direction that a word within texts such as `Active Export Interval (kWh)` means; none without one."""
    words = {word for text in texts for word in re.findall(r"[^\W\d_]+", text.casefold())}
    found = {_DIRECTIONS[word] for word in words & _TELLING}
    return found.pop() if len(found) == 1 else ""


def kind_of(quantity: str | None) -> Kind | None:
    """Amounts of energy and volume belong to intervals, unless an export says more."""
    if quantity is None:
        return None
    return "interval" if quantity in AMOUNTS else "gauge"


_YMD = StampFormat("ymd")
_FRACTION = re.compile(r"([.,]\d{6})\d+")


class Instants:
    """Texts as instants in µs, one after the other; texts without an offset are on the wall of `zone`."""

    def __init__(self, file: str, zone: str | None) -> None:
        self.file = file
        self.zone = zone
        self._wall = WallClock(zone_named(zone)) if zone else None
        self._read = lru_cache(maxsize=1 << 14)(self._instant)

    def of(self, text: str) -> int:
        """The instant of a text. Raises ValueError with the reason, ZoneNotSaid."""
        return self._read(text)

    def _instant(self, text: str) -> int:
        said = _FRACTION.sub(r"\1", text.strip())
        try:
            micros, utc = read_stamp(said, _YMD)
        except (ValueError, OverflowError):
            raise ValueError(f"`{text[:40]}` is no time") from None
        if utc:
            return micros
        if self._wall is None:
            raise ZoneNotSaid(
                f"{self.file}: times such as `{text[:40]}` carry no offset, and no time zone was said"
            )
        moments, states = self._wall.to_utc(np.array([micros], np.int64))
        if states[0] == GAP:
            old, new = self._wall.change_near(micros)
            raise ValueError(
                f"`{text[:40]}` does not exist in {self.zone}: the clocks go from {old} to {new}"
            )
        if states[0] == DOUBLED:
            raise ValueError(f"`{text[:40]}` lies in the hour that comes twice in {self.zone}: ambiguous")
        return int(moments[0])


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros_of(moment: datetime) -> int:
    """An aware instant as µs since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def iso(micros: int) -> str:
    """µs since 1970 as ISO text in UTC."""
    return (_EPOCH + timedelta(microseconds=micros)).replace(tzinfo=None).isoformat() + "Z"


def epoch_micros(number: float) -> int:
    """Seconds, ms, µs or ns since 1970, told apart by their size, as µs. Raises ValueError."""
    size = abs(number)
    for limit, factor in ((1e11, 1_000_000.0), (1e14, 1_000.0), (1e17, 1.0), (1e20, 1e-3)):
        if size < limit:
            return round(number * factor)
    raise ValueError(f"{number!r} is no time since 1970")
