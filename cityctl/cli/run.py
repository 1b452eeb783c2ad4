"""One run of a command: its console, its project, and how its result is shown or written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cityctl.console import Console
from cityctl.errors import ExitCode, UsageProblem, near
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.city.project import Project
    from cityctl.library import Library
    from cityctl.result import Result

FORMATS = ("table", "plain", "json", "jsonl", "csv", "parquet", "md", "html", "xlsx")
_NOT_WRITTEN = (".pdf", ".xls", ".ods", ".doc", ".docx", ".odt", ".png", ".svg", ".jpg", ".zip")
"""Endings of files that no program would open were there plain text in them."""


def _checked(option: str, word: str, known: tuple[str, ...]) -> str:
    if word not in known:
        match = near(word, known)
        raise UsageProblem(
            f"`{option} {word}`: no such value",
            hint=f"did you mean `{option} {match}`?" if match else f"one of: {', '.join(known)}",
        )
    return word


class Run:
    """One run of a command: its console, its project, and how its result is shown."""

    def __init__(
        self,
        *,
        output: str | None = None,
        output_file: Path | None = None,
        quiet: bool = False,
        verbose: bool = False,
        profile: str | None = None,
        project: Path | None = None,
        color: str = "auto",
        debug: bool = False,
    ) -> None:
        wish: Literal["auto", "always", "never"] = "auto"
        if _checked("--color", color, ("auto", "always", "never")) != "auto":
            wish = "always" if color == "always" else "never"
        output = output or os.environ.get("CITYCTL_OUTPUT") or None
        self.output = _checked("-o", output, FORMATS) if output else None
        if output_file is not None and str(output_file) == "-":
            output_file = None  # stdout, as everywhere
        self.output_file = output_file
        if output is None and output_file is not None and output_file.suffix.lower() in _NOT_WRITTEN:
            raise UsageProblem(
                f"{output_file}: cityctl writes no {output_file.suffix}",
                hint="it writes .html, .xlsx, .csv, .md, .json, .jsonl, .parquet and .txt",
            )
        self.quiet = quiet
        self.verbose = verbose
        self.debug = debug
        self.console = Console(quiet=quiet, verbose=verbose, colour=wish)
        self._lines: int | None = None  # of a terminal that a watch must fit into
        self._start = project
        self._profile = profile or os.environ.get("CITYCTL_PROFILE") or None

    @cached_property
    def project(self) -> Project:
        """The project folder, found when it is first asked for."""
        from cityctl.city.project import Project

        return Project(self._start, profile=self._profile)

    @cached_property
    def library(self) -> Library:
        """Connectors and recipes: of the project where there is one, of user and installation otherwise.

        Raises ConfigInvalid for a --project that is none.
        """
        from cityctl.errors import ConfigInvalid
        from cityctl.library import Library

        try:
            return self.project.library
        except ConfigInvalid:
            if self._start is not None:
                raise
            return Library()

    @cached_property
    def now(self) -> datetime:
        """The instant of this run, UTC, the second that runs counted in: what was read in it is asked for too.

        CITYCTL_NOW sets it, for reports as of another day.
        """
        chosen = os.environ.get("CITYCTL_NOW")
        if not chosen:
            return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
        from cityctl import clock

        try:
            moment = datetime.fromisoformat(chosen)
        except ValueError:
            raise UsageProblem(
                f"CITYCTL_NOW=`{chosen}` is no instant", hint="write 2026-11-23T06:00Z"
            ) from None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=clock.zone_named("UTC"))

    @property
    def format(self) -> str:
        """The output format: -o, the output file's ending, or by whether a person looks on."""
        if self.output:
            return self.output
        if self.output_file is not None:
            ending = self.output_file.suffix.lower().lstrip(".")
            by_ending = {"txt": "plain", "markdown": "md", "htm": "html", "pq": "parquet", "ndjson": "jsonl"}
            named = by_ending.get(ending, ending)
            return named if named in FORMATS else "plain"
        return "table" if self.console.is_terminal else "plain"

    def show(
        self,
        result: Result,
        *,
        only_findings: bool = False,
        on_findings: bool = False,
        drawn: bool = False,
        ending: ExitCode | None = None,
    ) -> ExitCode:
        """Render a result by -o, to stdout or --output-file, and return its exit code, or `ending` instead."""
        from datetime import tzinfo

        from cityctl.report.render import render
        from cityctl.result import left_out

        result.completeness.missing += left_out()
        code = result.exit_code(on_findings=on_findings) if ending is None else ending
        silent = self.quiet and self.output is None and self.output_file is None and code is ExitCode.DONE
        if silent or (only_findings and not result.findings):
            return code
        zone: tzinfo = UTC
        if result.interval is not None:
            zone = result.interval.zone
        elif "project" in self.__dict__ and "city" in self.project.__dict__:
            zone = self.project.city.zone_info
        text = render(
            result,
            self.format,
            zone=zone,
            width=self.console.width if self.output_file is None else None,
            colour=self.console.colour and self.output_file is None,
            exit_code=code,
            drawn=drawn,
        )
        if self._lines is not None and isinstance(text, str):
            text = shortened(text, self._lines)
        self.write(text)
        if self.output_file is not None and code is not ExitCode.DONE:
            from cityctl.report.render.heading import ending_words

            for line in ending_words(result, code, zone):
                self.console.note(line)
        return code

    def follow(self, results: Iterable[Result]) -> ExitCode:
        """Results one after the other: in place on a terminal, as JSON lines in a pipe, until somebody ends it.

        On a terminal `q` ends it, and a result that is taller is cut, which is said. What is missing in a round
        goes to stderr where the format has no place for it. The exit code is that of the worst round.
        """
        format_ = self.format if self.output or self.console.is_terminal else "jsonl"
        if format_ not in ("table", "plain", "jsonl") or self.output_file is not None:
            raise UsageProblem(
                "a watch goes to the terminal or into a pipe as JSON lines",
                hint="use -o jsonl, and a `>` for a file",
            )
        self.output = format_
        worst = ExitCode.DONE
        with self.console.ended_by("q") as asked_to_end:
            try:
                for result in results:
                    if format_ == "table" and self.console.is_terminal:
                        self.console.home()
                        self._lines = self.console.height
                    worst = max(worst, self.show(result))
                    self.console.output.flush()
                    if format_ == "jsonl":
                        for gap in result.completeness.missing:
                            self.console.note(f"{gap.what}: {gap.why}")
            except KeyboardInterrupt:
                if not asked_to_end():
                    raise
        return worst

    def show_text(self, text: str, *, title: str) -> ExitCode:
        """A text for people as it is; for machines (-o json ...) a result with the text as its one cell."""
        if self.quiet and self.output is None and self.output_file is None:
            return ExitCode.DONE
        if self.format in ("table", "plain"):
            self.write(text if text.endswith("\n") else text + "\n")
            return ExitCode.DONE
        from cityctl.glossary import column
        from cityctl.result import Result, Table

        return self.show(Result(title, [Table("text", title, [column("whole_text")], [(text,)])]))

    def complete(self, code: ExitCode | None) -> ExitCode:
        """The exit code, when what an answer without a table (an export) had to leave out is named."""
        import sys

        code = code or ExitCode.DONE
        if "cityctl.result" not in sys.modules:
            return code
        from cityctl.result import left_out

        for missing in left_out():
            self.console.warn(f"left out: {missing.what}: {missing.why}")
            code = ExitCode.INCOMPLETE if code is ExitCode.DONE else code
        return code

    def write(self, data: str | bytes) -> None:
        """Text or bytes to --output-file (atomically) or stdout."""
        if self.output_file is not None:
            from cityctl.disk import unwritten, write_atomic

            try:
                write_atomic(self.output_file, data.encode() if isinstance(data, str) else data)
            except OSError as problem:
                raise unwritten(self.output_file, problem) from None
            self.console.note(f"written: {self.output_file}")
        elif isinstance(data, bytes):
            if self.console.is_terminal:
                raise UsageProblem(
                    f"-o {self.format} is no text for a terminal", hint="add --output-file PATH"
                )
            self.console.out_bytes(data)
        else:
            self.console.out(data)


def shortened(text: str, lines: int) -> str:
    """The text in fewer than `lines` lines: its beginning, how many are left out, and its last line."""
    whole = text.rstrip("\n").split("\n")
    most = max(4, lines - 1)
    if len(whole) <= most:
        return text
    left = len(whole) - (most - 2)
    said = f"  {counted(left - 1, 'more line')}; a taller terminal shows them"
    return "\n".join([*whole[: most - 2], said, whole[-1]]) + "\n"
