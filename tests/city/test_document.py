"""YAML with positions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.document import parse, read
from cityctl.errors import ConfigInvalid


def test_a_place_is_where_the_key_stands_or_its_parent():
    document = parse("a:\n  b: 1\n  c:\n    - x\n    - y\n", Path("f.yaml"))
    assert document.place("a", "b") == "f.yaml:2:3"
    assert document.place("a", "c", 1) == "f.yaml:5:7"
    assert document.place("a", "z", "deep") == "f.yaml:1:1"


def test_a_billion_laughs_and_python_objects_are_refused():
    with pytest.raises(ConfigInvalid, match="could not determine a constructor"):
        parse("a: !!python/object/apply:os.system ['true']\n", Path("f.yaml"))
    with pytest.raises(ConfigInvalid):
        parse("a: &a [*a]\n", Path("f.yaml"))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"- a\n- b\n", b"just words", b"a: 2026-13-40"])
def test_what_is_no_mapping_is_refused(tmp_path, content):
    path = tmp_path / "f.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigInvalid, match=r"f\.yaml"):
        read(path)


def test_a_byte_order_mark_is_no_key(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: x\n")
    assert read(path).data == {"name": "x"}


def test_a_key_is_a_word_whatever_yaml_makes_of_it(tmp_path):
    """YAML 1.1 takes `on`, `off` and `no` for truths; a key is none."""
    path = tmp_path / "f.yaml"
    path.write_text("on: [energy]\nno: 1\nis: on\n", encoding="utf-8")
    assert read(path).data == {"on": ["energy"], "no": 1, "is": True}


@given(st.text(max_size=80))
def test_any_text_is_a_document_or_refused(text):
    said = "f.yaml"
    try:
        parse(text, Path("f.yaml"))
    except ConfigInvalid as problem:
        said = problem.message
    assert "f.yaml" in said


def test_aliases_of_aliases_are_refused_before_they_are_unfolded():
    words = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    with pytest.raises(ConfigInvalid, match="say the same thing too often"):
        parse(words, Path("f.yaml"))


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        (
            "a: 1\nb: 2026-13-45\n",
            "f.yaml:2:4: `2026-13-45` is neither a date nor a number",
            "put it in quotes",
        ),
        (
            "a: [1, " + "9" * 5000 + "]\n",
            "f.yaml:1:8: `99999999999999999999...` is neither",
            "put it in quotes",
        ),
        ("a: 1\nb: x\x07y\n", "f.yaml:2:5: this is no text (U+0007)", "take it out"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: but found another document", "leave the second `---` out"),
        ("a: !point 1\n", "f.yaml:1:4: could not determine a constructor", "leave the tag"),
        ("42\n", "f.yaml:1:1: expected `key: value` lines, found a number", ""),
        ("- a\n", "f.yaml:1:1: expected `key: value` lines, found a list", ""),
    ],
)
def test_what_is_no_document_is_told_with_its_place_and_what_to_do(text, said, hint):
    with pytest.raises(ConfigInvalid) as caught:
        parse(text, Path("f.yaml"))
    assert caught.value.message.startswith(said)
    assert hint in (caught.value.hint or "")
