"""What a file of YAML may not say is told in plain words, whatever model refuses it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from cityctl.checked import SHAPES, validate
from cityctl.document import read
from cityctl.errors import ConfigInvalid
from cityctl.project.schemas import LANGUAGES, schema


class Rows(BaseModel, extra="forbid"):
    numbers: list[int]


def _patterns(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        if isinstance(tree.get("pattern"), str):
            yield tree["pattern"]
        for inner in tree.values():
            yield from _patterns(inner)
        yield from tree.get("patternProperties", {})
    elif isinstance(tree, list):
        for inner in tree:
            yield from _patterns(inner)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_pattern_has_its_sentence(language: str) -> None:
    # What a validator of its own refuses has its sentence there, and is not anchored in the schema.
    found = {pattern for pattern in _patterns(json.loads(schema(language))) if pattern.startswith("^")}
    assert found, f"no pattern in the schema of {language}"
    for pattern in found:
        assert re.compile(pattern)
    assert found <= SHAPES.keys(), f"say in cityctl/checked.py what {found - SHAPES.keys()} looks like"


def test_many_mistakes_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "rows.yaml"
    path.write_text("numbers: [" + ", ".join("abcdefghi") + "]\n")
    with pytest.raises(ConfigInvalid) as caught:
        validate(Rows, read(path))
    assert len(caught.value.tried) == 6
    assert caught.value.tried[-1] == "and 3 more"
