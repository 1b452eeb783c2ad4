"""`cityctl connectors new`: a connector's file, from nothing, a maker's register list, or another connector."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from cityctl.city.project import Project
from cityctl.collect.connectors import is_service, lint, path_of
from cityctl.disk import here, unwritten, write_atomic
from cityctl.document import read_text
from cityctl.errors import ConfigInvalid, InputRefused, UsageProblem, near
from cityctl.library import Library
from cityctl.modbus.maps.skeleton import plain, skeleton
from cityctl.modbus.maps.types import WORD_ORDERS
from cityctl.result import Completeness, Missing, Result
from cityctl.wording import counted

Kind = Literal["connectors/devices", "connectors/services"]


def folder_of(project: Project, kind: Kind = "connectors/devices") -> Path:
    """The project's own connectors; the folder one stands in where there is no project."""
    try:
        return project.folder / kind
    except ConfigInvalid:
        return here()


def new(
    library: Library,
    folder: Path,
    name: str,
    *,
    table: Path | None = None,
    vendor: str = "",
    model: str = "",
    device_class: str = "controller",
    word_order: str = "ABCD",
    address_base: str = "0",
    function_code: int = 3,
) -> Result:
    """Write `NAME.yaml` into a folder and check it; lines of the list that say too little are told as missing.

    Raises UsageProblem where the file is there already or a choice is none, InputRefused for a list that
    cannot be read.
    """
    from typing import get_args

    from cityctl.modbus.maps.language import DeviceClass

    _choice("--class", device_class, get_args(DeviceClass))
    _choice("--word-order", word_order, WORD_ORDERS)
    _choice("--address-base", address_base, ("0", "1", "4xxxx"))
    target = _free(library, folder, "connectors/devices", name)
    text = _text(table) if table is not None else None
    written = skeleton(
        name,
        vendor=vendor,
        model=model,
        device_class=device_class,
        word_order=word_order,
        address_base=address_base,
        function_code=function_code,
        table=text,
        source=table.name if table is not None else "",
    )
    result = _written(library, target, written.text)
    result.title = f"{name}: {counted(written.points, 'point')}"
    result.completeness = Completeness(
        wanted=written.points + len(written.left_out),
        had=written.points,
        missing=[Missing(table.name if table else name, why) for why in written.left_out],
        unit="points",
    )
    result.notes += written.notes
    result.notes.append(f"edit it, then `cityctl connectors lint {target}` and `cityctl devices identify`")
    return result


def like(library: Library, project: Project, name: str, other: str) -> Result:
    """Write a device's or a service's connector under a new name, for a device or service that is much like it.

    Raises UsageProblem where there is no such connector, or one of the new name.
    """
    plain(name)
    source = path_of(library, other)
    kind: Kind = "connectors/services" if is_service(source) else "connectors/devices"
    target = _free(library, folder_of(project, kind), kind, name)
    text = re.sub(r"\A# yaml-language-server:.*\n", "", read_text(source))
    result = _written(library, target, re.sub(r"(?m)^connector: .*$", f"connector: {name}", text))
    result.title = f"{name}, like {other}"
    tried = f"connectors test {name}" if kind == "connectors/services" else "devices identify"
    result.notes.append(f"edit it, then `cityctl connectors lint {target}` and `cityctl {tried}`")
    return result


def _free(library: Library, folder: Path, kind: Kind, name: str) -> Path:
    """Where a new connector is written. Raises UsageProblem where there is one of that name."""
    target = folder / f"{name}.yaml"
    if target.exists():
        raise UsageProblem(
            f"{target} is there already; nothing was changed", hint="take another name, or remove it"
        )
    known = library.list(kind).get(name)
    if known is not None:
        raise UsageProblem(
            f"{name} is a connector already, and yours would take its place: {known}",
            hint=f"take another name; to change that one, copy it to {target}",
        )
    return target


def _written(library: Library, target: Path, text: str) -> Result:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, text.encode())
    except OSError as problem:
        raise unwritten(target, problem) from None
    result = lint(library, [str(target)])
    result.summary = f"{target} written; {result.summary}"
    return result


def _choice(option: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        match = near(word, known)
        raise UsageProblem(
            f"`{option} {word}`: no such value",
            hint=f"did you mean `{option} {match}`?" if match else f"one of: {', '.join(known)}",
        )


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise InputRefused(f"{path}: {problem.strerror or problem}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")  # what spreadsheets of makers write
