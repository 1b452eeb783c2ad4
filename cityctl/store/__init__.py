"""Readings on disk: immutable Parquet segments, the list of them, and a landing for polls.

Knows points and readings; knows no device, no service, no analysis and no terminal.
"""

from __future__ import annotations

from cityctl.store.balance import Balance, Rejection, SeriesBalance
from cityctl.store.store import Store

__all__ = ["Balance", "Rejection", "SeriesBalance", "Store"]
