"""The formats are the modules of one folder; a file is recognised by its content."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from cityctl.city.sources import FileSource
from cityctl.errors import InputRefused, UsageProblem
from cityctl.exports import formats
from cityctl.exports.source import Source


def test_every_format_has_what_a_format_needs() -> None:
    assert set(formats.names()) >= {"csv", "parquet", "green_button", "json", "nem12", "mscons"}
    for name in formats.names():
        found = formats.find(name)
        assert found.SUMMARY
        assert isinstance(found.SUFFIXES, tuple)
        assert not found.recognises(b"\x00\x01nothing that anybody writes")


def test_city_yaml_names_every_format() -> None:
    said = FileSource.model_fields["format"].description or ""
    assert set(re.findall(r"[a-z_0-9]+", said)) >= set(formats.names())


def test_names_are_found_as_people_write_them() -> None:
    assert formats.find("Green Button") is formats.find("green_button") is formats.find("greenbutton")
    with pytest.raises(UsageProblem, match="parket") as wrong:
        formats.find("parket")
    assert wrong.value.hint == "did you mean `parquet`?"


def test_a_new_format_is_one_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pipes.py").write_text(
        "SUMMARY, SUFFIXES = 'a test', ('.pipes',)\n"
        "def recognises(head): return head.startswith(b'||')\n"
        "def parse(source, shape): return iter(())\n"
    )
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    formats.names.cache_clear()
    try:
        assert "pipes" in formats.names()
        assert formats.recognise(Source("a", data=b"|| 1")) == "pipes"
    finally:
        formats.names.cache_clear()
        sys.modules.pop("cityctl.exports.formats.pipes", None)


def test_recognition() -> None:
    assert formats.recognise(Source("a.csv", data=b"time,value\n")) == "csv"
    assert formats.recognise(Source("A.TXT", data=b"time;value\n")) == "csv"
    assert formats.recognise(Source("a.bin", data=b"PAR1....")) == "parquet"
    assert (
        formats.recognise(Source("a", data=b"\xef\xbb\xbf<?xml version='1.0'?><ns:feed>")) == "green_button"
    )
    for name, data in {"a.xml": b"<other/>", "a.csv": b"", "a.bin": b"time,value"}.items():
        with pytest.raises(InputRefused):
            formats.recognise(Source(name, data=data))


@pytest.mark.parametrize(
    ("head", "what", "hint"),
    [
        (b"%PDF-1.4", "a PDF, no export", "as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document, no export", "as CSV"),
        (
            b"<!doctype html><html><head><title>Sign in</title>",
            r"a web page \(`Sign in`\), no export",
            "log in",
        ),
    ],
)
def test_what_people_take_for_an_export_is_called_by_its_name(head: bytes, what: str, hint: str) -> None:
    with pytest.raises(InputRefused, match=what) as refused:
        formats.recognise(Source("use.csv.bin", data=head))
    assert hint in (refused.value.hint or "")
