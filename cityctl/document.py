"""YAML with positions: what a file says, and where it says it.

Every error names file:line:column. Knows nothing of what the files mean.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from copy import deepcopy
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cityctl.errors import ConfigInvalid

if TYPE_CHECKING:
    from yaml.nodes import Node, ScalarNode

_OCTAL = re.compile(r"[-+]?0[0-7_]*[1-7][0-7_]*")
_MOST_PLACES = 100_000  # of a file that is shorter than that: more of them are aliases of aliases
_FOUND: dict[type, str] = {
    list: "a list",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "a yes or no",
}
Key = str | int
Place = tuple[int, int]


class Document:
    """A YAML file's data, with the place of each key and value.

    `words` are the values on, off, yes and no as they are written: YAML 1.1 takes them for true and false.
    """

    def __init__(
        self,
        path: Path,
        data: Any,
        keys: Mapping[tuple[Key, ...], Place],
        words: Mapping[tuple[Key, ...], str],
    ) -> None:
        self.path = path
        self.data = data
        self.words = words
        self._keys = keys

    def place(self, *keys: Key) -> str:
        """`file:line:column` of a key; of its nearest parent where the key itself is not written."""
        trail = tuple(keys)
        while trail not in self._keys and trail:
            trail = trail[:-1]
        line, column = self._keys.get(trail, (1, 1))
        return f"{self.path}:{line}:{column}"

    def changed_by(self, *at: Key) -> Document:
        """The document with the mapping at `at` laid over the whole: its keys stand where that writes them."""
        data = _laid_over(deepcopy(self.data), reduce(getitem, at, self.data))
        below = len(at)
        inside = [trail for trail in self._keys if len(trail) > below and trail[:below] == at]
        keys = {trail[below:]: self._keys[trail] for trail in inside}
        words = {trail[below:]: word for trail, word in self.words.items() if trail[:below] == at}
        return Document(self.path, data, {**self._keys, **keys}, {**self.words, **words})


def _laid_over(base: Any, changes: Any) -> Any:
    """Mappings are laid over each other key by key; of all else the change stands."""
    if isinstance(base, dict) and isinstance(changes, dict):
        return {**base, **{key: _laid_over(base.get(key), value) for key, value in changes.items()}}
    return changes


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
            words: dict[tuple[Key, ...], str] = {}
            if root is not None:
                _walk(root, (), keys, words, path, set(), max(_MOST_PLACES, len(text)))
            data = _constructed(loader, root, path) if root is not None else {}
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigInvalid(
            f"{place}: {problem.problem or problem}", hint=_syntax_hint(str(problem.problem))
        ) from None
    except yaml.YAMLError:  # the reader's: signs that no text holds
        raise _no_text(text, path) from None
    if not isinstance(data, dict):
        found = _FOUND.get(type(data), "something else")
        raise ConfigInvalid(f"{path}:1:1: expected `key: value` lines, found {found}")
    return Document(path, data, keys, words)


def _constructed(loader: Any, root: Node, path: Path) -> Any:
    """The file's data. Raises ConfigInvalid with the place of a value that is none, such as 2026-13-40."""
    try:
        return loader.construct_document(root)
    except ValueError as problem:
        node = _unreadable(type(loader)(""), root)  # a new one: this one still holds what it was at
        if node is None:
            raise ConfigInvalid(f"{path}: {problem}") from None
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        shown = node.value if len(node.value) < 40 else f"{node.value[:20]}..."
        raise ConfigInvalid(
            f"{path}:{line}:{column}: `{shown}` is neither a date nor a number",
            hint="put it in quotes where it is a text",
        ) from None


def _unreadable(loader: Any, node: Node) -> ScalarNode | None:
    """The first value below a node that cannot be made of its text."""
    import yaml

    if isinstance(node, yaml.ScalarNode):
        try:
            loader.construct_object(node)
        except ValueError:
            return node
        return None
    pairs = isinstance(node, yaml.MappingNode)
    below = [one for pair in node.value for one in pair] if pairs else node.value
    return next((found for one in below if (found := _unreadable(loader, one)) is not None), None)


def _no_text(text: str, path: Path) -> ConfigInvalid:
    """The error for a sign that no text holds, with its place."""
    import yaml

    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if found is None:
        return ConfigInvalid(f"{path}: this is no text", hint="save it as UTF-8")
    line = text.count("\n", 0, found.start()) + 1
    column = found.start() - text.rfind("\n", 0, found.start())
    return ConfigInvalid(
        f"{path}:{line}:{column}: this is no text (U+{ord(found[0]):04X})",
        hint="take it out, or save the file as UTF-8 text",
    )


def _syntax_hint(problem: str) -> str | None:
    if "cannot start any token" in problem:
        return "indent with spaces, not tabs"
    if "mapping values are not allowed" in problem:
        return "put text that holds `: ` in quotes"
    if "did not find expected" in problem:
        return "a bracket or quote is not closed there or above, or a line is indented unlike its neighbours"
    if "could not determine a constructor" in problem:
        return "leave the tag (`!...`) out: values here are texts, numbers, dates, lists and mappings"
    if "found another document" in problem:
        return "a file is one document: leave the second `---` out"
    if "unhashable key" in problem:
        return "a key is one text"
    return None


def _walk(
    node: Node,
    trail: tuple[Key, ...],
    keys: dict[tuple[Key, ...], Place],
    words: dict[tuple[Key, ...], str],
    path: Path,
    open_nodes: set[int],
    most: int,
) -> None:
    """The place of each key below a node, no more of them than `most`, and the words that YAML takes for yes or no."""
    import yaml

    if len(keys) > most:
        raise ConfigInvalid(
            f"{path}: its aliases say the same thing too often", hint="write less of it with `*`"
        )
    keys.setdefault(trail, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.ScalarNode):
        _refuse_octal(node, path)
        if node.tag == "tag:yaml.org,2002:bool":
            words[trail] = node.value
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
            _walk(value_node, (*trail, key), keys, words, path, open_nodes | {id(node)}, most)
    elif isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            keys[(*trail, index)] = (child.start_mark.line + 1, child.start_mark.column + 1)
            _walk(child, (*trail, index), keys, words, path, open_nodes | {id(node)}, most)


def _refuse_octal(node: ScalarNode, path: Path) -> None:
    """A number with a leading 0 is octal to YAML: 00301 would silently be 193."""
    if node.tag == "tag:yaml.org,2002:int" and _OCTAL.fullmatch(node.value):
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        plain = node.value.lstrip("+-").lstrip("0")
        raise ConfigInvalid(
            f"{path}:{line}:{column}: `{node.value}` is octal to YAML: {int(node.value.replace('_', ''), 8)}",
            hint=f'write {plain}, or "{node.value}" where it is a text',
        )
