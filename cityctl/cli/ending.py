"""How a run ends: one line on stderr, what was tried, a hint, and an exit code from the published table."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from typer import Abort, Exit, TyperException

from cityctl.errors import CityctlError, ExitCode

_MEANT = re.compile(r"\.? (?:\(Possible options: (.*)\)|Did you mean (.*)\?)$")


class ReaderGone(BaseException):
    """The reader of a pipe (`| head -1`) has seen enough."""


class Interrupted(BaseException):
    """Ctrl-C."""


class Terminated(BaseException):
    """SIGTERM or SIGHUP arrived: `finally` blocks run, and the run ends with 143."""


def raise_terminated(_number: int, _frame: FrameType | None) -> None:
    """The handler of SIGTERM and SIGHUP."""
    raise Terminated


def end(work: Callable[[], object], *, debug: bool) -> int:
    """Do the work, say what went wrong, return the exit code. Never raises but for SystemExit."""
    try:
        try:
            code = _do(work)
        finally:
            _flush()
    except (BrokenPipeError, ReaderGone):
        _silence()  # or Python would complain again at its own end
        return ExitCode.DONE
    except (KeyboardInterrupt, Interrupted, Abort):
        _say("cityctl: interrupted")
        return ExitCode.INTERRUPTED
    except Terminated:
        _say("cityctl: terminated")
        return ExitCode.TERMINATED
    except CityctlError as problem:
        if debug:
            traceback.print_exc()
        _say(explain(problem))
        return problem.exit_code
    except TyperException as problem:
        return _wrong_usage(problem)
    except OSError as problem:
        if problem.filename is not None:
            return _of_the_disk(problem, debug=debug)
        why = _stdout_refuses()
        if why is None:
            return _of_the_disk(problem, debug=debug)
        from cityctl.disk import unwritten

        refused = unwritten("to stdout", why)
        _say(f"cityctl: {refused.message}")
        _say("hint: what was stored before is kept; `--output-file PATH` writes a file whole or not at all")
        _silence()
        return refused.exit_code
    except Exception as problem:
        return _bug(problem, debug=debug)
    return code


def explain(problem: CityctlError) -> str:
    """An error as people read it: what happened, what was tried, a hint."""
    lines = [f"cityctl: {problem.message}", *(f"  {line}" for line in problem.tried)]
    if problem.hint:
        lines.append(f"hint: {problem.hint}")
    return "\n".join(lines)


def _do(work: Callable[[], object]) -> int:
    try:
        said = work()
    except Exit as ending:
        return ending.exit_code
    return said if isinstance(said, int) else ExitCode.DONE


def _wrong_usage(problem: TyperException) -> int:
    context = getattr(problem, "ctx", None)
    if type(problem).__name__ == "NoArgsIsHelpError" and context is not None:
        _say(context.get_help())
        return ExitCode.USAGE
    message = _in_our_words(" ".join(problem.format_message().split())).removesuffix(".")
    path = context.command_path if context is not None else "cityctl"
    if message:
        _say(f"cityctl: {message[0].lower()}{message[1:]}")
    _say(f"hint: `{path} --help` shows what it takes")
    return ExitCode.USAGE


def _in_our_words(message: str) -> str:
    """Typer's message, with what may be meant as everything else here says it."""
    found = _MEANT.search(message)
    if found is None:
        return message
    names = (name.strip("'") for name in (found[1] or found[2]).split(", "))
    return f"{message[: found.start()]}; did you mean {' or '.join(f'`{name}`' for name in names)}?"


def _of_the_disk(problem: OSError, *, debug: bool) -> int:
    """A file that the system does not give: no bug, where rights, room or the disk are the reason."""
    from cityctl.disk import FAULTS

    if problem.errno not in FAULTS:
        return _bug(problem, debug=debug)
    said, hint = FAULTS[problem.errno]
    _say(f"cityctl: {said}{f': {problem.filename}' if problem.filename else ''}\nhint: {hint}")
    return ExitCode.CONFIG


def _bug(problem: Exception, *, debug: bool) -> int:
    report = "".join(traceback.format_exception(problem))
    if debug:
        _say(report)
    where = "run it again with --debug to see where"
    try:
        folder = Path(os.environ.get("CITYCTL_BUG_FOLDER") or tempfile.gettempdir())
        path = folder / f"cityctl-bug-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.txt"
        path.write_text(f"{sys.version}\n{report}", encoding="utf-8")
        where = f"its report is {path}"
    except OSError:
        pass
    _say(f"cityctl: a bug: {type(problem).__name__}: {' '.join(str(problem).split())[:300]}")
    _say(f"hint: {where}; nothing that was stored before is lost")
    return ExitCode.BUG


def _say(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody listens any more
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def _stdout_refuses() -> OSError | None:
    """Why stdout takes nothing more (a full disk behind a `>`); None where it takes a line's end."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError as problem:
        return problem
    except ValueError:
        return OSError("it is closed")
    return None


def _flush() -> None:
    with contextlib.suppress(ValueError):  # closed already
        sys.stdout.flush()


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError):
            continue


def listen_for_signals() -> None:
    """Let Ctrl-C and SIGTERM end the run as exceptions, so that locks and temporary files go with it.

    So does SIGHUP, when a terminal is closed, but under `nohup`, where it is ignored. So is Ctrl-C of what a script
    put into the background.
    """
    import signal

    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # as the program's door left it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, raise_terminated)
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, raise_terminated)
