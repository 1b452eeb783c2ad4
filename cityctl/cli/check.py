"""`cityctl check`: a Nagios plug-in. Every ending is one line and a code of 0 to 3, wrong usage too."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import CityctlError, ExitCode


def _names(context: typer.Context, incomplete: str) -> list[str]:
    """Questions and reports at a TAB."""
    from cityctl.report.checking.asked import QUESTIONS

    return [
        *(name for name in QUESTIONS if name.startswith(incomplete)),
        *names.reports(context, incomplete),
    ]


def register(app: typer.Typer) -> None:
    """Add `check` to the root."""

    @leaf(app, example="cityctl check leaks --max-age 26h")
    def check(
        run: Run,
        name: Annotated[
            str,
            typer.Argument(
                metavar="NAME", help="A report, or freshness, devices, store.", autocompletion=_names
            ),
        ],
        warn: Annotated[
            str | None,
            typer.Option(metavar="RANGE", help="WARNING outside of it: 5, 10:, ~:2h, @1:3, as plug-ins do."),
        ] = None,
        crit: Annotated[str | None, typer.Option(metavar="RANGE", help="CRITICAL outside of it.")] = None,
        max_age: Annotated[
            str,
            typer.Option(
                metavar="DURATION", help="How old a recorded run of the report may be before it is run anew."
            ),
        ] = "26h",
    ) -> ExitCode | None:
        """Check a report, freshness, devices or the store: one line for Nagios."""
        from cityctl import clock
        from cityctl.report.checking.asked import check as asked
        from cityctl.report.checking.nagios import Checked, State

        for_people = run.output is None and run.output_file is None
        try:
            checked = asked(
                name, run.project, now=run.now, fresh=clock.duration(max_age), warn=warn, crit=crit
            )
        except CityctlError as problem:
            if for_people:
                raise
            hint = [f"hint: {problem.hint}"] if problem.hint else []
            checked = Checked(State.UNKNOWN, [problem.message, *problem.tried, *hint])
        if for_people:
            if not (run.quiet and checked.state == 0):
                run.console.out(checked.line)
        else:
            from cityctl.report.checking.shown import shown

            run.show(shown(name, checked), ending=ExitCode(int(checked.state)))
        raise typer.Exit(int(checked.state))


def end(work: Callable[[], object], *, debug: bool) -> int:
    """Do the work of `check`; whatever goes wrong is one UNKNOWN line on stdout and exit 3."""
    from cityctl.cli.ending import end as usual

    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        code = usual(work, debug=debug)
    told = said.getvalue()
    if code == ExitCode.DONE and not told:
        return code
    if code in (1, 2, 3) and not told:  # a verdict: the line is written
        return code
    if debug:
        sys.stderr.write(told)
    from cityctl.report.checking.nagios import State, line

    if code != ExitCode.DONE:
        words = "; ".join(part.strip().removeprefix("cityctl: ") for part in told.splitlines())
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.write(line(State.UNKNOWN, words) + "\n")
            sys.stdout.flush()
        return int(State.UNKNOWN)
    sys.stderr.write(told)
    return code
