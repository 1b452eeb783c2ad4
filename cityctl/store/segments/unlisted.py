"""Files beside a list that it does not know: left by runs that died, or newer than a list that came from elsewhere.

A list that is a copy of an earlier day, or that lost its -wal, would have segments swept. Knows names of files alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cityctl.store.folder import DRAFT, LIST, SEGMENTS, ListDamaged, generation_of
from cityctl.wording import counted


def files_ahead(folder: Path, generation: int, known: Callable[[], set[str]]) -> list[str]:
    """Segments that no run that died can have left: a list of this generation has never come to theirs.

    `known`: the paths on the list; a list that was rebuilt may name files of later generations.
    """
    latest = generation + 1  # what a run that dies before its commit leaves
    found = [path for path in (folder / SEGMENTS).glob("month=*/*.parquet") if generation_of(path) > latest]
    listed = known() if found else set()
    names = (f"{SEGMENTS}/{path.parent.name}/{path.name}" for path in found)
    return sorted(name for name in names if name not in listed)


def outrun(folder: Path, ahead: Sequence[str]) -> ListDamaged:
    """What to say of files that are ahead of the list."""
    return ListDamaged(
        f"the store's list is older than {counted(len(ahead), 'segment')} beside it: {folder / LIST} "
        f"(`{ahead[-1]}`), a copy of an earlier day or one without its -wal",
        hint="`cityctl data rebuild` makes it anew, with all segments",
    )


def orphans(folder: Path, known: set[str]) -> Iterator[str]:
    """Files among the segments that are on no list: runs that died left them, and `data compact` sweeps them."""
    for path in (folder / SEGMENTS).glob("month=*/*"):
        name = f"{SEGMENTS}/{path.parent.name}/{path.name}"
        if path.suffix in (".parquet", DRAFT) and name not in known:
            yield name
