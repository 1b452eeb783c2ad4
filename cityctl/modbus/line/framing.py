"""Bytes around a PDU: the header of Modbus/TCP, unit and CRC of RTU.

MODBUS Messaging on TCP/IP Implementation Guide V1.0b, section 3.1.3; MODBUS over Serial Line V1.02, section 2.5.1.
"""

from __future__ import annotations

import struct

HEADER = 7  # transaction (2), protocol (2), length (2), unit (1)
_MBAP = struct.Struct(">HHHB")


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_CRC = _crc_table()


def crc(data: bytes | bytearray) -> bytes:
    """CRC-16 of RTU frames as it is sent, the low byte first (the same, section 6.2.2)."""
    value = 0xFFFF
    table = _CRC
    for byte in data:
        value = value >> 8 ^ table[(value ^ byte) & 0xFF]
    return value.to_bytes(2, "little")


def tcp_frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    """A PDU behind its Modbus/TCP header."""
    return _MBAP.pack(transaction, 0, len(pdu) + 1, unit) + pdu


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    """A PDU between its unit and its CRC."""
    body = bytes((unit,)) + pdu
    return body + crc(body)


def tcp_header(transaction: int, length: int, unit: int) -> bytes:
    """The header alone; `length` counts the unit and the PDU."""
    return _MBAP.pack(transaction, 0, length, unit)


def tcp_head(buffer: bytes | bytearray) -> tuple[int, int, int, int]:
    """(transaction, protocol, length, unit) of a header."""
    head: tuple[int, int, int, int] = _MBAP.unpack_from(buffer)
    return head


def rtu_answer_size(buffer: bytes | bytearray) -> int | None:
    """Bytes of the RTU answer that a buffer begins with; None where more must come, 0 where it is none.

    An RTU frame does not say how long it is: its function code does.
    """
    if len(buffer) < 2:
        return None
    code = buffer[1]
    if code & 0x80:
        return 5
    if code in (5, 6, 8, 15, 16):
        return 8
    if code == 22:
        return 10
    if code in (1, 2, 3, 4, 17, 23):
        return 5 + buffer[2] if len(buffer) > 2 else None
    if code == 43:
        return _identification_size(buffer)
    return 0


def _identification_size(buffer: bytes | bytearray) -> int | None:
    """Read Device Identification: eight bytes, then objects of (id, length, text), then the CRC."""
    at = 8
    if len(buffer) < at:
        return None
    for _ in range(buffer[7]):
        if len(buffer) < at + 2:
            return None
        at += 2 + buffer[at + 1]
    return at + 2


def rtu_request_size(buffer: bytes | bytearray) -> int | None:
    """The same of a request."""
    if len(buffer) < 2:
        return None
    code = buffer[1]
    if code in (1, 2, 3, 4, 5, 6, 8):
        return 8
    if code in (7, 11, 12, 17):
        return 4
    if code in (15, 16):
        return 9 + buffer[6] if len(buffer) > 6 else None
    if code == 22:
        return 10
    if code == 23:
        return 13 + buffer[10] if len(buffer) > 10 else None
    if code == 43:
        return 7
    return 0
