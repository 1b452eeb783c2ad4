"""The same device by TCP, TLS, UDP, RTU over TCP and a serial bus; and what is said where a line cannot be opened."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest

from cityctl.modbus import wire_session
from cityctl.modbus.ask import Target
from cityctl.modbus.bank import Bank
from cityctl.modbus.connector import DeviceConnector
from cityctl.modbus.faults import BadAnswer, Closed, ExceptionAnswer, NotConnected, Silent
from cityctl.modbus.line import Link, SerialSettings, TlsSettings, open_line
from cityctl.modbus.line.framing import crc, rtu_answer_size, rtu_frame, tcp_frame
from cityctl.modbus.line.tls import client_context
from cityctl.modbus.point import DevicePoint
from cityctl.modbus.run import asking_all
from cityctl.modbus.wire import Outgoing, Server
from cityctl.modbus.write import write_registers

POINTS = {f"p{at}": DevicePoint(f"p{at}", at, "uint16", 1, 3) for at in range(0, 40, 4)}
CONNECTOR = DeviceConnector("c", "v", "m", "controller", POINTS)
posix = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")


def bank() -> Bank:
    return Bank.from_connector(CONNECTOR, lambda name: float(name[1:]) + 1000)


@pytest.mark.parametrize("kind", ["tcp", "udp", "rtu-tcp", pytest.param("pty", marks=posix)])
def test_a_device_is_read_over_each_transport(kind):
    async def go() -> None:
        async with Server({7: bank()}, kind=kind) as server:
            link = server.link
            target = Target(
                "d",
                link.host,
                link.port,
                7,
                CONNECTOR,
                tuple(POINTS),
                transport=link.kind,
                serial=link.serial,
            )
            (answer,) = await asking_all([target])
            assert {n: v.value for n, v in answer.values.items()} == {n: float(n[1:]) + 1000 for n in POINTS}
            line = await open_line(link, 2)
            with pytest.raises(ExceptionAnswer, match="illegal address"):
                await line.read(7, 3, 1, 1, timeout=2)
            line.close()

    asyncio.run(go())


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


def test_nobody_listens_on_a_udp_port_and_it_is_said_at_once():
    async def go() -> None:
        server = Server({1: bank()}, kind="udp")
        await server.start()
        await server.stop()
        line = await open_line(server.link, 2)
        begun = monotonic()
        with pytest.raises(Closed, match="nothing listens on that UDP port"):
            await line.read(1, 3, 0, 1, timeout=5)
        assert monotonic() - begun < 2
        line.close()

    asyncio.run(go())


def test_a_serial_port_that_is_not_there_is_named():
    async def go() -> None:
        name = "COM987" if sys.platform == "win32" else "/dev/ttyNOWHERE"
        with pytest.raises(NotConnected, match=f"serial port {name}"):
            await open_line(Link(name, 0, "rtu", SerialSettings()), 2)

    asyncio.run(go())


@posix
def test_a_serial_port_that_goes_away_fails_at_once():
    """An adapter that is pulled: the other end of a pseudo terminal is closed."""

    async def go() -> None:
        master, slave = os.openpty()
        name = os.ttyname(slave)
        line = await open_line(Link(name, 0, "rtu", SerialSettings(parity="none")), 2)
        os.close(slave)
        begun = monotonic()
        asyncio.get_running_loop().call_later(0.1, os.close, master)
        with pytest.raises(Closed, match=name):
            await line.read(1, 3, 0, 1, timeout=5)
        assert monotonic() - begun < 2
        line.close()

    asyncio.run(go())


@posix
def test_a_second_program_cannot_open_the_same_port():
    async def go() -> None:
        async with Server({1: bank()}, kind="pty") as server:
            line = await open_line(server.link, 2)
            with pytest.raises(NotConnected, match="another program"):
                await open_line(server.link, 2)
            line.close()

    asyncio.run(go())


@posix
def test_on_a_bus_a_late_answer_is_found_out_by_an_echo():
    """The device answers 0.2 s late, once; the next question gets its own answer, not that one."""
    late = True

    async def once_late(answer: Outgoing) -> None:
        nonlocal late
        if late:
            late = False
            await asyncio.sleep(0.2)
        answer.write(answer.frame)

    async def go() -> None:
        async with Server({1: bank()}, kind="pty", outgoing=once_late) as server:
            line = await open_line(server.link, 2)
            with pytest.raises(Silent):
                await line.read(1, 3, 0, 1, timeout=0.1)
            assert not line.trusts(1)
            await line.settle(1, timeout=2)
            assert line.trusts(1)
            assert (await line.read(1, 3, 4, 1, timeout=2)).registers == (1004,)
            assert line.late == 1
            assert server.counts[8] == 1
            line.close()

    asyncio.run(go())


@posix
def test_a_line_that_is_opened_anew_knows_what_the_bus_still_owes():
    """The first line gives up and is closed; its late answer comes while the second one asks something else."""
    late = True

    async def once_late(answer: Outgoing) -> None:
        nonlocal late
        if late:
            late = False
            await asyncio.sleep(0.3)
        answer.write(answer.frame)

    async def go() -> None:
        async with Server({1: bank()}, kind="pty", outgoing=once_late) as server:
            first = await open_line(server.link, 2)
            with pytest.raises(Silent):
                await first.read(1, 3, 0, 1, timeout=0.1)
            first.close()
            second = await open_line(server.link, 2)
            assert (await second.read(1, 3, 4, 1, timeout=2)).registers == (1004,)
            assert server.counts[8] == 1
            second.close()

    asyncio.run(go())


@posix
@pytest.mark.parametrize("mute", [False, True])
def test_a_late_answer_is_found_out_on_a_device_without_echo_too(mute, monkeypatch):
    """Function 8 is optional: many devices refuse it, and some say nothing at all to what they do not know."""
    real = wire_session.answer_to

    async def without_echo(server: Server, unit: int, pdu: bytes) -> bytes | None:
        if pdu[0] == 8:
            return None if mute else bytes((0x88, 1))
        return await real(server, unit, pdu)

    monkeypatch.setattr(wire_session, "answer_to", without_echo)
    late = [0.2, 0.0, 0.2]

    async def sometimes_late(answer: Outgoing) -> None:
        await asyncio.sleep(late.pop(0) if late and answer.request.count == 4 else 0)
        answer.write(answer.frame)

    wide = DeviceConnector(
        "w", "v", "m", "controller", {f"w{at}": DevicePoint(f"w{at}", at, "uint16", 1, 3) for at in range(8)}
    )

    async def go() -> None:
        pretended = Bank.from_connector(wide, lambda name: float(name[1:]) + 1000)
        async with Server({1: pretended}, kind="pty", outgoing=sometimes_late) as server:
            line = await open_line(server.link, 2)
            with pytest.raises(Silent):
                await line.read(1, 3, 0, 4, timeout=0.1)
            assert (await line.read(1, 3, 4, 4, timeout=2)).registers == (1004, 1005, 1006, 1007)
            assert line.late == 1
            with pytest.raises(Silent):
                await line.read(1, 3, 0, 4, timeout=0.1)
            assert (await line.read(1, 3, 4, 4, timeout=2)).registers == (1004, 1005, 1006, 1007)
            if mute:  # what was lost before this line was opened: no read is known that could tell
                line.distrust(1)
                with pytest.raises(Silent):
                    await line.settle(1, timeout=0.1)
                assert not line.trusts(1)
            line.close()

    asyncio.run(go())


@pytest.mark.parametrize("kind", ["tcp", "rtu-tcp", pytest.param("pty", marks=posix)])
@pytest.mark.parametrize("apart", [0.0, 0.0005, 0.002])
def test_an_answer_that_comes_twice_is_never_the_next_ones(kind, apart):
    """A gateway that repeats itself: in one piece, or a moment later, when the next request is on its way."""

    async def twice(answer: Outgoing) -> None:
        if not apart:
            answer.write(answer.frame * 2)
            return
        answer.write(answer.frame)
        await asyncio.sleep(apart)
        answer.write(answer.frame)

    async def go() -> None:
        async with Server({1: bank()}, kind=kind, outgoing=twice) as server:
            link, good = server.link, 0
            target = Target(
                "d",
                link.host,
                link.port,
                1,
                CONNECTOR,
                tuple(POINTS),
                0.5,
                transport=link.kind,
                serial=link.serial,
            )
            for _ in range(5):
                (answer,) = await asking_all([target])
                assert all(v.value == float(n[1:]) + 1000 for n, v in answer.values.items())
                good += answer.had
            assert good > 0

    asyncio.run(go())


def test_two_answers_in_one_piece_are_both_refused_where_nothing_says_which_is_which():
    last = b""

    async def with_the_last(answer: Outgoing) -> None:
        nonlocal last
        answer.write(last + answer.frame)
        last = answer.frame

    async def go() -> None:
        async with Server({1: bank()}, kind="rtu-tcp", outgoing=with_the_last) as server:
            line = await open_line(server.link, 2)
            assert (await line.read(1, 3, 0, 1, timeout=1)).registers == (1000,)
            with pytest.raises(BadAnswer, match="two answers"):
                await line.read(1, 3, 4, 1, timeout=1)
            line.close()

    asyncio.run(go())


@pytest.mark.parametrize("kind", ["rtu-tcp", pytest.param("pty", marks=posix)])
def test_blocks_that_hold_the_same_are_read_all_the_same_and_no_write_is_sent_twice(kind):
    """All zeros twice: the second is asked for once more. A second write whose echo is the same is not."""
    idle = {f"p{at}": DevicePoint(f"p{at}", at, "uint16", 1, 3, access="readwrite") for at in (0, 4, 8)}
    connector = DeviceConnector("c", "v", "m", "controller", idle)

    async def go() -> None:
        async with Server(
            {1: Bank.from_connector(connector, lambda _: 0.0)}, kind=kind, writes=True
        ) as server:
            line = await open_line(server.link, 2)
            for at in (0, 4, 8):
                assert (await line.read(1, 3, at, 1, timeout=2)).registers == (0,)
            assert server.counts[3] == 5
            await write_registers(line, 1, 0, [1])
            await write_registers(line, 1, 0, [2])
            assert [request.values for request in server.written] == [(1,), (2,)]
            line.close()

    asyncio.run(go())


@posix
def test_noise_on_a_bus_is_refused_and_the_line_recovers():
    noisy = True

    async def noise(answer: Outgoing) -> None:
        nonlocal noisy
        answer.write((b"\x01\x03\x02\xff\xff\x00\x00\x7f" if noisy else b"") + answer.frame)
        noisy = False

    async def go() -> None:
        async with Server({1: bank()}, kind="pty", outgoing=noise) as server:
            line = await open_line(server.link, 2)
            with pytest.raises(BadAnswer, match="CRC"):
                await line.read(1, 3, 0, 1, timeout=1)
            await line.settle(1, timeout=2)
            assert (await line.read(1, 3, 4, 1, timeout=2)).registers == (1004,)
            line.close()

    asyncio.run(go())


def test_a_real_serial_pair_of_socat(tmp_path):
    """Both ends opened as serial ports, by pyserial: the server on one, the poll on the other."""
    import shutil
    import subprocess

    socat = shutil.which("socat")
    if socat is None:
        pytest.skip("socat is not here")
    ends = [tmp_path / "plant", tmp_path / "here"]
    words = [f"pty,raw,echo=0,link={end}" for end in ends]
    process = subprocess.Popen([socat, *words])
    try:
        until = monotonic() + 10
        while not all(end.exists() for end in ends) and monotonic() < until:
            asyncio.run(asyncio.sleep(0.01))
        serial = SerialSettings(115200, "none", 1, 8)

        async def go() -> None:
            async with Server({3: bank(), 4: bank()}, str(ends[0]), kind="rtu", serial=serial):
                chosen = [
                    Target(
                        f"m{unit}", str(ends[1]), 0, unit, CONNECTOR, tuple(POINTS), timeout=0.5, transport="rtu",
                        serial=serial,
                    )
                    for unit in (3, 4, 5)
                ]  # fmt: skip
                third, fourth, absent = await asking_all(chosen)
            assert not third.failures
            assert not fourth.failures
            assert absent.reason == f"{ends[1]} open; unit 5 silent"

        asyncio.run(go())
    finally:
        process.terminate()
        process.wait(10)


# TLS: authorities and certificates are made for the test


class Papers:
    def __init__(self, folder: Path) -> None:
        trustme = pytest.importorskip("trustme")
        self.folder = folder
        self.authority, self.other = trustme.CA(), trustme.CA()
        self.server = self.authority.issue_cert("127.0.0.1", "plc.example")
        self.client = self.authority.issue_cert("historian@example")
        self.ca, self.other_ca = folder / "ca.pem", folder / "other.pem"
        self.authority.cert_pem.write_to_path(self.ca)
        self.other.cert_pem.write_to_path(self.other_ca)
        self.certificate = folder / "client.pem"
        self.client.private_key_and_cert_chain_pem.write_to_path(self.certificate)

    def context(self, *, wants_client: bool = True) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.configure_cert(context)
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            self.authority.configure_trust(context)
        return context


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return Papers(tmp_path_factory.mktemp("tls"))


def over_tls(context: ssl.SSLContext, tls: TlsSettings, host: str = "127.0.0.1") -> tuple[int, ...]:
    async def go() -> tuple[int, ...]:
        async with Server({1: bank()}, kind="tls", context=context) as server:
            line = await open_line(Link(host, server.port, "tls", None, tls), 3)
            try:
                return (await line.read(1, 3, 8, 1, timeout=2)).registers
            finally:
                line.close()

    return asyncio.run(go())


def test_tls_with_a_client_certificate(papers):
    assert over_tls(papers.context(), TlsSettings(papers.ca, papers.certificate)) == (1008,)
    named = TlsSettings(papers.ca, papers.certificate, host_name="plc.example")
    assert over_tls(papers.context(), named) == (1008,)


def test_a_peer_of_another_authority_is_refused(papers):
    with pytest.raises(NotConnected, match="certificate is not trusted"):
        over_tls(papers.context(), TlsSettings(papers.other_ca, papers.certificate))


def test_an_expired_peer_is_refused_with_the_reason(papers):
    old = papers.authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.configure_cert(context)
    with pytest.raises(NotConnected, match="certificate has expired"):
        over_tls(context, TlsSettings(papers.ca))


def test_a_peer_that_only_trusts_itself_is_refused_by_the_systems_authorities(papers):
    with pytest.raises(NotConnected, match="certificate is not trusted"):
        over_tls(papers.context(wants_client=False), TlsSettings())


def test_a_peer_of_another_name_is_refused(papers):
    with pytest.raises(NotConnected, match=r"certificate is not for `pump\.example`"):
        over_tls(papers.context(), TlsSettings(papers.ca, papers.certificate, host_name="pump.example"))


def test_a_missing_client_certificate_is_said(papers):
    # TLS 1.3 tells the client only after the handshake: with its first request
    with pytest.raises((NotConnected, Closed), match="certificate"):
        over_tls(papers.context(), TlsSettings(papers.ca))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_old_tls_is_refused(papers):
    context = papers.context(wants_client=False)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(NotConnected, match="TLS"):
        over_tls(context, TlsSettings(papers.ca))
    assert client_context(TlsSettings(papers.ca)).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_port_without_tls_is_said(papers):
    async def go() -> None:
        async with Server({1: bank()}) as server:
            with pytest.raises(NotConnected, match="TLS"):
                await open_line(Link("127.0.0.1", server.port, "tls", None, TlsSettings(papers.ca)), 1)

    asyncio.run(go())


def test_a_file_that_is_not_there_is_named(papers, tmp_path):
    missing = tmp_path / "none.pem"
    with pytest.raises(NotConnected, match=r"certificate in .*none\.pem cannot be used: no such file"):
        client_context(TlsSettings(papers.ca, missing))
    with pytest.raises(NotConnected, match=r"authorities in .*none\.pem"):
        client_context(TlsSettings(missing))
