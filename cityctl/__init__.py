"""cityctl: the command line of a city's water and energy networks."""

__version__ = "0.1.0"
