"""Where SQL runs: embedded DuckDB, in memory only, over files that others list.

Knows tables and SQL; knows no city, no store and no report.
"""
