"""Asks a service for one window, page by page; each answer lands on disk before anything reads it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cityctl.collect.intake import Intake
from cityctl.collect.plan import Plan, Task
from cityctl.collect.watermark import Window
from cityctl.disk import share, write_atomic
from cityctl.errors import InputRefused
from cityctl.exports.asking import Ask
from cityctl.exports.http import Answer, Client
from cityctl.exports.http.body import strong_validator
from cityctl.exports.landing import Landed, Landing
from cityctl.exports.paging import Page, Pages

_SHORTEST = timedelta(minutes=1)  # of a window that is cut because it brings too much
_REMEMBERED = 1000  # requests whose answers' ETag is kept


class _TooMuch(Exception):
    """The service asks for a shorter window."""


@dataclass
class Seen:
    """What answered a request last, and how to ask whether it changed (ETag, Last-Modified)."""

    path: Path
    known: dict[str, dict[str, str]] = field(default_factory=dict)
    changed: bool = False

    @classmethod
    def read(cls, folder: Path, service: str) -> Seen:
        """As it was kept; a file that is damaged is worth nothing, and costs a full answer only."""
        path = folder / f"{service}.seen.json"
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                path, {str(key): {str(k): str(v) for k, v in entry.items()} for key, entry in told.items()}
            )
        except (OSError, ValueError, AttributeError):
            return cls(path)

    def headers(self, asked: Ask, landing: Landing) -> dict[str, str]:
        """Ask for what changed alone, where what came before is still there."""
        entry = self.known.get(_key(asked))
        if entry is None or landing.find(entry["sha256"]) is None:
            return {}
        names = (("etag", "If-None-Match"), ("modified", "If-Modified-Since"))
        return {header: entry[name] for name, header in names if entry.get(name)}

    def last(self, asked: Ask, landing: Landing) -> Landed | None:
        """What came before."""
        sha256 = self.known.get(_key(asked), {}).get("sha256", "")
        path = landing.find(sha256) if sha256 else None
        return Landed(sha256, 0, path) if path is not None else None

    def keep(self, asked: Ask, headers: Mapping[str, str], landed: Landed) -> None:
        """What came now."""
        etag = headers.get("etag", "")
        modified = headers.get("last-modified", "") if etag or strong_validator(headers) else ""
        if etag or modified:
            self.known.pop(_key(asked), None)
            self.known[_key(asked)] = {"etag": etag, "modified": modified, "sha256": landed.sha256}
            self.changed = True

    def write(self) -> None:
        """Keep it for the next run."""
        if self.changed:
            latest = dict(list(self.known.items())[-_REMEMBERED:])
            write_atomic(self.path, (json.dumps(latest, indent=1) + "\n").encode(), rights=share)
            self.changed = False


def _key(asked: Ask) -> str:
    return hashlib.sha256(f"{asked.method} {asked.url}\n".encode() + (asked.body or b"")).hexdigest()[:32]


@dataclass
class Fetch:
    """Asks one service. `pages` counts the answers that brought content."""

    plan: Plan
    client: Client
    intake: Intake
    landing: Landing
    now: datetime
    seen: Seen | None = None
    pages: int = 0
    most: int | None = None  # readings that are enough (a preview)

    def window(self, task: Task, window: Window) -> bool:
        """Ask for a window to its last page; whether all of it is proven to be there.

        What came is held by the intake whatever ends the window early. Raises InputRefused and UsageProblem (this
        window cannot be had), Unreachable and CredentialsRefused (the service cannot).
        """
        paging = self.plan.connector.pagination
        pages = Pages(paging, self.plan.ask(task, window), self.plan.name)
        try:
            return self._pages(task, window, pages)
        except _TooMuch:
            middle = (window[0] + (window[1] - window[0]) / 2).replace(microsecond=0)
            if window[1] - window[0] < 2 * _SHORTEST:
                raise InputRefused(
                    f"{self.plan.name}: even a window of {window[1] - window[0]} brings too much at once",
                    hint="`pagination:` of the connector says how the service gives long answers",
                ) from None
            # Both halves: a first one that is not whole must not keep the second one from coming.
            return self.window(task, (window[0], middle)) & self.window(task, (middle, window[1]))

    def _pages(self, task: Task, window: Window, pages: Pages) -> bool:
        proven = True
        while (asked := pages.wanted()) is not None:
            came = self._ask(task, window, asked, pages.number)
            if came is None:
                continue
            answer, landed = came
            for source in self.intake.sources(landed):
                if pages.is_list(source):
                    continue
                spool = self.intake.parse(task, source)
                full = pages.paging.full
                if pages.paging.kind == "windows" and full and spool.found >= full:
                    spool.close()
                    raise _TooMuch
                self.intake.hold(task, source, spool)
                proven &= answer.proven or self.plan.connector.answer.proof == "format"
                if self.most is not None and spool.readings >= self.most:
                    return proven
                link = answer.headers.get("link", "")
                pages.came(Page(answer.address, link, landed.sha256, source, spool.found, spool.signature()))
                if spool.following and pages.paging.kind in ("none", "windows", "list"):
                    raise InputRefused(
                        f"{self.plan.name}: its answer goes on at another address, and the connector does not say how",
                        hint="`pagination: {kind: json_link, next: ..}` of the connector",
                    )
        return proven

    def _ask(self, task: Task, window: Window, asked: Ask, number: int) -> tuple[Answer, Landed] | None:
        """One request; None where the service says that there is nothing."""
        content, paging = self.plan.connector.answer, self.plan.connector.pagination
        silent = frozenset([*content.no_data, *content.unknown_series, *paging.too_much])
        conditional = self.seen if paging.kind != "link_header" and asked.method == "GET" else None
        headers = {**asked.headers, **(conditional.headers(asked, self.landing) if conditional else {})}
        with self.landing.draft() as draft:
            answer = self.client.fetch(
                asked.url, draft, headers=headers, accept=silent, method=asked.method, body=asked.body
            )
            self.plan.answered += 1
            if answer.status == 304 and conditional is not None:
                before = conditional.last(asked, self.landing)
                if before is not None:
                    self._note(task, window, number, answer, before)
                    return answer, before
                raise InputRefused(
                    f"{self.plan.name}: it answered 304, and what it means is not there any more"
                )
            if answer.status in paging.too_much:
                raise _TooMuch
            if answer.status in content.no_data or answer.status == 204:
                return None
            if answer.status in content.unknown_series:
                if number > 1 and paging.kind in ("page", "offset"):
                    return None  # there is no page of that number: the one before was the last
                if number > 1:
                    raise InputRefused(
                        f"{self.plan.name}: it answered {answer.status} to page {number}, to which page {number - 1} "
                        "leads: the window will be pulled again",
                        hint="ask the service's operator; what came is kept",
                    )
                raise InputRefused(
                    f"{self.plan.name} knows no such series ({answer.status})",
                    hint=f"check `service: {self.plan.name}/{task.series}` in city.yaml",
                )
            landed = draft.keep(self._told(task, window, number, answer))
        self.pages += 1
        if conditional is not None and answer.proven:
            conditional.keep(asked, answer.headers, landed)
        return answer, landed

    def _note(self, task: Task, window: Window, number: int, answer: Answer, landed: Landed) -> None:
        """What is still the same answers another window too."""
        self.landing.list({"sha256": landed.sha256, **self._told(task, window, number, answer)})

    def _told(self, task: Task, window: Window, number: int, answer: Answer) -> dict[str, object]:
        return {
            "service": self.plan.name,
            "series": task.series,
            "url": answer.url,
            "page": number,
            "since": window[0].isoformat(),
            "until": window[1].isoformat(),
            "received": self.now.isoformat(),
            "status": answer.status,
            "content_type": answer.headers.get("content-type", ""),
            "etag": answer.headers.get("etag", ""),
            "proven": answer.proven,
        }
