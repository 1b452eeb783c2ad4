"""What proves who asks: headers and words of the query that only the service's own origin may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cityctl.exports.secret import Secret


@dataclass(frozen=True)
class Proof:
    """Secrets to send, by the name of a header or of a word of the query."""

    headers: Mapping[str, Secret] = field(default_factory=dict)
    query: Mapping[str, Secret] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.headers or self.query)


class Credentials(Protocol):
    """Gives the proof, and another one where the service refused it as too old."""

    def proof(self) -> Proof: ...

    def renew(self) -> bool: ...


@dataclass(frozen=True)
class Standing:
    """Credentials that stay as they are."""

    told: Proof = field(default_factory=Proof)

    def proof(self) -> Proof:
        """Always the same."""
        return self.told

    def renew(self) -> bool:
        """There is no other."""
        return False
