"""A runbook in the words of other tools: each is told with the one to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from cityctl.errors import ConfigInvalid, UsageProblem
from cityctl.runbook.recipe import from_text

BOOK = """\
runbook: probe
title: T
purpose: A test.
inputs:
  setpoint: {type: point, unit: bar, writable: true, meaning: what is set}
  wanted: {type: amount, unit: bar, min: 2, max: 6, meaning: the new value}
steps:
  - {write: setpoint, to: wanted}
  - {wait: setpoint > 1 bar, within: 2m}
"""


@pytest.mark.parametrize(
    ("old", "new", "said", "hint"),
    [
        ("to: wanted", "value: wanted", "8:23: unknown key `steps.0.value`", "did you mean `to`?"),
        ("write: set", "set: set", "8:6: unknown key `steps.0.set`", "did you mean `write`?"),
        ("within: 2m", "timeout: 2m", "unknown key `steps.1.timeout`", "did you mean `within`?"),
        ("{wait: setpoint > 1 bar, within: 2m}", "sleep: 30s", "`steps.1.sleep`", "did you mean `pause`?"),
        (
            "wait: setpoint > 1 bar",
            "wait: 30s",
            "9:6: `steps.1.wait`: `30s` is no condition",
            "`pause: 30s` waits",
        ),
        ("type: amount", "type: number", "expected a type of input (found `number`)", "write `amount`"),
        ("to: wanted}", "to: wanted, rollback: {write: setpoint}}", "8:35: `steps.0.rollback`", "`always:`"),
        ("runbook: probe", "name: probe", "1:1: unknown key `name`", "did you mean `runbook`?"),
        ("to: wanted", "to: 4,5 bar", "8:29: unknown key `steps.0.5 bar`", "in braces: write `to: 4.5 bar`"),
        ("inputs:", "parameters:", "4:1: unknown key `parameters`", "did you mean `inputs`?"),
    ],
)
def test_another_tools_word_is_told_with_ours(old, new, said, hint):
    assert old in BOOK
    with pytest.raises(ConfigInvalid) as caught:
        from_text(BOOK.replace(old, new, 1), Path("probe.yaml"), "test")
    assert said in caught.value.message
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize("name", ["plc_1.setpiont", "plc1.setpoint"])
def test_a_point_that_no_device_has_is_told_with_the_nearest(rig, name):
    with pytest.raises(UsageProblem, match=f"nothing is named `{name}`") as caught:
        rig.job(f"steps:\n  - {{check: {name} > 1 bar}}\n")
    assert caught.value.hint == "did you mean `plc_1.setpoint`?"
