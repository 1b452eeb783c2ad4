"""Whether devices answered when they were last polled, as the polls' own memory tells; nothing is sent."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cityctl.errors import UsageProblem, listed
from cityctl.report.checking.nagios import Checked, Figure, Range, State
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.city.project import Project

FILE_NAME = "devices.json"
GIVEN_UP = 3
"""Runs in a row without an answer, after which a device is taken for gone (see modbus/memory.py)."""


def of_devices(project: Project, *, warn: Range | None, crit: Range | None) -> Checked:
    """The devices of city.yaml that did not answer in their last polls; `warn` and `crit` bound their number.

    Without them one silent device is a WARNING, and one that was silent in GIVEN_UP runs is CRITICAL.
    """
    devices = list(project.city.devices)
    if not devices:
        raise UsageProblem("city.yaml names no device", hint="`cityctl check freshness` looks at readings")
    held = memory(project)
    checked = Checked()
    asked = [name for name in devices if name in held]
    silent = {name: held[name] for name in asked if int(held[name].get("silent_runs", 0)) > 0}
    gone = [name for name, entry in silent.items() if int(entry["silent_runs"]) >= GIVEN_UP]
    never = [name for name in devices if name not in held]
    checked.judge(Figure("silent", len(silent), "", warn, crit))
    if warn is None and crit is None and silent:
        checked.worse(State.CRITICAL if gone else State.WARNING)
    if silent:
        words = [f"{name} since {_day(entry.get('silent_since'))}" for name, entry in silent.items()]
        checked.words.append(f"{len(silent)} of {len(devices)} devices silent: {listed(words, 4)}")
    if never:
        checked.worse(State.UNKNOWN, f"never polled: {listed(never, 4)}")
    if not silent and not never:
        checked.words.append(f"none of {counted(len(devices), 'device')} silent")
    checked.figures += [
        Figure("given_up", len(gone)), Figure("never_polled", len(never)), Figure("devices", len(devices)),
    ]  # fmt: skip
    return checked


def memory(project: Project) -> dict[str, dict[str, Any]]:
    """Device -> what the polls remember of it; empty where nothing was ever polled."""
    path = project.state / FILE_NAME
    try:
        held = json.loads(path.read_bytes())["devices"]
        return {str(name): dict(entry) for name, entry in held.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _day(since: str | None) -> str:
    try:
        return f"{datetime.fromisoformat(since or ''):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return "?"
