"""Raw answers on disk: immutable, by content, listed."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

from cityctl.exports.landing import Landing


def landed(folder: Path, data: bytes, **told: object) -> str:
    landing = Landing(folder)
    with landing.draft() as draft:
        draft.restart()
        draft.write(b"a try that failed")
        draft.restart()
        draft.write(data)
        kept = draft.keep(told)
    landing.settle()
    return kept.sha256


def test_bytes_land_under_their_hash_and_the_same_bytes_once(tmp_path: Path) -> None:
    first, second = (
        landed(tmp_path, b"time,value\n", series="a"),
        landed(tmp_path, b"time,value\n", series="b"),
    )
    assert first == second == hashlib.sha256(b"time,value\n").hexdigest()
    (path,) = tmp_path.glob("??/*.gz")
    assert path.name == f"{first}.gz"
    assert gzip.decompress(path.read_bytes()) == b"time,value\n"
    lines = [json.loads(line) for line in (tmp_path / "index.jsonl").read_text().splitlines()]
    assert [(line["sha256"], line["bytes"], line["series"]) for line in lines] == [
        (first, 11, "a"),
        (first, 11, "b"),
    ]


def test_a_try_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with Landing(tmp_path).draft() as draft:
        draft.restart()
        draft.write(b"half")
    assert [path.name for path in tmp_path.rglob("*")] == []
