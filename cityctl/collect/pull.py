"""Pull: exports of services into the store, with the balance of every series.

Raw answers land on disk before anything reads them. A service that is dead is named and the others are kept;
a watermark moves only over windows that were answered whole and are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.collect.balance import NOTHING, balance_result
from cityctl.collect.ledger import schema, settle
from cityctl.collect.order import repeats
from cityctl.collect.plan import ALL, Plan, SeriesMatcher, Task, plans, requests
from cityctl.collect.watermark import Window
from cityctl.console import Console
from cityctl.disk import Lock
from cityctl.errors import CityctlError, CredentialsRefused, InputRefused, Unreachable, UsageProblem
from cityctl.exports import asking, formats
from cityctl.exports.http import Client, Patience
from cityctl.exports.landing import Landing
from cityctl.exports.parsed import Chunk
from cityctl.exports.source import Source
from cityctl.result import Completeness, Missing, Result

_COMMIT = 2_000_000  # readings that are held before they are stored


def pull(
    project: Project,
    names: Sequence[str] | None = None,
    *,
    since: str | None = None,
    until: str | None = None,
    dry_run: bool = False,
    now: datetime,
    console: Console,
    patience: Patience | None = None,
    sleep: Callable[[float], None] | None = None,
) -> Result:
    """Pull the named services, all of the city where none is named.

    `since` and `until` in the time grammar; without `since` each series goes on from its watermark. A dry run
    shows the requests, sends nothing and reads no secret. Raises UsageProblem, ConfigInvalid, LockHeld;
    Unreachable or CredentialsRefused where no service answered at all.
    """
    asked = plans(project, names, since, until, now)
    spans = [window for plan in asked for task in plan.tasks for window in task.windows]
    interval = None
    if spans:
        first, last = min(start for start, _ in spans), max(end for _, end in spans)
        interval = Interval(first, last, project.city.zone_info)
    if dry_run:
        return requests(asked, interval)
    problems: list[tuple[Plan, CityctlError]] = []
    missing: list[Missing] = []
    from cityctl.store import Store

    with (
        Lock(project.state / "pull.lock", purpose="cityctl pull"),
        Store.open(project.store_folder) as store,
        console.progress("pulling", len(spans)) as progress,
    ):
        for plan in asked:
            work = _Work(project, plan, store, now, missing, progress.advance)
            try:
                work.run(patience or Patience(), sleep)
            except (Unreachable, CredentialsRefused) as problem:
                problems.append((plan, problem))
    if problems and not any(plan.answered for plan in asked):
        raise _all_dead(problems)
    missing += [Missing(plan.name, problem.message) for plan, problem in problems]
    return _result(asked, missing, problems, interval)


class _Work:
    """Pulling one service."""

    def __init__(
        self,
        project: Project,
        plan: Plan,
        store: Any,
        now: datetime,
        missing: list[Missing],
        advance: Callable[[int, str], None],
    ) -> None:
        self.project = project
        self.plan = plan
        self.store = store
        self.now = now
        self.missing = missing
        self.advance = advance
        self.held: list[Any] = []
        self.rows = 0
        self.waiting: list[tuple[Task, Window]] = []
        self.landing = Landing(project.state / "raw")
        self.parse = formats.find(plan.connector.answer.format).parse

    def run(self, patience: Patience, sleep: Callable[[float], None] | None) -> None:
        """Ask for every window; what came is stored whatever ends the run early."""
        plan = self.plan
        secrets = asking.credentials(plan.connector, plan.service, plan.name, self.project.folder)
        more: dict[str, Any] = {"sleep": sleep} if sleep is not None else {}
        try:
            with Client(plan.service.url, plan.name, secrets, patience=patience, **more) as client:
                for task in plan.tasks:
                    task.complete = self._task(client, task)
        finally:
            self._commit()
            self._repeats()

    def _task(self, client: Client, task: Task) -> bool:
        """Ask for one series, window by window; it stops where a window is not answered whole."""
        name = f"{self.plan.name}/{task.series}" if task.series != ALL else self.plan.name
        for window in task.windows:
            try:
                proven = self._window(client, task, window)
            except (InputRefused, UsageProblem) as problem:
                hint = f" (hint: {problem.hint})" if problem.hint else ""
                self.missing.append(Missing(name, f"{problem.message}{hint}"))
                return False
            if not proven:
                why = (
                    "the end of its answer is not proven (no Content-Length): the window will be pulled again"
                )
                self.missing.append(Missing(name, why))
                return False
            self.advance(1, name)
        return True

    def _window(self, client: Client, task: Task, window: Window) -> bool:
        """One request; whether its answer was whole."""
        plan = self.plan
        content = plan.connector.answer
        asked = plan.ask(task, window)
        silent = frozenset([*content.no_data, *content.unknown_series])
        with self.landing.draft() as draft:
            answer = client.fetch(asked.url, draft, headers=asked.headers, accept=silent)
            plan.answered += 1
            if answer.status in content.no_data or answer.status == 204:
                self.waiting.append((task, window))
                return True
            if answer.status in content.unknown_series:
                raise InputRefused(
                    f"{plan.name} knows no such series ({answer.status})",
                    hint=f"check `service: {plan.name}/{task.series}` in city.yaml",
                )
            landed = draft.keep(
                {
                    "service": plan.name,
                    "series": task.series,
                    "url": answer.url,
                    "since": window[0].isoformat(),
                    "until": window[1].isoformat(),
                    "received": self.now.isoformat(),
                    "status": answer.status,
                    "content_type": answer.headers.get("content-type", ""),
                    "proven": answer.proven,
                }
            )
        source = Source(f"{plan.name}/{landed.sha256[:12]}", path=landed.path)
        task.sources.append(source)
        chunks = list(self._chunks(task, source))  # an answer that is refused half-way must not count in part
        task.matcher.look(series for chunk in chunks for series in chunk.series)
        whole = [batch for chunk in chunks for batch in task.ledger.take(chunk)]
        self.held += whole
        self.rows += sum(batch.num_rows for batch in whole)
        proven = answer.proven or content.proof == "format"
        if proven:
            self.waiting.append((task, window))
        if self.rows >= _COMMIT:
            self._commit()
        return proven

    def _chunks(self, task: Task, source: Source) -> Iterator[Chunk]:
        """The readings of one answer."""
        series = None if task.series == ALL else task.series
        shape = asking.shape(self.plan.connector, self.plan.words, self.plan.name, series, self.plan.zone)
        if source.head(1) == b"" and self.plan.connector.answer.proof == "length":
            return iter(())
        return self.parse(source, shape)

    def _commit(self) -> None:
        """Store what came, then move the watermarks: never the other way round."""
        import pyarrow as pa

        self.landing.settle()
        if self.held:
            reader = pa.RecordBatchReader.from_batches(schema(), self.held)
            points = self.project.city.points()
            balance = self.store.add(reader, source=self.plan.name, received=self.now, points=points)
            settle([task.ledger for task in self.plan.tasks], balance)
            self.held, self.rows = [], 0
        for task, window in self.waiting:
            self.plan.marks.drained(task.series, window, self.now)
            task.drained.append(window)
        if self.waiting:
            self.plan.marks.write()
            self.waiting = []

    def _repeats(self) -> None:
        for task in self.plan.tasks:
            ledger = task.ledger
            again = {name for name in ledger.order.unordered if ledger.lines[name].duplicate}
            if again:
                chunks = chain.from_iterable(self._chunks(task, source) for source in task.sources)
                ledger.settle_repeats(*repeats(chunks, again, self.plan.name, "line"))
            ledger.close_unmatched()


def _all_dead(problems: Sequence[tuple[Plan, CityctlError]]) -> CityctlError:
    refused = [problem for _, problem in problems if isinstance(problem, CredentialsRefused)]
    first = refused[0] if refused else problems[0][1]
    if len(problems) == 1:
        return first
    kind = CredentialsRefused if refused else Unreachable
    said = f"none of {len(problems)} services answered: {first.message}"
    others = [problem.message for _, problem in problems if problem is not first]
    return kind(said, tried=[*others, *first.tried], hint=first.hint)


def _result(
    asked: Sequence[Plan],
    missing: list[Missing],
    problems: Sequence[tuple[Plan, CityctlError]],
    interval: Interval | None,
) -> Result:
    for plan in asked:
        for task in plan.tasks:
            matcher, ledger = task.matcher, task.ledger
            if task.complete and not ledger.lines and isinstance(matcher, SeriesMatcher):
                if ledger.left_out:
                    names = ", ".join(f"`{name}`" for name in list(ledger.left_out)[:4])
                    missing.append(Missing(f"{plan.name}/{task.series}", f"none of its series fits: {names}"))
                ledger.lines[task.series] = matcher.silent_line(plan.name)
    ledgers = [task.ledger for plan in asked for task in plan.tasks]
    result = balance_result("Pull", ledgers, [], interval=interval, dry_run=False)
    tasks = [task for plan in asked for task in plan.tasks]
    # A window without readings is no fault: the service said so. Rejections and refusals are.
    rejected = [one for one in result.completeness.missing if one.why != NOTHING]
    result.completeness = Completeness(
        wanted=len(tasks),
        had=sum(task.complete for task in tasks),
        missing=[*missing, *rejected],
        unit="series",
    )
    for plan, problem in problems:
        result.summary += f"; {plan.name} failed"
        if problem.hint:
            result.notes.append(f"{plan.name}: {problem.hint}")
    return result
