"""What reports found, over time: kept in the project's state, acknowledged, shelved, closed.

Knows results and files; opens no store and asks no analysis but through report/run.
"""
