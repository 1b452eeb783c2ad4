"""How a store shows itself to an engine: readings, amounts of counters, derived points, the city."""
