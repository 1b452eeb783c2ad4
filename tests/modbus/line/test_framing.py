"""Bytes around a PDU: checksums, headers, and how long an RTU answer is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from cityctl.modbus.line import Link, open_line
from cityctl.modbus.line.faults import BadAnswer, Silent
from cityctl.modbus.line.framing import crc, rtu_answer_size, rtu_frame, tcp_frame
from cityctl.modbus.pretended.wire import Server
from tests.modbus.ten_words import bank


# RTU frames of MODBUS over Serial Line V1.02 and of Modbus documents: the CRC of 02 07 is 0x1241, sent low
# byte first (appendix B); 01 03 00 00 00 0A has C5 CD in every vendor's manual.
@pytest.mark.parametrize(
    ("body", "sum_"), [("0207", "4112"), ("01030000000a", "c5cd"), ("11030 06b0003".replace(" ", ""), "7687")]
)
def test_the_checksum_is_that_of_the_documents(body, sum_):
    assert crc(bytes.fromhex(body)).hex() == sum_


def test_frames_are_those_of_pymodbus():
    """Byte for byte, by another hand: pymodbus' framers and PDUs."""
    from pymodbus.framer import FramerRTU, FramerSocket
    from pymodbus.pdu import DecodePDU
    from pymodbus.pdu.register_message import ReadHoldingRegistersRequest

    pdu = ReadHoldingRegistersRequest(address=0x1234, count=99, dev_id=17, transaction_id=0xBEEF)
    ours = bytes.fromhex("03 1234 0063")
    assert FramerSocket(DecodePDU(False)).buildFrame(pdu) == tcp_frame(0xBEEF, 17, ours)
    assert FramerRTU(DecodePDU(False)).buildFrame(pdu) == rtu_frame(17, ours)


def test_an_rtu_answer_says_its_size_by_its_function():
    # unit, function; byte count; Read Device Identification with objects of 3 and 2 letters
    assert rtu_answer_size(bytes.fromhex("01")) is None
    assert rtu_answer_size(bytes.fromhex("0183")) == 5
    assert rtu_answer_size(bytes.fromhex("010304")) == 9
    assert rtu_answer_size(bytes.fromhex("0110")) == 8
    assert rtu_answer_size(bytes.fromhex("0116")) == 10
    assert rtu_answer_size(bytes.fromhex("0155")) == 0
    identity = bytes.fromhex("012b0e01010000 02 00 03 616263 01 02 6465")
    assert rtu_answer_size(identity) == len(identity) + 2
    assert rtu_answer_size(identity[:12]) is None


async def _read_over(rewrite: Callable[[bytes], bytes]) -> tuple[int, ...]:
    async with Server({1: bank()}, kind="rtu-tcp", rewrite=rewrite) as server:
        line = await open_line(server.link, 5)
        try:
            return (await line.read(1, 3, 4, 1, timeout=0.5)).registers
        finally:
            line.close()


@pytest.mark.parametrize("noise", [b"\0", b"\xff\x03", b"\x01\x03\x02", b"\x01\x83\x02\xc0"])
def test_a_few_bytes_before_an_answer_are_noise(noise):
    """What a bus picks up while it is turned round, whatever it looks like."""
    assert asyncio.run(_read_over(lambda frame: noise + frame)) == (1004,)


def test_what_an_adapter_echoes_is_not_taken_for_the_echo_of_the_device():
    """After a lost answer a device is asked to echo a number: the adapter's own copy of that proves nothing."""

    async def go() -> list[str]:
        async def adapter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while asked := await reader.read(64):
                writer.write(asked)

        door = await asyncio.start_server(adapter, "127.0.0.1", 0)
        line = await open_line(Link("127.0.0.1", door.sockets[0].getsockname()[1], "rtu-tcp"), 2)
        said = []
        for at in (0, 4):
            with pytest.raises((BadAnswer, Silent)) as caught:
                await line.read(1, 3, at, 1, timeout=0.3)
            said.append(str(caught.value))
        line.close()
        door.close()
        return said

    assert all("the adapter echoes what it sends" in one for one in asyncio.run(go()))


def test_an_adapter_that_echoes_is_told_by_name():
    asked = rtu_frame(1, b"\x03\x00\x04\x00\x01")
    with pytest.raises(BadAnswer, match="the adapter echoes what it sends"):
        asyncio.run(_read_over(lambda frame: asked + frame))
