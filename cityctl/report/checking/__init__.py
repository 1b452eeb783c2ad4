"""`cityctl check`: one Nagios line about a report, the readings' freshness, the devices or the store.

Each question is one module and loads what it needs alone: a monitor asks every minute.
"""
