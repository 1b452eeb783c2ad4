"""What follows a page, by header, by Atom link and in large documents."""

from __future__ import annotations

import pytest

from cityctl.errors import InputRefused
from cityctl.exports import paging
from cityctl.exports.asking import Ask
from cityctl.exports.language import Pagination
from cityctl.exports.paging import Pages, next_of_header, scalar
from cityctl.exports.source import Source


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ('<https://a/x?page=2>; rel="next"', "https://a/x?page=2"),
        ('<https://a/1>; rel="prev", <https://a/3>; rel="next"', "https://a/3"),
        ("</x,y;z?a=1,2>; rel=next", "/x,y;z?a=1,2"),
        ('</n>; title="a, b; rel=no"; rel="last next"', "/n"),
        ("</n> ; REL=Next", "/n"),
        ('</n>; rel="nextish"', ""),
        ('</n>; title="rel=next"', ""),
        ("", ""),
    ],
)
def test_the_next_of_a_link_header(text: str, target: str) -> None:
    """Forms from RFC 8288, sections 3 and 3.5, and what GitHub and Rails services send."""
    assert next_of_header(text) == target


@pytest.mark.parametrize("rows", [1, 33 << 10])
def test_a_path_is_found_in_small_and_large_documents(rows: int) -> None:
    """The large one, of 33 MB, is read as a stream: it is more than is held at once."""
    inside = ",".join([f'"{"x" * 1021}"'] * rows)
    text = f'{{"rows": [{inside}], "links": {{"next": "/b"}}, "@iot.nextLink": "/c", "none": null}}'
    source = Source("page", data=text.encode())
    assert scalar(source, "links.next") == "/b"
    assert scalar(source, '"@iot.nextLink"') == "/c"
    assert scalar(source, "none") is None
    assert scalar(source, "absent.deep") is None


def test_an_atom_feed_says_its_next_page_before_its_entries() -> None:
    link = '<f:link href="/p?a=1&amp;b=2" rel="next"/>'
    feed = '<f:feed xmlns:f="http://www.w3.org/2005/Atom">' + link + "<f:entry>{}</f:entry></f:feed>"
    assert paging._atom_next(Source("feed", data=feed.format("").encode())) == "/p?a=1&b=2"
    inner = feed.replace(link, "").format('<f:link rel="next" href="/no"/>')
    assert paging._atom_next(Source("feed", data=inner.encode())) == ""


@pytest.mark.parametrize(
    "text", ["<BatchList><resources>/a</resources>", "<!DOCTYPE x [<!ENTITY y 'z'>]><BatchList></BatchList>"]
)
def test_a_batch_list_that_is_cut_or_holds_a_doctype_is_refused(text: str) -> None:
    pages = Pages(Pagination(kind="list"), Ask("http://a/bulk"), "s")
    pages.wanted()
    with pytest.raises(InputRefused, match="no sound BatchList"):
        pages.is_list(Source("list", data=text.encode()))


def test_a_json_list_of_addresses() -> None:
    pages = Pages(Pagination(kind="list", links="files[].href"), Ask("http://a/bulk"), "s")
    assert pages.wanted() == Ask("http://a/bulk")
    assert pages.is_list(Source("list", data=b'{"files": [{"href": "/f/1"}, {"href": "f/2"}]}'))
    assert [asked.url for asked in (pages.wanted(), pages.wanted()) if asked] == [
        "http://a/f/1",
        "http://a/f/2",
    ]
    assert pages.wanted() is None


def test_a_list_that_names_one_address_twice_is_refused() -> None:
    pages = Pages(Pagination(kind="list", links="@"), Ask("http://a/bulk"), "s")
    pages.wanted()
    with pytest.raises(InputRefused, match="leads back"):
        pages.is_list(Source("list", data=b'["/f/1", "/f/1"]'))
