"""Meter exports: HTTP services and file formats, as series and readings.

Parsing is pure (bytes in, Arrow columns out): it knows no store, no city and no network. One module (http.py)
talks to the network, and it knows no format.
"""
