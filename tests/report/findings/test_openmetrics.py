"""`data export --openmetrics`: read back by Prometheus' own parser, values counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cityctl.report.openmetrics import Family

NOW = "2026-11-23T07:00Z"


def families(text):
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    found = {}
    for family in parser.text_string_to_metric_families(text):
        for sample in family.samples:
            found[(sample.name, *sorted(sample.labels.items()))] = sample.value
    return found


def test_it_is_valid_and_says_how_things_stand(cityctl, sheet, tmp_path) -> None:
    words = ("--project", sheet.folder)
    assert (
        cityctl("report", "run", "sheet", "--record", *words, CITYCTL_NOW="2026-11-23T06:30Z").returncode == 0
    )
    path = tmp_path / "out" / "cityctl.prom"
    ended = cityctl("data", "export", "--openmetrics", "--output-file", path, *words, CITYCTL_NOW=NOW)
    assert ended.returncode == 0, ended.stderr
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n# EOF\n")
    told = families(text)
    labels = (("network", "water"), ("point", "hafen_inflow"))
    last = datetime(2026, 11, 23, 6, tzinfo=UTC).timestamp()
    assert told[("cityctl_point_last_reading_timestamp_seconds", *labels, ("zone", "hafen"))] == last
    # the 48th hour is 48 L/s, in the unit that city.yaml speaks
    assert told[("cityctl_point_last_value", *labels, ("unit", "L/s"), ("zone", "hafen"))] == pytest.approx(
        48
    )
    assert told[("cityctl_point_interval_seconds", ("point", "hafen_inflow"))] == 3600
    found = ("cityctl_findings", ("report", "sheet"), ("severity", "alarm"), ("state", "open"))
    assert told[found] == 1
    ran = datetime(2026, 11, 23, 6, 30, tzinfo=UTC).timestamp()
    assert told[("cityctl_report_last_run_timestamp_seconds", ("report", "sheet"))] == ran


def test_it_shows_now_and_nothing_else(cityctl, sheet) -> None:
    ended = cityctl("data", "export", "--openmetrics", "--last", "7d", "--project", sheet.folder)
    assert (ended.returncode, ended.stdout) == (2, "")


def test_names_are_escaped() -> None:
    family = Family("cityctl_test", 'says "no"\nand \\ on')
    family.add(5, point='say "hi" \\ there\nand on', device=None)
    told = families("\n".join([*family.lines, "# EOF"]) + "\n")
    assert told == {("cityctl_test", ("point", 'say "hi" \\ there\nand on')): 5}
