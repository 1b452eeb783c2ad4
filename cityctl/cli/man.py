"""The manual page in roff, made of the command tree itself: it can say nothing that the program does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cityctl import __version__
from cityctl.cli.leaf import PANEL
from cityctl.cli.leaf_command import shown
from cityctl.cli.root import COMMANDS, load
from cityctl.errors import ExitCode

_FILES = (
    ("city.yaml", "what the city is; found upwards from where one stands, or named by --project"),
    (".cityctl/", "readings, raw exports and state of a project"),
    ("connectors/, recipes/", "device models, services, reports, runbooks and tariffs of a project's own"),
    ("~/.config/cityctl/", "the same of a user, for every project (CITYCTL_USER_FOLDER)"),
)
_ENVIRONMENT = (
    ("CITYCTL_OUTPUT, CITYCTL_PROFILE", "what -o and --profile say where they are left out"),
    ("CITYCTL_STORE", "the folder of the readings, in place of the project's"),
    ("CITYCTL_LOG", "json: stderr as JSON lines; any other value: a file that they are added to"),
    ("CITYCTL_NOW", "the instant that a run takes for now"),
    ("NO_COLOR", "any value but the empty one: no colour"),
)


def page() -> str:
    """cityctl(1)."""
    lines = [
        f'.TH CITYCTL 1 "" "cityctl {__version__}" "User Commands"',
        ".SH NAME",
        r"cityctl \- poll meters and PLCs of a city, keep their readings, find leaks and prove savings",
        ".SH SYNOPSIS",
        r".B cityctl",
        r"\fICOMMAND\fR [\fIOPTION\fR]... [\fIARGUMENT\fR]...",
    ]
    commands = {name: load(name) for name in COMMANDS}
    first = next(one for _, one in _leaves((), commands["init"]))
    lines += [".SH COMMON OPTIONS", *_options(first, common=True), ".SH COMMANDS"]
    section = ""
    for name, entry in COMMANDS.items():
        if entry.section != section:
            section = entry.section
            lines.append(f'.SS "{_text(section)}"')
        for words, leaf in _leaves((name,), commands[name]):
            lines += [".PP", f".B cityctl {_text(' '.join(words))}", _arguments(leaf), ".RS 4"]
            for part in re.split(r"\n\s*\n", (leaf.help or "").strip()):
                lines += [".PP", _text(part)]
            lines += _options(leaf, common=False)
            example = (leaf.epilog or "").removeprefix("Example:  ")
            lines += [".PP", ".nf", _text(example), ".fi", ".RE"]
    lines.append(".SH EXIT STATUS")
    for code in ExitCode:
        lines += [".TP", f".B {int(code)}", _text(code.meaning)]
    for title, entries in (("FILES", _FILES), ("ENVIRONMENT", _ENVIRONMENT)):
        lines.append(f".SH {title}")
        for key, meaning in entries:
            lines += [".TP", f".B {_text(key)}", _text(meaning)]
    return "\n".join(line for line in lines if line) + "\n"


def _leaves(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words, command
        return
    for name, one in inner.items():
        yield from _leaves((*words, name), one)


def _arguments(leaf: Any) -> str:
    named = [one for one in leaf.params if one.param_type_name == "argument"]
    return " ".join(rf"\fI{_text(shown(one))}\fR" for one in named)


def _options(leaf: Any, *, common: bool) -> list[str]:
    lines: list[str] = []
    for one in leaf.params:
        if one.param_type_name != "option" or one.name == "help":
            continue
        if (getattr(one, "rich_help_panel", None) == PANEL) is not common:
            continue
        names = ", ".join(rf"\fB{_text(name)}\fR" for name in [*one.opts, *one.secondary_opts])
        value = "" if one.is_flag else rf" \fI{_text(one.metavar)}\fR"
        lines += [".TP", f"{names}{value}", _text(one.help or "")]
    return lines


def _text(text: str) -> str:
    r"""A text as roff shows it: `\` and `-` as they are, no line that begins a request."""
    said = " ".join(text.split()).replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{said}" if said.startswith((".", "'")) else said
