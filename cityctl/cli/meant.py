"""What may be meant by a word that a command line does not know: another tool's word, or one from another place."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable
from pathlib import Path

# Options as other tools call them, and ours.
_HABITS = {
    "--from": "--since", "--start": "--since", "--begin": "--since", "--after": "--since",
    "--to": "--until", "--end": "--until", "--before": "--until", "--between": "--since",
    "--days": "--last", "--period": "--last", "--range": "--last",
    "--format": "--output", "--json": "--output", "--csv": "--output", "--html": "--output", "--xlsx": "--output",
    "--out": "--output-file", "--outfile": "--output-file", "--file": "--output-file",
    "--sep": "--delimiter", "--separator": "--delimiter", "--tz": "--time-zone", "--timezone": "--time-zone",
    "--interval": "--every", "--dir": "--project", "--silent": "--quiet", "--dryrun": "--dry-run",
}  # fmt: skip
# Commands as other tools call them, and ours.
_WORDS = {
    **dict.fromkeys(("check", "verify", "validate", "lint"), ("validate", "lint", "verify")),
    **dict.fromkeys(("ls", "all"), ("list",)),
    **dict.fromkeys(("get", "describe", "view", "info", "cat"), ("show",)),
    **dict.fromkeys(("create", "generate", "add"), ("new", "import")),
    **dict.fromkeys(("execute", "exec", "start"), ("run", "serve")),
    **dict.fromkeys(("query", "select"), ("sql",)),
    **dict.fromkeys(("load", "ingest"), ("import",)),
    **dict.fromkeys(("fetch", "download", "sync"), ("pull",)),
    **dict.fromkeys(("discover", "search"), ("scan",)),
    "dump": ("export",),
    "monitor": ("watch",),
    "health": ("doctor",),
}


def option(said: str, known: Collection[str]) -> str | None:
    """The option of ours, one of `known`, that another tool calls as it was said: `--from` is `--since`."""
    ours = _HABITS.get(said.partition("=")[0])
    return ours if ours in known else None


def command(said: str, paths: Collection[tuple[str, ...]], group: tuple[str, ...] = ()) -> str | None:
    """The whole command that a word stands for, said within a group of commands: one to three that end in it.

    `paths`: all commands. Another tool's word counts within the group first, then the word elsewhere, or a recipe.
    """
    ours = _WORDS.get(said, ())
    inside = [path for path in paths if path[:-1] == group]
    for word, among in (*((one, inside) for one in ours), (said, paths)):
        if found := _ending_in(word, among):
            return found
    return _of_a_recipe(said) or next((found for word in ours if (found := _ending_in(word, paths))), None)


def _ending_in(word: str, paths: Iterable[tuple[str, ...]]) -> str | None:
    ends = sorted(" ".join(("cityctl", *path)) for path in paths if path[-1] == word)
    return "` or `".join(ends) if 1 <= len(ends) <= 3 else None


def _of_a_recipe(said: str) -> str | None:
    from cityctl.library import Library

    with contextlib.suppress(OSError):  # where we stand may be gone
        here = Path.cwd()
        folder = next((one for one in (here, *here.parents) if (one / "city.yaml").is_file()), None)
        library = Library(folder)
        if said in library.list("recipes/reports"):
            return f"cityctl report run {said}"
        if said in library.list("recipes/runbooks"):
            return f"cityctl runbook plan {said}"
    return None
