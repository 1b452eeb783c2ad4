"""A store that several users fill: whatever their umasks, all who may work in its folder may work in what is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cityctl.reading import Reading
from cityctl.store import Store
from cityctl.store.care.backup import backup
from tests.store.test_landing import DAY1

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no modes here")


@pytest.fixture(params=[0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def filled(folder: Path, table, at) -> dict[Path, int]:
    """All that a poll, an import and a compaction make, with its mode; a store that is open has its WAL."""
    with Store.open(folder) as store:
        store.add(table([("a", at(0), 1.0)]), source="x", received=DAY1)
        store.land([Reading("a", at(1), 2.0)], batch="1", received=DAY1)
        store.compact()
        made = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    assert {"list.sqlite", "list.sqlite-wal", "landing.sqlite", "lock"} <= {path.name for path in made}
    assert any(path.suffix == ".parquet" for path in made)
    return made


@pytest.mark.usefixtures("umask")
def test_what_one_makes_all_may_write(tmp_path, table, at):
    state = tmp_path / ".cityctl"
    state.mkdir()
    state.chmod(0o2775)
    for path, mode in filled(state / "store", table, at).items():
        assert mode & 0o777 == (0o775 if path.is_dir() else 0o664), path


@pytest.mark.parametrize("rights", [0o755, 0o1777])
def test_what_is_ones_own_follows_the_umask(tmp_path, table, at, umask, rights):
    """A project of one user, and a store in a folder such as /tmp."""
    tmp_path.chmod(rights)
    for path, mode in filled(tmp_path / "store", table, at).items():
        if path.name != "lock":  # a lock is for all who may work in its folder, and holds nothing
            assert mode & 0o777 & umask == 0, path


@pytest.mark.parametrize(("closed", "rights"), [("store", 0o750), ("project", 0o700), ("", 0o755)])
def test_a_backup_is_closed_to_whom_the_store_is_closed(table, at, closed, rights):
    """The store's folder, or one that it lies in, keeps others out; the backup lay open to all."""
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "project" / "store") as store:
        if not all(above.stat().st_mode & 0o011 == 0o011 for above in Path(folder).parents):
            pytest.skip(f"{folder} lies in a folder that is closed")
        store.add(table([("a", at(0), 1.0)]), source="x", received=DAY1)
        Path(folder).chmod(0o755)
        store.folder.parent.chmod(rights if closed == "project" else 0o755)
        store.folder.chmod(rights if closed == "store" else 0o755)
        new, mine = Path(folder) / "new" / "backup", Path(folder) / "mine"
        mine.mkdir()
        mine.chmod(0o755)
        for target in (new, mine):
            backup(store, target)
        assert new.stat().st_mode & 0o777 == rights
        assert mine.stat().st_mode & 0o777 == 0o755  # whoever made it has chosen
