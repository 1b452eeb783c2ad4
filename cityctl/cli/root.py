"""The root of the command tree: it knows every command by name and loads the one that is asked for."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from typer._click.exceptions import UsageError
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter


class Entry(NamedTuple):
    """A command of the root: where it stands in the help, its module, and what it is for."""

    section: str
    module: str
    help: str


COMMANDS: dict[str, Entry] = {
    "init": Entry("Start", "init", "Make a project folder for a city."),
    "demo": Entry("Start", "demo", "Show the whole way on a simulated city."),
    "doctor": Entry("Start", "doctor", "Check a project: configuration, devices, services, store."),
    "devices": Entry("Look", "devices", "The PLCs and meters of the city."),
    "read": Entry("Look", "read", "Read devices now, and keep nothing."),
    "watch": Entry("Look", "watch", "Watch zones, devices, freshness and open findings; sends nothing."),
    "connectors": Entry("Look", "connectors", "The device models and services that cityctl knows."),
    "tariffs": Entry(
        "Look", "tariffs", "Tariffs of energy: what there is, what one says, another's as a recipe."
    ),
    "poll": Entry("Collect", "poll", "Poll devices into the store."),
    "pull": Entry("Collect", "pull", "Pull exports of services into the store."),
    "data": Entry("Data", "data", "The store: what it holds, what is missing, readings in and out."),
    "report": Entry("Decide", "report", "Find leaks, prove savings: reports over the store's readings."),
    "check": Entry(
        "Decide", "check", "Check a report, freshness, devices or the store: one line for Nagios."
    ),
    "findings": Entry("Decide", "findings", "What reports found, over time: who is on it, what is repaired."),
    "explain": Entry("Decide", "explain", "Show what a finding rests on, and how to work it out again."),
    "leak": Entry("Decide", "leak", "What the watch over leaks can do on this city."),
    "write": Entry("Act", "write", "Write one point of a device, guarded: limits, read-back, audit."),
    "runbook": Entry("Act", "runbook", "Maintenance runbooks: plan, run, resume, approve."),
    "audit": Entry("Act", "audit", "The record of every write: who, when, why, and whether it is whole."),
    "sim": Entry("Around", "sim", "A simulated city that speaks Modbus and HTTP."),
    "config": Entry("Around", "config", "What is configured, and where it is written."),
    "schedule": Entry("Around", "schedule", "Run a command by cron or systemd."),
    "completion": Entry("Around", "completion", "Print the completion script of a shell."),
    "help": Entry(
        "Around",
        "help",
        "Topics: exit codes, times, units, glossary, files, city.yaml, roles, analyses, the manual page.",
    ),
}


_FLAGS = ("-q", "--quiet", "-v", "--verbose", "--debug")
VALUED = ("-o", "--output", "--output-file", "--profile", "--project", "--color")


class RootGroup(TyperGroup):
    """Commands by name from COMMANDS; all endings go through cli/ending.py."""

    def list_commands(self, ctx: Context) -> list[str]:
        """Names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """A stand-in that bears name and help; resolve_command loads the command itself."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        return TyperCommand(cmd_name, help=entry.help, short_help=entry.help, rich_markup_mode=None)

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """The command that the words name. Raises a usage error with the near match."""
        from cityctl.cli.meant import command
        from cityctl.errors import near

        name = args[0]
        if name in COMMANDS:
            return name, load(name), args[1:]
        if ctx.resilient_parsing:
            return None, None, args[1:]
        match = near(name, COMMANDS)
        meant = command(name, list(paths())) or (f"cityctl {match}" if match else "")
        return ctx.fail(f"no command `{name}`{f': did you mean `{meant}`?' if meant else ''}")

    def invoke(self, ctx: Context) -> Any:
        """Run the command. Typer would end a broken pipe with 1, and Ctrl-C without a word."""
        from cityctl.cli.ending import Interrupted, ReaderGone

        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ReaderGone from None
        except KeyboardInterrupt:
            raise Interrupted from None
        except UsageError as problem:
            problem.message = _of_another_group(problem)
            raise

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Commands under the headings of README's command map."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in COMMANDS.items():
            sections.setdefault(entry.section, []).append((name.ljust(11), entry.help))
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl(rows)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run and exit with a code of the published table, whoever calls."""
        from cityctl.cli.ending import end

        words = options_last(sys.argv[1:] if args is None else list(args))
        if words[:1] == ["check"]:
            from cityctl.cli.check import end  # a monitor knows codes 0 to 3 and no others
        name = prog_name or "cityctl"
        work = super().main
        log = None
        if os.environ.get("CITYCTL_LOG") and "_CITYCTL_COMPLETE" not in os.environ:
            from cityctl.cli.log import begin

            log = begin(words)
        code = end(
            lambda: work(words, name, complete_var, False, windows_expand_args, **extra),
            debug="--debug" in words,
        )
        if log is not None:
            log.end(int(code))
        if standalone_mode:
            sys.exit(int(code))
        return int(code)


def options_last(words: list[str]) -> list[str]:
    """The words with common options from before the command moved behind it: `-o json report list` works too."""
    moved: list[str] = []
    rest = list(words)
    while rest and rest[0].startswith("-"):
        name, equals, _ = rest[0].partition("=")
        if name not in (*_FLAGS, *VALUED):
            return words
        size = 1 if name in _FLAGS or equals else 2
        moved += rest[:size]
        rest = rest[size:]
    if not rest:
        return words
    end = rest.index("--") if "--" in rest else len(rest)
    return [*rest[:end], *moved, *rest[end:]]


def load(name: str) -> Command:
    """A command, from its module: `app` for a group, `register(app)` for a single command."""
    from typer import Typer
    from typer.main import get_command, get_group

    module = import_module(f"cityctl.cli.{COMMANDS[name].module}")
    if hasattr(module, "app"):
        group: Command = get_group(module.app)
        group.name = name
        return plain(group)
    alone = Typer(rich_markup_mode=None, add_completion=False)
    module.register(alone)
    return plain(get_command(alone))


def paths() -> Iterator[tuple[str, ...]]:
    """Every command by its words, groups opened."""
    for name in COMMANDS:
        command = load(name)
        if isinstance(command, TyperGroup):
            yield from ((name, inner) for inner in command.commands)
        else:
            yield (name,)


def _of_another_group(problem: UsageError) -> str:
    """Typer's `No such command 'show'.` of a group, with the command that was meant where there is one."""
    from cityctl.cli.meant import command

    found = re.fullmatch(r"No such command '(\S+)'\.", problem.message)
    if found is None:
        return problem.message
    group = tuple(problem.ctx.command_path.split()[1:]) if problem.ctx else ()
    meant = command(found[1], list(paths()), group)
    return f"{problem.message.removesuffix('.')}: did you mean `{meant}`?" if meant else problem.message


def plain(command: Command) -> Command:
    """Without boxes and `...`, whoever made it: help is piped into pagers and mails."""
    command.rich_markup_mode = None  # type: ignore[attr-defined]  # Typer's own commands have it
    command.short_help = command.short_help or " ".join((command.help or "").partition("\n\n")[0].split())
    if isinstance(command, TyperGroup):
        for inner in command.commands.values():
            plain(inner)
    return command
