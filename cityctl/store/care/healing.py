"""Damaged segments that are whole again come back; a list that is lost is made anew from the segments.

Both take readings in as an import does, each with the instant of its own receipt, so that nothing is doubled
and the later received wins whatever was added meanwhile. Knows segments and adding.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cityctl.arrow import numbers_of
from cityctl.disk import digest, sync_folder
from cityctl.engine.duck import Engine, text_literal
from cityctl.store.adding import add
from cityctl.store.care.place import set_aside
from cityctl.store.folder import LIST, SEGMENTS, ListDamaged, generation_of, in_plain_words, locked, missing
from cityctl.store.segments.scan import files
from cityctl.store.segments.segment_list import EPOCH, READINGS, ROLLUPS, Segment, SegmentList

if TYPE_CHECKING:
    import pyarrow as pa

    from cityctl.city.points import Point
    from cityctl.store.opened import Opened


def take_back(store: Opened, segment: Segment) -> None:
    """Let a marked segment count again, under the store's lock: what came meanwhile is laid against it."""
    if segment.kind not in ("new", "revised"):
        store.list.quarantine({segment.path: None})
        return
    add(
        store,
        _readings(store.folder, segment),
        source=segment.source,
        received_us=segment.received_us,
        points=None,
        instead_of=[segment],
    )


def _readings(folder: Path, segment: Segment) -> pa.Table:
    with Engine() as engine:
        return engine.arrow(
            f"SELECT point, time, value, quality, received FROM {files(folder, [segment])} ORDER BY point, time"
        )


@dataclass
class Rebuilt:
    """What rebuilding a list found: segments taken in, readings, and files that could not be.

    `sound`: nothing was to be done; `aside`: where the damaged list is kept.
    """

    sound: bool = False
    segments: int = 0
    readings: int = 0
    rollups: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    aside: Path | None = None


def rebuild(folder: Path, points: Mapping[str, Point] | None, *, wait: float = 60.0) -> Rebuilt:
    """Make a lost or damaged list anew from the segments; the landing is a file of its own and stays.

    Every version of a reading in every readable file is taken in, in the order in which the files were
    written: also those of files that compaction had replaced, which then change nothing. A sound list stays as it
    is; one that is damaged stays until the new one is whole. Raises StoreProblem where a list can only not be read
    now (no permission, a full disk, a newer cityctl's): it would be sound, and know more than the segments do.
    """
    done = Rebuilt()
    if not folder.is_dir():
        raise missing(folder)
    with (
        locked(folder, purpose="rebuilding the list", wait=wait),
        in_plain_words(folder, "rebuilding the list"),
    ):
        if (folder / LIST).exists() and _is_sound(folder):
            done.sound = True
            return done
        # Made under another name: a list that is half rebuilt must not be taken for a whole one.
        draft = folder / "rebuilding"
        try:
            _clear(draft)
            draft.mkdir()
            _rebuild(folder, draft, points, done)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return done


def _is_sound(folder: Path) -> bool:
    from cityctl.store.opened import Opened

    try:
        with Opened(folder, SegmentList(folder, create=False)) as store:
            store.list.snapshot(landing=False)
            return store.list.fault() is None and not store.list.files_ahead()
    except ListDamaged:
        return False


def _rebuild(folder: Path, draft: Path, points: Mapping[str, Point] | None, done: Rebuilt) -> None:
    """Write the new store beside the old one's files, then let its list and segments take their place."""
    from cityctl.store.opened import Opened

    found = sorted((folder / SEGMENTS).glob("month=*/*.parquet"), key=lambda path: path.name)
    rollups: dict[tuple[str, str], list[tuple[Path, dict[str, Any]]]] = {}
    with Opened(draft, SegmentList(draft, create=True)) as store:
        store.list.begin_at(max(map(generation_of, found), default=0))
        for path in found:
            about, problem = _footer(path)
            if problem is not None:
                done.unreadable[f"{SEGMENTS}/{path.parent.name}/{path.name}"] = problem
                aside = folder / "damaged" / path.parent.name
                aside.mkdir(parents=True, exist_ok=True)
                path.replace(aside / path.name)  # here it would be swept as a file that is on no list
                continue
            kind = about["kind"]
            if kind in ROLLUPS:
                rollups.setdefault((kind, path.parent.name), []).append((path, about))
            elif kind in READINGS or kind == "replaced":
                readings = _table(store, path, again=kind == "confirmed")
                add(
                    store, readings, source=about["source"], received_us=0, points=points, words=_words(about)
                )
                done.segments += 1
        _keep_rollups(store, rollups, done)
        with Engine() as engine:
            from cityctl.store.views.shown import attach

            attach(store, engine, None, points=None, interval=None, name="readings")
            (done.readings,) = engine.row("SELECT count(*) FROM readings")
    done.aside = _take_place(folder, draft)


def _footer(path: Path) -> tuple[dict[str, Any], str | None]:
    """What the footer says of a segment; of those of version 1, what the name says."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path)
        footer = metadata.metadata or {}
        if b"cityctl" in footer:
            about: dict[str, Any] = json.loads(footer[b"cityctl"])
        else:
            generation, _, kind, _ = path.stem.split("-")
            about = {
                "kind": kind,
                "generation": int(generation),
                "source": "before the list was lost",
                "batch": "",
            }
        if about["kind"] != "confirmed":
            pq.read_table(path, columns=["point"])
    except (OSError, pa.ArrowException, ValueError, KeyError) as problem:
        return {}, str(problem).splitlines()[0]
    return about, None


def _words(about: Mapping[str, Any]) -> dict[int, str]:
    """The words of a segment's footer; JSON has texts for keys."""
    return {int(code): text for code, text in about.get("words", {}).items()}


def _table(store: Opened, path: Path, *, again: bool) -> pa.Table:
    """A file's readings, received when their version was last received; of confirmations, what they confirm."""
    from cityctl.store.views.shown import attach

    file = f"read_parquet({text_literal(str(path))})"
    with Engine() as engine:
        if not again:
            return engine.arrow(
                "SELECT point, time, value, quality, greatest(received, confirmed) AS received "
                f"FROM {file} ORDER BY point, time"
            )
        attach(store, engine, None, points=None, interval=None, name="readings")
        return engine.arrow(
            f"SELECT r.point, r.time, r.value, r.quality, c.received FROM {file} AS c "
            "JOIN readings AS r ON r.point = c.point AND r.time = c.time ORDER BY 1, 2"
        )


def _keep_rollups(
    store: Opened,
    rollups: Mapping[tuple[str, str], list[tuple[Path, dict[str, Any]]]],
    done: Rebuilt,
) -> None:
    """The newest roll-ups of each month, as they are; months with readings are rolled up anew by `retain`."""
    import pyarrow.parquet as pq

    kept: list[Segment] = []
    for (kind, partition), files_of in rollups.items():
        whole = [
            (about["generation"], about["batch"])
            for _, about in files_of
            if sum(other["batch"] == about["batch"] for _, other in files_of) == about["part"][1]
        ]
        for path, about in files_of:
            if (about["generation"], about["batch"]) != max(whole, default=None):
                continue
            rows = numbers_of(pq.ParquetFile(path).read(columns=["time"])["time"], "int64", missing=0)
            first, last = int(rows.min()), int(rows.max())
            target = store.folder / SEGMENTS / partition / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.hardlink_to(path)
            kept.append(
                Segment(
                    path=f"{SEGMENTS}/{partition}/{path.name}",
                    month=partition.removeprefix("month="),
                    kind=kind,  # type: ignore[arg-type]  # one of ROLLUPS
                    first_us=first,
                    last_us=last,
                    rows=len(rows),
                    bytes=path.stat().st_size,
                    sha256=digest(path),
                    generation=about["generation"],
                    batch=about["batch"],
                    source=about["source"],
                    received_us=0,
                )
            )
    # Which months had their readings dropped is not known any more: none of their roll-ups may be lost to
    # a few late readings, so all of them count as dropped (see `rollup`).
    months = {month for entry in kept for month in (entry.month, *_utc_months(entry))}
    store.list.commit(add=kept, dropped=dict.fromkeys(months, 0), settling=True, at_us=time.time_ns() // 1000)
    done.rollups = len(kept)


def _utc_months(segment: Segment) -> set[str]:
    return {f"{EPOCH + timedelta(microseconds=at):%Y-%m}" for at in (segment.first_us, segment.last_us)}


def _take_place(folder: Path, draft: Path) -> Path | None:
    """The rebuilt segments first, then the list that names them: without it they are files like the others."""
    for path in (draft / SEGMENTS).glob("month=*/*.parquet"):
        target = folder / SEGMENTS / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
    for partition in (folder / SEGMENTS).glob("month=*"):
        sync_folder(partition)
    sync_folder(folder / SEGMENTS)
    aside = set_aside(folder, LIST)
    (draft / LIST).replace(folder / LIST)
    sync_folder(folder)
    return aside


def _clear(draft: Path) -> None:
    if draft.exists():
        shutil.rmtree(draft)
