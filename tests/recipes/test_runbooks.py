"""Every shipped runbook: its schema, its plan that sends no write, its run on a plant that reacts, and again."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from cityctl.errors import CityctlError, ExitCode, WriteRefused
from cityctl.library import Library, shipped_folder
from cityctl.modbus.pretended.wire import WRITING
from cityctl.runbook import session
from cityctl.runbook.job import Job
from cityctl.runbook.language import schema_text
from cityctl.runbook.recipe import RUNBOOKS, load
from cityctl.runbook.simulated import Pretended, answers
from cityctl.runbook.walk import People

NAMES = sorted(path.stem for path in (shipped_folder() / RUNBOOKS).glob("*.yaml"))
# What each has to send once, counted by hand from its steps: function code -> how many.
SENDS: dict[str, dict[int, int]] = {
    "swap-duty-pump": {6: 2},
    "flush-hydrant-line": {5: 2},
    "night-pressure": {16: 1},
    "exchange-meter": {22: 2, 16: 1},
    "reservoir-turnover": {16: 2},
    "chlorine-setpoint": {6: 1},
    "feeder-load-check": {},
    "street-light-test": {15: 4},
    "plc-clock-check": {},
    "commission-connector": {},
}


def sent(plant: Pretended) -> dict[int, int]:
    return {code: count for code, count in plant.server.counts.items() if code in WRITING}


def opened(plant: Pretended, name: str) -> tuple[Job, People]:
    loaded = load(Library(), name)
    return Job.opened(plant.desk(), loaded, plant.given), People(answers(plant, {}))


def test_the_shipped_ones_are_all_here():
    assert set(NAMES) == set(SENDS)


@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_the_schema(name):
    text = Library().find(RUNBOOKS, name).read_text(encoding="utf-8")
    jsonschema.validate(yaml.safe_load(text), json.loads(schema_text()))


@pytest.mark.parametrize("name", NAMES)
def test_plan_run_and_run_again(name):
    with Pretended(load(Library(), name), {}, speed=100) as plant:
        job, people = opened(plant, name)
        walk = job.planned(people)
        assert walk.problems == []
        assert sent(plant) == {}, "a plan sent a write"
        ended = session.run(job, session.Wish(people, pretended=True))
        assert sent(plant) == SENDS[name]
        assert ended.sent == sum(SENDS[name].values())
        assert len(walk.changes) == ended.sent, "the plan knew of other writes than the run sent"
        job, people = opened(plant, name)
        session.run(job, session.Wish(people, pretended=True))
        assert sent(plant) == SENDS[name], "run again, it wrote again"
        assert job.desk.audit.faults() == []


@pytest.mark.parametrize("name", [name for name, sends in SENDS.items() if sends])
def test_what_was_changed_is_put_back_where_a_write_is_refused(name):
    """The last write of a run is refused by the device: 21, and every point written is as it was before."""
    total = sum(SENDS[name].values())
    with Pretended(load(Library(), name), {}, speed=100) as plant:
        before = settings(plant)
        seen = 0

        async def refuse(request):
            nonlocal seen
            if request.function_code in WRITING:
                seen += 1
                return 3 if seen == total else None
            return None

        plant.server.hook = refuse
        job, people = opened(plant, name)
        with pytest.raises(CityctlError) as told:
            session.run(job, session.Wish(people, pretended=True))
        assert told.value.exit_code is ExitCode.ROLLED_BACK, told.value.message
        assert settings(plant) == before


def settings(plant: Pretended) -> dict[str, float]:
    """Every point that may be written, states by their code."""
    found = {}
    for at, value in plant.values.items():
        point = plant.desk().plant.point(at)
        if point.can_be_written:
            codes = {name: float(code) for code, name in point.enum.items()}
            found[str(at)] = round(codes[value] if isinstance(value, str) else value, 4)
    return found


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("swap-duty-pump", {"lowest": "7 bar"}, "lowest < highest"),
        ("night-pressure", {"night": "5 bar"}, "night <= day"),
        ("night-pressure", {"night": "3 bar", "mode": "reduce"}, "a step of 1.5 bar"),
        ("chlorine-setpoint", {"wanted": "0.9 mg/L"}, "above the highest"),
        ("feeder-load-check", {"extra": "300 A"}, "loaded too far"),
        ("plc-clock-check", {"clock": "plc-9/clock", "tolerance": "1 s"}, ""),
    ],
)
def test_each_says_no_where_it_must(name, given, said):
    with Pretended(load(Library(), name), given, speed=100) as plant:
        job, people = opened(plant, name)
        if not said:
            assert job.planned(people).problems == []
            return
        assert any(said in problem for problem in job.planned(people).problems)
        with pytest.raises(WriteRefused, match=said):
            session.run(job, session.Wish(people, pretended=True))
        assert sent(plant) == {}


def test_the_template_is_a_runbook_that_works(tmp_path: Path):
    from cityctl.runbook.recipe import read
    from cityctl.runbook.results import new

    path = new(tmp_path, "raise-pressure")
    loaded = read(path, Library(tmp_path))
    with Pretended(loaded, {}, speed=100) as plant:
        job = Job.opened(plant.desk(), loaded, plant.given)
        assert session.run(job, session.Wish(People({}), pretended=True)).sent == 1
