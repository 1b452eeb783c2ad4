"""`cityctl report`: the questions that a city asks of its readings."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli import meant, names
from cityctl.cli.leaf import leaf
from cityctl.cli.pinged import PingOption, pinged
from cityctl.cli.run import Run
from cityctl.cli.span import LastOption, SinceOption, UntilOption
from cityctl.errors import ExitCode, UsageProblem, near

app = typer.Typer(no_args_is_help=True, help="Find leaks, prove savings: reports over the store's readings.")


NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="The report; `cityctl report list` names them.", autocompletion=names.reports
    ),
]


def _misspelt(problem: UsageProblem, context: typer.Context) -> UsageProblem:
    """The problem, or where it speaks of a word that is nearest to one of the command's own options: that option."""
    parameter = (
        (problem.hint or "").partition("did you mean `")[2].partition("`")[0]
    )  # a parameter of the report
    own = {option for one in context.command.params for option in one.opts}
    for word in context.args:
        option = word.partition("=")[0]
        said = (f"`{option}`", f"`{option.removeprefix('--').replace('-', '_')}`")
        spoken = option.startswith("--") and any(one in problem.message for one in said)
        match = (meant.option(option, own) or near(option, [*own, f"--{parameter}"])) if spoken else None
        if match in own:
            return UsageProblem(f"no such option or parameter: {option}", hint=f"did you mean `{match}`?")
    return problem


@leaf(app, name="list", example="cityctl report list")
def list_reports(run: Run) -> ExitCode:
    """List the reports: the project's own, the user's and the shipped ones."""
    from cityctl.report.shelf import listing

    return run.show(listing(run.library))


@leaf(app, name="show", example="cityctl report show leaks")
def show_report(run: Run, name: NameArgument) -> ExitCode:
    """Show what a report asks: parameters, columns, method, sources, limits."""
    from cityctl.report.shelf import description

    return run.show(description(name, run.library))


@leaf(
    app,
    name="run",
    example="cityctl report run savings --since 2025 --until 2026 --method split -o html --output-file savings.html",
    open_ended=True,
)
def run_report(
    run: Run,
    context: typer.Context,
    name: NameArgument,
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A parameter in place of the recipe's; may be repeated."
        ),
    ] = None,
    only_findings: Annotated[
        bool, typer.Option("--only-findings", help="The findings alone, and nothing where there are none.")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit 3 where the report finds something.")
    ] = False,
    record: Annotated[
        bool,
        typer.Option("--record", help="Keep its findings over time, and say what is new since the last run."),
    ] = False,
    mail_to: Annotated[
        list[str] | None,
        typer.Option(
            "--mail-to",
            metavar="ADDRESS",
            help="Mail it, the page attached, where it finds something; may be repeated.",
        ),
    ] = None,
    ping: PingOption = None,
    draw: Annotated[
        bool, typer.Option("--draw", help="Plots and heat maps under the tables, on a terminal too.")
    ] = False,
) -> ExitCode:
    """Run a report over the readings of an interval.

    Each parameter that `cityctl report show NAME` lists is an option too: `--method split` is short for
    `--set method=split`.
    """
    from cityctl.report.asking import from_options
    from cityctl.report.dress import only_findings as findings_only
    from cityctl.report.run import run as ask

    if mail_to:
        from cityctl.report.mail import check_addresses

        check_addresses(mail_to)

    def work() -> ExitCode:
        try:
            asked = [*(settings or ()), *from_options(context.args)]
            with run.console.waiting(name):
                result = ask(
                    name,
                    run.project,
                    now=run.now,
                    since=since,
                    until=until,
                    last=last,
                    settings=asked,
                )
        except UsageProblem as problem:
            raise _misspelt(problem, context) from None
        if record:
            from cityctl.report.recorded import keep

            result = keep(name, result, run.project, now=run.now, settings=asked)
        shown = findings_only(result) if only_findings else result
        code = run.show(shown, only_findings=only_findings, on_findings=exit_code, drawn=draw)
        if mail_to:
            from cityctl.report.mail import mail

            if mail(name, result, run.project, mail_to, now=run.now):
                run.console.note(f"mailed to {', '.join(mail_to)}")
        return code

    return pinged(run, ping, work)
