"""What landed, read again offline: the same store, and what a mended connector makes of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cityctl.city.project import Project
from cityctl.collect.reparse import reparse
from cityctl.engine.duck import Engine
from cityctl.errors import ExitCode, UsageProblem
from cityctl.result import Result
from cityctl.store import Store
from tests.collect.historian import FLOW, HOUR, NOW, Historian, city_yaml, console, counts, go, stored
from tests.http_service import Service, send


def again(project: Project, *names: str, since: str | None = None) -> Result:
    return reparse(project, names, since=since, now=NOW + timedelta(days=1), console=console())


def test_the_balance_is_the_same_and_nothing_changes(http: Service, make: Callable[..., Project]) -> None:
    http.answer = Historian()
    project = make(city_yaml(http.url, FLOW))
    pulled = counts(go(project, since="2026-10-01"))["HAFEN.FT01"]
    before, asked = stored(project), len(http.requests)
    result = again(project)
    assert counts(result)["HAFEN.FT01"] == (pulled[0], 0, pulled[1], 0, 0, 0)
    assert (stored(project), len(http.requests)) == (before, asked)
    assert result.exit_code() == ExitCode.DONE


def test_a_store_that_was_lost_comes_back_with_its_latest_values(
    http: Service, make: Callable[..., Project]
) -> None:
    """Late data and revisions came in later answers: they win, whatever order the files are read in."""
    import shutil

    http.answer = historian = Historian()
    project = make(city_yaml(http.url, FLOW))
    go(project, since="2026-11-01")
    historian.changed[NOW - 5 * HOUR] = 99.0
    historian.until = NOW + 2 * HOUR
    go(project, hours=2)
    before = stored(project)
    assert any(value == pytest.approx(99.0 * 3.6) for _, _, value in before)
    shutil.rmtree(project.store_folder)
    result = again(project)
    assert stored(project) == before
    assert any("gave way to those of a later answer" in note for note in result.notes)


def test_revisions_do_not_pile_up(http: Service, make: Callable[..., Project]) -> None:
    http.answer = historian = Historian()
    project = make(city_yaml(http.url, FLOW))
    go(project, since="2026-11-20")
    historian.changed[NOW - 5 * HOUR] = 99.0
    go(project, hours=1)
    assert counts(again(project))["HAFEN.FT01"][3] == 0
    assert counts(again(project))["HAFEN.FT01"][3] == 0


def test_a_mended_connector_heals_what_was_refused(http: Service, make: Callable[..., Project]) -> None:
    """The column was called otherwise: the answer landed, and is read once the connector knows."""
    body = b"time,Durchfluss\n2026-11-22T00:00:00Z,1\n2026-11-22T01:00:00Z,2\n"
    http.answer = lambda handler: send(handler, body)
    project = make(city_yaml(http.url, FLOW))
    refused = go(project, since="2026-11-22")
    assert (refused.exit_code(), stored(project)) == (ExitCode.INCOMPLETE, [])
    assert not (project.state / "pull" / "historian.json").exists()
    path = project.folder / "city.yaml"
    mended = "connector: csv_headend, parameters: {value: Durchfluss},"
    path.write_text(path.read_text().replace("connector: csv_headend,", mended))
    asked = len(http.requests)
    assert counts(again(Project(project.folder)))["HAFEN.FT01"] == (2, 2, 0, 0, 0, 0)
    assert len(http.requests) == asked


def test_what_is_not_there_any_more_is_named(http: Service, make: Callable[..., Project]) -> None:
    http.answer = Historian()
    project = make(city_yaml(http.url, FLOW))
    with pytest.raises(UsageProblem, match="nothing has landed"):
        again(project)
    go(project, since="2026-11-22")
    raw = project.state / "raw"
    with (raw / "index.jsonl").open("a") as index:
        index.write('{"sha256": "half a li')  # a power cut in the middle of a line
    assert counts(again(project))["HAFEN.FT01"][2] == 31
    next(raw.glob("??/*.gz")).unlink()
    gone = again(project)
    assert gone.exit_code() == ExitCode.INCOMPLETE
    assert "not there any more" in gone.completeness.missing[0].why


def test_only_what_landed_since_then(http: Service, make: Callable[..., Project]) -> None:
    http.answer = Historian()
    project = make(city_yaml(http.url, FLOW))
    go(project, since="2026-10-01")
    whole, part = counts(again(project)), counts(again(project, since="2026-11-10"))
    assert 0 < part["HAFEN.FT01"][0] < whole["HAFEN.FT01"][0]


def test_a_backfill_asks_for_what_is_missing_alone(http: Service, make: Callable[..., Project]) -> None:
    """Three hours of a week never came; late, they do. The request spans them and little more."""
    http.answer = historian = Historian()
    gap = [NOW - timedelta(days=12) + HOUR * step for step in range(3)]
    whole = historian.hours
    historian.hours = lambda since, until: [at for at in whole(since, until) if at not in gap]  # type: ignore[method-assign]  # a fault
    project = make(city_yaml(http.url, FLOW))
    go(project, since="2026-11-01")
    short = len(stored(project))
    historian.hours = whole  # type: ignore[method-assign]  # the fault is mended
    historian.asked.clear()
    result = go(project, backfill=True)
    assert counts(result)["HAFEN.FT01"] == (3, 3, 0, 0, 0, 0)
    assert [(since, until) for _, since, until in historian.asked] == [(gap[0], gap[2] + HOUR)]
    assert len(stored(project)) == short + 3
    nothing = go(project, backfill=True)
    assert "no reading of these services is missing" in nothing.summary
    assert len(historian.asked) == 1


def test_readings_of_one_point_only_once(http: Service, make: Callable[..., Project]) -> None:
    """The store itself is asked, not the balance: no instant twice."""
    http.answer = Historian()
    project = make(city_yaml(http.url, FLOW))
    go(project, since="2026-11-01")
    again(project)
    with Store.open(project.store_folder) as store, Engine() as engine:
        store.attach(engine, None)
        assert engine.rows("SELECT count(*) - count(DISTINCT time) FROM readings") == [(0,)]


def test_it_needs_no_network(http: Service, make: Callable[..., Project], tmp_path: Path) -> None:
    http.answer = Historian()
    project = make(city_yaml(http.url, FLOW))
    go(project, since="2026-11-22")
    http.close()
    assert counts(again(project))["HAFEN.FT01"] == (31, 0, 31, 0, 0, 0)
    assert tmp_path.exists()
