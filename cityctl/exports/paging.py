"""Pages: what to ask next, by what an answer says, and when to stop because it says the same again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cityctl.errors import InputRefused, Unreachable
from cityctl.exports.asking import Ask, with_word
from cityctl.exports.http.origin import joined
from cityctl.exports.language import Pagination
from cityctl.exports.secret import hide
from cityctl.exports.source import Source
from cityctl.exports.tree import jsons, paths
from cityctl.wording import counted

EMPTY_IN_A_ROW = 100  # some services answer a filter with a few empty pages before one that holds something


@dataclass(frozen=True)
class Page:
    """A page that came: where from, its Link header, its content, and how many readings were found in it.

    `signature` is the same for pages of the same readings; empty where there are none.
    """

    address: str
    link: str
    sha256: str
    source: Source
    readings: int
    signature: str = ""


@dataclass
class Pages:
    """The pages of one window. `wanted` is the next request, None when the last page came."""

    paging: Pagination
    first: Ask
    service: str
    number: int = 0
    _queue: list[Ask] = field(default_factory=list)
    _asked: set[str] = field(default_factory=set)
    _seen: dict[str, int] = field(default_factory=dict)
    _rows: int = 0
    _empty: int = 0
    _total: int | None = None

    def __post_init__(self) -> None:
        first = self.first
        if self.paging.kind in ("page", "offset") and self.paging.parameter:
            start = self.paging.first if self.paging.kind == "page" else 0
            first = with_word(first, self.paging.parameter, str(start))
        self._put(first)

    def wanted(self) -> Ask | None:
        """The next request. Raises InputRefused where there are more than can be."""
        if not self._queue:
            return None
        if self.number >= self.paging.most:
            raise InputRefused(
                f"{self.service}: more than {self.paging.most} pages for one window: stopped, and the window will be "
                "pulled again",
                hint="`window: {largest: ..}` or `pagination: {most: ..}` of the connector",
            )
        self.number += 1
        return self._queue.pop(0)

    def is_list(self, source: Source) -> bool:
        """Whether an answer holds no readings but the addresses of answers that do; those are asked next."""

        def links() -> Iterator[str]:
            if self.paging.links is None:
                yield from _batch_list(source)
                return
            found = paths.compiled(self.paging.links).search(jsons.document(source))
            if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
                raise InputRefused(f"{source.name}: `{self.paging.links}` finds no list of addresses in it")
            yield from found

        if self.paging.kind != "list" or self.number > 1:
            return False
        if self.paging.links is None and not re.search(rb"<(?:\w+:)?BatchList[\s>/]", source.head(4096)):
            return False
        for link in links():
            self._put(Ask(joined(self.first.url, link), self.first.headers))
        return True

    def came(self, page: Page) -> None:
        """A page came: what follows it? Raises InputRefused where it is a page that came before."""
        kind = self.paging.kind
        before = self._seen.setdefault(page.sha256, self.number)
        if page.signature and kind != "list":  # the same readings, under a link to a next page that changes
            before = min(before, self._seen.setdefault(page.signature, self.number))
        ends = kind in ("page", "offset") and self._ends(page)
        if before != self.number and not ends and kind not in ("none", "windows"):
            raise InputRefused(
                f"{self.service}: page {self.number} is page {before} again: stopped, and the window will be pulled "
                "again",
                hint="ask the service's operator; what came is kept",
            )
        if ends or kind in ("none", "windows", "list"):
            return
        asked = self._following(page)
        if asked is not None:
            self._check_empty(page)
            self._put(asked)

    def _check_empty(self, page: Page) -> None:
        """Raises InputRefused where one empty page after the other leads to the next."""
        self._empty = 0 if page.readings else self._empty + 1
        if self._empty >= EMPTY_IN_A_ROW:
            raise InputRefused(
                f"{self.service}: {self._empty} pages in a row without a reading, and each leads to another: stopped "
                f"at page {self.number}, and the window will be pulled again",
                hint="ask the service's operator; what came is kept",
            )

    def _put(self, asked: Ask) -> None:
        if asked.url in self._asked:
            raise InputRefused(
                f"{self.service}: page {self.number} leads back to a page that came before, {hide(asked.url)}: "
                "stopped, and the window will be pulled again",
                hint="ask the service's operator; what came is kept",
            )
        self._asked.add(asked.url)
        self._queue.append(asked)

    def _ends(self, page: Page) -> bool:
        """Whether no page follows one that was asked for by number."""
        paging = self.paging
        count = page.readings
        if paging.rows is not None:
            found = paths.compiled(paging.rows).search(jsons.document(page.source))
            count = len(found) if isinstance(found, list) else 0
        self._rows += count
        if paging.more is not None:
            return not paths.compiled(paging.more).search(jsons.document(page.source))
        if paging.total is not None:
            total = _count(paths.compiled(paging.total).search(jsons.document(page.source)))
            self._check_total(total, ended=not count)
            if total is not None and count:
                return self._rows >= total
        # A page that is not full may still be followed by others: services cap a page below what is asked for.
        return count == 0

    def _check_total(self, total: int | None, *, ended: bool) -> None:
        """Raises InputRefused where rows slipped through between two pages, or the last ones never came."""
        before, self._total = self._total, total
        why = ""
        if total is not None and before is not None and total < before:
            shrank = f"its list shrank from {before} to {counted(total, 'row')} while it was read"
            why = f"{shrank}, and rows may have slipped through"
        elif ended and total is not None and self._rows < total:
            why = f"its list has {counted(total, 'row')}, and {self._rows} came before an empty page"
        if why:
            raise InputRefused(
                f"{self.service}: {why}: stopped at page {self.number}, and the window will be pulled again",
                hint="what came is kept; where it is so each time, ask the service's operator what its total counts, "
                "or leave `pagination: {total: ..}` out of the connector",
            )

    def _following(self, page: Page) -> Ask | None:
        paging = self.paging
        if paging.kind == "page":
            return with_word(self.first, paging.parameter or "", str(paging.first + self.number))
        if paging.kind == "offset":
            return with_word(self.first, paging.parameter or "", str(self._rows))
        if paging.kind == "cursor":
            cursor = scalar(page.source, paging.next or "")
            if paging.more is not None and not paths.compiled(paging.more).search(
                jsons.document(page.source)
            ):
                return None
            if cursor in (None, "", False):
                return None
            return with_word(self.first, paging.parameter or "", str(cursor))
        link = self._link(page)
        if not link:
            return None
        return Ask(joined(page.address, link), self.first.headers)

    def _link(self, page: Page) -> str:
        if self.paging.kind == "link_header":
            return next_of_header(page.link)
        if self.paging.kind == "atom_link":
            return _atom_next(page.source)
        found = scalar(page.source, self.paging.next or "")
        if found in (None, "", False):
            return ""
        if not isinstance(found, str):
            raise Unreachable(f"{self.service}: the next page's address is no text: {hide(str(found))[:80]}")
        return found


def _count(said: Any) -> int | None:
    """A number of rows, also where it is written as text."""
    if isinstance(said, str) and said.strip().isdecimal():
        return int(said)
    return int(said) if isinstance(said, int | float) and not isinstance(said, bool) else None


def next_of_header(text: str) -> str:
    """The address with rel="next" in a Link header (RFC 8288); empty where there is none."""
    for target, words in re.findall(
        r"<([^>]*)>((?:\s*;\s*[^;,=\"\s]+(?:\s*=\s*(?:\"[^\"]*\"|[^;,\"]*))?)*)", text
    ):
        for relation in re.findall(r";\s*rel\s*=\s*(\"[^\"]*\"|[^\s;,]+)", words, re.I):
            if "next" in relation.strip('"').lower().split():
                return str(target)
    return ""


_PLAIN = re.compile(r'(?:[A-Za-z_]\w*|"[^"\\]+")(?:\.(?:[A-Za-z_]\w*|"[^"\\]+"))*')


def scalar(source: Source, expression: str) -> Any:
    """What a JMESPath expression finds in a document; a plain path is looked up without holding the document."""
    if not _PLAIN.fullmatch(expression):
        return paths.compiled(expression).search(jsons.document(source))
    head, complete = jsons.start(source)
    if complete:
        return paths.compiled(expression).search(jsons.parse(source.name, head))
    wanted = ".".join(
        quoted or plain for plain, quoted in re.findall(r'([A-Za-z_]\w*)|"([^"]+)"', expression)
    )
    for found in jsons.items(source, wanted):
        return found
    return None


def _atom_next(source: Source) -> str:
    """The address of the next page of an Atom feed (RFC 5005): a link of the feed itself, before its entries."""
    with source.stream() as stream:
        head = stream.read(1 << 16)
    feed = re.split(rb"<(?:[\w-]+:)?entry[\s>]", head, maxsplit=1)[0]
    for link in re.findall(rb"<(?:[\w-]+:)?link\b[^>]*>", feed):
        words = dict(re.findall(rb"(\w+)\s*=\s*[\"']([^\"']*)[\"']", link))
        if words.get(b"rel") == b"next":
            return str(words.get(b"href", b"").decode("utf-8", "replace")).replace("&amp;", "&")
    return ""


def _batch_list(source: Source) -> Iterator[str]:
    """The addresses in an ESPI BatchList. Raises InputRefused where it is cut, or holds a DOCTYPE."""
    with source.stream() as stream:
        data = stream.read(4 << 20)
    if b"<!DOCTYPE" in data or not re.search(rb"</(?:[\w-]+:)?BatchList\s*>\s*$", data):
        raise InputRefused(f"{source.name}: no sound BatchList: it is cut short or holds a DOCTYPE")
    for link in re.findall(rb"<(?:[\w-]+:)?resources\s*>\s*([^<]+?)\s*</", data):
        yield link.decode("utf-8", "replace").replace("&amp;", "&")
