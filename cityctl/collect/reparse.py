"""Reparse: what landed is read again, offline, after a parser or a connector was mended.

Every answer that landed counts. Where two answers hold the same reading, the later one's is taken, as a pull would
have left it; how many readings gave way is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from cityctl import arrow, clock
from cityctl.city.project import Project
from cityctl.clock import Interval
from cityctl.collect.intake import Intake
from cityctl.collect.lengths import lie_over
from cityctl.collect.order import coded, columns_of
from cityctl.collect.plan import Plan, Task, plans
from cityctl.collect.pull import balanced
from cityctl.console import Console
from cityctl.disk import Lock
from cityctl.errors import ConfigInvalid, InputRefused, UsageProblem
from cityctl.exports.landing import Landed, Landing
from cityctl.exports.paging import Pages
from cityctl.exports.parsed import Chunk
from cityctl.result import Missing, Result
from cityctl.wording import counted


@dataclass(frozen=True)
class _Entry:
    """A line of the index: one answer."""

    sha256: str
    service: str
    series: str
    since: datetime
    until: datetime
    received: datetime


@dataclass
class _Later:
    """What later answers brought, by task and series: earlier ones give way to it.

    `seen` and `fresh`: the times and values of readings; `spans` and `fresh_spans`: what an answer replaced as a whole.
    """

    seen: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    fresh: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    spans: dict[tuple[str, str], set[tuple[int, int]]] = field(default_factory=dict)
    fresh_spans: dict[tuple[str, str], set[tuple[int, int]]] = field(default_factory=dict)
    gave_way: int = 0

    def mask(self, task: Task, chunk: Chunk) -> Chunk:
        """A chunk without the readings that a later answer holds."""
        import numpy as np

        chunk = self._spans_of(task, chunk)
        if chunk.readings is None or not chunk.readings.num_rows:
            return chunk
        names, codes = coded(chunk.readings)
        times, values, _, _ = columns_of(chunk.readings)
        amounts = any(point.kind == "interval" for point in task.matcher.every_point())
        stays = np.ones(len(times), bool)
        for code, name in enumerate(names):
            mine = codes == code
            if not mine.any():
                continue
            key = (task.series, name)
            own, own_values = _in_order(times[mine], values[mine])
            for later, later_values in self.seen.get(key, ()):
                low, high = np.searchsorted(later, [own[0], own[-1] + 1])
                hides, hidden_by = later[low:high], later_values[low:high]
                if amounts and len(hides):  # totals of what an earlier answer brought are refused, not these
                    hides = hides[~lie_over(hides, hidden_by, own, own_values)]
                stays &= ~(mine & np.isin(times, hides))
            for start, end in self.spans.get(key, ()):
                stays &= ~(mine & (times >= start) & (times < end))
            self.fresh.setdefault(key, []).append((own, own_values))
        if stays.all():
            return chunk
        self.gave_way += int((~stays).sum())
        return replace(chunk, readings=chunk.readings.filter(arrow.flags(stays)))

    def _spans_of(self, task: Task, chunk: Chunk) -> Chunk:
        """A chunk that replaces no span of which a later answer holds a part."""
        kept = []
        for one in chunk.replaced:
            key = (task.series, one.series)
            if not any(one.start < end and start < one.end for start, end in self.spans.get(key, ())):
                kept.append(one)
            self.fresh_spans.setdefault(key, set()).add((one.start, one.end))
        return replace(chunk, replaced=tuple(kept)) if len(kept) < len(chunk.replaced) else chunk

    def restart(self) -> None:
        """Nothing was read yet: all answers are read once more, in the same order."""
        self.seen, self.fresh, self.spans, self.fresh_spans = {}, {}, {}, {}

    def answered(self) -> None:
        """An answer was read to its end: those that come next are older."""
        import numpy as np

        for key, parts in self.fresh.items():
            every = [*self.seen.get(key, []), *parts]
            self.seen[key] = [_in_order(*map(np.concatenate, zip(*every, strict=True)))]
        for key, spans in self.fresh_spans.items():
            self.spans.setdefault(key, set()).update(spans)
        self.fresh, self.fresh_spans = {}, {}


def _in_order(times: Any, values: Any) -> tuple[Any, Any]:
    """Readings by time; of several for one instant the first."""
    import numpy as np

    found, first = np.unique(times, return_index=True)
    return found, values[first]


def reparse(
    project: Project,
    names: Sequence[str] | None = None,
    *,
    since: str | None = None,
    now: datetime,
    console: Console,
) -> Result:
    """Read again what landed of the named services, of all where none is named; `since`: of windows after it.

    Nothing is sent and no watermark moves. Raises UsageProblem, ConfigInvalid, LockHeld, StoreProblem.
    """
    begin = None
    if since is not None:
        begin = clock.interval(since, None, None, zone=project.city.zone_info, now=now).start
    landing = Landing(project.state / "raw")
    asked = plans(project, names, None, None, now)
    entries = {plan.name: _entries(landing, plan.name, begin) for plan in asked}
    if not any(entries.values()):
        raise UsageProblem(
            "nothing has landed of these services" + (f" since {since}" if since else ""),
            hint="`cityctl pull` asks for their exports",
        )
    missing: list[Missing] = []
    notes: list[str] = []
    from cityctl.store import Store

    with (
        Lock(project.state / "pull.lock", purpose="cityctl data reparse"),
        Store.open(project.store_folder) as store,
        console.progress("reading again", sum(map(len, entries.values()))) as progress,
    ):
        for plan in asked:
            later = _Later()
            intake = Intake(project, plan, store, landing, now, later)
            tasks = {task.series: task for task in plan.tasks}
            for task in plan.tasks:
                task.complete = True
                task.windows = []
            try:
                for entry in reversed(entries[plan.name]):
                    progress.advance(note=plan.name)
                    _read(intake, entry, tasks, later, missing)
            finally:
                intake.commit()
            intake.plan.tasks = [task for task in plan.tasks if task.ledger.lines or task.sources]
            gave_way = later.gave_way
            intake.finish()
            later.gave_way = gave_way
            notes += _gone(plan, entries[plan.name], later)
    spans = [entry for some in entries.values() for entry in some]
    first, last = min(entry.since for entry in spans), max(entry.until for entry in spans)
    result = balanced("Reparse", asked, missing, [], Interval(first, last, project.city.zone_info))
    result.notes += notes
    return result


def _entries(landing: Landing, service: str, begin: datetime | None) -> list[_Entry]:
    """The answers of a service, oldest first; an answer to the same question with the same bytes counts once."""
    found: dict[tuple[str, str, str, str], _Entry] = {}
    for line in landing.lines():
        if line.get("service") != service:
            continue
        try:
            entry = _Entry(
                str(line["sha256"]), service, str(line["series"]),
                *(datetime.fromisoformat(line[key]).astimezone(UTC) for key in ("since", "until", "received")),
            )  # fmt: skip
        except (KeyError, ValueError, TypeError) as problem:
            raise ConfigInvalid(f"{landing.index}: a line of {service} is damaged: {problem}") from None
        if begin is None or entry.until > begin:
            key = (entry.sha256, entry.series, str(line["since"]), str(line["until"]))
            found.pop(key, None)
            found[key] = entry
    return sorted(found.values(), key=lambda entry: entry.received)


def _read(
    intake: Intake, entry: _Entry, tasks: dict[str, Task], later: _Later, missing: list[Missing]
) -> None:
    """One answer, read again."""
    task = tasks.get(entry.series)
    if task is None:
        return
    name = f"{entry.service}/{entry.sha256[:12]}"
    path = intake.landing.find(entry.sha256)
    if path is None:
        task.complete = False
        missing.append(Missing(name, "what landed is not there any more"))
        return
    window = (entry.since, entry.until)
    try:
        for source in intake.sources(Landed(entry.sha256, 0, path)):
            pages = Pages(intake.plan.connector.pagination, intake.plan.ask(task, window), entry.service)
            if pages.is_list(source):
                continue
            intake.hold(task, source, intake.parse(task, source))
        later.answered()
        task.drained.append(window)
    except (InputRefused, UsageProblem) as problem:
        later.fresh, later.fresh_spans = {}, {}
        task.complete = False
        hint = f" (hint: {problem.hint})" if problem.hint else ""
        missing.append(Missing(name, f"{problem.message}{hint}"))
    intake.commit_if_much()


def _gone(plan: Plan, entries: Sequence[_Entry], later: _Later) -> list[str]:
    notes = []
    if later.gave_way:
        notes.append(f"{plan.name}: {counted(later.gave_way, 'reading')} gave way to those of a later answer")
    unknown = sorted({entry.series for entry in entries} - {task.series for task in plan.tasks})
    if unknown:
        names = ", ".join(f"`{name}`" for name in unknown[:8])
        notes.append(f"{plan.name}: no point asks for these any more, they were not read: {names}")
    return notes
