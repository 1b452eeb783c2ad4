"""`cityctl leak selftest` as a user runs it, over readings that were imported."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.analysis.water.made import CITY, inflow


@pytest.mark.slow
def test_it_is_run_from_the_command_line(project: Callable[[str], Path], cityctl: Callable[..., Any]) -> None:
    files = "files: {flows: {path: flows.parquet, layout: wide, time: time, unit: m3/h, time_zone: UTC}}\n"
    folder = project(CITY + files)
    times, hafen = inflow("2026-01-01", "2026-09-01")
    _, altstadt = inflow("2026-01-01", "2026-09-01", seed=2)
    table = pa.table(
        {"time": pa.array(times.astype("datetime64[us]")), "hafen_inflow": hafen, "altstadt_inflow": altstadt}
    )
    pq.write_table(table, folder / "flows.parquet")
    assert cityctl("data", "import", "--project", folder).returncode == 0
    words = (
        "leak",
        "selftest",
        "--project",
        folder,
        "--since",
        "2026-01-02",
        "--until",
        "2026-08-30",
        "--trials",
        "2",
    )
    ended = cityctl(*words, "-o", "json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    row = next(
        row
        for row in told["rows"]
        if (row["zone"], row["leak"], row["leak_share"]) == ("all zones", "step", 0.2)
    )
    assert (row["put_in"], row["detected"]) == (4, 4)
    assert told["alarms"][0]["zone_years"] > 1
    plain = cityctl(*words[:-2], "--trials", "1", "--zones", "hafen")
    assert "Leaks put in, and found in time" in plain.stdout
    assert "Altstadt" not in plain.stdout
    # What a report learns from before the interval it learns from too: all of the 121 nights count, no fortnight less.
    late = ("--since", "2026-05-02", "--until", "2026-08-30", "--trials", "1", "--zones", "hafen")
    learnt = cityctl("leak", "selftest", "--project", folder, *late, "-o", "json")
    assert json.loads(learnt.stdout)["alarms"][0]["zone_years"] == pytest.approx(121 / 365.25)
    wrong = cityctl(
        "leak",
        "selftest",
        "--project",
        folder,
        "--zones",
        "hafn",
        "--since",
        "2026-01-02",
        "--until",
        "2026-08-30",
    )
    assert wrong.returncode == 2
    assert "no water zone matches `hafn`" in wrong.stderr
