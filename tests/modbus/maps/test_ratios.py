"""Values behind current and voltage transformers, whose ratios a meter keeps in registers of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cityctl.errors import ConfigInvalid
from cityctl.modbus.ask import Answer, Target
from cityctl.modbus.maps.connector import load_connector
from cityctl.modbus.plan import plan
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Request, Server
from cityctl.modbus.run import asking_all
from cityctl.reading import Quality

METER = """\
connector: meter
vendor: Someone
model: Meter 9
class: energy_meter
sources: [a page]
points:
  ct_ratio: {address: 500, type: uint16, polled: false}
  vt_ratio: {address: 502, type: uint16, scale: 0.1, polled: false}
  rated: {address: 510, type: uint16, unit: A, polled: false}
  secondary: {address: 511, type: uint16, unit: A, polled: false}
  power: {address: 0, type: int32, unit: W, scale: 0.1, times: [ct_ratio, vt_ratio], min: -1.0e+6, max: 1.0e+6}
  current: {address: 2, type: uint16, unit: A, scale: 0.001, times: rated, over: secondary}
  hertz: {address: 3, type: uint16, unit: Hz, scale: 0.01}
"""
# 12345 x 0.1 W behind 200/5 A (40) and 10 000/100 V (100.0); 4321 mA behind 600/5 A; 50.01 Hz
HELD = {0: 0, 1: 12345, 2: 4321, 3: 5001, 500: 40, 502: 1000, 510: 600, 511: 5}


def written(tmp_path: Path, text: str = METER) -> Path:
    path = tmp_path / "meter.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def ask(path: Path, registers: dict[int, int], points: tuple[str, ...] = (), hook=None) -> Answer:
    """What a device with these registers answers."""
    connector = load_connector(path)

    class Held(Bank):
        def read(self, function_code: int, address: int, count: int) -> list[int] | int:
            return [registers.get(at, 0) for at in range(address, address + count)]

    async def go() -> Answer:
        async with Server({1: Held(connector, lambda name: None)}, hook=hook) as server:
            wanted = points or tuple(connector.polled())
            (answer,) = await asking_all([Target("m", "127.0.0.1", server.port, 1, connector, wanted)])
            return answer

    return asyncio.run(go())


def values(answer: Answer) -> dict[str, tuple[object, Quality]]:
    return {name: (value.value, value.quality) for name, value in answer.values.items()}


def test_a_value_is_that_on_the_line(tmp_path):
    """1234.5 W x 40 x 100 = 4.938 MW, beyond its limit of 1 MW; 4.321 A x 600 / 5 = 518.52 A."""
    answer = ask(written(tmp_path), HELD)
    assert values(answer) == {
        "power": (4_938_000.0, Quality.SUSPECT),
        "current": (518.52, Quality.GOOD),
        "hertz": (50.01, Quality.GOOD),
    }
    assert not answer.failures


def test_ratios_that_are_asked_for_themselves_are_given(tmp_path):
    answer = ask(written(tmp_path), HELD, ("current", "rated"))
    assert values(answer) == {"current": (518.52, Quality.GOOD), "rated": (600.0, Quality.GOOD)}


@pytest.mark.parametrize(("sign", "power"), [(0, 250.0), (1, -250.0)])
def test_a_sign_in_a_register_of_its_own(tmp_path, sign, power):
    """0 is +, 1 is -: 1 - 2 x register. Without it a feed-in was a draw, and -1 as a ratio was no value at all."""
    points = """\
  sign: {address: 9, type: uint16, scale: -2, offset: 1, polled: false}
  power: {address: 0, type: uint16, unit: kW, times: sign}
"""
    path = written(tmp_path, METER[: METER.index("  ct_ratio")] + points)
    assert values(ask(path, {0: 250, 9: sign})) == {"power": (power, Quality.GOOD)}


APART = """\
  total: {address: 40, type: uint16, unit: kWh, kind: counter, plus: total_high}
  total_high: {address: 10, type: uint16, scale: 65536, polled: false}
"""


def apart(tmp_path: Path) -> Path:
    """A map of a pump module: high registers in one row, low ones in another."""
    return written(tmp_path, METER[: METER.index("  ct_ratio")] + APART)


def test_a_total_whose_high_register_lies_apart(tmp_path):
    """3 x 65536 + 1234 = 197842, in one request: between two the low one may begin anew."""
    path = apart(tmp_path)
    assert values(ask(path, {10: 3, 40: 1234})) == {"total": (197_842.0, Quality.GOOD)}
    (block,) = plan(load_connector(path), ["total", "total_high"])
    assert (block.address, block.count, block.bridged) == (10, 31, 29)


def test_parts_that_do_not_come_together_are_no_value(tmp_path):
    """A device that answers its registers one by one alone: the parts are of two moments."""

    async def one_by_one(request: Request) -> int | None:
        return 2 if request.count > 1 else None

    answer = ask(apart(tmp_path), {10: 3, 40: 1234}, hook=one_by_one)
    assert "total" not in values(answer)
    assert [failure.points for failure in answer.failures] == [("total",)]


def test_a_pretended_device_parts_them_too(tmp_path):
    bank = Bank.from_connector(load_connector(apart(tmp_path)), {"total": 197_842.0}.get)
    assert (bank.read(3, 10, 1), bank.read(3, 40, 1)) == ([3], [1234])


def test_parts_that_fit_into_no_request_are_told(tmp_path):
    path = written(tmp_path, apart(tmp_path).read_text().replace("address: 10,", "address: 400,"))
    with pytest.raises(ConfigInvalid, match="`total_high` is too far away"):
        load_connector(path)


def test_a_ratio_of_0_makes_no_value(tmp_path):
    found = values(ask(written(tmp_path), HELD | {500: 0}))
    assert found["power"] == (None, Quality.BAD)
    assert found["current"] == (518.52, Quality.GOOD)


def test_what_a_doubtful_ratio_makes_is_doubtful(tmp_path):
    """A ratio that is set beyond what its map allows: 4.321 A x 600 / 5, and 600 A is no rating of this meter."""
    path = written(
        tmp_path, METER.replace("510, type: uint16, unit: A,", "510, type: uint16, unit: A, max: 500,")
    )
    assert values(ask(path, HELD))["current"] == (518.52, Quality.SUSPECT)


def test_a_ratio_that_does_not_come_is_told(tmp_path):
    async def refuse(request: Request) -> int | None:
        return 2 if request.address >= 510 else None

    answer = ask(written(tmp_path), HELD, hook=refuse)
    assert set(values(answer)) == {"power", "hertz"}
    (failure,) = answer.failures
    assert failure.points == ("current",)
    assert failure.reason == "rated, which belongs to it, did not come"


def test_each_number_of_a_repeat_has_its_own(tmp_path):
    """5 A x 10 and 5 A x 20."""
    head = METER[: METER.index("points:")]
    repeats = """\
repeats:
  m{n}:
    count: 2
    stride: 10
    points:
      ct: {address: 1, type: uint16, polled: false}
      current: {address: 0, type: uint16, unit: A, times: ct}
"""
    answer = ask(written(tmp_path, head + repeats), {0: 5, 1: 10, 10: 5, 11: 20})
    assert {name: value for name, (value, _) in values(answer).items()} == {
        "m1_current": 50.0,
        "m2_current": 100.0,
    }


def test_a_pretended_device_divides_by_them(tmp_path):
    live = {"power": 80_000.0, "ct_ratio": 40.0, "vt_ratio": 2.0, "current": 3.0}
    bank = Bank.from_connector(load_connector(written(tmp_path)), live.get)
    assert bank.read(3, 0, 3) == [0, 10_000, 3000]  # 80 kW / 40 / 2 in tenths of W; no rating is as 1 over 1
    assert bank.read(3, 500, 1) == [40]


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("[ct_ratio, vt", "[ct_ration, vt", "11:", "no point is named `ct_ration`, did you mean `ct_ratio`?"),
        ("times: rated", "times: power", "12:", "`power` is made with others itself"),
        ("address: 510, type: uint16, unit: A", "address: 510, type: string, length: 2", "12:", "no number"),
        (
            "times: rated",
            "access: readwrite, times: rated",
            "12:",
            "what other points multiply is not written",
        ),
        ("polled: false}\n  vt", "access: write}\n  vt", "11:", "`ct_ratio` cannot be read"),
        (
            "unit: Hz, scale: 0.01",
            "enum: {0: idle}, times: rated",
            "13:",
            "a state or a text is not multiplied",
        ),
    ],
)
def test_what_is_no_ratio_has_its_place(tmp_path, old, new, place, said):
    assert old in METER
    path = written(tmp_path, METER.replace(old, new, 1))
    with pytest.raises(ConfigInvalid) as caught:
        load_connector(path)
    assert f"{path}:{place}" in str(caught.value)
    assert said in str(caught.value)
