"""Other people's tariffs as recipes: the fields of URDB's API, and what cannot be said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cityctl.errors import InputRefused
from cityctl.tariff.model import Tariff, from_text
from cityctl.tariff.shapes import recipe_text

WEEKDAY = (
    [[0] * 16 + [1] * 4 + [0] * 4] * 5
    + [[0] * 16 + [2] * 4 + [0] * 4] * 4
    + [[0] * 16 + [1] * 4 + [0] * 4] * 3
)
RATE: dict[str, Any] = {
    "utility": "City Power", "name": "GS-TOU", "startdate": 1577836800,  # 1 January 2020, UTC
    "energyratestructure": [[{"rate": 0.10}], [{"rate": 0.15, "adj": 0.01}], [{"rate": 0.25}]],
    "energyweekdayschedule": WEEKDAY, "energyweekendschedule": [[0] * 24] * 12,
    "flatdemandstructure": [[{"rate": 8}], [{"rate": 12}]], "flatdemandmonths": [0] * 5 + [1] * 4 + [0] * 3,
    "fixedchargefirstmeter": 25, "fixedchargeunits": "$/month", "demandwindow": 30, "lookbackPercent": 80,
    "lookbackRange": 11,
}  # fmt: skip


def told(tmp_path: Path, rate: dict[str, Any]) -> Tariff:
    path = tmp_path / "rate.json"
    path.write_text(json.dumps(rate), encoding="utf-8")
    return from_text(recipe_text(path, "gs"), Path("gs.yaml"))


def test_a_rate_of_urdb(tmp_path: Path) -> None:
    tariff = told(tmp_path, RATE)
    version = tariff.versions[0]
    assert tariff.title == "City Power GS-TOU"
    assert str(version.from_) == "2020-01-01"
    assert version.window == 30
    assert [(one.price, one.per) for one in version.standing] == [(25, "month")]
    by_price = {one.price: one for one in version.energy if one.price != 0.10}
    assert set(by_price) == {0.16, 0.25}
    assert by_price[0.25].months == {6, 7, 8, 9}
    assert by_price[0.25].hours == ((960, 1200),)
    assert by_price[0.25].days == {0, 1, 2, 3, 4}
    assert [(one.price, one.months) for one in version.demand] == [
        (8, {1, 2, 3, 4, 5, 10, 11, 12}),
        (12, {6, 7, 8, 9}),
    ]
    assert version.demand[0].ratchet is not None
    assert (version.demand[0].ratchet.share, version.demand[0].ratchet.months) == (0.8, 11)


def test_each_hour_of_the_year_has_one_price(tmp_path: Path) -> None:
    """The schedules name one period an hour; so do the entries made of them."""
    import numpy as np

    version = told(tmp_path, RATE).versions[0]
    month, minute, weekday = (
        part.ravel()
        for part in np.meshgrid(np.arange(1, 13), np.arange(24) * 60, np.arange(7), indexing="ij")
    )
    counts = sum(
        one.holds(month, minute, weekday, np.zeros(len(month), bool)).astype(int) for one in version.energy
    )
    assert (counts == 1).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mincharge": 100}, "`mincharge` cannot be said"),
        (
            {"flatdemandstructure": [[{"rate": 8, "max": 50}, {"rate": 9}]], "flatdemandmonths": [0] * 12},
            "demand in tiers",
        ),
        ({"fixedchargeunits": "$/year"}, "a fixed charge in"),
        ({"demandratchetpercentage": [80] * 6 + [50] * 6, "lookbackPercent": 0}, "differs by month"),
    ],
)
def test_what_cannot_be_said_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputRefused, match=said):
        told(tmp_path, {**RATE, **change})


def test_tiers_keep_their_limits(tmp_path: Path) -> None:
    flat = {key: value for key, value in RATE.items() if not key.startswith("energy")}
    tiers = [[{"rate": 0.2, "max": 500}, {"rate": 0.1}]]
    rate = {**flat, "energyratestructure": tiers, "energyweekdayschedule": [[0] * 24] * 12,
            "energyweekendschedule": [[0] * 24] * 12}  # fmt: skip
    version = told(tmp_path, rate).versions[0]
    assert [(one.price, one.above) for one in version.energy] == [(0.2, 0), (0.1, 500)]


@pytest.mark.parametrize("text", ["nothing", "a,b\n1,2\n", "{", '{"items": [{}, {}]}'])
def test_what_is_no_tariff_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputRefused, match=r"x\.txt"):
        recipe_text(path, "x")


def test_a_csv_names_the_utilities_that_it_has(shared: Path) -> None:
    path = shared / "data/quality/tariffs/12000053001.csv"
    with pytest.raises(InputRefused, match="electric"):
        recipe_text(path, "x", utility="steam")
