"""Which connector fits: the right one is found on its own device, and a wrong order of words is seen."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.modbus.careful import CarefulLine
from cityctl.modbus.looking.identify import CERTAIN, Fit, Registers, fits
from cityctl.modbus.looking.plausible import guess_order, likelihood
from cityctl.modbus.looking.who import Identity
from cityctl.modbus.maps.codec import nearest
from cityctl.modbus.maps.connector import DeviceConnector, DeviceId, load_connector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.maps.types import WORD_ORDERS
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Server
from cityctl.modbus.sunspec import chain
from tests.modbus.sunspec_device import SunSpecDevice

SHIPPED = Path(__file__).parents[2] / "connectors" / "devices"
ALL = {path.stem: load_connector(path) for path in sorted(SHIPPED.glob("*.yaml"))}
# what such devices show on a working day
USUAL = {
    "V": 231.4, "A": 12.7, "Hz": 50.02, "W": 8421.0, "kW": 8.421, "kWh": 48211.0, "Wh": 48211000.0, "VA": 9100.0,
    "var": 1210.0, "kVA": 9.1, "kvar": 1.21, "%": 71.5, "degC": 21.5, "K": 294.0, "bar": 3.42, "m3/h": 42.5,
    "m3/s": 0.0118, "m3": 81234.5, "h": 18250.0, "rpm": 1450.0, "m/s": 1.21, "NTU": 0.31, "kvarh": 8120.0,
    "kVAh": 51000.0, "varh": 8120000.0, "VAh": 51000000.0, "kg/s": 11.8, "kg/h": 42500.0, "kOhm": 31.0,
}  # fmt: skip


def day(connector: DeviceConnector) -> Bank:
    def value(name: str) -> float | str:
        p = connector.points[name]
        if connector.identify and name == connector.identify[0]:
            return connector.identify[1]
        if p.is_text:
            return "X-1"
        if connector.is_factor(p):
            return -1.0
        if p.enum:
            return float(sorted(p.enum)[0])
        shown = USUAL.get(p.unit or "", 37.5)
        return min(max(shown, p.minimum or shown), p.maximum if p.maximum is not None else shown)

    return Bank.from_connector(connector, value)


def tried(bank: Any, identity: Identity, connectors: dict[str, DeviceConnector] = ALL) -> list[Fit]:
    async def go() -> list[Fit]:
        async with Server({1: bank}) as server:
            line = CarefulLine(server.link, rate=0)
            try:
                models = await chain(line, 1, timeout=2.0)
                return await fits(connectors.values(), Registers(line, 1, 2.0), identity, models)
            finally:
                line.close()

    return asyncio.run(go())


CONFIRMED = [name for name, connector in ALL.items() if connector.confidence > 0]
# what shares its map with others, or says too little to be told from its values
ALIKE = {
    "siemens_pac2200": {"siemens_pac3200", "siemens_pac4200"},
    "siemens_pac3200": {"siemens_pac2200", "siemens_pac4200"},
    "siemens_pac4200": {"siemens_pac2200", "siemens_pac3200"},
    "schneider_pm5560": {"schneider_iem3000"},
}


@pytest.mark.parametrize("name", CONFIRMED)
def test_each_device_is_found_without_a_word_from_it(name):
    found = tried(day(ALL[name]), Identity())
    best = {fit.connector.connector for fit in found if fit.score == found[0].score}
    assert found[0].score > 0
    assert name in best, [(fit.connector.connector, fit.score, fit.reasons) for fit in found[:3]]
    assert best - {name} <= ALIKE.get(name, set())


def test_what_the_device_calls_itself_decides_between_maps_that_are_alike():
    found = tried(day(ALL["siemens_pac3200"]), Identity("Siemens AG", "PAC3200", "2.1"))
    assert found[0].connector.connector == "siemens_pac3200"
    assert "it names its maker and model: `Siemens AG PAC3200 2.1`" in found[0].reasons
    assert found[0].score < CERTAIN


def test_an_identifying_point_is_evidence_both_ways():
    (right,) = tried(day(ALL["socomec_diris_a10"]), Identity(), {"a": ALL["socomec_diris_a10"]})
    assert right.score >= CERTAIN
    assert "maker is `SOCO`" in right.reasons
    other = Bank.from_connector(
        ALL["socomec_diris_a10"], lambda name: "ACME" if name in ("maker", "model_name") else 230.0
    )
    (wrong,) = tried(other, Identity(), {"a": ALL["socomec_diris_a10"]})
    assert wrong.score == 0
    assert "maker is `ACME`, not SOCO" in wrong.reasons


def test_patterns_of_the_connector_are_evidence():
    from dataclasses import replace

    connector = replace(ALL["eastron_sdm630"], device_id=DeviceId(vendor="eastron*", product="sdm?30*"))
    identity = Identity("EASTRON Europe", "SDM630-Modbus", "1.0")
    (fit,) = tried(day(connector), identity, {"a": connector})
    assert fit.score >= CERTAIN
    (other,) = tried(day(connector), Identity("EASTRON Europe", "SDM120"), {"a": connector})
    assert other.score < CERTAIN


def test_a_register_that_names_the_model_is_evidence_both_ways():
    """The product code of a MAG 6000 (24), of a MASS 6000 (25), which has the same map, and a code without a name."""
    mag = ALL["siemens_mag6000"]

    def fit(code: float | None) -> Fit:
        held = dict.fromkeys(mag.points, 1.5) | {"product_code": code}
        return tried(Bank.from_connector(mag, held.get), Identity(), {"a": mag})[0]

    assert fit(24).score >= CERTAIN
    assert "product_code says `MAG 6000`" in fit(24).reasons
    assert fit(25).score >= CERTAIN
    assert fit(None).score >= CERTAIN  # what a pretended one says where nobody says otherwise
    assert fit(3).score < CERTAIN
    b21 = Bank.from_connector(ALL["abb_b23_b24"], {"model_id": 0x42323120, "voltage_l1": 231.0}.get)
    (meter,) = tried(b21, Identity(), {"a": ALL["abb_b23_b24"]})
    assert "model_id says `B21`, not B2[34]" in meter.reasons
    assert meter.score < CERTAIN


def test_sunspec_models_are_certain():
    common, meter = ALL["sunspec_common"], ALL["sunspec_203"]
    live = {name: "X" if p.is_text else 1.0 for name, p in common.points.items()}
    shown = {name: -1.0 if meter.is_factor(p) else 1.0 for name, p in meter.points.items()} | {
        "model_id": 203
    }
    found = tried(SunSpecDevice([(common, live, 66), (meter, shown, 105)], 50_000), Identity())
    assert [(fit.connector.connector, fit.score) for fit in found[:2]] == [
        ("sunspec_203", 100),
        ("sunspec_common", 95),
    ]
    assert found[0].connector.base == 50_070
    assert found[0].reasons == ["SunSpec model 203 begins at 50070, 105 registers long"]


def test_zeros_say_nothing():
    class Zeros:
        connector = ALL["eastron_sdm630"]

        def read(self, function_code: int, address: int, count: int) -> list[int]:
            return [0] * count

    assert max(fit.score for fit in tried(Zeros(), Identity())) == 0


def point(name: str, unit: str | None, type_: str = "float32", **fields: Any) -> DevicePoint:
    registers = {"float32": 2, "uint32": 2, "uint16": 1, "float64": 4}[type_]
    return DevicePoint(name, 0, type_, registers, 3, unit=unit, **fields)


METER = [point("v", "V"), point("a", "A"), point("hz", "Hz"), point("kw", "kW"), point("t", "degC")]


@given(
    order=st.sampled_from(WORD_ORDERS),
    volts=st.floats(200, 250, width=32),
    amperes=st.floats(1, 100, width=32),
    hertz=st.floats(49.5, 50.5, width=32),
)
def test_the_order_of_words_is_seen(order, volts, amperes, hertz):
    """Whatever the true order is, in it every value looks real; another is never called likelier."""
    shown = {"v": volts, "a": amperes, "hz": hertz, "kw": volts * amperes / 1000, "t": 21.5}
    registers = {p.name: nearest(p, shown[p.name], order) for p in METER}
    guess = guess_order(METER, registers, order)
    assert guess is not None
    assert (guess.share, guess.own_share) == (1.0, 1.0)
    assert not guess.differs


@pytest.mark.parametrize("true", WORD_ORDERS)
@pytest.mark.parametrize("said", WORD_ORDERS)
def test_a_wrong_order_is_told(true, said):
    # 230.7 V is 43 66 B3 33, 17.3 A 41 8A 66 66, 50.02 Hz 42 48 14 7B, 3.991 kW 40 7F 6C 8B: no two bytes alike
    shown = {"v": 230.7, "a": 17.3, "hz": 50.02, "kw": 3.991, "t": 21.53}
    registers = {p.name: nearest(p, shown[p.name], true) for p in METER}
    guess = guess_order(METER, registers, said)
    assert guess is not None
    assert guess.order == true
    assert guess.differs == (true != said)


def test_no_guess_from_nothing():
    assert guess_order(METER, {"v": [0, 0]}, "ABCD") is None
    assert guess_order([point("n", None, "uint16")], {"n": [5]}, "ABCD") is None


@pytest.mark.parametrize(
    ("p", "value", "chance"),
    [
        (point("v", "V"), 231.0, 1.0),
        (point("v", "V"), 1e30, 0.0),
        (point("v", "mV"), 231000.0, 1.0),  # the span of volts in millivolts
        (point("v", "V", minimum=300.0), 231.0, 0.0),
        (point("x", None), 12.5, 0.7),
        (point("x", None), 3e-30, 0.0),
        (point("x", None), 0.0, None),
        (point("x", None), None, None),
        (point("s", None, "uint16", kind="state", enum={1: "on"}), 1.0, 0.9),
        (point("s", None, "uint16", kind="state", enum={1: "on"}), 9.0, 0.0),
    ],
)
def test_how_likely_a_value_is(p, value, chance):
    assert likelihood(p, value) == chance
