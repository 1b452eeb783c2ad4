"""How long lights burn, and when the sun is down."""
