"""HTTP that survives: one answer, whole and proven, or the reason why not.

One module of this room speaks to httpx (wire.py). The others know when to wait, to resume, to renew a token and to
give up, and which origin may see credentials. Knows no format and no store.
"""

from cityctl.exports.http.budget import Budgets, Rate
from cityctl.exports.http.client import Answer, Client, Forbidden
from cityctl.exports.http.origin import origin
from cityctl.exports.http.patience import Away, Patience
from cityctl.exports.http.proof import Credentials, Proof, Standing
from cityctl.exports.http.unpack import Bounds, Sink
from cityctl.exports.http.wire import Tls

__all__ = [
    "Answer",
    "Away",
    "Bounds",
    "Budgets",
    "Client",
    "Credentials",
    "Forbidden",
    "Patience",
    "Proof",
    "Rate",
    "Sink",
    "Standing",
    "Tls",
    "origin",
]
