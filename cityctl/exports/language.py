"""The language of service connectors: how an HTTP export is asked, and how its answers are read.

Placeholders such as `{series}` are exchanged by name; there is no template language.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from cityctl.city.fields import Duration, EncodingName, QuantityText, Strict, ZoneName, said_as_value_error
from cityctl.exports import formats
from cityctl.exports.tree import paths

Grade = Literal["good", "estimated", "suspect", "bad", "missing"]


def _known_format(name: str) -> str:
    formats.find(name)
    return name


def _known_path(text: str) -> str:
    paths.compiled(text)
    return text


FormatName = Annotated[str, AfterValidator(said_as_value_error(_known_format))]
PathText = Annotated[str, AfterValidator(said_as_value_error(_known_path))]
Paging = Literal[
    "none", "link_header", "atom_link", "json_link", "cursor", "page", "offset", "windows", "list"
]
Status = Annotated[int, Field(ge=200, le=599)]


class Parameter(Strict):
    """A word that city.yaml may set for a service, under `parameters:`."""

    meaning: str
    default: str | None = None
    required: bool = False


class Body(Strict):
    """What a request carries: a form, or a JSON document; placeholders stand in its texts."""

    form: dict[str, str] | None = None
    json_: Any = Field(None, alias="json")

    @model_validator(mode="after")
    def _one(self) -> Body:
        if (self.form is None) == (self.json_ is None):
            raise ValueError("expected `form` or `json`")
        return self


class Request(Strict):
    """What is asked, below the service's url."""

    method: Literal["GET", "POST"] = "GET"
    path: Annotated[
        str, Field(pattern=r"^/", description="below the service's url; {series} and the like stand in it")
    ]
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: Body | None = None
    time: str = Field(
        "iso", description="how {since} and {until} are written: iso, epoch, epoch_ms or a strftime pattern"
    )
    time_zone: ZoneName = Field("UTC", description="in which {since} and {until} are written")
    until: Literal["excluded", "included"] = Field(
        "excluded", description="whether the service takes {until} as part of the window"
    )
    overlap: Duration | None = Field(
        None,
        description="{since} is asked this much earlier, where a service may leave its first instant out",
    )

    @model_validator(mode="after")
    def _body_with_post(self) -> Request:
        if self.body is not None and self.method == "GET":
            raise ValueError("a `body` goes with `method: POST`")
        return self


class Auth(Strict):
    """How the service's secret is sent, or exchanged for a token."""

    kind: Literal["none", "basic", "bearer", "api_key", "oauth2_client", "oauth2_refresh"] = "none"
    header: str | None = Field(None, description="of an api_key, such as X-API-Key")
    query: str | None = Field(None, description="word of the query that holds an api_key")
    optional: bool = Field(False, description="only sent where city.yaml names a secret")
    sent_as: Literal["password", "user"] = Field("password", description="what the secret is, of kind basic")
    token: str | None = Field(
        None, description="where tokens are given: a path below the url, or a whole URL"
    )
    scope: str = Field("", description="of an oauth2 token")
    extra: dict[str, str] = Field({}, description="more words for the token's request, such as audience")
    client: Literal["basic", "body"] = Field(
        "basic", description="how client id (`user`) and client secret reach the token's giver"
    )

    @model_validator(mode="after")
    def _fits(self) -> Auth:
        places = (self.header is not None) + (self.query is not None)
        if (self.kind == "api_key") != (places == 1):
            raise ValueError(
                "a `header` or a `query` belongs to kind `api_key`, and one of them is needed there"
            )
        if self.kind.startswith("oauth2") != (self.token is not None):
            raise ValueError(
                "`token` belongs to the kinds oauth2_client and oauth2_refresh, and is needed there"
            )
        return self


class Window(Strict):
    """How the time is cut into requests, and what is asked again."""

    largest: Duration = Field(timedelta(days=31), description="of one request")
    first: Duration = Field(timedelta(days=30), description="how far back the first pull reaches")
    settle: Duration = Field(
        timedelta(days=7), description="this much before the watermark is pulled again for late data"
    )
    align: Literal["none", "day"] = Field(
        "none", description="day: windows are whole days of the request's time zone"
    )


class Pagination(Strict):
    """How an answer says that it goes on. A window is drained when the last page came."""

    kind: Paging = "none"
    next: PathText | None = Field(None, description="JMESPath of the next address (json_link) or cursor")
    parameter: str | None = Field(None, description="word of the query for a cursor, page or offset")
    first: int = Field(1, description="number of the first page")
    more: PathText | None = Field(None, description="JMESPath that is true while more pages follow")
    total: PathText | None = Field(None, description="JMESPath of the number of rows over all pages")
    rows: PathText | None = Field(None, description="JMESPath of a page's rows, to count them")
    links: PathText | None = Field(None, description="JMESPath of the addresses in a JSON list")
    full: int | None = Field(None, ge=1, description="windows: rows from which on an answer may be cut off")
    too_much: list[Status] = Field([], description="windows: statuses that ask for a shorter window")
    most: int = Field(10_000, ge=1, description="pages of one window")

    @model_validator(mode="after")
    def _needs(self) -> Pagination:
        needed = {
            "json_link": ("next",),
            "cursor": ("next", "parameter"),
            "page": ("parameter",),
            "offset": ("parameter", "rows"),
        }
        for name in needed.get(self.kind, ()):
            if getattr(self, name) is None:
                raise ValueError(f"pagination of kind `{self.kind}` needs `{name}`")
        if self.kind == "windows" and not (self.full or self.too_much):
            raise ValueError("pagination of kind `windows` needs `full` or `too_much`")
        if self.total is not None and self.rows is None:
            raise ValueError("`total` needs `rows`, to count them")
        return self


class Budget(Strict):
    """How often a service may be asked; all services of a run on one host share it."""

    requests: int = Field(ge=1)
    per: Duration


class Table(Strict):
    """How rows in an answer are written; see cityctl/exports/shape.py."""

    layout: Literal["auto", "long", "wide"] = "auto"
    rows: str | None = Field(
        None, description="JMESPath (XML: XPath) of the rows; `a > b` goes down level by level"
    )
    time: str | None = None
    point: str | None = None
    value: str | None = None
    quality: str | None = None
    qualities: dict[str, Grade] = {}
    unit: str | None = None
    unit_from: str | None = Field(None, description="where each row's unit stands")
    units: dict[str, str] = {}
    direction: str | None = None
    time_zone: str | None = None
    time_format: str | None = None
    stamp: str = Field("start", description="start or end: what a time says of its interval")
    every: str | None = None
    kind: str | None = None
    decimal: str | None = None
    delimiter: str | None = None
    encoding: EncodingName | None = None
    missing: list[float] = []


class Content(Strict):
    """What comes back."""

    format: FormatName
    no_data: list[Status] = Field([204], description='statuses that say "nothing in this window"')
    unknown_series: list[Annotated[int, Field(ge=400, le=499)]] = Field(
        [404], description="statuses that say that there is no such series"
    )
    proof: Literal["length", "format"] = Field(
        "length", description="what proves an answer's end: its length or coding, or the format itself"
    )
    table: Table = Table()

    @model_validator(mode="after")
    def _differ(self) -> Content:
        both = set(self.no_data) & set(self.unknown_series)
        if both and "unknown_series" in self.model_fields_set:
            raise ValueError(f"{sorted(both)[0]} stands in `no_data` and in `unknown_series`")
        return self


class Exchange(Strict):
    """A request and its answer; `{url}` in an answer is the service's address."""

    request: str = Field(description="GET /path?query, in plain text")
    status: Status = 200
    headers: dict[str, str] = {}
    body: str = ""


class Example(Strict):
    """What proves that the connector works: answers, and the readings that a pull takes from them."""

    series: str = Field(description="as it stands behind SERVICE/ in city.yaml")
    unit: str = Field(description="of the point")
    kind: Literal["gauge", "counter", "interval"] = "gauge"
    since: str
    until: str
    user: str | None = None
    parameters: dict[str, str] = {}
    answers: list[Exchange]
    readings: dict[str, float] = Field(description="instant: value, in the point's unit")


class Connector(Strict):
    """A service connector."""

    title: str
    summary: str = ""
    sources: list[str] = Field([], description="where the interface is described")
    parameters: dict[Annotated[str, Field(pattern=r"^[a-z]\w*$")], Parameter] = {}
    request: Request
    auth: Auth = Auth()
    window: Window = Window()
    pagination: Pagination = Pagination()
    budget: Budget | None = None
    answer: Content
    quantity: QuantityText | None = Field(None, description="of every series, where there is but one")
    example: Example | None = None

    @property
    def asks_by_series(self) -> bool:
        """Whether each series has its own request, or one request brings all."""
        return any("{series" in text for text in texts(self.request.model_dump()))


def texts(tree: Any) -> Iterator[str]:
    """All texts of a tree of mappings and lists."""
    if isinstance(tree, dict):
        for value in tree.values():
            yield from texts(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from texts(value)
    elif isinstance(tree, str):
        yield tree
