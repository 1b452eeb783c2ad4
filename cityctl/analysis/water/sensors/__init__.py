"""A verdict on each sensor before any verdict on leaks. Numbers only."""
