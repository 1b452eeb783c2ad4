"""How leaks and night flow are said: columns, verdicts, tables."""
