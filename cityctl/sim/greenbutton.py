"""Writes hourly energy as a Green Button feed: Atom entries with NAESB ESPI resources (REQ.21).

UsagePoint, MeterReading and ReadingType, then one IntervalBlock a local day; resources are joined by their
links. Knows no HTTP and not where the figures come from.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from cityctl.sim.town.localtime import DAY, LocalTime
from cityctl.sim.town.noise import Floats, Integers

FORWARD, REVERSE = 1, 19  # ESPI flowDirection: delivered to the customer, received from the customer
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
_ESPI = 'xmlns="http://naesb.org/espi"'


def feed(
    usage_point: str,
    title: str,
    starts: Integers,
    energy_kwh: Floats,
    *,
    updated: int,
    local: LocalTime,
    flow_direction: int = FORWARD,
) -> bytes:
    """The feed of one usage point: energy of the hours beginning at `starts` [s since 1970], in whole Wh."""
    root = f"/espi/1_1/resource/UsagePoint/{usage_point}"
    reading = f"{root}/MeterReading/1"
    stamp = _instant(updated)
    parts = [
        _HEAD,
        f"<id>{_identity(root, 'feed')}</id><title>{escape(title)}</title><updated>{stamp}</updated>",
        _entry(
            root, (f"{root}/MeterReading", "/espi/1_1/resource/LocalTimeParameters/1"), title, stamp,
            f"<UsagePoint {_ESPI}><ServiceCategory><kind>0</kind></ServiceCategory></UsagePoint>",
        ),
        _entry(
            "/espi/1_1/resource/LocalTimeParameters/1", (), "Central European Time", stamp,
            f"<LocalTimeParameters {_ESPI}><dstEndRule>AE0E3000</dstEndRule><dstOffset>3600</dstOffset>"
            "<dstStartRule>3E0E2000</dstStartRule><tzOffset>3600</tzOffset></LocalTimeParameters>",
        ),
        _entry(
            reading, (f"{reading}/IntervalBlock", "/espi/1_1/resource/ReadingType/1"), "Hourly energy", stamp,
            f"<MeterReading {_ESPI}/>",
        ),
        _entry(
            "/espi/1_1/resource/ReadingType/1", (), "Energy, Wh an hour", stamp,
            f"<ReadingType {_ESPI}><accumulationBehaviour>4</accumulationBehaviour><commodity>1</commodity>"
            f"<dataQualifier>12</dataQualifier><flowDirection>{flow_direction}</flowDirection>"
            "<intervalLength>3600</intervalLength><kind>12</kind><phase>769</phase>"
            "<powerOfTenMultiplier>0</powerOfTenMultiplier><timeAttribute>0</timeAttribute><uom>72</uom>"
            "</ReadingType>",
        ),
    ]  # fmt: skip
    parts += _blocks(reading, stamp, starts, energy_kwh, local)
    parts.append("</feed>\n")
    return "\n".join(parts).encode()


def _blocks(reading: str, stamp: str, starts: Integers, energy_kwh: Floats, local: LocalTime) -> list[str]:
    if starts.size == 0:
        return []
    days = (local.local(starts) // DAY).tolist()
    watt_hours = np.rint(energy_kwh * 1000.0).astype(np.int64).tolist()
    rows = zip(days, starts.tolist(), watt_hours, strict=True)
    blocks = []
    for day, hours in groupby(rows, key=lambda row: row[0]):
        body = []
        first = last = None
        for _, start, value in hours:
            first, last = (start if first is None else first), start
            body.append(
                "<IntervalReading><timePeriod><duration>3600</duration>"
                f"<start>{start}</start></timePeriod><value>{value}</value></IntervalReading>"
            )
        assert first is not None
        assert last is not None
        interval = f"<interval><duration>{last + 3600 - first}</duration><start>{first}</start></interval>"
        blocks.append(
            _entry(
                f"{reading}/IntervalBlock/{day}", (), "", stamp,
                f"<IntervalBlock {_ESPI}>{interval}{''.join(body)}</IntervalBlock>",
                up=f"{reading}/IntervalBlock",
            )
        )  # fmt: skip
    return blocks


def _entry(
    self_: str, related: tuple[str, ...], title: str, stamp: str, content: str, up: str | None = None
) -> str:
    parent = up or self_.rpartition("/")[0]
    links = "".join(f"<link rel={quoteattr('related')} href={quoteattr(href)}/>" for href in related)
    return (
        f"<entry><id>{_identity(self_, 'entry')}</id>"
        f'<link rel="self" href={quoteattr(self_)}/><link rel="up" href={quoteattr(parent)}/>{links}'
        f"<title>{escape(title)}</title><content>{content}</content>"
        f"<published>{stamp}</published><updated>{stamp}</updated></entry>"
    )


def _identity(href: str, what: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{what} {href}')}"


def _instant(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
