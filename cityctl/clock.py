"""Time as people say it, as half-open intervals of UTC.

A closed grammar, no guessing. Times are UTC inside and the city's time zone at the edge; a local day has 23,
24 or 25 hours. Asks no clock itself: `now` is always given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from cityctl.errors import UsageProblem

GRAMMAR = (
    "2026-11-15 · 2026-11-15T06:30 · 2026-11-15T06:30Z · 2026-11 · 2026 · now · today · yesterday · "
    "this-week · last-week · this-month · last-month · this-year · last-year · 90m · 36h · 7d · 2w"
)

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|min|h|d|w)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


@dataclass(frozen=True)
class Interval:
    """From `start` up to, and without, `end`: aware UTC instants, shown in `zone`."""

    start: datetime
    end: datetime
    zone: tzinfo

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("an interval's ends must be aware of their time zone")

    @property
    def zone_name(self) -> str:
        """The time zone's name, such as Europe/Berlin."""
        return getattr(self.zone, "key", None) or str(self.zone)

    @property
    def length(self) -> timedelta:
        """Elapsed time: 23 or 25 hours for a day on which the clocks change."""
        return self.end - self.start

    def __str__(self) -> str:
        first, last = (moment.astimezone(self.zone) for moment in (self.start, self.end))
        return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}, {self.zone_name}"


def duration(text: str) -> timedelta:
    """`15m`, `36h`, `7d`, `1h30m` as elapsed time. Raises UsageProblem."""
    said = text.strip().lower().replace(" ", "")
    parts = _DURATION.findall(said)
    if not parts or "".join(number + unit for number, unit in parts) != said:
        raise UsageProblem(f"`{text}` is no duration", hint="write 30s, 15m, 36h, 7d, 2w or 1h30m")
    return timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in parts))


def short(length: timedelta) -> str:
    """A duration as people write it: 15m, 1h, 7d, 1h30m."""
    seconds = round(length.total_seconds())
    said = ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        amount, seconds = divmod(seconds, size)
        if amount:
            said += f"{amount}{unit}"
    return said or "0s"


def midnight(day: date, zone: tzinfo) -> datetime:
    """The UTC instant at which a local day begins; where midnight is skipped, the first instant after it."""
    # fold=0 of a wall time inside a gap maps to the instant that the clocks jump at, or after it.
    local = datetime.combine(day, time(), tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).date() < day:
        instant = local.replace(fold=1).astimezone(UTC)
    return instant


def local_days(interval: Interval) -> list[tuple[date, datetime, datetime]]:
    """(local day, its UTC start, its UTC end) of each local day that the interval touches."""
    day = interval.start.astimezone(interval.zone).date()
    days: list[tuple[date, datetime, datetime]] = []
    while (begin := midnight(day, interval.zone)) < interval.end:
        following = day + timedelta(days=1)
        days.append((day, begin, midnight(following, interval.zone)))
        day = following
    return days


def _months_on(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _named(word: str, today: date) -> tuple[date, date] | None:
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    one = timedelta(days=1)
    year = date(today.year, 1, 1)
    spans = {
        "today": (today, today + one),
        "yesterday": (today - one, today),
        "tomorrow": (today + one, today + 2 * one),
        "this-week": (monday, monday + timedelta(days=7)),
        "last-week": (monday - timedelta(days=7), monday),
        "this-month": (first, _months_on(first, 1)),
        "last-month": (_months_on(first, -1), first),
        "this-year": (year, date(today.year + 1, 1, 1)),
        "last-year": (date(today.year - 1, 1, 1), year),
    }
    return spans.get(word)


def _calendar(text: str) -> tuple[date, date] | None:
    """A year, month or day written in figures, as the days it spans."""
    try:
        if re.fullmatch(r"\d{4}", text):
            return date(int(text), 1, 1), date(int(text) + 1, 1, 1)
        if re.fullmatch(r"\d{4}-\d{2}", text):
            first = date(int(text[:4]), int(text[5:]), 1)
            return first, _months_on(first, 1)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = date.fromisoformat(text)
            return day, day + timedelta(days=1)
    except (ValueError, OverflowError):
        raise UsageProblem(f"`{text}` is not in the calendar", hint="write 2026-11-15 or 2026-11") from None
    return None


def _moment(text: str, zone: tzinfo) -> datetime | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?", text):
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as problem:
        raise UsageProblem(f"`{text}` is no instant: {problem}", hint="write 2026-11-15T06:30") from None
    if parsed.tzinfo is not None:
        return parsed.astimezone(UTC)
    local = parsed.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != parsed:
        raise UsageProblem(
            f"`{text}` does not exist in {getattr(zone, 'key', zone)}: the clocks skip it",
            hint="add an offset, such as 2026-03-29T03:30+02:00",
        )
    return local.astimezone(UTC)


def _edge(text: str, zone: tzinfo, now: datetime, *, at_end: bool) -> datetime:
    """The instant that a word of the grammar means as a start, or as an end."""
    said = text.strip()
    word = said.lower().replace("_", "-")
    if word == "now":
        return now
    span = _named(word, now.astimezone(zone).date()) or _calendar(said)
    if span is not None:
        return midnight(span[1] if at_end else span[0], zone)
    moment = _moment(said.upper() if said.endswith("z") else said, zone)
    if moment is not None:
        return moment
    if _DURATION.match(word):
        return _back(word, zone, now)
    raise UsageProblem(f"`{text}` is no time that cityctl knows", hint=f"write one of: {GRAMMAR}")


def _back(word: str, zone: tzinfo, now: datetime) -> datetime:
    """Whole days and weeks go back by the local calendar (to the same wall time), hours by elapsed time."""
    whole = re.fullmatch(r"(\d+)([dw])", word)
    try:
        if whole:
            days = int(whole[1]) * (7 if whole[2] == "w" else 1)
            wall = now.astimezone(zone) - timedelta(days=days)  # wall-clock arithmetic
            return wall.astimezone(UTC)
        return now - duration(word)
    except OverflowError:
        raise UsageProblem(f"`{word}` reaches before the calendar begins") from None


def interval(
    since: str | None,
    until: str | None,
    last: str | None,
    *,
    zone: tzinfo,
    now: datetime,
    default: str = "7d",
) -> Interval:
    """What --since, --until and --last mean together, half-open, in the city's time zone.

    `--since` alone reaches until now. `--last` (or the default) is an amount of time up to `--until` or now, or a
    named span such as `last-week`; a bare `--until` date is that day's end. Raises UsageProblem.
    """
    if last is not None and since is not None:
        raise UsageProblem(
            "--last and --since exclude each other", hint="use --since with --until, or --last alone"
        )
    if since is not None:
        begin = _edge(since, zone, now, at_end=False)
        end = now if until is None else _edge(until, zone, now, at_end=True)
    else:
        word = (last if last is not None else default).strip().lower().replace("_", "-")
        end = _edge(until, zone, now, at_end=True) if until is not None else now
        named = _named(word, now.astimezone(zone).date()) or _calendar(word)
        if named is not None and until is None:
            begin, end = midnight(named[0], zone), midnight(named[1], zone)
        elif named is not None:
            raise UsageProblem(
                f"--last {word} and --until exclude each other", hint="use --since with --until"
            )
        else:
            duration(word)
            begin = _back(word, zone, end)
    if begin >= end:
        raise UsageProblem(
            f"the interval is empty: {Interval(begin, end, zone)}", hint="--since must lie before --until"
        )
    return Interval(begin.astimezone(UTC), end.astimezone(UTC), zone)


def zone_named(name: str) -> ZoneInfo:
    """The IANA time zone of that name. Raises UsageProblem with the near match."""
    from zoneinfo import ZoneInfoNotFoundError, available_timezones

    from cityctl.errors import near

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        match = near(name, available_timezones())
        hint = f"did you mean `{match}`?" if match else "write an IANA name such as Europe/Berlin"
        raise UsageProblem(f"`{name}` is no time zone", hint=hint) from None
