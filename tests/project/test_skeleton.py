"""`cityctl init`: a folder that holds, and that is never written over."""

from __future__ import annotations

import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from cityctl.city.load import load
from cityctl.errors import UsageProblem
from cityctl.project import skeleton


def test_a_new_project_is_valid_and_its_schema_takes_it(tmp_path):
    text = skeleton.city_text(name='Bad "Ort": Süd', time_zone="Europe/Berlin", country="de", currency="eur")
    skeleton.make(tmp_path / "ort", text=text)
    city = load(tmp_path / "ort")
    assert (city.name, city.country, city.currency) == ('Bad "Ort": Süd', "DE", "EUR")
    schema = json.loads((tmp_path / "ort/.cityctl/city.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(yaml.safe_load(text))
    assert (tmp_path / "ort/.gitignore").read_text().endswith(".cityctl/\n")


def test_the_examples_in_the_comments_are_valid(tmp_path):
    """Each commented line of the template, made real, is a city.yaml that loads."""
    text = skeleton.city_text(name="Town", time_zone="UTC", country=None, currency="EUR")
    lines = []
    for line in text.splitlines():
        if line.endswith(": {}"):
            lines.append(line.removesuffix(" {}"))
        elif line.startswith("#  "):
            lines.append(line[1:])
        elif line.startswith(("# weather", "# interventions")):
            lines.append(line[2:])
        else:
            lines.append(line)
    filled = "\n".join(lines) + "\n"
    filled = filled.replace("points:\n", "points:\n  main_1: {unit: m3/h, every: 15m}\n  main_2: {unit: m3/h}\n"
                            "  pump_1: {unit: m3/h}\n", 1)  # fmt: skip
    skeleton.make(tmp_path / "town", text=filled)
    city = load(tmp_path / "town")
    assert set(city.zones) == {"harbour", "hill", "school"}
    assert city.point("harbour_inflow").device == "harbour-inlet/flow"
    assert city.interventions[0].zone == "school"


def test_a_city_yaml_that_is_there_stays(project):
    folder = project("name: Mine\ntime_zone: UTC\n")
    with pytest.raises(UsageProblem, match="nothing was changed"):
        skeleton.make(folder, text="name: Other\ntime_zone: UTC\n")
    assert load(folder).name == "Mine"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("time_zone", "Berlin", "no time zone"),
        ("country", "Germany", "no country"),
        ("currency", "€", "no currency"),
    ],
)
def test_what_is_no_code_is_refused(field, value, said):
    given = {"name": "x", "time_zone": "UTC", "country": None, "currency": "EUR", field: value}
    with pytest.raises(UsageProblem, match=said):
        skeleton.city_text(**given)


def test_the_command_makes_it_once(cityctl, tmp_path):
    first = cityctl("init", "town", "--time-zone", "Europe/Berlin", "--country", "DE")
    assert first.returncode == 0, first.stderr
    assert cityctl("config", "validate", "--project", tmp_path / "town").returncode == 0
    again = cityctl("init", "town")
    assert again.returncode == 2
    assert "hint: " in again.stderr
