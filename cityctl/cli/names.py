"""What a TAB offers: names that the project in reach has.

Reads city.yaml and connectors as plain YAML, without the city's model; what cannot be read offers nothing. Never
raises, and never asks a device or a service.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from cityctl.library import Kind, Library

Completer = Callable[[typer.Context, str], list[str]]


def _completer(names: Callable[[Path | None, str], Iterable[str]]) -> Completer:
    """A completion of the names that `names(project folder, word so far)` gives."""

    def complete(context: typer.Context, incomplete: str) -> list[str]:
        offered: list[str] = []
        with contextlib.suppress(Exception):  # a TAB says nothing, whatever is wrong
            offered += [name for name in names(_folder(context), incomplete) if name.startswith(incomplete)]
        return offered

    return complete


def _folder(context: typer.Context) -> Path | None:
    """The project's folder: of --project where it stands before the word, else found upwards."""
    start = Path(context.params.get("project") or Path.cwd())
    if start.is_file():
        start = start.parent
    return next((one for one in (start, *start.parents) if (one / "city.yaml").is_file()), None)


def _city(folder: Path | None) -> Mapping[str, Any]:
    from cityctl.document import read

    return read(folder / "city.yaml").data if folder is not None else {}


def _part(folder: Path | None, part: str) -> Mapping[str, Any]:
    said = _city(folder).get(part)
    return said if isinstance(said, Mapping) else {}


def _points_of(folder: Path | None, device: str) -> Iterator[str]:
    """DEVICE/POINT for every point of the device's connector."""
    from cityctl.document import read

    said = _part(folder, "devices").get(device)
    if isinstance(said, Mapping):
        path = Library(folder).find("connectors/devices", str(said.get("connector")))
        yield from (f"{device}/{point}" for point in read(path).data.get("points") or {})


def _device_points(folder: Path | None, incomplete: str) -> Iterator[str]:
    """Devices; behind a device's slash, its points."""
    device, slash, _ = incomplete.partition("/")
    if slash:
        yield from _points_of(folder, device)
    else:
        yield from _part(folder, "devices")


def _points(folder: Path | None, incomplete: str) -> Iterator[str]:
    """Points of city.yaml; behind a device's slash, those of the device."""
    yield from _part(folder, "points")
    yield from _device_points(folder, incomplete)


def _findings(folder: Path | None, _: str) -> Iterator[str]:
    from cityctl.report.findings.book import Book

    if folder is not None:
        with Book(folder / ".cityctl").reading() as connection:
            rows = connection.execute("SELECT id FROM findings WHERE state <> 'closed' ORDER BY seen_at DESC")
            yield from (row[0] for row in rows.fetchall())


def _library(*kinds: Kind) -> Completer:
    return _completer(lambda folder, _: [name for kind in kinds for name in Library(folder).list(kind)])


def words(*known: str) -> Callable[[str], list[str]]:
    """A completion of words that are always the same."""
    return lambda incomplete: [word for word in known if word.startswith(incomplete)]


profiles = _completer(lambda folder, _: _part(folder, "profiles"))
devices = _completer(lambda folder, _: _part(folder, "devices"))
device_points = _completer(_device_points)
points = _completer(_points)
services = _completer(lambda folder, _: _part(folder, "services"))
findings = _completer(_findings)
connectors = _library("connectors/devices", "connectors/services")
services_or_connectors = _completer(
    lambda folder, _: [*_part(folder, "services"), *Library(folder).list("connectors/services")]
)
reports = _library("recipes/reports")
runbooks = _library("recipes/runbooks")
tariffs = _library("recipes/tariffs")
