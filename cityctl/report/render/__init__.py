"""A result in the format that was asked for: table, plain, json, jsonl, csv, parquet, md, html or xlsx.

Each format is one module with a function `render(result, view)`; its libraries load when it is used. Nothing
here opens a file, looks at the terminal or asks a clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from importlib import import_module

from cityctl.errors import ExitCode, UsageProblem, near
from cityctl.report.render.view import View
from cityctl.result import Result

Renderer = Callable[[Result, View], str | bytes]

FORMATS: dict[str, str] = {
    "table": "cityctl.report.render.as_table",
    "plain": "cityctl.report.render.as_plain",
    "json": "cityctl.report.render.as_json",
    "jsonl": "cityctl.report.render.as_jsonl",
    "csv": "cityctl.report.render.as_csv",
    "parquet": "cityctl.report.render.as_parquet",
    "md": "cityctl.report.render.as_markdown",
    "html": "cityctl.report.render.as_html",
    "xlsx": "cityctl.report.render.as_xlsx",
}


def render(
    result: Result,
    format: str,  # noqa: A002 - the word of the -o option
    *,
    zone: tzinfo,
    width: int | None = None,
    colour: bool = False,
    exit_code: ExitCode = ExitCode.DONE,
    drawn: bool = False,
) -> str | bytes:
    """The result in one format; text, or bytes for parquet and xlsx.

    `zone` shows times; `width` [terminal cells], `colour` and `drawn` (plots too) matter to "table" alone;
    `exit_code` is the one the command will end with, and is named in the summary.
    Raises UsageProblem for an unknown format.
    """
    if format not in FORMATS:
        match = near(format, FORMATS)
        raise UsageProblem(
            f"`{format}` is no output format",
            hint=f"did you mean `-o {match}`?" if match else f"one of: {', '.join(FORMATS)}",
        )
    renderer: Renderer = import_module(FORMATS[format]).render
    return renderer(result, View(zone, width, colour, exit_code, drawn))


__all__ = ["FORMATS", "View", "render"]
