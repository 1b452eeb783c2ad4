"""Generated exports of any size: a Green Button feed, and a long table of meters."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
    '<entry><link rel="self" href="/U/1"/><link rel="related" href="/U/1/M"/><content><UsagePoint '
    'xmlns="http://naesb.org/espi"><ServiceCategory><kind>0</kind></ServiceCategory></UsagePoint></content></entry>\n'
    '<entry><link rel="self" href="/U/1/M/1"/><link rel="up" href="/U/1/M"/><link rel="related" href="/U/1/M/1/B"/>'
    '<link rel="related" href="/R/1"/><title>Use</title><content><MeterReading xmlns="http://naesb.org/espi"/></content></entry>\n'
    '<entry><link rel="self" href="/R/1"/><title>Type</title><content><ReadingType xmlns="http://naesb.org/espi">'
    "<accumulationBehaviour>4</accumulationBehaviour><commodity>1</commodity><currency>840</currency>"
    "<flowDirection>1</flowDirection><intervalLength>900</intervalLength><kind>12</kind><phase>769</phase>"
    "<powerOfTenMultiplier>0</powerOfTenMultiplier><timeAttribute>0</timeAttribute><uom>72</uom></ReadingType></content></entry>\n"
)
_FIRST = 1_262_304_000  # 2010-01-01
_DAY = 96  # readings of an entry


def green_button(path: Path, size: int) -> tuple[int, int]:
    """A feed of about `size` bytes, an entry a day; (readings, sum in Wh)."""
    day = number = total = 0
    with path.open("w", encoding="utf-8") as file:
        file.write(_HEAD)
        while file.tell() < size:
            parts = []
            for _ in range(_DAY):
                value = number * 7919 % 1000
                parts.append(
                    f"<IntervalReading><cost>{value * 11}</cost><timePeriod><duration>900</duration>"
                    f"<start>{_FIRST + number * 900}</start></timePeriod><value>{value}</value></IntervalReading>\n"
                )
                number += 1
                total += value
            file.write(
                f'<entry><id>urn:uuid:{day:032x}</id><link rel="self" href="/U/1/M/1/B/{day}"/><link rel="up" '
                f'href="/U/1/M/1/B"/><title/><content><IntervalBlock xmlns="http://naesb.org/espi"><interval>'
                f"<duration>86400</duration><start>{_FIRST + day * 86400}</start></interval>\n{''.join(parts)}"
                "</IntervalBlock></content><published>2020-01-01T00:00:00Z</published>"
                "<updated>2020-01-01T00:00:00Z</updated></entry>\n"
            )
            day += 1
        file.write("</feed>\n")
    return number, total


def table(path: Path, size: int, meters: int = 200) -> int:
    """A long table of about `size` bytes, quarter-hours of meters, as head-ends write them; its rows."""
    step = written = 0
    chance = np.random.default_rng(7)
    names = [f"METER-{number:06d}" for number in range(meters)]
    with path.open("wb") as file:
        written += file.write(b"meter,time,value,quality\n")
        while written < size:
            # A day of one meter after the other.
            day = step * 86_400 + _FIRST
            stamps = []
            for quarter in range(96):
                hours, minutes = divmod(quarter * 15, 60)
                stamps.append(f"{_date(day)} {hours:02d}:{minutes:02d}:00")
            values = iter(chance.integers(0, 20_000, len(names) * 96).tolist())
            lines = [f"{name},{stamp},{next(values) / 1000:.3f},A\n" for name in names for stamp in stamps]
            written += file.write("".join(lines).encode())
            step += 1
    return step * meters * 96


def _date(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
