"""The http step: one URL fetched, its answer dropped. A notice to somebody, or a look that must be answered."""

from __future__ import annotations

from cityctl.errors import CityctlError
from cityctl.runbook.act import Failed

_MOST = 1 << 20  # bytes of an answer that nobody reads


class _Nowhere:
    """Takes bytes and forgets them."""

    def write(self, data: bytes) -> int:
        """Say that they were taken."""
        return len(data)

    def restart(self) -> None:
        """There is nothing to forget."""


def fetch(url: str, within: float) -> None:
    """Fetch a URL within so many seconds, once. Raises Failed where it is not answered with success."""
    from cityctl.exports.http import Bounds, Client, Patience

    patience = Patience(connect=min(within, 10.0), read=within, total=within, tries=1)
    try:
        with Client(url, "runbook", patience=patience, bounds=Bounds(wire=_MOST, decoded=_MOST)) as client:
            client.fetch(url, _Nowhere())
    except CityctlError as problem:
        raise Failed(f"http: {problem.message}") from None
