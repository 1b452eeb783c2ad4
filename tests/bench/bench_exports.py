"""Exports: Green Button beside PyPI greenbutton-objects, memory from 50 to 500 MB, a table beside bare DuckDB.

Aims: >= 4x the throughput and <= 1/12 of the memory of greenbutton-objects, memory +10 % at most from 50 to
500 MB, 1 GB of CSV into the store in <= 1.3x the CPU of DuckDB's COPY to Parquet.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.exports_input import green_button, table

_PEER = "greenbutton-objects==2024.7.11"
_PEER_READS = """
import sys
from greenbutton_objects.parse import parse_feed
print(sum(1 for point in parse_feed(sys.argv[1]) for meter in point.meterReadings for _ in meter.intervalReadings))
"""
_COPY = """
import sys, duckdb
duckdb.sql(f"COPY (SELECT * FROM read_csv('{sys.argv[1]}')) TO '{sys.argv[2]}' (FORMAT parquet, COMPRESSION zstd)")
"""
_PROJECT = "name: Bench\ntime_zone: UTC\nnetworks: {power: {kind: power}}\n"


@dataclass(frozen=True)
class Run:
    """One process: CPU seconds, peak memory in MB, what it printed."""

    cpu: float
    memory: float
    said: str


def run(words: Sequence[str | Path], cwd: Path) -> Run:
    """Run a process to its end. Raises where it fails."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(
            [str(word) for word in words], cwd=cwd, stdout=out, stderr=subprocess.PIPE, text=True
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read()
    if process.returncode:
        assert process.stderr is not None
        raise RuntimeError(f"{words[:4]} ended with {process.returncode}: {process.stderr.read()[-500:]}")
    assert process.stderr is not None
    process.stderr.close()
    return Run(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said)


def bench() -> Iterator[tuple[str, str]]:
    """(label, figure) of each measurement."""
    with tempfile.TemporaryDirectory(prefix="cityctl-bench-") as made:
        folder = Path(made)
        yield from _green_button(folder)
        yield from _table(folder)


def _green_button(folder: Path) -> Iterator[tuple[str, str]]:
    runs: dict[int, Run] = {}
    feed = folder / "feed.xml"
    readings = 0
    for size in (50, 500):
        readings, total = green_button(feed, size * 1_000_000)
        words = [sys.executable, "-m", "cityctl", "data", "import", feed, "--dry-run", "-o", "json"]
        runs[size] = run(words, folder)
        (row,) = json.loads(runs[size].said)["rows"]
        assert (row["new"], round(row["sum"] * 1000)) == (readings, total)
        one = runs[size]
        yield (
            f"Green Button {size} MB, {readings} readings, none lost",
            f"{one.cpu:.1f} s CPU, {one.memory:.0f} MB",
        )
        runs[-size] = _into_the_store(folder, feed, readings)
    for words, small, large in (("memory", 50, 500), ("memory into the store", -50, -500)):
        growth = runs[large].memory / runs[small].memory - 1
        yield f"{words}, from 50 to 500 MB", f"{growth:+.1%} (aim: +10 % at most)"
    peer = _peer(folder)
    if peer is None:
        yield "greenbutton-objects", "not reachable: not compared"
        return
    script = folder / "peer.py"
    script.write_text(_PEER_READS, encoding="utf-8")
    other = run([peer, script, feed], folder)
    yield (
        f"greenbutton-objects, {other.said.strip()} of {readings} readings",
        f"{other.cpu:.1f} s CPU, {other.memory:.0f} MB",
    )
    yield "throughput beside it", f"{other.cpu / runs[500].cpu:.1f}x (aim: 4x at least)"
    yield "memory beside it", f"1/{other.memory / runs[500].memory:.1f} (aim: 1/12 at most)"
    feed.unlink()


def _into_the_store(folder: Path, feed: Path, readings: int) -> Run:
    project = folder / f"feed-{readings}"
    project.mkdir()
    (project / "city.yaml").write_text(_PROJECT, encoding="utf-8")
    words = ["data", "import", feed, "--all", "--project", project, "-o", "json"]
    came = run([sys.executable, "-m", "cityctl", *words], folder)
    (row,) = json.loads(came.said)["rows"]
    assert row["new"] == readings
    return came


def _peer(folder: Path) -> Path | None:
    """The Python of an environment of its own with greenbutton-objects; None where it cannot be had."""
    home = folder / "peer"
    try:
        subprocess.run([sys.executable, "-m", "venv", home], check=True, capture_output=True, timeout=300)
        python = home / "bin" / "python"
        install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", _PEER]
        subprocess.run(install, check=True, capture_output=True, timeout=300)
    except (subprocess.SubprocessError, OSError):
        return None
    return python


def _table(folder: Path, size: int = 1_000_000_000) -> Iterator[tuple[str, str]]:
    text = folder / "table.csv"
    rows = table(text, size)
    project = folder / "project"
    project.mkdir()
    (project / "city.yaml").write_text(_PROJECT, encoding="utf-8")
    words = [
        "data",
        "import",
        text,
        "--unit",
        "kWh",
        "--time-zone",
        "UTC",
        "--all",
        "--project",
        project,
        "-o",
        "json",
    ]
    ours = run([sys.executable, "-m", "cityctl", *words], folder)
    assert sum(row["new"] for row in json.loads(ours.said)["rows"]) == rows
    copied = run([sys.executable, "-c", _COPY, text, folder / "copied.parquet"], folder)
    yield (
        f"CSV of {size / 1e9:g} GB, {rows} rows, into the store",
        f"{ours.cpu:.1f} s CPU, {ours.memory:.0f} MB",
    )
    yield "bare DuckDB COPY to Parquet", f"{copied.cpu:.1f} s CPU, {copied.memory:.0f} MB"
    yield "ratio", f"{ours.cpu / copied.cpu:.2f} (aim: 1.3 at most)"
