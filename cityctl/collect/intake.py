"""From landed answers into the store, with the balance of every series: what a pull and a reparse have in common.

Answers are parsed from their landed files; the store takes them first, watermarks move afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from cityctl.city.project import Project
from cityctl.collect.after import take_after
from cityctl.collect.ledger import schema, settle
from cityctl.collect.lengths import Lengths
from cityctl.collect.order import repeats
from cityctl.collect.plan import ALL, Plan, Task
from cityctl.collect.spool import Spool
from cityctl.collect.watermark import Window
from cityctl.collect.withdraw import withdraw
from cityctl.errors import InputRefused
from cityctl.exports import asking, complaint, formats
from cityctl.exports.landing import Landed, Landing
from cityctl.exports.parsed import Chunk
from cityctl.exports.source import Source

if TYPE_CHECKING:
    from cityctl.store import Store

_ROWS = 2_000_000  # readings that wait to be stored
_SECONDS = 60.0  # that they wait at most


class Mask(Protocol):
    """Hides readings of an answer that a later one replaced."""

    def mask(self, task: Task, chunk: Chunk) -> Chunk: ...

    def answered(self) -> None: ...

    def restart(self) -> None: ...


class Intake:
    """Takes the answers of one service in; without a store they are only looked at."""

    def __init__(
        self,
        project: Project,
        plan: Plan,
        store: Store | None,
        landing: Landing,
        now: datetime,
        mask: Mask | None = None,
    ) -> None:
        self.project = project
        self.plan = plan
        self.store = store
        self.landing = landing
        self.now = now
        self._mask = mask
        self._lengths = Lengths([store] if store is not None else [], now)
        for task in plan.tasks:
            task.ledger.lengths = self._lengths
        self._format = formats.find(plan.connector.answer.format)
        self._held: list[tuple[Task, Spool]] = []
        self._rows = 0
        self._waiting: list[tuple[Task, Window]] = []
        self._since = time.monotonic()

    def sources(self, landed: Landed) -> list[Source]:
        """The export that landed, or the members of the archive that it is. Raises InputRefused."""
        source = Source(f"{self.plan.name}/{landed.sha256[:12]}", path=landed.path)
        parts, refused = source.parts()
        if refused:
            member, why = refused[0]
            raise InputRefused(f"{member}: {why}", hint="ask the publisher for a plain file")
        return parts

    def parse(self, task: Task, source: Source) -> Spool:
        """An answer, read to its end. Raises InputRefused and UsageProblem."""
        return Spool.of(self._chunks(task, source), self.project.state)

    def _chunks(self, task: Task, source: Source) -> Iterable[Chunk]:
        series = task.series.partition("#")[0] if task.series != ALL else None
        shape = asking.shape(self.plan.connector, self.plan.words, self.plan.name, series, self.plan.zone)
        self._check_is_data(source)
        if source.head(1) == b"" and self.plan.connector.answer.proof == "length":
            return iter(())
        chunks = self._format.parse(source, shape)
        mask = self._mask
        return chunks if mask is None else (mask.mask(task, chunk) for chunk in chunks)

    def _check_is_data(self, source: Source) -> None:
        """Raises InputRefused where a service answered with a page for people."""
        wanted, name = self.plan.connector.answer.format, self.plan.name
        page = complaint.web_page(source.head(1 << 14)) if wanted != "xml" else None
        if page is not None:
            titled = f" (`{page}`)" if page else ""
            raise InputRefused(
                f"{source.name}: the service answered with a web page{titled}, not with {wanted}",
                hint=f"a page to log in is a matter of `secret:`, one about maintenance of waiting; `url:` of "
                f"services.{name} may also lead to the site for people",
            )

    def hold(self, task: Task, source: Source, spool: Spool) -> None:
        """These readings are to be stored."""
        task.sources.append(source)
        task.ledger.notes += source.remarks()
        self._held.append((task, spool))
        self._rows += spool.readings

    def drained(self, task: Task, window: Window) -> None:
        """Everything of a window is held."""
        self._waiting.append((task, window))
        self.commit_if_much()

    def commit_if_much(self) -> None:
        """Store what is held where it is much, or has waited long."""
        if self._rows >= _ROWS or time.monotonic() - self._since > _SECONDS:
            self.commit()

    def commit(self) -> None:
        """Store what is held, then move the watermarks: never the other way round."""
        import pyarrow as pa

        self._since = time.monotonic()
        self.landing.settle()
        try:
            if self._held and self.store is not None:
                reader = pa.RecordBatchReader.from_batches(schema(), self._batches())
                points = self.project.city.points()
                self._foresee()
                balance = self.store.add(reader, source=self.plan.name, received=self.now, points=points)
                settle([task.ledger for task in self.plan.tasks], balance)
                for task in self.plan.tasks:
                    take_after(self.store, task.ledger, points, self.now)
                    if task.ledger.replaced:
                        withdraw(self.store, task.ledger, points, self.now)
        finally:
            for _, spool in self._held:
                spool.close()
            self._held, self._rows = [], 0
        for task, window in self._waiting:
            self.plan.marks.drained(task.series, window, self.now)
            task.drained.append(window)
        if self._waiting:
            self.plan.marks.write()
            self._waiting = []

    def _foresee(self) -> None:
        """Amounts are about to be held against the store: what is held may be of a thousand series."""
        spans = [spool.span for _, spool in self._held if spool.span is not None]
        if spans:
            points = {point.id for task, _ in self._held for point in task.matcher.every_point()}
            self._lengths.foresee(points, min(first for first, _ in spans), max(last for _, last in spans))

    def _batches(self) -> Iterator[Any]:
        last = {task.series: number for number, (task, _) in enumerate(self._held)}
        for number, (task, spool) in enumerate(self._held):
            self._lengths.remembers = last[task.series] > number
            task.matcher.look(spool.series())
            for chunk in spool.chunks():
                yield from task.ledger.take(chunk)

    def look(self) -> Iterator[Any]:
        """The readings that are held, as the store would get them; they are not stored."""
        try:
            yield from self._batches()
        finally:
            for _, spool in self._held:
                spool.close()
            self._held, self._rows, self._waiting = [], 0, []

    def finish(self) -> None:
        """Tell repeated instants apart, and name what no point takes."""
        self._lengths.close()
        word = getattr(self._format, "PLACE", "line")
        if self._mask is not None:
            self._mask.restart()
        for task in self.plan.tasks:
            ledger = task.ledger
            again = {name for name in ledger.order.unordered if ledger.lines[name].duplicate}
            if again:
                ledger.settle_repeats(*repeats(self._again(task), again, self.plan.name, word))
            ledger.close_unmatched()

    def _again(self, task: Task) -> Iterator[Chunk]:
        for source in task.sources:
            yield from self._chunks(task, source)
            if self._mask is not None:
                self._mask.answered()
