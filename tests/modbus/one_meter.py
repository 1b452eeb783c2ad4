"""A meter of five floats in two blocks, and what one run brings of it."""

from __future__ import annotations

import asyncio

from cityctl.modbus.ask import Answer, Target
from cityctl.modbus.maps.connector import DeviceConnector
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.pretended.bank import Bank
from cityctl.modbus.pretended.wire import Hook, Request, Server
from cityctl.modbus.run import asking_all

POINTS = {
    name: DevicePoint(name, address, "float32", 2, 3, unit="m3/h")
    for name, address in {"a": 0, "b": 2, "c": 4, "d": 10, "e": 12}.items()
}
CONNECTOR = DeviceConnector("c", "v", "m", "controller", POINTS)
LIVE = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0}


def bank(connector: DeviceConnector = CONNECTOR) -> Bank:
    return Bank.from_connector(connector, LIVE.get)


def target(port: int, *, unit: int = 1, device: str = "meter", **fields: object) -> Target:
    given = {"connector": CONNECTOR, "points": tuple(POINTS), "timeout": 5.0, **fields}
    return Target(device, "127.0.0.1", port, unit, **given)  # type: ignore[arg-type]


def ask_one(hook: Hook | None = None, **fields: object) -> tuple[Answer, list[Request]]:
    seen: list[Request] = []

    async def noted(request: Request) -> int | None:
        seen.append(request)
        return await hook(request) if hook else None

    async def go() -> Answer:
        connector = fields.get("connector", CONNECTOR)
        async with Server({1: bank(connector)}, hook=noted) as server:  # type: ignore[arg-type]
            (answer,) = await asking_all([target(server.port, **fields)])
            return answer

    return asyncio.run(go()), seen


def values(answer: Answer) -> dict[str, object]:
    return {name: value.value for name, value in answer.values.items()}
