"""A run over many devices: all lines at once, one request at a time on each.

Devices that share a link stand behind one gateway or serial bus, so they are asked in turn over one line; no
other line waits for them.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing, nullcontext
from typing import Any, TypeVar, cast

from cityctl.errors import LockHeld
from cityctl.modbus.alone import Alone, most_lines
from cityctl.modbus.ask import Answer, Target
from cityctl.modbus.batch import BlockReader
from cityctl.modbus.line import Link
from cityctl.modbus.memory import Memory
from cityctl.modbus.plan import Block
from cityctl.modbus.turns import Turns
from cityctl.signals import held_back

MOST_LINES = 400
"""Lines open at once: below the 512 sockets of Windows' select and the usual 1024 files of POSIX."""
STOPPED = "not asked to the end: the run was stopped"
T = TypeVar("T")


def run_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end: on uvloop where it is, which takes a quarter less CPU a request.

    A signal that ends the run cancels it, so that lines are closed, and is then handed to whoever listened for it
    before. Gives what the coroutine made of it where that goes on all the same.
    """
    done: list[T] = []
    running: list[asyncio.Task[None]] = []

    async def kept() -> None:
        # The result is handed over here: a runner's task that holds it is written out as text, all its
        # readings with it, whenever somebody asks for the handler of a signal (signal.getsignal, 3.11).
        running.append(cast("asyncio.Task[None]", asyncio.current_task()))
        if came:
            running[0].cancel()
        done.append(await work)

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        loop = runner.get_loop()

        def stop() -> None:
            for task in running:
                task.cancel()
            loop.call_soon_threadsafe(int)  # wakes a loop that waits for its lines

        with held_back(stop) as came:
            runner.run(kept())
    return done[0]


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    try:
        import uvloop
    except ImportError:
        return None
    return cast("Callable[[], asyncio.AbstractEventLoop]", uvloop.new_event_loop)


def ask_all(
    targets: Sequence[Target],
    *,
    deadline: float | None = None,
    memory: Memory | None = None,
    on_answer: Callable[[Answer], None] | None = None,
    alone: Alone | None = None,
) -> list[Answer]:
    """Ask every device, and give one answer each, in the order of `targets`.

    `deadline` in seconds ends the run: what was not asked by then is told as such. `memory` tells what past
    runs learnt, and takes in what this one does. `on_answer` is called once for each device: as it is done, or
    at the deadline. `alone` keeps other processes off each line meanwhile. Never raises for a device that fails:
    its answer holds the reason. A signal ends the run as the deadline does; the answers are given to whom it does not
    end as well (see `held_back`).
    """
    # Values by the ten thousand, none of them in a cycle: the search for cycles took a third of a run's CPU.
    searched = gc.isenabled()
    gc.disable()
    try:
        return run_loop(
            asking_all(
                targets, deadline=deadline, memory=memory, on_answer=on_answer, alone=alone, keeps=True
            )
        )
    finally:
        if searched:
            gc.enable()


async def asking_all(
    targets: Sequence[Target],
    *,
    deadline: float | None = None,
    memory: Memory | None = None,
    on_answer: Callable[[Answer], None] | None = None,
    alone: Alone | None = None,
    keeps: bool = False,
) -> list[Answer]:
    """The same within a running event loop; `keeps`: where it is cancelled, it gives what has come by then."""
    memory = memory if memory is not None else Memory()
    known = [memory.known(target) for target in targets]
    answers = [Answer(target) for target in memory.planned(targets)]
    blocks = _planned([answer.target for answer in answers])
    by_link: dict[Link, list[int]] = {}
    for index, target in enumerate(targets):
        by_link.setdefault(target.link, []).append(index)
    open_lines = asyncio.Semaphore(most_lines(MOST_LINES))
    readers: dict[int, BlockReader] = {}  # by the id of their block

    told: set[int] = set()

    def tell(answer: Answer) -> None:
        told.add(id(answer))
        if on_answer is not None:
            on_answer(answer)

    async def ask_line(indexes: Sequence[int]) -> None:
        async with open_lines:
            try:
                async with alone.on(targets[indexes[0]].link) if alone is not None else nullcontext():
                    with closing(Turns(readers)) as turns:
                        await turns.ask(
                            [answers[at] for at in indexes],
                            [blocks[at] for at in indexes],
                            [known[at] for at in indexes],
                            tell,
                        )
            except LockHeld as held:
                for at in indexes:
                    answers[at].locked_out = held
                    answers[at].close(held.message)

    # Lines of which nobody answered last time take their place behind the others.
    in_order = sorted(by_link.values(), key=lambda indexes: min(known[at].silent_runs for at in indexes))
    tasks = [asyncio.create_task(ask_line(indexes)) for indexes in in_order]
    late = f"not asked to the end within the run's deadline of {deadline or 0:g} s"
    try:
        await _ended(tasks, deadline)
    except asyncio.CancelledError:
        if not keeps:
            raise
        late = STOPPED
    for answer in answers:
        answer.close(late)
        if id(answer) not in told:
            tell(answer)
    memory.learn(answers)
    return answers


async def _ended(tasks: Sequence[asyncio.Task[None]], deadline: float | None) -> None:
    """Wait for them as long as that, and end those that are left. Raises what one of them raised."""
    if not tasks:
        return
    try:
        await asyncio.wait(tasks, timeout=deadline)
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
            raise end


def _planned(targets: Sequence[Target]) -> list[list[Block]]:
    """The requests of each target; devices of one model with the same points share one plan."""
    plans: dict[tuple[int, tuple[str, ...], frozenset[tuple[int, int]]], list[Block]] = {}
    found = []
    for target in targets:
        key = (id(target.connector), target.asked_points, target.cuts)
        if key not in plans:
            plans[key] = target.blocks
        found.append(plans[key])
    return found
