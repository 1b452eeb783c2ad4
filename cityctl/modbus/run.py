"""A run over many devices: all hosts at once, one request at a time behind each.

Devices that share a host and port stand behind one gateway or serial line, so they are asked in order over
one connection; no other host waits for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from cityctl.modbus.ask import CONNECTED, Answer, Asking, Target

MOST_HOSTS = 400
"""Connections open at once: below the 512 sockets of Windows' select and the usual 1024 files of POSIX."""


def ask_all(
    targets: Sequence[Target],
    *,
    deadline: float | None = None,
    on_answer: Callable[[Answer], None] | None = None,
) -> list[Answer]:
    """Ask every device, and give one answer each, in the order of `targets`.

    `deadline` in seconds ends the run: what was not asked by then is told as such. `on_answer` is called
    as each device is done, for progress. Never raises for a device that fails: its answer holds the reason.
    """
    return asyncio.run(asking_all(targets, deadline=deadline, on_answer=on_answer))


async def asking_all(
    targets: Sequence[Target],
    *,
    deadline: float | None = None,
    on_answer: Callable[[Answer], None] | None = None,
) -> list[Answer]:
    """The same within a running event loop."""
    by_endpoint: dict[tuple[str, int], list[int]] = {}
    for index, target in enumerate(targets):
        by_endpoint.setdefault(target.endpoint, []).append(index)
    answers = [Answer(target) for target in targets]
    open_hosts = asyncio.Semaphore(MOST_HOSTS)

    async def ask_endpoint(indexes: Sequence[int]) -> None:
        async with open_hosts:
            asking = Asking()
            nobody: Answer | None = None
            try:
                for index in indexes:
                    answer = answers[index]
                    if nobody is None:
                        await asking.ask(answer)
                    else:  # its neighbour found nobody listening there
                        answer.tried = list(nobody.tried)
                        answer.close(nobody.reason)
                    if answer.is_dead and CONNECTED not in answer.tried:
                        nobody = answer if asking.line is None else None
                    if on_answer is not None:
                        on_answer(answer)
            finally:
                asking.close()

    tasks = [asyncio.create_task(ask_endpoint(indexes)) for indexes in by_endpoint.values()]
    if tasks:
        _, unfinished = await asyncio.wait(tasks, timeout=deadline)
        for task in unfinished:
            task.cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
                raise end
    for answer in answers:
        answer.close(f"not asked to the end within the run's deadline of {deadline or 0:g} s")
    return answers
