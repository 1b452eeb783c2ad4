"""YAML with positions: what a file says, and where it says it.

Every error names file:line:column and the near match. Knows nothing of what the files mean.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cityctl.errors import ConfigInvalid, listed, near

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from yaml.nodes import Node, ScalarNode

    Model = TypeVar("Model", bound=BaseModel)

_OCTAL = re.compile(r"[-+]?0[0-7_]*[1-7][0-7_]*")
_QUOTED = re.compile(r"'([^']*)'")
Key = str | int
Place = tuple[int, int]


class Document:
    """A YAML file's data, with the place of each key and value."""

    def __init__(self, path: Path, data: Any, keys: Mapping[tuple[Key, ...], Place]) -> None:
        self.path = path
        self.data = data
        self._keys = keys

    def place(self, *keys: Key) -> str:
        """`file:line:column` of a key; of its nearest parent where the key itself is not written."""
        trail = tuple(keys)
        while trail not in self._keys and trail:
            trail = trail[:-1]
        line, column = self._keys.get(trail, (1, 1))
        return f"{self.path}:{line}:{column}"


def read(path: Path) -> Document:
    """Read a YAML file.

    Raises ConfigInvalid with the place: no such file, broken syntax, a key written twice, no mapping.
    """
    return parse(read_text(path), path)


def read_text(path: Path) -> str:
    """The text of a YAML file. Raises ConfigInvalid where there is none."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigInvalid(f"{path}: no such file") from None
    except UnicodeDecodeError as problem:
        raise ConfigInvalid(
            f"{path}: not UTF-8 text (byte {problem.start})", hint="save it as UTF-8"
        ) from None
    except OSError as problem:
        raise ConfigInvalid(f"{path}: {problem.strerror or problem}") from None


def parse(text: str, path: Path) -> Document:
    """The same for text that is already in memory; `path` names it in errors."""
    import yaml

    try:
        loader = yaml.CSafeLoader(text) if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader(text)
        try:
            root = loader.get_single_node()
            keys: dict[tuple[Key, ...], Place] = {}
            if root is not None:
                _walk(root, (), keys, path, set())
            data = loader.construct_document(root) if root is not None else {}
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigInvalid(
            f"{place}: {problem.problem or problem}", hint=_syntax_hint(str(problem.problem))
        ) from None
    except yaml.YAMLError:  # the reader's: signs that no text holds
        raise ConfigInvalid(f"{path}: this is no text", hint="save it as UTF-8") from None
    except ValueError as problem:  # a date such as 2026-13-40
        raise ConfigInvalid(f"{path}: {problem}") from None
    if not isinstance(data, dict):
        raise ConfigInvalid(f"{path}:1:1: expected `key: value` lines, found a {type(data).__name__}")
    return Document(path, data, keys)


def _syntax_hint(problem: str) -> str | None:
    if "cannot start any token" in problem:
        return "indent with spaces, not tabs"
    if "mapping values are not allowed" in problem:
        return "put text that holds `: ` in quotes"
    if "did not find expected" in problem:
        return "a bracket or quote is not closed there or above, or a line is indented unlike its neighbours"
    return None


def _walk(
    node: Node, trail: tuple[Key, ...], keys: dict[tuple[Key, ...], Place], path: Path, open_nodes: set[int]
) -> None:
    import yaml

    keys.setdefault(trail, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.ScalarNode):
        _refuse_octal(node, path)
    if id(node) in open_nodes:
        raise ConfigInvalid(f"{path}:{node.start_mark.line + 1}: an alias that contains itself")
    if isinstance(node, yaml.MappingNode):
        seen: set[Hashable] = set()
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else str(key_node.value)
            if key_node.tag == "tag:yaml.org,2002:bool":  # `on:` is a word to people, and to YAML 1.2
                key_node.tag = "tag:yaml.org,2002:str"
            place = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if isinstance(key_node, yaml.ScalarNode):
                _refuse_octal(key_node, path)
            if key in seen and key != "<<":
                raise ConfigInvalid(
                    f"{path}:{place[0]}:{place[1]}: `{key}` is written twice", hint="keep one of them"
                )
            seen.add(key)
            keys[(*trail, key)] = place
            _walk(value_node, (*trail, key), keys, path, open_nodes | {id(node)})
    elif isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            keys[(*trail, index)] = (child.start_mark.line + 1, child.start_mark.column + 1)
            _walk(child, (*trail, index), keys, path, open_nodes | {id(node)})


def _refuse_octal(node: ScalarNode, path: Path) -> None:
    """A number with a leading 0 is octal to YAML: 00301 would silently be 193."""
    if node.tag == "tag:yaml.org,2002:int" and _OCTAL.fullmatch(node.value):
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        plain = node.value.lstrip("+-").lstrip("0")
        raise ConfigInvalid(
            f"{path}:{line}:{column}: `{node.value}` is octal to YAML: {int(node.value.replace('_', ''), 8)}",
            hint=f'write {plain}, or "{node.value}" where it is a text',
        )


def validate(model: type[Model], document: Document, data: Any = None) -> Model:
    """The document as a pydantic model.

    Raises ConfigInvalid: the first error in the message, the others under `tried`, each with its place.
    """
    from pydantic import ValidationError

    try:
        return model.model_validate(document.data if data is None else data)
    except ValidationError as problem:
        said = _sentences(model, document, problem)
        others = [f"{also} ({hint})" if hint else also for also, hint in said[1:6]]
        raise ConfigInvalid(said[0][0], tried=others, hint=said[0][1]) from None


def _sentences(
    model: type[BaseModel], document: Document, problem: ValidationError
) -> list[tuple[str, str | None]]:
    said: dict[str, str | None] = {}
    errors = problem.errors(include_url=False)
    # An unknown key first: a key that is missing is often the same one, spelt right.
    for error in sorted(errors, key=lambda error: error["type"] != "extra_forbidden"):
        trail = tuple(part for part in error["loc"] if _is_written(document.data, error["loc"], part))
        shown = ".".join(str(part) for part in trail)
        place = document.place(*trail)
        if error["type"] == "extra_forbidden":
            known = _fields_at(model, trail[:-1])
            word = str(trail[-1])
            match = near(word, known)
            hint = (
                f"did you mean `{match}`?"
                if match
                else f"known here: {listed(sorted(known))}"
                if known
                else None
            )
            said.setdefault(f"{place}: unknown key `{shown}`", hint)
        elif error["type"] == "missing":
            absent = str(error["loc"][-1])
            where = f" in `{shown}`" if shown else ""
            said.setdefault(f"{place}: `{absent}` is missing{where}", None)
        else:
            text = error["msg"].removeprefix("Value error, ")
            given = error.get("input")
            if error["type"] == "literal_error" and isinstance(given, str):
                match = near(given, _QUOTED.findall(str(error.get("ctx", {}).get("expected", ""))))
                if match and " hint: " not in text:
                    text = f"{text} (found `{given}`) hint: did you mean `{match}`?"
            if isinstance(given, str | int | float) and str(given) not in text:
                text += f" (found `{given}`)"
            text, _, hint_text = text.partition(" hint: ")
            said.setdefault(f"{place}: `{shown}`: {text}" if shown else f"{place}: {text}", hint_text or None)
    return list(said.items())


def _is_written(data: Any, trail: tuple[Key, ...], part: Key) -> bool:
    """Whether a part of pydantic's location stands in the file (it adds names of union members)."""
    at = data
    for step in trail:
        inside = (isinstance(at, dict) and step in at) or (
            isinstance(at, list) and isinstance(step, int) and 0 <= step < len(at)
        )
        if inside:
            at = at[step]
        if step == part:
            return inside
    return False


def _fields_at(model: type[BaseModel], trail: tuple[Key, ...]) -> set[str]:
    """The keys that the model knows at a place, through dicts, lists and optional members."""
    from typing import get_args

    from pydantic import BaseModel as Base

    def models(annotation: Any) -> list[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, Base):
            return [annotation]
        return [found for argument in get_args(annotation) for found in models(argument)]

    here: list[type[BaseModel]] = [model]
    for part in trail:
        following: list[type[BaseModel]] = []
        for candidate in here:
            by_name = {field.alias or name: field for name, field in candidate.model_fields.items()}
            if part in by_name:
                following += models(by_name[str(part)].annotation)
        here = following or here
    return {field.alias or name for candidate in here for name, field in candidate.model_fields.items()}
