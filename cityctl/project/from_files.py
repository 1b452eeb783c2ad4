"""What a city's first files hold, as the zones, points and files of a new city.yaml.

A flow becomes the inflow of a zone, energy the use of a building; what else a file holds becomes a point alone. Nothing
is guessed about the network: what cannot be seen in a file stays to be filled in.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cityctl import clock, units
from cityctl.collect.jobs import Options
from cityctl.collect.load import import_files
from cityctl.console import Console
from cityctl.errors import UsageProblem, listed
from cityctl.exports.shape import Shape
from cityctl.wording import name_once, plain_name

_STEPS = [timedelta(minutes=m) for m in (1, 2, 3, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 360, 720, 1440)]
_PLAIN = re.compile(r"[A-Za-z0-9_./-]*[A-Za-z_/][A-Za-z0-9_./-]*")  # needs no quotes in YAML


@dataclass(frozen=True)
class Seen:
    """A series of a file, and the point that it becomes. `summed`: its values are amounts of intervals."""

    file: Path
    series: str
    point: str
    quantity: str
    unit: str
    summed: bool
    every: timedelta | None
    first: datetime
    last: datetime

    @property
    def zone(self) -> str | None:
        """The kind of zone that it speaks for."""
        if self.quantity == "flow":
            return "dma"
        return "building" if self.quantity == "energy" else None


def look(
    files: Sequence[Path],
    *,
    unit: str | None,
    encoding: str | None,
    time_zone: str,
    now: datetime,
    console: Console,
) -> list[Seen]:
    """Every series of the files. Raises UsageProblem: nothing in there, or a series without a unit."""
    found: list[Seen] = []
    for file in files:
        shape = Shape(
            unit=units.unit(unit).symbol if unit else None,
            encoding=encoding,
            time_zone=clock.zone_named(time_zone).key,
        )
        result = import_files(None, [file], Options(shape, None, {}, dry_run=True), now=now, console=console)
        keys = [column.key for column in result.tables[0].columns]
        rows = [dict(zip(keys, row, strict=True)) for row in result.tables[0].rows]
        rows = [row for row in rows if row["received"] and isinstance(row["first"], datetime)]
        if not rows:
            said = "; ".join(dict.fromkeys(gap.why for gap in result.completeness.missing))
            raise UsageProblem(
                f"{file}: no readings found" + (f": {said}" if said else ""),
                hint=f"`cityctl data import {file} --dry-run` shows what is seen in it",
            )
        without = [str(row["series"]) for row in rows if not row["unit"]]
        if without:
            raise UsageProblem(
                f"{file}: no unit of {listed(without)}",
                hint="add `--unit m3/h`, or write the unit into the file's heads: `North [m3/h]`",
            )
        for row in rows:
            found.append(_seen(file, row, {one.point for one in found}))
    return found


def _seen(file: Path, row: dict[str, object], taken: set[str]) -> Seen:
    first, last, received = row["first"], row["last"], row["received"]
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    assert isinstance(received, int)
    return Seen(
        file=file,
        series=str(row["series"]),
        point=_name(str(row["series"]), taken),
        quantity=str(row["quantity"] or ""),
        unit=str(row["unit"]),
        summed=row["sum"] is not None,
        every=_every(last - first, received),
        first=first,
        last=last,
    )


def _name(series: str, taken: set[str]) -> str:
    """A point's name: `durchfluss_nord` of `Durchfluss Nord [m³/h]`, each once."""
    bare = re.sub(r"\s*[\[(][^\])]*[\])]\s*$", "", series)
    base = plain_name(bare) or "series"
    return name_once(base if base[0].isalpha() else f"p{base}", taken)


def _every(span: timedelta, received: int) -> timedelta | None:
    """The usual step that fits: the readings' mean distance, or less where some are missing; bills have none."""
    if received < 2:
        return None
    mean = span / (received - 1)
    if mean > 2 * max(_STEPS):
        return None
    return max((step for step in _STEPS if step <= mean * 1.02), default=None)


def zones_yaml(seen: Sequence[Seen]) -> str:
    """The zones, one line each below `zones:`."""
    lines = []
    for one in seen:
        if one.zone == "dma":
            lines.append(
                f"  {one.point}: {{name: {_quoted(_title(one))}, network: water, kind: dma, inflow: {one.point}}}"
            )
        elif one.zone == "building":
            lines.append(f"  {one.point}: {{name: {_quoted(_title(one))}, network: power, kind: building}}")
    return "\n".join(lines)


def points_yaml(seen: Sequence[Seen]) -> str:
    """The points, one line each below `points:`."""
    lines = []
    for one in seen:
        said = [f"unit: {_quoted(one.unit)}"]
        if one.quantity in ("energy", "volume"):
            said.append(f"kind: {'interval' if one.summed else 'counter'}")
        if one.every is not None:
            said.append(f"every: {clock.short(one.every)}")
        if one.zone is not None:
            said.append(f"zone: {one.point}")
        if one.zone == "building":
            said.append("role: consumption")
        lines.append(f"  {one.point}: {{{', '.join(said)}}}")
    return "\n".join(lines)


def files_yaml(seen: Sequence[Seen], folder: Path, *, unit: str | None, encoding: str | None) -> str:
    """The files that `cityctl data import` takes from now on, and which series is which point."""
    lines: list[str] = []
    taken: set[str] = set()
    for file in dict.fromkeys(one.file for one in seen):
        name = _name(file.name.partition(".")[0], taken)
        taken.add(name)
        try:
            path = os.path.relpath(file.resolve(), folder.resolve())
        except ValueError:  # another drive
            path = str(file.resolve())
        lines += [f"  {name}:", f"    path: {_quoted(path)}"]
        lines += [f"    unit: {_quoted(units.unit(unit).symbol)}"] if unit else []
        lines += [f"    encoding: {encoding}"] if encoding else []
        lines += ["    points:"]
        lines += [f"      {_quoted(one.series)}: {one.point}" for one in seen if one.file == file]
    return "\n".join(lines)


def _title(one: Seen) -> str:
    return re.sub(r"\s*[\[(][^\])]*[\])]\s*$", "", one.series).strip() or one.series


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.casefold() not in ("yes", "no", "on", "off", "true", "false", "null"):
        return text
    return json.dumps(text, ensure_ascii=False)


def steps(seen: Sequence[Seen], folder: Path, time_zone: str) -> list[str]:
    """What to do next, as commands."""
    zone = clock.zone_named(time_zone)
    last = max(one.last for one in seen).astimezone(zone)
    since = max(min(one.first for one in seen).astimezone(zone), last - timedelta(days=30))
    kinds = {one.zone for one in seen}
    report = "leaks" if "dma" in kinds else "load" if "building" in kinds else "data-quality"
    asked = f"--since {since.date()} --until {last.date()} --project {folder}"
    return [
        f"Next: look at {folder / 'city.yaml'} (connections and length of mains sharpen what is expected), then",
        f"`cityctl data import --project {folder}`",
        f"`cityctl report run {report} {asked}`",
    ]
