"""A YAML document as a model: what pydantic refuses, in plain words, with file:line:column and the near match.

Knows nothing of what the files mean.
"""

from __future__ import annotations

import re
from copy import deepcopy
from functools import reduce
from operator import getitem
from typing import TYPE_CHECKING, Any, TypeVar

from cityctl.document import Document, Key
from cityctl.errors import ConfigInvalid, listed, near

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    Model = TypeVar("Model", bound=BaseModel)

_QUOTED = re.compile(r"'([^']*)'")
_HOLDS = re.compile(r"^(?:String|List|Tuple|Dictionary|Set) should have")
# What pydantic expects, in the words of people who write YAML.
_EXPECTED = {
    "string_type": "expected a text",
    "dict_type": "expected `key: value` lines",
    "model_type": "expected `key: value` lines",
    "list_type": "expected a list such as [a, b]",
    "tuple_type": "expected a list such as [a, b]",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "date_type": "expected a date such as 2026-11-15",
    "date_from_datetime_parsing": "expected a date such as 2026-11-15",
    "date_from_datetime_inexact": "expected a date such as 2026-11-15",
    "date_parsing": "expected a date such as 2026-11-15",
    "invalid_key": "a key is a text: put it in quotes",
}
# What a text must look like, in the same words; a test holds that none of the models' patterns is missing.
SHAPES = {
    r"^\w[\w.-]*$": "expected a name of one word: letters, digits, `_`, `-` and `.`",
    r"^[A-Za-z0-9_][\w.-]*$": "expected a name of one word: letters, digits, `_`, `-` and `.`",
    r"^[a-z]\w*$": "expected a word that begins with a small letter",
    r"^[a-z][a-z0-9_]*$": "expected small letters, digits and `_`, a letter first",
    r"^[a-z0-9][a-z0-9-]*$": "expected small letters, digits and `-`",
    r"^[a-z0-9][a-z0-9_-]*$": "expected small letters, digits, `_` and `-`",
    r"^[A-Z]{2}$": "expected two capital letters, such as DE",
    r"^[A-Z]{3}$": "expected three capital letters, such as EUR",
    r"^https?://": "expected a URL that begins with https:// or http://",
    r"^https?://[^/]+$": "expected a server such as https://files.example, and no path",
    r"^[^\s:/@]+(:\d{1,5})?$": "expected a host, or host:port",
    r"^/": "expected a path that begins with /",
    r"^[a-z0-9_]+(/[a-z0-9_]+)+$": "expected an analysis such as water/leaks",
    r"^$|^[a-z0-9_]+(/[a-z0-9_]+)+$": "expected an analysis such as water/leaks",
}
_MOST = 6  # mistakes that are told at once


def validate(model: type[Model], document: Document) -> Model:
    """The document as a pydantic model.

    Where a text is asked for, `off`, or the country NO, is the word that was written, and no yes or no.
    Raises ConfigInvalid: the first error in the message, the others under `tried`, each with its place.
    """
    from pydantic import ValidationError

    given = document.data
    try:
        try:
            return model.model_validate(given)
        except ValidationError as problem:
            worded = _with_words(document, given, problem)
            if worded is None:
                raise
            return model.model_validate(worded)
    except ValidationError as problem:
        said = _sentences(model, document, problem)
        others = [f"{also} ({hint})" if hint else also for also, hint in said[1:_MOST]]
        if len(said) > _MOST:
            others.append(f"and {len(said) - _MOST} more")
        raise ConfigInvalid(said[0][0], tried=others, hint=said[0][1]) from None


def _with_words(document: Document, given: Any, problem: ValidationError) -> Any:
    """The data with the words that YAML took for a yes or no where a text is asked for; None where there are none."""
    trails = {
        tuple(part for part in error["loc"] if _is_written(document.data, error["loc"], part))
        for error in problem.errors(include_url=False)
        if error["type"] in ("string_type", "literal_error") and isinstance(error.get("input"), bool)
    } & set(document.words)
    if not trails:
        return None
    made = deepcopy(given)
    for trail in trails:
        *way, last = trail
        reduce(getitem, way, made)[last] = document.words[trail]
    return made


def _sentences(
    model: type[BaseModel], document: Document, problem: ValidationError
) -> list[tuple[str, str | None]]:
    said: dict[str, str | None] = {}
    errors = problem.errors(include_url=False)
    # An unknown key first: a key that is missing is often the same one, spelt right.
    for error in sorted(errors, key=lambda error: error["type"] not in ("extra_forbidden", "invalid_key")):
        trail = tuple(part for part in error["loc"] if _is_written(document.data, error["loc"], part))
        shown = ".".join(str(part) for part in trail)
        place = document.place(*trail)
        comma = _behind_comma(document.data, trail)
        if error["type"] == "extra_forbidden" or (error["type"] == "invalid_key" and comma):
            said.setdefault(f"{place}: unknown key `{shown}`", _known_here(model, trail, comma))
        elif error["type"] == "missing":
            absent = str(error["loc"][-1])
            where = f" in `{shown}`" if shown else ""
            said.setdefault(f"{place}: `{absent}` is missing{where}", None)
        else:
            shape = SHAPES.get(str(error.get("ctx", {}).get("pattern")))
            text = shape or _EXPECTED.get(error["type"]) or _plain(error["msg"])
            given = error.get("input")
            if error["type"] == "literal_error" and isinstance(given, str):
                match = near(given, _QUOTED.findall(str(error.get("ctx", {}).get("expected", ""))))
                if match and " hint: " not in text:
                    text = f"{text} (found `{given}`) hint: did you mean `{match}`?"
            if isinstance(given, str | int | float) and str(given) not in text:
                text += f" (found `{given}`)"
            if error["type"] == "string_type" and not isinstance(given, dict | list | None):
                text += " hint: put it in quotes"
            text, _, hint_text = text.partition(" hint: ")
            said.setdefault(f"{place}: `{shown}`: {text}" if shown else f"{place}: {text}", hint_text or None)
    return list(said.items())


def _known_here(model: type[BaseModel], trail: tuple[Key, ...], comma: str | None) -> str | None:
    """What to write in place of an unknown key; `comma`: as `_behind_comma` gives it."""
    if comma:
        return f"a comma ends a value in braces: write `{comma}`"
    here = _models_at(model, trail[:-1])
    known = {field.alias or name for each in here for name, field in each.model_fields.items()}
    others: dict[str, str] = {}
    for each in here:
        others |= getattr(each, "other_words", {})
    word = str(trail[-1])
    match = others.get(word) or near(word, known)
    if match:
        return f"did you mean `{match}`?"
    return f"known here: {listed(sorted(known))}" if known else None


def _plain(message: str) -> str:
    """Pydantic's sentence without what only a program calls so."""
    said = message.removeprefix("Value error, ").replace("Input should be", "expected")
    return _HOLDS.sub("expected", said).replace(" after validation", "")


def _behind_comma(data: Any, trail: tuple[Key, ...]) -> str | None:
    """What was meant where `{to: 4,5 bar}` gives a key `5 bar`: `to: 4.5 bar`; None where it is no decimal comma."""
    if not trail:
        return None
    *way, last = trail
    try:
        at = reduce(getitem, way, data)
    except (LookupError, TypeError):  # pydantic names members of unions on its way
        return None
    if (
        not isinstance(at, dict)
        or at.get(last, "") is not None
        or not re.fullmatch(r"\d+(\s*\S+)?", str(last))
    ):
        return None
    keys = list(at)
    before = keys[keys.index(last) - 1] if keys.index(last) else None
    whole = at.get(before)
    if before is None or isinstance(whole, bool) or not re.fullmatch(r"-?\d+", str(whole)):
        return None
    return f"{before}: {whole}.{last}"


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


def _models_at(model: type[BaseModel], trail: tuple[Key, ...]) -> list[type[BaseModel]]:
    """The models of a place, through dicts, lists and optional members; their `other_words` are not their keys."""
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
    return here
