"""ruff and mypy --strict are clean, for Windows too; each exception in the configuration says why."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import mypy
import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_ruff_has_nothing_to_say():
    run("ruff", "check", "--no-cache", ".")
    run("ruff", "format", "--no-cache", "--check", ".")


@pytest.mark.slow
def test_types_hold():
    """What was checked is kept: a checkout that is tested again costs what has changed in it."""
    run("mypy", "--platform", "linux", "--cache-dir", ".mypy_cache/linux")


@pytest.mark.slow
def test_types_hold_on_windows_too():
    """Of the files that can differ there. `make lint` asks all of them, which is twice the work for the same answer."""
    paths = [str(path.relative_to(ROOT)) for path in _may_differ_by_platform()]
    assert {"cityctl/disk.py", "cityctl/console.py"} < {*paths}
    run(
        "mypy",
        "--platform",
        "win32",
        "--follow-imports",
        "silent",
        "--cache-dir",
        ".mypy_cache/win32",
        *paths,
    )


def _may_differ_by_platform() -> Iterator[Path]:
    """Files that ask for the platform, and those that import what asks: ours, or of Python's own library."""
    asks = re.compile(r"\b(sys\.platform|os\.name)\b")
    python = Path(mypy.__file__).parent / "typeshed" / "stdlib"
    texts = {path: path.read_text("utf-8") for path in (ROOT / "cityctl").rglob("*.py")}
    asking = {path for path, text in texts.items() if asks.search(text)}
    names = {_dotted(path, ROOT) for path in asking}
    names |= {_dotted(path, python) for path in python.rglob("*.pyi") if asks.search(path.read_text("utf-8"))}
    for path, text in texts.items():
        if path in asking or names & {*_imported(ast.walk(ast.parse(text)))}:
            yield path


def test_every_exception_says_why():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ruff = text[text.index("[tool.ruff.lint]") : text.index("[tool.ruff.lint.flake8")]
    for line in ruff.splitlines():
        if re.match(r'\s+"[A-Z]+\d*",', line):
            assert "# " in line, f"no reason: {line}"
    for path in (ROOT / "cityctl").rglob("*.py"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if found := re.search(
                r"# (noqa|type: ignore)(?:: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*|\[[\w, -]+\])?(.*)", line
            ):
                assert len(found[2].strip(" #-")) > 5, f"{path.relative_to(ROOT)}:{number}: no reason"


def test_only_one_module_speaks_to_each_library():
    """Exactly one module talks to pymodbus, one to httpx, one opens DuckDB, one looks at the terminal."""
    owners = {
        "pymodbus": "modbus/pretended/wire_pdus.py",
        "httpx": "exports/http/wire.py",
        "duckdb": "engine/duck.py",
    }
    for library, owner in owners.items():
        users = {
            path.relative_to(ROOT / "cityctl").as_posix()
            for path in (ROOT / "cityctl").rglob("*.py")
            if re.search(
                rf"^\s*(from {library}[. ]|import {library}\b)", path.read_text(encoding="utf-8"), re.M
            )
        }
        rooms = {user.rpartition("/")[0] for user in users}
        assert users == {owner} or (library == "duckdb" and rooms == {"engine"}), library
    openers = [
        path for path in (ROOT / "cityctl").rglob("*.py") if "duckdb.connect(" in path.read_text("utf-8")
    ]
    assert [path.name for path in openers] == ["duck.py"]
    lookers = {
        path.relative_to(ROOT / "cityctl").as_posix()
        for path in (ROOT / "cityctl").rglob("*.py")
        if re.search(r"isatty|get_terminal_size|FORCE_COLOR", path.read_text(encoding="utf-8"))
    }
    assert lookers == {"console.py"}


FLOORS = [
    {
        "errors",
        "units",
        "unit_table",
        "wording",
        "glossary",
        "clock",
        "reading",
        "result",
        "console",
        "arrow",
        "disk",
        "signals",
        "checked",
        "document",
        "__init__",
        "__main__",
    },
    {"city", "library"},
    {"engine", "store", "modbus", "exports", "sim", "tariff"},
    {"analysis", "collect"},
    {"report", "project", "runbook"},
    {"cli"},
]


def _dotted(path: Path, root: Path) -> str:
    """A module's name, of where it lies."""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """What some nodes of a module import: `cityctl.a`, and `cityctl.a.b` where `b` is taken from it."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _at_first(path: Path) -> Iterator[ast.AST]:
    """What stands in a module to be done as it is imported itself."""
    waiting: list[ast.stmt] = list(ast.parse(path.read_bytes()).body)
    for node in waiting:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        elif isinstance(node, ast.If | ast.Try):
            waiting += [*node.body, *node.orelse]
        yield node


def test_no_module_needs_itself_to_be_imported():
    """So each is the same whoever imports it first."""
    paths = {_dotted(path, ROOT): path for path in (ROOT / "cityctl").rglob("*.py")}
    needs = {name: {*_imported(_at_first(path))} & paths.keys() - {name} for name, path in paths.items()}
    assert len(needs["cityctl.city.load"]) > 5  # they were found
    TopologicalSorter(needs).prepare()


def test_no_import_runs_up():
    """Lower floors know nothing of higher ones."""
    floor = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
    for path in (ROOT / "cityctl").rglob("*.py"):
        parts = path.relative_to(ROOT / "cityctl").with_suffix("").parts
        if parts in (("__main__",), ("__init__",)):  # the program's door, and Python's: they lead inside
            continue
        for found in re.finditer(
            r"^\s*(?:from|import) cityctl\.(\w+)", path.read_text(encoding="utf-8"), re.M
        ):
            assert floor[found[1]] <= floor[parts[0]], f"{path.relative_to(ROOT)} imports {found[1]}"


def test_rooms_of_a_floor_stand_in_no_circle():
    """Of the rooms beside each other in a folder, each knows only such as do not know it in turn."""
    rooms = {path.parent for path in (ROOT / "cityctl").rglob("__init__.py")}
    for folder in rooms:
        known: dict[str, set[str]] = {}
        dotted = ".".join(folder.relative_to(ROOT).parts)
        for room in (path for path in folder.iterdir() if path in rooms):
            text = "\n".join(path.read_text(encoding="utf-8") for path in room.rglob("*.py"))
            found = re.findall(rf"^\s*from {re.escape(dotted)}\.(\w+)[. ]", text, re.M)
            known[room.name] = {name for name in found if folder / name in rooms} - {room.name}
        TopologicalSorter(known).prepare()  # raises CycleError with the circle
