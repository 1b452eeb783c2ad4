"""Runbooks as files: found, read, and checked without any city."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from cityctl.checked import validate
from cityctl.document import Document, Key, parse, read_text
from cityctl.errors import ConfigInvalid, UsageProblem
from cityctl.library import Kind, Library
from cityctl.runbook.grammar import parse as parse_expression
from cityctl.runbook.language import Runbook
from cityctl.runbook.lint import lint

RUNBOOKS: Kind = "recipes/runbooks"


@dataclass(frozen=True)
class Loaded:
    """A runbook, its text, and whose file it is: project, user or shipped."""

    runbook: Runbook
    text: str
    path: Path
    origin: str

    @property
    def hash(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def load(library: Library, name: str) -> Loaded:
    """The runbook of that name. Raises UsageProblem: where it looked; or ConfigInvalid: file:line:column."""
    return read(library.asked_for(RUNBOOKS, name), library)


def read(path: Path, library: Library) -> Loaded:
    """The runbook of a file. Raises ConfigInvalid."""
    return from_text(read_text(path), path, library.origin(path))


def from_text(text: str, path: Path, origin: str) -> Loaded:
    """The runbook of a text; `path` names it in errors. Raises ConfigInvalid."""
    document = parse(text, path)
    runbook = validate(Runbook, document)
    if runbook.runbook != path.stem:
        raise ConfigInvalid(
            f"{document.place('runbook')}: `runbook: {runbook.runbook}` stands in {path.name}",
            hint=f"write `runbook: {path.stem}`: a runbook is asked for by the name of its file",
        )
    problems = [(f"{_place(document, trail)}: {said}", hint) for trail, said, hint in lint(runbook)]
    if problems:
        others = [said for said, _ in problems[1:6]]
        raise ConfigInvalid(problems[0][0], tried=others, hint=problems[0][1])
    return Loaded(runbook, text, path, origin)


def _place(document: Document, trail: tuple[Key, ...]) -> str:
    return document.place(*trail)


def single(device_point: str, value: str, expect: str | None) -> Loaded:
    """`cityctl write` as a runbook of one step, so that it takes the same path. Raises UsageProblem."""
    for said in (value, expect):
        if said is not None and not said.strip():
            raise UsageProblem(f"no value of {device_point} is given")
        if said is not None:
            parse_expression(said)
    step = {"write": device_point, "to": value} | ({"expect": expect} if expect is not None else {})
    body = {"runbook": "write", "title": f"write {device_point}", "purpose": "One point.", "steps": [step]}
    runbook = Runbook.model_validate(body)
    return Loaded(runbook, json.dumps(body, sort_keys=True), Path("write.yaml"), "command line")
