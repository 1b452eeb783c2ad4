"""The whole command tree: every leaf has an example that parses, the common options, and help without boxes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup

from cityctl.cli import command
from cityctl.cli.leaf_command import shown
from cityctl.cli.root import COMMANDS, load

ROOT = Path(__file__).resolve().parents[2]
COMMON = {
    "--output",
    "-o",
    "--output-file",
    "--quiet",
    "-q",
    "--verbose",
    "-v",
    "--profile",
    "--project",
    "--color",
}


def leaves() -> Iterator[tuple[tuple[str, ...], object]]:
    """(words, command) of every command that does something."""

    def below(words, found):
        if isinstance(found, TyperGroup):
            for name, inner in found.commands.items():
                yield from below((*words, name), inner)
        else:
            yield words, found

    for name in COMMANDS:
        yield from below((name,), load(name))


LEAVES = dict(leaves())
IDS = [" ".join(words) for words in LEAVES]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_map_of_commands_says_what_the_command_says(name):
    said = (load(name).help or "").strip().splitlines()[0]
    assert said == COMMANDS[name].help


@pytest.mark.parametrize("words", LEAVES, ids=IDS)
def test_every_leaf_takes_the_common_options(words):
    options = {option for parameter in LEAVES[words].params for option in parameter.opts}
    assert options >= COMMON


@pytest.mark.parametrize("words", LEAVES, ids=IDS)
def test_every_leaf_has_help_and_an_example_that_parses(words):
    leaf = LEAVES[words]
    assert leaf.help
    assert (leaf.epilog or "").startswith("Example:  cityctl " + " ".join(words))
    example = (leaf.epilog or "").removeprefix("Example:  cityctl ").split(" > ")[0].split(" | ")[0]
    given = shlex.split(example)[len(words) :]
    context = leaf.make_context(" ".join(words), given)
    assert context.args == [] or context.ignore_unknown_options  # a report's parameters are options too


@pytest.mark.parametrize("words", LEAVES, ids=IDS)
def test_the_example_can_be_copied_from_the_help(words):
    leaf = LEAVES[words]
    with leaf.make_context(" ".join(words), [], resilient_parsing=True) as context:
        assert f"\n  {leaf.epilog}\n" in f"{leaf.get_help(context)}\n"


@pytest.mark.parametrize("words", LEAVES, ids=IDS)
def test_help_names_values_in_words_and_not_by_types_of_python(words):
    leaf = LEAVES[words]
    with leaf.make_context(" ".join(words), [], resilient_parsing=True) as context:
        told = leaf.get_help(context)
        for argument in (one for one in leaf.params if one.param_type_name == "argument"):
            assert f"\n  {shown(argument)}  " in told
    for kind in ("str", "int", "float", "Path", "path", "list"):
        assert f"<{kind}" not in told


@pytest.mark.parametrize("words", LEAVES, ids=IDS)
def test_every_parameter_says_what_it_is(words):
    for parameter in LEAVES[words].params:
        if parameter.name != "help":
            assert getattr(parameter, "help", None), f"{parameter.name} has no help"


@pytest.mark.parametrize(
    "words", [("--help",), ("data", "--help"), ("poll", "--help"), ("report", "run", "--help")]
)
def test_help_has_no_box_and_no_escape(cityctl, words):
    ended = cityctl(*words)
    assert ended.returncode == 0
    assert not set(ended.stdout) & set("\x1b│╭╰─…")


def test_the_readme_maps_every_command():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for words in LEAVES:
        assert " ".join(("cityctl", *words)) in readme, f"README's command map lacks {' '.join(words)}"


def test_the_readme_holds_the_table_of_exit_codes():
    from cityctl.errors import ExitCode

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for code in ExitCode:
        assert f"| {int(code)} | {code.meaning} |" in readme


def test_the_root_has_no_command_of_its_own():
    assert command().commands == {}
