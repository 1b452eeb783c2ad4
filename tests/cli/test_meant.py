"""Words of other tools, and of other places, get the command or option that is meant."""

from __future__ import annotations

import pytest
from typer.core import TyperGroup

from cityctl.cli.meant import _HABITS, _WORDS, command
from cityctl.cli.root import load, paths

PATHS = list(paths())


@pytest.mark.parametrize(
    ("group", "said", "meant"),
    [
        ("config", "check", "cityctl config validate"),
        ("devices", "discover", "cityctl devices scan"),
        ("tariffs", "add", "cityctl tariffs import"),
        ("runbook", "validate", "cityctl runbook lint"),
        ("", "query", "cityctl data sql"),
        ("", "validate", "cityctl config validate"),
        ("report", "scan", "cityctl devices scan"),
        ("report", "frobnicate", None),
    ],
)
def test_what_is_meant(group: str, said: str, meant: str | None) -> None:
    assert command(said, PATHS, tuple(group.split())) == meant


def test_every_word_that_is_meant_is_there() -> None:
    ends = {path[-1] for path in PATHS}
    assert not {ours for words in _WORDS.values() for ours in words} - ends
    assert not set(_WORDS) & {path[0] for path in PATHS if len(path) == 1} - {"check"}
    options: set[str] = set()
    for name in {path[0] for path in PATHS}:
        top = load(name)
        for one in top.commands.values() if isinstance(top, TyperGroup) else (top,):
            options |= {word for parameter in one.params for word in parameter.opts}
    assert set(_HABITS.values()) <= options
