"""Modbus servers of other hands, each in a process of its own: `python -m tests.modbus.peers NAME` prints its port.

Each holds 7 n in holding register n, 5 n in input register n, and sets odd coils and inputs; registers and
coils may be written.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time

HOLDING, INPUT = [7 * n & 0xFFFF for n in range(500)], [5 * n & 0xFFFF for n in range(500)]
BITS = [bool(n & 1) for n in range(200)]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def pymodbustcp() -> None:
    from pyModbusTCP.server import DataBank, ModbusServer

    bank = DataBank(coils_size=200, d_inputs_size=200, h_regs_size=500, i_regs_size=500)
    bank.set_holding_registers(0, HOLDING)
    bank.set_input_registers(0, INPUT)
    bank.set_coils(0, BITS)
    bank.set_discrete_inputs(0, BITS)
    port = free_port()
    server = ModbusServer("127.0.0.1", port, no_block=True, data_bank=bank)
    server.start()
    say(port)
    time.sleep(600)


def modbus_tk() -> None:
    from modbus_tk import defines
    from modbus_tk.modbus_tcp import TcpServer

    port = free_port()
    server = TcpServer(port=port, address="127.0.0.1")
    unit = server.add_slave(1)
    for name, code, values in (
        ("h", defines.HOLDING_REGISTERS, HOLDING),
        ("i", defines.ANALOG_INPUTS, INPUT),
        ("c", defines.COILS, [int(bit) for bit in BITS]),
        ("d", defines.DISCRETE_INPUTS, [int(bit) for bit in BITS]),
    ):
        unit.add_block(name, code, 0, len(values))
        unit.set_values(name, 0, values)
    server.start()
    time.sleep(0.3)
    say(port)
    time.sleep(600)


def umodbus() -> None:
    from socketserver import TCPServer

    from umodbus.server.tcp import RequestHandler, get_server

    TCPServer.allow_reuse_address = True
    port = free_port()
    server = get_server(TCPServer, ("127.0.0.1", port), RequestHandler)
    tables = {1: [int(b) for b in BITS], 2: [int(b) for b in BITS], 3: list(HOLDING), 4: list(INPUT)}

    @server.route(slave_ids=[1], function_codes=[1, 2, 3, 4], addresses=list(range(500)))
    def read(slave_id: int, function_code: int, address: int) -> int:
        return tables[function_code][address]

    @server.route(slave_ids=[1], function_codes=[5, 6, 15, 16], addresses=list(range(500)))
    def write(slave_id: int, function_code: int, address: int, value: int) -> None:
        tables[1 if function_code in (5, 15) else 3][address] = value

    say(port)
    server.serve_forever()


def pymodbus() -> None:
    from pymodbus.server import ModbusTcpServer
    from pymodbus.simulator import DataType, SimData, SimDevice

    async def go() -> None:
        blocks = (
            [SimData(0, values=BITS, datatype=DataType.BITS)],
            [SimData(0, values=BITS, datatype=DataType.BITS)],
            [SimData(0, values=HOLDING, datatype=DataType.REGISTERS)],
            [SimData(0, values=INPUT, datatype=DataType.REGISTERS)],
        )
        server = ModbusTcpServer(SimDevice(1, blocks), address=("127.0.0.1", 0))
        await server.listen()
        say(server.transport.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    asyncio.run(go())


def say(port: int) -> None:
    print(port, flush=True)


if __name__ == "__main__":
    {"pyModbusTCP": pymodbustcp, "modbus_tk": modbus_tk, "umodbus": umodbus, "pymodbus": pymodbus}[
        sys.argv[1]
    ]()
