"""`data verify | backup | restore | rebuild | retain | history` as people run them: words and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.starter import Ended

CITY = """
name: Test
time_zone: Europe/Berlin
points:
  flow: {unit: m3/h, every: 1h}
retention: {raw: 400d}
"""


@pytest.fixture
def city(tmp_path):
    """A project with 60 days of hourly readings of 2024, one of which was revised by another file."""
    from datetime import UTC, datetime, timedelta

    import pyarrow as pa

    from cityctl.store import Store

    def arrow(rows):
        columns = zip(*rows, strict=True)
        point, time, value = (list(column) for column in columns)
        return pa.table({"point": point, "time": pa.array(time, pa.timestamp("us", "UTC")), "value": value})

    folder = tmp_path / "city"
    folder.mkdir()
    (folder / "city.yaml").write_text(CITY)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rows = [("flow", start + timedelta(hours=n), float(n % 24)) for n in range(24 * 60)]
    with Store.open(folder / ".cityctl" / "store") as store:
        store.add(arrow(rows), source="a.csv", received=datetime(2024, 4, 1, tzinfo=UTC))
        store.add(
            arrow([("flow", start + timedelta(hours=5), 99.0)]),
            source="b.csv",
            received=datetime(2024, 5, 1, tzinfo=UTC),
        )
        store.compact()
    return folder


@pytest.fixture
def ask(city: Path, cityctl: Callable[..., Ended]) -> Callable[..., tuple[int, dict, str]]:
    """Run a command of `cityctl data`: its exit code, what it says as JSON, and its stderr."""

    def run(*words: str, form: str = "json") -> tuple[int, dict, str]:
        ended = cityctl("data", *words, "--project", city, "-o", form, CITYCTL_NOW="2026-01-01T00:00Z")
        assert "Traceback" not in ended.stderr
        return (
            ended.returncode,
            json.loads(ended.stdout) if ended.stdout and form == "json" else {},
            ended.stderr,
        )

    return run


def _segment(folder: Path, kind: str = "new") -> Path:
    """The newest segment of January."""
    found = (folder / ".cityctl" / "store" / "segments" / "month=2024-01").glob(f"*-{kind}-*")
    return max(found, key=lambda path: path.name)


def test_a_damaged_segment_from_its_discovery_to_its_return(city, ask, tmp_path):
    assert ask("backup", str(tmp_path / "backup"))[0] == 0
    path = _segment(city)
    path.write_bytes(path.read_bytes()[:-10])
    code, _, said = ask("sql", "SELECT count(*) AS n FROM readings", "--since", "2024")
    assert code == 10
    assert path.name in said
    assert "cityctl data verify" in said
    code, found, _ = ask("verify")
    assert code == 4
    assert path.name in json.dumps(found)
    assert ask("verify", "--exit-code")[0] == 3
    # From here on the others can be used, and what is left out is named in every answer.
    for words in (
        ["sql", "SELECT count(*) AS n FROM readings", "--since", "2024"],
        ["status"],
        ["history", "flow"],
    ):
        code, found, _ = ask(*words)
        assert code == 4, words
        assert path.name in json.dumps(found), words
    out = tmp_path / "out.csv"
    code, _, said = ask(
        "export", "flow", "--since", "2024-02-05", "--until", "2024-02", "--output-file", str(out)
    )
    assert code == 0  # another month
    words = ["export", "flow", "--since", "2024", "--until", "2024", "--output-file", str(out)]
    code, _, said = ask(*words, form="csv")  # streamed: named on stderr
    assert (code, path.name in said) == (4, True)
    assert ask("restore", str(tmp_path / "backup"))[0] == 0
    code, found, _ = ask("status")
    assert code == 0
    assert "1 440 readings" in json.dumps(found)


def test_a_deleted_list(city, ask):
    store = city / ".cityctl" / "store"
    for path in store.glob("list.sqlite*"):
        path.unlink()
    code, _, said = ask("status")
    assert (code, "cityctl data rebuild" in said) == (10, True)
    assert ask("rebuild")[0] == 0
    code, found, _ = ask("status")
    assert (code, "1 440 readings" in json.dumps(found)) == (0, True)
    code, found, _ = ask("rebuild")
    assert (code, "nothing to rebuild" in json.dumps(found)) == (0, True)


def test_files_that_a_full_disk_left_empty(city, ask):
    """SQLite takes a file of no bytes for a sound, empty one."""
    store = city / ".cityctl" / "store"
    (store / "landing.sqlite").write_bytes(b"")
    code, _, said = ask("verify")
    assert code == 4
    assert "landing.sqlite: it is empty" in json.dumps(ask("verify")[1]) + said
    (store / "landing.sqlite").unlink()
    assert ask("verify")[0] == 0
    (store / "list.sqlite").write_bytes(b"")
    code, _, said = ask("status")
    assert (code, "cityctl data rebuild" in said) == (10, True)
    assert ask("rebuild")[0] == 0
    assert ask("status")[0] == 0


def test_retention_by_city_yaml(ask):
    code, found, _ = ask("retain", "--dry-run")
    assert code == 0
    assert "would drop the readings of 2024-01, 2024-02" in json.dumps(found)
    code, found, _ = ask("retain")
    assert code == 0
    assert "1 440 readings dropped" in json.dumps(found)
    code, found, _ = ask("status")  # what was rolled up is no empty store
    assert code == 0
    assert "the readings of 2024-01, 2024-02 were dropped" in json.dumps(found)
    code, found, _ = ask("gaps", "--since", "2024-02-01", "--until", "2024-03-10")
    assert code == 4
    assert [note for note in found["notes"] if "2024-02 were dropped" in note]
    code, found, _ = ask("verify")
    assert code == 0
    assert ask("retain", "--raw", "soon")[0] == 2


def test_history_in_words(ask):
    code, found, _ = ask("history", "flow")
    assert code == 0
    assert all(word in json.dumps(found) for word in ("a.csv", "b.csv", "99.0"))
    code, found, _ = ask(
        "history", "flow", "--at", "2024-04-15", "--since", "2024-01-01", "--until", "2024-01-01"
    )
    assert code == 0
    assert "99.0" not in json.dumps(found)
    assert ask("history", "flwo")[0] == 2


def test_a_disk_that_takes_no_copy_is_named_and_not_the_store(city, tmp_path):
    """Files end a page before the list does, so that it cannot be copied. The store's own list was said to be amiss."""
    resource = pytest.importorskip("resource", reason="POSIX alone limits the size of files")
    most = (city / ".cityctl" / "store" / "list.sqlite").stat().st_size - 4096
    assert most > 32 << 10  # what SQLite's file that readers share takes
    ended = subprocess.run(
        [sys.executable, "-m", "cityctl", "data", "backup", str(tmp_path / "copy")],
        cwd=city,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 10, ended.stderr
    assert f"the disk reports a fault: {tmp_path / 'copy' / 'list.sqlite.tmp'}" in ended.stderr


def test_there_is_no_backup_where_none_was_made(ask, tmp_path):
    code, _, said = ask("restore", str(tmp_path))
    assert (code, "there is no backup" in said) == (10, True)
