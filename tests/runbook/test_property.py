"""Whatever a run would refuse, its plan refuses: random recipes on random plants, and no write PDU in a plan."""

from __future__ import annotations

import contextlib

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cityctl.errors import CityctlError, ExitCode, UsageProblem
from cityctl.runbook import session
from cityctl.runbook.walk import People
from tests.runbook.conftest import START, yes

# Most of what is drawn is allowed, or hardly a recipe of several steps would be.
SETPOINTS = st.sampled_from(
    ["3 bar", "4 bar", "5 bar", "500 kPa", "plc_1.measured + 0.5 bar"] * 3
    + [
        "0.5 bar",
        "1 bar",
        "3 bar",
        "4 bar",
        "4.005 bar",
        "5 bar",
        "6.01 bar",
        "8 bar",
        "9 bar",
        "500 kPa",
        "nan",
        "5 m",
    ]
)
STATES = st.sampled_from(["start"] * 5 + ["stop"] * 3 + ["strat"])
WRITES = st.one_of(
    st.tuples(st.just("plc-1/setpoint"), SETPOINTS),
    st.tuples(st.sampled_from(["plc-1/command", "plc-2/second"]), STATES),
    st.tuples(
        st.just("plc-2/third"), st.sampled_from(["2 mg/L"] * 4 + ["plc_2.third", "2.05 mg/L", "200 mg/L"])
    ),
    st.tuples(
        st.sampled_from(["plc-1/bit", "plc-1/coil", "plc-2/bit_kept"] * 2 + ["plc-1/guarded"]),
        st.sampled_from(["on", "off"]),
    ),
    st.tuples(
        st.sampled_from(
            ["plc-1/bit", "plc-2/coil"] * 2 + ["plc-1/measured", "plc-1/unruly", "plc-1/endless"]
        ),
        st.sampled_from(["on", "on", "1 bar"]),
    ),
)
CONDITIONS = st.sampled_from(
    ["plc_1.measured > 1 bar", "plc_1.setpoint between 1 bar and 8 bar", "plc_2.third < 50 mg/L"] * 4
    + ["plc_1.measured > 4.5 bar", "plc_1.remote == on", "plc_1.command == stop"]
)
STEPS = st.one_of(
    WRITES.map(lambda each: f"{{write: '{each[0]}', to: '{each[1]}'}}"),
    st.tuples(WRITES, CONDITIONS).map(
        lambda each: f"{{when: '{each[1]}', write: '{each[0][0]}', to: '{each[0][1]}'}}"
    ),
    CONDITIONS.map(lambda condition: f"{{check: '{condition}'}}"),
)
BOOKS = st.builds(
    lambda require, interlocks, steps: (
        f"require: [{', '.join(map(repr, require))}]\ninterlocks: [{', '.join(map(repr, interlocks))}]\n"
        "steps:\n" + "".join(f"  - {step}\n" for step in steps)
    ),
    st.lists(CONDITIONS, max_size=2),
    st.lists(CONDITIONS, max_size=2),
    st.lists(STEPS, min_size=1, max_size=4),
)
PLANTS = st.fixed_dictionaries(
    {
        "setpoint": st.sampled_from([1.0, 4.0, 7.5]),
        "measured": st.sampled_from([4.0] * 6 + [0.2, 25.0]),
        "remote": st.sampled_from(["off", "on"]),
        "command": st.sampled_from(["stop", "start"]),
    }
)
CITIES = st.sampled_from(
    [""] * 8 + ["writes: {windows: ['00:00-00:01']}", "writes: {limits: [{points: ['plc-1/*'], most: 0}]}"]
)


@example(  # what is outside its limits is no value to decide by, for a plan as for a run
    book="steps:\n  - {when: 'plc_1.measured > 1 bar', write: 'plc-1/setpoint', to: '4 bar'}\n",
    plant={"setpoint": 4.0, "measured": 25.0, "remote": "on", "command": "stop"},
    profile="maintenance",
    city="",
)
@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(book=BOOKS, plant=PLANTS, profile=st.sampled_from(["maintenance"] * 9 + [None]), city=CITIES)
def test_what_a_run_refuses_the_plan_refuses(rig, book, plant, profile, city):
    rig.city(city)
    for unit in (1, 2):
        rig.banks[unit].written.clear()
        rig.values[unit].update({**START, **plant})
    rig.server.written.clear()
    try:
        job = rig.job(book, profile=profile)
    except UsageProblem:  # plan and run alike come no further
        return
    except CityctlError:
        return
    planned = False
    with contextlib.suppress(UsageProblem):
        planned = not job.planned(People({})).problems
    assert rig.server.written == [], "a plan sent a write"
    code = ExitCode.DONE
    try:
        session.run(rig.job(book, profile=profile), yes())
    except CityctlError as problem:
        code = problem.exit_code
    if code in (ExitCode.REFUSED, ExitCode.USAGE):
        assert rig.server.written == []
        assert not planned, "the run refused what its plan had promised"
    else:
        assert planned, f"the plan refused what the run did (it ended with {code})"
