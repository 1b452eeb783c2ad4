"""Connectors of device models: their language, their points, and registers to values and back."""
