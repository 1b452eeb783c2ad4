"""Import: files into the store, with the balance of every series.

The good part of a file is kept when other parts are rejected; a file that cannot be understood is named, and
the others are taken. With a dry run nothing is stored, and no project is needed.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cityctl.city.model import City
from cityctl.city.project import Project
from cityctl.collect.after import take_after
from cityctl.collect.balance import balance_result
from cityctl.collect.jobs import Job, Options, find_jobs, refusal
from cityctl.collect.ledger import Ledger, schema, settle
from cityctl.collect.lengths import Lengths
from cityctl.collect.match import Matcher
from cityctl.collect.order import moment, repeats
from cityctl.collect.tally import settle_repeated, tally
from cityctl.collect.withdraw import withdraw
from cityctl.console import Console
from cityctl.engine.duck import OnDemand
from cityctl.errors import ConfigInvalid, InputRefused, UsageProblem, listed, near
from cityctl.exports import formats
from cityctl.exports.table.clock.zone import ZoneNotSaid
from cityctl.result import Result

if TYPE_CHECKING:
    from cityctl.store import Store

AHEAD = timedelta(days=1)  # of the clock: zones and clocks that go wrong a little explain no more
BACK = timedelta(days=30 * 365)  # history that a utility brings along is younger


def import_files(
    project: Project | None, files: Sequence[Path], options: Options, *, now: datetime, console: Console
) -> Result:
    """Import the named files, or all that city.yaml names where none is named.

    `project` None: only a dry run is possible. `now` is when the readings were received. Raises UsageProblem
    (a column or point that is not there, where there is one file alone), ConfigInvalid, LockHeld and
    StoreProblem. A file that cannot be understood is named in the result, and on stderr.
    """
    if project is None and not options.dry_run:
        raise ConfigInvalid(
            "no city.yaml here or above: there is no store to import into",
            hint="`cityctl init DIR` makes a project; with --dry-run a file can be looked at anywhere",
        )
    city = project.city if project is not None else None
    jobs, refused = find_jobs(project, files, options)
    for absent in refused:
        console.warn(f"{absent.what}: {absent.why}")
    ledgers: list[Ledger] = []
    kept = _kept(project) if options.keep_all else {}
    with (
        _target(project, options.dry_run, len(jobs)) as store,
        _beside(project, store, now, dry_run=options.dry_run) as lengths,
        closing(OnDemand()) as engine,
        console.progress("importing", len(jobs)) as progress,
    ):
        for job in jobs:
            progress.advance(0, note=job.source.name)
            try:
                ledger = _looked_at(job, _Run(city, store, options, now, kept, lengths, engine))
                ledgers.append(ledger)
                if options.dry_run and project is not None and store is not None:
                    _compare(store, project, ledger)
            except (InputRefused, UsageProblem) as problem:
                if isinstance(problem, UsageProblem) and len(jobs) == 1:
                    raise
                refused.append(refusal(job.source.name, problem))
                console.warn(problem.message + (f"\nhint: {problem.hint}" if problem.hint else ""))
            progress.advance()
    return balance_result("Import", ledgers, refused, interval=None, dry_run=options.dry_run)


@contextmanager
def _target(project: Project | None, dry_run: bool, files: int) -> Iterator[Store | None]:
    """The project's store, or one that is thrown away; none where one file is looked at without a project."""
    from cityctl.store import Store

    if project is None and files < 2:  # with nothing to compare it with, its readings are only counted
        yield None
        return
    if project is not None and not dry_run:
        with Store.open(project.store_folder) as store:
            yield store
        return
    with TemporaryDirectory(prefix="cityctl-dry-run-") as folder, Store.open(Path(folder)) as store:
        yield store


def _kept(project: Project | None) -> dict[str, str]:
    """What the store keeps under each name, as its quantity; nothing where it is not known or the city says it."""
    from cityctl.store import Store

    if project is None or not (project.store_folder / "list.sqlite").exists():
        return {}
    with Store.open(project.store_folder, create=False) as store:
        return {name: one.quantity for name, one in store.series().items() if one.quantity is not None}


@contextmanager
def _beside(
    project: Project | None, store: Store | None, now: datetime, *, dry_run: bool
) -> Iterator[Lengths]:
    """What the amounts of the files are held against: the project's store, and one that is thrown away."""
    from cityctl.store import Store

    stores = [store] if store is not None else []
    with ExitStack() as opened:
        if dry_run and project is not None and (project.store_folder / "list.sqlite").exists():
            stores.append(opened.enter_context(Store.open(project.store_folder, create=False)))
        yield opened.enter_context(closing(Lengths(stores, now)))


@dataclass(frozen=True)
class _Run:
    """What the files of an import have in common."""

    city: City | None
    store: Store | None
    options: Options
    now: datetime
    kept: dict[str, str]
    lengths: Lengths
    engine: OnDemand


def _looked_at(job: Job, run: _Run) -> Ledger:
    """The ledger of one file. Where nothing is stored, times of an unknown wall are read as UTC, and that is said."""
    try:
        return _import_one(job, run)
    except ZoneNotSaid as problem:
        if run.city is not None:
            raise
        job = replace(job, shape=replace(job.shape, time_zone="UTC"))
        ledger = _import_one(job, run)
        ledger.notes.append(f"{problem.message}: looked at as UTC; an import needs --time-zone")
        return ledger


def _import_one(job: Job, run: _Run) -> Ledger:
    import pyarrow as pa

    city, store, options, now = run.city, run.store, run.options, run.now
    before = job.source.state()
    name = job.format or formats.recognise(job.source)
    parse = formats.find(name).parse
    keep_all = options.keep_all or city is None
    matcher = Matcher(city, job.mapping, prefix=job.prefix, keep_all=keep_all, kept=run.kept)
    ledger = Ledger(
        job.source.name,
        matcher,
        lengths=run.lengths,
        flags_doubts=True,
        place_word=getattr(formats.find(name), "PLACE", "line"),
    )
    shape = replace(job.shape, states=matcher.states) if city is not None else job.shape
    chunks = parse(job.source, shape)
    points = ChainMap(city.points(), matcher.own) if city is not None else None
    if store is None:
        settle([ledger], tally(ledger.batches(chunks)))
    else:
        reader = pa.RecordBatchReader.from_batches(schema(), ledger.batches(chunks))
        settle(
            [ledger],
            store.add(
                reader,
                source=job.source.name,
                received=now,
                points=points,
                words=ledger.words,
                engine=run.engine,
            ),
        )
        take_after(store, ledger, points, now)
    again = {series for series in ledger.order.unordered if store is None or ledger.lines[series].duplicate}
    if again:
        found, conflicts = repeats(parse(job.source, shape), again, job.source.name, ledger.place_word)
        if store is None:
            settle_repeated(ledger, found)
        ledger.settle_repeats(found, conflicts)
    if store is not None and ledger.replaced and not options.dry_run:
        withdraw(store, ledger, points, now)
    ledger.close_unmatched()
    ledger.notes += far_off(ledger, now)
    ledger.notes += job.source.remarks()
    if ledger.following:
        ledger.absent.append(f"the export goes on at another address: {ledger.following[:200]}")
    if job.source.state() != before:
        ledger.absent.append("it changed while it was read: import it again once it is complete")
    for said in job.mapping:
        if not any(matcher.is_said(series, said) for series in ledger.lines):
            match = near(said, [*ledger.lines, *ledger.left_out])
            also = f"; near: `{match}`" if match else ""
            ledger.absent.append(f"no series `{said}`, which the map names{also}")
    return ledger


def far_off(ledger: Ledger, now: datetime) -> list[str]:
    """What to say of readings from the future and from decades ago: taken, but many a clock was never set."""
    lines = [line for line in ledger.lines.values() if line.first is not None and line.last is not None]
    late = {line.label: last for line in lines if (last := moment(line.last or 0)) > now + AHEAD}
    old = {line.label: first for line in lines if (first := moment(line.first or 0)) < now - BACK}
    said = []
    if late:
        names = listed(f"`{name}`" for name in late)
        said.append(
            f"{ledger.source}: readings up to {max(late.values()):%Y-%m-%d} lie in the future: {names}"
        )
    if old:
        names = listed(f"`{name}`" for name in old)
        said.append(
            f"{ledger.source}: readings from {min(old.values()):%Y-%m-%d} on lie decades back: {names}"
        )
    return said


def _compare(store: Store, project: Project, ledger: Ledger) -> None:
    """What would be new, unchanged and revised in the project's own store, for a dry run."""
    from cityctl.engine.duck import Engine
    from cityctl.store import Store
    from cityctl.store.segments.scan import ALIKE

    points = {line.match.point: line for line in ledger.lines.values() if line.match.point and line.new}
    if not points or not (project.store_folder / "list.sqlite").exists():
        return
    with Store.open(project.store_folder, create=False) as stored, Engine() as engine:
        names = [point for point in points if point]
        stored.attach(engine, None, points=names, name="stored")
        store.attach(engine, None, points=names, name="incoming")
        rows = engine.rows(
            "SELECT i.point, count(*) FILTER (s.point IS NOT NULL), count(*) FILTER (s.point IS NOT NULL AND "
            f"{ALIKE.format(new='i', old='s')}) "
            "FROM incoming AS i LEFT JOIN stored AS s USING (point, time) GROUP BY i.point"
        )
    for point, known, same in rows:
        line = points[point]
        line.new -= known
        line.unchanged += same
        line.revised += known - same
