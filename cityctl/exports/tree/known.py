"""JSON documents whose layout is published, as flat rows: query results of Prometheus and InfluxDB, CIM time series.

Each row holds `series`, `time`, `value`, `unit`, `quality` and `direction` as far as its document says them.

Prometheus: HTTP API, "Expression query result formats". InfluxDB: 1.x HTTP API, /query. CIM: IEC 62325-451, as
Eloverblik (Denmark) writes it as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cityctl.errors import InputRefused
from cityctl.exports.influx import series_name
from cityctl.exports.meaning import Instants, iso
from cityctl.exports.table.names import column_unit

Row = dict[str, Any]
_LENGTH = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")
# Quality codes of IEC 62325: adjusted, not available, estimated, as provided, incomplete.
QUALITIES = {"A01": "estimated", "A02": "missing", "A03": "estimated", "A04": "good", "A05": "suspect"}
_WAYS = {"A01": "reverse", "A04": "forward"}  # business types: production, consumption


def known_rows(name: str, document: Any) -> list[Row] | None:
    """The rows of a document of a known layout; None where it is none. Raises InputRefused."""
    if not isinstance(document, Mapping):
        return None
    data = document.get("data")
    if isinstance(data, Mapping) and "resultType" in data and isinstance(data.get("result"), list):
        return list(_prometheus(name, data))
    results = document.get("results")
    if isinstance(results, list) and results and all(map(_is_statement, results)):
        return [row for one in results for table in one.get("series", ()) for row in _influx(name, table)]
    found = list(_market_documents(document))
    return [row for one in found for row in _cim(name, one)] if found else None


def partial(document: Any) -> str:
    """What a document of a known layout says is missing from it."""
    if not isinstance(document, Mapping):
        return ""
    statements = [one for one in _listed(document, "results") if _is_statement(one)]
    tables = [one for each in statements for one in (each, *each.get("series", ()))]
    if any(one.get("partial") is True for one in tables):
        return "partial: true"
    refused = [one for one in _listed(document, "result") if one.get("success") is False]
    if refused:
        return str(refused[0].get("errorText") or "success: false")
    warned = document.get("warnings") if isinstance(document.get("data"), Mapping) else None
    return f"warnings: {warned[0]}" if isinstance(warned, list) and warned else ""


def _listed(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = document.get(key)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _prometheus(name: str, data: Mapping[str, Any]) -> Iterator[Row]:
    if data["resultType"] not in ("matrix", "vector"):
        raise InputRefused(
            f"{name}: a result of type `{data['resultType']}`, no series", hint="ask with query_range"
        )
    for one in data["result"]:
        labels = dict(one.get("metric", {}))
        metric = labels.pop("__name__", "")
        told = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
        series = f"{metric}{{{told}}}" if told else metric
        if "histograms" in one or "histogram" in one:
            raise InputRefused(f"{name}: `{series}` is a histogram", hint="ask for its sum or its count")
        unit = column_unit(metric.removesuffix("_total")) or ""
        for time, value in one["values"] if "values" in one else [one["value"]]:
            yield {"series": series, "time": time, "value": value, "unit": unit}


def _is_statement(one: Any) -> bool:
    return isinstance(one, Mapping) and (
        "statement_id" in one
        or any(isinstance(each, Mapping) and "columns" in each for each in one.get("series") or ())
    )


def _influx(name: str, table: Mapping[str, Any]) -> Iterator[Row]:
    columns = list(table.get("columns", ()))
    if "time" not in columns:
        raise InputRefused(f"{name}: a table without the column `time`", hint="ask for the series themselves")
    at = columns.index("time")
    tags = {str(key): str(value) for key, value in (table.get("tags") or {}).items()}
    rows = table.get("values", ())
    words = {i for i in range(len(columns)) if any(isinstance(row[i], str | bool) for row in rows)}
    fields = [i for i in range(len(columns)) if i not in (at, *words)]
    for row in rows:
        for i in fields:
            series = series_name(str(table.get("name", "")), tags, columns[i])
            unit = column_unit(columns[i]) or ""
            yield {"series": series, "time": row[at], "value": row[i], "unit": unit}


def _market_documents(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Those of a document, or of each of its results."""
    for one in (document, *_listed(document, "result")):
        for key, value in one.items():
            if str(key).endswith("_MarketDocument") and isinstance(value, Mapping):
                yield value


def _cim(name: str, document: Mapping[str, Any]) -> Iterator[Row]:
    for one in document.get("TimeSeries") or ():
        point = (one.get("MarketEvaluationPoint") or {}).get("mRID") or one.get("mRID")
        series = str(point.get("name", "")) if isinstance(point, Mapping) else str(point or "")
        told = {
            "series": series,
            "unit": str(one.get("measurement_Unit.name") or ""),
            "direction": _WAYS.get(str(one.get("businessType")), ""),
        }
        for period in one.get("Period") or ():
            yield from _period(name, told, period)


def _period(name: str, told: Row, period: Mapping[str, Any]) -> Iterator[Row]:
    start = str((period.get("timeInterval") or {}).get("start"))
    points = period.get("Point") or ()
    match = _LENGTH.fullmatch(str(period.get("resolution")))
    parts = match.groups() if match else ()
    seconds = sum(
        int(part or 0) * unit for part, unit in zip(parts, (3600, 60, 1)[: len(parts)], strict=True)
    )
    if not seconds and len(points) > 1:
        raise InputRefused(
            f"{name}: {len(points)} values of `{period.get('resolution')}` in the period from {start}",
            hint="ask for quarters, hours or one day a period",
        )
    try:
        first = Instants(name, None).of(start)
    except ValueError as problem:
        raise InputRefused(f"{name}: the start of a period: {problem}", hint="fetch it again") from None
    for point in points:
        ahead = (int(point["position"]) - 1) * seconds
        yield told | {
            "time": iso(first + ahead * 1_000_000),
            "value": point.get("out_Quantity.quantity", point.get("quantity")),
            "quality": point.get("out_Quantity.quality", point.get("quality", "A04")),
        }
