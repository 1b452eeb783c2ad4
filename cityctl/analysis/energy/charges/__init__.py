"""Bills as tables, and the use that they rest on."""
