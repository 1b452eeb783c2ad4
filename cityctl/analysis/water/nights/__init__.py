"""Readings reduced to nights, month by month, and laid out as arrays."""
