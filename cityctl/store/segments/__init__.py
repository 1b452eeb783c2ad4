"""Immutable segments and the list of them: written, merged, rolled up, dropped."""
