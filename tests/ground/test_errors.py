"""The error tree, the published table and the near match."""

from __future__ import annotations

from cityctl import errors
from cityctl.errors import CityctlError, ExitCode, near


def every_error() -> list[type[CityctlError]]:
    found, at = [], [CityctlError]
    while at:
        kind = at.pop()
        found.append(kind)
        at += kind.__subclasses__()
    return found


def test_every_error_has_a_published_code_and_stands_in_the_drawing():
    drawing = errors.__doc__ or ""
    for kind in every_error():
        if kind.__module__ == errors.__name__:
            assert kind.exit_code in ExitCode
            assert kind.__name__ in drawing


def test_the_drawing_says_the_codes_that_the_classes_have():
    lines = [line.split() for line in (errors.__doc__ or "").splitlines() if "-- " in line]
    drawn = {words[1]: int(words[2]) for words in lines}
    assert drawn == {
        kind.__name__: int(kind.exit_code)
        for kind in every_error()
        if kind is not CityctlError and kind.__module__ == errors.__name__
    }


def test_every_code_has_a_meaning():
    assert len({code.meaning for code in ExitCode}) == len(ExitCode)


def test_near_ignores_case_and_gives_up_on_strangers():
    assert near("Timezone", ["time_zone", "name"]) == "time_zone"
    assert near("zzz", ["time_zone", "name"]) is None
    assert near("HAFEN", ["hafen"]) == "hafen"
