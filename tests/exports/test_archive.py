"""Zip archives are streamed and never extracted; what is unsafe is refused by its name."""

from __future__ import annotations

import gzip
import io
import stat
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cityctl.collect.jobs import Options
from cityctl.collect.load import import_files
from cityctl.console import Console
from cityctl.errors import InputRefused
from cityctl.exports.source import Source
from cityctl.result import Result
from tests.exports.samples import nem12

DAY = nem12({"20240101": [0.5] * 48})


def look(*files: Path) -> Result:
    quiet = Console(quiet=True, out=io.StringIO(), error=io.StringIO())
    return import_files(
        None, files, Options(dry_run=True), now=datetime(2026, 1, 1, tzinfo=UTC), console=quiet
    )


def packed(path: Path, members: dict[str, bytes], **words: Any) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data, **words)
    return path


def test_members_come_in_beside_each_other(tmp_path: Path) -> None:
    other = DAY.replace(b"NMI0000001", b"NMI0000002")
    result = look(packed(tmp_path / "two.zip", {"a/one.csv": DAY, "two.csv": other, "__MACOSX/x": b"x"}))
    assert [(row[0], row[5]) for row in result.tables[0].rows] == [
        ("NMI0000001/E1", 48),
        ("NMI0000002/E1", 48),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["two.zip"]


@pytest.mark.parametrize(
    "name", ["../../evil.csv", "/etc/evil.csv", "..\\evil.csv", "C:evil.csv", "inner.zip"]
)
def test_a_name_that_leads_elsewhere_is_refused_and_the_others_are_kept(tmp_path: Path, name: str) -> None:
    result = look(packed(tmp_path / "a.zip", {name: DAY, "good.csv": DAY}))
    assert [row[5] for row in result.tables[0].rows] == [48]
    ((missing),) = result.completeness.missing
    assert missing.what.startswith(str(tmp_path / "a.zip"))
    assert "archive" in missing.why


def test_links_encrypted_members_and_nested_archives_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("nested.csv", packed(tmp_path / "in.zip", {"x.csv": DAY}).read_bytes())
    data = bytearray(packed(tmp_path / "b.zip", {"secret.csv": DAY}).read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 8] |= 1  # the flag of an encrypted member
    (tmp_path / "b.zip").write_bytes(bytes(data))
    told = {
        one.what.rsplit("/", 1)[-1]: one.why
        for one in look(tmp_path / "a.zip", tmp_path / "b.zip").completeness.missing
    }
    assert "link" in told["link.csv"]
    assert "within the archive" in told["nested.csv"]
    assert "encrypted" in told["secret.csv"]


def test_bombs_are_refused_before_they_go_off(tmp_path: Path) -> None:
    zeros = bytes(80 << 20)
    assert "bomb" in look(packed(tmp_path / "bomb.zip", {"a.csv": zeros})).completeness.missing[0].why
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"time,kWh\n" + b"2024-01-01,1\n" * (6 << 20)))
    assert "bomb" in look(tmp_path / "bomb.csv.gz").completeness.missing[0].why


def test_a_bomb_that_lies_about_its_size_stops_at_the_limit(tmp_path: Path) -> None:
    path = packed(tmp_path / "lie.zip", {"a.csv": b"1,2\n" * (20 << 20)})
    source = Source("lie.zip/a.csv", path=path, member="a.csv")
    with source.stream() as stream, pytest.raises(InputRefused, match="more than 250 times"):
        sum(len(piece) for piece in iter(lambda: stream.read(1 << 20), b""))


@pytest.mark.parametrize("cut", [10, 60, -30])
def test_a_damaged_archive_is_named(tmp_path: Path, cut: int) -> None:
    path = packed(tmp_path / "a.zip", {"a.csv": DAY})
    path.write_bytes(path.read_bytes()[:cut])
    (missing,) = look(path).completeness.missing
    assert missing.what.startswith(str(path))
    assert "zip" in missing.why or "format" in missing.why


def test_a_changed_byte_within_a_member_is_found(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.csv": DAY}, compress_type=zipfile.ZIP_STORED)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"300,20240101,0.5", b"300,20240101,0.6"))
    (missing,) = look(path).completeness.missing
    assert "CRC" in missing.why


def test_control_signs_in_names_never_reach_a_terminal(tmp_path: Path, cityctl: Callable[..., Any]) -> None:
    (tmp_path / "a.csv").write_text("meter,time,kWh\n\x1b[31mred\x07,2024-01-01T00:00Z,1.5\n")
    ended = cityctl("data", "import", tmp_path / "a.csv", "--dry-run", "-o", "plain")
    assert ended.returncode == 0
    assert "\x1b" not in ended.stdout + ended.stderr
    assert "\x07" not in ended.stdout + ended.stderr
