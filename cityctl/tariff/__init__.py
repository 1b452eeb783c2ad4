"""Tariffs: what a use would cost, line by line."""
