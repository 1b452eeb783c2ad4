"""`cityctl findings`: what reports found, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.cli.span import LastOption, SinceOption, UntilOption
from cityctl.errors import ExitCode, UsageProblem, near

if TYPE_CHECKING:
    from cityctl.report.findings.book import Book

app = typer.Typer(no_args_is_help=True, help="What reports found, over time: who is on it, what is repaired.")

IdArgument = Annotated[
    str,
    typer.Argument(metavar="FINDING", help="Its id, as the report shows it.", autocompletion=names.findings),
]
WhoOption = Annotated[
    str | None, typer.Option("--who", metavar="NAME", help="Who acts; otherwise CITYCTL_USER or the account.")
]
NoteOption = Annotated[str, typer.Option("--note", metavar="TEXT", help="What is done, or why.")]


def _book(run: Run) -> Book:
    """The project's book; city.yaml is read too, so that times are shown in the city's time zone."""
    from cityctl.report.findings.book import Book

    _ = run.project.city
    return Book(run.project.state)


@leaf(app, name="list", example="cityctl findings list --state open --report leaks")
def list_findings(
    run: Run,
    state: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATE",
            help="open, acknowledged, shelved, closed or all; may be repeated.",
            autocompletion=names.words("open", "acknowledged", "shelved", "closed", "all"),
        ),
    ] = None,
    report: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Those of one report alone.", autocompletion=names.reports),
    ] = None,
) -> ExitCode:
    """List the recorded findings that are not closed."""
    from cityctl.report.findings.kept import STATES
    from cityctl.report.findings.views import listing

    for word in state or ():
        if word not in (*STATES, "all"):
            match = near(word, (*STATES, "all"))
            raise UsageProblem(
                f"`--state {word}`: no such state",
                hint=f"did you mean `{match}`?" if match else ", ".join(STATES),
            )
    states = [] if "all" in (state or ()) else list(state or ("open", "acknowledged", "shelved"))
    return run.show(listing(_book(run), states=states, report=report, now=run.now))


@leaf(app, example="cityctl findings changes --since yesterday")
def changes(
    run: Run,
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
) -> ExitCode:
    """Show what changed since the last run: new, back, closed, acted on."""
    from cityctl import clock
    from cityctl.report.findings.news import news

    book = _book(run)
    interval = None
    if since or until or last:
        interval = clock.interval(since, until, last, zone=run.project.city.zone_info, now=run.now)
    return run.show(news(book, interval, now=run.now))


@leaf(app, example="cityctl findings show 3fa2b1c4")
def show(run: Run, finding: IdArgument) -> ExitCode:
    """Show how a finding stands and what happened to it."""
    from cityctl.report.findings.views import history

    return run.show(history(_book(run), finding, now=run.now))


@leaf(app, example="cityctl findings ack 3fa2b1c4 --note 'crew is out, valve 12 shut'")
def ack(run: Run, finding: IdArgument, note: NoteOption = "", who: WhoOption = None) -> ExitCode:
    """Acknowledge a finding: somebody is on it."""
    from cityctl.report.findings import act, views

    book = _book(run)
    one = act.acknowledge(book, finding, who=who, note=note, now=run.now)
    return run.show(views.history(book, f"{one.report}:{one.id}", now=run.now))


@leaf(app, example="cityctl findings shelve 3fa2b1c4 --for 7d --note 'mains are flushed this week'")
def shelve(
    run: Run,
    finding: IdArgument,
    span: Annotated[str | None, typer.Option("--for", metavar="SPAN", help="7d, 12h, 2w ...")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="A date (its end) or an instant.")] = None,
    note: NoteOption = "",
    who: WhoOption = None,
) -> ExitCode:
    """Shelve a finding: nobody hears of it until then."""
    from cityctl.report.findings import act, views
    from cityctl.report.findings.spans import shelf_end

    end = shelf_end(span, until, zone=run.project.city.zone_info, now=run.now)
    book = _book(run)
    one = act.shelve(book, finding, until=end, who=who, note=note, now=run.now)
    return run.show(views.history(book, f"{one.report}:{one.id}", now=run.now))


@leaf(app, example="cityctl findings close 3fa2b1c4 --note 'repaired on 24 Nov'")
def close(run: Run, finding: IdArgument, note: NoteOption = "", who: WhoOption = None) -> ExitCode:
    """Close a finding: repaired, or none. A run that finds it again opens it again."""
    from cityctl.report.findings import act, views

    book = _book(run)
    one = act.close(book, finding, who=who, note=note, now=run.now)
    return run.show(views.history(book, f"{one.report}:{one.id}", now=run.now))


@leaf(app, example="cityctl findings stats --last 30d")
def stats(
    run: Run,
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
) -> ExitCode:
    """Show alarm figures after ISA-18.2: rate, floods, chattering, stale."""
    from cityctl import clock
    from cityctl.report.findings.views import stats as figures

    interval = clock.interval(since, until, last, zone=run.project.city.zone_info, now=run.now, default="30d")
    return run.show(figures(_book(run), interval, now=run.now))
