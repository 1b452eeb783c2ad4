"""Every device connector that is shipped: built from its file, served from its own map, polled, and equal.

A new file in connectors/devices is covered by being there.
"""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient

from cityctl.collect.connectors import readme_table, schema_text, with_table
from cityctl.document import read
from cityctl.errors import UsageProblem
from cityctl.modbus.ask import Target
from cityctl.modbus.maps.connector import DeviceConnector, load_connector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.maps.types import TYPES
from cityctl.modbus.plan import plan
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Server
from cityctl.modbus.run import asking_all
from cityctl.reading import Quality
from cityctl.units import unit

FOLDER = Path(__file__).parents[2] / "connectors"
FILES = sorted((FOLDER / "devices").glob("*.yaml"))
EXPONENT = -1

every_connector = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def live_values(device: DeviceConnector) -> dict[str, float | str]:
    """Another value for each point, within its limits and on its steps, worked out without the codec."""
    factors = {p.scale_factor for p in device.points.values() if p.scale_factor is not None}
    live: dict[str, float | str] = {}
    for number, p in enumerate(device.points.values(), 1):
        if p.address in factors:
            live[p.name] = float(EXPONENT)
        elif p.is_text:
            live[p.name] = f"T{number}"
        elif p.enum:
            live[p.name] = float(sorted(p.enum)[number % len(p.enum)])
        else:
            live[p.name] = _number(p, number)
    if device.identify:
        name, value, _ = device.identify
        live[name] = value if isinstance(value, str) else float(value)
    return live


def _number(p: DevicePoint, number: int) -> float:
    step = Decimal(str(p.scale))
    if p.scale_factor is not None:
        step = step.scaleb(EXPONENT)
    if TYPES[p.type].family == "float":
        step = Decimal("0.03125")  # a power of two: a float32 holds it exactly
    low = Decimal(str(p.minimum)) if p.minimum is not None else None
    offset = Decimal(str(p.offset))
    raw = number if low is None or low <= 0 else int((low - offset) / step) + number
    if offset and low is not None:
        raw = int((low - offset) / step) + number
    value = float(raw * step + offset)
    if p.maximum is not None and value > p.maximum:
        value = float(p.maximum)
    return value


CODED_AS = {"enum16": "uint16", "bitfield32": "uint32", "bytes4": "uint32", "utf8_20reg": "string"}
"""Types of the reference facts that go by another name here; the length of a text is said apart."""


def in_our_words(text: str | None) -> str | None:
    """A unit of the facts by its symbol here; None where it is none, such as `user unit`."""
    try:
        return unit({"C": "degC"}.get(text, text)).symbol if text else None
    except UsageProblem:
        return None


def poll(device: DeviceConnector, live: dict[str, float | str]) -> Any:
    async def go() -> Any:
        async with Server({1: Bank.from_connector(device, live.__getitem__)}) as server:
            points = tuple(device.readable())
            (answer,) = await asking_all([Target("d", "127.0.0.1", server.port, 1, device, points, 5.0)])
            return answer

    return asyncio.run(go())


def test_there_are_connectors():
    """All devices of the reference facts, and the SunSpec models 1, 101-103, 111-113, 160, 201-204, 701-704."""
    models = {load_connector(path).sunspec for path in FILES} - {None}
    assert models == {1, 101, 102, 103, 111, 112, 113, 160, 201, 202, 203, 204, 701, 702, 703, 704}


def test_every_device_of_the_facts_is_here(shared):
    known = {path.stem for path in (shared / "facts" / "devices").glob("*.yaml")}
    assert known <= {path.stem for path in FILES}


@every_connector
def test_every_point_comes_back_equal(path):
    device = load_connector(path)
    live = live_values(device)
    answer = poll(device, live)
    assert answer.failures == []
    assert {name: value.value for name, value in answer.values.items()} == {
        name: live[name] for name in device.readable()
    }
    assert {value.quality for value in answer.values.values()} == {Quality.GOOD}


@every_connector
def test_what_the_device_calls_invalid_is_no_value(path):
    device = load_connector(path)
    live: dict[str, Any] = dict(live_values(device))
    mute = [
        name
        for name in device.readable()
        if device.points[name].invalid or TYPES[device.points[name].type].family == "float"
    ]
    if device.identify and device.identify[0] in mute:
        mute.remove(device.identify[0])
    if device.sunspec is not None:  # its header says how long the block is: to its last point
        mute.remove("length")
        live["length"] = None
    answer = poll(device, {**live, **dict.fromkeys(mute)})
    if device.sunspec is not None:
        end = max(p.end for p in device.points.values())
        live["length"] = float(end - device.points["length"].end)
    for name in mute:
        assert answer.values[name].value is None
        assert answer.values[name].quality is Quality.BAD
    for name in set(device.readable()) - set(mute):
        assert answer.values[name].value == live[name]


@every_connector
def test_another_client_reads_the_same(path):
    """pymodbus' client and its own converters, which know the big and the little order of words."""
    device = load_connector(path)
    live = live_values(device)
    kinds = AsyncModbusTcpClient.DATATYPE
    known = {
        **{f"int{size}": getattr(kinds, f"INT{size}") for size in (16, 32, 64)},
        **{f"uint{size}": getattr(kinds, f"UINT{size}") for size in (16, 32, 64)},
        "float32": kinds.FLOAT32,
        "float64": kinds.FLOAT64,
        "acc32": kinds.UINT32,
    }
    words = {"ABCD": "big", "CDAB": "little"}

    async def go() -> int:
        async with Server({1: Bank.from_connector(device, live.__getitem__)}) as server:
            client = AsyncModbusTcpClient("127.0.0.1", port=server.port, retries=0)
            assert await client.connect()
            seen = 0
            for p in device.points.values():
                if p.type not in known or p.word_order not in words:
                    continue
                ask = client.read_holding_registers if p.function_code == 3 else client.read_input_registers
                answer = await ask(p.address, count=p.registers, device_id=1)
                raw = client.convert_from_registers(
                    answer.registers, known[p.type], word_order=words[p.word_order]
                )
                exponent = EXPONENT if p.scale_factor is not None else 0
                scaled = Decimal(str(raw)) * Decimal(str(p.scale)).scaleb(exponent) + Decimal(str(p.offset))
                assert float(scaled) == pytest.approx(live[p.name], rel=1e-12)
                seen += 1
            client.close()
            return seen

    assert asyncio.run(go()) >= 1


@every_connector
def test_it_is_named_sourced_and_measured(path):
    device = load_connector(path)
    assert device.connector == path.stem
    assert device.sources
    assert all(p.confidence in (0, 1, 2) for p in device.points.values())
    if device.confidence == 0:
        assert not device.polled(), "what no source states is polled only where city.yaml names it"
        assert any(note.startswith("UNCONFIRMED") for note in device.notes)
    else:
        assert device.polled(), "a poll would ask for nothing"
    for block in plan(device, device.readable()):
        assert block.count <= device.max_registers


@every_connector
def test_it_holds_against_the_published_schema(path):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((FOLDER / "device.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(json.dumps(read(path).data)), schema)


@every_connector
def test_it_agrees_with_the_facts(path, shared):
    """Each point stands, is coded, scaled and allowed as in the reference facts, where they name it."""
    import yaml

    facts_file = shared / "facts" / "devices" / path.name
    if not facts_file.is_file():
        pytest.skip("no facts of this device")
    facts = yaml.safe_load(facts_file.read_text(encoding="utf-8"))
    device = load_connector(path)
    base = min(p.address for p in device.points.values()) if facts.get("offsets") else 0
    by_place = {(p.function_code, p.address - base): p for p in device.points.values()}
    order = {"big": "ABCD", "little": "CDAB", "1-0-3-2 (factory)": "CDAB", "?": "ABCD"}[facts["word_order"]]
    assert len(facts["points"]) <= len(device.points)
    for fact in facts["points"]:
        p = by_place[fact.get("fc", facts["function_code"]), fact["address"]]
        kind = "string" if fact["type"].startswith("string") else fact["type"]
        assert p.type == CODED_AS.get(kind, kind) or kind.endswith("?")
        if known := in_our_words(fact.get("unit")):
            assert p.unit == known
        assert p.access == {"rw": "readwrite"}.get(fact.get("access", "read"), p.access)
        assert (p.scale, p.offset) == (fact.get("scale", 1.0), fact.get("offset", 0.0))
        assert p.word_order == order
        assert p.confidence <= fact.get("conf", facts["confidence"])
        assert {int(str(code), 0) for code in fact.get("enum", p.enum)} == set(p.enum)
        if "sf" in fact:
            assert p.scale_factor == fact["sf"] + base


def test_the_schema_is_current():
    published = (FOLDER / "device.schema.json").read_text(encoding="utf-8")
    assert published == schema_text(), "run `make schemas`"


def test_the_table_is_current():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert readme == with_table(readme, readme_table(FOLDER / "devices")), "run `make schemas`"


def test_the_readmes_example_is_a_connector(tmp_path):
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    example = readme.partition("```yaml\n")[2].partition("```")[0]
    path = tmp_path / "my_meter.yaml"
    path.write_text(example, encoding="utf-8")
    device = load_connector(path)
    live = live_values(device)
    assert {name: value.value for name, value in poll(device, live).values.items()} == live
