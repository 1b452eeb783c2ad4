"""Every shipped tariff, and mistakes in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from cityctl.errors import ConfigInvalid
from cityctl.library import Library
from cityctl.tariff.model import TARIFFS, from_text, load
from cityctl.tariff.shelf import description, listing


@pytest.mark.parametrize("name", list(Library().list(TARIFFS)))
def test_every_shipped_tariff_loads_and_says_what_it_is(name: str) -> None:
    tariff = load(Library(), name).tariff
    assert tariff.title
    assert tariff.source or tariff.example
    assert description(Library(), name).tables[0].rows


def test_all_are_listed() -> None:
    assert [row[0] for row in listing(Library()).tables[0].rows] == list(Library().list(TARIFFS))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tariff: t\nversions: [{enrgy: []}]\n", "enrgy"),
        ("tariff: other\nversions: [{}]\n", "is called `other`"),
        ("tariff: t\nversions: [{from: 2025-01-01}, {from: 2024-01-01}]\n", "order of `from`"),
        ("tariff: t\nversions: [{demand: [{price: 1}, {price: 2}]}]\n", "not priced alike"),
        ("tariff: t\nversions: [{window: 7m}]\n", "15m, 30m or 60m"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ConfigInvalid, match=said) as problem:
        from_text(text, Path("t.yaml"))
    assert "t.yaml:" in problem.value.message
