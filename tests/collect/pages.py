"""Ten readings, an hour apart, as pages of JSON rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.http_service import send

DAY = datetime(2026, 11, 22, tzinfo=UTC)
ROWS = [{"t": f"{DAY + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}", "v": float(hour)} for hour in range(10)]


def page(
    handler: BaseHTTPRequestHandler, rows: list[Any], headers: dict[str, str] | None = None, **more: Any
) -> None:
    send(handler, json.dumps({"rows": rows, **more}).encode(), **(headers or {}))


def query(handler: BaseHTTPRequestHandler) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(handler.path).query).items()}


def by_next(handler: BaseHTTPRequestHandler) -> None:
    at = int(query(handler).get("at", 0))
    page(handler, ROWS[at : at + 4], links={"next": f"/A?at={at + 4}" if at + 4 < 10 else None})
