"""Exports that are trees: JSON documents and XML, read safely and in bounded memory. Knows no format."""
