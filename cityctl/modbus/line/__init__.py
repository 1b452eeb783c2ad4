"""One line to devices: a TCP or TLS connection, a UDP port or a serial bus, with one request outstanding.

Frames and transactions of our own: every answer is checked before anything else sees it. Knows bytes and
units, no points, and nothing of pymodbus.
"""

from cityctl.modbus.line.frame import Frame
from cityctl.modbus.line.line import Line
from cityctl.modbus.line.link import Link, SerialSettings, TlsSettings
from cityctl.modbus.line.opening import open_line, open_tcp

__all__ = ["Frame", "Line", "Link", "SerialSettings", "TlsSettings", "open_line", "open_tcp"]
