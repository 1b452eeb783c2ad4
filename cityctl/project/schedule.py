"""Lines for a crontab and units for systemd that run a command of cityctl, ready to be put in place.

Runs need no `flock(1)` around them: a second run of a kind ends with 11 by itself, and names the first.
Sources: crontab(5); systemd.exec(5), systemd.timer(5), systemd.time(7).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cityctl.clock import duration
from cityctl.errors import UsageProblem

_AT = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DIVISORS_MINUTES = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
_DIVISORS_HOURS = (1, 2, 3, 4, 6, 8, 12)


@dataclass(frozen=True)
class When:
    """Every so many minutes or hours on the clock's marks, or once a day at hour:minute (local time)."""

    minutes: int | None = None
    hours: int | None = None
    at: tuple[int, int] | None = None

    @property
    def cron(self) -> str:
        """The five fields of a crontab."""
        if self.minutes is not None:
            return "* * * * *" if self.minutes == 1 else f"*/{self.minutes} * * * *"
        if self.hours is not None:
            return "0 * * * *" if self.hours == 1 else f"0 */{self.hours} * * *"
        hour, minute = self.at or (0, 0)
        return f"{minute} {hour} * * *"

    @property
    def calendar(self) -> str:
        """systemd's OnCalendar."""
        if self.minutes is not None:
            return f"*:0/{self.minutes}"
        if self.hours is not None:
            return f"0/{self.hours}:00"
        hour, minute = self.at or (0, 0)
        return f"*-*-* {hour:02}:{minute:02}:00"


def when(every: str | None, at: str | None) -> When:
    """`--every 15m` or `--at 06:30`. Raises UsageProblem for what a crontab cannot say."""
    if (every is None) == (at is None):
        raise UsageProblem("say when it runs", hint="`--every 15m` or `--at 06:30`")
    if at is not None:
        found = _AT.fullmatch(at.strip())
        if found is None:
            raise UsageProblem(f"`--at {at}` is no time of day", hint="write 06:30")
        return When(at=(int(found[1]), int(found[2])))
    length = duration(every or "")
    minutes, rest = divmod(length, timedelta(minutes=1))
    if not rest and minutes in _DIVISORS_MINUTES:
        return When(minutes=minutes)
    if not rest and minutes % 60 == 0 and minutes // 60 in _DIVISORS_HOURS:
        return When(hours=minutes // 60)
    if minutes == 1440 and not rest:
        return When(at=(0, 0))
    raise UsageProblem(
        f"`--every {every}` falls on no marks of the clock",
        hint="1m ... 30m that divide an hour, 1h ... 12h, 1d",
    )


@dataclass(frozen=True)
class Job:
    """A command line of cityctl: the program and words, the project's folder, and what it may write to."""

    program: str
    words: tuple[str, ...]
    project: Path
    writes: tuple[Path, ...]

    @property
    def name(self) -> str:
        """`cityctl-poll`, `cityctl-report-run-leaks`: for file names."""
        plain: list[str] = []
        for word in self.words:
            if word.startswith("-"):
                break
            plain.append(re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-"))
        return "-".join(["cityctl", *(word for word in plain if word)])

    @property
    def line(self) -> list[str]:
        """All words, the project named."""
        known = any(word == "--project" or word.startswith("--project=") for word in self.words)
        return [self.program, *self.words, *([] if known else ["--project", str(self.project)])]


def crontab(job: Job, time: When) -> str:
    """A line of a user's crontab; a `%` would end it, so it is escaped. cron mails what a run says."""
    command = shlex.join(job.line).replace("%", "\\%")
    if "\n" in command:
        raise UsageProblem("a crontab's line holds no line break")
    return f"# codes: cityctl help exit-codes; a quiet run mails nothing\n{time.cron}  {command}\n"


def systemd(job: Job, time: When, *, user: str | None) -> str:
    """A service and its timer, as two files one after the other. Nothing but the project's state is writable."""
    service, timer = f"{job.name}.service", f"{job.name}.timer"
    writable = " ".join(_quoted(str(path)) for path in job.writes)
    words = " ".join(_quoted(word) for word in job.line)
    return f"""\
# /etc/systemd/system/{service}
[Unit]
Description=cityctl {_plain(" ".join(job.words))}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart={words}
{f"User={_plain(user)}{chr(10)}" if user else ""}Environment=CITYCTL_LOG=json
SuccessExitStatus=3
TimeoutStartSec=1h
Nice=5
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={writable}
PrivateTmp=yes
PrivateDevices=no
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
CapabilityBoundingSet=
UMask=0027

# /etc/systemd/system/{timer}
[Unit]
Description=When cityctl {_plain(" ".join(job.words))} runs

[Timer]
OnCalendar={time.calendar}
Persistent=yes
RandomizedDelaySec=0

[Install]
WantedBy=timers.target
"""


def _plain(text: str) -> str:
    """A text as a unit's value: one line, without specifiers."""
    return " ".join(text.split()).replace("%", "%%")


def _quoted(word: str) -> str:
    """A word of ExecStart: systemd expands `%` and `$`, and knows quotes and backslashes."""
    plain = word.replace("\\", "\\\\").replace("%", "%%").replace("$", "$$").replace('"', '\\"')
    plain = plain.replace("\n", "\\n").replace("\t", "\\t")
    return plain if re.fullmatch(r"[\w@%+=:,./$-]+", plain) else f'"{plain}"'
