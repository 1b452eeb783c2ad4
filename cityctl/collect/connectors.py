"""The connectors that a project sees, of devices and services: listed, shown, checked, and published."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cityctl.document import read
from cityctl.errors import ConfigInvalid, InputRefused, listed
from cityctl.glossary import column
from cityctl.library import Library
from cityctl.modbus.look import CONFIDENCE, MODEL, POINT_COLUMNS, POINTS, POLLED, point_rows
from cityctl.modbus.maps.connector import DeviceConnector, load_connector
from cityctl.result import Column, Finding, Missing, Result, Table
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.exports.service import Connector as ServiceConnector

CLASS = Column("class", "Class", meaning="what sort of device it is", priority=3)
ORIGIN = column("origin")

MEANING = column("meaning")
DEFAULT = Column("default", "Default", meaning="used where city.yaml says nothing", priority=3)
REQUIRED = Column("required", "Required", meaning="whether city.yaml must say it", priority=3)

COLUMNS: tuple[Column, ...] = (CLASS, ORIGIN, MEANING, DEFAULT, REQUIRED)

_FINE_COUNTS = ("Wh", "varh", "VAh", "L")
BEGIN = "<!-- generated from connectors/devices: begin -->"
END = "<!-- end -->"


def connector_list(library: Library) -> Result:
    """Every connector that the project sees; broken ones are named as missing and hide no other."""
    rows: list[tuple[object, ...]] = []
    result = Result("Connectors")
    for name, path in _all(library):
        result.completeness.wanted += 1
        origin = library.origin(path)
        try:
            made = _load(path)
        except ConfigInvalid as problem:
            rows.append((name, "", "INVALID", None, None, origin))
            result.completeness.missing.append(Missing(name, problem.message))
            continue
        result.completeness.had += 1
        if isinstance(made, DeviceConnector):
            model = f"{made.vendor} {made.model}"
            rows.append((name, made.device_class, model, len(made.readable()), made.confidence, origin))
        else:
            rows.append((name, "service", made.title, None, None, origin))
    columns = [column("connector", priority=1), CLASS, MODEL, POINTS, CONFIDENCE, ORIGIN]
    result.tables.append(Table("connectors", "Connectors", columns, rows))
    result.completeness.unit = "connectors"
    services = sum(row[1] == "service" for row in rows)
    result.summary = f"{counted(len(rows) - services, 'device model')}, {counted(services, 'service')}"
    return result


def connector(library: Library, name: str) -> Result:
    """One connector: a device's points or a service's parameters, sources and warnings.

    Raises ConfigInvalid with the near match.
    """
    path = path_of(library, name)
    made = _load(path)
    if not isinstance(made, DeviceConnector):
        return _service(made, path)
    rows = [(*cells, "yes" if p.polled else "no") for p, cells in point_rows(made)]
    gaps = f"gaps of up to {made.gap} bridged" if made.gap else "no gaps bridged"
    asked = f"at most {counted(made.max_registers, 'register')} a request, {gaps}"
    return Result(
        f"{made.connector}: {made.vendor} {made.model}",
        [Table("points", "Points", [*POINT_COLUMNS, POLLED], rows)],
        notes=[*made.notes, f"Sources: {'; '.join(made.sources)}"],
        summary=f"{made.device_class}, word order {made.word_order}, {asked}; {path}",
    )


def _service(made: ServiceConnector, path: Path) -> Result:
    rows: list[tuple[object, ...]] = [
        (name, one.meaning, one.default or "", "yes" if one.required else "no")
        for name, one in made.parameters.items()
    ]
    columns = [column("name", priority=1), MEANING, DEFAULT, REQUIRED]
    asked = f"GET {made.request.path}, answers in {made.answer.format}, secret: {made.auth.kind}"
    return Result(
        f"{path.stem}: {made.title}",
        [Table("parameters", "Parameters", columns, rows)],
        notes=[made.summary] * bool(made.summary)
        + [f"Sources: {'; '.join(made.sources)}"] * bool(made.sources),
        summary=f"{asked}; {path}",
    )


def lint(library: Library, names: Sequence[str] = ()) -> Result:
    """Check connectors by name or by file, all that the project sees where none is named.

    What is wrong is a finding with file:line:column; what to know of a point is a row of the second table.
    Raises ConfigInvalid for a name that is nowhere.
    """
    paths = [path_of(library, name) for name in names] or [path for _, path in _all(library)]
    rows: list[tuple[object, ...]] = []
    remarks: list[tuple[object, ...]] = []
    findings: list[Finding] = []
    for path in paths:
        try:
            made = _load(path)
        except ConfigInvalid as problem:
            # The near match belongs to the first error; that a lint checks again is no news to a lint.
            hint = f" ({problem.hint})" if problem.hint and "connectors lint" not in problem.hint else ""
            first = f"{problem.message}{hint}"
            findings += [_finding(path, text) for text in (first, *problem.tried)]
            rows.append((path.stem, None, "INVALID", str(path)))
            continue
        if isinstance(made, DeviceConnector):
            remarks += [(made.connector, name, text) for name, text in _remarks(made)]
        points = len(made.points) if isinstance(made, DeviceConnector) else None
        rows.append((path.stem, points, "ok", str(path)))
    columns = [column("connector", priority=1), POINTS, column("verdict"), column("file")]
    tables = [Table("connectors", "Connectors", columns, rows)]
    if remarks:
        told = [column("connector", priority=1), column("point"), column("note", priority=1)]
        tables.append(Table("remarks", "To know", told, remarks))
    bad = sum(row[2] == "INVALID" for row in rows)
    summary = f"{counted(len(rows), 'connector')} checked, {bad or 'none'} invalid"
    return Result("Connectors", tables, findings=findings, summary=summary)


def _finding(path: Path, text: str) -> Finding:
    """An error as `file:line:column: what is wrong`: its place, and its words."""
    place = re.match(rf"{re.escape(str(path))}(:\d+)*", text)
    where = place[0] if place else str(path)
    return Finding("connector", where, None, text.removeprefix(where).removeprefix(": "), "alarm")


def is_sound(result: Result) -> bool:
    """Whether a lint found no error."""
    return not result.findings


def _all(library: Library) -> list[tuple[str, Path]]:
    kinds = (library.list("connectors/devices"), library.list("connectors/services"))
    return [named for found in kinds for named in found.items()]


def path_of(library: Library, name: str) -> Path:
    """The file of a connector by name, or of a file's own. Raises UsageProblem with the near match."""
    given = Path(name)
    if given.suffix in (".yaml", ".yml"):
        return given
    services = library.list("connectors/services")
    if name in services and name not in library.list("connectors/devices"):
        return services[name]
    return library.asked_for("connectors/devices", name)


def _load(path: Path) -> DeviceConnector | ServiceConnector:
    """Raises ConfigInvalid."""
    from cityctl.exports import service

    return service.read(path) if is_service(path) else load_connector(path)


def is_service(path: Path) -> bool:
    """Whether a file is a service's connector: by its folder, or by its `request`. Raises ConfigInvalid."""
    return path.resolve().parent.name == "services" or "request" in read(path).data


def _remarks(made: DeviceConnector) -> Iterable[tuple[str, str]]:
    for p in made.points.values():
        if p.unit is None and p.kind != "state" and p.polled and not made.is_factor(p):
            yield p.name, "no unit: city.yaml must say it (unit of the point)"
        if p.kind == "counter" and p.type == "float32" and p.unit in _FINE_COUNTS:
            yield p.name, f"a float32 counts {p.unit} in steps of more than 1 from 16.8 million on (2**24)"
    if guessed := made.unconfirmed():
        said = "unconfirmed: not polled until city.yaml names it, and warned of at every use"
        yield listed(guessed, most=3), said
    if free := [name for name in made.writable() if made.points[name].write is None]:
        yield listed(free, most=3), "can be written, and no rule says what may be: `write: {min, max, ...}`"


def readme_table(folder: Path) -> str:
    """The Markdown table of the device connectors in a folder, one row a file."""
    lines = [
        "| connector | device | class | points | sources | polled in |",
        "|---|---|---|---:|---:|---:|",
    ]
    from cityctl.modbus.plan import plan

    for path in sorted(folder.glob("*.yaml")):
        made = load_connector(path)
        requests = len(plan(made, made.polled()))
        said = f"{requests} request{'s' if requests > 1 else ''}" if requests else "only when asked for"
        cells = (
            f"`{made.connector}`",
            f"{made.vendor} {made.model}",
            made.device_class,
            len(made.readable()),
        )
        lines.append("| " + " | ".join(map(str, (*cells, made.confidence, said))) + " |")
    return "\n".join(lines)


def with_table(text: str, table: str) -> str:
    """A README with the generated table between its marks. Raises InputRefused where there are no marks."""
    if BEGIN not in text or END not in text:
        raise InputRefused("connectors/README.md has no place for the table", hint=f"write {BEGIN} and {END}")
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}"


def schema_text() -> str:
    """connectors/device.schema.json as it should be."""
    from cityctl.modbus.maps.language import schema

    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
