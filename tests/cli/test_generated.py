"""completions/ and the published schema agree with the program."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("generated", ROOT / "tests" / "generated.py")
assert _spec is not None
assert _spec.loader is not None
generated = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generated)


@pytest.mark.parametrize("path", sorted(generated.completions()), ids=lambda path: path.name)
def test_completions_are_current(path):
    assert path.read_text(encoding="utf-8") == generated.completions()[path], "run `make completions`"


@pytest.mark.parametrize("path", sorted(generated.schemas()), ids=lambda path: path.name)
def test_schemas_are_current(path):
    assert path.read_text(encoding="utf-8") == generated.schemas()[path], "run `make schemas`"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests").glob("cities/*/city.yaml")), ids=lambda path: path.parent.name
)
def test_the_schema_takes_the_cities_of_the_tests(path):
    schema = json.loads((ROOT / "recipes" / "city.schema.json").read_text(encoding="utf-8"))
    data = json.loads(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")), default=str))
    Draft202012Validator(schema).validate(data)


def test_zsh_finds_compdef_on_line_1():
    assert (ROOT / "completions" / "_cityctl").read_text(encoding="utf-8").startswith("#compdef cityctl\n")


@pytest.mark.parametrize(
    ("shell", "file"), [("bash", "cityctl.bash"), ("zsh", "_cityctl"), ("fish", "cityctl.fish")]
)
def test_the_shell_takes_its_script(shell, file):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    ended = subprocess.run(
        [shell, "-n", ROOT / "completions" / file], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("cityctl ", {"poll", "pull", "report", "data"}),
        ("cityctl data ", {"status", "import", "gaps"}),
        ("cityctl help e", {"exit-codes"}),
    ],
)
def test_tab_offers_what_there_is(cityctl, words, expected):
    # What completions/cityctl.bash asks the program at each TAB.
    ended = cityctl(
        _CITYCTL_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split(" ")) - 1)
    )
    assert expected <= set(ended.stdout.split())
