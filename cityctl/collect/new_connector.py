"""`cityctl connectors new`: a device connector's file, from nothing or from a maker's register list."""

from __future__ import annotations

from pathlib import Path

from cityctl.city.project import Project
from cityctl.collect.connectors import lint
from cityctl.disk import write_atomic
from cityctl.errors import ConfigInvalid, InputRefused, UsageProblem, near
from cityctl.library import Library
from cityctl.modbus.skeleton import skeleton
from cityctl.modbus.types import WORD_ORDERS
from cityctl.result import Completeness, Missing, Result
from cityctl.wording import counted


def folder_of(project: Project) -> Path:
    """The project's own device connectors; the folder one stands in where there is no project."""
    try:
        return project.folder / "connectors" / "devices"
    except ConfigInvalid:
        return Path.cwd()


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

    from cityctl.modbus.language import DeviceClass

    _choice("--class", device_class, get_args(DeviceClass))
    _choice("--word-order", word_order, WORD_ORDERS)
    _choice("--address-base", address_base, ("0", "1", "4xxxx"))
    target = folder / f"{name}.yaml"
    if target.exists():
        raise UsageProblem(
            f"{target} is there already; nothing was changed", hint="take another name, or remove it"
        )
    known = library.list("connectors/devices").get(name)
    if known is not None:
        raise UsageProblem(
            f"{name} is a connector already, and yours would take its place: {known}",
            hint=f"take another name; to change that one, copy it to {target}",
        )
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
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, written.text.encode())
    except OSError as problem:
        raise UsageProblem(f"cannot write {target}: {problem.strerror or problem}") from None
    result = lint(library, [str(target)])
    result.title = f"{name}: {counted(written.points, 'point')}"
    result.completeness = Completeness(
        wanted=written.points + len(written.left_out),
        had=written.points,
        missing=[Missing(table.name if table else name, why) for why in written.left_out],
        unit="points",
    )
    result.summary = f"{target} written; {result.summary}"
    result.notes += written.notes
    result.notes.append(f"edit it, then `cityctl connectors lint {target}` and `cityctl devices identify`")
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
