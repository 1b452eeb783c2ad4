"""The analyses that there are: found by being there, the shipped ones and the project's own.

An analysis is `<area>/<name>.py` with `<area>/<name>.sql` beside it, named `<area>/<name>`; HOLDS says what stands in
them. This file alone reads either.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from cityctl.analysis.question import Parameter, Question, settle
from cityctl.city.model import City
from cityctl.clock import Interval
from cityctl.errors import ConfigInvalid, listed, near
from cityctl.result import Column, Result

HERE = Path(__file__).parent
HOLDS: dict[str, str] = {
    "TITLE, SUMMARY": "one line each",
    "COLUMNS": "tuple[Column, ...]: every column of its tables, with meaning and unit",
    "PARAMETERS": "tuple[Parameter, ...]",
    "points(city, parameters) -> list[str]": "the readings it wants",
    "READINGS = False": "optional: it looks at no reading, and needs no store",
    "REMEMBERS = True": "optional: it asks question.memory for readings, span by span",
    "window(interval, parameters, city) -> Interval": "optional: how much before the interval it looks at",
    "answer(question) -> Result": "pure",
    "-- name: WORD": 'in the .sql file, above a statement: question.sql("WORD") is it',
    "-- use: NAME": "in the .sql file: takes the statements of NAME.sql beside it too",
}
"""Part of an analysis -> what it is, as `cityctl help analysis` shows it."""
_NAME = re.compile(r"^--\s*name:\s*(\w+)\s*$", re.MULTILINE)
_USE = re.compile(r"^--\s*use:\s*(\w+)\s*$", re.MULTILINE)
_NEEDED = ("TITLE", "SUMMARY", "COLUMNS", "PARAMETERS", "points", "answer")


def statements(text: str) -> dict[str, str]:
    """name -> SQL of each part of a file that begins with `-- name: <word>`; without one, all is `main`."""
    parts = _NAME.split(text)
    if len(parts) == 1:
        return {"main": text}
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def _with_used(path: Path) -> dict[str, str]:
    """The statements of a file, after those of the files beside it that it names with `-- use: <word>`."""
    text = path.read_text(encoding="utf-8")
    used: dict[str, str] = {}
    for word in _USE.findall(text):
        used |= _with_used(path.with_name(f"{word}.sql"))
    own = statements(text)
    return used | own if _NAME.search(text) or not used else used


@dataclass(frozen=True)
class Analysis:
    """One analysis by its files; its Python is loaded when it is first looked at."""

    name: str
    path: Path
    shipped: bool

    @cached_property
    def module(self) -> ModuleType:
        """The analysis's Python. Raises ConfigInvalid where it cannot be loaded or lacks a part."""
        area, _, stem = self.name.partition("/")
        if self.shipped:
            module = importlib.import_module(f"cityctl.analysis.{area}.{stem}")
        else:
            module = _load(f"cityctl_project_analysis.{area}.{stem}", self.path)
        lacking = [word for word in _NEEDED if not hasattr(module, word)]
        if lacking:
            raise ConfigInvalid(
                f"{self.path}: the analysis has no {listed(lacking)}",
                hint="`cityctl help analysis` says what an analysis holds",
            )
        return module

    @cached_property
    def statements(self) -> dict[str, str]:
        """The SQL of the analysis by name."""
        return _with_used(self.path.with_suffix(".sql"))

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self.module.TITLE)

    @property
    def summary(self) -> str:
        """What it answers, in a line."""
        return str(self.module.SUMMARY)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Every column that its tables may have."""
        return tuple(self.module.COLUMNS)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What it may be asked with."""
        return tuple(self.module.PARAMETERS)

    def settle(self, given: Mapping[str, object]) -> dict[str, object]:
        """Every parameter's value, given or default. Raises UsageProblem."""
        return settle(self.parameters, given)

    @property
    def reads(self) -> bool:
        """Whether it looks at readings at all."""
        return bool(getattr(self.module, "READINGS", True))

    @property
    def remembers(self) -> bool:
        """Whether it has its readings shown span by span, and keeps what it worked out from them."""
        return bool(getattr(self.module, "REMEMBERS", False))

    def points(self, city: City, parameters: Mapping[str, Any]) -> list[str]:
        """Ids of the points whose readings it wants."""
        return list(self.module.points(city, parameters))

    def window(self, interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
        """The interval of readings that it needs to judge `interval`: baselines lie before it."""
        wanted = getattr(self.module, "window", None)
        return interval if wanted is None else wanted(interval, parameters, city)

    def answer(self, question: Question) -> Result:
        """The answer; the analysis gets its own SQL with the question."""
        result: Result = self.module.answer(replace(question, statements=self.statements))
        return result


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses of the module look themselves up there
    try:
        spec.loader.exec_module(module)
    except Exception as problem:
        sys.modules.pop(name, None)
        line = getattr(problem, "lineno", None) or _line(problem, path)
        raise ConfigInvalid(f"{path}:{line}:1: {type(problem).__name__}: {problem}") from problem
    return module


def _line(problem: BaseException, path: Path) -> int:
    """The last line of the analysis's own file that an error passed."""
    line, trace = 1, problem.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _found(folder: Path, *, shipped: bool) -> dict[str, Analysis]:
    return {
        f"{path.parent.name}/{path.stem}": Analysis(f"{path.parent.name}/{path.stem}", path, shipped)
        for path in sorted(folder.glob("*/*.py"))
        if path.with_suffix(".sql").is_file()
    }


def catalog(project: Path | None = None) -> dict[str, Analysis]:
    """name -> analysis, sorted; a project's own (`<project>/analysis/<area>/<name>.py`) hides a shipped one."""
    found = _found(HERE, shipped=True)
    if project is not None:
        found |= _found(project / "analysis", shipped=False)
    return dict(sorted(found.items()))


def find(name: str, project: Path | None = None) -> Analysis:
    """The analysis of that name. Raises ConfigInvalid: where it looked, and the near match."""
    known = catalog(project)
    if name in known:
        return known[name]
    match = near(name, known)
    places = [f"shipped: {HERE / name}.py with {Path(name).name}.sql beside it"]
    if project is not None:
        places.insert(0, f"project: {project / 'analysis' / name}.py with {Path(name).name}.sql beside it")
    hint = f"did you mean `{match}`?" if match else f"there are: {listed(known)}"
    raise ConfigInvalid(f"no analysis named `{name}`", tried=places, hint=hint)
