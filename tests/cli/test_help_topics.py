"""Help topics: each is there and answers, and no hint or page speaks of another."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cityctl.cli.help import ABOUT

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("topic", ABOUT)
def test_each_topic_answers(cityctl, topic: str) -> None:
    ended = cityctl("help", topic)
    assert ended.returncode == 0
    assert len(ended.stdout.splitlines()) > 4


def test_every_key_of_city_yaml_has_a_meaning(cityctl) -> None:
    told = {row["key"]: row for row in json.loads(cityctl("help", "city", "-o", "json").stdout)["rows"]}
    assert [key for key, row in told.items() if not row["meaning"]] == []
    assert told["zones.NAME.mains"]["value"] == "such as 12.5 km"
    assert told["tariffs.NAME.meters"]["value"] == "list of text"
    assert told["services.NAME.secret.env"]["meaning"] == "environment variable that holds it"
    assert told["interventions.-.date"]["value"] == "such as 2026-11-15"


def test_every_role_that_a_recipe_speaks_of_is_told(cityctl) -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "recipes" / "reports").glob("*.yaml")]
    told = {row["write"] for row in json.loads(cityctl("help", "roles", "-o", "json").stdout)["rows"]}
    assert {role for text in texts for role in re.findall(r"role: (\w+)", text)} <= told


@pytest.mark.parametrize("kind", ["device", "service", "report", "runbook", "tariff"])
def test_the_schema_of_each_kind_of_file_comes_with_the_program(cityctl, kind: str) -> None:
    assert "properties" in json.loads(cityctl("config", "schema", kind).stdout)


def test_what_speaks_of_a_topic_speaks_of_one_that_is_there() -> None:
    texts = [path.read_text(encoding="utf-8") for path in [*ROOT.glob("cityctl/**/*.py"), ROOT / "README.md"]]
    named = {word for text in texts for word in re.findall(r"cityctl help ([a-z][a-z-]*)", text)}
    assert {"units", "analysis", "man"} <= named
    assert named <= set(ABOUT)
