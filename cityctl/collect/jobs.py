"""What is to be imported: the files that are named, or those of city.yaml, each with the shape of its content."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cityctl.city.model import City
from cityctl.city.project import Project
from cityctl.city.sources import FileSource
from cityctl.errors import CityctlError, InputRefused, UsageProblem
from cityctl.exports import formats
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.result import Missing


@dataclass(frozen=True)
class Options:
    """What is said about files on the command line; see exports/shape.py for the shape of tables."""

    shape: Shape = field(default_factory=Shape)
    format: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    keep_all: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Job:
    """One file to import."""

    source: Source
    format: str | None
    shape: Shape
    mapping: Mapping[str, str]
    prefix: str


def find_jobs(
    project: Project | None, files: Sequence[Path], options: Options
) -> tuple[list[Job], list[Missing]]:
    """The files to import, the members of archives each by itself; and those that are not there or refused.

    All that city.yaml names where none is named. Raises UsageProblem where there is none.
    """
    city = project.city if project is not None else None
    jobs: list[Job] = []
    refused: list[Missing] = []
    if files:
        shape = options.shape
        if shape.time_zone is None and city is not None:
            shape = replace(shape, time_zone=city.time_zone)
        shape = replace(shape, columns=tuple(options.mapping))
        if options.format is not None:
            formats.find(options.format)
        for path in _each(files):
            try:
                unpacked = _unpacked(Source.file(path), refused)
            except InputRefused as problem:
                refused.append(refusal(str(path), problem))
                continue
            jobs += [
                Job(source, options.format, shape, options.mapping, options.prefix) for source in unpacked
            ]
        return jobs, refused
    if project is None or city is None:
        raise UsageProblem("no file is named", hint="cityctl data import FILE --dry-run")
    if not city.files:
        raise UsageProblem(
            "no file is named, and city.yaml names none",
            hint="cityctl data import FILE, or add `files:` to city.yaml",
        )
    for name, entry in city.files.items():
        paths = [entry.path] if isinstance(entry.path, str) else list(entry.path)
        shape = _merged(entry, options.shape, city)
        for text in paths:
            found = _found(project.folder, text)
            if not found:
                refused.append(Missing(text, f"no such file (files.{name} of city.yaml)"))
            mapping = {**entry.points, **options.mapping}
            for path in found:
                try:
                    sources = _unpacked(Source.file(path, _shown(path, project.folder)), refused)
                except InputRefused as problem:
                    refused.append(refusal(text, problem))
                    continue
                jobs += [
                    Job(source, options.format or entry.format, shape, mapping, entry.prefix)
                    for source in sources
                ]
    return jobs, refused


def refusal(name: str, problem: CityctlError) -> Missing:
    """What cannot be taken, with why and what to do."""
    why = problem.message.removeprefix(f"{name}: ")
    return Missing(name, f"{why} (hint: {problem.hint})" if problem.hint else why)


def _each(files: Sequence[Path]) -> Iterator[Path]:
    """The files, and for a folder those in and below it, in the order of their names; what is hidden is passed over.

    Raises InputRefused where a folder below cannot be looked into.
    """

    def unreadable(problem: OSError) -> None:
        raise InputRefused(
            f"{problem.filename}: cannot be read: {problem.strerror}", hint="check its permissions"
        )

    for path in files:
        if not path.is_dir():
            yield path
            continue
        found = [
            Path(folder) / name for folder, _, names in os.walk(path, onerror=unreadable) for name in names
        ]
        shown = [
            one for one in found if not any(part.startswith(".") for part in one.relative_to(path).parts)
        ]
        yield from sorted(shown) or [path]


def _unpacked(source: Source, refused: list[Missing]) -> list[Source]:
    """The file itself, or its parts; those that are refused are named."""
    parts, bad = source.parts()
    refused += [Missing(name, why) for name, why in bad]
    return parts


def _found(folder: Path, text: str) -> list[Path]:
    """The files that a path of city.yaml names; `*` stands for any letters."""
    if "*" in text or "?" in text:
        plain = Path(text)
        start = Path(plain.anchor) if plain.is_absolute() else folder
        pattern = str(plain.relative_to(plain.anchor)) if plain.is_absolute() else text
        parents = 0
        while pattern.startswith("../"):
            pattern, parents = pattern[3:], parents + 1
        for _ in range(parents):
            start = start.parent
        return sorted(path for path in start.glob(pattern) if path.is_file())
    path = folder / text
    return [path] if path.is_file() else []


def _shown(path: Path, folder: Path) -> str:
    try:
        return str(path.relative_to(folder))
    except ValueError:
        return str(path)


def _merged(entry: FileSource, said: Shape, city: City) -> Shape:
    """city.yaml's words for a file, with those of the command line over them."""
    plain = Shape()
    own = Shape(
        layout=entry.layout,
        time=entry.time,
        point=entry.point,
        value=entry.value,
        quality=entry.quality,
        columns=tuple(entry.points),
        unit=entry.unit,
        units=entry.units,
        time_zone=entry.time_zone or city.time_zone,
        time_format=entry.time_format,
        stamp=entry.stamp,
        every=entry.every,
        kind=entry.kind,
        decimal=entry.decimal if entry.decimal == "," else None,
        delimiter=entry.delimiter,
        encoding=entry.encoding,
        missing=tuple(entry.missing),
    )
    changed: dict[str, Any] = {
        name: getattr(said, name)
        for name in Shape.__dataclass_fields__
        if getattr(said, name) != getattr(plain, name)
    }
    return replace(own, **changed)
