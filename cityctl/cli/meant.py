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


def option(said: str, known: Collection[str]) -> str | None:
    """The option of ours, one of `known`, that another tool calls as it was said: `--from` is `--since`."""
    ours = _HABITS.get(said.partition("=")[0])
    return ours if ours in known else None


def command(said: str, paths: Iterable[tuple[str, ...]]) -> str | None:
    """The whole command that a word stands for: of `paths` the one to three that end in it, or a recipe's run."""
    ends = sorted(" ".join(("cityctl", *path)) for path in paths if path[-1] == said)
    return "` or `".join(ends) if 1 <= len(ends) <= 3 else _of_a_recipe(said)


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
