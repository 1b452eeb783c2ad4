"""Raw answers on disk: immutable, by content, listed."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from cityctl.errors import ConfigInvalid
from cityctl.exports.landing import Landing
from cityctl.exports.secret import Secret
from cityctl.exports.source import Source


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


def test_a_secret_that_an_answer_repeats_is_blotted_out_across_pieces(tmp_path: Path) -> None:
    """The same length stays; what might be a reading (a number, a short word) is never touched."""
    Secret("canary-landing-77aa")
    Secret("123456789012345")
    Secret("shortkey")
    body = b"time,value\nx,123456789012345\nshortkey,canary-landing-77aa\n" * 3
    landing = Landing(tmp_path)
    with landing.draft() as draft:
        draft.restart()
        for at in range(0, len(body), 7):
            draft.write(body[at : at + 7])
        kept = draft.keep({})
    assert gzip.decompress(kept.path.read_bytes()) == body.replace(b"canary-landing-77aa", b"*" * 19)


def test_what_is_packed_already_lands_as_it_came(tmp_path: Path) -> None:
    packed = gzip.compress(b"time,value\n")
    landing = Landing(tmp_path)
    with landing.draft() as draft:
        draft.restart()
        draft.write(packed[:2])
        draft.write(packed[2:])
        kept = draft.keep({})
    assert kept.path.read_bytes() == packed
    assert kept.path == landing.find(hashlib.sha256(packed).hexdigest())
    with Source("x", path=kept.path).stream() as stream:
        assert stream.read() == b"time,value\n"


@pytest.mark.parametrize("data", [b"", b"a", b"abc", b"\x1f\x8b"])
def test_tiny_answers_land_whole(tmp_path: Path, data: bytes) -> None:
    assert landed(tmp_path, data) == hashlib.sha256(data).hexdigest()
    (path,) = tmp_path.glob("??/*")
    assert gzip.decompress(path.read_bytes()) == data


def test_a_damaged_line_of_the_index_is_named(tmp_path: Path) -> None:
    landed(tmp_path, b"x")
    (tmp_path / "index.jsonl").write_text('{"sha256": "a"}\nnonsense\n{"sha256": "b"}\n')
    with pytest.raises(ConfigInvalid, match=r"index\.jsonl:2: damaged"):
        list(Landing(tmp_path).lines())
    (tmp_path / "index.jsonl").write_text('{"sha256": "a"}\n{"sha2')
    assert [line["sha256"] for line in Landing(tmp_path).lines()] == ["a"]
