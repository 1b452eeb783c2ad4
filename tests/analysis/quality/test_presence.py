"""Data quality of points whose readings are counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

CITY = """\
name: Testville
time_zone: Europe/Berlin
points:
  whole: {unit: m3/h, every: 1h}
  holed: {unit: m3/h, every: 1h}
  silent: {unit: m3/h, every: 1h}
  doubtful: {unit: m3/h, every: 1h}
  never: {unit: m3/h, every: 1h}
  whenever: {unit: m3/h}
"""
HOURS = np.datetime64("2026-06-30T22:00", "us") + np.arange(24) * np.timedelta64(1, "h")  # a local day


@pytest.fixture
def result(ask):
    ones = np.ones(24)
    holed = np.r_[0:6, 12:24]  # 6 of 24 are not there: from 05:00 on 7 hours pass until the next
    some = np.zeros(24, np.uint8)
    some[:6] = 2  # a quarter is suspect
    return ask(
        "quality/presence",
        CITY,
        {
            "whole": (HOURS, ones),
            "holed": (HOURS[holed], ones[holed]),
            "silent": (HOURS[:12], ones[:12]),
            "doubtful": (HOURS, ones),
        },
        "2026-07-01",
        "2026-07-02",
        quality={"doubtful": some},
    )


def test_each_point_is_judged_by_its_own_interval(result):
    rows = {row[0]: row[2:] for row in result.tables[0].rows}
    last = datetime(2026, 7, 1, 21, tzinfo=UTC)
    # present, usable, estimated, suspect, longest gap in hours, last heard, verdict
    assert rows["whole"] == (1.0, 1.0, 0.0, 0.0, 1.0, last, "normal")
    assert rows["holed"] == (0.75, 0.75, 0.0, 0.0, 7.0, last, "GAPS of up to 7h")
    assert rows["silent"][0] == 0.5
    assert rows["silent"][-1] == "SILENT since Wed 1 Jul 11:00"
    assert rows["silent"][4] == 12.0  # 11:00 to midnight, less the hour in which none was due
    assert rows["doubtful"][3] == 0.25
    assert rows["doubtful"][-1] == "SUSPECT readings"
    assert rows["never"][-1] == "SILENT throughout"
    assert "whenever" not in rows


def test_what_is_wrong_comes_first_and_is_found(result):
    assert [row[0] for row in result.tables[0].rows] == ["never", "silent", "holed", "doubtful", "whole"]
    assert {one.subject for one in result.findings} == {"silent", "holed", "doubtful"}
    assert [one.what for one in result.completeness.missing] == ["never"]
    assert (result.completeness.wanted, result.completeness.had) == (5 * 24, 24 + 18 + 12 + 24)
    since = next(one.since for one in result.findings if one.subject == "silent")
    assert since == datetime(2026, 7, 1, 9, tzinfo=UTC)


def test_only_what_is_wrong_on_request(ask):
    city = CITY.replace("never:", "# never:").replace("silent:", "# silent:").replace("holed:", "# holed:")
    series = {"whole": (HOURS, np.ones(24)), "doubtful": (HOURS[:20], np.ones(20))}
    shown = ask("quality/presence", city, series, "2026-07-01", "2026-07-02", sound=False, silent_after="6")
    assert [row[0] for row in shown.tables[0].rows] == ["doubtful"]
    assert shown.tables[0].rows[0][-1].startswith("GAPS")  # 20 of 24, and heard within 6 hours of the end
